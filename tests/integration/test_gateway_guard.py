"""Agents that go round in circles are stopped, and urgent lanes are for those who may use them."""

from harness import MasTestCase, main, poll_until
from harness.gateway_peer import GatewayPeer

QUICK = {"lease": {"ttl": "1s"}}


class GuardCase(MasTestCase):
    config = {}

    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
        self.gateway = self.start_daemon("mas-gatewayd", self.redis, {**QUICK, **self.config})
        poll_until(lambda: self.gateway.ready()[1].get("deciding"), 10, "the gateway has fenced partitions")

    def peer(self, agent_id, **options):
        peer = GatewayPeer(self.redis, agent_id, **options)
        self.addCleanup(peer.close)
        return peer

    def relay(self, agent_id, target, *start):
        relay = self.process("mas-relay-agent", agent_id, target, *start, env={"MAS_REDIS_URL": self.redis.url()},
                             name=f"relay-{agent_id}").start()
        relay.wait_for_output("ready", 20)
        return relay

    def shadow_refusals(self):
        return self.gateway.metrics()["mas_gatewayd_shadow_refusals_total"]


class RunawayTest(GuardCase):
    def test_two_agents_that_answer_each_other_are_stopped(self):
        bob = self.relay("bob", "alice")
        alice = self.relay("alice", "bob", "start")
        refused = poll_until(lambda: [line for line in (alice.out() + bob.out()).splitlines() if "refused" in line], 20,
                             "one of them is refused")
        self.assertEqual(len(refused), 1, refused)
        self.assertIn("refused LOOP_DETECTED", refused[0])
        self.assertIn("chain: the target appears in it 9 times, at most 8", refused[0])
        self.assertEqual(alice.out().count("got bob work") + bob.out().count("got alice work"), 17)

    def test_a_circle_of_three_is_stopped(self):
        relays = [self.relay("bob", "carol"), self.relay("carol", "alice"), self.relay("alice", "bob", "start")]
        poll_until(lambda: "refused LOOP_DETECTED" in "".join(relay.out() for relay in relays), 20, "it is refused")
        self.assertLessEqual(sum(relay.out().count("got ") for relay in relays), 27)


class BudgetTest(GuardCase):
    config = {"guard": {"conversation": 5, "pair": 8, "max_hops": 4}}

    def test_budgets_and_hops(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        talk = [alice.envelope("bob", conversation_id="c1") for _ in range(6)]
        receipt = alice.send(*talk)
        self.assertEqual(receipt.decisions(), ["ALLOWED"] * 5 + ["LOOP_DETECTED"])
        self.assertEqual(receipt.outcomes[5][2], "conversation: at most 5 messages in 60 s")
        receipt = alice.send(*[alice.envelope("bob") for _ in range(4)])
        self.assertEqual(receipt.decisions(), ["ALLOWED"] * 3 + ["LOOP_DETECTED"])
        self.assertEqual(receipt.outcomes[3][2], "pair: at most 8 messages in 60 s")
        receipt = bob.send(bob.envelope("alice", chain=["a", "b", "c", "d", "e"]), bob.envelope("alice", hops=5),
                           bob.envelope("alice", chain="alice"))
        self.assertEqual(receipt.decisions(), ["LOOP_DETECTED", "LOOP_DETECTED", "MALFORMED"])
        self.assertEqual(len(bob.wait_messages(8)), 8)


class ShadowTest(GuardCase):
    config = {"guard": {"mode": "shadow", "pair": 1}, "priority": {"mode": "shadow", "highest": "normal"}}

    def test_what_would_have_been(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        self.assertEqual(alice.send(alice.envelope("bob"), alice.envelope("bob")).decisions(), ["ALLOWED"] * 2)
        self.assertEqual(self.shadow_refusals(), 1)
        self.assertEqual(bob.send(bob.envelope("alice", priority="high")).decisions(), ["ALLOWED"])
        self.assertEqual(len(alice.wait_messages(1, ":high")), 1)
        self.assertEqual(self.shadow_refusals(), 2)


class PriorityTest(GuardCase):
    config = {"priority": {"highest": "normal", "from_data": True}}

    def test_lanes_are_capped_by_roles(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        self.assertEqual(alice.send(alice.envelope("bob", priority="critical")).decisions(), ["ALLOWED"])
        self.assertEqual(len(bob.wait_messages(1)), 1)
        for command in (("role", "create", "urgent", "send:*", "priority:high"), ("role", "assign", "alice", "urgent")):
            done = self.masctl(*command, redis=self.redis)
            self.assertEqual(done.returncode, 0, done.stderr)

        def arrives_high():
            alice.send(alice.envelope("bob", priority="critical"))
            return bob.messages(":high")

        poll_until(arrives_high, 5, "the role is known")
        self.assertEqual(bob.messages(":critical"), [])
        alice.send(alice.envelope("bob", data={"priority": "BULK"}))
        self.assertEqual(len(bob.wait_messages(1, ":bulk")), 1)


if __name__ == "__main__":
    main()
