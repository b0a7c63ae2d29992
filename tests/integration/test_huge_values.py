"""Values of many MiB where a few bytes belong: each reader asks for sizes first, so one agent's value stops nobody."""

import json
import pathlib

from harness import MasTestCase, main, poll_until

MIB = 1 << 20
HUGE = 48 * MIB


def peak_bytes(process):
    """The most memory that a process ever had resident."""
    status = pathlib.Path(f"/proc/{process.child.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


class HugeValuesTest(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
        quick = {"registry": {"reconcile_interval": "300ms"}}
        self.registryd = self.start_daemon("mas-registryd", self.redis, config=quick)
        self.healthd = self.start_daemon("mas-healthd", self.redis, config={"health": {"scan_interval": "300ms"}})
        self.start_agent(self.redis, "honest", ["chat"])
        self.huge = {"status": "x" * HUGE, "registered_at": "1" * HUGE, "metadata": json.dumps({"x": "y" * HUGE}),
                     "capabilities": json.dumps(["c" * HUGE])}
        for field, value in self.huge.items():
            entry = {"id": field, "capabilities": '["chat"]', "metadata": "{}", "status": "ACTIVE",
                     "registered_at": "1", field: value}
            self.redis.cmd("HSET", f"agent:{field}", *[text for pair in entry.items() for text in pair])
            self.redis.cmd("PUBLISH", "mas.system", json.dumps({"type": "REGISTER", "agent_id": field, "capabilities": []}))
        poll_until(lambda: self.redis.cmd("SMEMBERS", "mas.capability:chat") == ["honest"], what="honest is indexed")
        self.sent_before = self.output_bytes()

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
            self.assertLess(peak_bytes(daemon), 48 * MIB, daemon.name)
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
        huge = "x" * HUGE
        self.redis.pipeline([("SADD", "mas.daemons", "gatewayd:big"), ("SET", "mas.daemon:gatewayd:big", huge, "PX", 600_000),
                             ("HSET", "mas.config", "partitions", "2"), ("SET", "mas.lease:{0}", huge),
                             ("HSET", "agent:honest:instances", "0123", huge), ("HSET", "agent:honest", "token", huge)])
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
