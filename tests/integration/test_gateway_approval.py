"""Messages that wait for a person: held, granted, denied, expired; once whatever happens, and audited."""

import json
import signal

from harness import MasTestCase, for_each, main, poll_until
from harness.gateway_case import QUICK, GatewayCase
from harness.gateway_peer import GatewayPeer, record

HELD, REQUESTS = "mas.held", "mas.approvals"
RULES = {"approval": {"mode": "enforce", "rule": [{"target": "bob", "type": "payment"}]}}


class ApprovalCase(GatewayCase):
    config = RULES

    def setUp(self):
        super().setUp()
        self.alice, self.bob = self.peer("alice"), self.peer("bob")

    def ctl(self, *args, code=0, group="approval"):
        done = self.masctl(group, *args, redis=self.redis)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def payment(self, **data):
        return self.alice.envelope("bob", "payment", data)

    def hold(self, envelope=None):
        """@return the name of a message that waits now, and its id."""
        envelope = envelope or self.payment()
        self.assertEqual(self.alice.send(envelope).decisions(), ["HELD"])
        message = json.loads(envelope)["message_id"]
        found = [one["held"] for one in self.listed() if one["id"] == message]
        self.assertEqual(len(found), 1)
        return found[0], message

    def listed(self, *args):
        return json.loads(self.ctl("list", "--json", *args))["messages"]

    def audited(self, message):
        records = json.loads(self.ctl("query", "--id", message, "--json", group="audit"))["records"]
        return [(one["decision"], one["reason"]) for one in sorted(records, key=lambda one: one["time"])]

    def gone(self):
        return self.redis.cmd("XLEN", HELD) == 0 and self.redis.cmd("LLEN", REQUESTS) == 0


class VerdictsTest(ApprovalCase):
    def test_a_message_waits_and_is_delivered_once_it_is_granted(self):
        envelope = self.payment(amount=7)
        receipt = self.alice.send(self.alice.envelope("bob"), envelope)
        self.assertEqual(receipt.decisions(), ["ALLOWED", "HELD"])
        self.assertEqual(receipt.outcomes[1][2], "waits for approval: rule 1 (target bob, type payment)")
        one, = self.listed("--sender", "alice")
        self.assertEqual((one["sender"], one["target"], one["type"]), ("alice", "bob", "payment"))
        self.assertEqual(self.listed("--target", "carol"), [])
        shown = json.loads(self.ctl("show", one["held"], "--json"))
        self.assertEqual(shown["payload"]["data"], {"amount": 7})
        self.assertEqual(len(self.bob.messages()), 1)

        self.ctl("grant", one["held"], "--by", "ann", "--reason", "checked with the bank")
        self.assertEqual([message["data"] for message in self.bob.wait_messages(2)], [{}, {"amount": 7}])
        poll_until(self.gone, 5, "nothing waits")
        who = "ann (Redis user default): checked with the bank"
        self.assertEqual(self.audited(one["id"]), [("HELD", receipt.outcomes[1][2]), ("ALLOWED", f"granted by {who}")])
        _, fields = self.redis.cmd("XRANGE", "mas.audit.operators", "-", "+")[-1]
        said = dict(zip(fields[::2], fields[1::2]))
        self.assertEqual((said["who"], said["action"], said["object"]), ("ann", "approval.grant", one["id"]))
        self.assertIn("alice to bob; by " + who, said["detail"])
        self.assertEqual(self.alice.send(self.alice.envelope("bob"), envelope, sequence=1).decisions(), ["ALLOWED", "HELD"])
        self.assertIn("no message", self.ctl("grant", one["held"], code=1))
        self.ctl("verify", group="audit")

    def test_what_is_denied_or_forbidden_meanwhile_is_not_delivered(self):
        (denied, first), (granted, second) = self.hold(), self.hold()
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "bob")
        self.ctl("deny", denied, "--by", "ann")
        self.ctl("grant", granted, "--by", "ann")
        poll_until(lambda: len(self.audited(first)) == len(self.audited(second)) == 2, 10, "both are decided")
        self.assertEqual(self.audited(first)[1], ("AUTHZ_DENIED", "denied by ann (Redis user default)"))
        decision, why = self.audited(second)[1]
        self.assertEqual(decision, "AUTHZ_DENIED")
        self.assertIn("granted by ann (Redis user default): AUTHZ_DENIED: blocked_targets", why)
        letters = self.redis.cmd("XRANGE", "dlq:messages", "-", "+")
        self.assertEqual([fields[fields.index("id") + 1] for _, fields in letters], [second])
        self.assertTrue(self.gone())
        self.assertEqual(self.bob.messages(), [])

    def test_a_grant_waits_while_a_message_that_is_refused_could_not_be_kept(self):
        name, message = self.hold()
        self.redis.cmd("SET", "dlq:messages", "of another type")
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "bob")
        self.ctl("grant", name, "--by", "ann")
        self.gateway.wait_log("approval_waits")
        self.assertEqual((self.redis.cmd("XLEN", HELD), self.redis.cmd("LLEN", REQUESTS)), (1, 1))
        self.redis.cmd("DEL", "dlq:messages")
        poll_until(lambda: len(self.audited(message)) == 2, 10, "it is decided")
        letters = self.redis.cmd("XRANGE", "dlq:messages", "-", "+")
        self.assertEqual([fields[fields.index("id") + 1] for _, fields in letters], [message])
        self.assertTrue(self.gone())

    def test_of_many_verdicts_about_a_message_one_counts(self):
        held = [self.hold() for _ in range(8)]
        self.start_gateway()  # a second one
        for n, (name, _) in enumerate(held):
            verdicts = ["grant", "grant", "deny"] if n % 2 == 0 else ["deny", "grant", "grant"]
            self.redis.cmd("RPUSH", REQUESTS, *[f"{verdict} {name} ann" for verdict in verdicts])
        self.redis.cmd("RPUSH", REQUESTS, "grant 1-1 ann", "nonsense", "x" * 1000)
        poll_until(self.gone, 10, "all are taken")
        poll_until(lambda: all(len(self.audited(message)) == 2 for _, message in held), 10, "each is decided")
        granted = {message for n, (_, message) in enumerate(held) if n % 2 == 0}
        self.assertEqual({one["message_id"] for one in self.bob.wait_messages(4)}, granted)
        self.assertEqual(len(self.bob.messages()), 4)

    def test_a_sender_is_told_and_a_requester_does_not_wait(self):
        for command in ("send", "request"):
            done = self.masctl(command, "--as", "ops", "bob", "payment", "--mode", "gateway", "--timeout", 15,
                               redis=self.redis)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn("HELD: waits for approval: rule 1", done.stderr)
        held = [one["held"] for one in self.listed("--sender", "ops")]
        self.ctl("grant", *held)
        self.assertEqual([one["meta"]["expects_reply"] for one in self.bob.wait_messages(2)], [False, True])

    def test_a_sender_cannot_grant_its_own_message(self):
        envelope = self.payment()
        for credential in ("@granted ann", "@granted"):
            forger = self.peer("alice", key=(credential, bytes(32)), register=False)
            forger.push(forger.frame([record(envelope)], 1))
            self.assertEqual(forger.receipt().decisions(), ["AUTH_FAILED"])
        self.assertEqual(self.bob.messages(), [])
        self.assertEqual(self.redis.cmd("XLEN", HELD), 0)


