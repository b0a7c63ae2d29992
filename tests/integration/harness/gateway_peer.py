"""A sender and receiver in gateway mode, written from proto/README.md and nothing else: frames, receipts, entries.

It says what it is told to say, also what is wrong: tests change single bytes, send frames twice, skip numbers.
"""

import hashlib
import hmac
import json
import os
import struct
import time
import uuid

from .poll import poll_until

DECISIONS = {
    1: "ALLOWED", 2: "REDACTED", 3: "ENCRYPTED", 4: "QUEUED_OFFLINE", 16: "AUTH_FAILED", 17: "REVOKED", 18: "SUSPENDED",
    19: "SIGNATURE_INVALID", 20: "REPLAYED", 21: "AUTHZ_DENIED", 22: "RATE_LIMITED", 23: "DLP_BLOCKED", 24: "CIRCUIT_OPEN",
    25: "TARGET_NOT_FOUND", 26: "TARGET_OVERLOADED", 27: "EXPIRED", 28: "LOOP_DETECTED", 29: "MALFORMED", 30: "TOO_LARGE",
    31: "DLQ_FULL", 32: "UNAVAILABLE",  # HELD comes as AUTHZ_DENIED
}
TICKET_BYTES = 56


def fnv1a64(text):
    value = 0xcbf29ce484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001b3) & 0xffffffffffffffff
    return value


def text16(data):
    return struct.pack("<H", len(data)) + data


def record(envelope, ticket=b"", flags=0):
    flags |= 1 if ticket else 0
    return struct.pack("<IB", 1 + len(ticket) + len(envelope), flags) + ticket + envelope


def failure_report(entry, index, reason="handler returned a failure", lane=2, handled=0):
    """A record that says that the handler of a message failed."""
    return record(struct.pack("<BBII", 1, lane, index, handled) + text16(entry.encode()) + text16(reason.encode()), flags=8)


def records_of_entry(blob):
    """[(flags, ticket, envelope as a dict)] of a stream entry's field `b`."""
    assert blob[:1] == b"\x01", "version of the entry"
    found, at = [], 1
    while at < len(blob):
        size, flags = struct.unpack_from("<IB", blob, at)
        ticket = blob[at + 5:at + 5 + TICKET_BYTES] if flags & 1 else b""
        found.append((flags, ticket, json.loads(blob[at + 5 + len(ticket):at + 4 + size])))
        at += 4 + size
    return found


class Receipt:
    """kind: 1 decided, 2 resend from, 3 frame refused. outcomes: {offset: (decision, retry after ms, detail)}."""

    def __init__(self, data):
        version, self.kind = data[0], data[1]
        assert version == 1, "version of the receipt"
        self.frame = data[2:18]
        self.sequence, self.count, outcomes = struct.unpack_from("<QII", data, 18)
        self.outcomes, at = {}, 34
        for _ in range(outcomes):
            offset, decision, retry, size = struct.unpack_from("<IBIH", data, at)
            detail = data[at + 11:at + 11 + size].decode()
            held = decision == 21 and detail.startswith("HELD: ")
            self.outcomes[offset] = ("HELD", retry, detail[6:]) if held else (DECISIONS[decision], retry, detail)
            at += 11 + size
        assert at == len(data), "end of the receipt"

    def decisions(self):
        """The decision of each record of a decided frame; of the frame, where it was refused as a whole."""
        if self.kind == 1:
            return [self.outcomes.get(i, ("ALLOWED",))[0] for i in range(self.count)]
        return [outcome[0] for outcome in self.outcomes.values()]


