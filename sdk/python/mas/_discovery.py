"""Finding agents: the library's list as plain dicts."""

from __future__ import annotations

import ctypes
import json
from typing import Any, TypedDict

from ._errors import check
from ._library import lib

TIMEOUT_MS = 10000
_ANY = 0  # MAS_DISCOVER_ANY


class AgentRecord(TypedDict):
    """An agent as discover() finds it."""

    id: str
    capabilities: list[str]
    metadata: dict[str, Any]


def discover(pointer: int, capabilities: list[bytes]) -> list[AgentRecord]:
    """Waits for Redis; for a worker. @return id, capabilities and metadata of each agent, in order of id."""
    found = ctypes.c_void_p()
    wanted = (ctypes.c_char_p * len(capabilities))(*capabilities)
    check(lib.mas_agent_discover(pointer, wanted, len(capabilities), _ANY, 0, TIMEOUT_MS, ctypes.byref(found)),
          "discovering agents")
    try:
        return [_record(found, i) for i in range(lib.mas_agent_list_size(found))]
    finally:
        lib.mas_agent_list_free(found)


def _record(found: ctypes.c_void_p, i: int) -> AgentRecord:
    count = lib.mas_agent_list_capability_count(found, i)
    return {
        "id": lib.mas_agent_list_id(found, i).decode("utf-8", "replace"),
        "capabilities": [lib.mas_agent_list_capability(found, i, j).decode("utf-8", "replace") for j in range(count)],
        "metadata": _metadata(lib.mas_agent_list_metadata(found, i)),
    }


def _metadata(text: bytes) -> dict[str, Any]:
    """What another agent says of itself: {} where Python cannot read it, so that one agent does not hide the others."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # such as an integer of more digits than Python takes
        return {}
