"""masctl acl-audit: it asks Redis about every user, and its exit code tells whether all is as it should be."""

from harness import RespError, main
from harness.enroll_case import EnrollCase
from harness.masctl_case import FAILED, OK

STAFF = ("gatewayd", "registryd", "healthd", "admin", "operator", "auditor")


class AclAuditTest(EnrollCase):
    def findings(self, *users, code=FAILED):
        return [(f["user"], f["area"], f["problem"], f["command"]) for f in self.json("acl-audit", *users, code=code)["findings"]]

    def test_users_as_they_are_enrolled_are_right(self):
        for mode in ("gateway", "p2p", "both"):
            self.enroll(mode, "--mode", mode)
        self.enroll("shy", "--no-discovery")
        for role in STAFF:
            self.ok("enroll", "x", "--role", role, "--out", self.dir / f"{role}.password")
        self.enroll("gone")
        self.ok("user", "revoke", "gone")
        report = self.json("acl-audit", code=OK)
        self.assertEqual(report["findings"], [])
        by_user = {user["user"]: user for user in report["users"]}
        self.assertEqual(len(by_user), 5 + len(STAFF))
        self.assertEqual(by_user["agent.gone"]["state"], "out")
        for user in ("agent.gateway", "agent.p2p", "agent.both", "agent.shy"):
            self.assertGreater(by_user[user]["may"], 8, user)
            self.assertGreater(by_user[user]["may_not"], 250, user)
        matrix = self.json("acl-audit", "both", "--all", code=OK)["matrix"]
        self.assertEqual(len(matrix), by_user["agent.both"]["may"] + by_user["agent.both"]["may_not"])
        self.assertIn({"user": "agent.both", "area": "what rules say about it", "may": False,
                       "command": ["DEL", "agent:both:blocked_targets"]}, matrix)

    def test_in_a_namespace(self):
        self.ok("--namespace", "team", "enroll", "bob", "--master-key", self.master, "--out", self.file_of("bob"))
        for role in STAFF:
            self.ok("--namespace", "team", "enroll", "x", "--role", role, "--out", self.dir / f"{role}.password")
        self.assertEqual(self.json("--namespace", "team", "acl-audit", code=OK)["findings"], [])

    def test_an_auditor_and_an_operator_read_by_masctl_with_a_password_file(self):
        self.enroll("bob")
        self.redis.cmd("HSET", "agent:bob", "id", "bob", "status", "ACTIVE", "capabilities", '["c"]')
        self.redis.cmd("SADD", "agent:bob:blocked_targets", "eve")
        for role in ("auditor", "operator"):
            file = self.dir / f"{role}.password"
            self.ok("enroll", "ann", "--role", role, "--out", file)
            url = self.redis.url().replace("unix://", f"unix://{role}.ann@")
            for command in (("agents", "list"), ("acl", "show", "bob"), ("role", "list"), ("limit", "show", "bob"),
                            ("breaker", "list"), ("dlq", "list"), ("audit", "query"), ("audit", "operators")):
                done = self.masctl(*command, redis=url, env={"MAS_REDIS_PASSWORD_FILE": str(file)})
                self.assertNotIn("NOPERM", done.stdout + done.stderr, (role, command))
                self.assertNotIn("password", done.stderr, (role, command))
            ann = self.log_in(f"{role}.ann", file.read_text().strip())
            for refused in (("CONFIG", "GET", "requirepass"), ("CONFIG", "GET", "masterauth"),
                            ("EVAL", "return redis.call('HSET', KEYS[1], 'status', 'x')", 1, "agent:bob"),
                            ("EVAL", "return redis.call('HGETALL', 'mas.users')", 0)):
                with self.assertRaisesRegex(RespError, "NOPERM|can't run this command|can't access|ACL"):
                    ann.cmd(*refused)

    def test_a_right_too_many_and_one_too_few_are_found(self):
        self.enroll("bob", "--mode", "p2p")
        self.redis.cmd("ACL", "SETUSER", "agent.bob", "(+@all ~agent:bob:*)")
        found = self.findings("bob")
        self.assertIn(("agent.bob", "what rules say about it", "it may, and must not", "DEL agent:bob:blocked_targets"), found)
        self.redis.cmd("ACL", "SETUSER", "agent.bob", "clearselectors")
        self.assertIn(("agent.bob", "its registration and state", "it may not, and needs to", "HSET agent:bob id bob"),
                      self.findings("bob"))
        self.redis.cmd("ACL", "SETUSER", "agent.bob", "allcommands", "allkeys", "allchannels")
        self.assertIn("administration of Redis", {area for _, area, _, _ in self.findings()})

    def test_a_user_that_is_missing_and_one_that_must_not_be(self):
        self.enroll("bob", "--mode", "p2p"), self.enroll("eve", "--mode", "p2p")
        self.ok("user", "suspend", "eve")
        self.redis.cmd("ACL", "DELUSER", "agent.bob")
        self.redis.cmd("ACL", "SETUSER", "agent.eve", "on", ">x", "+ping")
        self.assertEqual(self.findings(), [("agent.bob", "the user", "it is missing in Redis", ""),
                                           ("agent.eve", "the user", "it is in Redis, and must not be", "")])
        self.fails(FAILED, "acl-audit", "nobody")


if __name__ == "__main__":
    main()
