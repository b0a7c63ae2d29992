"""Dead letters: what is kept of them, who hears of a queue near its bound, and what operators do with masctl dlq."""

import json
import time

from harness import main, poll_until
from harness.gateway_case import GatewayCase

QUEUE = "dlq:messages"


class LettersCase(GatewayCase):
    config = {"breaker": {"mode": "off"}}  # a broken stream is what makes the letters

    """Alice sends to bob, whose stream takes nothing."""

    def setUp(self):
        super().setUp()
        self.alice, self.bob = self.peer("alice"), self.peer("bob")
        self.redis.cmd("SET", "agent.stream:bob", "not a stream")

    def letters(self):
        entries = self.redis.cmd("XRANGE", QUEUE, "-", "+")
        return {entry: dict(zip(fields[::2], fields[1::2])) for entry, fields in entries}

    def fail_messages(self, count=1, decision="UNAVAILABLE"):
        """Sends messages that become dead letters. @return their ids."""
        envelopes = [self.alice.envelope("bob", data={"n": n}) for n in range(count)]
        self.assertEqual(self.alice.send(*envelopes).decisions(), [decision] * count)
        return [json.loads(envelope)["message_id"] for envelope in envelopes]


class BoundTest(LettersCase):
    config = {**LettersCase.config, "delivery": {"max_dead_letters": 10}}

    def test_a_letter_says_what_it_is(self):
        message, = self.fail_messages()
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

        self.fail_messages(7)
        self.fail_messages(1)
        poll_until(lambda: metric(1), 10, "8 of 10 are near the bound")
        self.assertIn("8 of 10 letters", alert())
        self.fail_messages(2)
        self.assertRegex(alert(), r"10 of 10 letters and \d+ of 536870912 bytes; messages that would be kept there are refused")
        # The look that found it full is the one that closes it.
        self.eventually(lambda: self.alice.send(self.alice.envelope("bob")), "DLQ_FULL", 10)
        kept = len(self.letters())
        self.fail_messages(5, "DLQ_FULL")
        self.assertEqual(len(self.letters()), kept)
        self.redis.cmd("DEL", QUEUE)
        self.eventually(lambda: self.alice.send(self.alice.envelope("bob")), "UNAVAILABLE", 10)
        poll_until(lambda: metric(0), 10, "the queue has room again")


class BytesBoundTest(LettersCase):
    config = {**LettersCase.config, "delivery": {"max_dead_letter_bytes": "1MiB"}}

    def test_the_queue_is_bounded_in_bytes_too(self):
        large = self.alice.envelope("bob", data={"x": "y" * 200_000})
        self.assertEqual(self.alice.send(large).decisions(), ["UNAVAILABLE"])
        self.eventually(lambda: self.alice.send(large), "DLQ_FULL", 20)
        self.assertLess(len(self.letters()), 100)
        self.redis.cmd("DEL", QUEUE)
        self.eventually(lambda: self.alice.send(large), "UNAVAILABLE", 10)


