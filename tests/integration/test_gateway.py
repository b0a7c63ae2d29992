"""What the gateway decides and delivers, seen by a peer that was written from the protocol's text alone."""

import time

from harness import MasTestCase, for_each, main, poll_until
from harness.gateway_case import QUICK, GatewayCase
from harness.gateway_peer import GatewayPeer, fnv1a64, record


class DeliveryTest(GatewayCase):
    def test_a_message_arrives_and_its_sender_is_told(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        receipt = alice.send(alice.envelope("bob", "greeting", {"text": "hä?", "n": 12345678901234567890}))
        self.assertEqual((receipt.kind, receipt.sequence, receipt.decisions()), (1, 1, ["ALLOWED"]))
        got = bob.wait_messages(1)
        self.assertEqual((got[0]["sender_id"], got[0]["message_type"]), ("alice", "greeting"))
        self.assertEqual(got[0]["data"], {"text": "hä?", "n": 12345678901234567890})
        self.assertEqual(self.redis.cmd("LLEN", f"mas.ingress:{{{alice.partition}}}"), 0)

    def test_order_and_batches(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        for first in range(0, 300, 100):
            receipt = alice.send(*[alice.envelope("bob", data={"n": n}) for n in range(first, first + 100)])
            self.assertEqual(receipt.decisions(), ["ALLOWED"] * 100)
        self.assertEqual([m["data"]["n"] for m in bob.wait_messages(300)], list(range(300)))
        self.assertLess(len(bob.entries()), 10, "what is decided together lies in one entry")

    def test_lanes(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        for lane in ("critical", "high", "low", "bulk"):
            alice.send(alice.envelope("bob", priority=lane))
            self.assertEqual(len(bob.wait_messages(1, f":{lane}")), 1)
        alice.send(alice.envelope("bob", priority="no such"))
        self.assertEqual(len(bob.wait_messages(1)), 1)

    def test_targets_that_are_not_there(self):
        alice = self.peer("alice")
        self.peer("sleeper", active=False)
        self.redis.cmd("HSET", "agent:p2p", "id", "p2p", "status", "ACTIVE")
        receipt = alice.send(*[alice.envelope(target) for target in ("nobody", "p2p", "not an id", "sleeper")])
        self.assertEqual(receipt.decisions(),
                         ["TARGET_NOT_FOUND", "TARGET_NOT_FOUND", "TARGET_NOT_FOUND", "QUEUED_OFFLINE"])
        self.assertIn("gateway mode", receipt.outcomes[1][2])
        late = self.peer("nobody")
        self.eventually(lambda: alice.send(alice.envelope("nobody")), "ALLOWED")
        self.assertEqual(len(late.messages()), 1)

    def test_replies_come_back_to_the_instance_that_asked(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        self.redis.cmd("SADD", "agent:bob:allowed_targets", "carol")  # bob may not send to alice by himself
        alice.send(alice.envelope("bob", "question", correlation_id="c1", expects_reply=True))
        bob.wait_messages(1)
        ticket = bob.entries()[0][0][1]
        self.assertEqual(len(ticket), 56)
        answer = bob.envelope("alice", "answer", {"n": 42}, correlation_id="c1", is_reply=True)
        self.assertEqual(bob.send(answer).decisions(), ["AUTHZ_DENIED"], "without a ticket")
        self.assertEqual(bob.send(answer, ticket=ticket).decisions(), ["ALLOWED"])
        replies = alice.wait_messages(1, f":@{alice.instance.hex()}")
        self.assertEqual(replies[0]["data"], {"n": 42})
        # The instance is gone, for all that the gateway knows: its stream does not stay for ever.
        stream = f"agent.stream:alice:@{alice.instance.hex()}"
        self.assertTrue(0 < self.redis.cmd("PTTL", stream) <= 60_000)
        self.redis.cmd("PEXPIRE", stream, 5_000_000)
        self.assertEqual(bob.send(answer, ticket=ticket).decisions(), ["ALLOWED"], "a ticket is good for several replies")
        self.assertGreater(self.redis.cmd("PTTL", stream), 60_000, "who renews it knows better")
        self.redis.cmd("PEXPIRE", stream, 3_000)
        self.assertEqual(bob.send(answer, ticket=ticket).decisions(), ["ALLOWED"])
        self.assertLessEqual(self.redis.cmd("PTTL", stream), 3_000)
        self.assertEqual(self.redis.cmd("PTTL", "agent.stream:bob"), -1, "a lane stays")

        other = bob.envelope("alice", "answer", correlation_id="c2", is_reply=True)
        self.assertEqual(bob.send(other, ticket=ticket).decisions(), ["AUTHZ_DENIED"], "for another conversation")
        forged = bytes([ticket[0] ^ 1]) + ticket[1:]
        self.assertEqual(bob.send(answer, ticket=forged).decisions(), ["AUTHZ_DENIED"], "another instance")
        self.redis.cmd("SADD", "agent:bob:blocked_targets", "alice")
        self.eventually(lambda: bob.send(answer, ticket=ticket), "AUTHZ_DENIED")

    def test_deadlines_and_hops(self):
        alice = self.peer("alice")
        self.peer("bob")
        receipt = alice.send(alice.envelope("bob", deadline=time.time() - 1), alice.envelope("bob", deadline=time.time() + 60),
                             alice.envelope("bob", hops=33), alice.envelope("bob", hops=32))
        self.assertEqual(receipt.decisions(), ["EXPIRED", "ALLOWED", "LOOP_DETECTED", "ALLOWED"])
        past = [alice.envelope("bob", deadline=deadline) for deadline in (0, 0.0, -1, -1e300, "0", 1)]
        self.assertEqual(alice.send(*past).decisions(), ["EXPIRED"] * len(past), "what is given counts")
        self.assertEqual(alice.send(alice.envelope("bob", deadline=None), alice.envelope("bob")).decisions(), ["ALLOWED"] * 2)


class SequenceTest(GatewayCase):
    def test_what_was_decided_is_not_decided_again(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        messages = [alice.envelope("bob"), alice.envelope("nobody"), alice.envelope("bob")]
        first = alice.send(*messages)
        self.assertEqual(first.decisions(), ["ALLOWED", "TARGET_NOT_FOUND", "ALLOWED"])
        again = alice.send(*messages, sequence=1)
        self.assertEqual(again.decisions(), first.decisions())
        self.assertEqual(len(bob.wait_messages(2)), 2)
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_repeated_messages_total"], 3)

    def test_fifty_copies_change_nothing(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        frame = alice.frame([record(alice.envelope("bob"))], 1)
        for _ in range(50):
            alice.push(frame)
        for _ in range(50):
            self.assertEqual(alice.receipt().decisions(), ["ALLOWED"])
        self.assertEqual(len(bob.wait_messages(1)), 1)

    def test_a_gap_decides_nothing(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        alice.send(alice.envelope("bob"))
        receipt = alice.send(alice.envelope("bob"), sequence=5)
        self.assertEqual((receipt.kind, receipt.sequence), (2, 2))
        overlap = alice.send(*[alice.envelope("bob") for _ in range(3)], sequence=1)
        self.assertEqual(overlap.decisions(), ["ALLOWED"] * 3)
        self.assertEqual(len(bob.wait_messages(3)), 3)

    def test_memory_survives_the_gateway(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        messages = [alice.envelope("bob"), alice.envelope("nobody")]
        alice.send(*messages)
        self.gateway.kill()
        self.start_gateway()
        self.assertEqual(alice.send(*messages, sequence=1).decisions(), ["ALLOWED", "TARGET_NOT_FOUND"])
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.assertEqual(len(bob.wait_messages(2)), 2)


class RefusalTest(GatewayCase):
    def test_credentials(self):
        alice = self.peer("alice")
        self.peer("bob")
        alice.token = "another"
        receipt = alice.send(alice.envelope("bob"))
        self.assertEqual((receipt.kind, receipt.decisions()), (3, ["AUTH_FAILED"]))
        stranger = self.peer("mallory", register=False)
        self.assertEqual(stranger.send(stranger.envelope("bob")).decisions(), ["AUTH_FAILED"])
        alice.token = "token-of-alice"
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"], "no number was used")

    def test_another_agent_s_token(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        alice.token = bob.token
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["AUTH_FAILED"])
        alice.token = "token-of-alice"
        as_bob = bob.envelope("alice")
        self.assertEqual(alice.send(as_bob).decisions(), ["MALFORMED"], "the envelope names another sender")

    def test_timestamps_outside_the_window(self):
        alice = self.peer("alice")
        self.peer("bob")
        for away in (-301, 301):
            self.assertEqual(alice.send(alice.envelope("bob"), timestamp=time.time() + away).decisions(), ["REPLAYED"])

    def test_another_s_partition(self):
        alice = self.peer("alice")
        alice.push(alice.frame([record(alice.envelope("alice"))], 1), (alice.partition + 1) % 16)
        self.assertEqual(alice.receipt().decisions(), ["UNAVAILABLE"])

    def test_poison_is_kept_and_blocks_nothing(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        poison = [b"", b"\x00", b"garbage" * 100, alice.frame([record(alice.envelope("bob"))], 1)[:-3], b"\x01" * 40,
                  alice.frame([record(alice.envelope("bob"))], 0)]
        for element in poison:
            self.redis.cmd("RPUSH", f"mas.ingress:{{{alice.partition}}}", element)
        poll_until(lambda: self.redis.cmd("XLEN", "dlq:unproven") == len(poison), 10, "poison is kept")
        self.assertEqual(self.redis.cmd("EXISTS", "dlq:messages"), 0, "apart from what proven senders sent")
        receipts = [alice.receipt() for _ in range(2)]
        self.assertEqual([r.decisions() for r in receipts], [["MALFORMED"]] * 2)
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.assertEqual(len(bob.wait_messages(1)), 1)
        letters = [entry[1] for entry in self.redis.cmd("XRANGE", "dlq:unproven", "-", "+")]
        letters = [dict(zip(letter[::2], letter[1::2])) for letter in letters]
        self.assertEqual(letters[2]["payload"], "garbage" * 100)
        self.assertIn("sender not proven: frame:", letters[2]["reason"])
        self.assertEqual((letters[3]["claimed"], letters[3].get("sender")), ("alice", None), "nobody is blamed")

    def test_queues_that_take_nothing_block_nobody(self):
        """What cannot be kept is refused all the same, its sender is told, and it is audited; nobody else waits."""
        alice, bob, carol, dave = (self.peer(name) for name in ("alice", "bob", "carol", "dave"))
        closed = "mas_gatewayd_dead_letters_not_kept_total"
        queues = ("dlq:messages", "dlq:unproven")
        for broken in (("SET", "another type"), ("XADD", "18446744073709551615-18446744073709551615", "x", "y")):
            for queue in queues:
                self.redis.cmd(broken[0], queue, *broken[1:])
            self.redis.cmd("SET", "agent.stream:bob", "another type")
            before = self.gateway.metrics().get(closed, 0)
            self.redis.cmd("RPUSH", f"mas.ingress:{{{alice.partition}}}", b"poison")
            self.assertEqual(alice.send(alice.envelope("bob"), alice.envelope("carol")).decisions(), ["UNAVAILABLE", "ALLOWED"])
            self.assertEqual(dave.send(dave.envelope("carol")).decisions(), ["ALLOWED"])
            self.assertEqual(self.gateway.metrics()[closed] - before, 2)
            # Later, and however much of it there is: not a turn lost for each.
            dropped = self.gateway.metrics()["mas_gatewayd_dropped_turns_total"]
            for _ in range(20):
                self.redis.cmd("RPUSH", f"mas.ingress:{{{alice.partition}}}", b"poison")
                self.assertEqual(alice.send(alice.envelope("carol")).decisions(), ["ALLOWED"])
            self.assertLessEqual(self.gateway.metrics()["mas_gatewayd_dropped_turns_total"] - dropped, 1)
            self.assertEqual(self.gateway.ready()[0], True)
            self.redis.cmd("DEL", *queues)

            def is_kept():
                self.redis.cmd("RPUSH", f"mas.ingress:{{{alice.partition}}}", b"poison")
                alice.send(alice.envelope("carol"))
                return self.redis.cmd("XLEN", "dlq:unproven")
            poll_until(is_kept, 15, "what is no frame is kept again")
            self.redis.cmd("DEL", *queues)
        self.assertEqual(self.masctl("audit", "verify", redis=self.redis).returncode, 0)

    def test_envelopes_that_are_none(self):
        alice = self.peer("alice")
        self.peer("bob")
        good = alice.envelope("bob")
        receipt = alice.send(b"{}", b"", good[:-1], good, b"[" * 100_000)
        self.assertEqual(receipt.decisions(), ["MALFORMED", "MALFORMED", "MALFORMED", "ALLOWED", "MALFORMED"])
        large = alice.envelope("bob", data={"x": "y" * 2_000_000})
        self.assertEqual(alice.send(large).decisions(), ["TOO_LARGE"])
        several = alice.send(good, large)
        self.assertEqual((several.kind, several.decisions()), (3, ["TOO_LARGE"]), "a frame of several, past its bound")
        alice.next = 7

    def test_a_stream_of_another_type_loses_nothing(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        carol = self.peer("carol")
        self.redis.cmd("SET", "agent.stream:bob", "not a stream")
        receipt = alice.send(alice.envelope("bob"), alice.envelope("carol"))
        self.assertEqual(receipt.decisions(), ["UNAVAILABLE", "ALLOWED"])
        self.assertEqual(len(carol.wait_messages(1)), 1)
        self.assertEqual(self.redis.cmd("XLEN", "dlq:messages"), 1)
        # It works when the gateway looked, too: the type changes behind its back.
        self.redis.cmd("DEL", "agent.stream:bob")
        self.eventually(lambda: alice.send(alice.envelope("bob")), "ALLOWED", 10)
        bob.wait_messages(1)
        self.redis.cmd("DEL", "agent.stream:bob")
        self.redis.cmd("SET", "agent.stream:bob", "not a stream")
        receipt = alice.send(alice.envelope("carol"), alice.envelope("bob"), alice.envelope("carol"))
        self.assertEqual(receipt.decisions(), ["ALLOWED", "UNAVAILABLE", "ALLOWED"])
        self.assertEqual(len(carol.wait_messages(3)), 3)

    def test_streams_that_take_nothing_cost_one_turn_together(self):
        alice = self.peer("alice")
        full = [self.peer(f"full{i}") for i in range(5)]
        last = self.peer("last")
        for peer in full:  # its length can be read, and nothing added
            self.redis.cmd("XADD", f"agent.stream:{peer.id}", "18446744073709551615-18446744073709551615", "x", "y")
        dropped = self.gateway.metrics().get("mas_gatewayd_dropped_turns_total", 0)
        receipt = alice.send(*[alice.envelope(peer.id) for peer in full], alice.envelope("last"))
        self.assertEqual(receipt.decisions(), ["UNAVAILABLE"] * 5 + ["ALLOWED"])
        self.assertEqual(len(last.wait_messages(1)), 1)
        self.assertEqual(self.redis.cmd("XLEN", "dlq:messages"), 5)
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_dropped_turns_total"] - dropped, 1)

    def test_a_reply_stream_that_takes_nothing_blocks_nobody(self):
        alice, bob, carol = self.peer("alice"), self.peer("bob"), self.peer("carol")
        alice.send(alice.envelope("bob", correlation_id="c1", expects_reply=True))
        bob.wait_messages(1)
        ticket = bob.entries()[0][0][1]
        answer = bob.envelope("alice", correlation_id="c1", is_reply=True)
        stream = f"agent.stream:alice:@{alice.instance.hex()}"
        self.redis.cmd("XADD", stream, "18446744073709551615-18446744073709551615", "b", "the last id there is")
        self.assertEqual(bob.send(answer, ticket=ticket).decisions(), ["UNAVAILABLE"])
        self.assertEqual(bob.send(bob.envelope("carol")).decisions(), ["ALLOWED"])
        self.redis.cmd("DEL", stream)
        self.redis.cmd("SET", stream, "not a stream")
        self.assertEqual(bob.send(answer, ticket=ticket).decisions(), ["UNAVAILABLE"])
        self.assertEqual(bob.send(bob.envelope("carol")).decisions(), ["ALLOWED"])
        self.assertEqual(len(carol.wait_messages(2)), 2)
        self.assertEqual(self.redis.cmd("XLEN", "dlq:messages"), 2)


class RulesTest(GatewayCase):
    def test_lists_take_effect_at_once(self):
        alice = self.peer("alice")
        self.peer("bob")
        send = lambda: alice.send(alice.envelope("bob"))
        self.assertEqual(send().decisions(), ["ALLOWED"])
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "bob")
        self.eventually(send, "AUTHZ_DENIED")
        self.redis.cmd("DEL", "agent:alice:blocked_targets")
        self.eventually(send, "ALLOWED")
        self.redis.cmd("SADD", "agent:alice:allowed_targets", "carol")
        self.eventually(send, "AUTHZ_DENIED")
        self.redis.cmd("SADD", "agent:alice:roles", "writer")
        self.redis.cmd("SADD", "role:writer:permissions", "send:b*")
        self.eventually(send, "ALLOWED")
        self.redis.cmd("SREM", "role:writer:permissions", "send:b*")
        self.eventually(send, "AUTHZ_DENIED")

    def test_limits(self):
        alice = self.peer("alice")
        self.peer("bob")
        self.redis.cmd("HSET", "ratelimit:alice:limits", "per_minute", 10)
        receipt = alice.send(*[alice.envelope("bob") for _ in range(100)])
        self.assertEqual(receipt.decisions(), ["ALLOWED"] * 10 + ["RATE_LIMITED"] * 90)
        self.assertTrue(5500 < receipt.outcomes[10][1] <= 6000, receipt.outcomes[10])
        self.gateway.kill()
        self.start_gateway()
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["RATE_LIMITED"], "carried over a take-over")
        self.redis.cmd("HSET", "ratelimit:alice:limits", "per_minute", "many")
        receipt = alice.send(alice.envelope("bob"))
        self.assertEqual(receipt.decisions(), ["RATE_LIMITED"])
        self.redis.cmd("DEL", "ratelimit:alice:limits")
        self.eventually(lambda: alice.send(alice.envelope("bob")), "ALLOWED")

    def test_invalidations_are_missed_and_found_again(self):
        alice = self.peer("alice")
        self.peer("bob")
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.redis.cmd("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes")
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "bob")
        alice.listen()
        self.eventually(lambda: alice.send(alice.envelope("bob")), "AUTHZ_DENIED", 10)


class CrashStepsTest(MasTestCase):
    """The steps at which the ledger's tests kill a gateway are where their names say."""

    @for_each(("after_read", 0), ("after_decide", 0), ("after_write", 1), ("after_commit", 1))
    def test_what_redis_has_when_it_dies(self, case):
        step, delivered = case
        redis = self.start_redis(step)
        alice, bob = (GatewayPeer(redis, name) for name in ("alice", "bob"))
        for peer in (alice, bob):
            self.addCleanup(peer.close)
        gateway = self.daemon("mas-gatewayd", redis, QUICK, env={"MAS_TEST_CRASH_AT": step}).start()
        alice.push(alice.frame([record(alice.envelope("bob"))], 1))
        self.assertEqual(gateway.wait(10), -9)
        poll_until(lambda: len(bob.messages()) == delivered, 2, f"{delivered} delivered at {step}")
        self.assertEqual(redis.cmd("LLEN", f"mas.ingress:{{{alice.partition}}}"), 1 - delivered)
        self.assertEqual(redis.cmd("XLEN", f"mas.audit:{{{alice.partition}}}"), delivered)


class PartitionsTest(GatewayCase):
    def test_their_number_changes_and_nothing_is_decided_twice(self):
        peers = [self.peer(f"agent-{n}") for n in range(20)]
        messages = {peer.id: [peer.envelope("agent-0"), peer.envelope("nobody")] for peer in peers}
        for peer in peers:
            self.assertEqual(peer.send(*messages[peer.id]).decisions(), ["ALLOWED", "TARGET_NOT_FOUND"])
        refused = self.masctl("partitions", "set", 5, redis=self.redis)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("stop all of them first", refused.stderr)
        self.assertEqual(self.gateway.stop(), 0)
        one, key = peers[1], peers[1].key
        one.key = ("@replay", bytes(32))  # as a gateway does with a dead letter
        one.push(one.frame([record(one.envelope("agent-1"))], 1))
        one.key = key
        refused = self.masctl("partitions", "set", 5, redis=self.redis)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"a message that was replayed waits in partition {one.partition}", refused.stderr)
        self.redis.cmd("RPOP", f"mas.ingress:{{{one.partition}}}")
        peers[0].push(peers[0].frame([record(peers[0].envelope("agent-1"))], 3))  # without a receipt: sent again below
        self.assertEqual(self.masctl("partitions", "set", 5, redis=self.redis).returncode, 0)

        self.start_gateway()
        for peer in peers:
            peer.partition = fnv1a64(peer.id) % 5
            self.assertEqual(peer.send(*messages[peer.id], sequence=1).decisions(), ["ALLOWED", "TARGET_NOT_FOUND"])
            self.assertEqual(peer.send(peer.envelope("agent-0")).decisions(), ["ALLOWED"])
        self.assertEqual(len(peers[0].messages()), 40)
        self.assertEqual(peers[1].messages(), [])
        verified = self.masctl("audit", "verify", redis=self.redis)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def test_it_may_be_set_before_there_is_any_gateway(self):
        redis = self.start_redis("fresh")
        done = self.masctl("partitions", "set", 5, redis=redis)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        gateway = self.start_daemon("mas-gatewayd", redis, QUICK)
        poll_until(lambda: len(gateway.ready()[1].get("deciding", [])) == 5, 10, "the gateway decides for five")


class ForgettingTest(GatewayCase):
    config = {"auth": {"drift": "1s"}}

    def test_instances_that_are_gone_are_forgotten(self):
        alice, again = self.peer("alice"), self.peer("alice")
        self.peer("bob")
        alice.send(alice.envelope("bob"))
        fields = lambda: self.redis.cmd("HKEYS", f"mas.sender:{{{alice.partition}}}")
        self.assertEqual(fields(), [f"alice/{alice.instance.hex()}"])
        self.redis.cmd("SET", f"agent:alice:alive:{again.instance.hex()}", 1)

        def sent_by_the_other():
            again.send(again.envelope("bob"))
            return fields() == [f"alice/{again.instance.hex()}"]
        poll_until(sent_by_the_other, 30, lambda: f"only the living instance is remembered: {fields()}")


class ShadowTest(GatewayCase):
    config = {"authorisation": {"mode": "shadow"}}

    def test_what_would_be_refused_is_counted_and_goes_on(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "bob")
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.assertEqual(len(bob.wait_messages(1)), 1)
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_shadow_refusals_total"], 1)


if __name__ == "__main__":
    main()
