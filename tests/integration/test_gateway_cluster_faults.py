"""Every message of agents of libmas is counted while more happens to a Redis Cluster under load: primaries that stand
still or hand over, hundreds of slots that move, a shard that comes and goes, a network that is cut.

    MAS_RESHARD_SLOTS   how many slots move (default 600; a third of all are 5461)

cluster_ledger_case.py says who takes part and what has to hold.
"""

import os
import time
import unittest

from cluster_ledger_case import ClusterLedgerCase
from harness import main
from harness.ledger_case import APPEND_ONLY, repeated
from harness.partition import Partition, why_not
from harness.redis_cluster import SHARDS, RedisCluster

RESHARDED = int(os.environ.get("MAS_RESHARD_SLOTS", "600"))
CUT_SECONDS = 15
GO_ON = 60  # seconds in which everything goes on


class ClusterFaultsTest(ClusterLedgerCase):
    def setUp(self):
        super().setUp()
        self.receivers_died = True  # what was not acknowledged is handled again

    def victim(self):
        return self.redis.primary_of(self.key_of_first_sender())

    @repeated
    def test_a_primary_stands_still_and_comes_back(self):
        self.start_all()
        victim = self.victim()
        self.redis.stand_still(victim)
        self.keep_up()  # the heir has no replica, and so accepts nothing
        self.redis.go_on(victim)
        self.wait_progress("after its return", GO_ON)
        self.keep_up()
        self.check()

    @repeated
    def test_each_primary_hands_over(self):
        self.start_all()
        for primary in self.redis.primaries():
            self.redis.hand_over(primary)
            self.wait_progress("after a coordinated fail-over", GO_ON)
        self.check()

    @repeated
    def test_many_slots_move(self):
        self.start_all()
        to, *origins = self.redis.primaries()
        self.redis.reshard(origins, to, RESHARDED)
        self.wait_progress("after the move", GO_ON)
        self.check()

    @repeated
    def test_a_shard_comes_and_goes(self):
        self.start_all()
        first = self.redis.primaries()
        added = self.redis.add_shard()
        self.redis.reshard(first, added, RESHARDED)
        self.wait_progress("with a further shard", GO_ON)
        self.redis.reshard([added], first[0], RESHARDED)
        self.redis.remove_shard(added)
        self.wait_progress("without it", GO_ON)
        self.check()


@unittest.skipIf(why_not(), why_not())
class ClusterPartitionTest(ClusterLedgerCase):
    """One primary is alone on its side, with a gateway and half of the agents. Its side goes on for a moment with what
    becomes a second history; after fifteen seconds the network is whole again."""

    def setUp(self):
        self.started = []
        super().setUp()
        self.receivers_died = True

    def make_redis(self):
        self.net = Partition()
        self.addCleanup(self.net.close)
        sides = [self.net.here] + [self.net.there] * (2 * SHARDS - 1)
        cluster = RedisCluster(self.dir, sides, protected_mode="no", **APPEND_ONLY, min_replicas_to_write="1",
                               min_replicas_max_lag="10")
        self.addCleanup(cluster.stop)
        return cluster.start()

    def launch(self, role, agent_id, *args):
        side = self.net.here if int(agent_id.split("-")[1]) % 2 == 0 else self.net.there
        with side:
            return super().launch(role, agent_id, *args)

    def start_daemon(self, program, *args, **options):
        """The second gateway is with the lonely primary."""
        self.started.append(program)
        with self.net.here if self.started.count("mas-gatewayd") == 2 else self.net.there:
            return super().start_daemon(program, *args, **options)

    def masctl(self, *args, **options):
        with self.net.there:
            return super().masctl(*args, **options)

    @repeated
    def test_a_primary_is_cut_off(self):
        self.start_all()
        self.net.cut()
        begun = time.monotonic()
        self.redis.wait_new_primary(self.redis.nodes[0])
        self.keep_up(max(0, begun + CUT_SECONDS - time.monotonic()))
        self.net.heal()
        self.wait_progress("after the network is whole", GO_ON)
        self.keep_up()
        self.check()


if __name__ == "__main__":
    main()
