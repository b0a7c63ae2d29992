"""Dead letters: what is kept of them, who hears of a queue near its bound, and what operators do with masctl dlq."""

import json

from harness import main, poll_until
from harness.gateway_case import GatewayCase

QUEUE = "dlq:messages"


class LettersCase(GatewayCase):
    """Alice sends to bob, whose stream takes nothing."""

    def setUp(self):
        super().setUp()
        self.alice, self.bob = self.peer("alice"), self.peer("bob")
        self.redis.cmd("SET", "agent.stream:bob", "not a stream")

    def letters(self):
        entries = self.redis.cmd("XRANGE", QUEUE, "-", "+")
        return {entry: dict(zip(fields[::2], fields[1::2])) for entry, fields in entries}

    def fail(self, count=1, decision="UNAVAILABLE"):
        """Sends messages that become dead letters. @return their ids."""
        envelopes = [self.alice.envelope("bob", data={"n": n}) for n in range(count)]
        self.assertEqual(self.alice.send(*envelopes).decisions(), [decision] * count)
        return [json.loads(envelope)["message_id"] for envelope in envelopes]


class BoundTest(LettersCase):
    config = {"delivery": {"max_dead_letters": 10}}

    def test_a_letter_says_what_it_is(self):
        message, = self.fail()
        letter, = self.letters().values()
        self.assertEqual((letter["sender"], letter["target"], letter["id"]), ("alice", "bob", message))
        self.assertEqual(json.loads(letter["payload"])["data"], {"n": 0})
        self.assertIn("WRONGTYPE", letter["reason"])
        self.assertEqual(letter["attempts"], "0")
        self.assertEqual(letter["first"], letter["last"])

    def test_near_its_bound_operators_hear_of_it_and_at_its_bound_it_refuses(self):
        events = self.redis.client()
        self.addCleanup(events.close)
        events.subscribe("mas.system")

        def metric(value):
            return self.gateway.metrics()["mas_gatewayd_dead_letters_near_full"] == value

        def alert():
            while (message := events.message(10)) is not None:
                event = json.loads(message[1])
                if event["type"] == "ALERT":
                    return event["text"]
            return ""

        self.fail(7)
        self.fail(1)
        poll_until(lambda: metric(1), 10, "8 of 10 are near the bound")
        self.assertIn("8 of 10 letters", alert())
        self.fail(2)
        self.assertIn("10 of 10 letters; what would be kept there is refused", alert())
        # The look that found it full is the one that closes it.
        self.eventually(lambda: self.alice.send(self.alice.envelope("bob")), "DLQ_FULL", 10)
        kept = len(self.letters())
        self.fail(5, "DLQ_FULL")
        self.assertEqual(len(self.letters()), kept)
        self.redis.cmd("DEL", QUEUE)
        self.eventually(lambda: self.alice.send(self.alice.envelope("bob")), "UNAVAILABLE", 10)
        poll_until(lambda: metric(0), 10, "the queue has room again")


if __name__ == "__main__":
    main()
