"""The stage of the tests with Redis Sentinel: a primary, two replicas, three sentinels, and ways to fail over."""

import time

from harness import MasTestCase, RespError, poll_until
from harness.partition import Here
from harness.redis_server import own_address
from harness.sentinel_server import NAME, SentinelServer

SENTINELS = 3
KNOWN = 15  # seconds in which sentinels find replicas and each other


class SentinelStage:
    """The servers of one test. `primary` is the one that serves; `nodes` are all three."""

    def __init__(self, case, sentinel_password=None, here=None, there=None, tls=None, **options):
        """@param here the Host of the primary. @param there the Host of all others. @param tls as RedisServer's: all
        links use it."""
        self._case = case
        self._password = sentinel_password
        here, self._there = here or Here(own_address()), there or Here(own_address())
        self._options = {"repl_diskless_sync_delay": "0", "repl_backlog_size": "32mb", **options}
        if tls:
            self._options |= {"tls": tls, "tls_replication": "yes"}
        self._tls = tls
        self.primary = self._start_node(0, here)
        self.nodes = [self.primary]
        for i in (1, 2):
            self.nodes.append(self._start_node(i, self._there, replicaof=f"{self.primary.host} {self.primary.service_port}"))
        self.wait_in_sync()
        self.sentinels = [self._start_sentinel(i) for i in range(SENTINELS)]
        poll_until(lambda: all(s.knows(2, SENTINELS - 1) for s in self.sentinels), KNOWN, "they know everybody")

    def _start_node(self, i, side, **more):
        with side:
            return self._case.start_redis(f"node-{i}", tcp=True, host=side.address, replica_announce_ip=side.address,
                                          **self._options, **more)

    def _start_sentinel(self, i):
        sentinel = SentinelServer(self._case.dir, f"sentinel-{i}", self.primary, password=self._password,
                                  side=self._there, tls=self._tls).start()
        self._case.addCleanup(sentinel.stop)
        return sentinel

    def url(self, query="", sentinels=None):
        hosts = ",".join(s.address for s in sentinels or self.sentinels)
        secret = self.primary.options.get("requirepass")
        if self._tls:
            query = (query + "&" if query else "?") + "&".join(f"{name}={path}" for name, path in self._tls.items())
        scheme = "rediss+sentinel" if self._tls else "redis+sentinel"
        return f"{scheme}://{f':{secret}@' if secret else ''}{hosts}/{NAME}{query}"

    def replicas(self):
        return [node for node in self.nodes if node is not self.primary]

    def wait_in_sync(self):
        for node in self.replicas():
            poll_until(lambda: node.info("replication").get("master_link_status") == "up", 20, "it replicates")

    # ---- fail-overs: each returns the moment from which programs can follow, when a sentinel names the new primary

    def kill(self):
        self.primary.kill()
        return self.wait_new_primary()

    def freeze(self):
        self.primary.pause()
        return self.wait_new_primary()

    def by_sentinel(self):
        poll_until(self._told_to_fail_over, 20, "a sentinel fails over", 0.2)
        return self.wait_new_primary()

    def _told_to_fail_over(self):
        try:
            return self.sentinels[0].cmd("SENTINEL", "FAILOVER", NAME) == "OK"
        except RespError:  # -INPROG, or no replica is good yet
            return False

    def coordinated(self):
        """Sentinels do not know of it."""
        self.primary.cmd("FAILOVER", "TO", self.nodes[1].host, self.nodes[1].service_port, "TIMEOUT", 5000)
        return self.wait_new_primary(named=False)

    def wait_new_primary(self, timeout=30, named=True):
        former = self.primary
        self.primary = poll_until(
            lambda: next((node for node in self.nodes if node is not former and self._serves(node)), None), timeout,
            "a replica is primary", 0.005)
        if named:
            where = (self.primary.host, self.primary.service_port)
            poll_until(lambda: any(s.primary() == where for s in self.sentinels if not s.paused), timeout,
                       "a sentinel names it", 0.005)
        return time.monotonic()

    @staticmethod
    def _serves(node):
        try:
            return node.cmd("ROLE")[0] == "master"
        except OSError:
            return False


class SentinelCase(MasTestCase):
    def start_stage(self, **options):
        self.stage = SentinelStage(self, **options)
        return self.stage
