"""mas-registryd and mas-healthd on a Redis Cluster of three primaries with a replica each."""

import itertools
import json

from harness import MasTestCase, main, poll_until
from harness.poll import holds_for
from harness.redis_cluster import SHARDS, RedisCluster, slot_of

REGISTRYD = {"registry": {"reconcile_interval": "300ms"}, "lease": {"ttl": "2s"}}
RARE = {"registry": {"reconcile_interval": "1h"}, "lease": {"ttl": "2s"}}
HEALTHD = {"lease": {"ttl": "2s"}}
RETURN = 30  # seconds until all works again after a fail-over


def key_of(agent_id, tail=""):
    return f"agent:{{{agent_id}}}{tail}"


class ClusterCase(MasTestCase):
    options = {}  # of the nodes

    def setUp(self):
        super().setUp()
        self.cluster = RedisCluster(self.dir, **self.options)
        self.addCleanup(self.cluster.stop)
        self.cluster.start()

    def registryd(self, config=REGISTRYD):
        return self.start_daemon("mas-registryd", self.cluster, config)

    def healthd(self, config=HEALTHD):
        return self.start_daemon("mas-healthd", self.cluster, config)

    def start_echo(self, agent_id):
        """An agent of the SDK."""
        process = self.process("example_echo", agent_id, env={"MAS_REDIS_URL": self.cluster.url()}, name=f"echo-{agent_id}")
        process.start()
        poll_until(lambda: self.cluster.cmd("EXISTS", key_of(agent_id)), 10, lambda: f"it registers: {process.written()}")
        return process

    def enter(self, agent_id, capabilities=(), **fields):
        """Writes an entry without telling anybody."""
        entry = {"id": agent_id, "capabilities": json.dumps(list(capabilities)), "metadata": "{}", "status": "ACTIVE",
                 "registered_at": "1795350096.7316658", **fields}
        self.cluster.cmd("HSET", key_of(agent_id), *itertools.chain.from_iterable(entry.items()))

    def everywhere(self, count):
        """So many ids whose entries are spread over all primaries."""
        ids = [f"agent-{n}" for n in range(count)]
        self.assertEqual(len({self.cluster.primary_of(key_of(agent_id)).port for agent_id in ids}), SHARDS)
        return ids

    def members(self, key):
        return sorted(self.cluster.cmd("SMEMBERS", key))

    def wait_index(self, key, expected, timeout=10):
        poll_until(lambda: self.members(key) == sorted(expected), timeout,
                   lambda: f"{key} is {sorted(expected)}; it is {self.members(key)}")

    def wait_ready(self, *daemons, timeout=RETURN):
        for daemon in daemons:
            poll_until(lambda: daemon.ready()[0], timeout, lambda: f"{daemon.name} is ready: {daemon.ready()}")

    def status(self, agent_id):
        return self.cluster.cmd("HGET", key_of(agent_id), "status")


