"""A hostile agent with its own valid credentials, speaking raw RESP: a written list of what it tries. Redis or the
gateway refuses each, and what reached the gateway is in the audit."""

import base64
import json
import os
import struct
import time

from harness import RespError, main, poll_until
from harness.enroll_case import EnrollCase
from harness.gateway_peer import GatewayPeer, record

OWN = 4  # bob's partition of 16
STREAM, OTHER_STREAM = "agent.stream:bob", "agent.stream:eve"

# What it tries → the command, or several. Redis refuses each of them.
BY_REDIS = {
    # another's messages, streams, state
    "publish to another in gateway mode": ["PUBLISH", "agent.eve", "x"],
    "publish to itself as if it were another": ["PUBLISH", "agent.bob", "x"],
    "write another's stream": ["XADD", OTHER_STREAM, "*", "b", "x"],
    "write another's urgent stream": ["XADD", OTHER_STREAM + ":critical", "*", "b", "x"],
    "write its own stream": ["XADD", STREAM, "*", "b", "x"],
    "block its own stream by a maximal id": ["XADD", STREAM, "18446744073709551615-1", "b", "x"],
    "trim its own stream": ["XTRIM", STREAM, "MAXLEN", "0"],
    "trim another's stream": ["XTRIM", OTHER_STREAM, "MAXLEN", "0"],
    "set the last id of a stream": ["XSETID", STREAM, "9-9"],
    "destroy another's group": ["XGROUP", "DESTROY", OTHER_STREAM, "agents"],
    "destroy its own group, and with it what waits": ["XGROUP", "DESTROY", STREAM, "agents"],
    "read another's messages": ["XREADGROUP", "GROUP", "agents", "me", "STREAMS", OTHER_STREAM, ">"],
    "read another's messages beside its own":
        ["XREADGROUP", "GROUP", "agents", "me", "STREAMS", STREAM, OTHER_STREAM, ">", ">"],
    "look at another's messages": ["XRANGE", OTHER_STREAM, "-", "+"],
    "ack another's entries": ["XACK", OTHER_STREAM, "agents", "1-1"],
    "delete another's entries": ["XDEL", OTHER_STREAM, "1-1"],
    "claim another's entries": ["XCLAIM", OTHER_STREAM, "agents", "me", "0", "1-1"],
    "read replies to another": ["XRANGE", "agent.stream:eve:@1", "-", "+"],
    "read another's state": ["HGETALL", "agent.state:eve"],
    "write another's state": ["HSET", "agent.state:eve", "x", "1"],
    "delete another's state": ["DEL", "agent.state:eve"],
    "touch the state of one whose name begins as its own": ["HSET", "agent.state:bob2", "x", "1"],
    "touch the entry of one whose name begins as its own": ["HSET", "agent:bob2", "id", "bob2"],
    # registry
    "read another's token": ["HGET", "agent:eve", "token"],
    "change another's entry": ["HSET", "agent:eve", "status", "INACTIVE"],
    "delete another's entry": ["DEL", "agent:eve"],
    "register an agent under its own name": ["HSET", "agent:bob:x1", "id", "bob:x1"],
    "end another's heartbeat": ["DEL", "agent:eve:heartbeat"],
    "end another's lease": ["PEXPIRE", "agent:eve:alive:1", "1"],
    "use another's instances": ["HSET", "agent:eve:instances", "me", "{}"],
    "delete the index": ["DEL", "mas.agents"],
    "add itself to the index under a capability": ["SADD", "mas.capability:admin", "bob"],
    "announce an index that is none": ["SET", "mas.index", "me"],
    # rules about itself
    "delete its own block list": ["DEL", "agent:bob:blocked_targets"],
    "unlink its own block list": ["UNLINK", "agent:bob:blocked_targets"],
    "take a target off its block list": ["SREM", "agent:bob:blocked_targets", "eve"],
    "let its block list expire": ["PEXPIRE", "agent:bob:blocked_targets", "1"],
    "rename a lease over its block list": ["RENAME", "agent:bob:alive:1", "agent:bob:blocked_targets"],
    "copy a lease over its block list": ["COPY", "agent:bob:alive:1", "agent:bob:blocked_targets", "REPLACE"],
    "restore a dump over its block list": ["RESTORE", "agent:bob:blocked_targets", "0", "x", "REPLACE"],
    "delete its block list by the agents' function":
        ["FCALL", "mas_take_back_3", "4", "agent:bob", "agent:bob:heartbeat", "agent:bob:instances",
         "agent:bob:blocked_targets", "me", "agent:bob:alive:", "mas.system", "gone", "stopped"],
    "allow itself everything": ["SADD", "agent:bob:allowed_targets", "*"],
    "give itself a role": ["SADD", "agent:bob:roles", "admin"],
    "give its role a permission": ["SADD", "role:worker:permissions", "send:*"],
    "lift its limits": ["HSET", "ratelimit:bob:limits", "per_minute", "1000000"],
    "close the circuit of a target": ["DEL", "circuit:eve"],
    # identities and users
    "read its own identity": ["HGETALL", "mas.identity:bob"],
    "read another's identity": ["HGETALL", "mas.identity:eve"],
    "end its own suspension": ["HSET", "mas.identity:bob", "state", "active"],
    "read the records of users": ["HGETALL", "mas.users"],
    "write itself a record": ["HSET", "mas.users", "admin.bob", "{}"],
    "give itself all rights": ["ACL", "SETUSER", "agent.bob", "+@all", "~*", "&*"],
    "list users": ["ACL", "LIST"],
    # gateways' own
    "read the audit": ["XRANGE", "mas.audit:{4}", "-", "+"],
    "write the audit": ["XADD", "mas.audit:{4}", "*", "b", "x"],
    "delete the audit": ["DEL", "mas.audit:{4}"],
    "forge a signed head": ["XADD", "mas.audit.heads", "*", "b", "x"],
    "write the record of operators": ["XADD", "mas.audit.operators", "*", "who", "ann"],
    "read the gateways' secret": ["GET", "mas.secret"],
    "raise an epoch, so that a gateway commits nothing": ["INCR", "mas.epoch:{4}"],
    "take a partition's lease": ["SET", "mas.lease:{4}", "me"],
    "take the lease of registryd": ["SET", "mas.lease:registryd", "me"],
    "forget its own sequence numbers": ["DEL", "mas.sender:{4}"],
    "order a replay": ["RPUSH", "mas.replay", "1-1"],
    "delete dead letters": ["DEL", "dlq:messages"],
    "read dead letters": ["XRANGE", "dlq:messages", "-", "+"],
    "read what others send": ["LRANGE", "mas.ingress:{4}", "0", "-1"],
    "empty its own ingress list": ["DEL", "mas.ingress:{4}"],
    "trim its own ingress list": ["LTRIM", "mas.ingress:{4}", "1", "0"],
    "put itself before others in the list": ["LPUSH", "mas.ingress:{4}", "x"],
    "change the number of partitions": ["HSET", "mas.config", "partitions", "1"],
    "forget a daemon": ["SREM", "mas.daemons", "x"],
    # channels
    "forge a receipt for another": ["PUBLISH", "mas.receipts:eve:1", "x"],
    "forge a receipt for itself": ["PUBLISH", "mas.receipts:bob:1", "x"],
    "hear another's receipts": ["SUBSCRIBE", "mas.receipts:eve:1"],
    "hear peer-to-peer messages": ["SUBSCRIBE", "agent.eve"],
    "hear all events": ["SUBSCRIBE", "mas.system"],
    "subscribe to all": ["PSUBSCRIBE", "*"],
    "list channels": ["PUBSUB", "CHANNELS"],
    # the server
    "run an endless script": ["EVAL", "while true do end", "0"],
    "run a script that reads": ["EVAL_RO", "return 1", "0"],
    "load a script": ["SCRIPT", "LOAD", "return 1"],
    "load a function": ["FUNCTION", "LOAD", "REPLACE", "#!lua name=mas_agent_3\nredis.register_function('x', function() end)"],
    "delete the agents' functions": ["FUNCTION", "FLUSH"],
    "scan": ["SCAN", "0"],
    "list all keys": ["KEYS", "*"],
    "take a random key": ["RANDOMKEY"],
    "count keys": ["DBSIZE"],
    "delete everything": ["FLUSHALL"],
    "go to another database": ["SELECT", "1"],
    "watch all commands": ["MONITOR"],
    "read the settings": ["CONFIG", "GET", "*"],
    "change the settings": ["CONFIG", "SET", "maxmemory", "1"],
    "stop the server": ["SHUTDOWN", "NOSAVE"],
    "put the server to sleep": ["DEBUG", "SLEEP", "10"],
    "pause all clients": ["CLIENT", "PAUSE", "10000"],
    "end others' connections": ["CLIENT", "KILL", "TYPE", "normal"],
    "escape eviction": ["CLIENT", "NO-EVICT", "on"],
    "make the server a replica of its own": ["REPLICAOF", "127.0.0.1", "1"],
    "read the slow log": ["SLOWLOG", "GET"],
    "make the server keep invalidations for it": ["CLIENT", "TRACKING", "on", "BCAST"],
}

