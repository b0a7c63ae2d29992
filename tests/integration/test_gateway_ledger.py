"""Nothing that was receipted as accepted is lost, nothing is delivered twice or out of order, and each delivery is in
the audit exactly once: while gateways, Redis, senders and receivers are killed and paused under load.

The seed of every run is printed; MAS_LEDGER_SEED repeats it. MAS_LEDGER_SECONDS (default 2) is how long each case keeps
the load up, MAS_LEDGER_ROUNDS (default 1) how often each case is run.
"""

import json
import os
import random
import time

from harness import MasTestCase, main, poll_until
from harness.ledger import AgentLog, Ledger, deliveries_of_aof

SECONDS = float(os.environ.get("MAS_LEDGER_SECONDS", "2"))
ROUNDS = int(os.environ.get("MAS_LEDGER_ROUNDS", "1"))
RATE = int(os.environ.get("MAS_LEDGER_RATE", "400"))  # messages per second of each sender
QUICK = {"lease": {"ttl": "1s"}}
STEPS = ("after_read", "after_decide", "after_write", "after_commit")


class LedgerCase(MasTestCase):
    senders = 4
    receivers = 2

    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("MAS_LEDGER_SEED") or random.SystemRandom().randrange(1 << 32))
        print(f"{self.id()}: MAS_LEDGER_SEED={seed}")
        self.random = random.Random(seed)
        self.redis = self.start_redis(appendonly="yes", appendfsync="always", auto_aof_rewrite_percentage="0")
        self.agents = {}  # id → its processes, the newest last
        self.receivers_died = False

    # ---- who takes part

    def gatewayd(self, crash_at=None, broken=None):
        env = {"MAS_TEST_CRASH_AT": crash_at, "MAS_TEST_BREAK": broken}
        return self.start_daemon("mas-gatewayd", self.redis, self.config(), env={k: v for k, v in env.items() if v})

    def config(self):
        return QUICK

    def credentials(self, agent_id):
        """What an agent's environment has of who it is."""
        return {}

    def start_load(self):
        """Receivers first, so that everybody is there when it is sent to."""
        self.targets = [f"receiver-{i}" for i in range(self.receivers)]
        for target in self.targets:
            self.launch("receive", target)
        self.wait_started(self.targets)
        self.sources = [f"sender-{i}-{self.random.randrange(1000)}" for i in range(self.senders)]
        for source in self.sources:
            self.launch_sender(source)
        self.wait_started(self.sources)

    def launch(self, role, agent_id, *args):
        process = self.process("mas-ledger-agent", role, agent_id, *args, 
                               env={"MAS_REDIS_URL": self.redis.url(), **self.credentials(agent_id)},
                               name=f"{agent_id}-{len(self.agents.get(agent_id, [])) + 1}").start()
        self.agents.setdefault(agent_id, []).append(process)
        return process

    def launch_sender(self, source):
        numbers = self.log_of(source).tried if source in self.agents else {}
        return self.launch("send", source, RATE, max(numbers, default=-1) + 1, *self.targets)

    def wait_started(self, ids):
        for agent_id in ids:
            self.agents[agent_id][-1].wait_for_output("ready", 20)

    def log_of(self, agent_id):
        log = AgentLog(agent_id)
        for process in self.agents[agent_id]:
            text = process.out()
            log.read(text[:text.rfind("\n") + 1])  # a killed process may have written half a line
        return log

    # ---- time under load

    def receipts(self):
        return sum(process.out().count("\nreceipt ") for s in self.sources for process in self.agents[s])

    def wait_progress(self, what, timeout=15):
        """Messages are decided again: some of every sender, since now."""
        before = {s: self.agents[s][-1].out().count("\nreceipt ") for s in self.sources}
        poll_until(lambda: all(self.agents[s][-1].out().count("\nreceipt ") > n for s, n in before.items()), timeout,
                   lambda: f"every sender gets receipts {what}", 0.05)

    def keep_up(self, seconds=SECONDS):
        """Lets the load run; what happens meanwhile is the test's business."""
        end = time.monotonic() + seconds
        poll_until(lambda: time.monotonic() > end, seconds + 5, "time passes", 0.05)

    # ---- the end

    def audited(self):
        done = self.masctl("audit", "export", redis=self.redis, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        records = [json.loads(line) for line in done.stdout.splitlines() if line]
        return [(record["message_id"], record["decision"]) for record in records]

    def settle(self):
        """Senders end with all their receipts, receivers once they have handled what was delivered."""
        for source in self.sources:
            process = self.agents[source][-1]
            process.send(15)
        for source in self.sources:
            self.assertEqual(self.agents[source][-1].wait(30), 0, f"{source} ends in order")
            self.assertIn("\nend\n", self.agents[source][-1].out())
        deliveries = deliveries_of_aof(self.redis.directory)
        wanted = {d.message_id for d in deliveries}
        poll_until(lambda: wanted <= {i for t in self.targets for _, _, i in self.log_of(t).handled}, 30,
                   lambda: f"everything is handled; {len(wanted)} messages were delivered", 0.2)
        for target in self.targets:
            self.assertEqual(self.agents[target][-1].stop(), 0)
        return deliveries

    def ledger(self):
        deliveries = self.settle()
        ledger = Ledger(deliveries, [self.log_of(s) for s in self.sources], [self.log_of(t) for t in self.targets],
                        self.audited())
        print(f"{self.id()}: {ledger.summary()}")
        return ledger

    def verify(self, *flags):
        return self.masctl("audit", "verify", *flags, redis=self.redis, timeout=60)

    def check(self, *flags):
        ledger = self.ledger()
        problems = ledger.problems(self.receivers_died)
        self.assertEqual(problems[:20], [], f"{len(problems)} problems")
        self.assertGreater(len(ledger.deliveries), self.senders * 25, "there was load")
        verified = self.verify(*flags)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        for target in self.targets:
            self.assertEqual(self.redis.cmd("XLEN", f"agent.stream:{target}"), 0, "streams are empty after the acks")


def repeated(test):
    """Runs a case MAS_LEDGER_ROUNDS times, each on a fresh Redis."""
    def run(self):
        test(self)
        for _ in range(ROUNDS - 1):
            self.doCleanups()
            self.tearDown()
            self.setUp()
            test(self)
    return run


class UndisturbedTest(LedgerCase):
    @repeated
    def test_a_quiet_run(self):
        self.gatewayd()
        self.start_load()
        self.keep_up()
        self.check()


class CrashTest(LedgerCase):
    """kill -9 of the gateway at a step of its turn, which one is drawn; another gateway takes over."""

    def crash_at(self, step):
        doomed = self.gatewayd(f"{step}:{self.random.randrange(1, 150)}")
        self.start_load()
        poll_until(lambda: not doomed.running(), 15, f"the gateway dies {step}", 0.01)
        self.assertEqual(doomed.wait(), -9)
        self.gatewayd()
        self.wait_progress("after the crash")
        self.keep_up(SECONDS / 2)
        self.check()

    @repeated
    def test_after_read(self):
        self.crash_at("after_read")

    @repeated
    def test_after_decide(self):
        self.crash_at("after_decide")

    @repeated
    def test_after_write(self):
        self.crash_at("after_write")

    @repeated
    def test_after_commit(self):
        self.crash_at("after_commit")

    @repeated
    def test_at_any_time(self):
        """From outside, several times, while another one stands by."""
        standing = self.gatewayd()
        victim = self.gatewayd()
        self.start_load()
        for _ in range(2):
            self.keep_up(self.random.uniform(0.1, SECONDS / 2))
            victim.kill()
            self.keep_up(self.random.uniform(0.1, 0.5))
            victim = self.gatewayd()
            victim, standing = standing, victim
        self.wait_progress("after the crashes")
        self.check()


class PauseTest(LedgerCase):
    @repeated
    def test_an_owner_that_was_paused_past_its_lease_commits_nothing(self):
        first = self.gatewayd()
        second = self.gatewayd()
        poll_until(lambda: len(first.ready()[1]["owned"]) == 8, 15, "partitions are shared")
        self.start_load()
        self.keep_up(self.random.uniform(0.2, SECONDS / 2))
        first.pause()
        poll_until(lambda: len(second.ready()[1]["owned"]) == 16, 15, "the second takes over")
        self.wait_progress("from the second")
        first.resume()
        first.wait_log("partition_lost")
        self.wait_progress("while both run")
        self.check()


class MembershipTest(LedgerCase):
    @repeated
    def test_gateways_join_and_leave_under_load(self):
        first = self.gatewayd()
        self.start_load()
        second = self.gatewayd()
        self.keep_up(SECONDS / 2)
        third = self.gatewayd()
        self.keep_up(SECONDS / 2)
        self.assertEqual(first.stop(), 0)
        self.keep_up(SECONDS / 4)
        self.assertEqual(third.stop(), 0)
        self.wait_progress("from the last")
        self.assertTrue(second.running())
        self.check()


class RedisTest(LedgerCase):
    @repeated
    def test_redis_is_killed_and_restarted_under_load(self):
        self.gatewayd()
        self.start_load()
        for _ in range(2):
            self.keep_up(self.random.uniform(0.2, SECONDS / 2))
            self.redis.kill()
            self.redis.start()
            self.wait_progress("after Redis came back", 30)
        self.check()


class AgentsTest(LedgerCase):
    @repeated
    def test_senders_and_receivers_are_killed_under_load(self):
        self.gatewayd()
        self.start_load()
        self.keep_up(self.random.uniform(0.2, SECONDS / 2))
        source = self.random.choice(self.sources)
        self.agents[source][-1].kill()
        self.launch_sender(source)

        target = self.random.choice(self.targets)
        self.receivers_died = True
        self.agents[target][-1].kill()
        # Its lease would last for 15 s; that it ends is what matters here.
        for key in self.redis.scan(f"agent:{target}:alive:*"):
            self.redis.cmd("DEL", key)
        self.launch("receive", target)
        self.wait_started([source, target])
        self.wait_progress("after the deaths")
        self.check()


class SignedTest(LedgerCase):
    """Profile production: every frame is signed, nothing is allowed but what a list says, heads are signed."""

    def setUp(self):
        super().setUp()
        self.master, self.audit_key = str(self.dir / "master.key"), str(self.dir / "audit.key")
        self.ok("key", "generate", self.master)
        self.ok("key", "generate", "--kind", "audit", self.audit_key)

    def ok(self, *args):
        done = self.masctl(*args, redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def config(self):
        return {**QUICK, "gateway": {"profile": "production", "master_key_file": self.master},
                "audit": {"signing_key": self.audit_key, "head_interval": "200ms"}}

    def credentials(self, agent_id):
        path = self.dir / f"{agent_id}.toml"
        if not path.exists():
            self.ok("identity", "create", agent_id, "--no-token", "--master-key", self.master, "--out", str(path))
            if agent_id.startswith("sender"):
                self.ok("acl", "allow", agent_id, "receiver-*")
        return {"MAS_CREDENTIALS": str(path)}

    @repeated
    def test_a_crash_of_the_owner(self):
        doomed = self.gatewayd(f"{self.random.choice(STEPS)}:{self.random.randrange(1, 150)}")
        self.start_load()
        poll_until(lambda: not doomed.running(), 15, "the gateway dies", 0.01)
        last = self.gatewayd()
        self.wait_progress("after the crash")
        self.keep_up(SECONDS / 2)
        last.wait_log("audit_head")
        public = self.ok("key", "public", self.audit_key).split()[0]
        self.check("--key", public)


class BrokenGatewayTest(LedgerCase):
    """A gateway that does the wrong thing once, among hundreds of messages: the ledger names it."""
    senders = 2

    def broken(self, step):
        self.gatewayd(broken=f"{step}:{self.random.randrange(10, 60)}")
        self.start_load()
        poll_until(lambda: self.receipts() > 200, 20, "there are receipts", 0.05)
        return self.ledger()

    def test_a_lost_delivery_is_seen(self):
        ledger = self.broken("lose")
        self.assertGreater(len(ledger.lost()), 0)
        self.assertEqual(ledger.doubled() + ledger.strays() + ledger.reordered(), [])

    def test_a_double_delivery_is_seen(self):
        ledger = self.broken("double")
        self.assertGreater(len(ledger.doubled()), 0)
        self.assertEqual(ledger.lost() + ledger.strays(), [])

    def test_a_delivery_without_its_record_is_seen(self):
        ledger = self.broken("unaudited")
        self.assertGreater(len(ledger.unaudited()), 0)
        self.assertEqual(ledger.lost() + ledger.doubled() + ledger.strays() + ledger.reordered(), [])
        verified = self.verify()
        self.assertEqual(verified.returncode, 6, verified.stdout + verified.stderr)
        self.assertIn("missing", verified.stdout)


if __name__ == "__main__":
    main()
