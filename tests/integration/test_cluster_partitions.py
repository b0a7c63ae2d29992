"""masctl partitions set on a Redis Cluster: what senders and retries have goes to other slots, and nothing is lost."""

import json
import random
import struct
import time

from harness import main, poll_until
from harness.gateway_cluster_case import PARTITIONS, GatewayClusterCase
from harness.gateway_peer import fnv1a64, record, text16
from harness.masctl_case import FAILED

SENDERS = 3000


class PartitionsCase(GatewayClusterCase):
    def set(self, number, code=0):
        return self.ctl("partitions", "set", str(number), code=code)

    def agreed(self):
        return self.cluster.cmd("HGET", "mas.config", "partitions")

    def stop_gateway(self):
        self.gateway.stop()
        leased = lambda: any(self.cluster.cmd("EXISTS", f"mas.lease:{{{p}}}") for p in range(PARTITIONS))
        poll_until(lambda: not leased(), 10, "the leases are given back")

    def handle(self, peer):
        """All that waits for it is handled."""
        for key in self.cluster.scan(f"agent.stream:{peer.id}*"):
            self.cluster.cmd("XTRIM", key, "MAXLEN", "0")

    def fill(self):
        """States of senders, as if a gateway had written them. @return all of them."""
        fields = {f"sender-{n}/{n:032x}": str(n) for n in range(SENDERS)}
        by_partition = {}
        for field, value in fields.items():
            by_partition.setdefault(fnv1a64(field.split("/")[0]) % PARTITIONS, []).extend([field, value])
        for p, words in by_partition.items():
            self.cluster.cmd("HSET", f"mas.sender:{{{p}}}", *words)
        return fields

    def states(self):
        """{partition: {field: value}}"""
        found = {}
        for p in range(64):
            flat = self.cluster.cmd("HGETALL", f"mas.sender:{{{p}}}")
            pairs = flat.items() if isinstance(flat, dict) else zip(flat[::2], flat[1::2])
            if fields := dict(pairs):
                found[p] = fields
        return found

    def check_states(self, fields, partitions):
        states = self.states()
        for p, there in states.items():
            self.assertEqual({fnv1a64(field.split("/")[0]) % partitions for field in there}, {p})
        self.assertEqual({field: value for there in states.values() for field, value in there.items()}, fields)


class ChangeTest(PartitionsCase):
    config = {"retry": {"attempts": 5, "base": "30m", "cap": "1h"}}

    def test_senders_and_retries_follow_their_partitions(self):
        senders = self.senders()
        self.assertTrue(any(sender.partition >= 4 for sender in senders))
        bob = self.peer("bob")
        decided = {}
        for sender in senders:
            frame = sender.frame([record(sender.envelope("bob"))], sender.next)
            sender.push(frame)
            self.assertEqual(sender.receipt().decisions(), ["ALLOWED"])
            decided[sender] = frame
            sender.next += 1
        self.assertIn("gateways run; stop all of them first", self.set(4, FAILED))
        entry, _ = self.cluster.cmd("XRANGE", f"agent.stream:bob:{{{senders[0].partition}}}", "-", "+")[0]
        report = record(struct.pack("<BBII", 2, 2, 0, 0) + text16(entry.encode()) + text16(b"it fails") +
                        struct.pack("<I", senders[0].partition), flags=8)
        bob.push(bob.frame([report], bob.next))
        self.assertEqual(bob.receipt().decisions(), ["ALLOWED"])
        self.assertEqual(self.cluster.cmd("ZCARD", f"mas.retry:{{{bob.partition}}}"), 1)
        self.stop_gateway()
        self.assertIn("messages wait for 'bob'", self.set(4, FAILED))
        self.assertEqual(self.agreed(), "16")
        self.handle(bob)
        senders[1].push(senders[1].frame([record(senders[1].envelope("bob"))], senders[1].next))  # nobody decides it
        self.assertEqual(self.set(4), "4 partitions, 16 before; start the gateways again\n")
        self.assertEqual(self.cluster.cmd("LLEN", f"mas.ingress:{{{senders[1].partition}}}"), 0)
        self.assertEqual([self.cluster.cmd("ZCARD", f"mas.retry:{{{p}}}") for p in range(16)],
                         [int(p == fnv1a64("bob") % 4) for p in range(16)])
        detail = self.operator_records()[-1]
        self.assertEqual((detail["action"], detail["detail"]), ("partitions.set", "partitions=4, before 16"))

        self.gateway = self.start_gateway()
        self.assertEqual(len(self.gateway.ready()[1]["deciding"]), 4)
        for sender in senders:
            sender.partition = fnv1a64(sender.id) % 4
            sender.push(sender.frame([record(sender.envelope("bob"))], sender.next - 1))  # numbers that were decided
            receipt = sender.receipt()
            self.assertEqual((receipt.sequence, bob.messages()), (sender.next - 1, []), "it is known, and not doubled")
        for sender in senders:
            self.assertEqual(sender.send(sender.envelope("bob")).decisions(), ["ALLOWED"])
        self.assertEqual(len(bob.messages()), len(senders))
        self.verify()

    def test_before_the_first_gateway_and_to_more(self):
        self.stop_gateway()
        self.cluster.cmd("HDEL", "mas.config", "partitions")
        self.assertIn("32 partitions, 0 before", self.set(32))
        self.assertIn("64 partitions, 32 before", self.set(64))
        self.gateway = self.start_gateway()
        self.assertEqual(len(self.gateway.ready()[1]["deciding"]), 64)

    def test_what_would_be_lost_is_refused(self):
        self.stop_gateway()
        self.cluster.cmd("XADD", "dlq:messages:{9}", "1-1", "reason", "why")
        self.assertIn("1 dead letters are in partition 9", self.set(8, FAILED))
        self.cluster.cmd("RPUSH", "mas.replay:{9}", "1-1")
        self.assertIn("requests for replay wait in partition 9", self.set(32, FAILED))
        self.cluster.cmd("DEL", "mas.replay:{9}")
        self.cluster.cmd("SET", "mas.lease:{3}", "somebody", "PX", "60000")
        self.assertIn("the lease of partition 3 has not ended", self.set(32, FAILED))
        self.cluster.cmd("DEL", "mas.lease:{3}")
        self.cluster.cmd("SET", "mas.lease:partitions", "somebody", "PX", "60000")
        self.assertIn("somebody else", self.set(32, FAILED))
        self.cluster.cmd("DEL", "mas.lease:partitions")
        self.assertEqual((self.agreed(), self.operator_records()), ("16", []))
        self.set(32)  # its dead letter stays where it is


