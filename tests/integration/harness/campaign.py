"""A campaign: rounds of honest load on a Redis, two gateways and all daemons, with faults and hostile company drawn by a seed,
and the ledger at the end of each round.

What must hold, whatever is drawn: the ledger adds up (nothing lost, doubled, reordered, unaudited, mishandled; receipts are
true), the audit verifies, and every honest sender and receiver goes on soon after each fault.

    MAS_CAMPAIGN_SECONDS   how long to go on (default 60); a round is at most MAS_CAMPAIGN_ROUND seconds (default 60)
    MAS_CAMPAIGN_SEED      draws the same again; each round prints its own, which repeats it alone
    MAS_CAMPAIGN_FAULTS    only faults and company whose names contain one of these, separated by commas
    MAS_CAMPAIGN_SLACK     seconds that recovery may take at most (default 20); more than 2 is told in the summary

Everything that happens is logged with its time in campaign/ of the build directory; what the processes wrote is kept beside
the log when a round fails.
"""

import os
import shutil
import time

from . import build
from .campaign_faults import COMPANY, FAULTS
from .clock import Clock, for_our_programs
from .ledger import Ledger
from .ledger_case import LedgerCase
from .poll import poll_until

SECONDS = float(os.environ.get("MAS_CAMPAIGN_SECONDS", "60"))
ROUND = float(os.environ.get("MAS_CAMPAIGN_ROUND", "60"))
SLACK = float(os.environ.get("MAS_CAMPAIGN_SLACK", "20"))
CHOSEN = [name for name in os.environ.get("MAS_CAMPAIGN_FAULTS", "").split(",") if name]
SOON = 2.0
BOUNDS = ("100000:50000000", "10:10000000", "100000:20000")  # messages and bytes of a receiver's queue
PADDING = ("0", "300", "4000")  # bytes of a sender's messages
SKEW = (0, -45, 600)  # seconds that an agent's clock is off
RATE = 100  # messages a second of each honest sender


def chosen(table):
    return [fault for fault in table if not CHOSEN or any(name in fault.name for name in CHOSEN)]


class CampaignLog:
    """One file for all rounds; every line has its time since the start."""

    def __init__(self, seed):
        directory = build.build_dir() / "campaign"
        directory.mkdir(exist_ok=True)
        self.path = directory / f"{time.strftime('%Y%m%d-%H%M%S')}-{seed}.log"
        self._began = time.monotonic()

    def write(self, text):
        with open(self.path, "a") as file:
            file.write(f"{time.monotonic() - self._began:9.3f} {text}\n")


