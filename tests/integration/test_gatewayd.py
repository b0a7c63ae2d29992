"""mas-gatewayd: who owns which partitions. What it decides and delivers is in test_gateway.py."""

from harness import MasTestCase, main, poll_until
from harness.poll import holds_for

QUICK = {"lease": {"ttl": "1s"}}


class GatewaydCase(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def gatewayd(self, **options):
        return self.start_daemon("mas-gatewayd", self.redis, QUICK, **options)

    def owned(self, daemon):
        return set(daemon.ready()[1]["owned"])

    def wait_shares(self, daemons, sizes, timeout=20):
        """Every partition has one owner, and the shares have these sizes."""
        def shared():
            shares = [self.owned(daemon) for daemon in daemons]
            return sorted(map(len, shares)) == sorted(sizes) and len(set().union(*shares)) == sum(sizes)
        poll_until(shared, timeout, lambda: f"shares are {sizes}; they are {[self.owned(d) for d in daemons]}")
        self.check_leases(daemons)

    def check_leases(self, daemons):
        """What the daemons say is what Redis says."""
        for daemon in daemons:
            for partition in self.owned(daemon):
                self.assertEqual(self.redis.cmd("GET", f"mas.lease:{{{partition}}}"), daemon.instance())


class PartitionsTest(GatewaydCase):
    def test_one_owns_all_and_decides_all(self):
        daemon = self.gatewayd()
        self.wait_shares([daemon], [16])
        poll_until(lambda: len(daemon.ready()[1]["deciding"]) == 16, 10, "every partition is fenced")
        ready, says = daemon.ready()
        self.assertTrue(ready)
        self.assertEqual((says["pipeline"], says["profile"], says["partitions"]), ("running", "development", 16))
        self.assertIn("unsigned", daemon.wait_log("profile_development"))
        self.assertEqual(self.redis.hgetall("mas.config"), {"partitions": "16", "protocol": "1"})
        self.assertEqual(daemon.metrics()["mas_gatewayd_partitions_owned"], 16)
        self.assertEqual([int(self.redis.cmd("GET", f"mas.epoch:{{{p}}}")) >= 1 for p in range(16)], [True] * 16)

    def test_joining_leaving_crashing(self):
        first = self.gatewayd()
        self.wait_shares([first], [16])
        second = self.gatewayd()
        self.wait_shares([first, second], [8, 8])
        third = self.gatewayd()
        self.wait_shares([first, second, third], [5, 5, 6])
        kept = self.owned(first), self.owned(second)
        holds_for(lambda: (self.owned(first), self.owned(second)) == kept, 3, "shares rest", 0.1)

        third.stop()
        self.wait_shares([first, second], [8, 8])
        self.assertTrue(kept[0] <= self.owned(first) and kept[1] <= self.owned(second), "nothing moved needlessly")
        second.kill()
        self.wait_shares([first], [16])

    def test_starting_together(self):
        daemons = [self.daemon("mas-gatewayd", self.redis, QUICK) for _ in range(4)]
        for daemon in daemons:
            daemon.start()
        for daemon in daemons:
            daemon.wait_ready()
        self.wait_shares(daemons, [4, 4, 4, 4])

    def test_a_paused_owner_is_replaced_and_knows_it(self):
        first, second = self.gatewayd(), self.gatewayd()
        self.wait_shares([first, second], [8, 8])
        first.pause()
        self.wait_shares([second], [16])
        first.resume()
        first.wait_log("partition_lost")
        self.assertLessEqual(len(self.owned(first) & self.owned(second)), 0)
        self.wait_shares([first, second], [8, 8], 40)

    def test_redis_goes_and_comes_back_empty(self):
        first, second = self.gatewayd(), self.gatewayd()
        self.wait_shares([first, second], [8, 8])
        self.redis.kill()
        first.wait_unready()
        poll_until(lambda: not self.owned(first) and not self.owned(second), 10, "both give up by their own clock")
        self.redis.start()
        self.wait_shares([first, second], [8, 8], 40)


class UnitTest(GatewaydCase):
    """Under systemd: keys are credentials, files are in the state directory, and the configuration names none."""

    def setUp(self):
        super().setUp()
        self.credentials, self.state = self.dir / "credentials", self.dir / "state"
        self.credentials.mkdir()
        self.state.mkdir()
        self.redis.cmd("CONFIG", "SET", "appendonly", "yes")

    limits = {"per_minute": 6000, "bytes_per_minute": "64MiB"}

    def gatewayd_of_unit(self):
        return self.daemon("mas-gatewayd", self.redis, {**QUICK, "gateway": {"profile": "production"}, "limits": self.limits},
                           env={"CREDENTIALS_DIRECTORY": str(self.credentials), "STATE_DIRECTORY": str(self.state)})

    def key(self, kind, name):
        done = self.masctl("key", "generate", "--kind", kind, str(self.credentials / name), redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_keys_and_places_are_found(self):
        self.key("master", "mas.master-key")
        self.key("audit", "mas.audit-key")
        daemon = self.gatewayd_of_unit().start()
        daemon.wait_ready()
        said = daemon.wait_log('"files"')
        for place in ('"mas.master-key"', '"mas.audit-key"', f'"{self.state}/heads.jsonl"', f'"{self.state}/retired"'):
            self.assertIn(place, said)
        self.assertFalse(daemon.logged("audit_unsigned"))

    def test_production_needs_limits(self):
        self.key("master", "mas.master-key")
        self.limits = {"mode": "shadow"}
        daemon = self.gatewayd_of_unit().start()
        self.assertEqual(daemon.wait(10), 78)
        for option in ("limits.mode", "limits.per_minute", "limits.bytes_per_minute"):
            self.assertIn(f"{option}: profile production needs", daemon.err())

    def test_a_credential_that_is_not_there_is_no_master_key(self):
        daemon = self.gatewayd_of_unit().start()
        self.assertEqual(daemon.wait(10), 78)
        self.assertIn("mas.master-key", daemon.err())


class AgreementTest(GatewaydCase):
    def test_the_number_of_partitions_is_what_mas_config_says(self):
        self.redis.cmd("HSET", "mas.config", "partitions", 5)
        daemon = self.gatewayd()
        self.wait_shares([daemon], [5])
        self.redis.cmd("HSET", "mas.config", "partitions", 6)
        reason = daemon.wait_unready()["reason"]
        self.assertIn("6 partitions", reason)
        poll_until(lambda: self.redis.scan("mas.lease:*") == [], what="it gives everything up")
        self.redis.cmd("HSET", "mas.config", "partitions", 5)
        daemon.wait_ready()
        self.wait_shares([daemon], [5])

    def test_what_it_cannot_work_by_is_refused(self):
        for field, value in (("protocol", "2"), ("protocol", ""), ("partitions", "0"), ("partitions", "1025"),
                             ("partitions", "many"), ("partitions", "-1")):
            self.redis.cmd("HSET", "mas.config", "partitions", 16, "protocol", 1)
            self.redis.cmd("HSET", "mas.config", field, value)
            daemon = self.daemon("mas-gatewayd", self.redis, QUICK).start()
            poll_until(lambda: f"{field} '{value}'" in daemon.ready()[1].get("reason", ""), 10, f"{field} {value!r} is refused")
            self.assertEqual(self.redis.scan("mas.lease:*"), [])
            self.assertIn(f"{field} '{value}'", daemon.wait_log("config_refused"))
            self.assertEqual(daemon.stop(), 0)

    def test_foreign_members_and_keys_of_the_wrong_type(self):
        self.redis.cmd("SADD", "mas.daemons", "gatewayd:x", "gatewayd:" + "0" * 32, "\xff", "registryd:" + "1" * 32)
        daemon = self.gatewayd()
        self.wait_shares([daemon], [16])
        self.redis.cmd("DEL", "mas.lease:{3}")
        self.redis.cmd("RPUSH", "mas.lease:{3}", "x")
        poll_until(lambda: 3 not in self.owned(daemon), 10, "it does not own what it cannot renew")
        self.redis.cmd("DEL", "mas.lease:{3}")
        self.wait_shares([daemon], [16])


if __name__ == "__main__":
    main()
