"""What is too large to be read, wherever somebody put it: it is set aside or refused, nobody else waits, memory stays bounded."""

import itertools
import threading
import time

from harness import for_each, main, poll_until
from harness.gateway_case import GatewayCase
from harness.gateway_peer import fnv1a64, record

MIB = 1024 * 1024


class LargeCase(GatewayCase):
    config = {"lease": {"ttl": "15s"}}  # Redis itself takes a moment to hand out what is large

    def setUp(self):
        super().setUp()
        self.alice, self.bob = self.peer("alice"), self.peer("bob")
        self.other = self.peer(next(f"other{i}" for i in range(99) if fnv1a64(f"other{i}") % 16 != self.alice.partition))
        for peer in (self.alice, self.other):
            self.assertEqual(peer.send(peer.envelope("bob")).decisions(), ["ALLOWED"])

    def letters(self):
        found = self.redis.cmd("XRANGE", "dlq:unproven", "-", "+")
        return [dict(zip(fields[::2], fields[1::2])) for _, fields in found]

    def others_go_on(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            start = time.monotonic()
            self.assertEqual(self.other.send(self.other.envelope("bob")).decisions(), ["ALLOWED"])
            self.assertLess(time.monotonic() - start, 5, "nobody waits for what is too large")

    def check_audit(self):
        verify = self.masctl("audit", "verify", redis=self.redis)
        self.assertEqual(verify.returncode, 0, verify.stdout + verify.stderr)


class ElementTest(LargeCase):
    def ingress(self, *elements):
        """One RPUSH: all of it is there at once."""
        with self.redis.client(timeout=60) as client:
            client.cmd("RPUSH", f"mas.ingress:{{{self.alice.partition}}}", *elements)

    def frame(self, count=1):
        frame = self.alice.frame([record(self.alice.envelope("bob")) for _ in range(count)], self.alice.next)
        self.alice.next += count
        return frame

    def test_a_huge_one_is_set_aside(self):
        head = self.alice.frame([record(self.alice.envelope("bob"))], self.alice.next)
        self.ingress(head + b"x" * (100 * MIB))
        self.others_go_on(1)
        poll_until(self.letters, 10, "it is a dead letter")
        letter, = self.letters()
        self.assertEqual(letter["payload"].encode("utf-8", "surrogateescape"), (head + b"x" * 4096)[:4096])
        self.assertIn(f"{100 * MIB + len(head)} bytes", letter["reason"])
        receipt = self.alice.receipt()
        self.assertEqual((receipt.kind, receipt.decisions()), (3, ["TOO_LARGE"]), "who is named in it is told")
        self.assertEqual(self.alice.send(self.alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.gateway.wait_log("element_set_aside")
        self.check_peak(self.gateway, 150 * MIB)
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_poison_elements_total"], 1)
        self.check_audit()

    def test_several_between_good_ones(self):
        self.ingress(*[self.frame() for _ in range(30)], b"p" * (20 * MIB), self.frame(), b"q" * (60 * MIB), b"r" * (40 * MIB),
                     *[self.frame() for _ in range(30)])
        self.others_go_on(0.5)
        self.bob.wait_messages(62, timeout=20)
        poll_until(lambda: len(self.letters()) == 3, 10, "all three are dead letters")
        self.assertEqual([letter["payload"][:1] for letter in self.letters()], ["p", "q", "r"])
        self.assertEqual(len({message["message_id"] for message in self.bob.messages()}), len(self.bob.messages()))
        self.assertEqual(self.alice.send(self.alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.check_peak(self.gateway, 200 * MIB)
        self.check_audit()

    def test_the_next_owner_sets_it_aside_too(self):
        self.gateway.stop()
        self.ingress(self.frame(), b"x" * (100 * MIB), self.frame())
        self.gateway = self.start_gateway()
        self.bob.wait_messages(4)
        self.assertEqual(len(self.letters()), 1)
        self.check_audit()

    def test_a_read_is_bounded_by_what_is_there(self):
        """A backlog of frames far larger than those before, in every partition."""
        self.gateway.stop()
        frames, size = 128, 128 * 1024
        for p in range(16):
            name = next(f"s{i}" for i in range(999) if fnv1a64(f"s{i}") % 16 == p)
            peer = self.peer(name)
            envelope = peer.envelope("nobody", data={"x": "y" * size})
            with self.redis.client(timeout=60) as client:
                client.cmd("RPUSH", f"mas.ingress:{{{p}}}", *[peer.frame([record(envelope)], 1 + n) for n in range(frames)])
        buffers, done = [0], threading.Event()

        def watch():
            with self.redis.client() as client:
                while not done.is_set():
                    for line in client.cmd("CLIENT", "LIST").splitlines():
                        buffers.append(int(dict(word.split("=", 1) for word in line.split())["omem"]))
                    time.sleep(0.002)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            self.gateway = self.start_gateway()
            poll_until(lambda: not any(self.redis.pipeline([("LLEN", f"mas.ingress:{{{p}}}") for p in range(16)])), 60,
                       "all is decided")
        finally:
            done.set()
            watcher.join()
        metrics = self.gateway.metrics()
        self.assertEqual(metrics['mas_gatewayd_decisions_total{decision="TARGET_NOT_FOUND"}'], 16 * frames)
        print(f"redis output buffer {max(buffers) / MIB:.0f} MiB, gateway {self.gateway.peak_bytes() / MIB:.0f} MiB, "
              f"{metrics['mas_gatewayd_turns_total']:.0f} turns")
        self.assertLess(max(buffers), 64 * MIB)
        self.check_peak(self.gateway, 200 * MIB)


class SlowLinkTest(LargeCase):
    config = {"redis": {"command_timeout": "1s"}, "lease": {"ttl": "20s"}}

    def start_gateway(self, **config):
        self.proxy = self.start_proxy(self.redis)
        gateway = self.start_daemon("mas-gatewayd", self.proxy, self.config)
        poll_until(lambda: gateway.ready()[1].get("deciding"), 30, "the gateway has fenced partitions")
        return gateway

    def test_a_large_element_comes_in_its_time(self):
        large = self.alice.frame([record(self.alice.envelope("bob", data={"x": "y" * (900 * 1024)}))], self.alice.next)
        self.alice.next += 1
        dropped = self.gateway.metrics()["mas_gatewayd_dropped_turns_total"]
        self.proxy.delay(0.1)
        self.alice.push(large)
        # Seen at its target: should the commit's answer be late, the receipt is asked for as a sender does, by sending again.
        self.bob.wait_messages(3, timeout=40)
        self.proxy.forward()
        self.alice.push(large)
        self.assertEqual(self.alice.receipt().decisions(), ["ALLOWED"])
        self.assertEqual(len(self.bob.messages()), 3, "and only once")
        self.assertLessEqual(self.gateway.metrics()["mas_gatewayd_dropped_turns_total"] - dropped, 1)


class FactTest(LargeCase):
    HUGE = "v" * (64 * MIB)

    @for_each(("HSET", "agent:huge", "status"), ("HSET", "agent:huge", "token"), ("HSET", "circuit:huge", "state"))
    def test_of_a_target(self, key):
        self.peer("huge")
        self.redis.cmd(*key, self.HUGE)
        decided = self.alice.send(self.alice.envelope("huge"), self.alice.envelope("bob")).decisions()
        self.assertIn(decided[0], ("TARGET_NOT_FOUND", "ALLOWED"))
        self.assertEqual(decided[1], "ALLOWED")
        self.gateway.wait_log("fact_problem")
        self.check_peak(self.gateway, 150 * MIB)
        self.redis.cmd("DEL", "circuit:huge", "agent:huge")

    @for_each(("SADD", "agent:eve:allowed_targets"), ("SADD", "agent:eve:roles"), ("HSET", "ratelimit:eve:limits", "per_minute"),
              ("HSET", "mas.identity:eve", "state"))
    def test_of_a_sender(self, key):
        eve = self.peer("eve")
        self.redis.cmd(*key, self.HUGE)
        decided = eve.send(eve.envelope("bob")).decisions()
        self.assertIn(decided, (["AUTHZ_DENIED"], ["RATE_LIMITED"], ["AUTH_FAILED"], ["UNAVAILABLE"]))
        self.assertEqual(self.alice.send(self.alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.check_peak(self.gateway, 150 * MIB)
        self.redis.cmd("DEL", key[1])

    def test_of_many_members(self):
        """They are counted, not looked at one by one: that takes Redis half a second for a million of them."""
        eve = self.peer("eve")
        for start in range(0, 200_000, 50_000):
            self.redis.cmd("SADD", "agent:eve:allowed_targets", *range(start, start + 50_000))
        receipt = eve.send(eve.envelope("bob"))
        self.assertEqual(receipt.decisions(), ["AUTHZ_DENIED"])
        self.assertIn("has 200000 elements; expected at most 10000", receipt.outcomes[0][2])
        self.redis.cmd("DEL", "agent:eve:allowed_targets")


class ManyTargetsTest(GatewayCase):
    """A turn that names more targets than one read asks for, all of them full, so that their lengths are looked at again
    and again; each reply takes longer than a length counts for."""

    TARGETS = 4000

    def test_a_turn_to_thousands_of_full_streams_ends(self):
        proxy = self.start_proxy(self.redis)
        self.gateway.stop()
        self.gateway = self.start_daemon("mas-gatewayd", proxy, {"delivery": {"max_backlog": 1}, "lease": {"ttl": "15s"}})
        alice = self.peer("alice")
        with self.redis.client() as client:
            for n in range(self.TARGETS):
                client.pipeline([("HSET", f"agent:t{n}", "id", f"t{n}", "capabilities", "[]", "metadata", "{}", "status",
                                  "ACTIVE", "mode", "gateway"), ("XADD", f"agent.stream:t{n}", "1-1", "b", "x")])
        poll_until(lambda: self.gateway.ready()[1].get("deciding"), 10, "the gateway has fenced partitions")
        proxy.delay(0.03)
        for _ in range(2):  # the first turn learns who they are
            targets = iter(range(self.TARGETS))
            frames = []
            for _ in range(4):
                records = [record(alice.envelope(f"t{n}")) for n in itertools.islice(targets, self.TARGETS // 4)]
                frames.append(alice.frame(records, alice.next))
                alice.next += len(records)
            self.redis.cmd("RPUSH", f"mas.ingress:{{{alice.partition}}}", *frames)
            decisions = [decision for _ in frames for decision in alice.receipt(20).decisions()]
            self.assertEqual(set(decisions), {"TARGET_OVERLOADED"})
            self.assertEqual(len(decisions), self.TARGETS)
        self.assertEqual(self.gateway.logged("facts_unsteady"), [])


class MistakeTest(LargeCase):
    """Keys that only gateways and operators write."""

    HUGE = 20 * MIB  # quick to make

    def write_huge(self, key, command, *words):
        script = ("local words = {unpack(ARGV, 3)} words[#words + 1] = string.rep(string.rep('x', 65536), ARGV[1] / 65536) "
                  "return redis.call(ARGV[2], KEYS[1], unpack(words))")
        with self.redis.client(timeout=60) as client:
            client.cmd("EVAL", script, 1, key, self.HUGE, command, *words)

    def test_requests_letters_and_members(self):
        sent = int(self.redis.info("stats")["total_net_output_bytes"])
        self.redis.cmd("XADD", "dlq:messages", "1-1", "sender", "alice", "payload", "{}")
        self.write_huge("mas.daemons", "SADD")
        self.write_huge("dlq:messages", "XADD", "2-1", "sender", "alice", "payload")
        self.write_huge("mas.replay", "RPUSH")
        self.redis.cmd("RPUSH", "mas.replay", "2-1", "1-1")
        poll_until(lambda: self.redis.cmd("LLEN", "mas.replay") == 0, 10, "all requests are answered")
        self.others_go_on(2)
        whys = [event["why"] for event in self.gateway.events() if event["event"] == "replay_refused"]
        self.assertEqual([why for why in whys if str(self.HUGE) in why],
                         [f"a request has {self.HUGE} bytes; expected at most 262144",
                          f"dlq:messages: letter 2-1: payload has {self.HUGE} bytes; expected at most 2097152"])
        self.assertEqual(len(whys), 3, "of the letter behind, too: its payload is no envelope")
        self.assertEqual(self.redis.cmd("XLEN", "dlq:messages"), 2, "both letters are kept")
        second = self.start_gateway(lease={"ttl": "3s"})  # which looks for a free lease each second
        self.check_peak(second, 100 * MIB)
        self.check_peak(self.gateway, 100 * MIB)
        self.assertLess(int(self.redis.info("stats")["total_net_output_bytes"]) - sent, 8 * MIB)
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_redis_reconnects_total"], 0)

    def test_what_is_agreed(self):
        for key, command, *words in (("mas.config", "HSET", "partitions"), ("mas.secret", "SET")):
            with self.subTest(key):
                before = self.redis.cmd("DUMP", key)
                self.write_huge(key, command, *words)
                daemon = self.daemon("mas-gatewayd", self.redis, {"lease": {"ttl": "1s"}}).start()
                poll_until(lambda: str(self.HUGE) in daemon.written(), 10, lambda: daemon.written())
                self.check_peak(daemon, 100 * MIB)
                daemon.stop()
                self.redis.cmd("DEL", key)
                self.redis.cmd("RESTORE", key, 0, before)


if __name__ == "__main__":
    main()
