"""mas-registryd keeps the users of Redis as their records say: after losses, alterations, a restart, a fail-over."""

import time

from harness import RespError, main, poll_until
from harness.enroll_case import EnrollCase, closed_within
from sentinel_case import SentinelStage

QUICK = {"lease": {"ttl": "1s"}}


class UsersKeptTest(EnrollCase):
    def start_registryd(self, redis=None):
        return self.start_daemon("mas-registryd", redis or self.redis, QUICK)

    def users(self):
        return set(self.redis.cmd("ACL", "USERS"))

    def test_lost_and_altered_users_come_back_and_others_are_left_alone(self):
        for agent in ("bob", "eve"):
            self.enroll(agent, "--mode", "p2p")
        self.redis.cmd("ACL", "SETUSER", "agent.foreign", "on", ">x", "+ping")
        self.redis.cmd("ACL", "SETUSER", "somebody", "on", ">x", "+ping")
        registryd = self.start_registryd()
        poll_until(lambda: registryd.metrics()["mas_registryd_users"] == 2, 10, "it has looked at both")
        foreign = [self.user(user) for user in ("default", "agent.foreign", "somebody")]
        bob = self.user("agent.bob")
        self.redis.cmd("ACL", "DELUSER", "agent.eve")
        self.redis.cmd("ACL", "SETUSER", "agent.bob", "+@all", "allkeys", "nopass")
        poll_until(lambda: self.user("agent.bob") == bob and "agent.eve" in self.users(), 10,
                   "both are as they were")
        poll_until(lambda: len(registryd.logged("user_altered")) == 2, 10, "both are told")
        self.assertEqual([self.user(user) for user in ("default", "agent.foreign", "somebody")],
                         foreign)

    def test_a_record_that_cannot_be_read_lets_nobody_in(self):
        self.enroll("bob", "--mode", "p2p")
        registryd = self.start_registryd()
        connection = self.as_agent("bob")
        self.redis.cmd("HSET", "mas.users", "agent.bob", "{}", "default", "{}", "somebody", "x")
        self.redis.cmd("ACL", "SETUSER", "somebody", "on", ">x", "+ping")
        self.assertIsNotNone(closed_within(connection, 10))
        self.assertFalse(self.may_log_in("bob"))
        poll_until(lambda: len(registryd.logged("user_unreadable")) == 3, 10, "each is told")
        self.assertEqual(self.users(), {"default", "somebody"})

    def test_expired_users_and_old_passwords_end_in_time(self):
        registryd = self.start_registryd()
        self.enroll("bob", "--mode", "p2p", "--ttl", "5s")
        self.enroll("eve", "--mode", "p2p")
        self.ok("user", "rotate", "eve", "--overlap", "5s", "--out", self.file_of("eve2"))
        bob, eve = self.as_agent("bob"), self.as_agent("eve")
        ends = int(self.json("user", "show", "bob")["expires_at"])
        self.assertIsNotNone(closed_within(bob, 12))
        late = time.time() - ends
        print(f"an expired user's connection ended {1000 * late:.0f} ms after its time")
        self.assertGreater(late, -0.05)
        self.assertFalse(self.may_log_in("bob"))
        self.assertIsNotNone(closed_within(eve, 12))
        self.assertFalse(self.may_log_in("eve"))
        self.assertTrue(self.may_log_in("eve2"))
        self.assertEqual(registryd.metrics()["mas_registryd_users"], 2)

    def test_a_user_follows_the_number_of_partitions(self):
        self.enroll("bob", "--mode", "gateway")
        self.start_registryd()
        with self.assertRaisesRegex(RespError, "^NOPERM"):
            self.as_agent("bob").cmd("RPUSH", "mas.ingress:{0}", "x")
        self.redis.cmd("HSET", "mas.config", "partitions", "1")

        def may_push():
            try:
                return self.as_agent("bob").cmd("RPUSH", "mas.ingress:{0}", "x")
            except RespError:
                return False
        poll_until(may_push, 10, "the list is the agent's")

    def test_after_a_restart_without_users_they_are_back_before_registryd_is_ready_and_agents_go_on(self):
        for agent in ("alice", "bob", "carl"):
            self.enroll(agent, "--mode", "p2p")
        self.ok("user", "revoke", "carl")
        registryd = self.start_registryd()
        answering = self.asking("answer", "bob")
        answering.wait_for_output("ready", 20)
        asking = self.asking("ask", "alice", 20, "bob")
        self.wait_asked(asking)
        self.redis.restart()

        def active_and_ready():  # a standby is ready, too, and keeps no users
            self.assertFalse(self.may_log_in("carl"))
            ready, told = registryd.ready()
            return ready and told["role"] == "active"
        poll_until(active_and_ready, 20, "it is active and ready", 0.001)
        self.assertLessEqual({"agent.alice", "agent.bob"}, self.users(), "ready means written")
        answered = asking.out().count(" 0 ")
        poll_until(lambda: asking.out().count(" 0 ") > answered + 5, 20, lambda: asking.out()[-2000:])
        self.assertNotIn("agent.carl", self.users())
        self.assertEqual((asking.stop(), answering.stop()), (0, 0))

    def test_registryd_with_its_own_user(self):
        """Its line stands in the server's configuration, as operators are told to do."""
        self.ok("enroll", "r1", "--role", "registryd", "--out", self.dir / "r1.password")
        self.enroll("bob", "--mode", "p2p")
        password = (self.dir / "r1.password").read_text().strip()
        self.redis.cmd("ACL", "LOG", "RESET")
        url = self.redis.url().replace("unix://", f"unix://registryd.r1:{password}@")
        registryd = self.start_daemon("mas-registryd", url, QUICK)
        poll_until(lambda: registryd.metrics()["mas_registryd_users"] == 2, 10, "it keeps them")
        self.redis.cmd("ACL", "DELUSER", "agent.bob")
        poll_until(lambda: self.may_log_in("bob"), 10, "it may write users")
        self.redis.cmd("HSET", "agent:bob", "id", "bob", "capabilities", '["c"]', "status", "ACTIVE")
        self.redis.cmd("PUBLISH", "mas.system", '{"type": "REGISTER", "agent_id": "bob", "capabilities": ["c"]}')
        poll_until(lambda: self.redis.cmd("SMEMBERS", "mas.capability:c") == ["bob"], 10, "and the index")
        registryd.stop()
        self.assertEqual(self.refusals(), [])

    def test_without_the_right_to_write_users_it_says_so(self):
        self.enroll("bob", "--mode", "p2p")
        self.redis.cmd("ACL", "SETUSER", "weak", "on", ">x", "~*", "&*", "+@all", "-acl")
        daemon = self.daemon("mas-registryd", self.redis.url().replace("unix://", "unix://weak:x@"), QUICK).start()
        self.assertIn("acl", daemon.wait_log("users_not_kept").lower())
        ready, told = daemon.ready()
        self.assertFalse(ready)
        self.assertIn("users of Redis cannot be kept", str(told))


