"""Streams of agents that stopped, on a Redis Cluster: they are in the slots of all partitions, and go from all of them or
stay known."""

import json
import signal
import threading
import time

from harness import main, poll_until
from harness.gateway_cluster_case import PARTITIONS, GatewayClusterCase
from harness.masctl_case import FAILED, OK

LANES = ("", ":critical", ":high", ":low", ":bulk")
SOONEST = 10  # seconds before an agent may be forgotten


class ForgetCase(GatewayClusterCase):
    def stream(self, agent, partition, lane=""):
        return f"agent.stream:{agent}{lane}:{{{partition}}}"

    def left(self):
        """(agent, partition) of every stream."""
        found = set()
        for key in self.cluster.scan("agent.stream:*"):
            name, _, partition = key.removeprefix("agent.stream:").partition(":{")
            found.add((name, int(partition[:-1])))
        return found

    def forget(self, *args, code=OK):
        done = self.masctl("agents", "forget", *args, "--json", redis=self.cluster)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def stopped(self, agent, partitions=range(PARTITIONS), waiting={}):
        """The streams that an agent leaves which stopped long ago. @param waiting messages by partition."""
        for p in partitions:
            self.cluster.cmd("XGROUP", "CREATE", self.stream(agent, p), "agents", "0", "MKSTREAM", key=f"{{{p}}}")
        for p, count in waiting.items():
            for _ in range(count):
                self.cluster.cmd("XADD", self.stream(agent, p), "1-*", "b", "x")


