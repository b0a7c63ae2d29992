"""masctl enroll and masctl user: what they write, hand out once and refuse, and that agents work with what they got."""

import hashlib
import json
import os
import select
import socket
import stat
import threading
import time

from harness import RespError, main, poll_until
from harness.enroll_case import EnrollCase, closed_within
from harness.masctl_case import FAILED, OK, USAGE


class Meddler:
    """Between masctl and Redis: before the first write with `mark` is passed on, `act` is done."""

    def __init__(self, redis, mark, act):
        self._redis, self._mark, self._act = redis, mark, act
        self.meddled = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.close()

    def _serve(self):
        client, _ = self._server.accept()
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._redis.url().removeprefix("unix://"))
            while True:
                for one in select.select([client, server], [], [])[0]:
                    data = one.recv(65536)
                    if not data:
                        return
                    if one is client and self._mark in data and not self.meddled:
                        self.meddled += 1
                        self._act()
                    (server if one is client else client).sendall(data)


class EnrollTest(EnrollCase):
    def record(self, agent):
        return json.loads(self.redis.cmd("HGET", "mas.users", f"agent.{agent}"))

    def operator_actions(self):
        return [dict(zip(flat[::2], flat[1::2]))["action"]
                for _, flat in self.redis.cmd("XRANGE", "mas.audit.operators", "-", "+")]

    # ---- what is written

    def test_one_file_holds_all_secrets_and_nothing_is_printed(self):
        done = self.ctl("enroll", "bob", "--master-key", self.master, "--out", self.file_of("bob"), "--capabilities", "chat")
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertEqual(stat.S_IMODE(os.stat(self.file_of("bob")).st_mode), 0o600)
        credentials = self.credentials("bob")
        self.assertEqual({*credentials}, {"agent_id", "key_id", "key", "redis_url", "redis_user", "redis_password"})
        self.assertEqual(credentials["redis_user"], "agent.bob")
        self.assertEqual(credentials["redis_url"], self.redis.url())
        for secret in (credentials["key"], credentials["redis_password"]):
            self.assertNotIn(secret, done.stdout + done.stderr)
        record = self.record("bob")
        digest = hashlib.sha256(credentials["redis_password"].encode()).hexdigest()
        self.assertEqual((record["password"], record["capabilities"], record["state"]), (digest, ["chat"], "active"))
        user = self.redis.cmd("ACL", "GETUSER", "agent.bob")
        self.assertEqual(user[user.index("passwords") + 1], [digest])
        self.assertEqual(self.redis.cmd("HGET", "mas.identity:bob", "claims"), '["chat"]')
        self.assertEqual(self.operator_actions(), ["user.enroll"])
        self.assertEqual(self.as_agent("bob").cmd("PING"), "PONG")

    def test_a_peer_to_peer_agent_needs_no_master_key_and_gets_no_identity(self):
        self.ok("enroll", "bob", "--mode", "p2p", "--out", self.file_of("bob"))
        self.assertEqual({*self.credentials("bob")}, {"agent_id", "redis_url", "redis_user", "redis_password"})
        self.assertEqual(self.redis.cmd("EXISTS", "mas.identity:bob"), 0)

    def test_the_same_again_changes_nothing_and_another_wish_keeps_the_secrets(self):
        self.enroll("bob", "--mode", "p2p")
        before = self.record("bob")
        self.redis.cmd("ACL", "DELUSER", "agent.bob")
        again = self.ok("enroll", "bob", "--mode", "p2p", "--out", self.dir / "other.toml")
        self.assertIn("agent.bob: unchanged", again)
        self.assertFalse((self.dir / "other.toml").exists())
        self.assertEqual(self.record("bob"), before)
        self.assertEqual(self.as_agent("bob").cmd("PING"), "PONG", "the user itself is written again")
        self.assertIn("agent.bob: changed", self.ok("enroll", "bob", "--mode", "p2p", "--no-discovery"))
        with self.assertRaisesRegex(RespError, "^NOPERM"):
            self.as_agent("bob").cmd("SCARD", "mas.agents")
        self.assertEqual(self.operator_actions(), ["user.enroll", "user.enroll"])
        self.assertIn("--force", self.fails(FAILED, "enroll", "bob", "--mode", "both", "--master-key", self.master))

    def test_dry_run_prints_rules_and_writes_nothing(self):
        out = self.ok("enroll", "bob", "--mode", "gateway", "--dry-run")
        self.assertIn("agent.bob: would be created", out)
        self.assertIn("(+rpush ~mas.ingress:{4})", out)
        self.assertEqual(self.redis.cmd("KEYS", "*"), [])
        self.assertEqual(self.redis.cmd("ACL", "USERS"), ["default"])
        self.assertFalse((self.dir / "bob.toml").exists())

    def test_what_is_refused(self):
        for agent in ("*", "b*", "b?b", "b[a]", "b\\b", "a b", "-x", "a/b"):
            with self.subTest(agent):
                self.fails(USAGE, "enroll", "--mode", "p2p", "--out", self.file_of("x"), "--", agent)
        self.fails(USAGE, "enroll", "bob", "--out", self.file_of("x"))  # no master key
        self.fails(USAGE, "enroll", "bob", "--mode", "p2p", "--url", "redis://u:p@h", "--out", self.file_of("x"))
        self.fails(USAGE, "enroll", "bob", "--mode", "p2p", "--ttl", "soon", "--out", self.file_of("x"))
        self.fails(USAGE, "enroll", "--out", self.file_of("x"))
        self.write_private("there.toml", "")
        self.fails(FAILED, "enroll", "bob", "--mode", "p2p", "--out", self.dir / "there.toml")
        self.assertEqual(self.redis.cmd("EXISTS", "mas.users"), 0)
        self.assertEqual(self.redis.cmd("ACL", "USERS"), ["default"])
        self.assertFalse(self.file_of("x").exists())
        self.fails(FAILED, "user", "revoke", "nobody")

    def test_a_file_whose_record_is_refused_is_removed(self):
        self.redis.cmd("SET", "mas.users", "not a hash")
        self.fails(FAILED, "enroll", "bob", "--mode", "p2p", "--out", self.file_of("bob"))
        self.assertFalse(self.file_of("bob").exists())

    def test_a_namespace(self):
        self.ok("--namespace", "team", "enroll", "bob", "--mode", "p2p", "--out", self.file_of("bob"))
        credentials = self.credentials("bob")
        self.assertEqual((credentials["redis_user"], credentials["namespace"]), ("team/agent.bob", "team"))
        bob = self.as_agent("bob")
        self.assertEqual(bob.cmd("HSET", "team/agent:bob", "id", "bob"), 1)
        with self.assertRaisesRegex(RespError, "^NOPERM"):
            bob.cmd("HSET", "agent:bob", "id", "bob")

    # ---- many

    def test_many_by_a_file(self):
        users = "".join(f'[[user]]\nid = "a{i}"\nmode = "{mode}"\ncapabilities = ["c{i}"]\nttl = "30d"\n'
                        for i, mode in enumerate(("p2p", "gateway", "both")))
        path = self.write_private("users.toml", users + '[[user]]\nid = "ann"\nrole = "auditor"\n')
        command = ["enroll", "--from", path, "--out-dir", self.dir, "--master-key", self.master]
        dry = self.json(*command, "--dry-run")
        self.assertEqual([user["action"] for user in dry["users"]], ["created"] * 4)
        self.assertEqual(self.redis.cmd("EXISTS", "mas.users"), 0)
        self.assertEqual([user["action"] for user in self.json(*command)["users"]], ["created"] * 4)
        self.assertEqual([user["action"] for user in self.json(*command)["users"]], ["unchanged"] * 4)
        for i in range(3):
            self.assertEqual(self.as_agent(f"a{i}").cmd("PING"), "PONG")
        password = (self.dir / "auditor.ann.password").read_text().strip()
        ann = self.log_in("auditor.ann", password)
        self.assertEqual(ann.cmd("XLEN", "mas.audit.operators"), 4)
        with self.assertRaisesRegex(RespError, "^NOPERM"):
            ann.cmd("HGETALL", "mas.users")
        listed = self.json("user", "list")["users"]
        self.assertEqual([user["user"] for user in listed], ["agent.a0", "agent.a1", "agent.a2", "auditor.ann"])

    def test_a_file_that_is_wrong_is_wrong_by_line_and_field_and_changes_nothing(self):
        for text, said in (('[[user]]\nid = "a"\nmode = "gate"\n', ":3: mode: expected gateway, p2p or both"),
                           ('[[user]]\nid = "*"\n', ":2: id: expected 1-128"),
                           ('[[user]]\nmode = "p2p"\n', "id is missing"),
                           ('[[user]]\nid = "a"\nhat = 1\n', ":3: unknown field 'hat'"),
                           ('[[user]]\nid = "a"\n[[user]]\nid = "a"\n', "stands here twice"),
                           ('[[user]]\nid = "a"\nttl = 5\n', ":3: ttl: expected"),
                           ('[[user]]\nid = "a"\ndiscover = "no"\n', ":3: discover: expected true or false"),
                           ('[[user]]\nid = "a"\ncapabilities = [""]\n', ":3: capabilities: expected"),
                           ("[[user]\n", ":1: "), ("[user]\n", "expected only [[user]]"), ("x = 1\n", "expected only [[user]]")):
            with self.subTest(text):
                (self.dir / "users.toml").write_text(text)
                self.assertIn(said, self.fails(USAGE, "enroll", "--from", self.dir / "users.toml"))
        self.assertEqual(self.redis.cmd("EXISTS", "mas.users"), 0)

    # ---- rotate, revoke, suspend, resume, expire

    def test_rotation_with_overlap_and_without(self):
        self.enroll("bob", "--mode", "p2p")
        old = self.credentials("bob")
        self.ok("user", "rotate", "bob", "--out", self.dir / "bob2.toml")
        self.assertEqual(self.log_in("agent.bob", old["redis_password"]).cmd("PING"), "PONG")
        new = self.credentials("bob2")
        self.assertNotEqual(new["redis_password"], old["redis_password"])
        connection = self.log_in("agent.bob", new["redis_password"])
        self.ok("user", "rotate", "bob", "--overlap", "0", "--out", self.dir / "bob3.toml")
        self.assertIsNotNone(closed_within(connection, 2), "connections end")
        for password in (old["redis_password"], new["redis_password"]):
            with self.assertRaisesRegex(RespError, "^WRONGPASS"):
                self.log_in("agent.bob", password)
        self.assertEqual(self.log_in("agent.bob", self.credentials("bob3")["redis_password"]).cmd("PING"), "PONG")

    def test_rotation_renews_the_key_of_the_gateways_too(self):
        self.enroll("bob")
        old = self.credentials("bob")
        self.ok("user", "rotate", "bob", "--master-key", self.master, "--out", self.dir / "bob2.toml")
        new = self.credentials("bob2")
        self.assertNotEqual(new["key_id"], old["key_id"])
        self.assertEqual({*json.loads(self.redis.cmd("HGET", "mas.identity:bob", "keys"))}, {old["key_id"], new["key_id"]})

    def test_revoked_and_suspended_users_are_out_at_once_and_resumed_ones_come_back(self):
        self.enroll("bob")
        for command, state in (("suspend", "suspended"), ("revoke", "revoked")):
            connection = self.as_agent("bob")
            began = time.monotonic()
            self.ok("user", command, "bob")
            self.assertIsNotNone(closed_within(connection, 0.1), "it is closed when the command has ended, or right after")
            print(f"{command}: {time.monotonic() - began:.3f} s with the command's start")
            self.assertFalse(self.may_log_in("bob"))
            self.assertEqual(self.redis.cmd("HGET", "mas.identity:bob", "state"), state)
            self.assertEqual(self.json("user", "show", "bob")["state"], state)
            if state == "suspended":
                self.assertIn("user resume", self.fails(FAILED, "enroll", "bob", "--no-key"))
                self.ok("user", "resume", "bob")
                self.assertTrue(self.may_log_in("bob"))
                self.assertEqual(self.redis.cmd("HGET", "mas.identity:bob", "state"), "active")
        self.fails(FAILED, "user", "resume", "bob")
        self.assertIn("--force", self.fails(FAILED, "enroll", "bob", "--no-key"))
        self.ok("enroll", "bob", "--force", "--master-key", self.master, "--out", self.dir / "bob2.toml")
        self.assertTrue(self.may_log_in("bob2"))
        self.assertEqual(self.redis.cmd("HGET", "mas.identity:bob", "state"), "active")
        self.assertEqual(self.operator_actions(),
                         ["user.enroll", "user.suspend", "user.resume", "user.revoke", "user.enroll"])

    def test_the_line_for_a_file_makes_the_same_user(self):
        self.ok("enroll", "r1", "--role", "registryd", "--out", self.dir / "r1.password")
        line = self.ok("user", "acl-line", "r1", "--role", "registryd").strip()
        user = self.user("registryd.r1")
        words, rules, depth = line.split(" ")[2:], [], 0
        for word in words:  # a selector is one argument
            rules = [*rules[:-1], f"{rules[-1]} {word}"] if depth else [*rules, word]
            depth += word.count("(") - word.count(")")
        self.redis.cmd("ACL", "DELUSER", "registryd.r1")
        self.redis.cmd("ACL", "SETUSER", "registryd.r1", *rules)
        self.assertEqual(self.user("registryd.r1"), user)

    def test_a_user_goes_even_where_its_identity_cannot_be_read(self):
        self.enroll("bob"), self.enroll("eve")
        for agent, command in (("bob", "revoke"), ("eve", "suspend")):
            connection = self.as_agent(agent)
            self.redis.cmd("HSET", f"mas.identity:{agent}", "state", "misspelt")
            done = self.ctl("user", command, agent)
            self.assertEqual(done.returncode, OK, done.stderr)
            self.assertIn("cannot be read", done.stderr)
            self.assertIsNotNone(closed_within(connection, 1))
            self.assertFalse(self.may_log_in(agent))
        self.fails(FAILED, "user", "resume", "eve")

    def test_who_is_revoked_while_a_user_is_written_does_not_come_back(self):
        self.enroll("bob", "--mode", "p2p")
        before = self.redis.cmd("ACL", "GETUSER", "agent.bob")
        with Meddler(self.redis, b"SETUSER", lambda: self.ok("user", "revoke", "bob")) as meddler:
            self.masctl("enroll", "bob", "--mode", "p2p", redis=meddler.url)
        self.assertEqual(meddler.meddled, 1)
        self.assertIsNotNone(before)
        self.assertFalse(self.may_log_in("bob"))
        self.assertNotIn("agent.bob", self.redis.cmd("ACL", "USERS"))

    def test_forced_and_expired_enrolment_leave_no_old_secret_and_a_revoked_identity_stays_revoked(self):
        self.enroll("bob", "--no-key")
        self.ok("enroll", "bob", "--force", "--master-key", self.master, "--out", self.dir / "bob2.toml")
        self.assertEqual(self.redis.cmd("HMGET", "mas.identity:bob", "token_hash", "token_hash_old"), [None, None])
        self.assertEqual({*json.loads(self.redis.cmd("HGET", "mas.identity:bob", "keys"))}, {self.credentials("bob2")["key_id"]})
        self.enroll("eve", "--ttl", "1s")
        ends = json.loads(self.redis.cmd("HGET", "mas.users", "agent.eve"))["expires_at"]
        poll_until(lambda: time.time() >= ends + 1, 10, "she has expired")
        self.ok("enroll", "eve", "--master-key", self.master, "--out", self.dir / "eve2.toml")
        self.assertEqual({*json.loads(self.redis.cmd("HGET", "mas.identity:eve", "keys"))}, {self.credentials("eve2")["key_id"]})
        self.ok("identity", "create", "carl", "--master-key", self.master, "--out", self.dir / "carl.toml")
        self.ok("identity", "revoke", "carl")
        said = self.fails(FAILED, "enroll", "carl", "--master-key", self.master, "--out", self.dir / "carl2.toml")
        self.assertIn("--force", said)
        self.assertEqual(self.redis.cmd("HGET", "mas.identity:carl", "state"), "revoked")
        self.assertFalse((self.dir / "carl2.toml").exists())

    def test_what_the_agent_could_not_use_is_refused_before_it_is_stored(self):
        for more in (("--ca", "/etc/my ca/ca.pem"), ("--url", "redis://" + "h" * 200 + "," * 900 + "x")):
            self.assertNotEqual(self.ctl("enroll", "bob", "--mode", "p2p", "--out", self.file_of("bob"), *more).returncode, OK)
        self.assertEqual(self.redis.cmd("EXISTS", "mas.users"), 0)
        self.assertFalse(self.file_of("bob").exists())
        other = self.redis.url() + "?db=1"
        done = self.masctl("enroll", "bob", "--mode", "p2p", "--out", self.file_of("bob"), redis=other)
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn("namespace", done.stderr)

    # ---- agents with one file

    def check_requests(self, mode):
        answering = self.asking("answer", "bob", mode=mode)
        answering.wait_for_output("ready", 20)
        asking = self.asking("ask", "alice", 20, "bob", mode=mode)
        self.wait_asked(asking)
        self.assertEqual((asking.stop(), answering.stop()), (0, 0), asking.err() + answering.err())
        self.assertEqual(self.redis.cmd("EXISTS", "agent:bob", "agent:alice"), 0, "they took their registration back")

    def test_peer_to_peer_agents_work_with_their_users(self):
        self.start_daemon("mas-registryd", self.redis)  # brings the function library
        self.redis.cmd("ACL", "LOG", "RESET")
        for mode in ("p2p", "both"):
            self.enroll("bob", "--mode", mode, "--force"), self.enroll("alice", "--mode", mode, "--force")
            self.check_requests("p2p")
            self.file_of("bob").unlink(), self.file_of("alice").unlink()
        self.assertEqual(self.refusals(), [])

    def test_agents_in_gateway_mode_work_with_their_users(self):
        gateway = self.start_daemon("mas-gatewayd", self.redis, {
            "lease": {"ttl": "1s"}, "breaker": {"mode": "off"}, "gateway": {"master_key_file": self.master}})
        poll_until(lambda: gateway.ready()[1].get("deciding"), 10, "the gateway decides")
        self.redis.cmd("ACL", "LOG", "RESET")
        for mode in ("gateway", "both"):
            self.enroll("bob", "--mode", mode, "--force"), self.enroll("alice", "--mode", mode, "--force")
            self.check_requests("gateway")
            self.file_of("bob").unlink(), self.file_of("alice").unlink()
        self.assertEqual(self.refusals(), [])

    def test_daemons_work_with_their_users(self):
        urls = {}
        for role in ("registryd", "healthd", "gatewayd"):
            self.ok("enroll", "x", "--role", role, "--out", self.dir / f"{role}.password")
            password = (self.dir / f"{role}.password").read_text().strip()
            urls[role] = self.redis.url().replace("unix://", f"unix://{role}.x:{password}@")
        self.redis.cmd("ACL", "LOG", "RESET")
        quick = {"lease": {"ttl": "1s"}}
        self.start_daemon("mas-registryd", urls["registryd"], quick)
        self.start_daemon("mas-healthd", urls["healthd"], quick)
        gateway = self.start_daemon("mas-gatewayd", urls["gatewayd"], {
            **quick, "breaker": {"mode": "off"}, "gateway": {"master_key_file": self.master},
            "retry": {"attempts": 2, "base": "100ms", "cap": "200ms"}})
        poll_until(lambda: gateway.ready()[1].get("deciding"), 10, "the gateway decides")
        self.enroll("bob", "--mode", "gateway"), self.enroll("alice", "--mode", "gateway")
        self.check_requests("gateway")
        poll_until(lambda: self.redis.cmd("XLEN", "dlq:messages") > 0, 20, "what failed is a dead letter")
        self.redis.cmd("HSET", "agent:gone", "id", "gone", "status", "ACTIVE", "capabilities", '["c"]')
        poll_until(lambda: self.redis.cmd("HGET", "agent:gone", "status") == "INACTIVE", 90, "healthd sets it")
        poll_until(lambda: self.redis.cmd("SMEMBERS", "mas.capability:c") == ["gone"], 40, "registryd indexes it")
        self.assertEqual(self.refusals(), [])

    def test_what_a_file_says_wrong_is_told_by_file_line_and_field(self):
        self.enroll("bob", "--mode", "p2p")
        good = self.file_of("bob").read_text()

        def said(text, mode=0o600, agent="bob"):
            path = self.write_private("wrong.toml", text, mode)
            done = self.masctl("listen", agent, "--credentials", path, redis=self.redis)
            self.assertNotEqual(done.returncode, 0)
            self.assertNotIn(self.credentials("bob")["redis_password"], done.stdout + done.stderr)
            return done.stderr

        self.assertIn("has mode 0644 and is accessible to others", said(good, 0o644))
        self.assertIn("wrong.toml belong to 'bob', and this agent is 'eve'", said(good, agent="eve"))
        self.assertIn("wrong.toml:3: unknown field", said(good.replace("redis_url", "redis_uri")))
        self.assertIn("redis_password is missing", said("\n".join(
            line for line in good.splitlines() if "redis_password" not in line)))
        env = {"MAS_CREDENTIALS": str(self.write_private("url.toml", good.replace("unix://", "unx://")))}
        agent = self.process("mas-flaky-agent", "bob", env=env).start()
        self.assertNotEqual(agent.wait(20), 0)
        self.assertRegex(agent.err(), "url.toml:[0-9]: redis_url: ")


if __name__ == "__main__":
    main()
