"""One mas_agent of the library: its handle, its callbacks, and what they bring.

Happy path: Native(...) → start() on a worker → drain() whenever `fd` is readable → stop() on a worker → close().

The library's callbacks only copy what they get and append it to `events`. drain() hands the events on after the library
has returned, on the thread that polls: no Python of an application ever runs inside the library or on a foreign thread,
and no exception can cross C.

Failure modes
  - A callback that comes after close() names an id that is no longer in `_live` or `_pending`, and does nothing.
  - close() while a worker thread still is in a call: the handle is freed when the last call has returned.
  - After a fork the child's copies have no handle: every use raises, nothing is freed twice.
Threading: all from the event loop's thread, except `call()` (any thread) and the callbacks of stop().
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import logging
import os
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from . import _errors, _prototypes
from ._errors import CANCELLED, HANDLER_FAILED, OK, AgentStateError, check, error_of
from ._library import lib
from ._tracing import Traced, carried

log = logging.getLogger("mas.agent")

SLICE = 128  #: messages that one drain() hands on before the loop's other work has its turn
_FEW = 16  #: events, after which asking the library once more costs more than the loop's next turn
_MESSAGE_ID_SIZE = 37
_RECEIPTS_FAILURES, _RECEIPTS_ALL = 0, 1

# The library has checked that it is one object and nothing else.
_decode: Callable[[str, int], Any] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]

_ids = itertools.count(1)
_live: weakref.WeakValueDictionary[int, Native] = weakref.WeakValueDictionary()
_pending: dict[int, tuple[Native, Any]] = {}  # requests under way: id → agent and future


class Kept:
    """A message that stays in the library's memory, so that it can be replied to, or settled, later."""

    __slots__ = ("pointer", "__weakref__")

    def __init__(self, pointer: int):
        self.pointer = lib.mas_message_ref(pointer)

    def __del__(self, unref: Callable[[Any], None] = lib.mas_message_unref) -> None:
        pointer, self.pointer = self.pointer, None
        unref(pointer)


class Receipt(NamedTuple):
    """The outcome of a message, as the library reports it."""

    message_id: bytes
    target: bytes
    outcome: int
    decision: str
    detail: str
    retry_after_ms: int