class RegistrydTest(ClusterCase):
    def test_agents_of_every_primary_are_indexed(self):
        ids = self.everywhere(60)
        for agent_id in ids:
            self.enter(agent_id, ["chat", agent_id])
        self.cluster.cmd("HSET", key_of("odd"), "id", "odd", "status", "ACTIVE", "capabilities", "no list")
        daemon = self.registryd()
        self.wait_index("mas.agents", ids)
        self.wait_index("mas.capability:chat", ids)
        self.wait_index("mas.capability:agent-7", ["agent-7"])
        self.assertEqual(self.cluster.cmd("EXISTS", "mas.index"), 1)
        self.assertEqual(daemon.ready()[1]["index"], "complete")
        self.cluster.cmd("DEL", key_of("agent-7"))
        self.cluster.cmd("SADD", "mas.capability:stale", "nobody")
        self.wait_index("mas.agents", [agent_id for agent_id in ids if agent_id != "agent-7"])
        self.wait_index("mas.capability:stale", [])

    def test_events_are_heard_whichever_node_they_are_told(self):
        self.registryd(RARE)
        for node in self.cluster.nodes:
            agent_id = f"told-to-{node.port}"
            self.enter(agent_id, ["chat"])
            node.cmd("PUBLISH", "mas.system", json.dumps({"type": "REGISTER", "agent_id": agent_id, "capabilities": []}))
            poll_until(lambda: agent_id in self.members("mas.agents"), 10, "it is indexed")

    def test_agents_of_the_sdk_come_and_go(self):
        self.registryd(RARE)
        agents = {agent_id: self.start_echo(agent_id) for agent_id in ("alice", "bob", "carol")}
        self.wait_index("mas.agents", agents)
        self.wait_index("mas.capability:echo", agents)
        self.assertEqual(agents.pop("bob").stop(), 0)
        self.wait_index("mas.agents", agents)

    def test_one_is_active_and_the_other_takes_over(self):
        first, second = self.registryd(), self.registryd()
        roles = sorted((first, second), key=lambda daemon: daemon.ready()[1]["role"])
        self.assertEqual([daemon.ready()[1]["role"] for daemon in roles], ["active", "standby"])
        self.enter("alice")
        self.wait_index("mas.agents", ["alice"])
        roles[0].kill()
        self.enter("bob")
        self.wait_index("mas.agents", ["alice", "bob"])
        self.assertEqual(roles[1].ready()[1]["role"], "active")

    def test_a_primary_dies(self):
        """One after the other: what is indexed is in each of them."""
        ids = self.everywhere(30)
        for agent_id in ids:
            self.enter(agent_id, ["chat"])
        daemons = self.registryd(), self.registryd()
        self.wait_index("mas.agents", ids)
        for primary in self.cluster.primaries():
            self.cluster.fail_over(primary)
            self.wait_ready(*daemons)
            self.assertEqual(self.members("mas.agents"), sorted(ids))
            self.enter(f"new-{primary.port}", ["chat"])
            ids.append(f"new-{primary.port}")
            self.wait_index("mas.capability:chat", ids)

    def test_slots_move(self):
        ids = self.everywhere(30)
        daemon = self.registryd()
        for n, agent_id in enumerate(ids):
            self.enter(agent_id, ["chat"])
            if n % 10 == 5:
                for key in (key_of(ids[0]), "mas.agents", "mas.lease:registryd", "mas.index"):
                    origin = self.cluster.primary_of(key)
                    self.cluster.move(key, next(node for node in self.cluster.primaries() if node is not origin))
        self.wait_index("mas.agents", ids)
        self.wait_index("mas.capability:chat", ids)
        self.wait_ready(daemon)
        holds_for(lambda: self.members("mas.agents") == sorted(ids), 1, "nobody is lost")

    def test_a_cluster_that_is_not_whole(self):
        daemon = self.registryd()
        primary = self.cluster.primaries()[0]
        replica = self.cluster.replica_of(primary)
        replica.kill()
        primary.kill()
        poll_until(lambda: not daemon.ready()[0], 20, "it is not ready")
        self.assertIn("Redis: ", daemon.ready()[1]["reason"])
        primary.start()
        self.wait_ready(daemon)

    def test_the_function_library_is_on_every_primary(self):
        self.registryd()
        library = lambda node: [dict(zip(found[::2], found[1::2]))["library_name"] for found in node.cmd("FUNCTION", "LIST")]
        for node in self.cluster.primaries():
            poll_until(lambda: library(node) == ["mas_agent_3"], 10, lambda: f"it is loaded: {library(node)}")
        lost = self.cluster.primaries()[1]
        lost.cmd("FUNCTION", "FLUSH")
        poll_until(lambda: library(lost) == ["mas_agent_3"], 20, "it is loaded again")


