"""Two versions side by side: gateways, daemons and agents of neighbouring versions work together while one replaces the
other, forwards and back, and nothing is lost or doubled. Versions further apart refuse each other in a sentence.

Which two versions they are:

    by default                  this build, and this build as one that speaks the next protocol (MAS_TEST_PROTOCOL)
    MAS_PREVIOUS_BUILD=DIR      the build of an earlier version (DIR/bin), and this build; see previous_build.py
"""

import json
import os
import pathlib
import unittest

from harness import MasTestCase, build, main, poll_until
from harness.ledger_case import QUICK, SECONDS, LedgerCase, repeated

PREVIOUS = os.environ.get("MAS_PREVIOUS_BUILD")
LEASE = {"lease": {"ttl": "1s"}}


class Version:
    """Programs of one version."""

    def __init__(self, name, directory, protocol=None):
        self.name, self.directory = name, pathlib.Path(directory).resolve()
        self.env = {"MAS_TEST_PROTOCOL": str(protocol)} if protocol else {}

    def program(self, name):
        return str(self.directory / "bin" / name)


def speaking(protocol):
    return Version(f"p{protocol}", build.build_dir(), protocol)


OLD = Version("old", PREVIOUS or build.build_dir())
NEW = Version("new", build.build_dir()) if PREVIOUS else speaking(2)


class Upgrades:
    """Starts programs of a version; mixed into test cases."""

    def start_version(self, version, program, config=None):
        name = self._free_name(f"{version.name}-{program}")
        return self.start_daemon(version.program(program), self.redis, config, env=version.env, name=name)

    def masctl_of(self, version, *args):
        return self.run_program(version.program("masctl"), *args, "--redis", self.redis.url(), env=version.env)


class MixedCase(Upgrades, LedgerCase):
    """A ledger whose programs each have a version. self.agent_version is that of the agents that start next."""

    agent_version = OLD

    def gateway(self, version):
        gateway = self.start_version(version, "mas-gatewayd", QUICK)
        poll_until(lambda: gateway.ready()[1].get("deciding"), 15, f"the {version.name} gateway decides")
        return gateway

    def launch(self, role, agent_id, *args):
        version = self.agent_version
        process = self.process(version.program("mas-ledger-agent"), role, agent_id, *args,
                               env={"MAS_REDIS_URL": self.redis.url(), **version.env},
                               name=f"{agent_id}-{len(self.agents.get(agent_id, [])) + 1}").start()
        self.agents.setdefault(agent_id, []).append(process)
        return process

    def replace_agents(self, version):
        """In order, one after the other."""
        self.agent_version = version
        for agent_id in (*self.targets, *self.sources):
            self.assertEqual(self.agents[agent_id][-1].stop(30), 0, agent_id)
            self.launch_receiver(agent_id) if agent_id in self.targets else self.launch_sender(agent_id)
            self.wait_started([agent_id])


class SideBySideTest(MixedCase):
    def with_one_gateway(self, gateway, agents):
        self.gateway(gateway)
        self.agent_version = agents
        self.start_load()
        self.keep_up()
        self.wait_progress("to the end")
        self.check()

    @repeated
    def test_old_agents_with_a_new_gateway(self):
        self.redis.cmd("HSET", "mas.config", "protocol", 1)  # as the old gateways left it
        self.with_one_gateway(NEW, OLD)

    @repeated
    def test_new_agents_with_an_old_gateway(self):
        self.with_one_gateway(OLD, NEW)

    @repeated
    def test_gateways_of_both_versions_share_partitions(self):
        """Agents of both versions send to each other through both; either gateway dies, and the other takes over."""
        gateways = {OLD: self.gateway(OLD), NEW: self.gateway(NEW)}
        self.start_load()
        self.agent_version = NEW
        for agent_id in (self.targets[0], self.sources[0], self.sources[1]):
            self.assertEqual(self.agents[agent_id][-1].stop(30), 0, agent_id)
            self.launch_receiver(agent_id) if agent_id in self.targets else self.launch_sender(agent_id)
            self.wait_started([agent_id])
        for version in (OLD, NEW):
            poll_until(lambda: all(len(g.ready()[1]["owned"]) == 8 for g in gateways.values()), 15, "both own half")
            self.keep_up(SECONDS / 2)
            gateways[version].kill()
            self.wait_progress(f"without the {version.name} gateway")
            gateways[version] = self.gateway(version)
        self.check()


