"""A primary that is cut off from its replicas and all sentinels, with clients on its side and on theirs.

Its side goes on for a moment with what becomes a second history, and then refuses to write; the other side has a new
primary within seconds. After fifteen seconds the network is whole again. Every message is counted, as when Sentinel
fails over: nothing that was accepted is lost, doubled in a stream, or without its audit record.

    MAS_SENTINEL_ROUNDS   how often each case is run (default 1)

harness/ledger_case.py tells how a run is repeated.
"""

import time
import unittest

from harness import main, poll_until
from harness.ledger_case import APPEND_ONLY, QUICK
from harness.partition import Partition, why_not
from sentinel_case import SentinelStage
from sentinel_ledger_case import SentinelLedgerCase

CUT_SECONDS = 15
SILENT = 2  # seconds after which no sender on the primary's side hears of an accepted message


@unittest.skipIf(why_not(), why_not())
class PartitionTest(SentinelLedgerCase):
    def make_redis(self):
        self.net = Partition()
        self.addCleanup(self.net.close)
        self.stage = SentinelStage(self, here=self.net.here, there=self.net.there, protected_mode="no", **APPEND_ONLY,
                                   min_replicas_to_write="1", min_replicas_max_lag="3")
        return self.stage.primary

    def side_of(self, agent_id):
        """Every other sender and receiver is with the primary."""
        return self.net.here if int(agent_id.split("-")[1]) % 2 == 0 else self.net.there

    def launch(self, role, agent_id, *args):
        """A second instance is on the other side."""
        side = self.side_of(agent_id)
        if agent_id in self.agents:
            side = self.net.there if side is self.net.here else self.net.here
        with side:
            return super().launch(role, agent_id, *args)

    def start_daemons(self):
        for side in (self.net.here, self.net.there):
            with side:
                for name in ("registryd", "healthd"):
                    self.start_daemon(f"mas-{name}", self.url(), QUICK)
                self.gatewayd()

    def senders_on(self, side):
        return [source for source in self.sources if self.side_of(source) is side]

    def test_a_primary_that_is_cut_off(self):
        self.rounds(self.cut_and_heal)

    def cut_and_heal(self):
        self.net.cut()
        at = time.monotonic()
        serves = self.stage.wait_new_primary()
        poll_until(lambda: all(self.last_receipt(s) > serves for s in self.senders_on(self.net.there)), 20,
                   "the senders with the new primary go on")
        self.keep_up(max(0, at + CUT_SECONDS - time.monotonic()))
        for source in self.senders_on(self.net.here):
            self.assertLess(self.last_receipt(source), at + SILENT, "nothing is accepted where no replica confirms it")
        self.net.heal()
        self.end_all(time.monotonic())


if __name__ == "__main__":
    main()
