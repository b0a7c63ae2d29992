"""Real senders, receivers and gateways under load, and the ledger of all that they did: what the ledger tests share.

The seed of every run is printed; MAS_LEDGER_SEED repeats it. MAS_LEDGER_SECONDS (default 2) is how long each case keeps
the load up, MAS_LEDGER_ROUNDS (default 1) how often each case is run.
"""

import json
import os
import random
import time

from .case import MasTestCase
from .ledger import AgentLog, Ledger, deliveries_of_aof
from .poll import poll_until

SECONDS = float(os.environ.get("MAS_LEDGER_SECONDS", "2"))
ROUNDS = int(os.environ.get("MAS_LEDGER_ROUNDS", "1"))
RATE = int(os.environ.get("MAS_LEDGER_RATE", "400"))  # messages per second of each sender
QUICK = {"lease": {"ttl": "1s"}}
APPEND_ONLY = {"appendonly": "yes", "appendfsync": "always", "auto_aof_rewrite_percentage": "0"}
STEPS = ("after_read", "after_decide", "after_write", "after_commit")


class LedgerCase(MasTestCase):
    senders = 4
    receivers = 2
    rate = RATE
    drained = False  # whether receivers are to have acknowledged all, before they are stopped
    agent_env = {}  # of every agent: see programs/ledger_agent.c

    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("MAS_LEDGER_SEED") or random.SystemRandom().randrange(1 << 32))
        print(f"{self.id()}: MAS_LEDGER_SEED={seed}")
        self.random = random.Random(seed)
        self.redis = self.make_redis()
        self.agents = {}  # id → its processes, the newest last
        self.receivers_died = False

    def make_redis(self):
        return self.start_redis(**APPEND_ONLY)

    def url(self):
        """What the programs are given."""
        return self.redis.url()

    # ---- who takes part

    def gatewayd(self, crash_at=None, broken=None):
        env = {"MAS_TEST_CRASH_AT": crash_at, "MAS_TEST_BREAK": broken}
        return self.start_daemon("mas-gatewayd", self.url(), self.config(), env={k: v for k, v in env.items() if v})

    def config(self):
        return QUICK

    def credentials(self, agent_id):
        """What an agent's environment has of who it is."""
        return {}

    def start_load(self):
        """Receivers first, so that everybody is there when it is sent to."""
        self.targets = [f"receiver-{i}" for i in range(self.receivers)]
        for target in self.targets:
            self.launch_receiver(target)
        self.wait_started(self.targets)
        self.sources = [f"sender-{i}-{self.random.randrange(1000)}" for i in range(self.senders)]
        for source in self.sources:
            self.launch_sender(source)
        self.wait_started(self.sources)

    def launch(self, role, agent_id, *args):
        process = self.process("mas-ledger-agent", role, agent_id, *args,
                               env={"MAS_REDIS_URL": self.url(), **self.agent_env, **self.credentials(agent_id)},
                               name=f"{agent_id}-{len(self.agents.get(agent_id, [])) + 1}").start()
        self.agents.setdefault(agent_id, []).append(process)
        return process

    def launch_receiver(self, target):
        return self.launch("receive", target)

    def launch_sender(self, source):
        numbers = self.log_of(source).tried if source in self.agents else {}
        return self.launch("send", source, self.rate, max(numbers, default=-1) + 1, *self.targets)

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

    def receipt_times(self, source):
        """When a sender heard that a message was accepted, by time.monotonic()."""
        return [float(line.split()[2]) for line in self.agents[source][-1].out().split("\n")[:-1]
                if line.startswith("receipt ") and line.split()[3] == "ok"]

    def print_resumed(self, serves):
        """@param serves when the new primary served; every sender has had a receipt since."""
        resumed = [next(at for at in self.receipt_times(s) if at > serves) - serves for s in self.sources]
        print(f"{self.id()}: seconds without service after the new primary served: " +
              ", ".join(f"{seconds:.3f}" for seconds in sorted(resumed)))

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
        deliveries = self.deliveries()
        wanted = {d.message_id for d in deliveries if d.target in self.targets}
        poll_until(lambda: wanted <= self.letters() | {i for t in self.targets for _, _, i in self.log_of(t).handled}, 30,
                   lambda: f"everything is handled or a dead letter; {len(wanted)} messages were delivered", 0.2)
        for target in self.targets if self.drained else ():
            poll_until(lambda: self.waiting(target) == 0, 30,
                       lambda: f"{target} has acknowledged all", 0.1)
        for target in self.targets:
            self.assertEqual({process.stop() for process in self.agents[target] if process.running()}, {0})
        return deliveries

    def deliveries(self):
        return deliveries_of_aof(self.redis.directory)

    def waiting(self, target):
        """Entries in the streams of an agent."""
        return self.redis.cmd("XLEN", f"agent.stream:{target}")

    def letters(self):
        """Ids of the messages in the dead-letter queue."""
        entries = self.redis.cmd("XRANGE", "dlq:messages", "-", "+")
        return {dict(zip(fields[::2], fields[1::2]))["id"] for _, fields in entries}

    def ledger(self):
        deliveries = self.settle()
        ledger = Ledger(deliveries, [self.log_of(s) for s in self.sources], [self.log_of(t) for t in self.targets],
                        self.audited(), self.letters())
        print(f"{self.id()}: {ledger.summary()}")
        return ledger

    def verify(self, *flags):
        return self.masctl("audit", "verify", *flags, redis=self.redis, timeout=60)

    def check_ledger(self):
        ledger = self.ledger()
        problems = ledger.problems(self.receivers_died)
        self.assertEqual(problems[:20], [], f"{len(problems)} problems")
        self.assertGreater(len(ledger.deliveries), self.senders * 25, "there was load")

    def check(self, *flags):
        self.check_ledger()
        verified = self.verify(*flags)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        for target in self.targets:
            self.assertEqual(self.waiting(target), 0, "streams are empty after the acks")


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
