"""mas-healthd from outside: who is dead, who is back, who flaps, and what an absence of Redis means."""

import itertools
import json
import threading
import time

from harness import MasTestCase, main, poll_until
from harness.poll import holds_for

QUICK = {"health": {"default_ttl": "2s", "scan_interval": "300ms"}, "lease": {"ttl": "1s"}}
NO_DAMPING = {**QUICK, "health": {**QUICK["health"], "flap_suppress": 1_000_000}}


class Events:
    """Everything on mas.system, by a thread."""

    def __init__(self, redis):
        self._client = redis.client()
        self._client.subscribe("mas.system")
        self._all = []
        self._stopping = False
        self._thread = threading.Thread(target=self._hear, daemon=True)
        self._thread.start()

    def _hear(self):
        while not self._stopping:
            try:
                heard = self._client.message(0.1)
            except OSError:
                return  # Redis went
            if heard:
                try:
                    self._all.append((time.monotonic(), json.loads(heard[1])))
                except ValueError:
                    pass

    def of(self, kind, agent_id=None):
        return [event for _, event in self._all
                if event["type"] == kind and agent_id in (None, event.get("agent_id"))]

    def stop(self):
        self._stopping = True
        self._thread.join()
        self._client.close()


class HealthdCase(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def healthd(self, config=QUICK):
        return self.start_daemon("mas-healthd", self.redis, config=config)

    def listen(self):
        events = Events(self.redis)
        self.addCleanup(events.stop)
        return events

    def enter(self, agent_id, registered_at=None, ttl=None, **fields):
        """Writes an entry, and a heartbeat if `ttl` (seconds) is given, without telling anybody."""
        entry = {"id": agent_id, "capabilities": "[]", "metadata": "{}", "status": "ACTIVE",
                 "registered_at": repr(time.time() if registered_at is None else registered_at), **fields}
        self.redis.cmd("HSET", f"agent:{agent_id}", *[text for pair in entry.items() for text in pair])
        if ttl:
            self.beat(agent_id, ttl)

    def beat(self, agent_id, ttl):
        self.redis.cmd("SET", f"agent:{agent_id}:heartbeat", repr(time.time()), "PX", int(ttl * 1000))

    def status(self, agent_id):
        return self.redis.cmd("HGET", f"agent:{agent_id}", "status")

    def wait_status(self, agent_id, status, timeout=10):
        poll_until(lambda: self.status(agent_id) == status, timeout, f"{agent_id} is {status}")

    def wait_state(self, daemon, state, count, timeout=10):
        poll_until(lambda: daemon.ready()[1]["agents"][state] == count, timeout,
                   lambda: f"{count} agents are {state}: {daemon.ready()[1]}")

    def wait_role(self, daemon, role, timeout=10):
        poll_until(lambda: daemon.ready()[1].get("role") == role, timeout, f"{daemon.name} is {role}")


class LivenessTest(HealthdCase):
    def test_a_crashed_agent_turns_inactive_and_comes_back(self):
        daemon, events = self.healthd(), self.listen()
        agent = self.start_agent(self.redis, "alice", heartbeat_interval=0.3, heartbeat_ttl=1)
        self.wait_state(daemon, "active", 1)
        agent.vanish()
        poll_until(lambda: self.redis.cmd("EXISTS", "agent:alice:heartbeat") == 0, what="the heartbeat expired")
        self.wait_status("alice", "INACTIVE", 2)
        poll_until(lambda: events.of("AGENT_INACTIVE", "alice"), what="the event")
        self.assertEqual(daemon.metrics()["mas_healthd_lateness_seconds_count"], 1)
        self.assertLess(daemon.metrics()["mas_healthd_lateness_seconds_sum"], 1)

        self.beat("alice", 60)
        self.wait_status("alice", "ACTIVE")
        poll_until(lambda: events.of("AGENT_ACTIVE", "alice"), what="the event")
        self.assertEqual(daemon.metrics()['mas_healthd_transitions_total{to="active"}'], 1)

    def test_agents_are_found_without_events_and_without_registryd(self):
        self.enter("early", ttl=1.5)
        daemon = self.healthd()
        self.enter("late", ttl=1.5)
        self.enter("a foreign id/ü", ttl=1.5)
        self.wait_state(daemon, "active", 3)
        for agent_id in ("early", "late", "a foreign id/ü"):
            self.wait_status(agent_id, "INACTIVE", 5)

    def test_in_production_foreign_entries_are_not_watched(self):
        daemon = self.healthd({**QUICK, "health": {**QUICK["health"], "profile": "production"}})
        for agent_id in ("bob:x1", "bob"):
            self.enter(agent_id, ttl=1.5)
        self.wait_status("bob", "INACTIVE", 5)
        self.assertEqual(self.status("bob:x1"), "ACTIVE", "it is no agent's entry")

    def test_an_agent_that_never_beats_has_a_grace(self):
        daemon = self.healthd({**QUICK, "health": {"default_ttl": "3s", "scan_interval": "300ms"}})
        self.enter("young")
        self.wait_state(daemon, "waiting", 1)
        holds_for(lambda: self.status("young") == "ACTIVE", 1.5)
        self.wait_status("young", "INACTIVE", 5)

    def test_other_keys_and_entries_are_left_alone(self):
        self.enter("paused", status="PAUSED")
        self.enter("other", id="another")
        self.redis.cmd("SET", "agent:text", "x")
        self.redis.cmd("HSET", "agent:hash", "status", "ACTIVE")
        self.enter("forever")
        self.redis.cmd("SET", "agent:forever:heartbeat", "x")
        self.enter("canary", ttl=1)
        self.healthd()
        self.wait_status("canary", "INACTIVE")
        holds_for(lambda: self.status("forever") == "ACTIVE", 3)
        self.assertEqual(self.status("paused"), "PAUSED")
        self.assertEqual(self.status("other"), "ACTIVE")
        self.assertEqual(self.status("hash"), "ACTIVE")

    def test_a_deleted_entry_is_not_brought_back(self):
        daemon = self.healthd()
        for n in range(20):
            self.enter(f"a{n}", ttl=0.5 + n / 40)
        self.wait_state(daemon, "active", 20)
        for n in range(20):
            poll_until(lambda: self.redis.cmd("EXISTS", f"agent:a{n}:heartbeat") == 0, what="a heartbeat expired")
            self.redis.cmd("DEL", f"agent:a{n}")
        self.wait_state(daemon, "active", 0)
        poll_until(lambda: sum(daemon.ready()[1]["agents"].values()) == 0, what="all are forgotten")
        self.assertEqual(self.redis.scan("agent:*"), [])

    def start_second_of_alice(self):
        """Another instance, whose start has ended: it has had a message."""
        second = self.start_listener(self.redis, "alice", name="second")
        poll_until(lambda: self.redis.cmd("HLEN", "agent:alice:instances") == 2, what="the second is registered")
        self.assertEqual(self.masctl("send", "alice", "t", "{}", "--as", "bob", redis=self.redis).returncode, 0)
        poll_until(lambda: second.messages("t"), what="its start has ended")
        return second

    def test_an_agent_that_was_killed_restarted_and_stopped_is_not_active_for_long(self):
        self.healthd()
        first = self.start_listener(self.redis, "alice")
        self.wait_status("alice", "ACTIVE")
        first.kill()
        second = self.start_second_of_alice()
        self.assertEqual(second.stop(), 0)
        poll_until(lambda: self.status("alice") != "ACTIVE", 20, "alice is INACTIVE once the killed one's lease is over")

    def test_the_others_beat_on_when_an_instance_stops(self):
        self.healthd()
        first = self.start_listener(self.redis, "alice")
        second = self.start_second_of_alice()
        self.assertEqual(second.stop(), 0)
        self.assertLessEqual(self.redis.cmd("PTTL", "agent:alice:heartbeat"), 15_000)
        poll_until(lambda: self.redis.cmd("PTTL", "agent:alice:heartbeat") > 20_000, 10, "the other one renewed it")
        self.assertEqual(self.status("alice"), "ACTIVE")
        self.assertEqual(first.stop(), 0)
        self.assertEqual(self.redis.cmd("EXISTS", "agent:alice"), 0)

    def test_a_stop_and_a_start_leave_no_trace(self):
        daemon, events = self.healthd(), self.listen()
        agent = self.start_agent(self.redis, "alice")
        self.wait_state(daemon, "active", 1)
        agent.stop()
        self.wait_state(daemon, "active", 0, 3)
        self.start_agent(self.redis, "alice")
        self.wait_state(daemon, "active", 1, 3)
        self.assertEqual(events.of("AGENT_INACTIVE"), [])

    def test_keyspace_notifications_make_it_quicker(self):
        self.redis.cmd("CONFIG", "SET", "notify-keyspace-events", "KEA")
        daemon = self.healthd({**QUICK, "health": {"default_ttl": "1s", "scan_interval": "1h"}})
        self.start_agent(self.redis, "alice", heartbeat_ttl=1).vanish()
        self.wait_status("alice", "INACTIVE")
        # Long enough for its own looks to be seconds apart.
        holds_for(lambda: self.status("alice") == "INACTIVE", 4)
        self.beat("alice", 60)
        self.wait_status("alice", "ACTIVE", 1)
        self.assertGreater(daemon.metrics()['mas_healthd_hints_total{source="keyspace"}'], 0)


class FlappingTest(HealthdCase):
    def test_a_flapping_agent_is_held_until_it_is_stable(self):
        config = {**QUICK, "health": {**QUICK["health"], "flap_half_life": "3s"}}
        daemon, events = self.healthd(config), self.listen()
        self.enter("alice", ttl=0.5)
        for _ in range(20):
            self.wait_status("alice", "INACTIVE")
            if events.of("AGENT_FLAPPING"):
                break
            poll_until(lambda: self.beat("alice", 0.5) or self.status("alice") == "ACTIVE"
                       or events.of("AGENT_FLAPPING"), what="alice is ACTIVE or held")
        self.assertEqual(len(events.of("AGENT_FLAPPING", "alice")), 1)
        self.beat("alice", 60)
        holds_for(lambda: self.status("alice") == "INACTIVE", 1.5)
        self.wait_state(daemon, "suppressed", 1)
        self.wait_status("alice", "ACTIVE", 20)
        self.assertEqual(len(events.of("AGENT_FLAPPING")), 1)


class OutageTest(HealthdCase):
    def test_a_restart_of_redis_kills_nobody(self):
        daemon, events = self.healthd(NO_DAMPING), self.listen()
        for n in range(5):
            self.enter(f"a{n}", ttl=1)
        self.wait_state(daemon, "active", 5)
        self.redis.cmd("SAVE")
        self.redis.kill()
        daemon.wait_unready()
        down = time.monotonic()
        poll_until(lambda: time.monotonic() - down > 1.5, what="every heartbeat has expired")
        self.redis.start()
        daemon.wait_ready(15)
        events = self.listen()
        for n in range(4):
            self.beat(f"a{n}", 60)  # they find back; one does not
        self.wait_status("a4", "INACTIVE", 10)
        for n in range(4):
            self.assertEqual(self.status(f"a{n}"), "ACTIVE")
        self.assertEqual({event["agent_id"] for event in events.of("AGENT_INACTIVE")}, {"a4"})

    def test_while_redis_takes_no_writes_nobody_can_beat(self):
        daemon, events = self.healthd(NO_DAMPING), self.listen()
        for name in ("back", "dead"):
            self.enter(name, ttl=2)
        self.wait_state(daemon, "active", 2)
        self.redis.cmd("CONFIG", "SET", "min-replicas-to-write", "1")
        poll_until(lambda: self.redis.cmd("EXISTS", "agent:back:heartbeat") == 0, what="heartbeats expired")
        daemon.wait_log("writes_refused")
        holds_for(lambda: not events.of("AGENT_INACTIVE"), 2)
        self.redis.cmd("CONFIG", "SET", "min-replicas-to-write", "0")
        self.wait_role(daemon, "active")
        holds_for(lambda: self.status("back") == "ACTIVE", 1)
        self.beat("back", 60)
        self.wait_status("dead", "INACTIVE")
        self.assertEqual([event["agent_id"] for event in events.of("AGENT_INACTIVE")], ["dead"])

    def test_a_break_of_its_own_connection_delays_nothing(self):
        daemon = self.healthd({**QUICK, "health": {"default_ttl": "1h", "scan_interval": "300ms"}})
        self.enter("alice", ttl=2)
        self.wait_state(daemon, "active", 1)
        self.redis.cmd("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        self.wait_status("alice", "INACTIVE", 6)

    def test_a_walk_that_waited_for_looks_when_the_connection_was_lost(self):
        with self.redis.client() as client:
            client.pipeline([("HSET", f"agent:a{n}", "id", f"a{n}", "status", "ACTIVE", "registered_at", "1")
                             for n in range(20_000)])
            client.pipeline([("SET", f"agent:a{n}:heartbeat", "1", "EX", 600) for n in range(20_000)])
        proxy = self.start_proxy(self.redis)
        proxy.answer("NOPERM no permission", {"HMGET", "PTTL"})  # nobody can be looked at, so the walk must wait
        daemon = self.daemon("mas-healthd", proxy.url(), config=QUICK).start()
        poll_until(lambda: daemon.ready()[1].get("agents", {}).get("unknown", 0) >= 5_000, what="the walk waits")
        self.redis.cmd("ACL", "SETUSER", "default", "-scan")  # on the next connection it is the walk that fails
        proxy.forward()
        proxy.cut()
        daemon.wait_log("walk_failed")
        poll_until(lambda: daemon.ready()[1]["agents"]["active"] >= 5_000, what="those already found are looked at")
        self.redis.cmd("ACL", "SETUSER", "default", "+scan")
        self.wait_state(daemon, "active", 20_000, 60)

    def test_what_nobody_told_while_it_was_not_subscribed_is_found_then(self):
        daemon = self.healthd({**QUICK, "health": {"default_ttl": "1h", "scan_interval": "1h"}})
        self.start_agent(self.redis, "alice")
        self.wait_state(daemon, "active", 1)
        self.enter("bob", ttl=60)  # and no event
        holds_for(lambda: daemon.ready()[1]["agents"]["active"] == 1, 1)
        clients = self.redis.cmd("CLIENT", "LIST", "TYPE", "pubsub").splitlines()
        for client in clients:
            fields = dict(field.split("=", 1) for field in client.split(" ") if "=" in field)
            if fields["name"].startswith("mas-healthd") and "events" in fields["name"]:
                self.redis.cmd("CLIENT", "KILL", "ID", fields["id"])
        self.wait_state(daemon, "active", 2, 10)

    def test_connections_cut_in_the_middle_of_walks(self):
        with self.redis.client() as client:
            for kind in ("entry", "heartbeat"):
                client.pipeline([("HSET", f"agent:a{n}", "id", f"a{n}", "status", "ACTIVE", "registered_at", "1")
                                 if kind == "entry" else ("SET", f"agent:a{n}:heartbeat", "1", "EX", 600)
                                 for n in range(20_000)])
        daemon = self.daemon("mas-healthd", self.redis, config=QUICK).start()
        for cut in range(20):
            daemon.wait_log("redis_up", after=cut)
            self.redis.cmd("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        daemon.wait_ready(20)
        self.wait_state(daemon, "active", 20_000, 30)

    def test_errors_of_redis_are_no_deaths(self):
        proxy = self.start_proxy(self.redis)
        daemon = self.start_daemon("mas-healthd", proxy.url(), config=NO_DAMPING)
        self.enter("alice", ttl=60)
        self.wait_state(daemon, "active", 1)
        for error in ("LOADING Redis is loading the dataset in memory", "NOPERM no permission", "OOM command not allowed",
                      "READONLY You can't write against a read only replica."):
            with self.subTest(error):
                proxy.answer(error, {"PTTL", "HMGET", "EVAL", "SCAN"})
                holds_for(lambda: self.status("alice") == "ACTIVE", 2.5)
                proxy.forward()
                daemon.wait_ready()
        self.enter("bob", ttl=1)
        self.wait_status("bob", "INACTIVE", 15)


class FloodTest(HealthdCase):
    """What others can ask for takes a share of the time only, and the agents that are known are looked after meanwhile."""

    def fill(self, agents):
        with self.redis.client() as client:
            for first in range(0, agents, 10_000):
                client.pipeline([("HSET", f"agent:a{n}", "id", f"a{n}", "capabilities", "[]", "metadata", "{}", "status",
                                  "INACTIVE", "registered_at", "1") for n in range(first, min(first + 10_000, agents))])
        self.daemon_ = self.daemon("mas-healthd", self.redis, {"health": {"scan_interval": "1h"}}).start().wait_ready(60)
        self.wait_state(self.daemon_, "inactive", agents, 60)
        self.agent = self.start_agent(self.redis, "known", heartbeat_interval=0.3, heartbeat_ttl=1)
        self.wait_state(self.daemon_, "active", 1)

    def walks_while(self, disturb, seconds=9):
        """@param disturb called again and again meanwhile. @return walks that were finished, and how long they had."""
        def walks():
            return self.daemon_.metrics()["mas_healthd_scans_total"]

        before, began, stopping = walks(), time.monotonic(), threading.Event()

        def go_on():
            with self.redis.client() as client:
                while not stopping.wait(0.05):
                    disturb(client)

        disturbing = threading.Thread(target=go_on, daemon=True)
        disturbing.start()
        self.addCleanup(stopping.set)
        poll_until(lambda: time.monotonic() - began > seconds, 2 * seconds, "it goes on")
        self.agent.vanish()
        self.wait_status("known", "INACTIVE", 15)
        count, took = walks() - before, time.monotonic() - began
        stopping.set()
        disturbing.join()
        print(f"{count:.0f} walks in {took:.0f} s")
        return count, took

    def test_a_flood_of_names(self):
        self.fill(30_000)
        names = itertools.count()
        self.walks_while(lambda client: client.pipeline(
            [("PUBLISH", "mas.system", f'{{"type": "REGISTER", "agent_id": "ghost{next(names)}"}}') for _ in range(5_000)]))
        self.assertGreater(self.daemon_.metrics()["mas_healthd_agents_dropped_total"], 0, "it was a flood")

    def test_subscriptions_that_are_cut_again_and_again(self):
        self.fill(1_000)  # so few that a walk over them is short: how many there are is up to how long they rest
        walks, took = self.walks_while(lambda client: client.cmd("CLIENT", "KILL", "TYPE", "pubsub"))
        self.assertGreater(walks, 0, "they were asked for")
        self.assertLessEqual(walks, 1 + took, "each rests for a second at least")


class ClockTest(HealthdCase):
    """Redis's clock is set forward, so every heartbeat ends before its time."""

    def start_redis(self, name="redis", **options):
        return super().start_redis(name, clock=True, **options)

    def setUp(self):
        super().setUp()
        self.redis.cmd("CONFIG", "SET", "notify-keyspace-events", "Ex$")  # so that healthd looks at once
        self.redis.cmd("SADD", "mas.daemons", "gatewayd:living")
        self.redis.cmd("SET", "mas.daemon:gatewayd:living", "{}", "EX", 60)
        for agent_id in ("alice", "bob"):
            self.enter(agent_id, ttl=5)
        self.events = self.listen()

    def step_and_hold(self, seconds):
        self.redis.set_clock(3600)
        poll_until(lambda: self.redis.cmd("EXISTS", "agent:alice:heartbeat", "agent:bob:heartbeat") == 0, 5, "they ended")
        self.beat("alice", 60)
        holds_for(lambda: (self.status("alice"), self.status("bob")) == ("ACTIVE", "ACTIVE"), seconds)
        self.assertEqual(self.events.of("AGENT_INACTIVE") + self.events.of("DAEMON_DOWN"), [])

    def test_nobody_is_dead_before_there_was_time_to_beat_again(self):
        daemon = self.healthd(NO_DAMPING)
        self.wait_state(daemon, "active", 2)
        self.step_and_hold(3.5)
        daemon.wait_log("redis_clock_stepped")
        self.wait_status("bob", "INACTIVE")
        self.assertEqual(self.status("alice"), "ACTIVE")

    def test_nor_by_a_standby_that_gained_the_lease_by_it(self):
        self.redis.cmd("SET", "mas.lease:healthd", "another", "EX", 600)
        daemon = self.healthd(NO_DAMPING)
        self.wait_role(daemon, "standby")
        self.redis.cmd("CONFIG", "RESETSTAT")
        poll_until(lambda: "cmdstat_time:" in self.redis.cmd("INFO", "commandstats"), 10, "it asked for the time")
        for agent_id in ("alice", "bob"):
            self.beat(agent_id, 5)
        self.step_and_hold(1.5)  # it has seen no heartbeat: health.default_ttl is all it knows
        self.wait_role(daemon, "active", 5)
        self.wait_status("bob", "INACTIVE")


class LeaseTest(HealthdCase):
    def test_the_standby_takes_over(self):
        first = self.healthd()
        self.wait_role(first, "active")
        second = self.healthd()
        self.wait_role(second, "standby")
        self.enter("alice", ttl=1)
        self.wait_status("alice", "INACTIVE")
        self.assertEqual(second.metrics()["mas_healthd_lookups_total"], 0)
        first.kill()
        self.enter("bob", ttl=1)
        self.wait_role(second, "active", 5)
        self.wait_status("bob", "INACTIVE")
        third = self.healthd()
        self.assertEqual(second.stop(), 0)
        self.wait_role(third, "active", 3)
        self.beat("alice", 60)
        self.wait_status("alice", "ACTIVE", 15)


class DaemonsTest(HealthdCase):
    def test_a_daemon_that_is_gone_is_removed_and_told(self):
        daemon, events = self.healthd(), self.listen()
        registryd = self.start_daemon("mas-registryd", self.redis)
        self.redis.cmd("SADD", "mas.daemons", "gatewayd:dead", "no colon")
        poll_until(lambda: events.of("DAEMON_DOWN"), 40, "DAEMON_DOWN")
        poll_until(lambda: daemon.metrics()['mas_healthd_daemons{daemon="registryd"}'] == 1, what="registryd counts")
        left = self.redis.cmd("SMEMBERS", "mas.daemons")
        self.assertEqual(sorted(member.split(":")[0] for member in left), ["healthd", "registryd"])
        self.assertIn("gatewayd", {event["daemon"] for event in events.of("DAEMON_DOWN")})
        registryd.stop()
        poll_until(lambda: daemon.metrics()['mas_healthd_daemons{daemon="registryd"}'] == 0, what="registryd left")


if __name__ == "__main__":
    main()
