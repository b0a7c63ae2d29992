"""A private Redis Cluster: three primaries, a replica of each, on a loopback address of this process's own."""

import binascii
import contextlib
import itertools
import subprocess
import time

from .partition import Here
from .poll import poll_until
from .redis_server import RedisServer, next_port, own_address
from .resp import RespError

SLOTS = 16384
SHARDS = 3
SETTLED = 30  # seconds


def slot_of(key):
    """The slot of a key (Redis Cluster specification: CRC16 of what stands between the first braces, if anything does)."""
    raw = key.encode("utf-8", "surrogateescape")
    begin = raw.find(b"{")
    end = raw.find(b"}", begin + 1)
    if begin >= 0 and end > begin + 1:
        raw = raw[begin + 1:end]
    return binascii.crc_hqx(raw, 0) % SLOTS


class Move:
    """A slot on its way from one node to another."""

    def __init__(self, slot, origin, to):
        self.slot, self.origin, self.to = slot, origin, to

    def keys(self):
        """What is in the slot goes to where it moves."""
        while keys := self.origin.cmd("CLUSTER", "GETKEYSINSLOT", self.slot, 100):
            for key in keys:
                try:
                    self.origin.cmd("MIGRATE", self.to.host, self.to.service_port, key, 0, 5000)
                except RespError as error:  # it had ended, and was made anew at the other node
                    if not str(error).startswith("BUSYKEY"):
                        raise
                    self.origin.cmd("DEL", key)


