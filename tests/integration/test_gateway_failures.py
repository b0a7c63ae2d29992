"""Handlers that fail, are out of time or take their process along: delivered again, then dead letters, and none is lost."""

import collections
import json

from harness import main, poll_until
from harness.gateway_case import GatewayCase

QUEUE = "dlq:messages"


class FailureCase(GatewayCase):
    config = {"retry": {"attempts": 3, "base": "100ms", "cap": "400ms"}, "breaker": {"mode": "off"}}

    def setUp(self):
        super().setUp()
        self.alice = self.peer("alice")

    def flaky(self, *timeout, name="bob-1"):
        agent = self.process("mas-flaky-agent", "bob", *timeout, env={"MAS_REDIS_URL": self.redis.url()},
                             name=name).start()
        agent.wait_for_output("ready", 20)
        return agent

    def send(self, *datas):
        """@return the messages' ids."""
        envelopes = [self.alice.envelope("bob", data=data) for data in datas]
        self.assertEqual(self.alice.send(*envelopes).decisions(), ["ALLOWED"] * len(datas))
        return [json.loads(envelope)["message_id"] for envelope in envelopes]

    def letters(self):
        entries = self.redis.cmd("XRANGE", QUEUE, "-", "+")
        return {entry: dict(zip(fields[::2], fields[1::2])) for entry, fields in entries}

    def retry_keys(self):
        return self.redis.cmd("KEYS", "mas.retry:*")

    def idle(self):
        return not self.redis.cmd("XLEN", "agent.stream:bob") and not self.retry_keys()

    @staticmethod
    def handled(*agents):
        lines = [line.split() for agent in agents for line in agent.out().split("\n")[:-1]]
        return collections.Counter(int(line[1]) for line in lines if line[0] == "handled")


