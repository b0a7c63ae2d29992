"""An agent that is killed, 10,000 messages meanwhile, and its return: in time, or after its grace time. The hour itself is
simulated in unit_gateway_turn; here the processes are real and the times short."""

import json

from harness import main, poll_until
from harness.gateway_case import GatewayCase

MESSAGES, FRAME = 10_000, 500
QUEUE = "dlq:messages"


class AbsenceCase(GatewayCase):
    def setUp(self):
        super().setUp()
        self.alice = self.peer("alice")
        self.bob = self.receiver(1)
        self.wait_alive()
        self.assertEqual(self.alice.send(self.alice.envelope("bob", "ledger", data={"n": 0})).decisions(), ["ALLOWED"])
        poll_until(lambda: "got" in self.bob.out(), 10, "bob hears")
        self.bob.kill()
        for key in self.redis.cmd("KEYS", "agent:bob:alive:*"):
            self.redis.cmd("DEL", key)
        self.redis.cmd("HSET", "agent:bob", "status", "INACTIVE")  # as healthd does
        self.eventually(lambda: self.alice.send(self.alice.envelope("bob", "ledger", data={"n": 0})), "QUEUED_OFFLINE")

    def receiver(self, number):
        return self.process("mas-ledger-agent", "receive", "bob", env={"MAS_REDIS_URL": self.redis.url()},
                            name=f"bob-{number}").start()

    def wait_alive(self):
        poll_until(lambda: self.redis.cmd("HGET", "agent:bob", "status") == "ACTIVE", 10, "bob is registered")

    def send_all(self, decision):
        """@return the messages' ids."""
        ids = []
        for first in range(0, MESSAGES, FRAME):
            envelopes = [self.alice.envelope("bob", "ledger", data={"n": n}) for n in range(first, first + FRAME)]
            self.assertEqual(self.alice.send(*envelopes).decisions(), [decision] * FRAME)
            ids += [json.loads(envelope)["message_id"] for envelope in envelopes]
        return ids

    def handled(self, agent):
        return [line.split(" ")[3] for line in agent.out().split("\n")[:-1] if line.startswith("got ")]


class StoppedTest(GatewayCase):
    def test_an_agent_that_stopped_in_order_gets_what_came_meanwhile(self):
        alice = self.peer("alice")
        bob = self.start_listener(self.redis, "bob", "--mode", "gateway").wait_registered(self.redis)
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        bob.wait_messages(1)
        self.assertEqual(bob.stop(), 0)
        self.assertEqual(self.redis.cmd("EXISTS", "agent:bob"), 0)
        for _ in range(10):
            self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["QUEUED_OFFLINE"])
            self.assertEqual(alice.send(alice.envelope("bbo")).decisions(), ["TARGET_NOT_FOUND"])
        bob = self.start_listener(self.redis, "bob", "--mode", "gateway", name="bob-2")
        bob.wait_messages(10)


class WithinGraceTest(AbsenceCase):
    def test_it_gets_every_one_when_it_is_back_in_time(self):
        ids = self.send_all("QUEUED_OFFLINE")
        bob = self.receiver(2)
        poll_until(lambda: len(self.handled(bob)) >= MESSAGES, 60, lambda: f"{len(self.handled(bob))} were handled")
        self.assertEqual([i for i in self.handled(bob) if i in set(ids)], ids)
        poll_until(lambda: not self.redis.cmd("XLEN", "agent.stream:bob"), 10, "nothing is left")
        self.assertEqual(self.redis.cmd("XLEN", QUEUE), 0)


class LaterTest(AbsenceCase):
    config = {"breaker": {"grace": "1s", "on_open": "dead_letter"}}

    def test_past_its_grace_time_they_are_dead_letters_and_can_be_replayed(self):
        self.eventually(lambda: self.alice.send(self.alice.envelope("bob", "probe")), "CIRCUIT_OPEN", 10)
        self.redis.cmd("DEL", QUEUE)  # the probe
        ids = self.send_all("CIRCUIT_OPEN")
        self.assertEqual(self.redis.cmd("XLEN", QUEUE), MESSAGES)
        bob = self.receiver(2)
        self.wait_alive()
        replayed = self.masctl("dlq", "replay", "--target", "bob", "--json", redis=self.redis, timeout=60)
        self.assertEqual(json.loads(replayed.stdout)["letters"], MESSAGES, replayed.stderr)
        poll_until(lambda: set(ids) <= set(self.handled(bob)), 60, lambda: f"{len(self.handled(bob))} were handled")
        heard = [i for i in self.handled(bob) if i in set(ids)]
        self.assertEqual(len(heard), MESSAGES, "each once")
        self.assertEqual(self.redis.cmd("XLEN", QUEUE), 0)


if __name__ == "__main__":
    main()