# The same agent in peer-to-peer mode may publish to others, and still not these.
BY_REDIS_P2P = {
    "hear another's messages": ["SUBSCRIBE", "agent.eve"],
    "hear everybody's messages": ["PSUBSCRIBE", "agent.*"],
    "send by the gateways": ["RPUSH", "mas.ingress:{4}", "x"],
    "forge a receipt": ["PUBLISH", "mas.receipts:eve:1", "x"],
    "write a stream": ["XADD", OTHER_STREAM, "*", "b", "x"],
    "read another's entry beyond discovery": ["HGETALL", "agent:eve"],
    "list everybody": ["SCAN", "0"],
}


class HostileTest(EnrollCase):
    def setUp(self):
        super().setUp()
        self.gateway = self.start_daemon("mas-gatewayd", self.redis, {
            "lease": {"ttl": "1s"}, "breaker": {"mode": "off"}, "gateway": {"master_key_file": self.master},
            "delivery": {"forget_agents": "0s"}})  # or it removes the streams made here, as of agents that are long gone
        poll_until(lambda: self.gateway.ready()[1].get("deciding"), 10, "the gateway decides")
        poll_until(lambda: self.redis.cmd("FUNCTION", "LIST", "LIBRARYNAME", "mas_agent_3"), 10, "the library is there")
        for agent in ("bob", "eve"):
            self.enroll(agent, "--mode", "gateway", "--no-discovery")
        for key in (STREAM, OTHER_STREAM):
            self.redis.cmd("XGROUP", "CREATE", key, "agents", "0", "MKSTREAM")
        self.redis.cmd("SADD", "agent:bob:blocked_targets", "eve")
        self.redis.cmd("SET", "agent:bob:alive:1", "1")
        self.redis.cmd("HSET", "agent:eve", "id", "eve", "token", "t", "mode", "gateway", "status", "ACTIVE")

    def agents_keys(self):
        """What the gateway itself writes and lets expire is not among them."""
        return sorted(self.redis.cmd("KEYS", "agent*"))

    def check_refused(self, attempts, agent):
        before = self.agents_keys()
        for what, command in attempts.items():
            with self.subTest(what):
                client = self.as_agent(agent)
                with self.assertRaises(RespError) as refused:
                    client.cmd(*command)
                self.assertRegex(str(refused.exception), "^NOPERM|user executing the script can't|can't run this command")
                client.close()
        self.assertEqual(self.agents_keys(), before, "nothing came and nothing went")
        self.assertEqual(self.redis.cmd("SMEMBERS", "agent:bob:blocked_targets"), ["eve"])

    def test_what_redis_refuses_in_gateway_mode(self):
        self.assertGreaterEqual(len(BY_REDIS), 60)
        self.check_refused(BY_REDIS, "bob")

    def test_what_redis_refuses_in_peer_to_peer_mode(self):
        self.enroll("carl", "--mode", "p2p")
        refused = {what: command for what, command in BY_REDIS.items()
                   if command[:2] not in (["PUBLISH", "agent.eve"], ["PUBLISH", "agent.bob"])}
        self.check_refused({**refused, **BY_REDIS_P2P}, "carl")

    # ---- what the gateway refuses

    def peer(self, agent):
        """The agent's part by hand, through its own user, with its own key."""
        credentials = self.credentials(agent)
        case = self

        class AsAgent:
            def client(self):
                return case.as_agent(agent)

            def cmd(self, *args):
                with case.as_agent(agent) as client:
                    return client.cmd(*args)
        key = base64.urlsafe_b64decode(credentials["key"] + "=")
        peer = GatewayPeer(AsAgent(), agent, key=(credentials["key_id"], key), register=False)
        self.addCleanup(peer.close)
        return peer

    def push(self, peer, frame, decided=0):
        """@param decided how many numbers of the sender are used up by it."""
        peer.push(frame)
        peer.next += decided
        return peer.receipt()

    def audited(self, decision):
        done = self.masctl("audit", "query", "--decision", decision, "--json", redis=self.redis)
        return done.stdout.count(f'"{decision}"')

    def test_what_the_gateway_refuses_and_audits(self):
        bob = self.peer("bob")
        self.redis.cmd("SREM", "agent:bob:blocked_targets", "eve")
        self.assertEqual(bob.send(bob.envelope("eve")).decisions(), ["ALLOWED"], "what it may do works")
        self.redis.cmd("SADD", "agent:bob:blocked_targets", "eve")
        self.eventually_denied(bob)

        def check(what, receipt, decision):
            with self.subTest(what):
                self.assertEqual(receipt.decisions(), [decision])
                poll_until(lambda: self.audited(decision) > 0, 10, f"{decision} is audited")

        check("send where it is blocked", bob.send(bob.envelope("eve")), "AUTHZ_DENIED")
        as_eve = json.loads(bob.envelope("eve"))
        as_eve["sender_id"] = "eve"
        check("send as another", bob.send(json.dumps(as_eve).encode()), "MALFORMED")
        check("have another's message retried", self.push(bob, bob.frame([record(b"\x01" * 40, flags=8)], bob.next), 1), "MALFORMED")
        forged = bob.frame([record(bob.envelope("eve"))], bob.next)
        check("change a signed frame", self.push(bob, forged[:-1] + bytes([forged[-1] ^ 1])), "SIGNATURE_INVALID")
        old = bob.frame([record(bob.envelope("eve"))], bob.next, timestamp=time.time() - 10_000)
        check("send an old frame again", self.push(bob, old), "REPLAYED")
        key = bob.key
        bob.key = ("@replay", os.urandom(32))
        check("write a replay", self.push(bob, bob.frame([record(bob.envelope("eve"), flags=2)], bob.next)), "AUTH_FAILED")
        bob.key = key

    def eventually_denied(self, peer):
        poll_until(lambda: peer.send(peer.envelope("eve")).decisions() == ["AUTHZ_DENIED"], 5, "the rule has arrived")

    def test_garbage_and_giants_in_its_list_stop_nobody(self):
        bob, eve = self.peer("bob"), self.peer("eve")
        for element in (b"", b"x", os.urandom(1000), b"\x01" * 100_000, b"\x00" * (16 << 20), struct.pack("<Q", 2 ** 63) * 100):
            bob.redis.cmd("RPUSH", f"mas.ingress:{{{OWN}}}", element)
        poll_until(lambda: self.redis.cmd("LLEN", f"mas.ingress:{{{OWN}}}") == 0, 20, "all are set aside")
        self.assertGreater(self.redis.cmd("XLEN", "dlq:unproven"), 0)
        self.redis.cmd("SADD", "agent:eve:allowed_targets", "*")
        self.assertEqual(eve.send(eve.envelope("eve")).decisions(), ["ALLOWED"])

    def test_an_unproven_event_changes_nothing(self):
        """Events are hints: a forged REGISTER, DEREGISTER or ALERT makes daemons look, and nothing else."""
        registryd = self.start_daemon("mas-registryd", self.redis, {"lease": {"ttl": "1s"}})
        poll_until(lambda: self.redis.cmd("SISMEMBER", "mas.agents", "eve"), 10, "eve is in the index")
        bob = self.as_agent("bob")
        for event in ({"type": "DEREGISTER", "agent_id": "eve"}, {"type": "REGISTER", "agent_id": "nobody", "capabilities": ["x"]},
                      {"type": "DAEMON_DOWN", "daemon": "registryd", "instance": "x"}, {"type": "ALERT", "text": "x"}):
            self.assertGreaterEqual(bob.cmd("PUBLISH", "mas.system", json.dumps(event)), 1)
        poll_until(lambda: registryd.metrics()['mas_registryd_events_total{type="ALERT"}'] >= 1, 10, "they are heard")
        self.assertEqual(self.redis.cmd("SISMEMBER", "mas.agents", "eve"), 1)
        self.assertEqual(self.redis.cmd("SISMEMBER", "mas.agents", "nobody"), 0)
        self.assertEqual(self.redis.cmd("HGET", "agent:eve", "status"), "ACTIVE")


if __name__ == "__main__":
    main()
