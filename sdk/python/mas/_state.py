"""An agent's state: a dict of anything, or an instance of a model, kept in Redis as a hash of texts.

Reading is local. An update changes memory at once and then writes all its fields, or none, to Redis; updates are
written in the order in which they were made. What is written is what the original framework writes: JSON of lists and
dicts, str() of everything else. Models, enumerations and sets, which have no readable str(), are written as JSON or as
their value.
"""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import Any

from . import _errors, _models, _payload, _texts, _workers
from ._errors import AgentStateError
from ._library import lib
from ._native import Native
from ._prototypes import StateField

TIMEOUT_MS = 5000  #: for Redis to take an update


def text_of(value: Any) -> str:
    """A value as Redis holds it."""
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=_payload.plain)
    if isinstance(value, (tuple, set, frozenset)):
        return json.dumps(list(value), default=_payload.plain)
    if hasattr(value, "model_dump_json") and not isinstance(value, type):
        return value.model_dump_json()
    if hasattr(value, "parse_obj") and not isinstance(value, type):  # pydantic 1
        return value.json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return json.dumps(dataclasses.asdict(value), default=_payload.plain)
    return str(value)


class StateManager:
    """The state of one agent, from start to stop."""

    def __init__(self, model: Any = None):
        """@param model None: a dict. @raise TypeError not a model."""
        if model is not None:
            _models.require(model, "state_model")
        self._model = model
        self._value: Any = None
        self._fields: dict[str, Any] = {}
        self._lock = asyncio.Lock()

    @property
    def value(self) -> Any:
        """@raise AgentStateError before load()."""
        if self._value is None:
            raise AgentStateError("Agent not started. The state is loaded by start().")
        return self._value

    def begin(self, native: Native) -> None:
        """load() at a start, which may be in another event loop than the last one."""
        self._lock = asyncio.Lock()
        self.load(native)

    def load(self, native: Native) -> None:
        """Takes over what the library has loaded. @raise StateError names the field that does not fit."""
        texts = native.state()
        if self._model is None:
            self._value = dict(texts)
            return
        self._fields = _models.field_types(self._model)
        self._value = _texts.parse_texts(self._model, texts)

    async def update(self, native: Native, changes: Mapping[str, Any]) -> None:
        """Memory has the changes before this first waits. @raise ValueError a field that the model lacks; MASError."""
        changes = _payload.as_dict(changes, "the update")
        value = self.value
        texts = {_payload.name(key, "a field's name"): text_of(item).encode() for key, item in changes.items()}
        if self._model is None:
            value.update(changes)
        else:
            for key in changes:
                if key not in self._fields and not hasattr(value, key):
                    raise ValueError(f"{self._model.__name__} has no field {key!r}; it has {', '.join(self._fields)}")
            for key, item in changes.items():
                setattr(value, key, item)
        if texts:
            # In a task of its own: memory has the update, so Redis gets it, too, although the caller is cancelled.
            await asyncio.shield(asyncio.create_task(self._in_order(native, texts)))

    async def _in_order(self, native: Native, texts: dict[bytes, bytes]) -> None:
        async with self._lock:
            await _workers.run(native, lambda pointer: _write(pointer, texts), _workers.stay)

    async def reset(self, native: Native) -> None:
        """An empty dict or a fresh model; the hash is deleted."""
        self._value = {} if self._model is None else self._model()
        async with self._lock:
            await _workers.run(native, _delete, _workers.stay)

    async def refresh(self, native: Native) -> None:
        """Loads from Redis again what another instance or an operator has changed."""
        async with self._lock:
            await _workers.run(native, _reload, _workers.stay)
            self.load(native)


def _write(pointer: int, texts: dict[bytes, bytes]) -> None:
    fields = (StateField * len(texts))(*(StateField(key, text, len(text)) for key, text in texts.items()))
    _errors.check(lib.mas_state_update(pointer, fields, len(texts), TIMEOUT_MS), "writing the state")


def _delete(pointer: int) -> None:
    _errors.check(lib.mas_state_reset(pointer, TIMEOUT_MS), "resetting the state")


def _reload(pointer: int) -> None:
    _errors.check(lib.mas_state_refresh(pointer, TIMEOUT_MS), "loading the state")