class MarkTest(PartitionsCase):
    def test_every_command_tells_that_the_number_is_being_changed(self):
        self.stop_gateway()
        self.cluster.cmd("HSET", "mas.config", "partitions", "changing:5:48")
        shown = json.loads(self.ctl("partitions", "show", "--json"))
        self.assertEqual((len(shown["partitions"]), shown["changing_to"]), (48, 5))
        for command in (("partitions", "show"), ("top", "--once")):
            done = self.masctl(*command, redis=self.cluster)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("the number of partitions is being changed to 5", done.stdout + done.stderr)
        envelope = self.dir / "envelope.json"
        envelope.write_bytes(self.peer("alice").envelope("bob"))
        for command in (("explain", "--message", envelope), ("acl-audit",), ("dlq", "replay", "3:1-1"),
                        ("archive", "replay", "--all")):
            if command[0] == "dlq":
                self.cluster.cmd("XADD", "dlq:messages:{3}", "1-1", "reason", "why")
            self.assertIn("run masctl partitions set 5 to finish it", self.ctl(*command, code=FAILED))
        self.ctl("audit", "tail")
        self.ctl("dlq", "drop", "--all")
        self.cluster.cmd("HSET", "mas.config", "partitions", "many")
        for command in (("partitions", "show"), ("top", "--once"), ("partitions", "set", "8")):
            self.assertIn("mas.config has partitions 'many'", self.ctl(*command, code=FAILED))


