"""Dead letters that are replayed: through the policy of today, once, and never lost, whatever happens to the gateway."""

import json
import os
import time

from harness import main, poll_until
from harness.gateway_case import GatewayCase
from harness.gateway_peer import record

QUEUE, REQUESTS = "dlq:messages", "mas.replay"


class ReplayTest(GatewayCase):
    config = {"breaker": {"mode": "off"}}  # a broken stream is what makes the letters

    def setUp(self):
        super().setUp()
        self.alice, self.bob = self.peer("alice"), self.peer("bob")

    def letters(self):
        entries = self.redis.cmd("XRANGE", QUEUE, "-", "+")
        return {entry: dict(zip(fields[::2], fields[1::2])) for entry, fields in entries}

    def make_letters(self, count):
        """Messages to bob become dead letters, then his stream is whole again. @return their ids."""
        self.redis.cmd("SET", "agent.stream:bob", "not a stream")
        envelopes = [self.alice.envelope("bob", data={"n": n}) for n in range(count)]
        self.assertEqual(self.alice.send(*envelopes).decisions(), ["UNAVAILABLE"] * count)
        self.redis.cmd("DEL", "agent.stream:bob")
        return [json.loads(envelope)["message_id"] for envelope in envelopes]

    def wait_repaired(self):
        """The gateway looks at a stream that took nothing only every few seconds."""
        self.eventually(lambda: self.alice.send(self.alice.envelope("bob", "probe")), "ALLOWED", 15)
        for entry, letter in self.letters().items():
            if json.loads(letter["payload"])["message_type"] == "probe":
                self.redis.cmd("XDEL", QUEUE, entry)

    def replay(self, *choice):
        done = self.masctl("dlq", "replay", *choice, "--json", redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["letters"]

    def notes(self):
        return [message for message in self.bob.messages() if message["message_type"] == "note"]

    def settled(self):
        idle = not self.redis.cmd("LLEN", REQUESTS)
        return idle and not any(self.redis.cmd("LLEN", f"mas.ingress:{{{p}}}") for p in range(16))

    def test_letters_that_are_accepted_leave_the_queue_marked_and_once(self):
        ids = self.make_letters(50)
        self.wait_repaired()
        self.assertEqual(self.replay("--target", "bob", "--dry-run"), 50)
        self.assertEqual(len(self.letters()), 50)
        for _ in range(3):  # who asks three times gets it once
            self.assertLessEqual(self.replay("--all"), 50)
        poll_until(lambda: self.settled() and len(self.notes()) >= 50, 15, "all were replayed")
        self.assertEqual([message["message_id"] for message in self.notes()], ids)
        self.assertEqual(self.letters(), {})
        flags = [flags for entry in self.bob.entries() for flags, _, message in entry if message["message_type"] == "note"]
        self.assertEqual(flags, [2] * 50)
        done = self.masctl("audit", "query", "--id", ids[0], "--json", redis=self.redis)
        decisions = [(r["decision"], r["reason"]) for r in json.loads(done.stdout)["records"]]
        self.assertEqual([decision for decision, _ in decisions], ["UNAVAILABLE", "ALLOWED"])
        self.assertEqual(decisions[1][1], "replayed")
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_replayed_messages_total"], 50)
        self.assertEqual(self.masctl("audit", "verify", redis=self.redis).returncode, 0)

    def test_a_letter_that_is_refused_again_comes_back_with_the_new_reason(self):
        message, = self.make_letters(1)
        first = next(iter(self.letters().values()))["first"]
        self.wait_repaired()
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "bob")
        self.eventually(lambda: self.alice.send(self.alice.envelope("bob", "probe")), "AUTHZ_DENIED", 10)
        old, = self.letters()
        self.assertEqual(self.replay(old), 1)
        poll_until(lambda: self.letters() and old not in self.letters(), 10, "it is back")
        letter, = self.letters().values()
        self.assertEqual((letter["id"], letter["sender"], letter["target"]), (message, "alice", "bob"))
        self.assertIn("replayed: AUTHZ_DENIED", letter["reason"])
        self.assertEqual(letter["first"], first)
        self.assertGreater(int(letter["last"]), int(first))
        self.assertEqual(self.notes(), [])
        self.redis.cmd("SREM", "agent:alice:blocked_targets", "bob")
        self.eventually(lambda: self.alice.send(self.alice.envelope("bob", "probe")), "ALLOWED", 10)
        self.assertEqual(self.replay("--all"), 1)
        poll_until(lambda: len(self.notes()) == 1 and not self.letters(), 10, "the policy of today lets it pass")

    def test_a_gateway_that_is_killed_loses_and_doubles_none(self):
        ids = self.make_letters(200)
        self.wait_repaired()
        self.assertEqual(self.replay("--all"), 200)
        for _ in range(4):
            time.sleep(0.3)
            self.gateway.kill()
            self.gateway = self.start_gateway()
        poll_until(lambda: self.settled() and not self.letters() and len(self.notes()) >= 200, 20, "all were replayed")
        self.assertEqual(sorted(message["message_id"] for message in self.notes()), sorted(ids))

    def test_what_is_no_message_stays_and_what_is_no_letter_is_ignored(self):
        self.redis.cmd("XADD", QUEUE, "*", "payload", b"no message")
        self.assertEqual(self.replay("--all"), 1)
        self.redis.cmd("RPUSH", REQUESTS, "nonsense", "5-5", "")
        poll_until(self.settled, 10, "the requests are gone")
        self.assertEqual(len(self.letters()), 1)
        self.assertEqual(len(self.gateway.logged("replay_refused")), 1)

    def test_letters_wait_while_the_queue_could_not_take_them_back(self):
        self.make_letters(3)
        self.wait_repaired()
        last = "18446744073709551615-18446744073709551615"
        self.redis.cmd("XADD", QUEUE, last, "x", "y")
        self.redis.cmd("XDEL", QUEUE, last)
        self.assertEqual(self.replay("--all"), 3)
        self.gateway.wait_log("replay_waits")
        self.assertEqual((len(self.letters()), self.notes(), self.redis.cmd("LLEN", REQUESTS)), (3, [], 3))

    def test_an_agent_cannot_replay(self):
        """It may write to the list of its partition, so it is not believed there."""
        self.alice.key = ("@replay", os.urandom(32))
        self.alice.push(self.alice.frame([record(self.alice.envelope("bob"), flags=2)], 1))
        self.assertEqual(self.alice.receipt().decisions(), ["AUTH_FAILED"])
        self.assertEqual((self.notes(), self.letters()), ([], {}))


if __name__ == "__main__":
    main()
