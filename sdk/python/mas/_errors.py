"""Exceptions: what went wrong, as a class to catch and a sentence to read.

A class also derives from the builtin that programs already catch: a time-out from TimeoutError, a lost connection from
ConnectionError, a wrong argument from ValueError. All are RuntimeErrors.
"""

from __future__ import annotations

import sys

from ._library import lib

# mas_status; the names are those of mas.h without MAS_.
NAMES = (
    "OK", "INVALID_ARGUMENT", "INVALID_STATE", "TOO_LARGE", "MALFORMED", "NOT_FOUND", "TIMEOUT", "CANCELLED",
    "WOULD_BLOCK", "UNREACHABLE", "CONNECTION_LOST", "REFUSED", "NO_RECEIVER", "AUTH_FAILED", "PROTOCOL",
    "UNAVAILABLE", "NO_MEMORY", "INTERNAL", "HANDLER_FAILED", "REVOKED", "SUSPENDED", "SIGNATURE_INVALID",
    "REPLAYED", "AUTHZ_DENIED", "RATE_LIMITED", "DLP_BLOCKED", "CIRCUIT_OPEN", "TARGET_NOT_FOUND",
    "TARGET_OVERLOADED", "EXPIRED", "LOOP_DETECTED", "DLQ_FULL", "NO_HANDLER", "INVALID_PAYLOAD", "HELD")
STATUS = {name: value for value, name in enumerate(NAMES)}
OK, WOULD_BLOCK, CANCELLED = STATUS["OK"], STATUS["WOULD_BLOCK"], STATUS["CANCELLED"]
HANDLER_FAILED, NO_RECEIVER = STATUS["HANDLER_FAILED"], STATUS["NO_RECEIVER"]
NO_HANDLER, INVALID_PAYLOAD = STATUS["NO_HANDLER"], STATUS["INVALID_PAYLOAD"]


class MASError(RuntimeError):
    """A call failed."""

    status: str = "INVALID_STATE"  #: the name of the library's status, without MAS_
    retriable: bool = False  #: whether the same call may succeed later


class AgentStateError(MASError):
    """Not possible now: not started, stopped, another loop or thread, a forked process."""


class InvalidArgumentError(MASError, ValueError):
    """An argument is wrong."""

    status = "INVALID_ARGUMENT"


class MASTimeoutError(MASError, TimeoutError):
    """No answer in time."""

    status = "TIMEOUT"
    retriable = True


class NoReceiverError(MASTimeoutError):
    """Nobody listens as that agent, so no answer can come."""

    status = "NO_RECEIVER"


class RequestFailedError(MASTimeoutError):
    """The target got the request and answered that it cannot handle it.

    Also a TimeoutError, since in the original framework such a request ran into its time-out.
    """

    status = "HANDLER_FAILED"
    retriable = False
    code: str = ""  #: NO_HANDLER, INVALID_PAYLOAD, HANDLER_FAILED, UNAVAILABLE, or one of a newer version
    text: str = ""  #: the target's sentence, or ""


class HandlerError(MASError):
    """For handlers to raise: the requester gets the text. Of any other exception it gets the class's name."""

    status = "HANDLER_FAILED"


class MASConnectionError(MASError, ConnectionError):
    """Redis cannot be reached, or the connection to it broke."""

    status = "UNREACHABLE"
    retriable = True


class GatewayRefusedError(MASError):
    """The gateway refused a message and did not deliver it."""

    decision: str = ""  #: such as RATE_LIMITED; "" when the gateway has not decided
    retry_after: float = 0.0  #: seconds after which the message would pass; 0 if not stated


class StateError(MASError, ValueError):
    """A field of the state in Redis does not fit the model."""

    status = "MALFORMED"


class PayloadError(ValueError):
    """Data that cannot be sent: not JSON, or keys that are no text."""


_CLASSES = {
    "INVALID_ARGUMENT": InvalidArgumentError, "MALFORMED": InvalidArgumentError, "TOO_LARGE": InvalidArgumentError,
    "INVALID_STATE": AgentStateError, "TIMEOUT": MASTimeoutError, "NO_RECEIVER": NoReceiverError,
    "NO_HANDLER": RequestFailedError, "INVALID_PAYLOAD": RequestFailedError, "UNREACHABLE": MASConnectionError,
    "CONNECTION_LOST": MASConnectionError}


def error_of(status: int, detail: str, doing: str) -> MASError:
    """@param detail the library's sentence, read on the thread that called.

    @param doing what was tried, for the text.
    """
    name = NAMES[status] if 0 <= status < len(NAMES) else str(status)
    kind = _CLASSES.get(name, GatewayRefusedError if status >= STATUS["REVOKED"] else MASError)
    if kind is MASConnectionError:
        kind = _known_to_redis_py()
    error = kind(f"{doing}: {detail or lib.mas_status_text(status).decode()}")
    error.status = name
    error.retriable = bool(lib.mas_status_retriable(status))
    return error


def last_error(status: int, doing: str) -> MASError:
    """The exception for a call that the calling thread has just made."""
    return error_of(status, lib.mas_error_detail().decode("utf-8", "replace"), doing)


def check(status: int, doing: str) -> None:
    """@raise MASError unless `status` is OK."""
    if status != OK:
        raise last_error(status, doing)


def _known_to_redis_py() -> type[MASConnectionError]:
    """A program that has imported redis-py catches its ConnectionError: ours is one of these, too."""
    theirs = getattr(sys.modules.get("redis.exceptions"), "ConnectionError", None)
    if theirs is None:
        return MASConnectionError
    return type("MASConnectionError", (MASConnectionError, theirs), {"__module__": MASConnectionError.__module__})
