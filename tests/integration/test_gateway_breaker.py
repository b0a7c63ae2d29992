"""Circuit breakers: a target that fails is left alone by all gateways, tried, and served again; operators have a say."""

import json

from harness import main, poll_until
from harness.gateway_case import GatewayCase


class BreakerCase(GatewayCase):
    gateways = 1

    def setUp(self):
        super().setUp()
        self.all = [self.gateway]
        for number in range(1, self.gateways):
            self.all.append(self.start_daemon("mas-gatewayd", self.redis, {"lease": {"ttl": "1s"}, **self.config},
                                              name=f"gateway-{number}"))
        self.watcher = self.redis.client()
        self.addCleanup(self.watcher.close)
        self.watcher.subscribe("mas.system")

    def ctl(self, *args):
        done = self.masctl(*args, redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def circuit(self, agent="bob"):
        return json.loads(self.ctl("breaker", "show", agent, "--json"))

    def known(self, state, gateway=None):
        """Circuits in that state, as the gateway knows them."""
        return (gateway or self.gateway).metrics()[f'mas_gatewayd_circuits{{state="{state}"}}']

    def await_state(self, state, timeout=10):
        poll_until(lambda: self.circuit()["state"] == state, timeout, lambda: f"{state}, and not {self.circuit()}")

    def await_event(self, kind, timeout=10):
        def heard():
            message = self.watcher.message(1)
            event = json.loads(message[1]) if message else {}
            return event if event.get("type") == kind else None

        return poll_until(heard, timeout, f"{kind} is published")

    def handled(self, agent="bob"):
        """Its receiver handled what lies in its stream."""
        self.redis.cmd("XTRIM", f"agent.stream:{agent}", "MAXLEN", 0)


class FailuresTest(BreakerCase):
    gateways = 2
    config = {"delivery": {"max_backlog": 3, "sender_share": 100}, "auth": {"drift": "5m"},
              "breaker": {"failures": 3, "volume": 4, "open": "1s", "trials": 2, "patience": "20s"}}

    def senders_of_both(self):
        """A sender for each gateway: one in each half of the partitions."""
        def owned():
            lists = [set(gateway.ready()[1].get("deciding") or []) for gateway in self.all]
            return lists if all(lists) and sum(map(len, lists)) == 16 else None

        lists = poll_until(owned, 20, "both gateways decide")
        peers = []
        for mine in lists:
            number = 0
            while True:
                peer = self.peer(f"sender-{len(peers)}-{number}")
                number += 1
                if peer.partition in mine:
                    break
            peers.append(peer)
        return peers

    def test_open_half_open_closed_and_shared(self):
        bob = self.peer("bob")
        first, second = self.senders_of_both()
        self.assertEqual(second.send(second.envelope("bob")).decisions(), ["ALLOWED"])
        for _ in range(3):
            first.send(first.envelope("bob"))
        refused = [first.send(first.envelope("bob")).decisions()[0] for _ in range(6)]
        self.assertEqual(refused[0], "TARGET_OVERLOADED")
        self.assertEqual(self.await_event("CIRCUIT_OPENED")["agent_id"], "bob")
        self.assertEqual(self.circuit()["cause"], "failures")
        # The other gateway goes by it, too, whatever it thought of the backlog.
        receipt = poll_until(lambda: (r := second.send(second.envelope("bob"))).decisions() == ["CIRCUIT_OPEN"] and r, 5,
                             "the other gateway has heard of it")
        _, retry_after, detail = receipt.outcomes[0]
        self.assertLessEqual(retry_after, 1000)
        self.assertEqual(detail, "circuit open: failures")


        def known_to_both():
            for peer in (first, second):
                peer.send(peer.envelope("bob"))
            return [self.known("open", gateway) for gateway in self.all] == [1, 1]

        poll_until(known_to_both, 10, "both gateways count it as open")

        # Its time over, trials go to it, and as its stream empties it closes.
        def tried():
            self.handled()
            first.send(first.envelope("bob"))
            return self.circuit()["state"] == "closed"

        poll_until(tried, 20, lambda: f"it closes: {self.circuit()}")
        self.assertEqual(self.await_event("CIRCUIT_CLOSED")["agent_id"], "bob")
        self.assertGreaterEqual(self.circuit()["generation"], 3)  # opened, half-open, closed
        for peer in (first, second):
            self.handled()
            self.eventually(lambda: peer.send(peer.envelope("bob")), "ALLOWED")
        self.assertEqual([self.known("open", gateway) for gateway in self.all], [0, 0])
        changes = sum(value for gateway in self.all for name, value in gateway.metrics().items()
                      if name.startswith("mas_gatewayd_circuit_changes_total"))
        self.assertEqual(changes, self.circuit()["generation"], "each change was made once")
        self.assertIsNotNone(bob)


class InactiveTest(BreakerCase):
    config = {"breaker": {"grace": "1s", "on_open": "dead_letter"}}

    def test_an_agent_that_stays_away_and_comes_back(self):
        alice, bob = self.peer("alice"), self.peer("bob", active=False)
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["QUEUED_OFFLINE"])
        self.eventually(lambda: alice.send(alice.envelope("bob")), "CIRCUIT_OPEN", 10)
        self.assertEqual(self.await_event("CIRCUIT_OPENED")["text"], "inactive")
        self.await_state("open")
        letters = self.redis.cmd("XRANGE", "dlq:messages", "-", "+")
        self.assertEqual(dict(zip(letters[0][1][::2], letters[0][1][1::2]))["reason"], "circuit open: inactive")
        queued = len(bob.messages())
        self.redis.cmd("HSET", "agent:bob", "status", "ACTIVE")
        self.eventually(lambda: alice.send(alice.envelope("bob")), "ALLOWED", 10)
        self.assertEqual(len(bob.wait_messages(queued + 1)), queued + 1)
        self.await_state("closed")