class CampaignCase(LedgerCase):
    senders = 3
    receivers = 3
    absent = "absent"

    # ---- who takes part

    def begin_round(self, log, seed):
        self.log = log
        self.random.seed(seed)
        self.recoveries = []  # (seconds, name)
        self.gateways = []
        self.strangers = []
        self.agents_proxy, self.gateways_proxy = self.start_proxy(self.redis), self.start_proxy(self.redis)
        quick = {"redis": {"connect_timeout": "1s", "command_timeout": "1s"}, "lease": {"ttl": "1s"}}
        for name in ("mas-registryd", "mas-healthd"):
            self.start_daemon(name, self.redis, quick)
        self.start_gateway()
        self.start_gateway()
        self.redis.cmd("HSET", f"agent:{self.absent}", "id", self.absent, "capabilities", "[]", "metadata", "{}", "mode",
                       "gateway", "status", "ACTIVE", "registered_at", time.time())
        self.start_load()

    def config(self):
        return {"redis": {"connect_timeout": "1s", "command_timeout": "1s"}, "lease": {"ttl": "1s"},
                "delivery": {"max_backlog": 20000}, "breaker": {"mode": "off"}}

    def launch(self, role, agent_id, *args):
        process = self.process("mas-ledger-agent", role, agent_id, *args,
                               env={"MAS_REDIS_URL": self.agents_proxy.url(), **self.peculiarities(agent_id)},
                               name=f"{agent_id}-{len(self.agents.get(agent_id, [])) + 1}").start()
        self.agents.setdefault(agent_id, []).append(process)
        return process

    def peculiarities(self, agent_id):
        """The environment of an honest agent: small and large messages and bounds, clocks that are off."""
        number = int(agent_id.split("-")[1])
        env = {"MAS_LEDGER_BOUND": BOUNDS[number % 3]} if agent_id in self.targets else {"MAS_LEDGER_PADDING": PADDING[number % 3]}
        if for_our_programs():
            seconds = SKEW[number % 3]
            env.update(Clock(self.dir / f"clock{seconds}", seconds).env)
        return env

    def launch_stranger(self, name, rate, target):
        """A sender whose messages nobody has to handle."""
        self.strangers.append(f"{name}-{len(self.strangers)}")
        return self.launch("send", self.strangers[-1], rate, 0, target)

    def launch_sender(self, source):
        numbers = self.log_of(source).tried if source in self.agents else {}
        return self.launch("send", source, RATE, max(numbers, default=-1) + 1, *self.targets)

    def start_gateway(self, crash=False):
        steps = ("after_read", "after_decide", "after_write", "after_commit", "after_decide_ahead")
        env = {"MAS_TEST_CRASH_AT": f"{self.random.choice(steps)}:{self.random.randrange(1, 60)}"} if crash else {}
        gateway = self.daemon("mas-gatewayd", self.gateways_proxy.url(), self.config(), env=env).start()
        self.gateways.append(gateway)
        return gateway

    def kill_gateway(self, gateway=None):
        gateway = gateway or self.random.choice(self.gateways)
        gateway.kill()
        self.forget_gateway(gateway)

    def stop_gateway(self):
        gateway = self.random.choice(self.gateways)
        self.assertEqual(gateway.stop(), 0, gateway.name)
        self.forget_gateway(gateway)

    def forget_gateway(self, gateway):
        self.gateways.remove(gateway)

    # ---- what faults use

    def poll(self, condition, seconds, what):
        return poll_until(condition, seconds, what, 0.05)

    def save_again(self):
        if self.redis.info("persistence")["rdb_bgsave_in_progress"] == "0":
            self.redis.cmd("BGSAVE")
        return self.redis.info("persistence")["rdb_last_bgsave_status"] == "ok"

    # ---- the ledger

    def ledger(self):
        deliveries = self.settle()
        senders = [self.log_of(s) for s in self.sources + self.strangers]
        ledger = Ledger(deliveries, senders, [self.log_of(t) for t in self.targets], self.audited(), self.letters(),
                        unread={self.absent})
        self.log.write(f"ledger   {ledger.summary()}")
        return ledger

    # ---- a round

    def play_round(self, seconds):
        end = time.monotonic() + seconds
        company = None
        while time.monotonic() < end:
            company = self.keep_company(company)
            self.keep_up(self.random.uniform(0.2, 1.5))
            if faults := chosen(FAULTS):
                self.happen(self.random.choices(faults, [f.weight for f in faults])[0])
        if company:
            self.end(company)

    def keep_company(self, company):
        """Ends company that has been there long enough, and begins another. @return (until, name, generator) or None."""
        if company and time.monotonic() < company[0]:
            return company
        if company:
            self.end(company)
        table = chosen(COMPANY)
        if not table or self.random.random() < 0.3:
            return None
        drawn = self.random.choices(table, [f.weight for f in table])[0]
        seconds = self.random.uniform(*drawn.seconds)
        self.log.write(f"company  {drawn.name}, {seconds:.1f} s")
        going_on = drawn.begin(self)
        next(going_on)
        return time.monotonic() + seconds, drawn.name, going_on

    def end(self, company):
        next(company[2], None)
        self.log.write(f"alone    {company[1]} has ended")

    def happen(self, fault):
        seconds = self.random.uniform(*fault.seconds)
        self.log.write(f"fault    {fault.name}, {seconds:.1f} s")
        going_on = fault.begin(self)
        next(going_on)
        self.keep_up(seconds)
        next(going_on, None)
        ended = time.monotonic()
        self.wait_all_go_on(fault.name)
        took = time.monotonic() - ended
        self.recoveries.append((took - fault.grace, fault.name))
        self.log.write(f"over     {fault.name}; all went on after {took:.2f} s")

    def wait_all_go_on(self, name):
        """Every honest sender has a new receipt, every honest receiver handles something new."""
        def count():
            return ([self.agents[s][-1].out().count("\nreceipt ") for s in self.sources] +
                    [self.agents[t][-1].out().count("\ngot ") for t in self.targets])
        before = count()
        poll_until(lambda: all(now > then for now, then in zip(count(), before)), SLACK,
                   lambda: f"all go on after: {name}; {dict(zip(self.sources + self.targets, zip(before, count())))}", 0.05)

    def end_round(self):
        self.check()
        slow = sorted((r for r in self.recoveries if r[0] > SOON), reverse=True)
        text = f"{len(self.recoveries)} faults, {len(slow)} recoveries took more than {SOON:g} s"
        if slow:
            text += ": " + ", ".join(f"{seconds:.1f} s after: {name}" for seconds, name in slow[:5])
        self.log.write(text)
        return text

    def keep_evidence(self, seed):
        """Copies what the processes of a failed round wrote to the side of the log."""
        kept = self.log.path.with_suffix("") / str(seed)
        kept.mkdir(parents=True, exist_ok=True)
        for path in [*self.dir.glob("*.out"), *self.dir.glob("*.err"), *self.dir.glob("*/redis.log")]:
            shutil.copy(path, kept)
        return kept