class GatewayPeer:
    """One instance of an agent. @param redis a RedisServer. @param key (key id, 32 bytes) to sign with, else `token`."""

    def __init__(self, redis, agent_id, token=None, key=None, namespace="", partitions=16, register=True, active=True):
        self.redis, self.id, self.key, self.namespace = redis, agent_id, key, namespace
        self.prefix = f"{namespace}/" if namespace else ""
        self.partition = fnv1a64(agent_id) % partitions
        self.instance = os.urandom(16)
        self.token = token or f"token-of-{agent_id}"
        self.next = 1
        self.listener = None
        self.listen()
        if register:
            redis.cmd("HSET", f"{self.prefix}agent:{agent_id}", "id", agent_id, "capabilities", "[]", "metadata", "{}",
                      "status", "ACTIVE" if active else "INACTIVE", "mode", "gateway", "token", self.token)

    def listen(self):
        """Subscribes to its receipts, anew if need be."""
        self.close()
        self.listener = self.redis.client()
        self.listener.subscribe(f"{self.prefix}mas.receipts:{self.id}:{self.instance.hex()}")

    def close(self):
        if self.listener is not None:
            self.listener.close()

    def envelope(self, target, message_type="note", data=None, message_id=None, **meta):
        return json.dumps({
            "sender_id": self.id, "target_id": target, "message_type": message_type, "data": data or {},
            "meta": {"version": 1, "correlation_id": None, "expects_reply": False, "is_reply": False, **meta},
            "timestamp": time.time(), "message_id": message_id or str(uuid.uuid4()),
        }, separators=(",", ":")).encode()

    def frame(self, records, sequence, timestamp=None, frame_id=None, partition=None, sender=None):
        """@param records encoded ones. @return the bytes of a frame, signed if the peer has a key."""
        kind = 2 if self.key else 1
        credential = (self.key[0] if self.key else self.token).encode()
        when = int((time.time() if timestamp is None else timestamp) * 1e6)
        header = struct.pack("<BB", 1, kind) + (frame_id or os.urandom(16)) + self.instance + \
            struct.pack("<QQ", sequence, when) + text16((sender or self.id).encode()) + text16(credential)
        mac = b""
        if self.key:
            partition = self.partition if partition is None else partition
            signed = text16(b"mas.ingress.v1") + text16(self.namespace.encode()) + struct.pack("<I", partition) + \
                header + struct.pack("<I", len(records))
            for item in records:
                ticket = item[5:5 + TICKET_BYTES] if item[4] & 1 else b""
                signed += item[4:5] + ticket + hashlib.sha256(item[5 + len(ticket):]).digest()
            mac = hmac.digest(self.key[1], signed, "sha256")
        return header + mac + struct.pack("<I", len(records)) + b"".join(records)

    def push(self, frame, partition=None):
        partition = self.partition if partition is None else partition
        self.redis.cmd("RPUSH", f"{self.prefix}mas.ingress:{{{partition}}}", frame)

    def receipt(self, timeout=10.0):
        message = self.listener.message(timeout)
        return None if message is None else Receipt(message[1].encode("utf-8", "surrogateescape"))

    def send(self, *envelopes, sequence=None, ticket=b"", **frame):
        """Sends records as one frame with the next numbers and waits for its receipt."""
        first = self.next if sequence is None else sequence
        self.push(self.frame([record(envelope, ticket) for envelope in envelopes], first, **frame))
        receipt = self.receipt()
        assert receipt is not None, f"no receipt for {self.id}"
        if receipt.kind == 1 and sequence is None:
            self.next = first + len(envelopes)
        return receipt

    def entries(self, stream=""):
        """[[(flags, ticket, envelope)]] that lie in one of the agent's streams, by entry."""
        found = self.redis.cmd("XRANGE", f"{self.prefix}agent.stream:{self.id}{stream}", "-", "+")
        return [records_of_entry(fields[1].encode("utf-8", "surrogateescape")) for _, fields in found]

    def messages(self, stream=""):
        return [envelope for entry in self.entries(stream) for _, _, envelope in entry]

    def wait_messages(self, count, stream="", timeout=10.0):
        poll_until(lambda: len(self.messages(stream)) >= count, timeout,
                   lambda: f"{self.id}{stream} has {count} messages; it has {len(self.messages(stream))}")
        return self.messages(stream)