class FaultTest(PartitionsCase):
    def setUp(self):
        super().setUp()
        self.stop_gateway()
        self.fields = self.fill()

    def test_a_change_that_was_killed_goes_on(self):
        unfinished = 0
        numbers = [4, 48, 7, 16, 1, 33]
        for n in range(24):
            number = numbers[n % len(numbers)]
            process = self.process("masctl", "partitions", "set", str(number), "--redis", self.cluster.url()).start()
            time.sleep(random.uniform(0.005, 0.25))
            process.kill()
            unfinished += self.agreed().startswith("changing:")
            there = {field: value for fields in self.states().values() for field, value in fields.items()}
            self.assertEqual(there, self.fields, f"after round {n}")
            self.cluster.cmd("DEL", "mas.lease:partitions")  # it would end in a minute
        self.assertGreater(unfinished, 0)
        self.cluster.cmd("HSET", "mas.config", "partitions", "changing:5:48")
        gateway = self.daemon("mas-gatewayd", self.cluster).start()
        poll_until(lambda: "changing:5:48" in json.dumps(gateway.ready()[1]), 20, lambda: f"it waits: {gateway.ready()}")
        self.assertIn("gateways run", self.set(6, FAILED))
        self.assertEqual(self.agreed(), "changing:5:48")
        gateway.stop()
        self.assertIn("changing:5:48", self.ctl("agents", "forget", "bob", code=FAILED))
        self.set(6)
        self.assertEqual(self.agreed(), "6")
        self.check_states(self.fields, 6)

    def caught(self, number, condition):
        """A command that is suspended as soon as the condition holds."""
        process = self.process("masctl", "partitions", "set", str(number), "--redis", self.cluster.url()).start()
        while process.running() and not condition():
            pass
        process.pause()
        return process

    def test_a_command_that_was_suspended_moves_nothing_any_more(self):
        other = 48
        for _ in range(10):
            process = self.caught(32, lambda: self.agreed().startswith("changing:"))
            self.cluster.cmd("DEL", "mas.lease:partitions")  # it ends in a minute
            under_way = self.agreed().startswith("changing:")
            self.set(other)
            process.resume()
            code = process.wait(30)
            self.assertEqual(self.agreed(), str(other))
            self.check_states(self.fields, other)
            if under_way and code != 0:
                return self.assertRegex(process.err(), "somebody else|lease of the change was lost|FENCED")
            other = 16 if other == 48 else 48
        self.fail("no command was suspended while it moved")

    def test_the_lease_is_renewed_while_it_looks(self):
        home = self.cluster.primary_of("{3}")
        with home.client() as client:
            client.pipeline([("XGROUP", "CREATE", f"agent.stream:a-{n}:{{3}}", "agents", "0", "MKSTREAM") for n in range(8000)])
        key = "mas.lease:partitions"
        with self.cluster.primary_of(key).client() as client:
            process = self.caught(32, lambda: client.cmd("EXISTS", key))
            client.cmd("PEXPIRE", key, 20_000)
            poll_until(lambda: client.cmd("PTTL", key) < 18_800, 5, "a renewal is due")
            process.resume()
            poll_until(lambda: client.cmd("PTTL", key) > 30_000, 10, "it is renewed", 0.001)
        self.assertEqual(self.agreed(), "16", "nothing has been changed yet")
        self.assertIn("somebody else", self.set(4, FAILED))
        self.assertEqual(process.wait(30), 0)
        self.check_states(self.fields, 32)

    def test_a_mark_that_a_fail_over_could_lose_is_taken_back(self):
        home = self.cluster.primary_of("mas.config")
        replica = self.cluster.replica_of(home)
        replica.pause()
        self.assertIn("0 of the 1 replicas of", self.set(4, FAILED))
        self.assertEqual((self.agreed(), self.cluster.cmd("EXISTS", "mas.lease:partitions")), ("16", 0))
        self.check_states(self.fields, 16)
        replica.resume()
        poll_until(lambda: home.cmd("WAIT", 1, 1000) == 1, 20, "the replica follows again")
        self.set(4)
        self.check_states(self.fields, 4)

    def test_while_slots_move(self):
        key = "mas.sender:{3}"
        with self.cluster.moving(key, self.away_from(key)):
            self.assertIn("slots of the cluster are moving", self.set(4, FAILED))
            self.assertEqual(self.agreed(), "16")
        self.set(4)
        self.check_states(self.fields, 4)
        process = self.process("masctl", "partitions", "set", "32", "--timeout", "20", "--redis", self.cluster.url()).start()
        self.cluster.move(key, self.away_from(key))
        if process.wait(60) != 0:  # it saw the slot move
            self.assertIn("slots of the cluster are moving", process.err())
            self.set(32)
        self.check_states(self.fields, 32)

    def test_after_a_primary_has_died(self):
        victim = self.cluster.primary_of("mas.sender:{3}")
        victim.cmd("WAIT", 1, 1000)
        replica = self.cluster.replica_of(victim)
        victim.kill()
        early = self.masctl("partitions", "set", "4", redis=self.cluster, timeout=60)
        if early.returncode != 0:
            self.assertIn("masctl: ", early.stderr)
            self.assertEqual(self.agreed_when_served(replica), "16")
            self.cluster.cmd("DEL", "mas.lease:partitions")
            self.set(4)
        self.check_states(self.fields, 4)

    def agreed_when_served(self, replica):
        poll_until(lambda: self.cluster._own_slots(replica), 30, "the replica serves", 0.1)
        return self.agreed()


if __name__ == "__main__":
    main()
