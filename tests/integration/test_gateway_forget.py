"""Streams of agents that stopped: by whom they are removed, when, and that nothing is lost by it."""

import json
import signal
import threading
import time

from harness import main
from harness.gateway_case import GatewayCase
from harness.masctl_case import FAILED, OK, USAGE
from harness.poll import poll_until

LANES = ("", ":critical", ":high", ":low", ":bulk")
SOONEST = 10  # seconds before an agent may be forgotten


class ForgetCase(GatewayCase):
    def come_and_go(self, *ids):
        """Each agent starts in gateway mode, by the library, sends one message and stops in order."""
        self.peer("sink")
        for agent in ids:
            done = self.masctl("send", "sink", "note", "--as", agent, "--mode", "gateway", redis=self.redis)
            self.assertEqual(done.returncode, OK, done.stdout + done.stderr)

    def lanes(self, agent):
        return [lane for lane in LANES if self.redis.cmd("EXISTS", f"agent.stream:{agent}{lane}")]

    def left(self):
        found, cursor = set(), "0"
        while True:
            cursor, keys = self.redis.cmd("SCAN", cursor, "MATCH", "agent.stream:*", "COUNT", "1000")
            found.update(key for key in keys if not key.startswith("agent.stream:sink"))
            if cursor == "0":
                return found

    def forget(self, *args, code=OK):
        done = self.masctl("agents", "forget", *args, "--json", redis=self.redis)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def stopped(self, agent, waiting=0):
        """The streams that an agent leaves which stopped long ago, with messages that nobody read."""
        for lane in LANES:
            self.redis.cmd("XGROUP", "CREATE", f"agent.stream:{agent}{lane}", "agents", "0", "MKSTREAM")
        for _ in range(waiting):
            self.redis.cmd("XADD", f"agent.stream:{agent}", "1-*", "b", "x")


