"""The ledger of a gateway test: what was sent, receipted, delivered, handled and audited, and whether it adds up.

What was delivered is read from Redis's own append-only file, which has every XADD to every stream in order, also of
entries that were acknowledged and deleted long ago. What agents did is read from the lines of mas-ledger-agent.
"""

import collections
import glob
import json
import os
import re
import struct

from .resp import Parser

_TICKET_BYTES = 56
_STREAM = re.compile(r"^(?:[^/]+/)?agent\.stream:")

Delivery = collections.namedtuple("Delivery", "sender target number message_id stream entry")


def commands_of_aof(directory):
    """Every command in the append-only files of a Redis's directory, as lists of texts, transactions as one list of
    lists. A transaction that is cut off at the end (a crash) never happened."""
    transaction = None
    files = glob.glob(os.path.join(directory, "appendonlydir", "*.incr.aof"))
    for path in sorted(files, key=lambda path: int(path.rsplit(".", 3)[1])):
        parser = Parser()
        with open(path, "rb") as file:
            parser.feed(file.read())
        while (parsed := parser.next()) is not None:
            command = parsed[0]
            name = command[0].upper()
            if name == "MULTI":
                transaction = []
            elif name == "EXEC":
                yield transaction or []
                transaction = None
            elif transaction is not None:
                transaction.append(command)
            else:
                yield [command]
        transaction = None


def records_of_entry(blob):
    """The envelopes of a stream entry's field `b`, but of messages that are delivered again since their handler failed."""
    raw = blob.encode("utf-8", "surrogateescape")
    assert raw[0] == 1, f"entry version {raw[0]}"
    at, envelopes = 1, []
    while at < len(raw):
        (size,) = struct.unpack_from("<I", raw, at)
        record = raw[at + 4:at + 4 + size]
        assert len(record) == size, "a record is cut off"
        if not record[0] & 4:
            envelopes.append(record[1 + (_TICKET_BYTES if record[0] & 1 else 0):])
        at += 4 + size
    return envelopes


def deliveries_of_aof(directory):
    """What entered the streams of agents, in order. An entry that the same transaction took back did not."""
    found = []
    for transaction in commands_of_aof(directory):
        taken_back = {(c[1], entry) for c in transaction if c[0].upper() == "XDEL" for entry in c[2:]}
        for command in transaction:
            if command[0].upper() == "XADD" and _STREAM.match(command[1]):
                found += _deliveries(command, taken_back)
    return found


def _deliveries(xadd, taken_back):
    entry = next(i for i in range(2, len(xadd)) if re.fullmatch(r"\d+-\d+", xadd[i]))
    if (xadd[1], xadd[entry]) in taken_back:
        return
    fields = dict(zip(xadd[entry + 1::2], xadd[entry + 2::2]))
    for envelope in records_of_entry(fields["b"]):
        said = json.loads(envelope)
        yield Delivery(said["sender_id"], said["target_id"], said["data"].get("n"), said["message_id"], xadd[1],
                       xadd[entry])


class AgentLog:
    """The lines of a mas-ledger-agent, over all its starts."""

    def __init__(self, agent_id):
        self.id = agent_id
        self.tried = {}      # number → target
        self.sent = {}       # message id → number
        self.receipts = {}   # message id → (status, decision)
        self.repeated = []   # message ids that had two receipts
        self.handled = []    # (sender, number, message id)
        self.failed = []     # message ids, each time that their handler failed
        self.doubted = []    # message ids that were accepted, and that Redis may have lost
        self.forgotten = 0   # further ones, at most, without their ids

    def read(self, text):
        for line in text.splitlines():
            word, *rest = line.split(" ")
            if word == "try":
                self.tried[int(rest[0])] = rest[1]
            elif word == "sent":
                self.sent[rest[1]] = int(rest[0])
            elif word == "receipt":
                if rest[0] in self.receipts:
                    self.repeated.append(rest[0])
                self.receipts[rest[0]] = (" ".join(rest[2:-1]), rest[-1])
            elif word == "got":
                self.handled.append((rest[0], int(rest[1]), rest[2]))
            elif word == "failed":
                self.failed.append(rest[2])
            elif word == "doubt":
                self.doubted.append(rest[0])
            elif word == "forgotten":
                self.forgotten += int(rest[0])
        return self


