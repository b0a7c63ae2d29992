"""An agent's state: a dict of anything, or an instance of a model, kept in Redis as a hash of texts.

Happy path: begin() → update(), reset(), refresh() → finish().

Reading is local. An update changes memory at once and then writes all its fields, or none, to Redis, and with them what
the program has changed in place since it was last read or written. Updates, resets and refreshes reach Redis in the
order of their calls, also where a caller is cancelled. _texts.py has the texts.

Failure modes
  - an update that does not fit the model: ValueError; neither memory nor Redis has any of it.
  - the library refuses an update, such as one that is too large: memory goes back to what it had.
  - Redis does not take an update or a reset: memory stays ahead, and the next update repeats it. refresh() drops it.
  - finish() runs out of time: what is left is not written; a warning says how much.
Threading: the agent's loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from . import _errors, _kinds, _models, _payload, _texts, _workers
from ._errors import AgentStateError, InvalidArgumentError, PayloadError
from ._library import lib
from ._native import Native
from ._prototypes import StateField

log = logging.getLogger("mas.agent")

TIMEOUT_MS = 5000  #: for Redis to take an update
_ABSENT = object()
_STR = frozenset({str, int, float, bool, type(None)})  # whose text is str()
_DATA = (str, int, float, list, tuple, set, frozenset, dict, bytes, type(None))  # what is kept in a field of any type

Texts = dict[bytes, bytes]


class _Change:
    """An update or a reset whose turn to be written has not come, or that is being written."""

    def __init__(self, texts: Texts | None, before: dict[str, Any]):
        """@param texts None: a reset. @param before what memory had in the fields that the update changed."""
        self.texts = texts
        self.before = before


class StateManager:
    """The state of one agent, from start to stop."""

    def __init__(self, model: Any = None):
        """@param model None: a dict. @raise TypeError not a model, or one whose state could not be read back."""
        if model is not None:
            _models.require(model, "state_model", state=True)
        self._model = model
        self._value: Any = None
        self._fields: dict[str, Any] = {}
        self._own: set[str] = set()  # the fields that are for the program alone
        self._known: dict[str, str] = {}  # what Redis has, or will have when all changes are written
        self._native: Native | None = None  # since the last start; what an earlier one left unfinished changes nothing
        self._changes: deque[_Change] = deque()
        self._unwritten: Texts = {}  # Redis did not take it
        self._not_reset = False  # Redis did not take the reset
        self._last: asyncio.Task[None] | None = None  # of those that take turns
        self._written_at = 0.0
        self._over = False

    @property
    def value(self) -> Any:
        """@raise AgentStateError before begin()."""
        if self._value is None:
            raise AgentStateError("Agent not started. The state is loaded by start().")
        return self._value

    def require_complete(self) -> None:
        """@raise TypeError the model names a class that is not known."""
        if self._model is not None:
            _models.require(self._model, "state_model", state=True, complete=True)

    def begin(self, native: Native) -> None:
        """Takes over what the library has loaded at a start, which may be in another event loop than the last one.

        @raise StateError names the field that does not fit.
        """
        self._value = self._loaded(native)
        self._known = self._texts_but({}, self._value)
        self._native = native
        self._changes.clear()
        self._unwritten, self._not_reset = {}, False
        self._last, self._over = None, False

    async def finish(self, timeout: float) -> None:
        """Takes no more, and waits until all is written. @param timeout seconds in which nothing is written."""
        self._over = True
        now = asyncio.get_running_loop().time
        self._written_at = now()
        while (last := self._last) is not None and not last.done():
            left = self._written_at + timeout - now()
            if left <= 0:
                log.warning("%d changes of the state are not written: none was within %g s", len(self._changes),
                            timeout)
                break
            await asyncio.wait([last], timeout=left)

    async def update(self, native: Native, changes: Mapping[str, Any]) -> None:
        """Memory has the changes before this first waits.

        @raise ValueError a field does not fit the model. @raise MASError.
        """
        self._require_open()
        change = self._take(_payload.as_dict(changes, "the update"))
        if change.texts:
            self._changes.append(change)
            await self._in_turn(lambda: self._write(native, change))

    async def reset(self, native: Native) -> None:
        """An empty dict or a fresh model; the hash is deleted."""
        self._require_open()
        self._value = {} if self._model is None else self._model()
        self._known = self._texts_but({}, self._value)
        change = _Change(None, {})
        self._changes.append(change)
        await self._in_turn(lambda: self._delete(native, change))

    async def refresh(self, native: Native) -> None:
        """Loads from Redis again what another instance or an operator has changed. What was changed here since the call
        stays. @raise StateError names the field that does not fit; memory stays as it is."""
        self._require_open()
        await self._in_turn(lambda: self._reload(native))

    # ---- memory

    def _require_open(self) -> None:
        if self._over:
            raise AgentStateError("the agent is being stopped; its state is not changed any more")

    def _loaded(self, native: Native) -> Any:
        texts = native.state()
        if self._model is None:
            return dict(texts)
        self._fields = _models.field_types(self._model)
        if not _models.is_pydantic(self._model):
            self._own = _kinds.fields_of_the_program(self._model)
        return _texts.parse_texts(self._model, texts)

    def _take(self, changes: dict[Any, Any]) -> _Change:
        """Changes memory, if all of it fits. @return what is to be written."""
        value = self.value
        for key in changes:
            _payload.name(key, "a field's name")
        if self._model is None:
            texts = {**self._changed_in_place(changes, value), **_texts.texts_of(changes, None)}
            before = {key: value.get(key, _ABSENT) for key in changes}
            value.update(changes)
        else:
            texts = self._try(value, changes)
            before = {key: getattr(value, key) for key in changes}
            for key, item in changes.items():
                setattr(value, key, item)
        self._known.update(texts)
        return _Change({key.encode(): text.encode() for key, text in texts.items()}, before)

    def _try(self, value: Any, changes: dict[Any, Any]) -> dict[str, str]:
        """Makes the changes in a copy. @return their texts, which can be read back."""
        for key in changes:
            if key not in self._fields and (not hasattr(value, key) or callable(getattr(value, key))):
                raise ValueError(f"{self._model.__name__} has no field {key!r}; it has {', '.join(self._fields)}")
        trial = _models.copy_of(value)
        for key, item in changes.items():
            setattr(trial, key, item)
        texts = {**self._changed_in_place(changes, trial),
                 **_texts.texts_of({key: getattr(trial, key) for key in changes}, self._model)}
        rest = [key for key in self._fields if key not in texts] if _models.checks_the_whole(self._model) else []
        _texts.parse_texts(self._model, {**_texts.texts_of({key: getattr(trial, key) for key in rest}, self._model),
                                         **texts})
        return texts

    def _changed_in_place(self, changes: Mapping[str, Any], value: Any) -> dict[str, str]:
        """The texts of the fields that the program has changed without an update."""
        return {name: text for name, text in self._texts_but(changes, value).items() if text != self._known.get(name)}

    def _texts_but(self, changes: Mapping[str, Any], value: Any) -> dict[str, str]:
        """The texts of all fields that can be written, but for those of an update."""
        if self._model is None:
            items = {key: item for key, item in value.items() if key and isinstance(key, str)}
        else:
            items = {key: getattr(value, key) for key in self._fields if key not in self._own}
        texts = {}
        for key, item in items.items():
            if type(item) in _STR and self._known.get(key) == (text := str(item)) and key not in changes:
                texts[key] = text  # by far the most, where there are many
                continue
            if key in changes or not (isinstance(item, _DATA) or self._fields.get(key, Any) not in (Any, object)):
                continue
            try:
                _payload.name(key, "a field's name")
                texts.update(_texts.texts_of({key: item}, self._model))
            except (InvalidArgumentError, PayloadError):
                pass  # it never could be written; an update with it says so
        return texts

    def _take_back(self, refused: _Change) -> None:
        """Memory gets back what it had, but for what was changed later."""
        for name in refused.texts or {}:
            self._known.pop(name.decode(), None)  # the next update writes it
        for key, item in refused.before.items():
            for later in self._changes:
                if later.texts is None:
                    return
                if key in later.before:
                    later.before[key] = item
                    break
            else:
                self._put(key, item)

    def _put(self, key: str, item: Any) -> None:
        if self._model is not None:
            setattr(self._value, key, item)
        elif item is _ABSENT:
            self._value.pop(key, None)
        else:
            self._value[key] = item

    # ---- Redis

    async def _in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        """Runs `work` after all that was called before, in a task of its own: it is done also if the caller is
        cancelled."""
        self._last = asyncio.get_running_loop().create_task(_after(self._last, work))
        await asyncio.shield(self._last)

    async def _write(self, native: Native, change: _Change) -> None:
        texts, clear = {**self._unwritten, **(change.texts or {})}, self._not_reset

        def write(pointer: int) -> None:
            if clear:
                _delete(pointer)
            _write(pointer, texts)

        try:
            await _workers.run(native, write, _workers.stay)
        except InvalidArgumentError:  # it would be refused again
            if self._ended(native, change):
                self._take_back(change)
            raise
        except BaseException:
            if self._ended(native, change):
                self._unwritten = texts
            raise
        if self._ended(native, change):
            self._unwritten, self._not_reset = {}, False
            self._written_at = asyncio.get_running_loop().time()

    async def _delete(self, native: Native, change: _Change) -> None:
        try:
            await _workers.run(native, _delete, _workers.stay)
        except BaseException:
            if self._ended(native, change):
                self._unwritten, self._not_reset = {}, True
            raise
        if self._ended(native, change):
            self._unwritten, self._not_reset = {}, False
            self._written_at = asyncio.get_running_loop().time()

    def _ended(self, native: Native, change: _Change) -> bool:
        """The change is written, or never will be. @return whether the agent was not started again meanwhile."""
        if native is not self._native:
            return False
        self._changes.remove(change)
        return True

    async def _reload(self, native: Native) -> None:
        await _workers.run(native, _reload, _workers.stay)
        if native is not self._native or any(change.texts is None for change in self._changes):
            return  # memory was loaded or reset meanwhile, and has nothing older of Redis any more
        value, newer = self._loaded(native), self._value
        self._unwritten, self._not_reset = {}, False
        self._value = value
        self._known = self._texts_but({}, value)
        for change in self._changes:
            self._known.update({name.decode(): text.decode() for name, text in (change.texts or {}).items()})
        for key in {key for change in self._changes for key in change.before}:
            self._put(key, newer.get(key, _ABSENT) if self._model is None else getattr(newer, key))


async def _after(before: asyncio.Task[None] | None, work: Callable[[], Awaitable[None]]) -> None:
    if before is not None:
        await asyncio.wait([before])
    await work()


def _write(pointer: int, texts: Texts) -> None:
    fields = (StateField * len(texts))(*(StateField(key, text, len(text)) for key, text in texts.items()))
    _errors.check(lib.mas_state_update(pointer, fields, len(texts), TIMEOUT_MS), "writing the state")


def _delete(pointer: int) -> None:
    _errors.check(lib.mas_state_reset(pointer, TIMEOUT_MS), "resetting the state")


def _reload(pointer: int) -> None:
    _errors.check(lib.mas_state_refresh(pointer, TIMEOUT_MS), "loading the state")
