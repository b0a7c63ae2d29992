"""The archive of delivered messages on a Redis Cluster: what masctl hands to the gateways is replayed, once."""

import json
import os

from harness import main, poll_until
from harness.gateway_cluster_case import PARTITIONS, GatewayClusterCase


class ReplayTest(GatewayClusterCase):
    def start_gateway(self, **config):
        path = self.dir / "archive.key"
        if not path.exists():
            path.write_bytes(os.urandom(32))
            path.chmod(0o600)
        return super().start_gateway(archive={"encryption_key_file": str(path)}, **config)

    def deliver(self, senders, count):
        """@return the ids of messages to bob that were delivered."""
        ids = []
        for sender in senders:
            for _ in range(count):
                envelopes = [sender.envelope("bob", n=n) for n in range(5)]
                self.assertEqual(sender.send_until_decided(*envelopes).decisions(), ["ALLOWED"] * 5)
                ids += [json.loads(envelope)["message_id"] for envelope in envelopes]
        return ids

    def settled(self):
        keys = [f"{name}:{{{p}}}" for p in range(PARTITIONS) for name in ("mas.replay", "mas.ingress")]
        return not any(self.cluster.cmd("LLEN", key) for key in keys)

    def replayed(self, bob):
        return [envelope["message_id"] for entry in bob.entries() for flags, _, envelope in entry if flags == 2]

    def wait_replayed(self, bob, ids):
        poll_until(lambda: self.settled() and len(self.replayed(bob)) >= len(ids), 30,
                   lambda: f"{len(ids)} are replayed: {len(self.replayed(bob))}")
        self.assertEqual(sorted(self.replayed(bob)), sorted(ids))

    def test_messages_of_all_partitions_are_replayed_once(self):
        bob, senders = self.peer("bob"), self.senders()
        ids = self.deliver(senders, 2)
        told = json.loads(self.ctl("archive", "replay", "--all", "--dry-run", "--json"))
        self.assertEqual((told["messages"], self.operator_records()), (30, []))
        one = json.loads(self.ctl("archive", "list", "--id", ids[0], "--json"))["records"][0]["record"]
        self.ctl("archive", "replay", one, "--by", "ann")
        self.wait_replayed(bob, ids[:1])
        record, = self.operator_records()
        self.assertEqual((record["who"], record["action"], record["object"]),
                         ("ann", "archive.replay", f"mas.replay:{{{senders[0].partition}}}"))
        self.assertEqual(json.loads(self.ctl("archive", "replay", "--target", "bob", "--json"))["messages"], 30)
        self.wait_replayed(bob, ids[:1] + ids)
        self.assertEqual(len(json.loads(self.ctl("archive", "list", "--json"))["records"]), 30)  # replays are not archived
        self.verify()

    def test_nothing_is_handed_over_while_the_number_of_partitions_is_being_changed(self):
        self.peer("bob")
        self.deliver(self.senders()[:1], 1)
        self.cluster.cmd("HSET", "mas.config", "partitions", "changing:32:32")
        self.assertIn("run masctl partitions set 32 to finish it", self.ctl("archive", "replay", "--all", code=1))
        self.assertTrue(self.settled())

    def test_a_gateway_that_is_killed_and_slots_that_move_lose_and_double_none(self):
        bob, senders = self.peer("bob"), self.senders()
        ids = self.deliver(senders, 20)
        self.assertEqual(json.loads(self.ctl("archive", "replay", "--all", "--json"))["messages"], len(ids))
        for sender in senders:
            some = len(self.replayed(bob))
            poll_until(lambda: self.settled() or len(self.replayed(bob)) > some, 30, "the replay goes on, or is over")
            key = f"mas.replay:{{{sender.partition}}}"
            with self.cluster.moving(key, self.away_from(key)):
                self.gateway.kill()
                self.gateway = self.daemon("mas-gatewayd", self.cluster, {
                    "lease": {"ttl": "2s"}, "archive": {"encryption_key_file": str(self.dir / "archive.key")}}).start()
        self.gateway.wait_ready()
        self.wait_replayed(bob, ids)

    def test_senders_that_are_in_other_partitions_than_they_were(self):
        bob, senders = self.peer("bob"), self.senders()
        ids = self.deliver(senders, 1)
        self.gateway.stop()
        self.cluster.cmd("HSET", "mas.config", "partitions", PARTITIONS // 2)
        self.assertTrue(any(sender.partition >= PARTITIONS // 2 for sender in senders))
        self.gateway = self.start_gateway()
        self.assertEqual(json.loads(self.ctl("archive", "replay", "--all", "--json"))["messages"], len(ids))
        self.wait_replayed(bob, ids)

        with self.subTest("a request in another partition is refused in words"):
            sender = senders[0]
            home = sender.partition % (PARTITIONS // 2)
            name = json.loads(self.ctl("archive", "list", "--id", ids[0], "--json"))["records"][0]["record"]
            self.cluster.cmd("RPUSH", f"mas.replay:{{{(home + 1) % 8}}}", f"archive:{name}")
            self.gateway.wait_log("archive_replay_refused")
            self.assertIn(f"mas.replay:{{{home}}}", self.gateway.logged("archive_replay_refused")[0])
            poll_until(self.settled, 10, "the request is gone")
            self.assertEqual(len(self.replayed(bob)), len(ids))


if __name__ == "__main__":
    main()