class ReplicaTest(EnrollCase):
    """Redis does not replicate users, and a replica lets its own in."""

    def setUp(self):
        super().setUp()
        self.primary = self.start_redis("primary", tcp=True)
        self.replica = self.start_redis("replica", tcp=True, replicaof=f"{self.primary.host} {self.primary.port}",
                                        replica_announce_ip=self.primary.host)
        poll_until(lambda: self.replica.info("replication").get("master_link_status") == "up", 20, "it replicates")
        self.redis = self.primary

    def test_masctl_tells_replicas(self):
        self.enroll("bob", "--mode", "p2p")
        connection = self.as_agent("bob", self.replica)
        self.ok("user", "revoke", "bob")
        self.assertIsNotNone(closed_within(connection, 1))
        self.assertFalse(self.may_log_in("bob", self.replica))
        self.assertFalse(self.may_log_in("bob"))

    def test_registryd_keeps_users_on_replicas(self):
        self.enroll("bob", "--mode", "p2p"), self.enroll("eve", "--mode", "p2p")
        for server in (self.primary, self.replica):
            server.cmd("ACL", "DELUSER", "agent.bob")
        registryd = self.start_daemon("mas-registryd", self.primary, QUICK)
        poll_until(lambda: self.may_log_in("bob", self.replica), 20, "it is written there, too")
        connection = self.as_agent("eve", self.replica)
        self.redis.cmd("HSET", "mas.users", "agent.eve", "{}")
        self.assertIsNotNone(closed_within(connection, 20))
        self.assertFalse(self.may_log_in("eve", self.replica))
        self.replica.stop()
        self.primary.cmd("ACL", "DELUSER", "agent.bob")
        poll_until(lambda: self.may_log_in("bob"), 20, "a replica that is away holds nothing up")
        self.assertTrue(registryd.ready()[0])


class FailOverTest(EnrollCase):
    def test_a_new_primary_gets_the_users_and_agents_go_on(self):
        stage = SentinelStage(self)
        url = stage.url()
        for agent in ("alice", "bob", "carl"):
            out = self.file_of(agent)
            done = self.masctl("enroll", agent, "--mode", "p2p", "--out", out, redis=url)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.masctl("user", "revoke", "carl", redis=url).returncode, 0)
        registryd = self.start_daemon("mas-registryd", url, QUICK)
        answering = self.asking("answer", "bob")
        answering.wait_for_output("ready", 20)
        asking = self.asking("ask", "alice", 20, "bob")
        self.wait_asked(asking)
        stage.wait_in_sync()
        self.assertNotIn("agent.carl", stage.replicas()[0].cmd("ACL", "USERS"))
        stage.kill()
        began = time.monotonic()
        poll_until(lambda: {"agent.alice", "agent.bob"} <= set(stage.primary.cmd("ACL", "USERS")), 30, "they are written")
        print(f"users were on the new primary {time.monotonic() - began:.2f} s after a sentinel named it")
        poll_until(lambda: registryd.ready()[0], 30, "registryd is ready")
        answered = asking.out().count(" 0 ")
        poll_until(lambda: asking.out().count(" 0 ") > answered + 5, 30, lambda: asking.out()[-2000:])
        self.assertNotIn("agent.carl", stage.primary.cmd("ACL", "USERS"))
        self.assertEqual((asking.stop(), answering.stop()), (0, 0))
        self.assertEqual(self.refusals(stage.primary), [])


if __name__ == "__main__":
    main()