class Native:
    """A handle that is safe to use late: see above."""

    def __init__(self, agent_id: bytes, settings: list[tuple[str, tuple[Any, ...]]], gateway: bool):
        """@param settings names of mas_options_… functions, with their arguments. @raise MASError."""
        self.key = next(_ids)
        self.gateway = gateway
        self.events: deque[tuple[Any, ...]] = deque()
        self.why_closed = "the agent has stopped"
        self.pointer: int | None = _new_agent(agent_id, settings)
        self.fd: int = lib.mas_agent_fd(self.pointer)
        self._lock = threading.Lock()
        self._calls = 0
        self._closing = False
        self._refusals = 0
        self.refused = 0  #: messages, since the start
        self._taken = 0
        self._sliced = False
        self._handled = ctypes.c_size_t()
        self._id_buffer = ctypes.create_string_buffer(_MESSAGE_ID_SIZE)
        _live[self.key] = self
        check(lib.mas_agent_on_message(self.pointer, None, _on_message, self.key), "setting the handler")
        lib.mas_agent_on_receipt(self.pointer, _RECEIPTS_ALL if gateway else _RECEIPTS_FAILURES, _on_receipt, self.key)
        lib.mas_agent_on_connection(self.pointer, _on_connection, self.key)
        lib.mas_agent_on_overflow(self.pointer, _on_overflow, self.key)
        lib.mas_agent_on_doubt(self.pointer, _on_doubt, self.key)

    def __del__(self) -> None:
        if getattr(self, "pointer", None) is not None and not self._closing:
            self.close()  # first: where warnings are errors, the next line raises
            warnings.warn("an agent was dropped without stop()", ResourceWarning, source=self)

    # ---- what blocks, for worker threads

    def call(self, function: Callable[[int], Any]) -> Any:
        """Runs `function(pointer)`; the handle outlives it. Any thread. @raise AgentStateError after close()."""
        with self._lock:
            pointer = self._open()
            self._calls += 1
        try:
            return function(pointer)
        finally:
            with self._lock:
                self._calls -= 1
                last = self._closing and self._calls == 0
            if last:
                self._free()

    def close(self) -> None:
        """Frees the handle, now or when the last call() has returned. Safe to repeat."""
        with self._lock:
            first, self._closing = not self._closing, True
            idle = self._calls == 0
        if first and idle:
            self._free()

    @contextlib.contextmanager
    def refuse(self) -> Iterator[None]:
        """While it lasts, messages that arrive count as failed: in gateway mode they come again. May be nested."""
        self._refusals += 1
        try:
            yield
        finally:
            self._refusals -= 1

    @property
    def refusing(self) -> bool:
        return self._refusals > 0

    def quit(self) -> None:
        """Ends a start() that another thread is in."""
        if self.pointer is not None:
            lib.mas_agent_quit(self.pointer)

    # ---- what does not block, for the loop's thread

    def send(self, target: bytes, message_type: bytes, data: bytes, traced: Traced) -> int:
        """@param traced is told the message's id, if somebody looks at it. @return a status."""
        if traced.recorded:
            status, message_id = self.send_with_id(target, message_type, data)
            if status == OK:
                traced.sent_as(message_id)
            return status
        return carried(lib.mas_agent_send, self._open(), target, message_type, data, len(data), None)

    def send_with_id(self, target: bytes, message_type: bytes, data: bytes) -> tuple[int, bytes]:
        """@return a status and, where it is OK, the message's id, which its receipt will name."""
        buffer = self._id_buffer
        status = carried(lib.mas_agent_send, self._open(), target, message_type, data, len(data), buffer)
        return status, buffer.value

    def send_again(self, message_id: bytes, target: bytes, message_type: bytes, data: bytes) -> int:
        """@return a status."""
        return carried(lib.mas_agent_send_again, self._open(), message_id, target, message_type, data, len(data))

    def reply(self, kept: Kept, message_type: bytes, data: bytes) -> int:
        """@return a status."""
        self._open()
        return carried(lib.mas_message_reply, kept.pointer, message_type, data, len(data))

    def reply_error(self, kept: Kept, status: int, text: str) -> int:
        """@return a status."""
        self._open()
        told = text.encode("utf-8", "replace").replace(b"\0", b"?")
        return carried(lib.mas_message_reply_error, kept.pointer, status, told)

    @staticmethod
    def settle(kept: Kept, status: int, text: str) -> int:
        """Gateway mode: the message's handler has ended. @return a status."""
        why = text.encode("utf-8", "replace").replace(b"\0", b"?") if text else None
        return carried(lib.mas_message_settle, kept.pointer, lib.mas_message_fail(kept.pointer, status, why))

    def request(self, target: bytes, message_type: bytes, data: bytes, timeout_ms: int, future: Any) -> tuple[int, Any]:
        """Sends a request whose end comes as an event with `future`. @return a status and a cancel_request() handle."""
        pointer = self._open()
        handle = ctypes.c_void_p()
        key = next(_ids)
        _pending[key] = (self, future)
        status = carried(lib.mas_agent_request_async, pointer, target, message_type, data, len(data), timeout_ms,
                         _on_reply, key, ctypes.byref(handle))
        if status != OK:
            del _pending[key]
        return status, (key, handle)

    @staticmethod
    def end_request(handle: Any) -> None:
        """Cancels the request, if it has not ended, and frees its handle. To be called once for each request."""
        key, pointer = handle
        if _pending.pop(key, None) is not None:
            lib.mas_request_cancel(pointer)
        lib.mas_request_free(pointer)

    def state(self) -> dict[str, str]:
        """The state as the library has it."""
        found: dict[str, str] = {}

        def add(name: bytes, value: int, size: int, _user: int) -> None:
            found[name.decode("utf-8", "replace")] = ctypes.string_at(value, size).decode("utf-8", "replace")

        lib.mas_state_each(self._open(), _prototypes.StateFn(add), None)
        return found

    def stats(self) -> dict[str, int]:
        stats = _prototypes.Stats()
        lib.mas_agent_stats(self._open(), ctypes.byref(stats), ctypes.sizeof(stats))
        return {name: getattr(stats, name) for name, _ in stats._fields_}

    def instance(self) -> str:
        return lib.mas_agent_instance(self._open()).decode()

    def drain(self, hand_on: Callable[[tuple[Any, ...]], None]) -> bool:
        """Polls while much waits, and hands each event on. What comes meanwhile keeps the descriptor readable.

        @return whether more waits, after SLICE messages.
        """
        self._taken = 0
        while self.pointer is not None:
            self._sliced = False
            status = lib.mas_agent_poll(self.pointer, 0, ctypes.byref(self._handled))
            self.hand_on_events(hand_on)
            if status == CANCELLED and self._sliced:
                return True
            if status != OK:
                if status != CANCELLED:
                    log.error("%s", _errors.last_error(status, "polling"))
                return False
            if self._handled.value < _FEW:
                return False
        return False

    def hand_on_events(self, hand_on: Callable[[tuple[Any, ...]], None]) -> None:
        events = self.events
        while events:
            hand_on(events.popleft())

    # ---- inside

    def _open(self) -> int:
        if self.pointer is None or self._closing:
            raise AgentStateError(self.why_closed)
        return self.pointer

    def _free(self) -> None:
        pointer, self.pointer = self.pointer, None
        if pointer is not None:
            lib.mas_agent_free(pointer)

    def interrupt(self) -> None:
        """In a callback: the poll ends, and the rest waits."""
        self._taken, self._sliced = 0, True
        lib.mas_agent_quit(self.pointer)