class Ledger:
    """Adds up. Every check returns complaints, a list of texts; all of them together are problems()."""

    def __init__(self, deliveries, senders, receivers, audited, letters=(), unread=()):
        """@param audited (message id, decision) of every record in the audit log. @param letters ids of messages in the
        dead-letter queue. @param unread targets that nobody reads for."""
        self.letters, self.unread = set(letters), set(unread)
        self.deliveries, self.senders, self.receivers, self.audited = deliveries, senders, receivers, audited
        self.delivered_ids = collections.Counter(d.message_id for d in deliveries)
        self.decisions = collections.Counter(r[1] for s in senders for r in s.receipts.values())

    def summary(self):
        tried = sum(len(s.tried) for s in self.senders)
        receipts = sum(len(s.receipts) for s in self.senders)
        handled = sum(len(r.handled) for r in self.receivers)
        return (f"{tried} tried, {receipts} receipts {dict(self.decisions)}, {len(self.deliveries)} delivered, "
                f"{handled} handled, {len(self.letters)} dead letters, {len(self.audited)} audited")

    def accepted_ids(self):
        return {i for s in self.senders for i, (status, _) in s.receipts.items() if status == "ok"}

    def problems(self, receivers_died=False):
        return [*self.lost(), *self.doubled(), *self.strays(), *self.reordered(), *self.unaudited(),
                *self.mishandled(receivers_died)]

    def lost(self):
        """Receipted as allowed and in no stream; or left without a receipt by a sender that ended in order."""
        complaints = [f"{i} was receipted as accepted and never delivered" for i in self.accepted_ids()
                      if self.delivered_ids[i] == 0]
        for sender in self.senders:
            complaints += [f"{i} of {sender.id} has two receipts" for i in sender.repeated]
        return complaints

    def doubled(self):
        numbers = collections.Counter((d.sender, d.number) for d in self.deliveries)
        return ([f"{i} was delivered {n} times" for i, n in self.delivered_ids.items() if n > 1] +
                [f"number {n} of {sender} was delivered {times} times" for (sender, n), times in numbers.items()
                 if times > 1])

    def strays(self):
        """Delivered, though never sent, or to another target, or though the receipt says that it was refused."""
        complaints = []
        logs = {s.id: s for s in self.senders}
        for d in self.deliveries:
            log = logs.get(d.sender)
            if log is None or log.tried.get(d.number) != d.target:
                complaints.append(f"number {d.number} of {d.sender} came to {d.target} and was not sent there")
            elif log.receipts.get(d.message_id, ("ok",))[0] not in ("ok", "timeout"):
                complaints.append(f"{d.message_id} was delivered; its receipt says {log.receipts[d.message_id]}")
        return complaints

    def reordered(self):
        """Per sender, target and lane, numbers only rise."""
        last, complaints = {}, []
        for d in self.deliveries:
            key = (d.sender, d.target, d.stream)
            if d.number <= last.get(key, -1):
                complaints.append(f"number {d.number} of {d.sender} to {d.target} came after {last[key]}")
            last[key] = d.number
        return complaints

    def unaudited(self):
        """Every delivered message has exactly one record that says so, and no record speaks of anything else."""
        accepting = collections.Counter(i for i, decision in self.audited
                                        if decision in ("ALLOWED", "REDACTED", "ENCRYPTED", "QUEUED_OFFLINE"))
        return ([f"{i} was delivered and has {accepting[i]} records" for i in self.delivered_ids if accepting[i] != 1] +
                [f"{i} was recorded as accepted and not delivered" for i in accepting if not self.delivered_ids[i]])

    def mishandled(self, receivers_died):
        """Every delivered message was handled, in order and once, or is a dead letter; more than once only where a
        receiver died, out of order also where a handler failed."""
        if not self.receivers:
            return []
        handled = collections.Counter(i for r in self.receivers for _, _, i in r.handled)
        complaints = [f"{d.message_id} was delivered and not handled" for d in self.deliveries
                      if not handled[d.message_id] and d.message_id not in self.letters and d.target not in self.unread]
        complaints += [f"{i} was handled and never delivered" for i in handled if not self.delivered_ids[i]]
        if receivers_died:
            return complaints
        complaints += [f"{i} was handled {n} times" for i, n in handled.items() if n > 1]
        for receiver in self.receivers:
            last = {}
            if receiver.failed:
                continue
            for sender, number, _ in receiver.handled:
                if number <= last.get(sender, -1):
                    complaints.append(f"{receiver.id} handled number {number} of {sender} after {last[sender]}")
                last[sender] = number
        return complaints