class CommandsTest(LettersCase):
    """list, show, export and drop."""

    def ctl(self, *args, code=0):
        done = self.masctl("dlq", *args, redis=self.redis)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def listed(self, *args):
        return json.loads(self.ctl("list", "--json", *args))["letters"]

    def operator_records(self):
        entries = self.redis.cmd("XRANGE", "mas.audit.operators", "-", "+")
        return [dict(zip(fields[::2], fields[1::2])) for _, fields in entries]

    def test_list_show_and_export_say_what_is_there(self):
        self.assertEqual(self.listed(), [])
        ids = self.fail_messages(40)
        now = int(time.time() * 1e6)
        self.redis.cmd("XADD", QUEUE, "*", "payload", b"\x80 no frame", "first", now, "last", now)
        letters = self.listed()
        self.assertEqual([letter["id"] for letter in letters], ids + [""])
        self.assertNotIn("payload", letters[0])
        self.assertEqual([letter["id"] for letter in self.listed("--limit", "2")], [ids[-1], ""])
        self.assertEqual([letter["id"] for letter in self.listed("--sender", "alice", "--id", ids[7])], [ids[7]])
        self.assertEqual(len(self.listed("--target", "bob", "--reason", "WRONGTYPE", "--since", "1h")), 40)
        for nothing in (("--target", "carol"), ("--reason", "no such"), ("--until", "1h")):
            self.assertEqual(self.listed(*nothing), [])
        shown = json.loads(self.ctl("show", letters[3]["letter"], "--json"))
        self.assertEqual((shown["payload"]["message_id"], shown["payload"]["data"]), (ids[3], {"n": 3}))
        self.assertIn(f"message: {ids[3]}", self.ctl("show", letters[3]["letter"]))
        lines = [json.loads(line) for line in self.ctl("export").splitlines()]
        self.assertEqual([line["id"] for line in lines], ids + [""])
        self.assertEqual(lines[-1]["payload_base64"], "gCBubyBmcmFtZQ")
        forged = self.redis.cmd("XADD", QUEUE, "*", "payload", "x\nreason: none", "sender", "eve\r\nsender: alice", "reason", "a\nlast: 0",
                                "first", now, "last", now)
        lines = self.ctl("show", forged).splitlines()
        self.assertEqual([line.split(": ")[0] for line in lines],
                         ["letter", "sender", "target", "message", "reason", "attempts", "first", "last", "payload"])
        self.assertIn("no dead letter", self.ctl("show", "1-1", code=1))
        self.assertIn("is not the name of a letter", self.ctl("show", "last", code=2))

    def test_drop_takes_what_was_chosen_and_says_who_did(self):
        ids = self.fail_messages(3)
        first = self.listed()[0]["letter"]
        self.assertIn("expected LETTER", self.ctl("drop", code=2))
        self.assertIn("expected only one of", self.ctl("drop", first, "--all", code=2))
        self.assertIn("nothing was changed", self.ctl("drop", first, "1-1", code=1))
        self.assertEqual(self.ctl("drop", "--all", "--dry-run"), "3 letters would be dropped\n")
        self.assertEqual((len(self.letters()), self.operator_records()), (3, []))
        self.assertEqual(self.ctl("drop", first, "--by", "ann"), "1 letter dropped\n")
        self.assertEqual([letter["id"] for letter in self.listed()], ids[1:])
        record, = self.operator_records()
        self.assertEqual((record["who"], record["action"], record["object"], record["detail"]),
                         ("ann", "dlq.drop", "dlq:messages", first))
        self.assertEqual(json.loads(self.ctl("drop", "--target", "bob", "--json")), {"letters": 2, "dry_run": False})
        self.assertEqual(self.letters(), {})

    def test_what_never_proved_its_sender_has_a_view_of_its_own(self):
        poison = self.alice.frame([b"no record"], 1)[:60]  # it names alice, and ends in the middle
        self.alice.push(poison)
        self.alice.push(b"no frame at all")
        poll_until(lambda: self.redis.cmd("XLEN", "dlq:unproven") == 2, 10, "both are set aside")
        self.assertEqual(self.listed(), [], "dead letters are another matter")
        first, second = self.listed("--unproven")
        self.assertEqual((first["claimed"], first["bytes"], second["claimed"]), ("alice", len(poison), ""))
        self.assertNotIn("target", first)
        self.assertEqual([letter["letter"] for letter in self.listed("--unproven", "--sender", "alice")], [first["letter"]])
        self.assertIn("--target", self.ctl("list", "--unproven", "--target", "bob", code=2))
        shown = self.ctl("show", "--unproven", second["letter"])
        self.assertIn(f"reason: {second['reason']}", shown)
        self.assertIn("payload: no frame at all", shown)
        self.assertIn("no dead letter", self.ctl("show", second["letter"], code=1))
        lines = [json.loads(line) for line in self.ctl("export", "--unproven").splitlines()]
        self.assertEqual([line["payload_base64"] for line in lines][1], "bm8gZnJhbWUgYXQgYWxs")
        self.assertEqual(self.ctl("drop", "--unproven", first["letter"], "--by", "ann"), "1 letter dropped\n")
        record, = self.operator_records()
        self.assertEqual((record["who"], record["action"], record["object"]), ("ann", "dlq.drop", "dlq:unproven"))
        self.assertEqual([letter["letter"] for letter in self.listed("--unproven")], [second["letter"]])


if __name__ == "__main__":
    main()
