"""Every message of agents of libmas is counted while a Redis Cluster of three primaries fails over and moves slots.

Four senders, three receivers, two gateways; append-only files, receipts that wait for a replica. Nothing that was
accepted is lost, nothing is doubled in a stream, nothing is without its audit record. harness/ledger_case.py tells how a
run is repeated.
"""

from harness import main
from harness.gateway_peer import fnv1a64
from harness.ledger import deliveries_of_aof
from harness.ledger_case import APPEND_ONLY, LedgerCase, repeated
from harness.redis_cluster import RedisCluster

PARTITIONS = 16


class ClusterLedgerTest(LedgerCase):
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
