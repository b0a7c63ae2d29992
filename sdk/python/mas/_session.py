"""An agent between start() and stop(): what it sends, what it waits for, and what arrives.

Happy path: Session(native, …) → open() → send, request, reply; messages go to `on_message` → close().

Failure modes
  - used in another loop or thread, after close(), or in a forked process: AgentStateError, from require().
  - the outbound queue is full: the call waits until it is not.
  - close() while calls wait for a reply or a receipt: they raise MASError with status CANCELLED.
Threading: the loop that it was made in. Ownership: of the native agent.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import logging
import math
from collections import deque
from collections.abc import Callable
from typing import Any

from . import _errors, _payload
from ._errors import (NAMES, NO_HANDLER, OK, WOULD_BLOCK, AgentStateError, GatewayRefusedError, MASError,
                      RequestFailedError, check, error_of, last_error)
from ._library import lib
from ._message import AgentMessage
from ._native import Kept, Native, Receipt
from ._tracing import Traced, sending

log = logging.getLogger("mas.agent")

RECEIPT_S = 5.0  #: after which a message without a receipt is worth a warning
_SENDS_IN_A_ROW = 64  # before the loop's other tasks have their turn
_QUIET_S, _REFUSES_S = 0.02, 0.25  # at a stop: without a message; at most
_MOST_ANSWERS = 65536  # error replies that wait for the full queue
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.0005, 0.05  # between two attempts at a full queue

Envelope = dict[str, Any]


class Session:
    """See the module."""

    def __init__(self, native: Native, agent_id: str, on_message: Callable[[Envelope, Kept | None], None],
                 on_doubt: Callable[[list[str], int], None]):
        self.native = native
        self.loop = asyncio.get_running_loop()
        self._id = agent_id
        self._on_message = on_message
        self._on_doubt = on_doubt
        self._receipts: dict[bytes, list[asyncio.Future[Receipt]]] = {}  # of one id, in the order of sending
        self._watch: asyncio.TimerHandle | None = None  # of the oldest message without a receipt
        self._requests: set[asyncio.Future[Envelope]] = set()
        self._unsettled: set[Kept] = set()  # gateway mode: what a stop leaves open comes again
        self._failures = {"unhandled": 0, "handler_failed": 0}  # see stats()
        self._answers: deque[tuple[AgentMessage, int, str, contextvars.Context]] = deque()  # the queue was full
        self._answering: asyncio.Task[None] | None = None
        self._sends = 0
        self._again = False
        self.paused = False  # by pause()

    def open(self) -> None:
        self.loop.add_reader(self.native.fd, self.take)

    def pause(self) -> None:
        """Takes no more of what arrives."""
        self.paused = True
        self.loop.remove_reader(self.native.fd)

    def take_left(self) -> None:
        """Takes what the library's stop has told: receipts, and what is in doubt."""
        self.native.hand_on_events(self._hand_on)

    def close(self) -> None:
        """Takes what is left, ends all waiting and frees the agent."""
        self.pause()
        self.take_left()
        waiting: list[asyncio.Future[Any]] = [*self._requests, *itertools.chain(*self._receipts.values())]
        for future in waiting:
            if not future.done():
                future.set_exception(error_of(_errors.CANCELLED, "the agent was stopped", "waiting"))
        self._receipts.clear()
        if self._watch is not None:
            self._watch.cancel()
        self._unsettled.clear()
        self.native.close()

    def abandon(self) -> None:
        """Frees an agent whose loop was closed. Nobody waits any more; what is in doubt still is told."""
        self.native.hand_on_events(lambda event: self._hand_on(event) if event[0] == "doubt" else None)
        self.native.close()

    def require(self) -> None:
        """@raise AgentStateError the caller may not use the agent."""
        if self.native.pointer is None:
            raise AgentStateError(self.native.why_closed)
        if asyncio._get_running_loop() is not self.loop:
            raise AgentStateError(f"the agent {self._id!r} runs in another event loop; use it in the loop and thread "
                                  "that started it")

    # ---- out

    async def send(self, target_id: str, message_type: str, data: Any) -> str | None:
        """@return gateway mode: the message's id."""
        target, kind, text = _arguments(target_id, message_type, data)
        native = self.native
        with sending(self._id, "send", target_id, message_type, len(text)) as traced:
            if native.gateway:
                return await self._send_and_wait(traced, target, kind, text)
            status = native.send(target, kind, text, traced)
            if status == WOULD_BLOCK:
                status = await self._patiently(lambda: native.send(target, kind, text, traced))
            if status != OK:
                raise last_error(status, f"sending {message_type!r} to {target_id!r}")
        await self._give_way()
        return None

    async def send_again(self, message_id: str, target_id: str, message_type: str, data: Any) -> None:
        target, kind, text = _arguments(target_id, message_type, data)
        again, native = _payload.name(message_id, "message_id"), self.native
        with sending(self._id, "send", target_id, message_type, len(text)) as traced:
            if native.gateway:
                await self._send_and_wait(traced, target, kind, text, again)
                return
            status = native.send_again(again, target, kind, text)
            if status == WOULD_BLOCK:
                status = await self._patiently(lambda: native.send_again(again, target, kind, text))
            check(status, f"sending {message_type!r} to {target_id!r}")
            traced.sent_as(again)
        await self._give_way()

    async def request(self, target_id: str, message_type: str, data: Any, timeout: float | None) -> Envelope:
        """@return the reply's envelope."""
        target, kind, text = _arguments(target_id, message_type, data)
        timeout_ms = _milliseconds(timeout)
        future: asyncio.Future[Envelope] = self.loop.create_future()
        handle: Any = None

        def attempt() -> int:
            nonlocal handle
            status, handle = self.native.request(target, kind, text, timeout_ms, future)
            return status

        with sending(self._id, "request", target_id, message_type, len(text)):
            status = attempt()
            if status == WOULD_BLOCK:
                status = await self._patiently(attempt)
            if status != OK:
                raise last_error(status, _requesting(message_type, target_id))
            self._requests.add(future)
            try:
                return await future
            except MASError as error:
                error.args = (f"{_requesting(message_type, target_id)}: {error}",)
                raise
            finally:
                self._requests.discard(future)
                self.native.end_request(handle)

    async def reply(self, original: AgentMessage, message_type: str, data: Any) -> None:
        if not original.meta.expects_reply or not original.meta.correlation_id:
            raise AgentStateError("Cannot reply: message does not have correlation ID. It was sent with send(); only "
                                  "what came by request() can be replied to.")
        if original._kept is None:
            raise AgentStateError("Cannot reply: message not received by an agent.")
        kept: Kept = original._kept
        kind, text = _payload.name(message_type, "message_type"), _payload.encode(data)
        with sending(self._id, "reply", original.sender_id, message_type, len(text), original.meta.correlation_id):
            status = self.native.reply(kept, kind, text)
            if status == WOULD_BLOCK:
                status = await self._patiently(lambda: self.native.reply(kept, kind, text))
            check(status, f"replying to {original.message_type!r} of {original.sender_id!r}")
        original._replied = True

    def stats(self) -> dict[str, int]:
        """The library's counters, and what it cannot count: peer to peer it only knows failures by their error replies.
        """
        stats = self.native.stats()
        for name, count in self._failures.items():
            stats[name] += count
        return stats

    def reply_error(self, original: AgentMessage, status: int, text: str) -> bool:
        """Answers a request that cannot be handled, unless it was replied to: now, or when the full queue takes it.

        @return whether the request is answered so.
        """
        if original._kept is None or original._replied or not original.meta.correlation_id:
            return False
        result = WOULD_BLOCK if self._answers else self.native.reply_error(original._kept, status, text)
        if result != WOULD_BLOCK:
            self._answered(original, result)
        elif len(self._answers) < _MOST_ANSWERS:
            self._answers.append((original, status, text, contextvars.copy_context()))
            if self._answering is None or self._answering.done():
                self._answering = self.loop.create_task(self._answer())
        else:
            log.warning("%s: no error reply to %s: the outbound queue is full", self._id, original.sender_id)
            return False
        return True

    async def refuse_rest(self) -> None:
        """While the agent refuses messages: goes on until none comes any more. Peer to peer, the requesters of those that
        are on their way would hear nothing once the agent has left."""
        end, before = self.loop.time() + _REFUSES_S, -1
        while not self.native.gateway and self.native.refused != before and self.loop.time() < end:
            before = self.native.refused
            await asyncio.sleep(_QUIET_S)
            self.take()

    async def answer_all(self, timeout: float) -> None:
        """Waits until the error replies are queued. @param timeout seconds."""
        if self._answering is not None and not self._answering.done():
            await asyncio.wait([self._answering], timeout=timeout)
            self._answering.cancel()
        if self._answers:
            log.warning("%s: %d error replies were not sent: the outbound queue is full", self._id, len(self._answers))
            self._answers.clear()

    async def _answer(self) -> None:
        while self._answers:
            original, status, text, context = self._answers[0]

            def attempt() -> int:
                """In the context of the handler that failed: the reply belongs to its trace."""
                if original._replied or original._kept is None:  # by the program itself, meanwhile
                    return OK
                return context.run(self.native.reply_error, original._kept, status, text)

            result = attempt()
            if result == WOULD_BLOCK:
                result = await self._patiently(attempt)
            self._answers.popleft()
            self._answered(original, result)

    def _answered(self, original: AgentMessage, result: int) -> None:
        original._replied = result == OK
        if result != OK:
            log.warning("%s: no error reply to %s: %s", self._id, original.sender_id, last_error(result, "replying"))

    def settle(self, message: AgentMessage, status: int, text: str) -> None:
        """A message's handler has ended. Gateway mode: the message is acknowledged, or has failed and comes again. Peer
        to peer the requester of one that failed is told."""
        if not self.native.gateway:
            if status != OK and not (message.expects_reply and self.reply_error(message, status, text)):
                self._failures["unhandled" if status == NO_HANDLER else "handler_failed"] += 1
        elif message._kept in self._unsettled:
            self._unsettled.remove(message._kept)
            if (result := self.native.settle(message._kept, status, text)) != OK:
                log.warning("%s: %s", self._id, last_error(result, "acknowledging a message"))

    async def _send_and_wait(self, traced: Traced, target: bytes, kind: bytes, text: bytes,
                             message_id: bytes = b"") -> str:
        """Gateway mode: until the message's receipt. @param message_id of a message that is sent again.
        @return the message's id."""
        again = message_id

        def attempt() -> int:
            nonlocal message_id
            if again:
                return self.native.send_again(again, target, kind, text)
            status, message_id = self.native.send_with_id(target, kind, text)
            return status

        status = attempt()
        if status == WOULD_BLOCK:
            status = await self._patiently(attempt)
        check(status, f"sending {kind.decode()!r} to {target.decode()!r}")
        traced.sent_as(message_id)
        future: asyncio.Future[Receipt] = self.loop.create_future()
        self._receipts.setdefault(message_id, []).append(future)
        if self._watch is None:
            self._watch = self.loop.call_later(RECEIPT_S, self._look_for_receipt, future)
        try:
            receipt = await future
        finally:
            self._wait_no_more(message_id, future)
        if receipt.outcome != OK:
            raise _refusal(receipt.outcome, receipt.detail, receipt.decision, receipt.retry_after_ms)
        return message_id.decode()

    async def _give_way(self) -> None:
        """After a message was queued: lets the loop's other tasks have their turn, now and then."""
        self._sends += 1
        if self._sends % _SENDS_IN_A_ROW == 0:
            await asyncio.sleep(0)

    async def _patiently(self, attempt: Callable[[], int]) -> int:
        """Repeats what the full outbound queue did not take. @return the status."""
        pause = _FIRST_PAUSE_S
        while True:
            await asyncio.sleep(pause)
            self.require()
            status = attempt()
            if status != WOULD_BLOCK:
                return status
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    # ---- in

    def take(self) -> None:
        """Polls until nothing waits; where much waits, a part now and the rest in the loop's next turn."""
        self._again = False
        if self.paused:
            return
        if self.native.drain(self._hand_on) and not self._again:
            self._again = True
            self.loop.call_soon(self.take)

    def _hand_on(self, event: tuple[Any, ...]) -> None:
        kind = event[0]
        if kind == "message":
            if self.native.gateway:
                self._unsettled.add(event[2])
            self._on_message(event[1], event[2])
        elif kind == "reply":
            if not event[1].done():
                event[1].set_result(event[2])
        elif kind == "no_reply":
            _, future, status, detail, decision, retry_after_ms, (code, text) = event
            if not future.done():
                future.set_exception(_failed(status, detail, code, text) if code else
                                     _refusal(status, detail, decision, retry_after_ms))
        elif kind == "receipt":
            self._take_receipt(event[1])
        elif kind == "connection":
            log.log(logging.INFO if event[1] else logging.WARNING, "%s: %s: %s", self._id,
                    "connected" if event[1] else "disconnected", event[2])
        elif kind == "overflow":
            log.warning("%s: %d messages were dropped from the full queue", self._id, event[1])
        elif kind == "doubt":
            log.warning("%s: %d accepted messages are in doubt: %s", self._id, len(event[1]) + event[2], event[3])
            self._on_doubt(event[1], event[2])

    def _look_for_receipt(self, oldest: asyncio.Future[Receipt]) -> None:
        """Says once that no gateway decides, and again only after one has."""
        if not oldest.done():
            log.warning("%s: no gateway has decided about a message for %g s; it waits. Is mas-gatewayd at work on this "
                        "Redis?", self._id, RECEIPT_S)
            oldest.add_done_callback(lambda _: self._look_at_next())
        else:
            self._look_at_next()

    def _look_at_next(self) -> None:
        self._watch = None
        if waiting := next(iter(self._receipts.values()), None):
            self._watch = self.loop.call_later(RECEIPT_S, self._look_for_receipt, waiting[0])

    def _wait_no_more(self, message_id: bytes, future: asyncio.Future[Receipt]) -> None:
        """Harmless to repeat. No list stays empty."""
        waiting = self._receipts.get(message_id, [])
        if future in waiting:
            waiting.remove(future)
            if not waiting:
                del self._receipts[message_id]

    def _take_receipt(self, receipt: Receipt) -> None:
        waiting = self._receipts.get(receipt.message_id)
        if waiting is not None:
            future = waiting[0]
            self._wait_no_more(receipt.message_id, future)
            if not future.done():
                future.set_result(receipt)
        elif receipt.outcome not in (OK, _errors.NO_RECEIVER):
            target = receipt.target.decode("utf-8", "replace")
            log.warning("%s: a message to %s was not delivered: %s", self._id, target, receipt.detail)


