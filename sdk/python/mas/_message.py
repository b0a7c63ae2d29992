"""A message as handlers get it, and replying to it."""

from __future__ import annotations

import json
import time
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._errors import AgentStateError
from ._tracing import context_of

if TYPE_CHECKING:
    from ._native import Kept
    from ._tracing import Context
    from .agent import Agent

MessageType = str


@dataclass(slots=True)
class MessageMeta:
    """What a message says about itself; members of other implementations are left out."""

    version: int = 1
    correlation_id: str | None = None
    expects_reply: bool = False
    is_reply: bool = False

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> MessageMeta:
        return cls(members.get("version", 1), members.get("correlation_id"), bool(members.get("expects_reply")),
                   bool(members.get("is_reply")))


class AgentMessage:
    """A received message, or one that a program makes for itself (a test, say).

    A plain class with the methods of a pydantic model that programs use, so that it is the same with and without
    pydantic.
    """

    __slots__ = ("sender_id", "target_id", "message_type", "data", "timestamp", "message_id", "_meta", "_agent",
                 "_kept", "_replied", "_trace", "_conversation_id", "__weakref__")

    def __init__(self, *, sender_id: str, target_id: str, message_type: str, data: dict[str, Any],
                 meta: MessageMeta | Mapping[str, Any] | None = None, timestamp: float | None = None,
                 message_id: str | None = None) -> None:
        self.sender_id = sender_id
        self.target_id = target_id
        self.message_type = message_type
        self.data = data
        self._meta: MessageMeta | Mapping[str, Any] = meta or {}
        self.timestamp = time.time() if timestamp is None else timestamp  #: seconds since 1970
        self.message_id = str(time.time_ns()) if message_id is None else message_id
        self._agent: Agent[Any] | None = None
        self._kept: Kept | None = None
        self._replied = False
        self._trace: Context | None = None
        self._conversation_id: str | None = None

    @classmethod
    def _received(cls, envelope: dict[str, Any], agent: Agent[Any], kept: Kept | None) -> AgentMessage:
        """From an envelope that the library has checked."""
        message = cls.__new__(cls)
        message.sender_id = envelope["sender_id"]
        message.target_id = envelope["target_id"]
        message.message_type = envelope["message_type"]
        message.data = envelope["data"]
        message._meta = meta = envelope.get("meta") or {}
        message._trace = context_of(meta)
        message._conversation_id = meta.get("conversation_id")
        message.timestamp = float(envelope.get("timestamp") or 0.0)
        message.message_id = envelope.get("message_id") or ""
        message._agent = agent
        message._kept = kept
        message._replied = False
        return message

    @property
    def meta(self) -> MessageMeta:
        """Made of the envelope's members when it is first asked for."""
        meta = self._meta
        if not isinstance(meta, MessageMeta):
            self._meta = meta = MessageMeta.of(meta)
        return meta

    @property
    def payload(self) -> dict[str, Any]:
        """The same object as `data`."""
        return self.data

    @payload.setter
    def payload(self, value: dict[str, Any]) -> None:
        self.data = value

    @property
    def expects_reply(self) -> bool:
        return self.meta.expects_reply

    @property
    def is_reply(self) -> bool:
        return self.meta.is_reply

    async def reply(self, message_type: str, payload: Any) -> None:
        """Answers a request. May be called later, while the agent runs; the requester takes the first reply.

        @raise AgentStateError (a RuntimeError) no agent received this message, it does not expect a reply, or the agent
        has stopped.
        """
        if self._agent is None:
            raise AgentStateError("Cannot reply: message not associated with agent. Only a message that an agent "
                                  "received can be replied to.")
        await self._agent.send_reply_envelope(self, message_type, payload)

    # ---- as a pydantic model has them

    def model_dump(self, *, include: Container[str] | None = None, exclude: Container[str] | None = None,
                   **_options: Any) -> dict[str, Any]:
        """@param include names of members; None: all. Other options of pydantic change nothing."""
        members = {
            "sender_id": self.sender_id, "target_id": self.target_id, "message_type": self.message_type,
            "data": self.data,
            "meta": {"version": self.meta.version, "correlation_id": self.meta.correlation_id,
                     "expects_reply": self.meta.expects_reply, "is_reply": self.meta.is_reply},
            "timestamp": self.timestamp, "message_id": self.message_id}
        return {name: value for name, value in members.items()
                if (include is None or name in include) and name not in (exclude or ())}

    def model_dump_json(self, **options: Any) -> str:
        return json.dumps(self.model_dump(**options), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def model_validate(cls, members: Mapping[str, Any]) -> AgentMessage:
        """@raise ValueError a member is missing, unknown or of the wrong type."""
        if not isinstance(members, Mapping):
            raise ValueError(f"expected an object, found {type(members).__name__}")
        wanted = {"sender_id": str, "target_id": str, "message_type": str, "data": dict}
        for name, kind in wanted.items():
            if not isinstance(members.get(name), kind):
                raise ValueError(f"{name}: expected {kind.__name__}, found {type(members.get(name)).__name__}")
        known = {name: members[name] for name in (*wanted, "meta", "timestamp", "message_id") if name in members}
        return cls(**known)

    @classmethod
    def model_validate_json(cls, text: str | bytes) -> AgentMessage:
        """@raise ValueError not the JSON of a message."""
        return cls.model_validate(json.loads(text))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AgentMessage):
            return NotImplemented
        return self.model_dump() == other.model_dump()

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return (f"AgentMessage(sender_id={self.sender_id!r}, target_id={self.target_id!r}, "
                f"message_type={self.message_type!r}, data={self.data!r}, message_id={self.message_id!r})")
