"""Two regions, each a Redis and a gateway, and the relay of sdk/examples/relay between them: what the near region has
accepted for an agent of the far one is handled there once, in order, while the link, the relay and the far region fail.
"""

import collections
import json

from harness import build, main, poll_until
from harness.gateway_peer import GatewayPeer
from harness.ledger import deliveries_of_aof
from harness.ledger_case import QUICK, SECONDS, LedgerCase
from harness.poll import holds_for

RETRY = {"retry": {"attempts": 3, "base": "20ms", "cap": "100ms"}}


class RegionsCase(LedgerCase):
    """East is near: senders and the relay's stand-ins. West is far: receivers."""

    rate = 100
    agent_env = {"MAS_LEDGER_DEDUPE": "100000"}

    def setUp(self):
        super().setUp()
        self.east = self.redis
        self.west = self.start_redis("west", appendonly="yes", appendfsync="always", auto_aof_rewrite_percentage="0")
        self.link = self.start_proxy(self.west)
        self.gateways = {region: self.start_gateway(region) for region in (self.east, self.west)}
        self.relays = []

    def start_gateway(self, region, **config):
        gateway = self.start_daemon("mas-gatewayd", region, {**QUICK, **RETRY, **config})
        poll_until(lambda: gateway.ready()[1].get("deciding"), 15, "a gateway decides")
        return gateway

    def start_relay(self, *routes, near=None, far=None, name="relay.east", ready=True, flags=()):
        regions = "--near", near or self.east.url(), "--far", far or self.link.url()
        relay = self.process("example_relay", "--id", name, *regions, *flags, *routes,
                             name=f"{name}-{len(self.relays) + 1}").start()
        self.relays.append(relay)
        if ready:
            relay.wait_for_output("ready\n", 20)
        return relay

    def start_load(self):
        self.targets = [f"receiver-{i}" for i in range(self.receivers)]
        self.redis = self.west
        for target in self.targets:
            self.launch_receiver(target)
        self.wait_started(self.targets)
        self.redis = self.east
        self.start_relay(*self.targets)
        self.sources = [f"sender-{i}" for i in range(self.senders)]
        for source in self.sources:
            self.launch_sender(source)
        self.wait_started(self.sources)

    def handled(self):
        """Message ids as the receivers handled them, by target."""
        return {target: [message_id for _, _, message_id in self.log_of(target).handled] for target in self.targets}

    def wait_arrivals(self, what, timeout=40):
        before = {target: len(ids) for target, ids in self.handled().items()}
        poll_until(lambda: all(len(ids) > before[target] for target, ids in self.handled().items()), timeout,
                   lambda: f"messages arrive in the far region {what}", 0.1)

    def forget_leases_of(self, relay_ids):
        """The leases of a killed relay last for 15 s; that they end is what matters here."""
        for agent_id in relay_ids:
            for key in self.east.scan(f"agent:{agent_id}:alive:*"):
                self.east.cmd("DEL", key)

    def accepted_after_the_end(self):
        """Ends the senders. @return message id → (sender, number), of what they were told to be accepted."""
        for source in self.sources:
            self.agents[source][-1].send(15)
        for source in self.sources:
            self.assertEqual(self.agents[source][-1].wait(40), 0, f"{source} ends in order")
        logs = {source: self.log_of(source) for source in self.sources}
        return {message_id: (source, number) for source, log in logs.items()
                for message_id, number in log.sent.items() if log.receipts[message_id][0] == "ok"}

    def wait_settled(self, accepted):
        """All of it is handled in the far region, or a dead letter of the near one."""
        def settled():
            return self.letters() | {i for ids in self.handled().values() for i in ids}
        poll_until(lambda: set(accepted) <= settled(), 60,
                   lambda: f"all of {len(accepted)} arrive; {len(settled())} have", 0.2)
        for target in self.targets:
            poll_until(lambda: self.east.cmd("XLEN", f"agent.stream:{target}") == 0, 20, "the relay acknowledges all")

    def check_regions(self, doubled_in_streams=False):
        """Adds up both regions."""
        accepted = self.accepted_after_the_end()
        self.wait_settled(accepted)
        self.assertEqual(self.relays[-1].stop(20), 0)

        counts = collections.Counter(i for ids in self.handled().values() for i in ids)
        self.assertEqual([i for i, n in counts.items() if n > 1][:5], [], "handled twice")
        self.assertEqual(set(counts) - set(accepted), set(), "handled, and not accepted in the near region")
        copies = collections.Counter(d.message_id for d in deliveries_of_aof(self.west.directory))
        more = sum(n - 1 for n in copies.values())
        print(f"{self.id()}: {len(accepted)} accepted, {len(counts)} handled, {more} second copies in far streams")
        self.assertGreater(len(accepted), self.senders * 25, "there was load")
        if not doubled_in_streams:
            self.assertEqual(more, 0, "copies in far streams")
            self.check_order(accepted)
        for region in (self.east, self.west):
            done = self.masctl("audit", "verify", redis=region, timeout=60)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.letters(), set())

    def check_order(self, accepted):
        for ids in self.handled().values():
            last = {}
            for source, number in (accepted[i] for i in ids):
                self.assertGreater(number, last.get(source, -1), f"order of {source}")
                last[source] = number


