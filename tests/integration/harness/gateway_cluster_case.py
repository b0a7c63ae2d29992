"""A test with a gateway on a Redis Cluster of its own."""

import collections
import json

from .case import MasTestCase
from .cluster_peer import ClusterPeer
from .gateway_peer import fnv1a64
from .poll import poll_until
from .redis_cluster import SHARDS, RedisCluster

CONFIG = {"lease": {"ttl": "2s"}}
PARTITIONS = 16


class GatewayClusterCase(MasTestCase):
    options = {}  # of the nodes
    config = {}

    def setUp(self):
        super().setUp()
        self.cluster = RedisCluster(self.dir, **self.options)
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        self.gateway = self.start_gateway()

    def start_gateway(self, **config):
        gateway = self.start_daemon("mas-gatewayd", self.cluster, {**CONFIG, **self.config, **config})
        poll_until(lambda: gateway.ready()[1].get("deciding"), 20, "the gateway has fenced partitions")
        return gateway

    def peer(self, agent_id, **options):
        peer = ClusterPeer(self.cluster, agent_id, **options)
        self.addCleanup(peer.close)
        self.addCleanup(peer.woken.close)
        return peer

    def senders(self):
        """One peer for each of three partitions that are in different primaries, so that a turn has several scripts."""
        found = {}
        for n in range(200):
            peer = f"sender-{n}"
            node = self.cluster.primary_of(f"mas.ingress:{{{fnv1a64(peer) % PARTITIONS}}}")
            found.setdefault(node.port, peer)
            if len(found) == SHARDS:
                return [self.peer(name) for name in found.values()]
        raise AssertionError("no senders in all primaries")

    def away_from(self, key):
        """A primary that does not serve the key."""
        origin = self.cluster.primary_of(key)
        return next(node for node in self.cluster.primaries() if node is not origin)

    def ctl(self, *args, code=0):
        """A command of masctl that ends with this code. @return what it printed, or why it failed."""
        done = self.masctl(*args, redis=self.cluster)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def operator_records(self):
        entries = self.cluster.cmd("XRANGE", "mas.audit.operators", "-", "+")
        return [dict(zip(fields[::2], fields[1::2])) for _, fields in entries]

    def verify(self):
        """The chains of all partitions are intact."""
        result = self.masctl("audit", "verify", redis=self.cluster)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def audited(self):
        """How often each message stands in the audit's blocks as ALLOWED."""
        result = self.masctl("audit", "export", "--json", redis=self.cluster, timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        records = [json.loads(line) for line in result.stdout.splitlines()]
        return collections.Counter(one["message_id"] for one in records if one["decision"] == "ALLOWED")
