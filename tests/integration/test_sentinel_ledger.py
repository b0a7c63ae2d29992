"""Every message is counted while Sentinel fails over under load.

Four senders, four receivers, one of them in two instances, two of each daemon; append-only files, receipts that wait
for replicas, min-replicas-to-write 1. Nothing that was accepted is lost, nothing is doubled in a stream, nothing is
without its audit record.

    MAS_SENTINEL_ROUNDS   how often each case is run (default 1)

harness/ledger_case.py tells how a run is repeated.
"""

from harness import main
from sentinel_ledger_case import SentinelLedgerCase


class SentinelLedgerTest(SentinelLedgerCase):
    def test_a_primary_that_is_killed(self):
        def fail_over():
            former = self.stage.primary
            serves = self.stage.kill()
            former.start()
            self.end_all(serves)
        self.rounds(fail_over)


class EveryReplicaTest(SentinelLedgerCase):
    """The primary that Sentinel replaces goes on for a moment, and its other replica with it: all have to confirm."""

    wait_replicas = 2

    def test_a_fail_over_by_sentinel(self):
        def fail_over():
            serves = self.stage.by_sentinel()
            self.end_all(serves)
        self.rounds(fail_over)

    def test_a_primary_that_hangs(self):
        """It goes on before its other replica is led away from it."""
        def fail_over():
            former = self.stage.primary
            serves = self.stage.freeze()
            former.resume()
            self.end_all(serves)
        self.rounds(fail_over)


if __name__ == "__main__":
    main()
