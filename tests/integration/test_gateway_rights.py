"""An agent whose Redis user can do its own part and nothing else: it registers, sends, receives, and its failures are
retried and end as dead letters. Everything that docs/SECURITY.md says such an agent cannot do is tried."""

import os
import pathlib
import re

from harness import RespError, main, poll_until
from harness.gateway_case import GatewayCase
from harness.gateway_peer import GatewayPeer, record
from harness.resp import Resp

DOCUMENT = (pathlib.Path(__file__).parents[2] / "docs" / "SECURITY.md").read_text()
LIBRARY = "mas_agent_3"
CLAIM, TAKE_BACK = "mas_claim_3", "mas_take_back_3"
RULES = ["agent:bob:blocked_targets", "agent:bob:allowed_targets", "agent:bob:roles", "ratelimit:bob:limits", "circuit:bob"]
GATEWAYS = ["mas.sender:{1}", "mas.epoch:{1}", "mas.lease:{1}", "mas.trial:{1}", "mas.audit:{1}", "mas.audit.heads",
            "mas.audit.operators", "mas.retry:{1}", "mas.archive:{1}", "mas.replay", "dlq:messages", "dlq:unproven", "mas.held",
            "mas.approvals", "mas.secret"]
OTHERS = ["agent:eve", "agent:eve:heartbeat", "agent:eve:instances", "agent:eve:alive:1", "agent.state:eve"]


def of_each(keys, *commands):
    """Each command, with each key as its first argument."""
    return [[command[0], key, *command[1:]] for key in keys for command in commands]


def claim(streams, agent="bob", leases="agent:bob:alive:"):
    return ["FCALL", CLAIM, len(streams), *streams, "agents", "me", leases, 16, 3, f"agent:{agent}:instances", "1"]


def take_back(*keys, leases="agent:bob:alive:", channel="mas.system"):
    return ["FCALL", TAKE_BACK, len(keys), *keys, "me", leases, channel, "gone", "stopped"]