class ForwardTest(RegionsCase):
    def test_a_quiet_run(self):
        self.start_load()
        self.keep_up()
        self.wait_arrivals("to the end")
        self.check_regions()

    def test_the_link_is_cut_again_and_again(self):
        self.start_load()
        for _ in range(5):
            self.keep_up(self.random.uniform(0.1, 0.5))
            self.link.cut()
        self.wait_arrivals("after the last cut")
        self.check_regions()

    def test_the_far_region_does_not_answer_for_20_s(self):
        """What is sent meanwhile waits in the near Redis: the relay takes no more than its windows hold."""
        self.rate = 400
        self.agent_env = {**self.agent_env, "MAS_LEDGER_PADDING": "2000"}
        self.start_load()
        self.keep_up()
        before = self.relays[0].rss_bytes()
        self.link.stall()
        self.keep_up(20)
        waiting = sum(self.east.cmd("XLEN", f"agent.stream:{target}") for target in self.targets)
        self.assertGreater(waiting, 0, "not acknowledged")
        grown = self.relays[0].rss_bytes() - before
        print(f"{self.id()}: {waiting} entries wait, the relay has grown by {grown >> 20} MiB")
        self.assertLess(grown, 512 << 20 if build.sanitizers() else 32 << 20, "the relay's memory is bounded")
        self.link.cut()
        self.link.forward()
        self.wait_arrivals("when it answers again", 60)
        self.check_regions()

    def test_the_far_redis_is_gone_for_20_s_and_the_relay_is_started_meanwhile(self):
        self.start_load()
        self.keep_up()
        self.assertEqual(self.relays[0].stop(20), 0)
        self.start_relay(*self.targets)
        self.keep_up()
        self.west.kill()
        self.keep_up(5)
        second = self.start_relay(*self.targets, ready=False)
        self.keep_up(15)
        self.west.start()
        second.wait_for_output("ready\n", 30)
        self.assertEqual(self.relays[1].stop(30), 0)
        self.wait_arrivals("when it is back", 60)
        # The relay that was sending could not ask which of its messages were taken: it sent them again.
        self.check_regions(doubled_in_streams=True)

    def test_the_near_redis_is_killed_and_restarted(self):
        self.start_load()
        self.keep_up()
        self.east.kill()
        self.east.start()
        self.wait_arrivals("after it came back", 60)
        self.check_regions()

    def test_relays_are_killed(self):
        """Two share the work. What one of them had not settled, the other one sends again; receivers see it once."""
        self.start_load()
        self.start_relay(*self.targets)
        for _ in range(2):
            self.keep_up(self.random.uniform(0.2, SECONDS / 2))
            self.relays[-2].kill()
            self.forget_leases_of(self.targets)
            self.keep_up(0.5)
            self.start_relay(*self.targets)
        self.wait_arrivals("after the deaths")
        self.assertEqual(self.relays[-2].stop(20), 0)
        self.check_regions(doubled_in_streams=True)

    def test_what_is_over_the_far_limit_is_handled_or_a_dead_letter(self):
        limited = self.masctl("limit", "set", "relay.east", "--per-minute", 6000, "--burst", 50, redis=self.west)
        self.assertEqual(limited.returncode, 0, limited.stderr)
        self.start_load()
        self.keep_up()
        accepted = self.accepted_after_the_end()
        self.wait_settled(accepted)
        handled = [i for ids in self.handled().values() for i in ids]
        letters = self.letters()
        print(f"{self.id()}: {len(accepted)} accepted, {len(handled)} handled, {len(letters)} dead letters")
        self.assertEqual(len(handled), len(set(handled)), "handled twice")
        self.assertEqual(letters & set(handled), set(), "handled, and a dead letter")
        self.assertGreater(len(handled), 100)

    def test_gateways_are_killed(self):
        self.start_load()
        for region in (self.east, self.west):
            self.keep_up(self.random.uniform(0.2, SECONDS / 2))
            self.gateways[region].kill()
            self.gateways[region] = self.start_gateway(region)
            self.wait_arrivals("with the next gateway")
        self.check_regions()


