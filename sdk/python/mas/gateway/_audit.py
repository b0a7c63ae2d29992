"""The record of the gateways' decisions, read as the original framework's programs do."""

from __future__ import annotations

import datetime
from typing import Any

from ._masctl import Masctl

_DELIVERED = frozenset({"ALLOWED", "REDACTED", "ENCRYPTED", "QUEUED_OFFLINE"})
_MOST = 1_000_000  # records that masctl reads at once


class AuditModule:
    """Reads by `masctl audit query`; the record itself, and what it proves, is in docs/AUDIT.md."""

    def __init__(self, masctl: Masctl):
        self._masctl = masctl

    async def query_all(self, count: int = 100) -> list[dict[str, Any]]:
        """The newest decisions, newest first: message_id, sender_id, target_id, message_type, decision, reason,
        timestamp (seconds since 1970), violations (the names of what was found in the payload)."""
        found = await self._masctl.read("audit", "query", "--limit", str(max(1, min(count, _MOST))))
        return [_entry(record) for record in reversed(found["records"])]

    async def query_security_events(self, count: int = 100) -> list[dict[str, Any]]:
        """The newest refusals, newest first: event_type (the decision), timestamp, details."""
        refused = [entry for entry in await self.query_all(_MOST) if entry["decision"] not in _DELIVERED]
        return [{"event_type": entry["decision"], "timestamp": entry["timestamp"],
                 "details": {name: entry[name] for name in ("sender_id", "target_id", "message_id", "reason")}}
                for entry in refused[:count]]

    async def get_stats(self) -> dict[str, int]:
        """total_messages and security_events: how many decisions and how many refusals the record holds."""
        entries = await self.query_all(_MOST)
        refused = sum(entry["decision"] not in _DELIVERED for entry in entries)
        return {"total_messages": len(entries), "security_events": refused}


def _entry(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "message_id": record["message_id"], "sender_id": record["sender"], "target_id": record["target"],
        "message_type": record["type"], "decision": record["decision"], "reason": record["reason"],
        "timestamp": datetime.datetime.fromisoformat(record["time"]).timestamp(),
        "violations": [detector.split(" ", 1)[0] for detector in record["detectors"]]}
