"""Which handler gets a message: the decorator, each class's table, and the tasks that handlers run in."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from . import _models
from ._message import AgentMessage

log = logging.getLogger("mas.agent")

Handler = TypeVar("Handler", bound=Callable[..., Any])
Table = dict[str, tuple[str, Any]]  # message type → the method's name, its model or None
_MARK = "__mas_handles__"


def mark(message_type: str, model: Any = None) -> Callable[[Handler], Handler]:
    """The decorator behind `@Agent.on`. @raise TypeError an invalid type, model or function."""
    if not isinstance(message_type, str) or not message_type:
        raise TypeError(f"@Agent.on: the message type is {message_type!r}; expected a text such as \"greeting\"")
    if model is not None:
        _models.require(model, f"@Agent.on({message_type!r}): model")

    def decorate(function: Handler) -> Handler:
        if not callable(function):
            raise TypeError(f"@Agent.on({message_type!r}) decorates a method; found {type(function).__name__}")
        marks = (*getattr(function, _MARK, ()), (message_type, model))
        setattr(function, _MARK, marks)
        return function

    return decorate


def table_of(cls: type) -> Table:
    """The handlers of a class: its own, over those of its bases. A method that is overridden by name keeps its type."""
    table: Table = {}
    for base in reversed(cls.__mro__):
        for name, member in vars(base).items():
            for message_type, model in getattr(member, _MARK, ()):
                table[message_type] = (name, model)
    return table


class Handlers:
    """The tasks of one agent's handlers. A message's task begins in order of arrival; tasks overlap."""

    def __init__(self, agent: Any, table: Table, fallback: bool):
        """@param fallback whether the class has an on_message of its own."""
        self._agent = agent
        self._table = table
        self._fallback = fallback
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, message: AgentMessage, loop: asyncio.AbstractEventLoop) -> None:
        found = self._table.get(message.message_type)
        if found is not None:
            work = self._handle(message, *found)
        elif self._fallback:
            work = self._fall_back(message)
        else:
            log.debug("%s has no handler for %r", self._agent.id, message.message_type)
            return
        task = loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Waits until no handler runs, except for the one that calls."""
        while tasks := self._tasks - {asyncio.current_task()}:
            await asyncio.wait(tasks)

    async def cancel(self, spared: asyncio.Task[Any] | None) -> None:
        """Cancels the handlers that run, except for `spared`, and lets them clean up for up to a second."""
        if tasks := self._tasks - {spared}:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=1)

    # ---- inside

    async def _handle(self, message: AgentMessage, name: str, model: Any) -> None:
        payload = None
        if model is not None:
            try:
                payload = _models.parse(model, message.data)
            except Exception as error:
                log.error("%s: %r from %s does not fit %s: %s", self._agent.id, message.message_type, message.sender_id,
                          model.__name__, error)
                return
        await self._run(message, getattr(self._agent, name), message, payload)

    async def _fall_back(self, message: AgentMessage) -> None:
        await self._run(message, self._agent.on_message, message)

    async def _run(self, message: AgentMessage, handler: Callable[..., Any], *arguments: Any) -> None:
        try:
            result = handler(*arguments)
            if inspect.isawaitable(result):
                await result
        except Exception:
            log.exception("%s: the handler of %r from %s failed", self._agent.id, message.message_type,
                          message.sender_id)
