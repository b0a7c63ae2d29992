"""A GatewayPeer on a Redis Cluster: its keys are in slots, its receipts and wake-ups come by sharded channels."""

import time

from .gateway_peer import GatewayPeer, Receipt, record, records_of_entry
from .poll import poll_until
from .resp import RespError, encode

OFTEN = 0.2  # seconds between looks whether a subscription is still at the node of its slot


class ShardedListener:
    """Messages of one sharded channel, wherever its slot is. What is published while it moves may be missed."""

    def __init__(self, cluster, channel):
        self.cluster, self.channel, self.client, self.node = cluster, channel, None, None
        self._follow()

    def message(self, timeout=10.0):
        """The payload of the next message, or None."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            try:
                push = self.client._read(min(left, OFTEN))
                if push[0] == "smessage":
                    return push[2]
            except TimeoutError:
                pass
            except (OSError, ConnectionError):
                self.node = None
            self._follow()
        return None

    def close(self):
        if self.client is not None:
            self.client.close()

    def _follow(self):
        def subscribed():
            try:
                node = self.cluster.primary_of(self.channel)
                if node is self.node:
                    return True
                self.close()
                self.client = node.client()
                self.client._sock.sendall(encode("SSUBSCRIBE", self.channel))
                reply = self.client._read(5)
                if isinstance(reply, RespError):
                    return False
                self.node = node
                return True
            except (OSError, RespError, StopIteration, TimeoutError):
                return False

        poll_until(subscribed, 30, f"{self.channel} is subscribed to")


class ClusterPeer(GatewayPeer):
    """@param redis a RedisCluster."""

    def __init__(self, cluster, agent_id, **options):
        self.woken = ShardedListener(cluster, f"mas.wake:{{{agent_id}}}")
        super().__init__(cluster, agent_id, register=False, **options)
        cluster.cmd("HSET", f"agent:{{{agent_id}}}", "id", agent_id, "capabilities", "[]", "metadata", "{}", "status",
                    "ACTIVE", "mode", "gateway", "token", self.token)

    def listen(self):
        self.close()
        self.listener = ShardedListener(self.redis, f"mas.receipts:{{{self.id}}}:{self.instance.hex()}")

    def receipt(self, timeout=10.0):
        message = self.listener.message(timeout)
        return None if message is None else Receipt(message.encode("utf-8", "surrogateescape"))

    def entries(self, stream="", partition=None):
        """Of all partitions of senders, or of one."""
        partitions = range(16) if partition is None else [partition]
        found = []
        for p in partitions:
            key = f"agent.stream:{self.id}{stream}:{{{p}}}"
            found += self.redis.cmd("XRANGE", key, "-", "+")
        return [records_of_entry(fields[1].encode("utf-8", "surrogateescape")) for _, fields in found]

    def send_until_decided(self, *envelopes, timeout=40.0):
        """As send(), but sends the same frame again until there is a receipt, as libmas does."""
        records, first = [record(envelope) for envelope in envelopes], self.next
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                self.push(self.frame(records, first))
            except (OSError, RespError, StopIteration):
                time.sleep(0.1)
                continue
            until = time.monotonic() + 2
            while (receipt := self.receipt(max(0.0, until - time.monotonic()))) is not None:
                if receipt.kind == 1 and receipt.sequence == first and receipt.count == len(records):
                    self.next = first + len(envelopes)
                    return receipt
        raise AssertionError(f"no receipt for {self.id} in {timeout} s")
