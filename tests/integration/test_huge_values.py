"""Values of many MiB where a few bytes belong: each reader asks for sizes first, so one agent's value stops nobody."""

import json

from harness import MasTestCase, main, poll_until

MIB = 1 << 20
HUGE = 20 * MIB  # quick to make


class HugeCase(MasTestCase):
    def masctl(self, *args, **options):
        """Redis takes its time to make and to look at such values, on a busy machine most of all."""
        return super().masctl(*args, "--timeout", "20", timeout=60, **options)

    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def write_huge(self, command, key, *arguments, size=HUGE):
        """The value is made in Redis, which is quicker than sending it."""
        script = ("local call = {unpack(ARGV, 2)} call[#call + 1] = string.rep(string.rep('x', 65536), ARGV[1] / 65536) "
                  "return redis.call(call[1], KEYS[1], unpack(call, 2))")
        with self.redis.client(timeout=60) as client:
            client.cmd("EVAL", script, 1, key, size, command, *arguments)

    def make_huge_name(self):
        """An entry, the name of which is huge; its owner may write all that begins with its own entry's name."""
        script = ("local name = 'agent:eve:' .. string.rep(string.rep('x', 65536), ARGV[1] / 65536) "
                  "return redis.call('HSET', name, 'id', 'eve')")
        with self.redis.client(timeout=60) as client:
            client.cmd("EVAL", script, 0, HUGE)

    def output_bytes(self):
        return int(self.redis.info("stats")["total_net_output_bytes"])

    def assert_little_left_redis(self, before, most=MIB):
        self.assertLess(self.output_bytes() - before, most, "no large value left Redis")


class HugeValuesTest(HugeCase):
    def setUp(self):
        super().setUp()
        quick = {"registry": {"reconcile_interval": "300ms"}}
        self.registryd = self.start_daemon("mas-registryd", self.redis, config=quick)
        self.healthd = self.start_daemon("mas-healthd", self.redis, config={"health": {"scan_interval": "300ms"}})
        self.start_agent(self.redis, "honest", ["chat"])
        self.huge = ("status", "registered_at", "metadata", "capabilities")
        for field in self.huge:
            # At once, so that nobody sees an entry that can be read: the last of two values of a field counts.
            self.write_huge("HSET", f"agent:{field}", "id", field, "capabilities", '["chat"]', "metadata", "{}",
                            "status", "ACTIVE", "registered_at", "1", field)
            self.redis.cmd("PUBLISH", "mas.system", json.dumps({"type": "REGISTER", "agent_id": field, "capabilities": []}))
        poll_until(lambda: self.redis.cmd("SMEMBERS", "mas.capability:chat") == ["honest"], what="honest is indexed")
        self.sent_before = self.output_bytes()
        self.make_huge_name()
        self.write_huge("SADD", "mas.daemons")

    def test_daemons_go_on_and_name_agent_and_field(self):
        before = self.registryd.metrics()['mas_registryd_reconciles_total{result="ok"}']
        poll_until(lambda: self.registryd.metrics()['mas_registryd_reconciles_total{result="ok"}'] >= before + 2,
                   30, "two full passes are done")
        scans = self.healthd.metrics()["mas_healthd_scans_total"]
        poll_until(lambda: self.healthd.metrics()["mas_healthd_scans_total"] >= scans + 2, 30, "two walks are done")
        late = self.start_agent(self.redis, "late", ["chat"])
        poll_until(lambda: sorted(self.redis.cmd("SMEMBERS", "mas.capability:chat")) == ["honest", "late"],
                   30, what="who comes later is indexed")
        late.vanish()
        self.redis.cmd("DEL", "agent:late:heartbeat")
        for daemon in (self.registryd, self.healthd):
            self.check_peak(daemon, 40 * MIB)
        complaints = {(event["event"], event["agent"]): event["reason"]
                      for daemon in (self.registryd, self.healthd) for event in daemon.events() if "reason" in event}
        for field in self.huge:
            self.assertIn(f"agent entry: {field}: expected at most", complaints[("entry_not_indexed", field)])
        for field in ("status", "registered_at"):
            self.assertIn(f"agent entry: {field}: expected at most", complaints[("entry_not_watched", field)])
        for event in ("entry_not_indexed", "entry_not_watched"):
            self.assertRegex(complaints[(event, "")], r"the name of a key agent:\* has \d{8} bytes; expected at most 1024")
        self.assertIn("a member of mas.daemons has", self.healthd.wait_log("daemon_not_watched"))
        self.assert_little_left_redis(self.sent_before)

    def test_masctl_lists_the_others_and_names_these(self):
        for indexed in (True, False):
            with self.subTest(indexed=indexed):
                if not indexed:
                    self.registryd.stop()
                done = self.masctl("agents", "list", "--json", redis=self.redis)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual([agent["id"] for agent in json.loads(done.stdout)["agents"]], ["honest"])
        done = self.masctl("agents", "show", "metadata", redis=self.redis)
        self.assertIn("metadata: expected at most 65536 bytes", done.stderr)
        done = self.masctl("doctor", redis=self.redis)
        for field in self.huge:
            self.assertIn(f"agent entry: {field}: expected at most", done.stdout)
        self.assert_little_left_redis(self.sent_before)

    def test_masctl_reads_no_large_heartbeat_lease_or_instance(self):
        self.redis.pipeline([("SADD", "mas.daemons", "gatewayd:big"), ("HSET", "mas.config", "partitions", "2")])
        for command, key, *field in (("SET", "mas.daemon:gatewayd:big"), ("SET", "mas.lease:{0}"),
                                     ("HSET", "agent:honest:instances", "0123"), ("HSET", "agent:honest", "token")):
            self.write_huge(command, key, *field)
        before = self.output_bytes()
        for arguments in (("doctor",), ("top", "--once"), ("partitions", "show"), ("agents", "show", "honest"),
                          ("explain", "honest", "honest")):
            with self.subTest(arguments):
                done = self.masctl(*arguments, redis=self.redis)
                self.assertIn(done.returncode, (0, 1, 5), done.stderr)
                self.assertNotIn("timed out", done.stderr)
                self.assert_little_left_redis(before)