class BoundsTest(ApprovalCase):
    config = {"approval": {**RULES["approval"], "expires": "2s", "held_max": 3}}

    def test_a_flood_is_bounded_and_what_nobody_grants_expires(self):
        envelopes = [self.payment(n=n) for n in range(5)]
        receipt = self.alice.send(*envelopes)
        self.assertEqual(receipt.decisions(), ["HELD"] * 3 + ["UNAVAILABLE"] * 2)
        self.assertEqual(receipt.outcomes[3][2], "too many messages wait for approval")
        self.assertEqual(self.redis.cmd("XLEN", HELD), 3)
        poll_until(self.gone, 10, "all have expired")
        first = json.loads(envelopes[0])["message_id"]
        poll_until(lambda: len(self.audited(first)) == 2, 10, "it is audited")
        self.assertEqual(self.audited(first)[1], ("EXPIRED", "held, and neither granted nor denied in time"))
        self.eventually(lambda: self.alice.send(self.payment()), "HELD", 10)
        self.assertEqual(self.bob.messages(), [])

    def test_what_was_held_is_granted_where_the_rules_are_gone(self):
        name, message = self.hold()
        self.gateway.write_config({**QUICK, "approval": {"mode": "off", "expires": "1h"}})
        self.gateway.send(signal.SIGHUP)
        self.gateway.wait_log("reloaded")
        self.eventually(lambda: self.alice.send(self.payment()), "ALLOWED", 10)
        before = len(self.bob.messages())
        self.ctl("grant", name)
        self.assertEqual(self.bob.wait_messages(before + 1)[-1]["message_id"], message)

    def test_a_stream_that_is_none_refuses_and_is_told(self):
        self.redis.cmd("SET", HELD, "no stream")
        self.assertEqual(self.alice.send(self.payment(), self.alice.envelope("bob")).decisions(),
                         ["UNAVAILABLE", "ALLOWED"])
        self.redis.cmd("DEL", HELD)
        self.eventually(lambda: self.alice.send(self.payment()), "HELD", 10)


class CrashTest(MasTestCase):
    """A gateway that dies while it decides what was granted: the message is delivered once."""

    @for_each("after_read", "after_decide", "after_write", "after_commit")
    def test_it_is_delivered_once(self, step):
        redis = self.start_redis(step)
        alice, bob = (GatewayPeer(redis, name) for name in ("alice", "bob"))
        for peer in (alice, bob):
            self.addCleanup(peer.close)
        config = {**QUICK, **RULES}
        first = self.daemon("mas-gatewayd", redis, config, name="first-" + step,
                            env={"MAS_TEST_CRASH_AT": step + ":2"}).start()
        self.assertEqual(alice.send(alice.envelope("bob", "payment")).decisions(), ["HELD"])
        (name, _), = redis.cmd("XRANGE", HELD, "-", "+")
        redis.cmd("RPUSH", REQUESTS, f"grant {name} ann")
        self.assertEqual(first.wait(10), -9)
        self.start_daemon("mas-gatewayd", redis, config, name="next-" + step)
        bob.wait_messages(1)
        redis.cmd("RPUSH", REQUESTS, f"grant {name} ann")
        poll_until(lambda: redis.cmd("LLEN", REQUESTS) == 0, 10, "the second grant was taken")
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])  # behind all that came before
        self.assertEqual(len(bob.messages()), 2)
        self.assertEqual(redis.cmd("XLEN", HELD), 0)


if __name__ == "__main__":
    main()