class TalkCase(RegionsCase):
    """Single messages instead of load."""

    def letters_of(self, region):
        entries = region.cmd("XRANGE", "dlq:messages", "-", "+")
        return [dict(zip(fields[::2], fields[1::2])) for _, fields in entries]

    def start_echo(self):
        """The far agent bob, which answers with what it was asked."""
        env = {"MAS_REDIS_URL": self.west.url(), "MAS_MODE": "gateway"}
        echo = self.process("example_echo", "bob", env=env).start()
        poll_until(lambda: self.west.cmd("EXISTS", "agent:bob"), 10, "bob is there")
        return echo

    def send(self, region, sender, target):
        return self.masctl("send", target, "note", "{}", "--as", sender, "--mode", "gateway", redis=region)

    def request(self, region, target):
        return self.masctl("request", target, "question", '{"n":1}', "--as", "alice", "--mode", "gateway", "--timeout",
                           20, redis=region, timeout=40)


class RefusalTest(TalkCase):
    """What the far region does not take is told to the near one."""

    def test_a_message_becomes_a_dead_letter_of_the_near_region(self):
        self.start_relay("bob")  # nobody of this name in the far region
        self.assertEqual(self.send(self.east, "alice", "bob").returncode, 0)
        letter = poll_until(lambda: self.letters_of(self.east), 15, "it is a dead letter")[0]
        self.assertEqual((letter["sender"], letter["target"], letter["attempts"]), ("alice", "bob", "3"))
        self.assertIn("far region: TARGET_NOT_FOUND", letter["reason"])

    def test_a_request_gets_an_error_reply(self):
        self.start_listener(self.west, "bob", "--mode", "gateway")
        self.start_relay("bob")
        self.assertEqual(self.masctl("acl", "block", "relay.east", "bob", redis=self.west).returncode, 0)
        failed = self.request(self.east, "bob")
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn("far region: ", failed.stderr)
        self.assertEqual(self.letters_of(self.east), [])

    def test_the_answer_of_a_request_comes_back(self):
        echo = self.start_echo()
        self.start_relay("west.bob=bob")
        answered = self.request(self.east, "west.bob")
        self.assertEqual(answered.returncode, 0, answered.stderr + echo.written())
        self.assertEqual(json.loads(answered.stdout), {"n": 1})

    def test_it_proves_who_it_is_in_both_regions(self):
        """Where an identity exists, a registry token does not count."""
        for region, agent_id, path in ((self.east, "bob", "bob.toml"), (self.west, "relay.east", "far.toml")):
            made = self.masctl("identity", "create", agent_id, "--no-key", "--out", self.dir / path,
                               redis=region)
            self.assertEqual(made.returncode, 0, made.stderr)
        self.start_echo()
        self.start_relay("bob", flags=("--near-credentials", self.dir, "--far-credentials", self.dir / "far.toml"))
        answered = self.request(self.east, "bob")
        self.assertEqual(answered.returncode, 0, answered.stderr)


