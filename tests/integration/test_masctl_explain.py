"""masctl explain --message: what stands in a message's way, stage by stage, without sending it or changing anything."""

import json
import os
import time

from harness import for_each, main
from harness.gateway_case import GatewayCase
from harness.masctl_case import FAILED, OK, USAGE

STAGES = ["decode", "identity", "authorisation", "target", "deadline", "guard", "rate", "content", "circuit", "backlog",
          "approval", "lane"]
NUMBER = "123-45-6789"  # what the built-in rules block or mask, and nobody may print


class ExplainMessageCase(GatewayCase):
    def setUp(self):
        super().setUp()
        self.alice, self.bob = self.peer("alice"), self.peer("bob")

    def envelope(self, target="bob", data=None, **meta):
        return self.alice.envelope(target, data=data, **meta).decode()

    def run_it(self, message, *args, config=None):
        """masctl over the message in a file."""
        path = os.path.join(self.dir, "message.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(message + "\n")
        if config is not None:
            args += ("--config", self.config_file(config))
        return self.masctl("explain", "--message", path, *args, redis=self.redis)

    def config_file(self, text):
        path = os.path.join(self.dir, "gatewayd.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def told(self, message, *args, config=None):
        before = self.redis.cmd("DBSIZE"), self.state()
        done = self.run_it(message, "--json", *args, config=config)
        document = json.loads(done.stdout)
        self.assertEqual(done.returncode, OK if document["accepted"] else FAILED, done.stderr)
        self.assertEqual([stage["stage"] for stage in document["stages"]], STAGES)
        verdicts = [stage["stage"] for stage in document["stages"] if stage["verdict"]]
        self.assertEqual(verdicts, [document["decided_by"]])
        self.assertNotIn(NUMBER, done.stdout + done.stderr)
        self.assertEqual((self.redis.cmd("DBSIZE"), self.state()), before, "nothing changed")
        return document

    def state(self):
        """What a gateway would have changed: the sender's bucket and the target's stream."""
        return (self.redis.cmd("HGETALL", f"mas.sender:{{{self.alice.partition}}}"),
                self.redis.cmd("XLEN", "agent.stream:bob"), self.redis.cmd("XLEN", "dlq:messages"))

    def decided(self, *args, **options):
        document = self.told(*args, **options)
        return document["decision"], document["decided_by"], document["rule"]

    def stage(self, name, *args, **options):
        return next(stage for stage in self.told(*args, **options)["stages"] if stage["stage"] == name)


class StagesTest(ExplainMessageCase):
    """One message for each stage that denies, and what a gateway says to the same one."""

    def agrees(self, message, decision):
        self.assertEqual(self.alice.send(message.encode()).decisions(), [decision])

    def test_what_nothing_is_in_the_way_of(self):
        document = self.told(self.envelope())
        self.assertEqual((document["decision"], document["rule"]), ("ALLOWED", "default: allow"))
        self.assertEqual((document["sender"], document["target"], document["type"]), ("alice", "bob", "note"))
        self.assertEqual(document["policy_from"], "the gateway's defaults; profile reported by the gateways")
        self.assertTrue(all(stage["decision"] == "ALLOWED" for stage in document["stages"] if stage["mode"] != "off"),
                        document)
        self.agrees(self.envelope(), "ALLOWED")

    @for_each(("{", "MALFORMED"), ("[]", "MALFORMED"), ('{"sender_id":"alice"}', "MALFORMED"))
    def test_decode(self, case):
        message, decision = case
        document = self.told(message)
        self.assertEqual((document["decision"], document["decided_by"]), (decision, "decode"))
        self.assertEqual({stage["decision"] for stage in document["stages"][1:]}, {None})

    def test_decode_goes_by_the_configured_size(self):
        message = self.envelope(data={"text": "x" * 3000})
        self.assertEqual(self.decided(message, config="[delivery]\nmax_envelope = \"2KiB\"\n")[:2],
                         ("TOO_LARGE", "decode"))
        self.assertEqual(self.decided(self.envelope("no id"))[:2], ("TARGET_NOT_FOUND", "decode"))

    def test_identity_and_authorisation(self):
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "b*")
        self.assertEqual(self.decided(self.envelope()), ("AUTHZ_DENIED", "authorisation", "blocked_targets: b*"))
        self.eventually(lambda: self.alice.send(self.envelope().encode()), "AUTHZ_DENIED")
        self.assertEqual(self.decided(self.envelope(), "--profile", "production")[:2], ("AUTH_FAILED", "identity"))
        config = "[auth]\nregistry_tokens = false\n"
        self.assertEqual(self.decided(self.envelope(), config=config)[:2], ("AUTH_FAILED", "identity"))

    def test_target_and_deadline(self):
        self.assertEqual(self.decided(self.envelope("nobody"))[:2], ("TARGET_NOT_FOUND", "target"))
        self.agrees(self.envelope("nobody"), "TARGET_NOT_FOUND")
        self.redis.cmd("HSET", "agent:bob", "status", "INACTIVE")
        self.assertEqual(self.decided(self.envelope())[:2], ("QUEUED_OFFLINE", "target"))
        late = self.envelope(deadline=time.time() - 5)
        decision, by, rule = self.decided(late)
        self.assertEqual((decision, by), ("EXPIRED", "deadline"))
        self.assertIn("it passed ", rule)
        self.agrees(late, "EXPIRED")
        self.assertRegex(self.stage("deadline", self.envelope(deadline=time.time() + 59.9))["rule"], r"in 5\d\.")

    def test_guard(self):
        hops = self.envelope(hops=33)
        self.assertEqual(self.decided(hops), ("LOOP_DETECTED", "guard", "hops: 33, at most 32"))
        self.agrees(hops, "LOOP_DETECTED")
        ring = self.envelope(chain=["bob", "alice"] * 3)
        self.assertEqual(self.decided(ring)[0], "ALLOWED")
        self.assertEqual(self.decided(ring, config="[guard]\nmax_visits = 2\n"),
                         ("LOOP_DETECTED", "guard", "chain: the target appears in it 3 times, at most 2"))
        rule = self.stage("guard", self.envelope())["rule"]
        self.assertIn("hops: 0, at most 32; chain: the target appears in it 0 times, at most 8", rule)
        self.assertIn("not known here", rule)

    def test_rate_with_what_the_bucket_holds(self):
        self.redis.cmd("HSET", "ratelimit:alice:limits", "per_hour", "3")
        self.assertIn("the hour's bucket holds 3 of 3", self.stage("rate", self.envelope())["rule"])
        self.eventually(lambda: self.alice.send(self.envelope().encode()), "RATE_LIMITED")
        decision, by, rule = self.decided(self.envelope())
        self.assertEqual((decision, by), ("RATE_LIMITED", "rate"))
        self.assertIn("3 per hour, burst 3, used up; the next one in 11", rule)  # 1200 s and less
        self.redis.cmd("HSET", "ratelimit:alice:limits", "per_hour", "5")
        self.assertIn("the hour's bucket holds 2 of 5", self.stage("rate", self.envelope())["rule"])
        self.redis.cmd("DEL", "ratelimit:alice:limits")
        self.assertIn("the gateway's defaults: 7 per minute",
                      self.stage("rate", self.envelope(), config="[limits]\nper_minute = 7\n")["rule"])

    def test_content_by_type_and_path_and_never_by_value(self):
        rules = os.path.join(self.dir, "dlp.toml")
        with open(rules, "w", encoding="utf-8") as file:
            file.write('[[dlp.rule]]\nid = "case"\ntype = "case_number"\npattern = "CASE-[0-9]{6}"\naction = "block"\n')
        message = self.envelope(data={"patient": {"case": "CASE-123456"}})
        done = self.run_it(message, "--json", "--dlp-rules", rules)
        self.assertNotIn("123456", done.stdout + done.stderr)
        self.assertEqual(self.decided(message, "--dlp-rules", rules),
                         ("DLP_BLOCKED", "content", "case_number at data.patient.case: block"))
        found = self.stage("content", message, "--dlp-rules", rules)["findings"]
        self.assertEqual(found, [{"type": "case_number", "path": "data.patient.case", "action": "block", "acts": True}])
        self.assertEqual(self.decided(message)[0], "ALLOWED")
        config = f'[dlp]\nrules_file = "{rules}"\nmode = "shadow"\n'
        self.assertEqual(self.decided(message, config=config)[0], "ALLOWED")
        with open(rules, "w", encoding="utf-8") as file:
            file.write('[[dlp.rule]]\nid = "case"\ntype = "case_number"\npattern = "CASE-[0-9]{6}"\naction = "redact"\n')
        self.assertEqual(self.decided(message, "--dlp-rules", rules)[:2], ("REDACTED", "content"))

    def test_an_error_reply(self):
        reply = self.envelope(is_reply=True, correlation_id="c", error={"code": "NO_HANDLER", "message": "none"})
        document = self.told(reply)
        self.assertEqual((document["error_reply"], document["decision"]), ("NO_HANDLER", "ALLOWED"))
        self.assertIn("an error reply, NO_HANDLER", self.stage("decode", reply)["rule"])
        self.assertIsNone(self.told(self.envelope())["error_reply"])

    def test_circuit(self):
        self.masctl("breaker", "open", "bob", redis=self.redis)
        self.assertEqual(self.decided(self.envelope()), ("CIRCUIT_OPEN", "circuit", "circuit open: operator"))
        self.eventually(lambda: self.alice.send(self.envelope().encode()), "CIRCUIT_OPEN")
        self.assertIn("kept in the dead-letter queue",
                      self.decided(self.envelope(), config="[breaker]\non_open = \"dead_letter\"\n")[2])

    def test_backlog_of_the_lane_that_it_takes(self):
        for _ in range(2):
            self.agrees(self.envelope(), "ALLOWED")
        config = "[delivery]\nmax_backlog = 2\n"
        decision, by, rule = self.decided(self.envelope(), config=config)
        self.assertEqual((decision, by), ("TARGET_OVERLOADED", "backlog"))
        self.assertIn("2 entries wait in lane normal", rule)
        self.assertEqual(self.decided(self.envelope(priority="high"), config=config)[0], "ALLOWED")
        self.redis.cmd("SET", "agent.stream:bob:low", "text")
        self.assertEqual(self.decided(self.envelope(priority="low"))[:2], ("UNAVAILABLE", "backlog"))

    def test_lane(self):
        document = self.told(self.envelope(priority="critical"), config="[priority]\nhighest = \"normal\"\n")
        self.assertEqual((document["wanted_lane"], document["lane"], document["decision"]),
                         ("critical", "normal", "ALLOWED"))
        sent = self.masctl("send", "--mode", "gateway", "--as", "carol", "bob", "note", "--priority", "high",
                           redis=self.redis)
        self.assertEqual((sent.returncode, self.redis.cmd("XLEN", "agent.stream:bob:high")), (OK, 1), sent.stderr)
        self.redis.cmd("SADD", "agent:alice:roles", "urgent")
        self.redis.cmd("SADD", "role:urgent:permissions", "priority:high", "send:*")
        document = self.told(self.envelope(priority="critical"), config="[priority]\nhighest = \"normal\"\n")
        self.assertEqual(document["lane"], "high")
        message = self.envelope(data={"priority": "BULK"})
        self.assertEqual(self.told(message)["lane"], "normal")
        self.assertEqual(self.told(message, config="[priority]\nfrom_data = true\n")["lane"], "bulk")

    def test_the_first_refusal_is_the_verdict_and_the_others_are_seen(self):
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "bob")
        self.redis.cmd("HSET", "ratelimit:alice:limits", "per_minute", "x")
        document = self.told(self.envelope(hops=99, deadline=1))
        refused = [stage["stage"] for stage in document["stages"] if stage["decision"] not in ("ALLOWED", None)]
        self.assertEqual(refused, ["authorisation", "deadline", "guard", "rate"])
        self.assertEqual(document["decided_by"], "authorisation")


