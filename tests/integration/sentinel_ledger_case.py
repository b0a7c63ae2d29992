"""What the tests share that count every message while Sentinel fails over under load."""

import os

from harness import poll_until
from harness.ledger_case import APPEND_ONLY, QUICK, LedgerCase
from sentinel_case import SentinelStage

ROUNDS = int(os.environ.get("MAS_SENTINEL_ROUNDS", "1"))
BEFORE, AFTER = 1.5, 1.5  # seconds of load
BACK = 20  # seconds in which everything goes on after the new primary serves


class SentinelLedgerCase(LedgerCase):
    receivers = 4
    rate = 200
    wait_replicas = 1

    def make_redis(self):
        self.stage = SentinelStage(self, **APPEND_ONLY, min_replicas_to_write="1", min_replicas_max_lag="3")
        return self.stage.primary

    def url(self):
        return self.stage.url()

    def config(self):
        return {**QUICK, "delivery": {"wait_replicas": self.wait_replicas}}

    def start_daemons(self):
        for name in ("registryd", "healthd"):
            for _ in range(2):
                self.start_daemon(f"mas-{name}", self.url(), QUICK)
        for _ in range(2):
            self.gatewayd()

    def start_all(self):
        self.start_daemons()
        self.start_load()
        self.launch("receive", self.targets[0]).wait_for_output("ready", 20)
        self.wait_progress("at the start")
        self.keep_up(BEFORE)

    def end_all(self, serves):
        self.redis = self.stage.primary
        poll_until(lambda: all(self.last_receipt(s) > serves for s in self.sources), BACK, "all senders have receipts")
        self.print_resumed(serves)
        self.keep_up(AFTER)
        ledger = self.ledger()
        problems = ledger.problems(receivers_died=True)  # what was not acknowledged is handled again
        self.assertEqual(problems[:20], [], f"{len(problems)} problems")
        self.assertGreater(len(ledger.deliveries), 500, "there was load")

    def last_receipt(self, source):
        return max(self.receipt_times(source), default=0)

    def rounds(self, fail_over):
        for i in range(ROUNDS):
            if i:
                self.doCleanups()
                self.tearDown()
                self.setUp()
            self.start_all()
            fail_over()