class UnderWayTest(TalkCase):
    """Messages that have been sent on while the link stalls, so that they have no receipt."""

    ID = "01234567-89ab-4cde-8f01-23456789abcd"

    def send_on(self, copies=1):
        """@return the relay, which has taken every copy: the sender restarts, and sends its message again."""
        self.echo = self.start_echo()
        relay = self.start_relay("bob")
        self.link.stall()
        for _ in range(copies):
            alice = GatewayPeer(self.east, "alice")
            self.assertEqual(alice.send(alice.envelope("bob", message_id=self.ID)).decisions(), ["ALLOWED"])
            alice.close()
        poll_until(lambda: self.taken() == copies, 10, "the relay takes them")
        return relay

    def taken(self):
        return self.east.cmd("XPENDING", "agent.stream:bob", "agents")[0]

    def wait_settled(self):
        poll_until(lambda: self.east.cmd("XLEN", "agent.stream:bob") == 0, 30, "the relay acknowledges all")

    def test_a_second_copy_is_settled_with_the_first_one(self):
        relay = self.send_on(copies=2)
        holds_for(lambda: self.letters_of(self.east) == [], 1, "it does not fail")
        self.link.forward()
        self.wait_settled()
        self.assertEqual(self.letters_of(self.east), [])
        self.assertEqual(relay.stop(20), 0)
        copies = collections.Counter(d.message_id for d in deliveries_of_aof(self.west.directory))
        self.assertEqual(copies[self.ID], 1, "it was sent on once")

    def test_a_second_copy_is_refused_with_the_first_one(self):
        self.send_on(copies=2)
        self.assertEqual(self.masctl("acl", "block", "relay.east", "bob", redis=self.west).returncode, 0)
        self.link.forward()
        letters = poll_until(lambda: len(self.letters_of(self.east)) == 2 and self.letters_of(self.east), 20,
                             "both are dead letters")
        for letter in letters:
            self.assertIn("far region: AUTHZ_DENIED", letter["reason"])

    def test_a_stop_refuses_nothing(self):
        relay = self.send_on()
        relay.stop(30)
        self.assertNotIn("refused", relay.err())
        self.link.forward()
        self.start_relay("bob")
        self.wait_settled()
        self.assertEqual(self.letters_of(self.east), [])

    def test_what_the_far_region_loses_is_named(self):
        relay = self.send_on()
        self.link.forward()
        self.wait_settled()
        self.west.cmd("FLUSHALL")
        self.link.cut()
        poll_until(lambda: f"doubt {self.ID}\n" in relay.err(), 30, lambda: f"the relay names it: {relay.err()}")


class LoopTest(TalkCase):
    """Each region's relay sends the messages for bob to the other one."""

    def test_a_loop_is_stopped_by_the_guard(self):
        self.start_relay("bob", near=self.east.url(), far=self.west.url(), name="relay.east")
        self.start_relay("bob", near=self.west.url(), far=self.east.url(), name="relay.west")
        self.assertEqual(self.send(self.east, "alice", "bob").returncode, 0)
        letters = poll_until(lambda: self.letters_of(self.east) + self.letters_of(self.west), 20, "it ends")
        self.assertIn("far region: LOOP_DETECTED", letters[0]["reason"])
        chain = json.loads(letters[0]["payload"])["meta"]["chain"]
        self.assertEqual(chain[:4], ["alice", "bob", "relay.east", "bob"])
        crossings = len(deliveries_of_aof(self.east.directory)) + len(deliveries_of_aof(self.west.directory))
        print(f"{self.id()}: stopped after {crossings} deliveries")
        self.assertLess(crossings, 40)
        self.assertEqual(len(letters), 1)


if __name__ == "__main__":
    main()
