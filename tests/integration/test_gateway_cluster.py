"""mas-gatewayd on a Redis Cluster of three primaries with a replica each."""

import collections
import json
import struct
import threading
import time

from harness import main, poll_until
from harness.gateway_cluster_case import PARTITIONS, GatewayClusterCase
from harness.gateway_peer import failure_report, record, text16


class GatewayClusterTest(GatewayClusterCase):
    def test_messages_of_every_partition_reach_their_target(self):
        bob = self.peer("bob")
        for sender in self.senders():
            receipt = sender.send(sender.envelope("bob", n=1), sender.envelope("bob", n=2))
            self.assertEqual(receipt.decisions(), ["ALLOWED", "ALLOWED"])
            entries = bob.entries(partition=sender.partition)
            self.assertEqual([envelope["sender_id"] for entry in entries for _, _, envelope in entry], [sender.id] * 2)
            self.assertEqual(bob.woken.message(5), f"{sender.partition} normal")
            self.assertEqual(self.cluster.cmd("LLEN", f"mas.ingress:{{{sender.partition}}}"), 0)
            self.assertEqual(self.cluster.cmd("XLEN", f"mas.audit:{{{sender.partition}}}"), 1)
        self.verify()
        self.assertEqual(set(self.audited()), {message["message_id"] for message in bob.messages()})

    def test_refusals_and_dead_letters_are_of_the_partition(self):
        alice = self.peer("alice")
        self.assertEqual(alice.send(alice.envelope("nobody")).decisions(), ["TARGET_NOT_FOUND"])
        alice.push(b"no frame")
        key = f"dlq:unproven:{{{alice.partition}}}"
        poll_until(lambda: self.cluster.cmd("XLEN", key) == 1, 10, "it is kept apart")

    def test_a_rule_that_changes_counts_at_once(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.cluster.cmd("SADD", "agent:{alice}:blocked_targets", "bob")
        end = time.monotonic() + 2
        while (decision := alice.send(alice.envelope("bob")).decisions()) != ["AUTHZ_DENIED"]:
            self.assertLess(time.monotonic(), end, decision)
        self.cluster.cmd("DEL", "agent:{alice}:blocked_targets")
        poll_until(lambda: alice.send(alice.envelope("bob")).decisions() == ["ALLOWED"], 5, "it is allowed again")

    def test_two_gateways_share_the_partitions(self):
        other = self.start_gateway()
        shares = lambda: [len(gateway.ready()[1].get("deciding", [])) for gateway in (self.gateway, other)]
        poll_until(lambda: shares() == [PARTITIONS // 2] * 2, 20, lambda: f"each has half: {shares()}")
        bob = self.peer("bob")
        senders = self.senders()
        self.gateway.kill()
        for sender in senders:
            sender.send_until_decided(sender.envelope("bob"))
        self.assertEqual(len(bob.messages()), len(senders))

    def test_slots_of_partitions_and_rules_move(self):
        bob, senders = self.peer("bob"), self.senders()
        sent = 0
        for sender in senders:
            for key in (f"mas.ingress:{{{sender.partition}}}", f"agent:{{{sender.id}}}", "mas.config"):
                for _ in range(3):
                    sender.send_until_decided(sender.envelope("bob", n=sent))
                    sent += 1
                origin = self.cluster.primary_of(key)
                self.cluster.move(key, next(node for node in self.cluster.primaries() if node is not origin))
        ids = [message["message_id"] for message in bob.messages()]
        self.assertEqual((len(ids), len(set(ids))), (sent, sent))
        self.verify()
        self.cluster.cmd("SADD", f"agent:{{{senders[0].id}}}:blocked_targets", "bob")
        poll_until(lambda: senders[0].send(senders[0].envelope("bob")).decisions() == ["AUTHZ_DENIED"], 3,
                   "the rule that was made at the new node counts")


class FailedHandlerTest(GatewayClusterCase):
    config = {"retry": {"attempts": 2, "base": "50ms", "cap": "100ms"}}

    def report(self, reporter, partition, entry, lane=2):
        """Says that the handler of the first message of an entry failed, in the stream of that partition's senders."""
        reason = text16(b"it fails")
        report = record(struct.pack("<BBII", 2, lane, 0, 0) + text16(entry.encode()) + reason + struct.pack("<I", partition),
                        flags=8)
        reporter.push(reporter.frame([report], reporter.next))
        receipt = reporter.receipt()
        reporter.next += 1
        return receipt.decisions()

    def entry_ids(self, peer, partition):
        return [entry for entry, _ in self.cluster.cmd("XRANGE", f"agent.stream:{peer.id}:{{{partition}}}", "-", "+")]

    def letters(self, partition):
        entries = self.cluster.cmd("XRANGE", f"dlq:messages:{{{partition}}}", "-", "+")
        return {entry: dict(zip(fields[::2], fields[1::2])) for entry, fields in entries}

    def test_a_message_is_delivered_again_given_up_and_replayed(self):
        alice, bob = self.senders()[:2]  # of partitions in different nodes
        self.assertEqual(alice.send(alice.envelope(bob.id)).decisions(), ["ALLOWED"])
        first, = self.entry_ids(bob, alice.partition)
        self.assertEqual(self.report(bob, alice.partition, first), ["ALLOWED"])
        poll_until(lambda: len(self.entry_ids(bob, bob.partition)) == 1, 10, "it is delivered again, in bob's partition")
        again, = self.entry_ids(bob, bob.partition)
        self.assertEqual(bob.woken.message(5), f"{alice.partition} normal")
        self.assertEqual(bob.woken.message(5), f"{bob.partition} normal")
        self.assertEqual(self.report(bob, bob.partition, again), ["ALLOWED"])
        poll_until(lambda: self.letters(bob.partition), 10, "it is given up")
        self.assertEqual(self.entry_ids(bob, bob.partition), [])  # it went with the letter
        letter, = self.letters(bob.partition)
        self.assertEqual(self.letters(bob.partition)[letter]["sender"], alice.id)

        self.cluster.cmd("RPUSH", f"mas.replay:{{{bob.partition}}}", letter)
        poll_until(lambda: len(self.entry_ids(bob, alice.partition)) == 2, 10, "it is replayed, in its sender's partition")
        poll_until(lambda: not self.letters(bob.partition), 10, "the letter is gone")
        self.assertEqual(self.cluster.cmd("LLEN", f"mas.replay:{{{bob.partition}}}"), 0)

    def test_reports_about_streams_that_are_not_there(self):
        alice = self.peer("alice")
        self.assertEqual(self.report(alice, 999, "1-1"), ["MALFORMED"])
        alice.push(alice.frame([failure_report("1-1", 0)], alice.next))  # as on one server
        self.assertEqual(alice.receipt().decisions(), ["MALFORMED"])

    def test_an_entry_in_another_slot_goes_after_the_commit(self):
        """What was delivered again in one partition is reported to the gateway of another: partitions were changed."""
        alice, bob = self.senders()[:2]
        self.assertEqual(alice.send(alice.envelope(bob.id)).decisions(), ["ALLOWED"])
        first, = self.entry_ids(bob, alice.partition)
        self.report(bob, alice.partition, first)
        poll_until(lambda: len(self.entry_ids(bob, bob.partition)) == 1, 10, "it is delivered again")
        fields = self.cluster.cmd("XRANGE", f"agent.stream:{bob.id}:{{{bob.partition}}}", "-", "+")[0][1]
        self.cluster.cmd("XADD", f"agent.stream:{bob.id}:{{{alice.partition}}}", "*",
                         *[field.encode("utf-8", "surrogateescape") for field in fields])
        moved = self.entry_ids(bob, alice.partition)[-1]
        self.assertEqual(self.report(bob, alice.partition, moved), ["ALLOWED"])
        poll_until(lambda: self.letters(bob.partition), 10, "it is given up")
        poll_until(lambda: moved not in self.entry_ids(bob, alice.partition), 5, "its entry is gone")


class Load:
    """Senders that each have one frame on its way at any time, until stop()."""

    def __init__(self, senders, target):
        self.sent = [[] for _ in senders]
        self.errors = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(sender, target, sent))
                         for sender, sent in zip(senders, self.sent)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def accepted(self):
        return [message_id for sent in self.sent for message_id in sent]

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, sender, target, sent):
        try:
            while not self._stop.is_set():
                envelopes = [sender.envelope(target) for _ in range(5)]
                receipt = sender.send_until_decided(*envelopes)
                for envelope, decision in zip(envelopes, receipt.decisions()):
                    if decision == "ALLOWED":
                        sent.append(json.loads(envelope)["message_id"])
                time.sleep(0.01)
        except BaseException as error:  # told by the test
            self.errors.append(error)


class GatewayClusterLossTest(GatewayClusterCase):
    options = {"appendonly": "yes", "min_replicas_to_write": "1", "min_replicas_max_lag": "10"}
    config = {
  "delivery" : { "wait_replicas" : 1 }}

    def ledger(self, bob, load):
        """Accepted messages are in the target's streams, once; each that is there is audited, once."""
        self.assertEqual(load.errors, [])
        accepted = load.accepted()
        in_streams = collections.Counter(message["message_id"] for message in bob.messages())
        lost = [message_id for message_id in accepted if in_streams[message_id] == 0]
        doubled = [message_id for message_id, times in in_streams.items() if times > 1]
        audited = self.audited()
        unaudited = [message_id for message_id in in_streams if audited[message_id] != 1]
        self.assertEqual((lost, doubled, unaudited), ([], [], []), f"of {len(accepted)}")
        self.verify()
        return accepted

    def test_a_primary_dies_under_load(self):
        bob, senders = self.peer("bob"), self.senders()
        load = Load(senders, "bob").start()
        self.addCleanup(load.stop)
        poll_until(lambda: all(len(sent) > 20 for sent in load.sent), 20, "messages flow")
        victim = self.cluster.primary_of(f"mas.ingress:{{{senders[0].partition}}}")
        self.cluster.fail_over(victim)
        before = [len(sent) for sent in load.sent]
        victim.start()  # as a replica, so that receipts find one
        poll_until(lambda: all(len(sent) > n + 20 for sent, n in zip(load.sent, before)), 60, "messages flow again")
        load.stop()
        self.assertGreater(len(self.ledger(bob, load)), 100)

    def test_slots_move_under_load(self):
        bob, senders = self.peer("bob"), self.senders()
        load = Load(senders, "bob").start()
        self.addCleanup(load.stop)
        for sender in senders:
            before = [len(sent) for sent in load.sent]
            key = f"mas.ingress:{{{sender.partition}}}"
            origin = self.cluster.primary_of(key)
            self.cluster.move(key, next(node for node in self.cluster.primaries() if node is not origin))
            poll_until(lambda: all(len(sent) > n + 20 for sent, n in zip(load.sent, before)), 60, "messages flow")
        load.stop()
        self.assertGreater(len(self.ledger(bob, load)), 100)

    def test_a_primary_hands_over_under_load(self):
        """CLUSTER FAILOVER closes no connection."""
        bob, senders = self.peer("bob"), self.senders()
        load = Load(senders, "bob").start()
        self.addCleanup(load.stop)
        poll_until(lambda: all(len(sent) > 20 for sent in load.sent), 20, "messages flow")
        key = f"mas.ingress:{{{senders[0].partition}}}"
        origin = self.cluster.primary_of(key)
        self.cluster.replica_of(origin).cmd("CLUSTER", "FAILOVER")
        poll_until(lambda: self.cluster.primary_of(key) is not origin, 20, "the replica serves")
        before = [len(sent) for sent in load.sent]
        poll_until(lambda: all(len(sent) > n + 20 for sent, n in zip(load.sent, before)), 60, "messages flow again")
        load.stop()
        self.ledger(bob, load)


if __name__ == "__main__":
    main()
