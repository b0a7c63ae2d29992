"""mas-registryd from outside: what it indexes, what it mends, who writes, what mas.index promises."""

import json
import signal

import threading
import time

from harness import MasTestCase, main, poll_until
from harness.poll import holds_for

QUICK = {"registry": {"reconcile_interval": "300ms"}, "lease": {"ttl": "1s"}}
RARE = {"registry": {"reconcile_interval": "1h"}, "lease": {"ttl": "1s"}}


def enter(redis, agent_id, capabilities=(), **fields):
    """Writes an entry without telling anybody."""
    entry = {"id": agent_id, "capabilities": json.dumps(list(capabilities)), "metadata": "{}", "status": "ACTIVE",
             "registered_at": "1795350096.7316658", **fields}
    redis.cmd("HSET", f"agent:{agent_id}", *[text for pair in entry.items() for text in pair])


def members(redis, key):
    return sorted(redis.cmd("SMEMBERS", key))


class RegistrydCase(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def registryd(self, config=QUICK, **options):
        return self.start_daemon("mas-registryd", self.redis, config=config, **options)

    def wait_index(self, key, expected, timeout=10):
        poll_until(lambda: members(self.redis, key) == sorted(expected), timeout,
                   lambda: f"{key} is {sorted(expected)}; it is {members(self.redis, key)}")

    def wait_role(self, daemon, role, timeout=10):
        poll_until(lambda: daemon.ready()[1].get("role") == role, timeout, f"{daemon.name} is {role}")


class EventsTest(RegistrydCase):
    """With full passes an hour apart only events can tell."""

    def test_an_agent_comes_changes_and_goes(self):
        daemon = self.registryd(RARE)
        agent = self.start_agent(self.redis, "alice", ["chat", "maße"])
        self.wait_index("mas.agents", ["alice"])
        self.wait_index("mas.capability:chat", ["alice"])
        self.wait_index("mas.capability:maße", ["alice"])
        self.assertEqual(daemon.metrics()["mas_registryd_agents"], 1)
        self.assertEqual(daemon.metrics()["mas_registryd_capabilities"], 2)

        enter(self.redis, "alice", ["plan"])
        self.redis.cmd("PUBLISH", "mas.system", '{"type": "REGISTER", "agent_id": "alice", "capabilities": []}')
        self.wait_index("mas.capability:plan", ["alice"])
        self.wait_index("mas.capability:chat", [])

        agent.stop()  # says DEREGISTER before it deletes its entry
        self.wait_index("mas.agents", [])
        self.wait_index("mas.capability:plan", [])

    def test_events_are_hints_and_garbage_is_harmless(self):
        daemon = self.registryd(RARE)
        enter(self.redis, "real", ["chat"])
        before = daemon.rss_bytes()
        junk = ["", "{", "[" * 1_000_000, "\x00", '{"type": 1}', '{"type": "REGISTER"}', '{"type":"NEW","x":1}',
                '{"type": "REGISTER", "agent_id": "real\\u0000"}', '{"type": "DEREGISTER", "agent_id": "real"}']
        with self.redis.client() as client:
            client.pipeline([("PUBLISH", "mas.system", text) for text in junk])
            for start in range(0, 50_000, 10_000):
                client.pipeline([("PUBLISH", "mas.system", f'{{"type": "REGISTER", "agent_id": "ghost{n}"}}')
                                 for n in range(start, start + 10_000)])
        # The one real agent is found although its event never came: the flood made a full pass due.
        self.wait_index("mas.agents", ["real"])
        self.assertGreater(daemon.metrics()['mas_registryd_events_total{type="malformed"}'], 0)
        poll_until(lambda: daemon.metrics()["mas_registryd_events_overflow_total"] > 0, what="the flood overflowed")
        self.assertLess(daemon.rss_bytes() - before, 64 << 20)


    def test_a_flood_of_names_takes_a_share_of_the_time_only(self):
        with self.redis.client() as client:
            client.pipeline([("HSET", f"agent:a{n}", "id", f"a{n}", "capabilities", '["chat"]', "metadata", "{}",
                              "status", "ACTIVE", "registered_at", "1") for n in range(40_000)])
        daemon = self.daemon("mas-registryd", self.redis, config=RARE).start().wait_ready(60)
        before, began = daemon.metrics(), time.monotonic()
        stopping = threading.Event()

        def flood():
            with self.redis.client() as client:
                for start in range(0, 10**9, 5_000):
                    if stopping.wait(0.05):
                        return
                    client.pipeline([("PUBLISH", "mas.system", f'{{"type": "REGISTER", "agent_id": "ghost{n}"}}')
                                     for n in range(start, start + 5_000)])

        flooding = threading.Thread(target=flood, daemon=True)
        flooding.start()
        poll_until(lambda: time.monotonic() - began > 8, 20, "the flood goes on")
        late = self.start_agent(self.redis, "late", ["late"])
        self.wait_index("mas.capability:late", ["late"], 90)  # a pass rests for several times what it took
        after, took = daemon.metrics(), time.monotonic() - began
        stopping.set()
        flooding.join()
        late.stop()
        passes = after["mas_registryd_reconcile_seconds_sum"] - before["mas_registryd_reconcile_seconds_sum"]
        self.assertGreater(after["mas_registryd_events_overflow_total"], 0, "it was a flood")
        self.assertLess(passes / took, 0.25, "full passes are spaced by what they cost")


class ReconcileTest(RegistrydCase):
    def test_what_nobody_announced_is_found_and_what_went_is_removed(self):
        self.registryd()
        enter(self.redis, "silent", ["chat"])
        self.wait_index("mas.capability:chat", ["silent"])
        self.redis.cmd("DEL", "agent:silent")
        self.wait_index("mas.agents", [])
        self.wait_index("mas.capability:chat", [])

    def test_a_reload_shortens_the_interval(self):
        daemon = self.registryd(RARE)
        enter(self.redis, "silent")
        daemon.write_config(QUICK)
        daemon.send(signal.SIGHUP)
        self.wait_index("mas.agents", ["silent"])

    def test_members_from_before_the_start_go(self):
        enter(self.redis, "here", ["chat"])
        self.redis.cmd("SADD", "mas.agents", "here", "gone")
        self.redis.cmd("SADD", "mas.capability:chat", "gone")
        self.redis.cmd("SADD", "mas.capability:old", "here", "gone")
        self.redis.cmd("SET", "mas.index", "a former owner's")
        daemon = self.registryd(RARE)
        self.wait_role(daemon, "active")  # a standby is ready, too
        daemon.wait_ready()
        self.assertEqual(members(self.redis, "mas.agents"), ["here"])
        self.assertEqual(members(self.redis, "mas.capability:chat"), ["here"])
        self.assertEqual(self.redis.cmd("EXISTS", "mas.capability:old"), 0)

    def test_damage_to_the_index_is_mended(self):
        enter(self.redis, "alice", ["chat"])
        self.registryd()
        for damage in (("DEL", "mas.agents"), ("SADD", "mas.agents", "nobody"), ("SET", "mas.agents", "text"),
                       ("SET", "mas.capability:chat", "text")):
            with self.subTest(damage):
                self.redis.cmd(*damage)
                poll_until(lambda: self.redis.cmd("TYPE", damage[1]) == "set"
                           and members(self.redis, damage[1]) == ["alice"], what=f"mended after {damage}")

    def test_in_production_foreign_entries_are_no_agents(self):
        daemon = self.registryd({**QUICK, "registry": {**QUICK["registry"], "profile": "production"}})
        for agent_id in ("bob", "bob:x1", "a foreign id: ü/🤖"):
            enter(self.redis, agent_id, ["chat"])
        self.redis.cmd("PUBLISH", "mas.system", json.dumps({"type": "REGISTER", "agent_id": "bob:x1", "capabilities": ["chat"]}))
        passes = daemon.metrics()['mas_registryd_reconciles_total{result="ok"}']
        poll_until(lambda: daemon.metrics()['mas_registryd_reconciles_total{result="ok"}'] >= passes + 2, 10, "it has walked")
        self.assertEqual(members(self.redis, "mas.agents"), ["bob"])
        self.assertEqual(members(self.redis, "mas.capability:chat"), ["bob"])

    def test_only_agents_are_indexed(self):
        enter(self.redis, "good", ["chat"])
        enter(self.redis, "a foreign id: ü/🤖", ["chat"])
        enter(self.redis, "bad-json", capabilities=[])
        self.redis.cmd("HSET", "agent:bad-json", "capabilities", "[1, 2")
        enter(self.redis, "other-name", id="somebody")
        enter(self.redis, "many", [f"c{n}" for n in range(257)])
        enter(self.redis, "control\x01character", ["chat"])
        self.redis.cmd("SET", "agent:good:heartbeat", "1")
        self.redis.cmd("HSET", "agent:good:instances", "0123", "{}")
        self.redis.cmd("SET", "agent:text", "not a hash")
        self.redis.cmd("LPUSH", "agent:list", "not a hash")
        self.redis.cmd("HSET", "agent:", "id", "")
        daemon = self.registryd()
        self.assertEqual(members(self.redis, "mas.agents"), sorted(["good", "a foreign id: ü/🤖"]))
        self.assertEqual(members(self.redis, "mas.capability:chat"), sorted(["good", "a foreign id: ü/🤖"]))
        self.assertEqual(daemon.metrics()["mas_registryd_invalid_entries"], 4)
        complaints = {event["agent"]: event["reason"] for event in daemon.events()
                      if event["event"] == "entry_not_indexed"}
        self.assertEqual(sorted(complaints), sorted(["bad-json", "other-name", "many", "control?character"]))
        # Passes repeat, complaints do not.
        passes = daemon.metrics()['mas_registryd_reconciles_total{result="ok"}']
        poll_until(lambda: daemon.metrics()['mas_registryd_reconciles_total{result="ok"}'] >= passes + 2)
        self.assertEqual(len(daemon.logged("entry_not_indexed")), 4)

    def test_thousands_of_agents(self):
        with self.redis.client() as client:
            client.pipeline([("HSET", f"agent:a{n}", "id", f"a{n}", "capabilities", json.dumps([f"c{n % 100}"]),
                              "metadata", "{}", "status", "ACTIVE", "registered_at", "1") for n in range(20_000)])
        daemon = self.daemon("mas-registryd", self.redis, config=QUICK).start()
        poll_until(lambda: self.redis.cmd("EXISTS", "mas.index"), 60, "the index is complete")
        self.assertEqual(self.redis.cmd("SCARD", "mas.agents"), 20_000)
        self.assertEqual(self.redis.cmd("SCARD", "mas.capability:c7"), 200)
        self.assertEqual(daemon.metrics()["mas_registryd_agents"], 20_000)
        with self.redis.client() as client:
            client.pipeline([("DEL", f"agent:a{n}") for n in range(20_000)])
        poll_until(lambda: self.redis.cmd("EXISTS", "mas.agents") == 0, 60, "the index is empty")
        self.assertEqual(self.redis.scan("mas.capability:*"), [])

    def test_more_agents_than_allowed_are_not_passed_for_all(self):
        for n in range(3):
            enter(self.redis, f"a{n}")
        daemon = self.daemon("mas-registryd", self.redis, config={**QUICK, "registry": {"max_agents": 2}}).start()
        daemon.wait_log("too_many_agents")
        self.assertEqual(self.redis.cmd("SCARD", "mas.agents"), 2)
        self.assertEqual(self.redis.cmd("EXISTS", "mas.index"), 0)
        self.assertIn("max_agents", daemon.get("/readyz")[1])

    def test_a_namespace_is_all_it_sees(self):
        enter(self.redis, "outside")
        self.redis.cmd("HSET", "prod/agent:inside", "id", "inside", "capabilities", "[]", "metadata", "{}", "status",
                       "ACTIVE", "registered_at", "1")
        self.registryd({**QUICK, "redis": {"namespace": "prod"}})
        poll_until(lambda: self.redis.cmd("EXISTS", "prod/mas.index"), what="the index is complete")
        self.assertEqual(members(self.redis, "prod/mas.agents"), ["inside"])
        self.assertEqual(self.redis.cmd("EXISTS", "mas.agents", "mas.index"), 0)


class MarkerTest(RegistrydCase):
    def test_it_is_there_while_the_index_is_complete_and_gone_after_a_stop(self):
        daemon = self.registryd()
        self.assertTrue(0 < self.redis.cmd("PTTL", "mas.index") <= 3_000)
        poll_until(lambda: self.redis.cmd("PTTL", "mas.index") < 2_500, what="mas.index gets older")
        poll_until(lambda: self.redis.cmd("PTTL", "mas.index") > 2_500, what="mas.index is renewed")
        self.assertEqual(daemon.ready()[1]["index"], "complete")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.redis.cmd("EXISTS", "mas.index", "mas.lease:registryd"), 0)

    def test_after_a_crash_and_a_restart_discovery_does_not_believe_what_nobody_keeps(self):
        first = self.registryd({**RARE, "lease": {"ttl": "10s"}})
        self.wait_role(first, "active")
        first.kill()
        second = self.registryd({**RARE, "lease": {"ttl": "10s"}}, name="second")
        self.start_agent(self.redis, "late", ["chat"])
        def found():
            listed = self.masctl("agents", "list", "--capability", "chat", "--json", redis=self.redis)
            return [agent["id"] for agent in json.loads(listed.stdout)["agents"]] == ["late"]
        poll_until(found, 3, "an agent that registers now is discovered")
        self.assertEqual(second.ready()[1]["role"], "standby", "the lease of the killed one still runs")

    def test_a_standby_that_starts_changes_nothing(self):
        first = self.registryd()
        self.wait_role(first, "active")
        first.wait_ready()
        self.registryd(name="second")
        holds_for(lambda: self.redis.cmd("EXISTS", "mas.index") == 1, 2)
        self.assertEqual(first.logged("index_lost"), [])

    def test_lost_data_is_noticed_and_the_index_comes_back(self):
        daemon = self.registryd(RARE)
        enter(self.redis, "before", ["chat"])
        self.redis.cmd("FLUSHALL")
        enter(self.redis, "after", ["chat"])
        poll_until(lambda: self.redis.cmd("EXISTS", "mas.index"), what="mas.index is back")
        self.assertEqual(members(self.redis, "mas.capability:chat"), ["after"])
        self.assertTrue(daemon.ready()[0])

    def test_it_survives_redis_restarts(self):
        enter(self.redis, "alice", ["chat"])
        daemon = self.registryd()  # bob may come after the first pass, so there must be a second one
        for keep_data in (True, False):
            with self.subTest(keep_data=keep_data):
                complete = len(daemon.logged("index_complete"))
                self.redis.restart(keep_data=keep_data)
                enter(self.redis, "bob", ["chat"])
                daemon.wait_log("index_complete", 20, after=complete)
                self.wait_index("mas.capability:chat", ["alice", "bob"] if keep_data else ["bob"])
                poll_until(lambda: self.redis.cmd("EXISTS", "mas.index"))

    def test_connections_cut_in_the_middle_of_passes(self):
        with self.redis.client() as client:
            client.pipeline([("HSET", f"agent:a{n}", "id", f"a{n}", "capabilities", f'["c{n % 9}"]', "metadata", "{}",
                              "status", "ACTIVE", "registered_at", "1") for n in range(10_000)])
        daemon = self.daemon("mas-registryd", self.redis, config=QUICK).start()
        for cut in range(20):
            daemon.wait_log("redis_up", after=cut)
            self.redis.cmd("CLIENT", "KILL", "TYPE", ("normal", "pubsub")[cut % 2], "SKIPME", "yes")
            if cut % 2:
                self.redis.cmd("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        daemon.wait_ready(30)
        self.assertEqual(self.redis.cmd("SCARD", "mas.agents"), 10_000)

    def test_a_lost_subscription_is_mended(self):
        daemon = self.registryd(RARE)
        complete = len(daemon.logged("index_complete"))
        self.redis.cmd("CLIENT", "KILL", "TYPE", "pubsub")
        daemon.wait_log("index_complete", 10, after=complete)
        self.start_agent(self.redis, "alice", ["chat"])
        self.wait_index("mas.agents", ["alice"])

    def test_redis_out_of_memory_is_survived(self):
        daemon = self.registryd(RARE)
        complete = len(daemon.logged("index_complete"))
        self.redis.cmd("CONFIG", "SET", "maxmemory", "1")
        self.redis.cmd("PUBLISH", "mas.system", '{"type": "REGISTER", "agent_id": "nobody"}')
        self.redis.cmd("DEL", "mas.index")
        daemon.wait_log("index_lost", 10)
        self.redis.cmd("CONFIG", "SET", "maxmemory", "0")
        daemon.wait_log("index_complete", 30, after=complete)
        self.start_agent(self.redis, "alice")
        self.wait_index("mas.agents", ["alice"])


class LeaseTest(RegistrydCase):
    def test_a_drained_one_hands_over_at_once(self):
        slow = {"lease": {"ttl": "1m"}}
        first = self.registryd(slow)
        second = self.registryd(slow)
        self.assertEqual(first.stop(), 0)
        self.wait_role(second, "active", 5)
        poll_until(lambda: self.redis.cmd("EXISTS", "mas.index"), what="the index is announced again")

    def test_one_writes_and_the_other_takes_over(self):
        enter(self.redis, "alice", ["chat"])
        first = self.registryd()
        self.wait_role(first, "active")
        second = self.registryd()
        self.wait_role(second, "standby")
        self.assertTrue(second.ready()[0])
        self.redis.cmd("DEL", "mas.agents")
        self.wait_index("mas.agents", ["alice"])
        self.assertEqual(second.metrics()["mas_registryd_index_writes_total"], 0)

        self.assertEqual(first.stop(), 0)
        self.wait_role(second, "active", 3)
        poll_until(lambda: self.redis.cmd("EXISTS", "mas.index"), what="the index is announced again")

        third = self.registryd()
        second.kill()
        self.wait_role(third, "active", 5)
        enter(self.redis, "bob")
        self.wait_index("mas.agents", ["alice", "bob"])

    def test_a_paused_one_steps_back(self):
        first = self.registryd()
        second = self.registryd()
        first.pause()
        self.wait_role(second, "active", 5)
        first.resume()
        self.wait_role(first, "standby", 5)
        self.assertEqual(second.ready()[1]["role"], "active")


if __name__ == "__main__":
    main()