class OperatorTest(BreakerCase):
    def test_open_list_and_reset_with_a_record(self):
        alice, _ = self.peer("alice"), self.peer("bob")
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.assertEqual(json.loads(self.ctl("breaker", "list", "--json")), {"circuits": []})
        self.assertIn("open until", self.ctl("breaker", "open", "bob", "--by", "ann"))
        self.eventually(lambda: alice.send(alice.envelope("bob")), "CIRCUIT_OPEN")
        self.assertEqual(self.await_event("CIRCUIT_OPENED")["text"], "operator")
        self.assertEqual((self.known("forced_open"), self.known("open")), (1, 0))
        self.assertEqual(json.loads(self.ctl("breaker", "open", "bob", "--json")), {"changed": False})
        listed = json.loads(self.ctl("breaker", "list", "--open", "--json"))["circuits"]
        self.assertEqual([(one["agent"], one["state"], one["cause"]) for one in listed],
                         [("bob", "forced_open", "operator")])
        self.assertIn("forced_open", self.ctl("breaker", "list"))
        told = self.masctl("explain", "alice", "bob", "--json", redis=self.redis)
        self.assertEqual(told.returncode, 1)
        self.assertEqual(json.loads(told.stdout)["rule"], "circuit open: operator")
        self.ctl("breaker", "reset", "bob", "--by", "ann")
        self.eventually(lambda: alice.send(alice.envelope("bob")), "ALLOWED")
        self.assertEqual((self.known("forced_open"), self.known("closed")), (0, 1))
        self.assertEqual(json.loads(self.ctl("breaker", "list", "--open", "--json")), {"circuits": []})
        records = [dict(zip(fields[::2], fields[1::2]))
                   for _, fields in self.redis.cmd("XRANGE", "mas.audit.operators", "-", "+")]
        self.assertEqual([(one["action"], one["object"], one["detail"]) for one in records],
                         [("breaker.open", "bob", "was closed"), ("breaker.open", "bob", "was forced_open"),
                          ("breaker.reset", "bob", "was forced_open")])
        self.assertEqual(records[0]["who"], "ann")

    def test_what_cannot_be_read_is_closed_and_told_of(self):
        alice, _ = self.peer("alice"), self.peer("bob")
        self.redis.cmd("HSET", "circuit:bob", "state", "ajar", "generation", "4", "since", "1")
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        self.assertIn("state is 'ajar'", self.circuit()["problem"])
        self.ctl("breaker", "reset", "bob")
        self.assertEqual((self.circuit()["state"], self.circuit()["problem"]), ("closed", None))
        self.assertEqual(self.masctl("breaker", "open", "", redis=self.redis).returncode, 2)


if __name__ == "__main__":
    main()