class RollingTest(MixedCase):
    """The order of docs/OPERATIONS.md under load: gateways, then registryd and healthd, then agents; then all back."""

    def setUp(self):
        super().setUp()
        self.running = {}

    def replace(self, program, version, config=LEASE):
        """One of two that run: the old one drains while the other one works."""
        for i in range(2):
            before = self.running.get((program, i))
            if before:
                self.assertEqual(before.stop(), 0, before.name)
            self.running[program, i] = self.gateway(version) if program == "mas-gatewayd" else \
                self.start_version(version, program, config)

    def roll(self, version):
        for program in ("mas-gatewayd", "mas-registryd", "mas-healthd"):
            self.replace(program, version)
            self.wait_progress(f"after {program} became {version.name}")
        self.replace_agents(version)
        self.wait_progress(f"after the agents became {version.name}")

    def protocol(self):
        return self.redis.cmd("HGET", "mas.config", "protocol")

    @repeated
    def test_everything_is_upgraded_under_load_and_goes_back(self):
        for program in ("mas-gatewayd", "mas-registryd", "mas-healthd"):
            self.replace(program, OLD)
        self.start_load()
        self.keep_up(SECONDS / 2)
        self.roll(NEW)
        if not PREVIOUS:
            done = self.masctl_of(NEW, "protocol", "set", 2)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.protocol(), "2")
            self.wait_progress("by the raised protocol")
            done = self.masctl_of(NEW, "protocol", "set", 1)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.roll(OLD)
        self.check()