class CommandTest(ForgetCase):
    config = {"delivery": {"forget_agents": "0s"}}

    def test_streams_of_all_partitions_go_or_the_agent_stays_known(self):
        self.stopped("idle")
        self.stopped("once", [5])
        self.stopped("behind", [0, 3, 9], waiting={3: 2, 9: 1})
        self.stopped("crashed")
        self.cluster.cmd("HSET", "agent:{crashed}", "id", "crashed", "status", "INACTIVE")
        self.stopped("beating")
        self.cluster.cmd("SET", "agent:{beating}:heartbeat", "1", "PX", "60000")
        self.stopped("leased")
        self.cluster.cmd("HSET", "agent:{leased}:instances", "abc", "{}")
        self.cluster.cmd("SET", "agent:{leased}:alive:abc", "1", "PX", "60000")
        self.stopped("reading", [0, 7])
        self.cluster.cmd("XREADGROUP", "GROUP", "agents", "me", "STREAMS", self.stream("reading", 7), "0", key="{7}")
        self.stopped("odd", [0, 4])
        self.cluster.cmd("SET", self.stream("odd", 4, ":low"), "no stream")
        everything = self.left()

        done = self.forget("--stopped-for", "1h", "--discard", "--dry-run")
        self.assertEqual({(agent["id"], agent["waiting"]) for agent in done["agents"]},
                         {("idle", 0), ("once", 0), ("behind", 3)})
        self.assertEqual(self.left(), everything)
        done = self.forget("--stopped-for", "1h")
        self.assertEqual({agent["id"] for agent in done["agents"]}, {"idle", "once"})
        self.assertEqual(done["kept"], {"registered": 1, "alive": 2, "recent": 1, "waiting": 1, "foreign": 1})
        self.assertEqual(self.left(), {stream for stream in everything if stream[0] not in ("idle", "once")})
        records = self.operator_records()
        self.assertEqual({record["action"] for record in records}, {"agents.forget"})
        self.assertEqual(sorted(sum((record["detail"].split() for record in records), [])), ["idle", "once"])

        done = self.forget("behind", "crashed", "beating", "leased", "reading", "odd", "nobody", "--discard", code=FAILED)
        self.assertEqual({agent["id"]: agent["state"] for agent in done["agents"]},
                         {"behind": "forgotten", "crashed": "registered", "beating": "alive", "leased": "alive",
                          "reading": "recent", "odd": "foreign", "nobody": "none"})
        self.assertEqual(done["discarded"], 3)
        kept = ("crashed", "beating", "leased", "reading", "odd", "odd:low")
        self.assertEqual(self.left(), {stream for stream in everything if stream[0] in kept})

    def test_an_agent_that_comes_again_hears_of_no_loss(self):
        alice = self.peer("alice")
        args = ("masctl", "listen", "worker", "--mode", "gateway", "--redis", self.cluster.url())
        there = lambda: self.cluster.cmd("HGET", "agent:{worker}", "status") == "ACTIVE"
        worker = self.process(*args).start()
        poll_until(there, 20, "worker is there")
        self.assertEqual(alice.send(alice.envelope("worker")).decisions(), ["ALLOWED"])
        poll_until(lambda: "alice" in worker.written(), 20, "it was handled")
        self.assertEqual(self.forget("worker", code=FAILED)["agents"][0]["state"], "alive")
        worker.send(signal.SIGTERM)
        worker.wait(10)
        self.assertIn(("worker", alice.partition), self.left())
        self.assertEqual(self.forget("worker", code=FAILED)["agents"][0]["state"], "recent")
        poll_until(lambda: self.masctl("agents", "forget", "worker", redis=self.cluster).returncode == OK, 3 * SOONEST,
                   "it is gone for long enough", 1)
        self.assertEqual(self.left(), set())
        poll_until(lambda: alice.send(alice.envelope("worker")).decisions() == ["TARGET_NOT_FOUND"], 5, "it is unknown")
        worker = self.process(*args, "--count", "1").start()
        poll_until(there, 20, "worker is back")
        poll_until(lambda: alice.send(alice.envelope("worker")).decisions() == ["ALLOWED"], 5, "it is known")
        self.assertEqual(worker.wait(20), OK)
        self.assertNotIn("lost data", worker.err())

    def test_a_message_that_arrives_during_the_removal_is_not_lost(self):
        """Into any partition, at any time of the command: it is there in the end, and the agent is known."""
        outcomes, took = set(), 0.05
        for n in range(100):
            p = n % PARTITIONS
            self.stopped("bob", [0, p] if p else [0])
            late = threading.Timer(n % 25 / 20 * took, lambda: self.cluster.cmd("XADD", self.stream("bob", p), "1-*", "b", "x"))
            begin = time.monotonic()
            late.start()
            done = self.masctl("agents", "forget", "bob", "--json", redis=self.cluster)
            took = time.monotonic() - begin
            late.join()
            state = json.loads(done.stdout)["agents"][0]["state"]
            outcomes.add(state)
            self.assertEqual(self.cluster.cmd("XLEN", self.stream("bob", p)), 1, f"round {n}")
            if state == "waiting":
                self.assertIn(("bob", 0), self.left())
            for q in {0, p}:
                self.cluster.cmd("DEL", self.stream("bob", q))
        self.assertGreaterEqual(outcomes, {"forgotten", "waiting"})

    def test_while_a_slot_moves_nothing_is_left_out(self):
        agents = [f"idle-{n}" for n in range(20)]
        for agent in agents:
            self.stopped(agent, [0, 3, 9])
        key = self.stream("idle-0", 3)
        with self.cluster.moving(key, self.away_from(key)) as move:
            self.assertIn("slots of the cluster are moving", self.ctl("agents", "forget", "--stopped-for", "1h", code=FAILED))
            named = self.masctl("agents", "forget", "idle-0", redis=self.cluster)  # five keys, of which four are not there
            self.assertEqual(named.returncode, FAILED, named.stdout)
            self.assertIn("slots of the cluster are moving", named.stderr)
            self.assertEqual({p for agent, p in self.left() if agent == "idle-0"}, {0, 3, 9})
            move.keys()
        done = self.forget("--stopped-for", "1h")
        self.assertEqual((done["forgotten"], self.left()), (20, set()))

    def test_after_a_primary_has_died(self):
        self.stopped("idle")
        victim = self.cluster.primary_of(self.stream("idle", 3))
        replica = self.cluster.replica_of(victim)
        victim.cmd("WAIT", 1, 1000)
        victim.kill()
        early = self.masctl("agents", "forget", "--stopped-for", "1h", redis=self.cluster, timeout=60)
        if early.returncode != 0:
            self.assertIn("masctl: ", early.stderr)
            poll_until(lambda: self.cluster._own_slots(replica), 30, "the replica serves", 0.1)
            self.assertIn(("idle", 0), self.left())
            self.ctl("agents", "forget", "--stopped-for", "1h")
        self.assertEqual(self.left(), set())


class SweepTest(ForgetCase):
    config = {"delivery": {"forget_agents": "10s"}}

    def forgotten(self):
        return self.gateway.metrics()["mas_gatewayd_agents_forgotten_total"]

    def test_the_gateway_removes_what_agents_left_long_ago(self):
        self.stopped("behind", [0, 3, 9], waiting={3: 1})
        self.stopped("crashed", [0, 3])
        self.cluster.cmd("HSET", "agent:{crashed}", "id", "crashed", "status", "INACTIVE")
        kept = self.left()
        for agent in ("idle-1", "idle-2"):
            self.stopped(agent)
        self.stopped("once", [5])
        poll_until(lambda: self.left() == kept, 60, lambda: f"they are removed: {self.left() - kept}")
        poll_until(lambda: self.forgotten() == 3, 5, "they are counted")
        alice = self.peer("alice")
        self.assertEqual(alice.send(alice.envelope("idle-1")).decisions(), ["TARGET_NOT_FOUND"])

        with self.subTest("after a slot has moved, and a primary has died"):
            key = self.stream("x", 3)
            with self.cluster.moving(key, self.away_from(key)):
                self.stopped("moved", [0, 9])
            self.cluster.fail_over(self.cluster.primary_of(key))
            poll_until(lambda: self.left() == kept, 90, lambda: f"they are removed: {self.left() - kept}")
        self.assertFalse(self.gateway.logged("redis_lost_data"))


if __name__ == "__main__":
    main()