def _new_agent(agent_id: bytes, settings: list[tuple[str, tuple[Any, ...]]]) -> int:
    options = lib.mas_options_new()
    if not options:
        raise error_of(_errors.STATUS["INVALID_STATE"], lib.mas_error_detail().decode(), "making an agent")
    try:
        for name, arguments in settings:
            check(getattr(lib, "mas_options_" + name)(options, *arguments), "making the agent")
        pointer = ctypes.c_void_p()
        check(lib.mas_agent_new(agent_id, options, ctypes.byref(pointer)), "making the agent")
        assert pointer.value is not None
        return pointer.value
    finally:
        lib.mas_options_free(options)


def _envelope(message: int) -> dict[str, Any]:
    size = ctypes.c_size_t()
    text = lib.mas_message_envelope(message, ctypes.byref(size))
    return _decode(ctypes.string_at(text, size.value).decode(), 0)[0]


# ---- callbacks: the library holds their addresses, so they live as long as this module. `user` is an id.

@_prototypes.MessageFn
def _on_message(_agent: int, message: int, user: int) -> int:
    native = _live.get(user)
    if native is None or native.refusing:
        if native is not None:
            native.refused += 1
        return lib.mas_message_fail(message, HANDLER_FAILED, b"the agent is being stopped")
    try:
        envelope = _envelope(message)
        kept = Kept(message) if native.gateway or (envelope.get("meta") or {}).get("expects_reply") else None
        if native.gateway and lib.mas_message_defer(message) != OK:
            return HANDLER_FAILED
        native.events.append(("message", envelope, kept))
        native._taken += 1
        if native._taken == SLICE:
            native.interrupt()
    except Exception:  # such as an integer of more digits than Python takes
        log.exception("a message could not be read")
        return HANDLER_FAILED
    return OK


@_prototypes.ReplyFn
def _on_reply(_agent: int, status: int, reply: int | None, user: int) -> None:
    native, future = _pending.pop(user, (None, None))
    if native is None:
        return
    try:
        if status == OK and reply is not None:
            native.events.append(("reply", future, _envelope(reply)))
        else:
            detail = lib.mas_error_detail().decode("utf-8", "replace")
            decision = lib.mas_receipt_decision().decode() if native.gateway else ""
            retry_after_ms = lib.mas_receipt_retry_after() if native.gateway else 0
            said = lib.mas_error_reply_code().decode(), lib.mas_error_reply_text().decode("utf-8", "replace")
            native.events.append(("no_reply", future, status, detail, decision, retry_after_ms, said))
    except Exception as error:
        native.events.append(("no_reply", future, _errors.STATUS["MALFORMED"], str(error), "", 0, ("", "")))


@_prototypes.ReceiptFn
def _on_receipt(_agent: int, message_id: bytes, target: bytes, outcome: int, user: int) -> None:
    native = _live.get(user)
    if native is not None:
        native.events.append(("receipt", Receipt(
            message_id, target, outcome, lib.mas_receipt_decision().decode(),
            lib.mas_receipt_detail().decode("utf-8", "replace") or lib.mas_error_detail().decode("utf-8", "replace"),
            lib.mas_receipt_retry_after())))


@_prototypes.ConnectionFn
def _on_connection(_agent: int, state: int, detail: bytes, user: int) -> None:
    native = _live.get(user)
    if native is not None:
        native.events.append(("connection", bool(state), detail.decode("utf-8", "replace")))


@_prototypes.OverflowFn
def _on_overflow(_agent: int, dropped: int, user: int) -> None:
    native = _live.get(user)
    if native is not None:
        native.events.append(("overflow", dropped))


@_prototypes.DoubtFn
def _on_doubt(_agent: int, doubt: Any, user: int) -> None:
    native = _live.get(user)
    if native is not None:
        told = doubt.contents
        ids = [message_id.decode() for message_id in told.message_ids[:told.count]]
        native.events.append(("doubt", ids, told.forgotten, told.reason.decode("utf-8", "replace")))


def _after_fork() -> None:
    """In the child: the handles belong to the parent. The library itself refuses every call there."""
    _pending.clear()
    for native in list(_live.values()):
        native._lock = threading.Lock()
        native._calls = 0
        native.pointer = None
        native._closing = True
        native.events.clear()
        native.why_closed = ("this process was forked from the one that started the agent; make and start agents after "
                             "the fork, in the process that uses them")


os.register_at_fork(after_in_child=_after_fork)