class FailureTest(FailureCase):
    def test_one_of_five_fails_and_is_delivered_again_alone(self):
        bob = self.flaky()
        self.send(*[{"n": n, "fail": 2 if n == 3 else 0} for n in range(5)])
        poll_until(lambda: len(self.handled(bob)) == 5 and self.idle(), 10, lambda: bob.out())
        self.assertEqual(self.handled(bob), collections.Counter(range(5)))
        lines = bob.out().split("\n")
        self.assertEqual([line for line in lines if line.split(" ")[1:2] == ["3"]],
                         ["failed 3 1", "failed 3 2", "handled 3 3"])
        self.assertEqual(self.letters(), {})
        metrics = self.gateway.metrics()
        self.assertEqual(metrics["mas_gatewayd_handler_failures_total"], 2)
        self.assertEqual(metrics["mas_gatewayd_retried_messages_total"], 2)

    def test_a_limit_ends_in_the_dead_letter_queue_and_a_replay_begins_anew(self):
        bob = self.flaky()
        message, = self.send({"n": 1, "fail": 4})
        poll_until(self.letters, 10, lambda: bob.out())
        self.assertEqual(bob.out().count("failed 1 "), 3)
        letter, = self.letters().values()
        self.assertEqual((letter["id"], letter["sender"], letter["target"], letter["attempts"]),
                         (message, "alice", "bob", "3"))
        self.assertEqual(letter["reason"], "handler failed: handler returned a failure")
        self.assertLess(int(letter["first"]), int(letter["last"]))
        self.assertTrue(self.idle())
        done = self.masctl("audit", "query", "--id", message, "--json", redis=self.redis)
        decisions = [record["decision"] for record in json.loads(done.stdout)["records"]]
        self.assertEqual(decisions, ["ALLOWED", "HANDLER_FAILED"])
        self.assertEqual(self.masctl("audit", "verify", redis=self.redis).returncode, 0)
        self.assertEqual(self.masctl("dlq", "replay", "--all", redis=self.redis).returncode, 0)
        poll_until(lambda: bob.out().count("failed 1 ") == 6 and self.letters(), 10, lambda: bob.out())

    def test_the_limit_of_the_agent_goes_before(self):
        self.assertEqual(self.masctl("limit", "set", "bob", "--attempts", "1", redis=self.redis).returncode, 0)
        bob = self.flaky()
        self.send({"n": 1, "fail": 9})
        poll_until(self.letters, 10, lambda: bob.out())
        self.assertEqual(bob.out().count("failed 1 "), 1)

    def test_a_handler_out_of_time_has_failed(self):
        bob = self.flaky("300")
        self.send({"n": 1, "sleep": 1500}, {"n": 2})
        poll_until(self.letters, 20, lambda: bob.out())
        letter, = self.letters().values()
        self.assertEqual(letter["reason"], "handler failed: out of time")
        self.assertEqual(self.handled(bob)[2], 1)
        poll_until(self.idle, 10, "nothing is left")

    def test_attempts_are_counted_across_instances_and_restarts(self):
        bob = self.flaky()
        message, = self.send({"n": 1, "fail": 9})
        poll_until(lambda: "failed 1 1" in bob.out(), 10, lambda: bob.out())
        self.assertEqual(bob.stop(), 0)
        other = self.flaky(name="bob-2")
        poll_until(self.letters, 10, lambda: other.out())
        letter, = self.letters().values()
        self.assertEqual((letter["id"], letter["attempts"]), (message, "3"))
        self.assertEqual((bob.out() + other.out()).count("failed 1 "), 3)

    def test_gateways_that_are_killed_lose_none(self):
        bob = self.flaky()
        self.send(*[{"n": n, "fail": n % 3} for n in range(60)])
        for _ in range(3):
            poll_until(lambda seen=len(bob.out()): len(bob.out()) > seen or self.idle(), 10, "something happens")
            self.gateway.kill()
            self.gateway = self.start_gateway()
        poll_until(lambda: len(self.handled(bob)) == 60 and self.idle(), 30, lambda: bob.out())
        self.assertEqual(self.letters(), {})
        self.assertEqual(set(self.handled(bob)), set(range(60)))

    def test_the_number_of_partitions_changes_and_what_waits_goes_along(self):
        self.gateway.stop()
        self.gateway = self.start_gateway(retry={"attempts": 3, "base": "8s", "cap": "8s"})
        bob = self.flaky()
        self.send(*[{"n": n, "fail": 1} for n in range(5)])
        poll_until(self.retry_keys, 10, lambda: bob.out())
        poll_until(lambda: not self.redis.cmd("XLEN", "agent.stream:bob"), 10, "all five were reported")
        self.assertEqual(self.gateway.stop(), 0)
        poll_until(lambda: not self.redis.cmd("KEYS", "mas.lease:{*"), 10, "the leases are over")
        done = self.masctl("partitions", "set", "3", redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        key, = self.retry_keys()
        self.assertEqual(self.redis.cmd("ZCARD", key), 5)
        self.gateway = self.start_gateway()
        poll_until(lambda: len(self.handled(bob)) == 5, 40, lambda: bob.out())


class DeathTest(FailureCase):
    config = {"retry": {"attempts": 2, "base": "100ms", "cap": "100ms"}, "breaker": {"mode": "off"}}

    def test_a_message_that_takes_its_process_along_ends_as_a_letter_and_the_others_are_handled(self):
        bob = self.flaky()
        agents = [bob]
        poison = self.send({"n": 1}, {"n": 2, "die": True}, {"n": 3})[1]
        for restart in range(12):
            poll_until(lambda: self.letters() or not agents[-1].running(), 10, lambda: agents[-1].out())
            if self.letters():
                break
            for key in self.redis.cmd("KEYS", "agent:bob:alive:*"):
                self.redis.cmd("DEL", key)  # what 15 seconds would do
            agents.append(self.process("mas-flaky-agent", "bob", env={"MAS_REDIS_URL": self.redis.url()},
                                       name=f"bob-{restart + 2}").start())
        letter, = self.letters().values()
        self.assertEqual((letter["id"], letter["attempts"]), (poison, "2"))
        self.assertEqual(letter["reason"], "handler failed: the processes that were to handle it ended")
        poll_until(lambda: self.idle(), 10, "nothing is left")
        self.assertEqual(set(self.handled(*agents)), {1, 3})
        self.assertGreaterEqual(sum(agent.out().count("died 2") for agent in agents), 4)


class BreakerTest(FailureCase):
    config = {"retry": {"attempts": 2, "base": "100ms", "cap": "200ms"},
              "breaker": {"failures": 4, "volume": 4, "ratio": 50, "open": "1s", "trials": 1, "patience": "2s"}}

    def test_handlers_that_fail_open_the_circuit_and_those_that_work_again_close_it(self):
        bob = self.flaky()
        self.send(*[{"n": n, "fail": 9} for n in range(10)])
        self.eventually(lambda: self.alice.send(self.alice.envelope("bob", data={"n": 100})), "CIRCUIT_OPEN", 10)
        poll_until(lambda: len(self.letters()) == 10, 10, lambda: bob.out())
        self.eventually(lambda: self.alice.send(self.alice.envelope("bob", data={"n": 101})), "ALLOWED", 20)
        poll_until(lambda: self.handled(bob)[101], 10, lambda: bob.out())
        for _ in range(3):
            self.eventually(lambda: self.alice.send(self.alice.envelope("bob", data={"n": 102})), "ALLOWED", 20)


if __name__ == "__main__":
    main()
