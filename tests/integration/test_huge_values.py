"""Values of many MiB where a few bytes belong: each reader asks for sizes first, so one agent's value stops nobody."""

import json

from harness import MasTestCase, main, poll_until

MIB = 1 << 20
HUGE = 48 * MIB


class HugeValuesTest(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
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

    def write_huge(self, command, key, *arguments):
        """The value is made in Redis, which is quicker than sending it."""
        self.redis.cmd("EVAL", "local call = {unpack(ARGV, 2)} call[#call + 1] = string.rep('x', ARGV[1]) "
                       "return redis.call(call[1], KEYS[1], unpack(call, 2))", 1, key, HUGE, command, *arguments)

    def output_bytes(self):
        return int(self.redis.info("stats")["total_net_output_bytes"])

    def test_daemons_go_on_and_name_agent_and_field(self):
        before = self.registryd.metrics()['mas_registryd_reconciles_total{result="ok"}']
        poll_until(lambda: self.registryd.metrics()['mas_registryd_reconciles_total{result="ok"}'] >= before + 2,
                   30, "two full passes are done")
        scans = self.healthd.metrics()["mas_healthd_scans_total"]
        poll_until(lambda: self.healthd.metrics()["mas_healthd_scans_total"] >= scans + 2, 30, "two walks are done")
        late = self.start_agent(self.redis, "late", ["chat"])
        poll_until(lambda: sorted(self.redis.cmd("SMEMBERS", "mas.capability:chat")) == ["honest", "late"],
                   what="who comes later is indexed")
        late.vanish()
        self.redis.cmd("DEL", "agent:late:heartbeat")
        for daemon in (self.registryd, self.healthd):
            self.check_peak(daemon, 48 * MIB)
        complaints = {(event["event"], event["agent"]): event["reason"]
                      for daemon in (self.registryd, self.healthd) for event in daemon.events() if "reason" in event}
        for field in self.huge:
            self.assertIn(f"agent entry: {field}: expected at most", complaints[("entry_not_indexed", field)])
        for field in ("status", "registered_at"):
            self.assertIn(f"agent entry: {field}: expected at most", complaints[("entry_not_watched", field)])
        self.assertLess(self.output_bytes() - self.sent_before, MIB, "no large value left Redis")

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
        self.assertLess(self.output_bytes() - self.sent_before, MIB, "no large value left Redis")

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
                self.assertLess(self.output_bytes() - before, MIB, "no large value left Redis")


if __name__ == "__main__":
    main()