class AgentTest(HugeCase):
    def test_it_beats_beside_a_huge_status(self):
        bob = self.start_listener(self.redis, "bob")
        self.write_huge("HSET", "agent:bob", "status")
        before = self.output_bytes()
        looks = lambda: int(self.redis.info("commandstats").get("cmdstat_hstrlen", "calls=0,").split("=")[1].split(",")[0])
        seen, instances = looks(), self.redis.cmd("HKEYS", "agent:bob:instances")
        poll_until(lambda: looks() > seen + 1, 30, "bob looks at its registration")
        self.assertEqual(self.redis.cmd("HKEYS", "agent:bob:instances"), instances)
        self.assert_little_left_redis(before)
        self.check_peak(bob, 64 * MIB)
        self.assertEqual(bob.stop(), 0)


    def test_a_huge_value_of_its_own_fails_its_start_and_is_named(self):
        for command, key, field, said in (
                ("HSET", "agent.state:bob", "diary", f"agent.state:bob: field 'diary' has {HUGE} bytes; expected at most 1048576"),
                ("HSET", "agent:bob", "token", f"agent:bob: token has {HUGE} bytes; expected at most 256")):
            with self.subTest(key):
                self.write_huge(command, key, field)
                before = self.output_bytes()
                done = self.masctl("listen", "bob", redis=self.redis)
                self.assertGreater(done.returncode, 0, "no signal")
                self.assertIn(said, done.stderr)
                self.assert_little_left_redis(before)
                self.redis.cmd("DEL", key)
        bob = self.start_listener(self.redis, "bob")
        self.assertEqual(bob.stop(), 0)