class RedisCluster:
    """Happy path: start() … url() … stop(). `nodes`: the first SHARDS are primaries at the start, the others their
    replicas; those of further shards follow."""

    def __init__(self, directory, sides=None, tls=None, **options):
        """@param sides the Host of each node, as in harness/partition.py. @param tls as RedisServer's: all links use it."""
        self._directory = directory
        self._options = {"cluster_enabled": "yes", "cluster_node_timeout": "2000", "repl_diskless_sync_delay": "0", **options}
        if tls:
            self._options |= {"tls_cluster": "yes", "tls_replication": "yes"}
        self._tls = tls
        self._paused = []
        self.removed = []  # primaries that were removed, with what they had logged
        self._sides = sides or [Here(own_address())] * (2 * SHARDS)
        self.nodes = [self._make_node(i, side) for i, side in enumerate(self._sides)]

    def start(self):
        for node, side in zip(self.nodes, self._sides):
            with side:
                self._start_node(node)
        for i, node in enumerate(self.nodes[:SHARDS]):
            node.cmd("CLUSTER", "ADDSLOTSRANGE", SLOTS * i // SHARDS, SLOTS * (i + 1) // SHARDS - 1)
            node.cmd("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
        for node in self.nodes[1:]:
            self.nodes[0].cmd("CLUSTER", "MEET", node.host, node.service_port, node.bus_port)
        for i, node in enumerate(self.nodes[SHARDS:]):
            poll_until(lambda: self._replicates(node, self.nodes[i]), SETTLED, "a replica knows its primary")
        poll_until(self._settled, SETTLED, "every node sees the whole cluster")
        return self

    def stop(self):
        for node in self.nodes:
            node.stop()

    def url(self):
        """With TLS, the authority and the certificate are in it, too."""
        nodes = ",".join(f"{node.host}:{node.service_port}" for node in self.nodes)
        if self._tls is None:
            return f"redis+cluster://{nodes}"
        return f"rediss+cluster://{nodes}?" + "&".join(f"{name}={path}" for name, path in self._tls.items())

    # ---- who serves

    def living(self):
        """Those that answer."""
        return [node for node in self.nodes if node._process is not None and node not in self._paused]

    def primaries(self):
        """Those that serve slots."""
        return [node for node in self.living() if self._own_slots(node)]

    def primary_of(self, key):
        slot = slot_of(key)
        return next(node for node in self.living() if any(first <= slot <= last for first, last in self._own_slots(node)))

    def replica_of(self, primary):
        return next(node for node in self.living() if node.info("replication").get("master_port") == str(primary.service_port))

    # ---- talking to it

    def cmd(self, *args, key=None):
        """One command, at the primary of its key. @param key by default the command's first argument."""
        return self.primary_of(args[1] if key is None else key).cmd(*args)

    def scan(self, pattern="*"):
        """Every key of every primary that matches, sorted."""
        return sorted(itertools.chain.from_iterable(node.scan(pattern) for node in self.primaries()))

    # ---- faults

    def fail_over(self, primary):
        """Kills a primary, and waits until its replica serves."""
        slots, replica = self._own_slots(primary), self.replica_of(primary)
        primary.cmd("WAIT", 1, 1000)  # what was written before this is in the replica
        primary.kill()
        poll_until(lambda: self._own_slots(replica) == slots, SETTLED, "the replica serves", 0.1)
        return replica

    def stand_still(self, primary):
        """Stops a primary's process, as it stands, and waits until its replica serves."""
        slots, replica = self._own_slots(primary), self.replica_of(primary)
        self._paused.append(primary)
        primary.pause()
        poll_until(lambda: self._own_slots(replica) == slots, SETTLED, "the replica serves", 0.1)
        return replica

    def go_on(self, node):
        """Of a primary that has stood still; it becomes a replica."""
        self._paused.remove(node)
        node.resume()
        poll_until(lambda: node.info("replication").get("master_link_status") == "up", SETTLED, "it is a replica", 0.1)

    def hand_over(self, primary):
        """The replica takes over in order: a coordinated fail-over. @return when it served, by time.monotonic()."""
        slots, replica = self._own_slots(primary), self.replica_of(primary)
        replica.cmd("CLUSTER", "FAILOVER")
        poll_until(lambda: self._own_slots(replica) == slots, SETTLED, "the replica serves", 0.01)
        serves = time.monotonic()
        poll_until(lambda: not self._own_slots(primary), SETTLED, "the former primary knows it", 0.05)
        return serves

    def wait_new_primary(self, primary):
        """Waits until the replica of a primary serves, which itself does not know it. @return the replica."""
        slots, replica = self._own_slots(primary), self.replica_of(primary)
        poll_until(lambda: self._own_slots(replica) == slots, SETTLED, "the replica serves", 0.1)
        return replica

    def reshard(self, origins, to, slots):
        """Moves as many slots, with what is in them, by Redis's own tool."""
        poll_until(self._agreed, SETTLED, "all nodes agree on who serves what", 0.05)
        self._cli("reshard", f"{to.host}:{to.port}", "--cluster-from", ",".join(node.id for node in origins),
                  "--cluster-to", to.id, "--cluster-slots", slots, "--cluster-yes")

    def add_shard(self):
        """@return its primary, which has no slots yet."""
        added = [self._make_node(len(self.nodes) + i, self._sides[0]) for i in range(2)]
        for node in added:
            self._start_node(node)
            node.cmd("CLUSTER", "MEET", self.nodes[0].host, self.nodes[0].port, self.nodes[0].bus_port)
        # Without slots it would follow them, and what it had logged would go with its data.
        added[0].cmd("CONFIG", "SET", "cluster-allow-replica-migration", "no")
        self.nodes += added
        poll_until(lambda: self._replicates(added[1], added[0]), SETTLED, "a replica knows its primary")
        poll_until(self._settled, SETTLED, "every node sees the whole cluster")
        return added[0]

    def remove_shard(self, primary):
        """Of a primary that was added, and whose slots are elsewhere; its replica may have followed them."""
        at = self.nodes.index(primary)
        for node in (self.nodes[at + 1], primary):
            self._cli("del-node", f"{self.nodes[0].host}:{self.nodes[0].port}", node.id)
            self.nodes.remove(node)
            node.stop()
        self.removed.append(primary)

    def move(self, key, to):
        """Moves the slot of a key, and what is in it, to another primary."""
        with self.moving(key, to) as move:
            move.keys()

    @contextlib.contextmanager
    def moving(self, key, to):
        """The slot of a key is being moved to another primary, with Move.keys(); at the end it has moved."""
        poll_until(self._agreed, SETTLED, "all nodes agree on who serves what", 0.05)
        slot, origin = slot_of(key), self.primary_of(key)
        to.cmd("CLUSTER", "SETSLOT", slot, "IMPORTING", origin.id)
        origin.cmd("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
        move = Move(slot, origin, to)
        yield move
        move.keys()
        for node in [to, origin, *(n for n in self.primaries() if n not in (to, origin))]:
            node.cmd("CLUSTER", "SETSLOT", slot, "NODE", to.id)

    # ---- inside

    def _make_node(self, i, side):
        node = RedisServer(self._directory, f"node-{i}", tcp=True, tls=self._tls, host=side.address,
                           cluster_announce_ip=side.address, **self._options)
        node.bus_port = next_port()
        node.options["cluster-port"] = str(node.bus_port)
        return node

    @staticmethod
    def _start_node(node):
        node.start()
        node.id = node.cmd("CLUSTER", "MYID")

    @staticmethod
    def _cli(*args):
        done = subprocess.run(["redis-cli", "--cluster", *map(str, args)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr

    @staticmethod
    def _replicates(node, primary):
        try:
            return node.cmd("CLUSTER", "REPLICATE", primary.id) == "OK"
        except RespError:
            return False

    @staticmethod
    def _own_slots(node):
        """[(first, last)] of what it serves, as it says itself."""
        line = next(line for line in node.cmd("CLUSTER", "NODES").splitlines() if "myself" in line)
        words = line.split()
        if "master" not in words[2]:
            return []
        return [tuple(map(int, (word.split("-") * 2)[:2])) for word in words[8:] if not word.startswith("[")]

    def _agreed(self):
        """Whether all nodes know the same slots and configuration epochs. Before a new owner knows the epoch of the last
        move, it may take none that is higher, and an older claim wins its slot back."""
        return len({self._claims_known_to(node) for node in self.living()}) == 1

    @staticmethod
    def _claims_known_to(node):
        lines = map(str.split, node.cmd("CLUSTER", "NODES").splitlines())
        return tuple(sorted((w[0], w[6], *(word for word in w[8:] if not word.startswith("["))) for w in lines))

    def _settled(self):
        for node in self.nodes:
            told = node.cmd("CLUSTER", "INFO")
            if "cluster_state:ok" not in told or f"cluster_known_nodes:{len(self.nodes)}" not in told:
                return False
            if "handshake" in node.cmd("CLUSTER", "NODES"):
                return False
            if "slave" in node.cmd("ROLE")[0] and node.info("replication").get("master_link_status") != "up":
                return False
        return True
