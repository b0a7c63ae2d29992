"""The trace context of messages, and spans where OpenTelemetry's API can be imported.

Happy path: `with handling(agent_id, message)` around a handler, `with sending(…)` around what is sent; carried() calls
the library with the context of the current task: that of the current span, or without OpenTelemetry that of the handled
message. So a trace goes on through an agent either way.

Failure modes
  - An invalid context counts as none.
  - OpenTelemetry without an SDK makes no spans; the context of the handled message goes on all the same.
  - A version of OpenTelemetry that cannot be used, or a broken one, counts as none; a warning says so.
Threading: any. Contexts are those of tasks (contextvars); the library's is set for one call, and then there is none.

Spans are named as in OpenTelemetry's semantic conventions 1.41.0, messaging and GenAI agents. They hold no payload, and
of an exception only the name of its class.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from ._errors import OK, MASError
from ._library import lib

log = logging.getLogger("mas.agent")

SEMANTIC_CONVENTIONS = "1.41.0"

try:
    from opentelemetry import trace as _otel
    from opentelemetry.context import Context as _OtelContext
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    _tracer = _otel.get_tracer("mas", lib.mas_version().decode(),
                               schema_url=f"https://opentelemetry.io/schemas/{SEMANTIC_CONVENTIONS}")
    _propagator = TraceContextTextMapPropagator()
except ImportError:
    _otel = None
except Exception as unusable:  # such as a version that takes other arguments
    _otel = None
    log.warning("OpenTelemetry cannot be used: %s: %s", type(unusable).__name__, unusable)

Context = tuple[bytes, bytes | None]  # traceparent and tracestate

_handled: ContextVar[Context | None] = ContextVar("mas_handled", default=None)


class Traced:
    """What is sent or handled, without a span."""

    def __enter__(self) -> Traced:
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        pass

    recorded = False  #: whether somebody looks at the span

    def failed(self, error: BaseException) -> None:
        """It has failed though no exception leaves it."""

    def sent_as(self, message_id: bytes) -> None:
        """The message has this id."""


UNTRACED = Traced()


def context_of(meta: Mapping[str, Any]) -> Context | None:
    """The context that a message came with. @param meta its envelope's, as the library has checked it."""
    parent = meta.get("traceparent")
    if not parent:
        return None
    state = meta.get("tracestate")
    return parent.encode(), state.encode() if state else None


def carried(call: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a function of the library that sends, with the current task's context. @return its result."""
    context = _handled.get() if _otel is None else _current()
    if context is None:
        return call(*arguments)
    parent, state = context
    if lib.mas_trace_set(parent, state) != OK:
        lib.mas_trace_set(parent, None)
    try:
        return call(*arguments)
    finally:
        lib.mas_trace_set(None, None)


def sending(agent_id: str, operation: str, target_id: str, message_type: str, size: int,
            correlation_id: str | None = None) -> Traced:
    """A span of a message that is sent.

    @param operation "send", "request" or "reply". @param size bytes of its data.
    """
    if _otel is None:
        return UNTRACED
    kind = _otel.SpanKind.CLIENT if operation == "request" else _otel.SpanKind.PRODUCER
    attributes = _attributes(agent_id, operation, "send", target_id, target_id, message_type)
    attributes["messaging.message.body.size"] = size
    if correlation_id:
        attributes["messaging.message.conversation_id"] = correlation_id
    return _Span(f"{operation} {target_id}", kind, attributes)


def concerns(message: Any) -> bool:
    """Whether a handler of the message has a context or a span."""
    return _otel is not None or message._trace is not None or _handled.get() is not None


def handling(agent_id: str, message: Any) -> contextlib.AbstractContextManager[Traced]:
    """The span of a handler, whose parent is the message's. What the handler sends belongs to it."""
    if concerns(message):
        return _handling(agent_id, message)
    return UNTRACED


@contextlib.contextmanager
def _handling(agent_id: str, message: Any) -> Iterator[Traced]:
    context: Context | None = message._trace
    before = _handled.set(context)
    try:
        if _otel is None:
            yield UNTRACED
            return
        attributes = _attributes(agent_id, "process", "process", agent_id, message.sender_id, message.message_type)
        attributes["messaging.message.id"] = message.message_id
        if message.meta.correlation_id:
            attributes["messaging.message.conversation_id"] = message.meta.correlation_id
        if message._conversation_id:
            attributes["gen_ai.conversation.id"] = message._conversation_id
        with _Span(f"process {agent_id}", _otel.SpanKind.CONSUMER, attributes, _extracted(context)) as span:
            yield span
    finally:
        _handled.reset(before)


def _extracted(context: Context | None) -> Any:
    carrier = {}
    if context is not None:
        carrier["traceparent"] = context[0].decode()
        if context[1] is not None:
            carrier["tracestate"] = context[1].decode()
    return _propagator.extract(carrier, context=_OtelContext())  # without one the handler begins a trace


def _current() -> Context | None:
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return context_of(carrier) or _handled.get()


def _attributes(agent_id: str, operation: str, kind: str, destination: str, peer: str,
                message_type: str) -> dict[str, str | int]:
    return {
        "messaging.system": "mas", "messaging.operation.name": operation, "messaging.operation.type": kind,
        "messaging.destination.name": destination, "gen_ai.agent.id": agent_id, "gen_ai.agent.name": agent_id,
        "mas.peer": peer, "mas.message.type": message_type}


class _Span(Traced):
    """A span of OpenTelemetry, current while it lasts."""

    def __init__(self, name: str, kind: Any, attributes: dict[str, str | int], parent: Any = None):
        self._lasting = _tracer.start_as_current_span(name, context=parent, kind=kind, attributes=attributes,
                                                      record_exception=False, set_status_on_exception=False)

    def __enter__(self) -> _Span:
        self._span = self._lasting.__enter__()
        self.recorded = self._span.is_recording()
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if error is not None:
            self.failed(error)
        self._lasting.__exit__(kind, error, traceback)

    def failed(self, error: BaseException) -> None:
        named = error.status if isinstance(error, MASError) else type(error).__qualname__
        self._span.set_attribute("error.type", named or type(error).__qualname__)
        self._span.set_status(_otel.Status(_otel.StatusCode.ERROR))

    def sent_as(self, message_id: bytes) -> None:
        self._span.set_attribute("messaging.message.id", message_id.decode())
