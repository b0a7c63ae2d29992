"""Floods: what strangers, refused senders and busy agents can make a gateway write, forget or wait for."""

import threading
import time

from harness import main, poll_until
from harness.gateway_case import GatewayCase
from harness.gateway_peer import record

WAIT = 2.0  # seconds that an honest message may take, at most


class FloodCase(GatewayCase):
    def audited(self, partition):
        """@return the number of bytes of the partition's audit."""
        entries = self.redis.cmd("XRANGE", f"mas.audit:{{{partition}}}", "-", "+")
        return sum(len(entry[1][1]) for entry in entries)

    def refusals(self):
        """@return the records of refusals that tell a count."""
        done = self.masctl("audit", "query", "--json", redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line for line in done.stdout.splitlines() if "counted, not recorded one by one" in line]

    def timed(self, peer, target):
        began = time.monotonic()
        self.assertEqual(peer.send(peer.envelope(target)).decisions(), ["ALLOWED"])
        return time.monotonic() - began


class RefusalFloodTest(FloodCase):
    config = {"audit": {"refusals": 1}}

    def test_strangers_and_poison_fill_neither_the_audit_nor_the_dead_letters(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        self.timed(alice, "bob")
        key = f"mas.ingress:{{{alice.partition}}}"
        mallory = self.peer("alice", token="no token of hers", register=False)
        forged = mallory.frame([record(mallory.envelope("bob"))], 1)
        before = self.audited(alice.partition)
        for _ in range(40):
            self.redis.pipeline([("RPUSH", key, *([b"poison" * 50, forged] * 50)) for _ in range(5)])
            self.assertLess(self.timed(alice, "bob"), WAIT)
        poll_until(lambda: self.redis.cmd("LLEN", key) == 0, 20, "the list is empty")
        poll_until(self.refusals, 10, "what was not recorded is counted")
        self.assertLess(self.audited(alice.partition) - before, 100_000, "20,000 refusals")
        self.assertEqual(self.redis.cmd("EXISTS", "dlq:messages"), 0)
        self.assertLessEqual(self.redis.cmd("XLEN", "dlq:unproven"), 1000)
        self.assertGreater(self.gateway.metrics()["mas_gatewayd_refusals_counted_total"], 15_000)
        self.assertEqual(self.masctl("audit", "verify", redis=self.redis).returncode, 0)

    def test_a_proven_sender_s_refusals_are_told_and_counted(self):
        alice = self.peer("alice")
        before = self.audited(alice.partition)
        for _ in range(20):
            receipt = alice.send(*[alice.envelope("nobody") for _ in range(100)])
            self.assertEqual(receipt.decisions(), ["TARGET_NOT_FOUND"] * 100)
        line, = poll_until(self.refusals, 10, "what was not recorded is counted")[:1]
        self.assertIn("alice", line)
        self.assertLess(self.audited(alice.partition) - before, 40_000, "2,000 refusals")


class BytesTest(FloodCase):
    config = {"limits": {"bytes_per_minute": "64KiB"}}

    def test_bytes_are_limited_as_messages_are(self):
        alice, _ = self.peer("alice"), self.peer("bob")
        large = [alice.envelope("bob", data={"x": "y" * 20_000}) for _ in range(4)]
        receipt = alice.send(*large)
        self.assertEqual(receipt.decisions(), ["ALLOWED"] * 3 + ["RATE_LIMITED"])
        self.assertEqual(receipt.outcomes[3][2], "65536 bytes per minute, burst 65536")
        self.assertGreater(receipt.outcomes[3][1], 0)
        self.assertEqual(self.masctl("limit", "set", "alice", "--bytes-per-minute", "1000000", redis=self.redis).returncode, 0)
        self.eventually(lambda: alice.send(large[0]), "ALLOWED")


class ShareTest(FloodCase):
    config = {"delivery": {"max_backlog": 3000, "sender_share": 50}}

    def test_one_sender_leaves_room_for_others_and_opens_no_circuit(self):
        alice, _, carol = self.peer("alice"), self.peer("bob"), self.peer("carol")
        allowed = 0
        for _ in range(40):
            decisions = alice.send(*[alice.envelope("bob") for _ in range(100)]).decisions()
            self.assertLessEqual(set(decisions), {"ALLOWED", "TARGET_OVERLOADED"})
            allowed += decisions.count("ALLOWED")
        self.assertTrue(1500 <= allowed <= 1600, allowed)  # what waits is counted between turns
        self.assertEqual(carol.send(*[carol.envelope("bob") for _ in range(700)]).decisions(), ["ALLOWED"] * 700)

    def test_the_bound_counts_messages_however_they_lie_in_entries(self):
        alice, _ = self.peer("alice"), self.peer("bob")
        self.gateway.stop()
        self.start_gateway(delivery={"max_backlog": 3000, "sender_share": 100})
        for _ in range(500):
            self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        allowed = 500
        for _ in range(50):
            allowed += alice.send(*[alice.envelope("bob") for _ in range(50)]).decisions().count("ALLOWED")
        self.assertEqual(allowed, 3000)


class DeafTest(FloodCase):
    """An agent writes keys of its own, many and long, in one transaction."""

    FLOOD = """local tail = string.rep('x', 1000)
               for i = 1, 40000 do redis.call('SET', 'agent:mallory:' .. i .. tail, '') end"""

    def test_keys_of_one_s_own_make_no_gateway_deaf(self):
        alice, _ = self.peer("alice"), self.peer("bob")
        self.timed(alice, "bob")
        over, standstills = threading.Event(), []

        def flood():
            with self.redis.client() as redis:
                for _ in range(3):
                    began = time.monotonic()
                    redis.cmd("EVAL", self.FLOOD, "0")
                    standstills.append(time.monotonic() - began)  # of Redis, for everybody
                    time.sleep(0.3)
            over.set()

        thread = threading.Thread(target=flood)
        thread.start()
        longest = 0.0
        while not over.is_set():
            longest = max(longest, self.timed(alice, "bob"))
        thread.join()
        self.assertLess(longest, WAIT + max(standstills))
        lost = [line for line in self.gateway.logged("invalidations_lost") if "answered no ping" not in line]
        self.assertEqual(lost, [], f"Redis stood still for {max(standstills):.1f} s")

    def test_changes_of_what_is_not_there_yet_are_heard(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        self.timed(alice, "bob")
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "bob")
        self.eventually(lambda: alice.send(alice.envelope("bob")), "AUTHZ_DENIED")
        self.redis.cmd("DEL", "agent:alice:blocked_targets")
        self.eventually(lambda: alice.send(alice.envelope("bob")), "ALLOWED")
        self.redis.cmd("HSET", "ratelimit:alice:limits", "per_minute", 1)
        self.eventually(lambda: alice.send(alice.envelope("bob")), "RATE_LIMITED")
        self.redis.cmd("FLUSHALL")
        self.eventually(lambda: alice.send(alice.envelope("bob")), "AUTH_FAILED", 10)

    def test_each_link_may_be_lost(self):
        alice, _ = self.peer("alice"), self.peer("bob")
        for name in ("turn", "invalidation"):
            self.timed(alice, "bob")
            clients = [dict(pair.split("=", 1) for pair in line.split()) for line in self.redis.cmd("CLIENT", "LIST").splitlines()]
            links = [client["id"] for client in clients if client["name"].startswith("mas-gatewayd") and client["name"].endswith(":" + name)]
            self.assertEqual(len(links), 1, clients)
            self.redis.cmd("CLIENT", "KILL", "ID", links[0])
            self.eventually(lambda: alice.send(alice.envelope("bob")), "ALLOWED", 5)
            self.redis.cmd("SADD", "agent:alice:blocked_targets", "bob")
            self.eventually(lambda: alice.send(alice.envelope("bob")), "AUTHZ_DENIED")
            self.redis.cmd("DEL", "agent:alice:blocked_targets")
            self.eventually(lambda: alice.send(alice.envelope("bob")), "ALLOWED")


if __name__ == "__main__":
    main()