class ModesTest(ExplainMessageCase):
    SHADOW = "".join(f"[{name}]\nmode = \"shadow\"\n"
                     for name in ("authorisation", "limits", "guard", "breaker", "priority"))

    def test_what_shadow_modes_would_refuse_goes_on(self):
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "bob")
        self.redis.cmd("HSET", "ratelimit:alice:limits", "per_minute", "x")
        self.masctl("breaker", "open", "bob", redis=self.redis)
        message = self.envelope(hops=99)
        document = self.told(message, config=self.SHADOW)
        self.assertEqual(document["decision"], "ALLOWED")
        shadowed = {stage["stage"]: stage["decision"] for stage in document["stages"]
                    if stage["mode"] == "shadow" and stage["decision"] != "ALLOWED"}
        self.assertEqual(shadowed, {"authorisation": "AUTHZ_DENIED", "guard": "LOOP_DETECTED", "rate": "RATE_LIMITED",
                                    "circuit": "CIRCUIT_OPEN"})
        lines = self.run_it(message, config=self.SHADOW).stdout.splitlines()
        self.assertEqual([line.split("\t")[0] for line in lines], ["decision", *STAGES, "policy"])
        self.assertIn("guard\tshadow LOOP_DETECTED\thops: 99, at most 32", lines)

    def test_what_is_off_is_not_asked(self):
        document = self.told(self.envelope(hops=99), config="[guard]\nmode = \"off\"\n[dlp]\nmode = \"off\"\n")
        off = [stage["stage"] for stage in document["stages"] if stage["decision"] is None]
        self.assertEqual((document["decision"], off), ("ALLOWED", ["guard", "content", "approval"]))


    def test_a_rule_holds_it(self):
        config = "[approval]\nmode = \"enforce\"\n[[approval.rule]]\nsender = \"bob\"\n[[approval.rule]]\ntarget = \"b*\"\n"
        self.assertEqual(self.decided(self.envelope(), config=config), ("HELD", "approval", "rule 2 (target b*)"))


