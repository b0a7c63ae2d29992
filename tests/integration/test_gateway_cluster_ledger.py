"""Every message of agents of libmas is counted while a Redis Cluster of three primaries fails over and moves slots.

cluster_ledger_case.py says who takes part and what has to hold.
"""

from cluster_ledger_case import ClusterLedgerCase
from harness import main
from harness.ledger_case import repeated


class ClusterLedgerTest(ClusterLedgerCase):
    @repeated
    def test_nothing_fails(self):
        self.start_all()
        self.check()

    @repeated
    def test_a_primary_dies(self):
        self.start_all()
        victim = self.redis.primary_of(self.key_of_first_sender())
        self.redis.fail_over(victim)
        victim.start()
        self.wait_progress("after the fail-over", 60)
        self.keep_up()
        self.receivers_died = True  # what was not acknowledged is handled again
        self.check()

    @repeated
    def test_slots_move(self):
        self.start_all()
        for key in (self.key_of_first_sender(), f"mas.wake:{{{self.targets[0]}}}"):
            origin = self.redis.primary_of(key)
            self.redis.move(key, next(node for node in self.redis.primaries() if node is not origin))
            self.wait_progress("after a slot has moved", 60)
        self.receivers_died = True
        self.check()


if __name__ == "__main__":
    main()
