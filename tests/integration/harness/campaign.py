"""A campaign: rounds of honest load on a Redis, two gateways and all daemons, with faults and hostile company drawn by a seed,
and the ledger at the end of each round.

What must hold, whatever is drawn: the ledger adds up (nothing lost, doubled, reordered, unaudited, mishandled; receipts are
true), the audit verifies, and no message of an honest sender waits more than 2 seconds beside what is broken, from the
attempt to send it until it is handled and its sender has the receipt. Broken is what a fault says: from its begin to its end,
and as much longer as a rule of the product takes (campaign_faults.py names it). Company breaks nothing. After each fault
the next one waits until all that was sent before its end is done, so no fault hides what another left.

    MAS_CAMPAIGN_SECONDS   how long to go on (default 60); a round is at most MAS_CAMPAIGN_ROUND seconds (default 60)
    MAS_CAMPAIGN_SEED      draws the same again; each round prints its own, which repeats it alone
    MAS_CAMPAIGN_FAULTS    only faults and company whose names contain one of these, separated by commas
    MAS_CAMPAIGN_NOISE     seconds that a message may wait on top (default 0, with sanitizers 3): for a machine that does other
                           work, too

Everything that happens is logged with its time in campaign/ of the build directory; what the processes wrote is kept beside
the log when a round fails.
"""

import os
import shutil
import time

from . import build
from .campaign_faults import COMPANY, FAULTS
from .clock import Clock, for_our_programs
from .fault_proxy import ProxyProcess
from .ledger import Ledger
from .ledger_case import LedgerCase
from .poll import poll_until
from .waits import Waits

SECONDS = float(os.environ.get("MAS_CAMPAIGN_SECONDS", "60"))
ROUND = float(os.environ.get("MAS_CAMPAIGN_ROUND", "60"))
SOON = 2.0 + float(os.environ.get("MAS_CAMPAIGN_NOISE") or (3 if build.sanitizers() else 0))
GIVE_UP = 60.0  # seconds after a fault: what waits so long is stuck
CHOSEN = [name for name in os.environ.get("MAS_CAMPAIGN_FAULTS", "").split(",") if name]
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

    def at(self, moment):
        """A time as the log has it."""
        return moment - self._began

    def write(self, text):
        with open(self.path, "a") as file:
            file.write(f"{self.at(time.monotonic()):9.3f} {text}\n")


class CampaignCase(LedgerCase):
    senders = 3
    receivers = 3
    absent = "absent"

    def start_redis(self, name="redis", **options):
        return super().start_redis(name, clock=True, **options)

    def start_proxy(self, redis):
        proxy = ProxyProcess(redis.url(), self.dir)
        self.addCleanup(proxy.stop)
        return proxy

    # ---- who takes part

    def begin_round(self, log, seed):
        self.log = log
        self.random.seed(seed)
        self.waits = Waits()
        self.broken = []  # (begin, end, ids, name): when something was broken, with what a rule takes, and for whom
        self.recoveries = []  # (seconds, name)
        self.gateways = []
        self.clock = 0  # seconds that Redis's is off
        self.strangers = []
        self.reporters = {}  # id → what it sent to itself, as an AgentLog
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
        senders = [self.log_of(s) for s in self.sources + self.strangers] + list(self.reporters.values())
        ledger = Ledger(deliveries, senders, [self.log_of(t) for t in self.targets], self.audited(), self.letters(),
                        unread={self.absent, *self.reporters})
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
        began = time.monotonic()
        going_on = fault.begin(self)
        concerned = next(going_on)
        self.keep_up(seconds)
        next(going_on, None)
        ended = time.monotonic()
        self.broken.append((began, ended + fault.grace, concerned, fault.name))
        self.wait_all_done(ended, fault.name)
        took = time.monotonic() - ended
        self.recoveries.append((took - fault.grace, fault.name))
        self.log.write(f"over     {fault.name}; all that was sent before its end was done after {took:.2f} s")

    def honest(self):
        return {agent_id: self.agents[agent_id] for agent_id in self.sources + self.targets}

    def wait_all_done(self, before, name):
        """All that honest senders tried to send before that time is handled, or was refused, and they know it."""
        def done():
            self.waits.follow(self.honest())
            return not self.waits.due(before)
        poll_until(done, GIVE_UP, lambda: f"all is done after: {name}; still due: {sorted(self.waits.due(before))[:10]}", 0.05)

    def complaints(self):
        """Who waited too long, the longest first; one text for each fault that it may be due to."""
        self.waits.follow(self.honest())
        broken = sorted(self.broken, key=lambda one: one[0])
        windows = [(begin, end, ids) for begin, end, ids, _ in broken]
        worst = {}
        for extra, (sender, number), since, until in self.waits.extra(windows, time.monotonic()):
            if extra <= SOON:
                continue
            name = next((name for begin, _, _, name in reversed(broken) if begin < until), "the start")
            worst[name] = max(worst.get(name, (0,)), (extra, sender, number, self.log.at(since), self.log.at(until)))
        return [f"number {number} of {sender} waited {extra:.1f} s beside what was broken, {since:.3f} to {until:.3f}; "
                f"before: {name}" for extra, name, sender, number, since, until in
                sorted(((extra, name, *rest) for name, (extra, *rest) in worst.items()), reverse=True)]

    def end_round(self):
        self.wait_all_done(time.monotonic(), "the end")
        too_long = self.complaints()
        for complaint in too_long:
            self.log.write(f"WAITED   {complaint}")
        self.check()
        for process in self._processes:
            self.assertNotRegex(process.written(), "lost data|redis_lost_data", f"{process.name}: nothing is lost")
        self.assertEqual(too_long, [], f"nobody waits more than {SOON:g} s beside what is broken")
        seconds, name = max(self.recoveries, default=(0, "none"))
        text = f"{len(self.recoveries)} faults; the longest recovery took {seconds:.1f} s, after: {name}"
        self.log.write(text)
        return text

    def keep_evidence(self, seed):
        """Copies what the processes of a failed round wrote to the side of the log."""
        kept = self.log.path.with_suffix("") / str(seed)
        kept.mkdir(parents=True, exist_ok=True)
        for path in [*self.dir.glob("*.out"), *self.dir.glob("*.err"), *self.dir.glob("*/redis.log")]:
            shutil.copy(path, kept)
        return kept