class OperatorTest(HugeCase):
    """What masctl reads for an operator: what is too large is named, with its size and what is expected."""

    def refused(self, *arguments, code=1):
        before = self.output_bytes()
        done = self.masctl(*arguments, redis=self.redis)
        self.assertNotIn(done.returncode, (0,), done.stdout[:1000])
        self.assertGreater(done.returncode, 0, "no signal")
        self.assertRegex(done.stderr, rf"{HUGE} bytes; expected at most \d+")
        self.assert_little_left_redis(before, 8 * MIB)  # what the sockets take before the link is closed
        return done.stderr

    def listed(self, *arguments):
        before = self.output_bytes()
        done = self.masctl(*arguments, redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_little_left_redis(before)
        return done.stdout

    def test_state_identity_limits_rules_and_circuits(self):
        self.redis.cmd("HSET", "agent.state:bob", "small", "1")
        for key in (("HSET", "agent.state:bob", "diary"), ("HSET", "mas.identity:bob", "state"),
                    ("HSET", "ratelimit:bob:limits", "per_minute"), ("SADD", "agent:bob:allowed_targets"),
                    ("HSET", "circuit:bob", "state"), ("HSET", "mas.config", "partitions")):
            self.write_huge(*key)
        self.assertIn("agent.state:bob", self.refused("state", "get", "bob"))
        self.assertIn("agent.state:bob", self.refused("state", "get", "bob", "diary"))
        self.assertEqual(self.listed("state", "get", "bob", "small"), "1\n")
        self.assertIn("ratelimit:bob:limits", self.refused("limit", "show", "bob"))
        self.assertIn("mas.config", self.refused("partitions", "show"))
        self.redis.cmd("DEL", "mas.config")
        for arguments in (("identity", "list"), ("identity", "show", "bob"), ("breaker", "list"), ("acl", "show", "bob"),
                          ("explain", "bob", "carol"), ("explain", "carol", "bob"), ("agents", "list")):
            with self.subTest(arguments):
                before = self.output_bytes()
                done = self.masctl(*arguments, redis=self.redis)
                self.assertGreaterEqual(done.returncode, 0, "no signal")
                self.assertNotIn("timed out", done.stderr)
                if "show" in arguments:
                    self.assertIn(str(HUGE), done.stdout + done.stderr)
                self.assert_little_left_redis(before)

    def test_names_of_keys(self):
        self.make_huge_name()
        self.redis.cmd("HSET", "agent:bob", "id", "bob", "status", "ACTIVE", "registered_at", "1", "capabilities", "[]")
        self.assertIn("bob", self.listed("agents", "list"))
        before = self.output_bytes()
        done = self.masctl("doctor", redis=self.redis)
        self.assertRegex(done.stdout, r"its name has \d{8} bytes; expected at most 1024")
        self.assert_little_left_redis(before)

    def test_dead_letters(self):
        large = 96 * MIB
        for key, *flags in (("dlq:messages",), ("dlq:unproven", "--unproven")):
            with self.subTest(key):
                self.redis.cmd("XADD", key, "1-1", "payload", "{}", "reason", "before")
                self.write_huge("XADD", key, "2-1", "reason", "large", "payload", size=large)
                self.redis.cmd("XADD", key, "3-1", "payload", "{}", "reason", "behind")
                letters = json.loads(self.listed("dlq", "list", "--json", *flags))["letters"]
                self.assertEqual([(letter["reason"], letter["bytes"]) for letter in letters],
                                 [("before", 2), ("large", large), ("behind", 2)])
                before = self.output_bytes()
                exported = self.masctl("dlq", "export", *flags, redis=self.redis)
                self.assertEqual([json.loads(line)["payload"] for line in exported.stdout.splitlines()], [{}, None, {}])
                self.assertIn(f"letter 2-1: shown without its payload of {large} bytes", exported.stderr)
                shown = self.masctl("dlq", "show", "2-1", *flags, redis=self.redis)
                self.assertIn("reason: large", shown.stdout)
                self.assertIn(f"the payload has {large} bytes", shown.stderr)
                self.assert_little_left_redis(before)
                self.assertEqual(self.listed("dlq", "drop", "2-1", *flags), "1 letter dropped\n")


if __name__ == "__main__":
    main()