class HealthdTest(ClusterCase):
    options = {"notify_keyspace_events": "Ex"}  # each node tells of its own keys

    def beat(self, agent_id, seconds):
        self.cluster.cmd("SET", key_of(agent_id, ":heartbeat"), "x", "PX", int(1000 * seconds))

    def wait_status(self, expected, *ids, timeout=15):
        for agent_id in ids:
            poll_until(lambda: self.status(agent_id) == expected, timeout, lambda: f"{agent_id} is {expected}")

    def test_heartbeats_in_every_primary(self):
        ids = self.everywhere(30)
        quiet = ids[::3]
        for agent_id in ids:
            self.enter(agent_id)
            self.beat(agent_id, 3 if agent_id in quiet else 600)
        daemon = self.healthd()
        self.wait_status("INACTIVE", *quiet)
        self.assertEqual({self.status(agent_id) for agent_id in ids if agent_id not in quiet}, {"ACTIVE"})
        for agent_id in quiet:
            self.beat(agent_id, 600)
        self.wait_status("ACTIVE", *quiet)
        self.assertEqual(daemon.metrics()['mas_healthd_agents{state="active"}'], len(ids))

    def test_an_agent_of_the_sdk_is_killed(self):
        self.healthd()
        agents = [self.start_echo(agent_id) for agent_id in ("alice", "bob")]
        agents[0].kill()
        self.cluster.cmd("PEXPIRE", key_of("alice", ":heartbeat"), 1000)
        self.wait_status("INACTIVE", "alice")
        self.assertEqual(self.status("bob"), "ACTIVE")

    def test_daemons_are_watched(self):
        healthd, registryd = self.healthd(), self.registryd()
        poll_until(lambda: len(self.members("mas.daemons")) == 2, 10, "both are known")
        listener = self.cluster.nodes[-1].client()
        self.addCleanup(listener.close)
        listener.subscribe("mas.system")
        registryd.kill()
        member = next(member for member in self.members("mas.daemons") if member.startswith("registryd:"))
        self.cluster.cmd("DEL", f"mas.daemon:{member}")
        poll_until(lambda: len(self.members("mas.daemons")) == 1, 15, "it is removed")
        down = poll_until(lambda: next((event for event in iter(lambda: listener.message(1), None)
                                        if "DAEMON_DOWN" in event[1]), None), 10, "its end is told")
        self.assertIn(member.split(":")[1], down[1])
        self.assertTrue(healthd.ready()[0])

    def test_nobody_is_given_up_when_a_primary_dies(self):
        """Agents whose heartbeats ended while their primary was away have time to beat again."""
        ids = self.everywhere(30)
        for agent_id in ids:
            self.enter(agent_id)
            self.beat(agent_id, 20)
        daemons = self.healthd(), self.healthd()
        poll_until(lambda: any(daemon.ready()[1].get("complete") for daemon in daemons), 10, "one knows all agents")
        primary = self.cluster.primary_of(key_of(ids[0]))
        orphans = [agent_id for agent_id in ids if self.cluster.primary_of(key_of(agent_id)) is primary]
        # They end while the primary is away: a replica takes over after two seconds at the earliest.
        primary.pipeline([("SET", key_of(agent_id, ":heartbeat"), "x", "PX", 1500) for agent_id in orphans])
        self.cluster.fail_over(primary)
        self.wait_ready(*daemons)
        holds_for(lambda: all(self.status(agent_id) == "ACTIVE" for agent_id in ids), 3, "nobody is given up")
        for agent_id in ids:
            if agent_id != orphans[0]:
                self.beat(agent_id, 600)
        self.wait_status("INACTIVE", orphans[0], timeout=60)
        self.assertEqual({self.status(agent_id) for agent_id in ids if agent_id != orphans[0]}, {"ACTIVE"})


class RefusedTest(MasTestCase):
    def test_one_node_as_a_server(self):
        node = self.start_redis(cluster_enabled="yes")
        daemon = self.daemon("mas-registryd", node, REGISTRYD).start()
        poll_until(lambda: "redis_refused" in daemon.written(), 10, lambda: daemon.written())
        self.assertIn("expected a URL redis+cluster://", daemon.ready()[1]["reason"])

    def test_the_slots_of_the_specification(self):
        self.assertEqual([slot_of(key) for key in ("123456789", "foo{}{bar}", "foo{{bar}}zap", "{user1000}.following")],
                         [0x31c3, slot_of("foo{}{bar}"), slot_of("{bar"), slot_of("user1000")])


if __name__ == "__main__":
    main()