class InputTest(ExplainMessageCase):
    def test_from_standard_input(self):
        done = self.masctl("explain", "--message", "-", redis=self.redis, input=self.envelope())
        self.assertEqual((done.returncode, done.stdout.splitlines()[0]),
                         (OK, "decision\tALLOWED\tauthorisation: default: allow"))

    def test_files_that_are_none_are_named_with_what_was_expected(self):
        done = self.masctl("explain", "--message", "/nowhere/m.json", redis=self.redis)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("/nowhere/m.json", done.stderr)
        self.assertIn("expected a message's envelope", done.stderr)
        done = self.run_it(self.envelope(), "--config", "/nowhere/g.toml")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("expected a gateway's configuration", done.stderr)
        done = self.run_it(self.envelope(), config="[guard]\nmax_hop = 3\nmode = \"loud\"\n")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("gatewayd.toml:2", done.stderr)
        self.assertIn("gatewayd.toml:3", done.stderr)
        self.assertEqual(self.run_it(self.envelope(), "--dlp-rules", "/nowhere/r.toml").returncode, USAGE)

    @for_each(("alice", "bob", "--message", "-"), ("alice",), (), ("alice", "bob", "--config", "x"))
    def test_operands_and_a_message_exclude_each_other(self, args):
        self.assertEqual(self.masctl("explain", *args, redis=self.redis, input="{}").returncode, USAGE)


if __name__ == "__main__":
    main()
