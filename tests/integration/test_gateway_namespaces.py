"""Two systems on one Redis, apart by their namespaces, with the same master key: nothing of one counts in the other."""

import base64
import tomllib

from harness import main
from harness.case import MasTestCase
from harness.gateway_case import QUICK
from harness.gateway_peer import GatewayPeer
from harness.poll import poll_until


class NamespacesTest(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
        self.master = str(self.dir / "master.key")
        self.assertEqual(self.masctl("key", "generate", self.master, redis=self.redis).returncode, 0)

    def start_gateway(self, namespace):
        gateway = self.daemon("mas-gatewayd", self.redis, {
            **QUICK, "gateway": {"master_key_file": self.master}, "redis": {"namespace": namespace}}).start().wait_ready()
        poll_until(lambda: gateway.ready()[1].get("deciding"), 10, "the gateway has fenced partitions")
        return gateway

    def peer(self, agent_id, namespace):
        peer = GatewayPeer(self.redis, agent_id, namespace=namespace)
        self.addCleanup(peer.close)
        return peer

    def test_a_chain_of_another_namespace_does_not_verify_and_is_not_gone_on_with(self):
        self.start_gateway("blue")
        alice, _ = self.peer("alice", "blue"), self.peer("bob", "blue")
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        verify = ("audit", "verify")
        own = self.masctl(*verify, "--namespace", "blue", redis=self.redis)
        self.assertEqual(own.returncode, 0, own.stdout + own.stderr)

        key = f"mas.audit:{{{alice.partition}}}"
        self.assertEqual(self.redis.cmd("COPY", f"blue/{key}", key), 1)
        copied = self.masctl(*verify, redis=self.redis)
        self.assertEqual(copied.returncode, 6, copied.stdout + copied.stderr)
        self.assertIn("of namespace 'blue'", copied.stdout)

        here = self.start_gateway("")
        resting = poll_until(lambda: here.ready()[1].get("resting"), 10, "the partition rests")
        self.assertIn("of namespace 'blue'", str(resting))
        self.assertEqual(self.redis.cmd("XLEN", key), 1)

    def test_a_ticket_of_another_namespace_lets_nothing_through(self):
        self.start_gateway("blue")
        self.start_gateway("")
        alice, bob, tickets = {}, {}, {}
        for namespace in ("blue", ""):
            alice[namespace], bob[namespace] = self.peer("alice", namespace), self.peer("bob", namespace)
            alice[namespace].instance = b"\x07" * 16
            alice[namespace].listen()
            question = alice[namespace].envelope("bob", correlation_id="c1", expects_reply=True)
            self.assertEqual(alice[namespace].send(question).decisions(), ["ALLOWED"])
            bob[namespace].wait_messages(1)
            tickets[namespace] = bob[namespace].entries()[0][0][1]
        self.redis.cmd("SADD", "agent:bob:allowed_targets", "carol")  # bob may not send to alice by himself
        bob = bob[""]
        poll_until(lambda: bob.send(bob.envelope("alice")).decisions() == ["AUTHZ_DENIED"], 5, "the rule is known")
        answer = bob.envelope("alice", correlation_id="c1", is_reply=True)
        self.assertEqual(bob.send(answer, ticket=tickets[""]).decisions(), ["ALLOWED"])
        self.assertEqual(bob.send(answer, ticket=tickets["blue"]).decisions(), ["AUTHZ_DENIED"])

    def test_a_sealed_key_of_another_namespace_signs_nothing(self):
        path = self.dir / "alice.toml"
        done = self.masctl("identity", "create", "alice", "--no-token", "--namespace", "blue", "--master-key", self.master,
                           "--out", str(path), redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = tomllib.loads(path.read_text())
        key = found["key_id"], base64.urlsafe_b64decode(found["key"] + "=")
        self.assertEqual(self.redis.cmd("COPY", "blue/mas.identity:alice", "mas.identity:alice"), 1)
        self.start_gateway("blue")
        self.start_gateway("")
        decided = {}
        for namespace in ("blue", ""):
            alice, _ = self.peer("alice", namespace), self.peer("bob", namespace)
            alice.key = key
            decided[namespace] = alice.send(alice.envelope("bob")).decisions()
        self.assertEqual(decided, {"blue": ["ALLOWED"], "": ["UNAVAILABLE"]})


if __name__ == "__main__":
    main()