class CommandTest(ForgetCase):
    config = {"delivery": {"forget_agents": "0s"}}

    def test_agents_that_come_and_go_leave_no_stream(self):
        names = [f"worker-{i}" for i in range(200)]
        self.come_and_go(*names)
        self.assertEqual(len(self.left()), 5 * len(names))
        self.assertEqual(self.forget("--stopped-for", "1h")["kept"], {"recent": 200, "registered": 1}, "not gone for so long")
        self.assertEqual(len(self.left()), 5 * len(names))
        would = poll_until(lambda: (said := self.forget("--stopped-for", "1s", "--dry-run"))["forgotten"] == 200 and said,
                           3 * SOONEST, "the last one is gone for long enough", 0.5)
        self.assertEqual((would["forgotten"], would["dry_run"], len(self.left())), (200, True, 1000))
        done = self.forget("--stopped-for", "1s")
        self.assertEqual((done["forgotten"], done["discarded"], done["kept"]), (200, 0, {"registered": 1}))
        self.assertEqual({agent["id"] for agent in done["agents"]}, set(names))
        self.assertEqual(self.left(), set())
        operators = self.masctl("audit", "operators", redis=self.redis).stdout
        self.assertIn("agents.forget", operators)
        # They come again, and hear of no loss.
        receiver = self.process("masctl", "listen", "worker-3", "--mode", "gateway", "--count", "1", "--redis",
                                self.redis.url()).start()
        poll_until(lambda: self.redis.cmd("HGET", "agent:worker-3", "status") == "ACTIVE", 10, "worker-3 is back")
        self.come_and_go("worker-4")
        alice = self.peer("alice")
        self.assertEqual(alice.send(alice.envelope("worker-3")).decisions(), ["ALLOWED"])
        self.assertEqual(receiver.wait(10), OK)
        self.assertNotIn("lost data", receiver.err())

    def test_one_that_is_alive_or_has_messages_is_not_touched(self):
        self.stopped("idle")
        self.stopped("behind", waiting=3)
        self.stopped("crashed")
        self.redis.cmd("HSET", "agent:crashed", "id", "crashed", "status", "INACTIVE")
        self.stopped("beating")
        self.redis.cmd("SET", "agent:beating:heartbeat", "1", "PX", "60000")
        self.stopped("leased")
        self.redis.cmd("HSET", "agent:leased:instances", "abc", "{}")
        self.redis.cmd("SET", "agent:leased:alive:abc", "1", "PX", "60000")
        self.stopped("reading")
        self.redis.cmd("XREADGROUP", "GROUP", "agents", "me", "STREAMS", "agent.stream:reading:low", "0")
        self.redis.cmd("SET", "agent.stream:odd", "no stream")
        self.redis.cmd("XADD", "agent.stream:odd:low", "1-1", "b", "x")
        everything = self.left()
        done = self.forget("--stopped-for", "1h", "--discard", "--dry-run")
        self.assertEqual({agent["id"] for agent in done["agents"]}, {"idle", "behind"})
        self.assertEqual(self.left(), everything)
        done = self.forget("--stopped-for", "1h")
        self.assertEqual([agent["id"] for agent in done["agents"]], ["idle"])
        self.assertEqual(done["kept"], {"registered": 1, "alive": 2, "recent": 1, "waiting": 1, "foreign": 1})
        done = self.forget("behind", "crashed", "beating", "leased", "reading", "odd", "nobody", "--discard", code=FAILED)
        self.assertEqual({agent["id"]: agent["state"] for agent in done["agents"]},
                         {"behind": "forgotten", "crashed": "registered", "beating": "alive", "leased": "alive",
                          "reading": "recent", "odd": "foreign", "nobody": "none"})
        self.assertEqual(done["discarded"], 3)
        for agent in ("crashed", "beating", "leased", "reading"):
            self.assertEqual(len(self.lanes(agent)), 5, agent)

    def test_instances_that_are_too_many_to_look_at_leave_the_agent_alone(self):
        self.stopped("many")
        self.redis.cmd("HSET", "agent:many:instances", *[text for n in range(1001) for text in (f"i{n}", "{}")])
        self.stopped("wide")
        self.redis.cmd("HSET", "agent:wide:instances", "x" * (2 << 20), "{}")
        done = self.forget("many", "wide", code=FAILED)
        self.assertEqual({agent["id"]: agent["state"] for agent in done["agents"]}, {"many": "alive", "wide": "alive"})
        self.assertEqual([len(self.lanes("many")), len(self.lanes("wide"))], [5, 5])

    def test_time_counts_from_the_stop_and_not_from_the_last_message(self):
        receiver = self.process("masctl", "listen", "quiet", "--mode", "gateway", "--redis", self.redis.url()).start()
        poll_until(lambda: self.redis.cmd("HGET", "agent:quiet", "status") == "ACTIVE", 10, "quiet is there")
        time.sleep(SOONEST + 1)  # nothing comes
        self.assertEqual(self.forget("quiet", code=FAILED)["agents"][0]["state"], "alive")
        receiver.send(signal.SIGTERM)
        receiver.wait(10)
        self.assertEqual(self.redis.cmd("EXISTS", "agent:quiet"), 0)
        state = self.forget("quiet", code=FAILED)["agents"][0]
        self.assertEqual(state["state"], "recent")
        self.assertLess(state["gone_ms"], 1000 * SOONEST)

    def test_pending_entries_wait_too(self):
        self.stopped("bob", waiting=1)
        self.redis.cmd("XREADGROUP", "GROUP", "agents", "gone", "STREAMS", "agent.stream:bob", ">")
        self.redis.cmd("XCLAIM", "agent.stream:bob", "agents", "gone", "0", "1-0", "IDLE", "9999999")
        self.redis.cmd("XDEL", "agent.stream:bob", "1-0")
        state = self.forget("bob", code=FAILED)["agents"][0]
        self.assertIn(state["state"], ("waiting", "recent"))
        self.assertEqual(state["waiting"], 1)

    def test_a_message_that_arrives_during_the_removal_is_not_lost(self):
        """It comes before, between the command's look and its removal, or after: it is there in the end."""
        outcomes, rounds, took = set(), 0, 0.04
        while not (outcomes >= {"forgotten", "waiting"} and rounds >= 50) and rounds < 300:
            self.stopped("bob")
            delay = rounds % 25 / 20 * took  # from the command's start until after its end
            late = threading.Timer(delay, lambda: self.redis.cmd("XADD", "agent.stream:bob", "1-*", "b", "x"))
            begin = time.monotonic()
            late.start()
            done = self.masctl("agents", "forget", "bob", "--json", redis=self.redis)
            took = time.monotonic() - begin
            late.join()
            outcomes.add(json.loads(done.stdout)["agents"][0]["state"])
            self.assertEqual(self.redis.cmd("XLEN", "agent.stream:bob"), 1, f"round {rounds}, after {delay} s")
            self.redis.cmd("DEL", *(f"agent.stream:bob{lane}" for lane in LANES))
            rounds += 1
        self.assertGreaterEqual(outcomes, {"forgotten", "waiting"})

    def test_wrong_rights_and_arguments_are_named(self):
        self.stopped("bob")
        self.redis.cmd("ACL", "SETUSER", "looker", "on", ">secret", "~*", "&*", "+@read", "+hello", "+auth", "+client")
        url = self.redis.url().replace("unix://", "unix://looker:secret@")
        done = self.masctl("agents", "forget", "bob", redis=url)
        self.assertEqual(done.returncode, FAILED, done.stdout + done.stderr)
        self.assertIn("NOPERM", done.stderr)
        self.assertEqual(len(self.lanes("bob")), 5)
        for wrong in ((), ("bob", "--stopped-for", "1h"), ("--stopped-for", "soon"), ("a:b",)):
            self.assertEqual(self.masctl("agents", "forget", *wrong, redis=self.redis).returncode, USAGE, wrong)


class SweepTest(ForgetCase):
    config = {"delivery": {"forget_agents": "10s"}}

    def test_the_gateway_removes_what_agents_left_long_ago(self):
        self.stopped("idle")
        self.stopped("behind", waiting=1)
        self.come_and_go("worker")
        self.assertEqual(len(self.lanes("worker")), 5)
        poll_until(lambda: not self.lanes("idle") and not self.lanes("worker"), 40, "they are removed")
        self.assertEqual(len(self.lanes("behind")), 5)
        poll_until(lambda: self.gateway.metrics()["mas_gatewayd_agents_forgotten_total"] == 2, 5, "they are counted")
        alice = self.peer("alice")
        poll_until(lambda: alice.send(alice.envelope("worker")).decisions() == ["TARGET_NOT_FOUND"], 5, "it is unknown")
        self.assertFalse(self.gateway.logged("redis_lost_data"))


if __name__ == "__main__":
    main()
