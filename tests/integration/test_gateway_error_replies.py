"""Requests that are given up: the gateway answers them, in the commit that makes the dead letter, whatever becomes of whom."""

import json
import uuid

from harness import main, poll_until
from harness.gateway_peer import failure_report
from test_gateway_failures import FailureCase

REASON = "handler returned a failure"


class ErrorReplyTest(FailureCase):
    """Alice asks; bob is a process whose handler fails as often as a request says."""

    def ask(self, data=None, target="bob", **meta):
        """@return the request's correlation id."""
        correlation = str(uuid.uuid4())
        envelope = self.alice.envelope(target, "question", data, expects_reply=True, correlation_id=correlation, **meta)
        self.assertEqual(self.alice.send(envelope).decisions(), ["ALLOWED"])
        return correlation

    def answers(self, count=1, timeout=10.0):
        """The error replies in alice's reply stream: {correlation id: meta.error}."""
        messages = self.alice.wait_messages(count, f":@{self.alice.instance.hex()}", timeout)
        self.assertEqual({(m["sender_id"], m["target_id"], m["message_type"], json.dumps(m["data"])) for m in messages},
                         {("bob", "alice", "mas.error", "{}")})
        self.assertTrue(all(m["meta"]["is_reply"] and not m["meta"]["expects_reply"] for m in messages))
        found = {m["meta"]["correlation_id"]: m["meta"]["error"] for m in messages}
        self.assertEqual(len(found), len(messages))  # one each
        return found

    def no_answer(self):
        self.assertEqual(self.alice.messages(f":@{self.alice.instance.hex()}"), [])

    def test_a_request_that_fails_each_time_is_answered_and_one_that_works_at_last_is_not(self):
        bob = self.flaky()
        asked = [self.ask({"n": n, "fail": 9 if n % 2 else 1}) for n in range(10)]
        self.send({"n": 10, "fail": 9})  # no request
        poll_until(lambda: len(self.letters()) == 6, 20, lambda: bob.out())
        self.assertEqual(self.answers(5), {c: {"code": "HANDLER_FAILED", "message": REASON} for c in asked[1::2]})
        poll_until(self.idle, 10, "nothing is left")
        self.assertEqual(set(self.handled(bob)), {0, 2, 4, 6, 8})
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_error_replies_total"], 5)
        done = self.masctl("audit", "query", "--sender", "bob", "--json", redis=self.redis)
        records = [(r["target"], r["type"], r["decision"]) for r in json.loads(done.stdout)["records"]]
        self.assertEqual(records, [("alice", "mas.error", "ALLOWED")] * 5)
        self.assertEqual(self.masctl("audit", "verify", redis=self.redis).returncode, 0)

    def test_the_receiver_is_killed_and_the_requester_hears_all_the_same(self):
        self.gateway.stop()
        self.gateway = self.start_gateway(retry={"attempts": 3, "base": "8s", "cap": "8s"})
        bob = self.flaky()
        asked = self.ask({"n": 1, "fail": 9})
        poll_until(self.retry_keys, 10, lambda: bob.out())
        bob.kill()
        self.no_answer()
        self.assertEqual(self.masctl("limit", "set", "bob", "--attempts", "1", redis=self.redis).returncode, 0)
        self.assertEqual(self.answers(timeout=30.0)[asked]["code"], "HANDLER_FAILED")
        self.assertEqual(len(self.letters()), 1)

    def test_gateways_that_are_killed_answer_each_request_once(self):
        bob = self.flaky()
        asked = {self.ask({"n": n, "fail": 9}) for n in range(30)}
        for _ in range(3):
            poll_until(lambda seen=len(bob.out()): len(bob.out()) > seen or len(self.letters()) == 30, 10, "it goes on")
            self.gateway.kill()
            self.gateway = self.start_gateway()
        poll_until(lambda: len(self.letters()) == 30, 30, lambda: bob.out())
        self.assertEqual(set(self.answers(30)), asked)

    def test_a_real_requester_gets_the_status_and_the_text(self):
        self.flaky()
        done = self.masctl("request", "--as", "me", "bob", "question", json.dumps({"n": 1, "fail": 9}), redis=self.redis,
                           env={"MAS_MODE": "gateway"})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"'bob' answered HANDLER_FAILED: {REASON}", done.stderr)

    # ---- Bob is played by the test: his reports, byte for byte.

    def reported(self, *reasons, deadline=None):
        """Alice asks a bob without a process, who reports each request as failed, with one attempt only."""
        self.assertEqual(self.masctl("limit", "set", "bob", "--attempts", "1", redis=self.redis).returncode, 0)
        bob = self.peer("bob")
        for _ in reasons:
            self.ask(**({} if deadline is None else {"deadline": deadline}))
        entries = [entry for entry, _ in self.redis.cmd("XRANGE", "agent.stream:bob", "-", "+")]
        self.assertEqual(len(entries), len(reasons))
        bob.push(bob.frame([failure_report(entry, 0, reason) for entry, reason in zip(entries, reasons)], 1))
        self.assertEqual(bob.receipt().decisions(), ["ALLOWED"] * len(reasons))
        bob.next = 1 + len(reasons)
        return bob, entries

    def test_a_failure_that_is_reported_twice_is_answered_once(self):
        bob, (entry,) = self.reported("no")
        for _ in range(3):
            bob.push(bob.frame([failure_report(entry, 0, "no")], bob.next))
            bob.next += 1
            self.assertEqual(bob.receipt().decisions(), ["ALLOWED"])
        self.assertEqual(len(self.answers()), 1)
        self.assertEqual(len(self.letters()), 1)

    def test_texts_are_looked_at_by_data_loss_prevention(self):
        self.reported("card 4111 1111 1111 1111", "SSN 219-45-9876", "no such account")
        texts = sorted(answer["message"] for answer in self.answers(2).values())
        self.assertEqual(texts[1], "no such account")
        self.assertNotIn("219-45", texts[0])
        self.assertEqual(len(self.letters()), 3)

    def test_who_may_not_be_sent_to_gets_no_answer(self):
        self.redis.cmd("SADD", "agent:bob:blocked_targets", "alice")
        self.reported("no")
        self.no_answer()
        self.assertEqual(len(self.letters()), 1)

    def test_a_requester_that_is_gone_is_not_answered(self):
        self.assertEqual(self.masctl("limit", "set", "bob", "--attempts", "1", redis=self.redis).returncode, 0)
        bob = self.peer("bob")
        self.ask()
        self.redis.cmd("DEL", "agent:alice")
        (entry, _), = self.redis.cmd("XRANGE", "agent.stream:bob", "-", "+")
        bob.push(bob.frame([failure_report(entry, 0, "no")], 1))
        self.assertEqual(bob.receipt().decisions(), ["ALLOWED"])
        self.no_answer()
        self.assertEqual(len(self.letters()), 1)

    # ---- Error replies that receivers send themselves.

    def reply_error(self, bob, error, data=None):
        """@return the decision about bob's error reply to a request of alice."""
        correlation = self.ask()
        (_, ticket, _), = bob.entries()[-1]
        envelope = bob.envelope("alice", "mas.error", data, correlation_id=correlation, is_reply=True, error=error)
        return bob.send(envelope, ticket=ticket).decisions()[0]

    def test_an_error_reply_of_a_receiver_is_judged_like_every_reply(self):
        bob = self.peer("bob")
        self.assertEqual(self.reply_error(bob, {"code": "NO_HANDLER", "message": "none"}), "ALLOWED")
        self.assertEqual(self.reply_error(bob, {"code": "X", "message": "4111 1111 1111 1111"}), "DLP_BLOCKED")
        self.assertEqual(self.reply_error(bob, {"code": "X", "message": "SSN 219-45-9876"}), "REDACTED")
        self.assertEqual(self.reply_error(bob, {"code": "X", "more": {"card": "4111 1111 1111 1111"}}), "DLP_BLOCKED")
        for wrong in ("X", ["X"], {"message": "m"}, {"code": "x"}, {"code": "X", "message": 5}):
            self.assertEqual(self.reply_error(bob, wrong), "MALFORMED", wrong)
        self.assertEqual(self.reply_error(bob, {"code": "X", "message": "y" * 4096}), "ALLOWED")
        self.assertEqual(self.reply_error(bob, {"code": "X", "message": "y" * 4097}), "TOO_LARGE")
        self.redis.cmd("SADD", "agent:bob:blocked_targets", "alice")
        self.eventually(lambda: bob.send(bob.envelope("alice")), "AUTHZ_DENIED", 10)
        self.assertEqual(self.reply_error(bob, {"code": "NO_HANDLER"}), "AUTHZ_DENIED")


if __name__ == "__main__":
    main()
