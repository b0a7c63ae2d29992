"""Which handler gets a message: the decorator, each class's table, and the tasks that handlers run in."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import types
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from . import _misfit, _models, _tracing
from ._errors import HANDLER_FAILED, INVALID_PAYLOAD, NO_HANDLER, OK, HandlerError, error_of
from ._message import AgentMessage

log = logging.getLogger("mas.agent")

CLEAN_UP_S = 1.0  #: for handlers that a stop has cancelled
LAST_HOOKS_S = 5.0  #: for the hooks that run at the end of a stop

Handler = TypeVar("Handler", bound=Callable[..., Any])
Table = dict[str, tuple[str, Any]]  # message type → the method's name, its model or None
_MARK = "__mas_handles__"
_NO_PAYLOAD = object()
_FALLBACK = ("on_message", _NO_PAYLOAD)


def mark(message_type: str, model: Any = None) -> Callable[[Handler], Handler]:
    """The decorator behind `@Agent.on`. @raise TypeError an invalid type, model or function."""
    if not isinstance(message_type, str) or not message_type:
        raise TypeError(f"@Agent.on: the message type is {message_type!r}; expected a text such as \"greeting\"")
    if model is not None:
        _models.require(model, f"@Agent.on({message_type!r}): model")

    def decorate(function: Handler) -> Handler:
        if not callable(function):
            raise TypeError(f"@Agent.on({message_type!r}) decorates a method; found {type(function).__name__}")
        if inspect.isfunction(function):
            _require_arguments(function, f"@Agent.on({message_type!r})")
        marks = (*getattr(function, _MARK, ()), (message_type, model))
        setattr(function, _MARK, marks)
        return function

    return decorate


def _require_arguments(function: types.FunctionType, what: str) -> None:
    """@raise TypeError it cannot be called as handlers are."""
    try:
        inspect.signature(function, follow_wrapped=False).bind("self", "message", "payload")
    except TypeError as error:
        raise TypeError(f"{what} decorates {function.__qualname__}: {error}; expected `async def "
                        f"{function.__name__}(self, message, payload)`") from None


def table_of(cls: type) -> Table:
    """The handlers of a class: its own, over those of its bases. A method that is overridden by name keeps its type."""
    table: Table = {}
    for base in reversed(cls.__mro__):
        for name, member in vars(base).items():
            for message_type, model in getattr(member, _MARK, ()):
                table[message_type] = (name, model)
    return table


def require_complete(table: Table) -> None:
    """@raise TypeError a model names a class that is not known."""
    for message_type, (_, model) in table.items():
        if model is not None:
            _models.require(model, f"@Agent.on({message_type!r}): model", complete=True)


class Handlers:
    """The tasks of one agent's handlers. A message's task begins in order of arrival; tasks overlap. The end of a task
    settles its message, also where the task was cancelled before its first step. In gateway mode one that is cancelled
    while its agent stops leaves it open: it comes again. A task that stops its own agent is called a leaving one."""

    def __init__(self, agent: Any, table: Table, fallback: bool):
        """@param fallback whether the class has an on_message of its own."""
        self._agent = agent
        self._table = table
        self._fallback = fallback
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._messages: dict[int, AgentMessage] = {}  # of the tasks, until they are settled
        self._leaving: set[asyncio.Task[Any]] = set()
        self._finishing: list[asyncio.Future[None]] = []  # of finish()
        self._last = 0

    def begin(self, message: AgentMessage, loop: asyncio.AbstractEventLoop) -> None:
        found = self._table.get(message.message_type)
        if found is None:
            if not self._fallback:
                self._refuse(message)
                return
            found = _FALLBACK
        self._last += 1
        self._messages[self._last] = message
        handled = (self._handle(self._last, message, *found) if _tracing.concerns(message) else
                   self._run(_tracing.UNTRACED, self._last, message, *found))
        task = self._tasks[self._last] = loop.create_task(handled)
        task.add_done_callback(functools.partial(self._ended, self._last))

    def run(self, hook: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        """Runs a hook of the agent beside the handlers: a stop cancels it."""
        self._last += 1
        task = self._tasks[self._last] = loop.create_task(hook)
        task.add_done_callback(functools.partial(self._ended, self._last))
        return task

    async def run_last(self, hooks: list[Coroutine[Any, Any, None]], loop: asyncio.AbstractEventLoop) -> None:
        """Runs hooks at the end of a stop, after cancel(). Those that still run after LAST_HOOKS_S are cancelled."""
        if not hooks:
            return
        tasks = [self.run(hook, loop) for hook in hooks]
        try:
            _, late = await asyncio.wait(tasks, timeout=LAST_HOOKS_S)
        finally:
            for task in tasks:
                task.cancel()
        if late:
            log.warning("%s: hooks still run after %g s and are cancelled", self._agent.id, LAST_HOOKS_S)
            await asyncio.wait(late, timeout=CLEAN_UP_S)

    def leave(self, task: asyncio.Task[Any] | None) -> None:
        """If a handler or hook runs in this task, nobody waits for it from now on, or cancels it."""
        if task is not None and task in self._tasks.values():
            self._leaving.add(task)
            self._look()

    def stay(self, task: asyncio.Task[Any] | None) -> None:
        """Takes leave() back."""
        self._leaving.discard(task)  # type: ignore[arg-type]

    async def finish(self) -> None:
        """Waits until no handler runs, except for those that leave."""
        while len(self._tasks) > len(self._leaving):
            done = asyncio.get_running_loop().create_future()
            self._finishing.append(done)
            await done

    async def cancel(self) -> None:
        """Cancels the handlers that run, except for those that leave, and lets them clean up for up to CLEAN_UP_S."""
        for number in [number for number, task in self._tasks.items() if task in self._leaving]:
            self._settle(number, OK)  # a handler that stops its own agent has handled its message
        if tasks := set(self._tasks.values()) - self._leaving:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=CLEAN_UP_S)
        for number in list(self._messages):
            self._cancelled(number)  # its handler does not end

    # ---- inside

    def _refuse(self, message: AgentMessage) -> None:
        """No handler takes it. The answer belongs to the message's trace; the loop's callback has that of start()."""
        log.debug("%s has no handler for %r", self._agent.id, message.message_type)
        told = f"no handler for messages of type {message.message_type!r}"
        with _tracing.handling(self._agent.id, message) as traced:
            traced.failed(error_of(NO_HANDLER, told, "handling"))
            self._agent._mas_settle(message, NO_HANDLER, told)

    async def _handle(self, number: int, message: AgentMessage, name: str, model: Any) -> None:
        with _tracing.handling(self._agent.id, message) as traced:
            await self._run(traced, number, message, name, model)

    def _ended(self, number: int, task: asyncio.Task[None]) -> None:
        """Settles what the task has not: it was cancelled before its first step, or raised what is no Exception."""
        del self._tasks[number]
        self._leaving.discard(task)
        self._look()
        message = self._messages.get(number)
        if task.cancelled():
            self._cancelled(number)
        elif (error := task.exception()) is not None and message is not None:
            log.error("%s: the handler of %r from %s failed", self._agent.id, message.message_type, message.sender_id,
                      exc_info=error)
            self._settle(number, HANDLER_FAILED, _raised(error))
        elif error is not None:
            log.error("%s: a hook failed", self._agent.id, exc_info=error)
        self._messages.pop(number, None)  # a stop has left it open

    def _cancelled(self, number: int) -> None:
        if not self._agent._mas_stops():
            self._settle(number, HANDLER_FAILED, "the handler was cancelled")
        elif not self._agent._mas_gateway:
            self._settle(number, HANDLER_FAILED, "the agent is being stopped")

    def _look(self) -> None:
        """Wakes finish() where it has an end."""
        if len(self._tasks) <= len(self._leaving):
            for done in self._finishing:
                if not done.done():
                    done.set_result(None)
            self._finishing.clear()

    def _settle(self, number: int, status: int, text: str = "") -> None:
        """Once for each message."""
        if (message := self._messages.pop(number, None)) is not None:
            self._agent._mas_settle(message, status, text)

    async def _run(self, traced: _tracing.Traced, number: int, message: AgentMessage, name: str, model: Any) -> None:
        try:
            handler = getattr(self._agent, name)
            if model is _NO_PAYLOAD:
                result = handler(message)
            elif model is None:
                result = handler(message, None)
            else:
                payload = self._parse(traced, number, message, model)
                if payload is None:
                    return
                result = handler(message, payload)
            if hasattr(result, "__await__"):
                await result
            self._settle(number, OK)
        except asyncio.CancelledError:
            self._cancelled(number)
            raise
        except Exception as error:
            traced.failed(error)
            log.exception("%s: the handler of %r from %s failed", self._agent.id, message.message_type,
                          message.sender_id)
            self._settle(number, HANDLER_FAILED, str(error) if isinstance(error, HandlerError) else _raised(error))

    def _parse(self, traced: _tracing.Traced, number: int, message: AgentMessage, model: Any) -> Any:
        """An instance of the model; None where the data does not fit it."""
        try:
            return _models.parse(model, message.data)
        except Exception as error:
            traced.failed(error)
            why = _misfit.misfit_of(model, error, message.data)
            log.error("%s: %r from %s does not fit %s: %s", self._agent.id, message.message_type, message.sender_id,
                      model.__name__, why)
            self._settle(number, INVALID_PAYLOAD, why)
            return None


def _raised(error: BaseException) -> str:
    """Without its text, which may contain anything."""
    return f"the handler raised {type(error).__name__}"