def _arguments(target_id: str, message_type: str, data: Any) -> tuple[bytes, bytes, bytes]:
    return _payload.name(target_id, "target_id"), _payload.name(message_type, "message_type"), _payload.encode(data)


def _requesting(message_type: str, target_id: str) -> str:
    return f"requesting {message_type!r} from {target_id!r}"


def _failed(status: int, detail: str, code: str, text: str) -> RequestFailedError:
    """The exception for a request that its target answered by an error reply."""
    error = RequestFailedError(detail)
    error.status, error.retriable = NAMES[status], bool(lib.mas_status_retriable(status))
    error.code, error.text = code, text
    return error


def _refusal(status: int, detail: str, decision: str, retry_after_ms: int) -> MASError:
    """The exception for a message that was not delivered, or a request that got no reply."""
    error = error_of(status, detail, "no answer")
    if isinstance(error, TimeoutError) or not (decision or isinstance(error, GatewayRefusedError)):
        return error
    name = decision or error.status
    refused = GatewayRefusedError(f"Gateway rejected message: {name} - {detail.removeprefix(f'{name}: ') or 'refused'}")
    refused.status, refused.retriable = error.status, error.retriable
    refused.decision, refused.retry_after = name, retry_after_ms / 1000
    return refused


def _milliseconds(timeout: float | None) -> int:
    """Seconds as the library takes them."""
    seconds = _payload.seconds(timeout, "timeout")
    return -1 if seconds is None else math.ceil(min(seconds, _payload.MOST_SECONDS) * 1000)
