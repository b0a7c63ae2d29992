"""Audit blocks, signed heads and archives as proto/README.md describes them, written from that text alone: what the
programs read and write is checked against this."""

import hashlib
import json
import struct
import subprocess
import uuid

DECISIONS = {"ALLOWED": 1, "QUEUED_OFFLINE": 4, "AUTHZ_DENIED": 21, "RATE_LIMITED": 22, "DLP_BLOCKED": 23}
GENESIS = bytes(32)
MAGIC = b"mas-audit-1\n"


def text16(data):
    return struct.pack("<H", len(data)) + data


def canonical_uuid(text):
    try:
        return uuid.UUID(text).bytes if str(uuid.UUID(text)) == text else None
    except ValueError:
        return None


class Texts:
    """The texts of a block, numbered from 1 in the order of their first use."""

    def __init__(self):
        self.numbers = {}

    def number(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        if not data:
            return 0
        return self.numbers.setdefault(data, len(self.numbers) + 1)

    def encoded(self):
        return b"".join(text16(data) for data in self.numbers)


def encode_record(texts, block_time, record):
    packed = canonical_uuid(record.get("message_id", ""))
    shadow, detectors = record.get("shadow"), record.get("detectors", [])
    flags = (0 if packed else 1) | (2 if shadow else 0) | (4 if detectors else 0)
    out = struct.pack("<Bi", flags, record.get("time", block_time) - block_time)
    out += packed or struct.pack("<H14x", texts.number(record.get("message_id", "")))
    out += struct.pack("<HHH", *(texts.number(record.get(name, "")) for name in ("sender", "target", "type")))
    out += struct.pack("<BH", DECISIONS[record.get("decision", "ALLOWED")], texts.number(record.get("reason", "")))
    out += struct.pack("<HQ", texts.number(record.get("instance", b"")), record.get("sequence", 0))
    out += record.get("payload", bytes(32))
    if shadow:
        out += struct.pack("<BH", DECISIONS[shadow[0]], texts.number(shadow[1]))
    if detectors:
        out += struct.pack("<B", len(detectors)) + b"".join(struct.pack("<H", texts.number(name)) for name in detectors)
    return out


class Chain:
    """The blocks of one partition."""

    def __init__(self, partition, epoch=1, namespace=b""):
        self.partition, self.epoch, self.namespace = partition, epoch, namespace
        self.blocks = []
        self.last_hash = GENESIS

    def build(self, number, previous, time, records, policy=bytes(32)):
        """@param time in microseconds. Returns the block's bytes."""
        texts = Texts()
        encoded = b"".join(encode_record(texts, time, record) for record in records)
        block = struct.pack("<BIQQQ", 2, self.partition, self.epoch, number, time) + previous + policy + text16(self.namespace)
        block += struct.pack("<IH", len(records), len(texts.numbers)) + texts.encoded() + encoded
        return block + hashlib.sha256(b"mas.audit.block.v2" + block).digest()

    def add(self, time, records):
        block = self.build(len(self.blocks) + 1, self.last_hash, time, records)
        self.blocks.append(block)
        self.last_hash = block[-32:]
        return block

    def write(self, redis, blocks=None):
        for block in self.blocks if blocks is None else blocks:
            redis.cmd("XADD", f"mas.audit:{{{self.partition}}}", "*", "b", block)


def archive(blocks):
    """A file of consecutive blocks."""
    out = MAGIC
    for number, block in enumerate(blocks, 1):
        frame = text16(f"{number}-0".encode()) + block
        out += struct.pack("<I", len(frame)) + frame
    return out


class Signer:
    """Ed25519 by the openssl program."""

    def __init__(self, directory):
        self.key, self.public = directory / "audit-key.pem", directory / "audit.pub"
        self.run("genpkey", "-algorithm", "ed25519", "-out", self.key)
        self.run("pkey", "-in", self.key, "-pubout", "-out", self.public)
        self.previous = bytes(32)

    @staticmethod
    def run(*args):
        return subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True).stdout

    def head(self, heads, trimmed=None, time=1795350097.5):
        """@param heads, trimmed partition → (block, hash). Returns the line; the next one follows it."""
        def told(blocks):
            return {str(p): {"block": number, "hash": digest.hex()} for p, (number, digest) in sorted(blocks.items())}

        text = json.dumps({"version": 1, "time": time, "namespace": "", "gateway": "0" * 32, "key": "0" * 16,
                           "heads": told(heads), "trimmed": told(trimmed or {}), "previous": self.previous.hex()},
                          separators=(",", ":"))
        message = self.key.parent / "head.bin"
        message.write_bytes(b"mas.audit.head.v1" + text.encode())
        signature = self.run("pkeyutl", "-sign", "-inkey", self.key, "-rawin", "-in", message)
        self.previous = hashlib.sha256(message.read_bytes()).digest()
        return f'{{"head":{text},"signature":"{signature.hex()}"}}'