OWN = ["agent:bob", "agent:bob:heartbeat", "agent:bob:instances", "agent:bob:alive:1"]
REFUSED_BY_REDIS = {
    "lift its block list, its allow list, its roles, its limits, its circuit":
        of_each(RULES, ["DEL"], ["UNLINK"], ["SREM", "eve"], ["SADD", "*"], ["HDEL", "burst"], ["HSET", "burst", "9"], ["SET", "x"],
                ["EXPIRE", "1"], ["PEXPIRE", "1"], ["RENAME", "agent:bob:alive:1"], ["MOVE", "1"]) +
        [["RENAME", "agent:bob:alive:1", key] for key in RULES] + [["DEL", "agent:bob", key] for key in RULES] +
        [["COPY", "agent:bob:alive:1", key, "REPLACE"] for key in RULES] + [take_back(*OWN[:3], key) for key in RULES],
    "change what a role permits": of_each(["role:r:permissions"], ["SADD", "send:*"], ["SREM", "send:x"], ["DEL"]),
    "read or change an identity, also its own":
        of_each(["mas.identity:bob", "mas.identity:eve"], ["HGETALL"], ["HGET", "state"], ["HSET", "state", "x"], ["DEL"]),
    "write into a stream, also its own, or trim one":
        of_each(["agent.stream:bob", "agent.stream:bob:high", "agent.stream:bob:@1", "agent.stream:eve"], ["XADD", "*", "b", "x"],
                ["XTRIM", "MAXLEN", "0"], ["XSETID", "9-9"], ["SET", "x"]) +
        of_each(["agent.stream:bob", "agent.stream:eve:@1"], ["DEL"], ["PEXPIRE", "1"]),
    "read, acknowledge, claim or delete another agent's messages":
        of_each(["agent.stream:eve", "agent.stream:eve:high", "agent.stream:eve:@1"], ["XRANGE", "-", "+"], ["XDEL", "1-1"],
                ["XACK", "agents", "1-1"], ["XCLAIM", "agents", "me", "0", "1-1"], ["XPENDING", "agents"]) +
        [["XREADGROUP", "GROUP", "agents", "me", "STREAMS", key, ">"] for key in ("agent.stream:eve", "agent.stream:eve:@1")] +
        [["XREADGROUP", "GROUP", "agents", "me", "STREAMS", "agent.stream:bob", "agent.stream:eve", ">", ">"],
         ["XGROUP", "DESTROY", "agent.stream:eve", "agents"], ["XINFO", "STREAM", "agent.stream:eve", "FULL"]],
    "read, shorten or remove an ingress list":
        of_each(["mas.ingress:{0}"], ["LRANGE", "0", "-1"], ["LPOP"], ["RPOP"], ["LTRIM", "1", "0"], ["DEL"], ["LPUSH", "x"],
                ["LSET", "0", "x"], ["LREM", "0", "x"], ["LLEN"]),
    "touch a gateway's memory of a partition, the audit, retries, dead letters, the archive, replays, held messages and their verdicts":
        of_each(GATEWAYS, ["DEL"], ["HSET", "x", "y"], ["SET", "x"], ["RPUSH", "x"], ["XADD", "*", "b", "x"], ["ZADD", "0", "x"],
                ["INCR"], ["GET"], ["HGETALL"], ["XRANGE", "-", "+"]),
    "read or change another agent's entry, heartbeat, instances or state":
        of_each(OTHERS, ["DEL"], ["HSET", "x", "y"], ["SET", "x"], ["HGETALL"], ["HGET", "token"], ["PEXPIRE", "1"], ["EXISTS"]),
    "hear another agent's receipts, events or peer-to-peer messages; publish a receipt or a peer-to-peer message":
        of_each(["mas.receipts:eve:1", "mas.system", "agent.eve", "agent.bob"], ["SUBSCRIBE"], ["PSUBSCRIBE"]) +
        [["PSUBSCRIBE", "mas.receipts:*"], ["PSUBSCRIBE", "*"], ["PUBSUB", "CHANNELS"]] +
        of_each(["mas.receipts:eve:1", "mas.receipts:bob:1", "agent.eve", "agent.bob"], ["PUBLISH", "x"]),
    "run a script of its own, load, replace or remove a function":
        [["EVAL", "return 1", "0"], ["EVAL_RO", "return 1", "0"], ["EVALSHA", "0" * 40, "0"], ["SCRIPT", "LOAD", "return 1"],
         ["SCRIPT", "KILL"], ["FUNCTION", "DELETE", LIBRARY], ["FUNCTION", "FLUSH"], ["FUNCTION", "LIST"], ["FUNCTION", "DUMP"],
         ["FUNCTION", "LOAD", "REPLACE", f"#!lua name={LIBRARY}\nredis.register_function('x', function() return 1 end)"]],
    "have a function of the library touch another agent's keys":
        [claim(["agent.stream:eve"]), claim(["agent.stream:bob", "agent.stream:eve"]), claim(["mas.audit:{1}"]),
         claim(["agent.stream:bob"], leases="agent:eve:alive:"), claim(["agent.stream:bob"] * 9),
         take_back("agent:eve", *OWN[1:]), take_back(OWN[0], "agent:eve:heartbeat", *OWN[2:]),
         take_back(*OWN[:2], "agent:eve:instances", OWN[3]), take_back(*OWN[:3], "agent:eve:alive:1"),
         take_back(*OWN, leases="agent:eve:alive:"), take_back(*OWN, channel="mas.receipts:eve:1")],
    "change `mas.config`": of_each(["mas.config"], ["HSET", "partitions", "1"], ["HSETNX", "x", "1"], ["HDEL", "partitions"], ["DEL"]),
    "administer Redis: its settings, users, clients, databases, the names of its keys":
        [["CONFIG", "GET", "*"], ["CONFIG", "SET", "maxmemory", "1"], ["FLUSHALL"], ["FLUSHDB"], ["ACL", "WHOAMI"],
         ["ACL", "SETUSER", "bob", "+@all"], ["ACL", "LIST"], ["CLIENT", "LIST"], ["CLIENT", "KILL", "TYPE", "normal"],
         ["CLIENT", "PAUSE", "1"], ["CLIENT", "NO-EVICT", "on"], ["CLIENT", "TRACKING", "on"], ["KEYS", "*"], ["SCAN", "0"],
         ["RANDOMKEY"], ["DBSIZE"], ["SELECT", "1"], ["SWAPDB", "0", "1"], ["MONITOR"], ["INFO"], ["SHUTDOWN", "NOSAVE"],
         ["DEBUG", "SLEEP", "0"], ["SAVE"], ["BGREWRITEAOF"], ["REPLICAOF", "NO", "ONE"], ["LATENCY", "RESET"], ["SLOWLOG", "RESET"],
         ["MODULE", "LIST"], ["RESTORE", "agent:bob:alive:1", "0", "x"], ["DUMP", "agent:bob"], ["OBJECT", "HELP"]],
}
REFUSED_BY_THE_GATEWAY = {
    "send as another agent": "test_it_cannot_send_as_another",
    "send to a target that is blocked for it": "test_it_cannot_send_where_it_is_blocked",
    "have a message delivered twice by sending its frame again": "test_a_frame_sent_again_delivers_nothing",
    "order a replay, or have a message retried that was not delivered to it": "test_it_orders_neither_replays_nor_retries",
}