class StandbyTest(Upgrades, MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def test_another_version_stands_by_and_takes_over(self):
        for program in ("mas-registryd", "mas-healthd"):
            for first, second in ((OLD, NEW), (NEW, OLD)):
                with self.subTest(program=program, first=first.name):
                    active = self.start_version(first, program, LEASE)
                    poll_until(lambda: active.ready()[1]["role"] == "active", 10, "the first is active")
                    standby = self.start_version(second, program, LEASE)
                    self.assertEqual(standby.ready()[1]["role"], "standby")
                    self.assertEqual(active.stop(), 0)
                    poll_until(lambda: standby.ready()[1]["role"] == "active", 10, "the second takes over")
                    self.assertEqual(standby.stop(), 0)


@unittest.skipIf(PREVIOUS, "both versions are given")
class RefusalTest(Upgrades, MasTestCase):
    """Programs that are further apart, or for which the protocol was raised too early."""

    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def reason_of(self, version, program):
        daemon = self.daemon(version.program(program), self.redis, LEASE, env=version.env,
                             name=self._free_name(f"{version.name}-{program}")).start()
        reason = poll_until(lambda: daemon.ready()[1].get("reason", "").startswith("mas.config has protocol") and
                            daemon.ready()[1]["reason"], 10, f"{program} says why")
        self.assertIn(reason, daemon.wait_log("config_refused"))
        self.assertEqual(daemon.stop(), 0)
        return reason

    def agent_of(self, version):
        """@return what an agent says that does not start."""
        agent = self.process(version.program("mas-ledger-agent"), "receive", "bob", name=self._free_name("bob"),
                             env={"MAS_REDIS_URL": self.redis.url(), **version.env}).start()
        self.assertNotEqual(agent.wait(30), 0)
        return agent.err()

    def test_two_protocols_apart_is_refused_with_both_numbers_and_what_to_do(self):
        self.redis.cmd("HSET", "mas.config", "protocol", 1)
        wanted = "speaks 3 and 2; upgrade everything to a version that speaks 2 first, then run masctl protocol set 2"
        for program in ("mas-gatewayd", "mas-registryd", "mas-healthd"):
            with self.subTest(program=program):
                self.assertRegex(self.reason_of(speaking(3), program),
                                 f"^mas.config has protocol '1', this (gateway|registryd|healthd) {wanted}$")
        self.assertIn(f"mas.config has protocol '1', this library {wanted}", self.agent_of(speaking(3)))
        self.assertEqual(self.redis.scan("mas.lease:*"), [])

    def test_an_older_program_is_refused_once_the_protocol_is_raised(self):
        self.redis.cmd("HSET", "mas.config", "protocol", 2)
        for program in ("mas-gatewayd", "mas-registryd", "mas-healthd"):
            with self.subTest(program=program):
                self.assertIn("speaks 1; install a version here that speaks 2", self.reason_of(OLD, program))
        self.assertIn("this library speaks 1; install a version here that speaks 2", self.agent_of(OLD))

    def test_the_protocol_is_not_raised_while_somebody_runs_that_does_not_work_by_it(self):
        gateway = self.start_version(OLD, "mas-gatewayd", QUICK)
        agent = self.process(OLD.program("mas-ledger-agent"), "receive", "bob", name="bob",
                             env={"MAS_REDIS_URL": self.redis.url()}).start()
        agent.wait_for_output("ready")
        shown = self.masctl_of(NEW, "protocol", "show").stdout
        self.assertRegex(shown, r"works by protocol 1\n")
        self.assertRegex(shown, r"gatewayd\t\S+\t1\t1\n")
        self.assertRegex(shown, r"agent\tlibmas \S+\t1\t1\n")
        refused = self.masctl_of(NEW, "protocol", "set", 2)
        self.assertNotEqual(refused.returncode, 0)
        for text in ("1 gatewayd (0.", "1 agent (libmas 0.", "speaks 1", "upgrade or stop them first"):
            self.assertIn(text, refused.stderr)
        self.assertIn("cannot judge protocol 2", self.masctl_of(OLD, "protocol", "set", 2).stderr)
        self.assertEqual(gateway.stop(), 0)
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.masctl_of(NEW, "protocol", "set", 2, "--by", "olga").returncode, 0)
        self.assertEqual(self.redis.cmd("HGET", "mas.config", "protocol"), "2")
        self.assertIn("protocol.set", self.masctl("audit", "operators", redis=self.redis).stdout)

    def test_what_is_no_protocol_is_shown_and_recorded_as_it_is(self):
        def shown():
            return json.loads(self.masctl_of(NEW, "protocol", "show", "--json").stdout)["protocol"]

        def recorded():
            return self.masctl("audit", "operators", redis=self.redis).stdout.splitlines()[-1]

        self.assertIsNone(shown())
        self.assertEqual(self.masctl_of(NEW, "protocol", "set", 1).returncode, 0)
        self.assertEqual(shown(), 1)
        self.assertIn("protocol=1, before none", recorded())
        for text in ("two", "0", ""):
            with self.subTest(text):
                self.redis.cmd("HSET", "mas.config", "protocol", text)
                self.assertEqual(shown(), text)
                self.assertIn(f"mas.config has protocol '{text}'", self.masctl_of(NEW, "protocol", "show").stdout)
                self.assertEqual(self.masctl_of(NEW, "protocol", "set", 2).returncode, 0)
                self.assertIn(f"protocol=2, before '{text}'", recorded())

    def test_an_older_agent_that_starts_meanwhile_takes_the_protocol_back(self):
        for before in ("1", None):
            with self.subTest(before):
                self.redis.cmd("FLUSHALL")
                if before:
                    self.redis.cmd("HSET", "mas.config", "protocol", before)
                slow = self.start_proxy(self.redis)
                slow.delay(0.3)
                self.redis.cmd("CONFIG", "RESETSTAT")
                setting = self.process(NEW.program("masctl"), "protocol", "set", 2, "--redis", slow.url(), env=NEW.env,
                                       name=self._free_name("masctl")).start()
                poll_until(lambda: "cmdstat_scan" in self.redis.cmd("INFO", "commandstats"), 10, "it has read who runs")
                self.redis.cmd("HSET", "agent:late:instances", "ab", '{"sdk":"libmas 0.0","protocol":1}')
                self.redis.cmd("SET", "agent:late:alive:ab", "1")
                self.assertEqual(setting.wait(20), 1, setting.written())
                self.assertIn("1 agent (libmas 0.0, speaks 1)", setting.err())
                self.assertEqual(self.redis.cmd("HGET", "mas.config", "protocol"), before)
                records = self.masctl("audit", "operators", redis=self.redis).stdout
                self.assertEqual(records.count("protocol.set"), 2, "the change, and that it was taken back")

    def test_a_gateway_that_runs_gives_up_when_the_protocol_leaves_it_behind(self):
        gateway = self.start_version(OLD, "mas-gatewayd", QUICK)
        self.redis.cmd("HSET", "mas.config", "protocol", 2)  # past masctl
        self.assertIn("install a version here that speaks 2", gateway.wait_unready()["reason"])
        poll_until(lambda: self.redis.scan("mas.lease:{*") == [], 10, "it owns nothing")
        self.redis.cmd("HSET", "mas.config", "protocol", 1)
        gateway.wait_ready()


if __name__ == "__main__":
    main()
