"""masctl on a Redis Cluster of three primaries with a replica each: what works there."""

import json

from harness import MasTestCase, main, poll_until
from harness.masctl_case import FAILED, OK, TIMED_OUT
from harness.redis_cluster import SHARDS, RedisCluster, slot_of


class ClusterTest(MasTestCase):
    def setUp(self):
        super().setUp()
        self.cluster = RedisCluster(self.dir)
        self.addCleanup(self.cluster.stop)
        self.cluster.start()

    def ctl(self, *args, code=OK):
        done = self.masctl(*args, redis=self.cluster)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def enter(self, agent_id):
        self.cluster.cmd("HSET", f"agent:{{{agent_id}}}", "id", agent_id, "capabilities", '["sum"]', "metadata", "{}",
                         "status", "ACTIVE", "registered_at", "1795350096.7")

    def test_walks_every_primary(self):
        ids = [f"agent-{n}" for n in range(20)]
        for agent_id in ids:
            self.enter(agent_id)
        self.assertEqual(len({self.cluster.primary_of(f"agent:{{{i}}}").port for i in ids}), SHARDS)
        listed = json.loads(self.ctl("agents", "list", "--json").stdout)
        self.assertEqual(sorted(agent["id"] for agent in listed["agents"]), sorted(ids))

        with self.subTest("not while a slot is being moved, since an agent may be left out"):
            key = f"agent:{{{ids[0]}}}"
            origin, slot = self.cluster.primary_of(key), slot_of(key)
            to = next(node for node in self.cluster.primaries() if node is not origin)
            origin.cmd("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
            self.assertIn("slots of the cluster are moving", self.ctl("agents", "list", code=FAILED).stderr)
            origin.cmd("CLUSTER", "SETSLOT", slot, "STABLE")
            self.assertEqual(json.loads(self.ctl("agents", "list", "--json").stdout), listed)

        with self.subTest("from the index, whose sets are in slots of their own"):
            self.cluster.cmd("SADD", "mas.capability:sum", *ids[:2])
            self.cluster.cmd("SADD", "mas.capability:other", ids[2])
            self.cluster.cmd("SET", "mas.index", "1")
            both = self.ctl("agents", "list", "--capability", "sum", "--capability", "other").stdout
            self.assertEqual([i for i in ids if f"{i} " in both or f"{i}\t" in both or f"{i}\n" in both], ids[:3])

        with self.subTest("after a slot has moved"):
            key = f"agent:{{{ids[0]}}}"
            origin = self.cluster.primary_of(key)
            self.cluster.move(key, next(node for node in self.cluster.primaries() if node is not origin))
            self.assertIn(ids[0], self.ctl("agents", "show", ids[0]).stdout)

    def test_changes_are_made_in_the_agents_slot_and_recorded(self):
        self.ctl("state", "set", "alice", "city=Bern")
        self.assertEqual(self.cluster.cmd("HGET", "agent.state:{alice}", "city"), "Bern")
        self.ctl("acl", "allow", "alice", "bob")
        self.assertEqual(self.cluster.cmd("SMEMBERS", "agent:{alice}:allowed_targets"), ["bob"])
        self.ctl("identity", "create", "alice", "--no-key")
        self.assertIn("alice", self.ctl("identity", "list").stdout)
        self.ctl("identity", "suspend", "alice")
        self.assertIn("SUSPENDED", self.ctl("identity", "show", "alice").stdout.upper())
        records = self.cluster.cmd("XRANGE", "mas.audit.operators", "-", "+")
        actions = [dict(zip(fields[::2], fields[1::2]))["action"] for _, fields in records]
        self.assertEqual(actions, ["acl.allow", "identity.create", "identity.suspend"])

    def test_events_of_any_node_are_heard(self):
        events = self.process("masctl", "events", "--redis", self.cluster.url()).start()
        heard = lambda: any(node.cmd("PUBSUB", "NUMSUB", "mas.system")[1] > 0 for node in self.cluster.primaries())
        poll_until(heard, 20, "masctl events hears")
        event = {"type": "AGENT_REGISTERED", "agent_id": "alice", "timestamp": 1795350096.7}
        for node in self.cluster.primaries():
            node.cmd("PUBLISH", "mas.system", json.dumps(event))
        poll_until(lambda: events.written().count("alice") >= SHARDS, 20, lambda: events.written())

    def listen(self, agent_id, *flags):
        listener = self.process("masctl", "listen", agent_id, *flags, "--redis", self.cluster.url()).start()
        heard = lambda: self.cluster.cmd("PUBSUB", "SHARDNUMSUB", f"agent.{{{agent_id}}}", key=f"{{{agent_id}}}")[1] > 0
        poll_until(lambda: heard() and self.cluster.cmd("EXISTS", f"agent:{{{agent_id}}}"), 20, "it hears")
        return listener

    def test_a_request_and_its_answer_cross_slots(self):
        key = "agent.{bob}"
        requester = next(f"ops-{n}" for n in range(100)
                         if self.cluster.primary_of(f"{{ops-{n}}}") is not self.cluster.primary_of(key))
        self.assertIn("nobody listens as 'bob'", self.ctl("request", "--as", requester, "bob", "sum", code=FAILED).stderr)
        self.listen("bob", "--echo")
        ask = lambda n, **options: self.ctl("request", "--as", requester, "bob", "sum", f'{{"n":{n}}}', **options).stdout
        self.assertEqual(json.loads(ask(1)), {"n": 1})
        envelope = json.loads(self.ctl("request", "--as", requester, "bob", "sum", "--envelope").stdout)
        self.assertEqual((envelope["sender_id"], envelope["target_id"]), ("bob", requester))

        with self.subTest("a slot has moved, of the target or of the requester"):
            for n, moved in enumerate((key, f"agent.{{{requester}}}")):
                origin = self.cluster.primary_of(moved)
                self.cluster.move(moved, next(node for node in self.cluster.primaries() if node is not origin))
                poll_until(lambda: self.masctl("request", "--as", requester, "bob", "sum", redis=self.cluster).returncode == OK,
                           10, "the target hears at its new home")
                self.assertEqual(json.loads(ask(n)), {"n": n})

        with self.subTest("a primary has died"):
            self.cluster.fail_over(self.cluster.primary_of(f"agent.{{{requester}}}"))
            poll_until(lambda: self.masctl("request", "--as", requester, "bob", "sum", redis=self.cluster).returncode == OK,
                       20, "requests are answered again")

    def test_a_request_waits_for_its_answer_while_the_requesters_slot_moves(self):
        mute = self.listen("mute", "--json")
        request = self.process("masctl", "request", "--as", "ops", "mute", "sum", "--timeout", "20", "--redis",
                               self.cluster.url()).start()
        channel = "agent.{ops}"
        listening = lambda: self.cluster.cmd("PUBSUB", "SHARDNUMSUB", channel, key=channel)[1] > 0
        asked = poll_until(lambda: [json.loads(line) for line in mute.out().splitlines()], 20, "the request came")[0]
        self.cluster.move(channel, next(n for n in self.cluster.primaries() if n is not self.cluster.primary_of(channel)))
        poll_until(listening, 10, "ops hears at the new home")
        reply = {"message_id": "00000000-0000-4000-8000-000000000001", "sender_id": "mute", "target_id": "ops",
                 "message_type": "sum", "data": {"sum": 3}, "timestamp": 1795350096.7,
                 "meta": {"version": 1, "is_reply": True, "correlation_id": asked["meta"]["correlation_id"]}}
        self.assertEqual(self.cluster.cmd("SPUBLISH", channel, json.dumps(reply)), 1)
        self.assertEqual(request.wait(10), OK)
        self.assertEqual(json.loads(request.written()), {"sum": 3})

    def test_a_request_without_an_answer_or_rights_fails_in_time(self):
        self.listen("mute")
        self.assertIn("did not answer in time",
                      self.ctl("request", "--as", "ops", "mute", "sum", "--timeout", "0.5", code=TIMED_OUT).stderr)
        for node in self.cluster.nodes:
            node.cmd("ACL", "SETUSER", "looker", "on", ">secret", "~*", "+@all", "-ssubscribe", "&*")
        url = self.cluster.url().replace("redis+cluster://", "redis+cluster://looker:secret@")
        done = self.masctl("request", "--as", "ops", "mute", "sum", redis=url)
        self.assertNotEqual(done.returncode, OK)
        self.assertIn("NOPERM", done.stderr)

    def test_doctor(self):
        found = json.loads(self.masctl("doctor", "--json", redis=self.cluster).stdout)
        checks = {}
        for finding in found["findings"]:
            checks.setdefault(finding["check"], []).append(finding)
        self.assertEqual(checks["slots"][0]["level"], "ok")
        self.assertIn("2000 ms", checks["fail-over"][0]["found"])
        for check in ("version", "persistence", "memory", "replicas", "loss window"):
            self.assertEqual(len(checks[check]), SHARDS, check)
        self.assertEqual({finding["level"] for finding in checks["replicas"]}, {"ok"})

        with self.subTest("what a primary or a replica lacks is told, with its name"):
            self.start_daemon("mas-healthd", self.cluster)
            loaded = lambda: [f for f in json.loads(self.masctl("doctor", "--json", redis=self.cluster).stdout)["findings"]
                              if f["check"] in ("functions", "keyspace events", "server")]
            poll_until(lambda: all(f["level"] == "ok" for f in loaded()), 20, loaded, 0.5)
            one = self.cluster.primaries()[1]
            replica = self.cluster.replica_of(one)
            replica.cmd("CONFIG", "SET", "replica-read-only", "no")
            replica.cmd("FUNCTION", "FLUSH")
            one.cmd("CONFIG", "SET", "notify-keyspace-events", "Ex")
            functions, events = sorted(loaded(), key=lambda finding: finding["check"])
            self.assertEqual((functions["level"], events["level"]), ("warn", "warn"))
            self.assertIn(f"missing at replica {replica.host}:{replica.port}", functions["found"])
            self.assertIn(f"on at {one.host}:{one.port}", events["found"])
            self.assertIn(f"replica {replica.host}:{replica.port}", events["found"].split(", on at")[0])

        with self.subTest("a replica is gone"):
            primary = self.cluster.primaries()[0]
            self.cluster.replica_of(primary).kill()
            poll_until(lambda: primary.info("replication").get("connected_slaves") == "0", 20, "it is noticed")
            said = self.masctl("doctor", redis=self.cluster)
            self.assertEqual(said.returncode, FAILED)
            self.assertIn(f"{primary.host}:{primary.port}: no replica is online", said.stdout)


if __name__ == "__main__":
    main()