def rights(agent):
    """The document's lines, for this agent."""
    lines = DOCUMENT.split("On Redis 7, for an agent", 1)[1].split("```")[1]
    words = lines.replace("bob", agent).replace("PASSWORD", "secret").split()
    return words[words.index("on"):]


class AsUser:
    """A Redis as one of its users sees it."""

    def __init__(self, redis, user):
        self.url = redis.url().replace("unix://", f"unix://{user}:secret@")
        self.own = self.client()

    def client(self):
        return Resp(self.url)

    def cmd(self, *args):
        return self.own.cmd(*args)


class RightsTest(GatewayCase):
    config = {"retry": {"attempts": 2, "base": "100ms", "cap": "200ms"}, "breaker": {"mode": "off"}}

    def setUp(self):
        super().setUp()
        self.alice = self.peer("alice")
        self.redis.cmd("ACL", "SETUSER", "bob", *rights("bob"))
        self.as_bob = AsUser(self.redis, "bob")
        self.addCleanup(self.as_bob.own.close)

    def start_bob(self):
        bob = self.process("mas-flaky-agent", "bob", env={"MAS_REDIS_URL": self.as_bob.url}).start()
        bob.wait_for_output("ready", 20)
        return bob

    def refused(self):
        log = [dict(zip(entry[::2], entry[1::2])) for entry in self.redis.cmd("ACL", "LOG")]
        # Whoever is first writes the default number of partitions; an agent that may not goes by what is there.
        return [entry for entry in log if entry["object"] != "mas.config"]

    def test_failures_are_retried_and_end_as_letters_without_a_right_to_write_either(self):
        self.redis.cmd("HSET", "agent.state:bob", "note", "1")
        bob = self.start_bob()
        datas = [{"n": 1, "fail": 1}, {"n": 2, "fail": 9}, {"n": 3}]
        receipt = self.alice.send(*[self.alice.envelope("bob", data=data) for data in datas])
        self.assertEqual(receipt.decisions(), ["ALLOWED"] * 3)
        poll_until(lambda: self.redis.cmd("XLEN", "dlq:messages") == 1, 10, lambda: bob.out())
        poll_until(lambda: {"handled 1 2", "handled 3 1"} <= set(bob.out().split("\n")), 10, lambda: bob.out())
        poll_until(lambda: not self.redis.cmd("XLEN", "agent.stream:bob"), 10, "nothing is left")
        self.assertEqual(bob.stop(), 0)
        self.assertEqual(self.redis.cmd("EXISTS", "agent:bob", "agent:bob:heartbeat", "agent:bob:instances"), 0, "taken back")
        self.assertEqual(self.refused(), [], "nothing else was tried")

    def test_what_a_killed_instance_held_is_claimed_without_a_right_to_eval(self):
        first = self.start_bob()
        self.alice.send(self.alice.envelope("bob", data={"n": 7, "sleep": 600_000}))
        poll_until(lambda: self.redis.cmd("XPENDING", "agent.stream:bob", "agents")[0] == 1, 10, "it is read")
        first.kill()
        for key in self.redis.cmd("KEYS", "agent:bob:alive:*"):
            self.redis.cmd("DEL", key)  # its lease has ended
        self.start_bob()
        poll_until(lambda: self.redis.cmd("XPENDING", "agent.stream:bob", "agents")[3][0][1] == "1" and
                   len(self.redis.cmd("XINFO", "CONSUMERS", "agent.stream:bob", "agents")) == 1, 20, "another instance has it")
        self.assertEqual(self.refused(), [])

    def test_the_library_comes_back(self):
        libraries = lambda: self.redis.cmd("FUNCTION", "LIST", "LIBRARYNAME", LIBRARY)
        for take_away in (lambda: self.redis.cmd("FUNCTION", "FLUSH"), lambda: self.redis.restart(keep_data=False)):
            poll_until(libraries, 20, "a daemon loads it")
            take_away()
        poll_until(libraries, 20, "a daemon loads it")

    def test_a_library_with_another_text_is_replaced_and_told(self):
        text = lambda: self.redis.cmd("FUNCTION", "LIST", "LIBRARYNAME", LIBRARY, "WITHCODE")[0][7]
        poll_until(lambda: self.redis.cmd("FUNCTION", "LIST", "LIBRARYNAME", LIBRARY), 20, "a daemon loads it")
        ours = text()
        self.redis.cmd("FUNCTION", "LOAD", "REPLACE",
                       f"#!lua name={LIBRARY}\nredis.register_function('{LIBRARY}_x', function() return 1 end)")
        self.assertNotEqual(text(), ours)
        poll_until(lambda: text() == ours, 20, "a daemon replaces it")
        self.assertIn(f'"{LIBRARY}"', self.gateway.wait_log("agent_library_altered"))

    def test_an_agent_without_the_library_goes_on_and_says_what_is_missing(self):
        self.gateway.stop()
        self.redis.cmd("FUNCTION", "FLUSH")
        bob = self.start_bob()
        self.assertNotEqual(bob.stop(), 0)
        poll_until(lambda: LIBRARY in bob.out() + bob.err(), 10, lambda: bob.out() + bob.err())

    def test_every_row_of_the_document_is_tried(self):
        table = DOCUMENT.split("### What an agent with these rights cannot do", 1)[1].split("###")[0]
        rows = re.findall(r"^\| (.*?) \| (Redis|the gateway)", table, re.M)
        self.assertEqual({row for row, by in rows if by == "Redis"}, set(REFUSED_BY_REDIS))
        self.assertEqual({row for row, by in rows if by != "Redis"}, set(REFUSED_BY_THE_GATEWAY))
        for test in REFUSED_BY_THE_GATEWAY.values():
            self.assertTrue(hasattr(self, test), test)

    def test_what_redis_refuses(self):
        poll_until(lambda: self.redis.cmd("FUNCTION", "LIST", "LIBRARYNAME", LIBRARY), 10, "the library is there")
        for key in ("agent.stream:bob", "agent.stream:eve"):
            self.redis.cmd("XGROUP", "CREATE", key, "agents", "0", "MKSTREAM")
            self.redis.cmd("XGROUP", "CREATECONSUMER", key, "agents", "gone")
        for key in RULES[:3]:
            self.redis.cmd("SADD", key, "eve")
        for agent in ("bob", "eve"):
            self.redis.cmd("HSET", f"agent:{agent}", "id", agent, "token", "t")
            self.redis.cmd("HSET", f"agent:{agent}:instances", "1", "{}", "2", "{}")
            self.redis.cmd("SET", f"agent:{agent}:alive:1", "1")
        for row, attempts in REFUSED_BY_REDIS.items():
            for attempt in attempts:
                with self.subTest(row, attempt=attempt):
                    by = self.as_bob.client()
                    with by, self.assertRaises(RespError) as refused:
                        by.cmd(*attempt)
                    self.assertRegex(str(refused.exception),
                                     "^NOPERM|user executing the script can't|no more than 8 streams|can't run this command")
        self.assertEqual([self.redis.cmd("SMEMBERS", key) for key in RULES[:3]], [["eve"]] * 3)
        self.assertEqual(self.redis.cmd("EXISTS", "agent:eve", "agent:eve:instances", "agent:eve:alive:1"), 3)

    def test_a_state_that_is_too_large_is_named_with_these_rights(self):
        self.redis.cmd("EVAL", "for i = 1, 3 do redis.call('HSET', KEYS[1], i, string.rep('x', 1000000)) end "
                       "redis.call('HSET', KEYS[1], 'diary', string.rep('x', 1048577))", 1, "agent.state:bob")
        bob = self.process("mas-flaky-agent", "bob", env={"MAS_REDIS_URL": self.as_bob.url}).start()
        self.assertNotEqual(bob.wait(20), 0)
        self.assertIn("agent.state:bob: field 'diary' has 1048577 bytes; expected at most 1048576", bob.out() + bob.err())
        self.assertEqual(self.refused(), [])

    def test_what_discovery_asks_is_granted_by_its_lines_and_no_write(self):
        lines = DOCUMENT.split("For discovery add", 1)[1].split("```")[1].split()
        self.redis.cmd("ACL", "SETUSER", "bob", *lines)
        self.redis.cmd("SADD", "mas.agents", "alice")
        for asked in (["EXISTS", "mas.index"], ["SCARD", "mas.agents"], ["SSCAN", "mas.agents", "0"], ["SINTER", "mas.agents", "mas.capability:chat"],
                      ["HSTRLEN", "agent:alice", "id"], ["HMGET", "agent:alice", "id", "status"]):
            self.as_bob.cmd(*asked)
        for refused in (["SADD", "mas.agents", "x"], ["HSET", "agent:alice", "x", "y"], ["SINTERSTORE", "mas.agents", "mas.agents"]):
            with self.assertRaisesRegex(RespError, "^NOPERM"):
                self.as_bob.cmd(*refused)

    # ---- By the gateway

    def peer_bob(self):
        """bob's part by hand, through its own Redis user."""
        self.redis.cmd("HSET", "agent:bob", "id", "bob", "status", "ACTIVE", "mode", "gateway", "token", "token-of-bob")
        bob = GatewayPeer(self.as_bob, "bob", register=False)
        self.addCleanup(bob.close)
        return bob

    def test_it_cannot_send_as_another(self):
        bob = self.peer_bob()
        self.assertEqual(bob.send(self.alice.envelope("alice")).decisions(), ["MALFORMED"])
        forged = bob.frame([record(self.alice.envelope("alice"))], 1, sender="alice")
        bob.push(forged, self.alice.partition)
        poll_until(lambda: self.gateway.metrics()['mas_gatewayd_decisions_total{decision="AUTH_FAILED"}'] == 1, 10, "it is refused")
        self.assertEqual(self.alice.messages(), [])

    def test_it_cannot_send_where_it_is_blocked(self):
        self.redis.cmd("SADD", "agent:bob:blocked_targets", "alice")
        bob = self.peer_bob()
        self.assertEqual(bob.send(bob.envelope("alice")).decisions(), ["AUTHZ_DENIED"])

    def test_a_frame_sent_again_delivers_nothing(self):
        bob = self.peer_bob()
        frame = bob.frame([record(bob.envelope("alice"))], 1)
        for _ in range(2):
            bob.push(frame)
            self.assertEqual(bob.receipt().decisions(), ["ALLOWED"])
        self.assertEqual(len(self.alice.messages()), 1)

    def test_it_orders_neither_replays_nor_retries(self):
        bob = self.peer_bob()
        bob.push(bob.frame([record(b"\x01" * 40, flags=8)], 1))
        self.assertEqual(bob.receipt().decisions(), ["MALFORMED"])
        bob.key = ("@replay", os.urandom(32))
        bob.push(bob.frame([record(bob.envelope("alice"), flags=2)], 2))
        self.assertEqual(bob.receipt().decisions(), ["AUTH_FAILED"])
        self.assertEqual(self.alice.messages(), [])


if __name__ == "__main__":
    main()
