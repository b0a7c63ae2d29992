"""Agents of libmas, gateways and a registryd on a Redis Cluster under load: what the ledgers of clusters share.

Four senders, three receivers, two gateways; append-only files, receipts that wait for a replica. Nothing that was
accepted is lost, nothing is doubled in a stream, nothing is without its audit record. harness/ledger_case.py tells how a
run is repeated.
"""

from harness.gateway_peer import fnv1a64
from harness.ledger import deliveries_of_aof
from harness.ledger_case import APPEND_ONLY, LedgerCase
from harness.redis_cluster import RedisCluster

PARTITIONS = 16


class ClusterLedgerCase(LedgerCase):
    receivers = 3
    rate = 100
    drained = True

    def make_redis(self):
        cluster = RedisCluster(self.dir, **APPEND_ONLY, min_replicas_to_write="1", min_replicas_max_lag="10")
        self.addCleanup(cluster.stop)
        return cluster.start()

    def config(self):
        return {"lease": {"ttl": "2s"}, "delivery": {"wait_replicas": 1}}

    def deliveries(self):
        """What those have that serve now: a replica that has taken over has what its primary had. In the order of each
        stream, whose slot may have been at several nodes."""
        found = {}
        for node in self.redis.primaries():
            for delivery in deliveries_of_aof(node.directory):
                found.setdefault((delivery.stream, delivery.entry, delivery.message_id), delivery)
        return sorted(found.values(), key=lambda d: (d.stream, *map(int, d.entry.split("-"))))  # stable within an entry

    def waiting(self, target):
        return sum(self.redis.cmd("XLEN", f"agent.stream:{target}:{{{p}}}") for p in range(PARTITIONS))

    def letters(self):
        entries = [entry for p in range(PARTITIONS) for entry in self.redis.cmd("XRANGE", f"dlq:messages:{{{p}}}", "-", "+")]
        return {dict(zip(fields[::2], fields[1::2]))["id"] for _, fields in entries}

    def start_all(self):
        self.start_daemon("mas-registryd", self.redis, {"lease": {"ttl": "2s"}})
        for _ in range(2):
            self.gatewayd()
        self.start_load()
        self.wait_progress("at the start")
        self.keep_up()

    def key_of_first_sender(self):
        return f"mas.ingress:{{{fnv1a64(self.sources[0]) % PARTITIONS}}}"
