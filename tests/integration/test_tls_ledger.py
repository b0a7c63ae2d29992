"""Every message is counted while servers fail over that are reached by TLS alone, with certificates on both sides: the
nodes of a Redis Cluster, and sentinels with their servers.
"""

from cluster_ledger_case import ClusterLedgerCase
from harness import main
from harness.ledger_case import APPEND_ONLY, repeated
from harness.pki import Authority
from harness.redis_cluster import RedisCluster
from harness.redis_server import own_address
from sentinel_case import SentinelStage
from sentinel_ledger_case import SentinelLedgerCase


def certificates(directory):
    """For servers and clients alike, which are at one address."""
    return Authority(directory).issue("everybody", f"IP:{own_address()}")


class TlsClusterTest(ClusterLedgerCase):
    def make_redis(self):
        cluster = RedisCluster(self.dir, tls=certificates(self.dir), **APPEND_ONLY, min_replicas_to_write="1",
                               min_replicas_max_lag="10")
        self.addCleanup(cluster.stop)
        return cluster.start()

    @repeated
    def test_a_primary_dies_and_a_slot_moves(self):
        self.start_all()
        victim = self.redis.primary_of(self.key_of_first_sender())
        self.redis.fail_over(victim)
        victim.start()
        self.wait_progress("after the fail-over", 60)
        key = self.key_of_first_sender()
        origin = self.redis.primary_of(key)
        self.redis.move(key, next(node for node in self.redis.primaries() if node is not origin))
        self.wait_progress("after a slot has moved", 60)
        self.receivers_died = True
        self.check()


class TlsSentinelTest(SentinelLedgerCase):
    def make_redis(self):
        self.stage = SentinelStage(self, tls=certificates(self.dir), **APPEND_ONLY, min_replicas_to_write="1",
                                   min_replicas_max_lag="3")
        return self.stage.primary

    def test_the_primary_dies(self):
        self.rounds(lambda: self.end_all(self.stage.kill()))


if __name__ == "__main__":
    main()
