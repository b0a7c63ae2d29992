"""Agent: a class to derive from, or to use as it is, whose instances find each other and exchange messages.

Happy path: Agent("id") → await start() → send, request, discover, update_state; handlers run → await stop().

An agent belongs to the event loop that start() ran in. Every call from another loop, another thread or a forked process
raises AgentStateError with a sentence.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Self, TypeVar, overload

from . import _address, _discovery, _payload, _workers
from ._discovery import AgentRecord
from ._dispatch import Handler, Handlers, Table, mark, require_complete, table_of
from ._errors import OK, AgentStateError, check, last_error
from ._library import lib
from ._message import AgentMessage
from ._native import Kept, Native
from ._session import Session
from ._state import StateManager

log = logging.getLogger("mas.agent")

StateType = TypeVar("StateType", covariant=True)  # an Agent[Counts] is an Agent[object]: lists may mix agents
START_TIMEOUT_MS = 5000  #: for Redis to take the registration
STATE_TIMEOUT_S = 5.0  #: at a stop, for changes of the state to be written
ANSWERS_S = 1.0  #: at a stop, for error replies that a full queue has not taken
STOP_TIMEOUT_MS = 5000  #: for what is queued to leave, and the registration to go
_MODE_GATEWAY = 1

__all__ = ["Agent", "AgentMessage", "AgentRecord", "StateType"]


class Agent(Generic[StateType]):
    """A class to derive from, or to use as it is:

        class Greeter(Agent):
            @Agent.on("greet")
            async def greet(self, message, payload):
                await message.reply("greeting", {"text": f"Hello, {message.data['name']}!"})

        async with Greeter("greeter", capabilities=["greeting"]):  # or: await start() ... await stop()
            ...

    Derived classes may override on_start, on_stop, on_message, on_doubt and get_metadata, and add handlers with
    `@Agent.on`. `Agent[Model]` says to type checkers what `state` is; `state_model=Model` makes it that.
    """

    _mas_table: Table = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._mas_table = table_of(cls)

    @overload
    def __init__(self: Agent[dict[str, Any]], agent_id: str, capabilities: Iterable[str] | None = None,
                 redis_url: str | None = None, state_model: None = None, use_gateway: bool = False,
                 gateway_url: str | None = None, *, namespace: str | None = None,
                 credentials: str | os.PathLike[str] | None = None,
                 heartbeat: tuple[float, float] | None = None) -> None: ...

    @overload
    def __init__(self, agent_id: str, capabilities: Iterable[str] | None = None, redis_url: str | None = None,
                 state_model: type[StateType] | None = None, use_gateway: bool = False, gateway_url: str | None = None,
                 *, namespace: str | None = None, credentials: str | os.PathLike[str] | None = None,
                 heartbeat: tuple[float, float] | None = None) -> None: ...

    def __init__(self, agent_id: str, capabilities: Iterable[str] | None = None, redis_url: str | None = None,
                 state_model: type[StateType] | None = None, use_gateway: bool = False, gateway_url: str | None = None,
                 *, namespace: str | None = None, credentials: str | os.PathLike[str] | None = None,
                 heartbeat: tuple[float, float] | None = None) -> None:
        """Connects to nothing yet.

        @param agent_id 1 to 128 of letters, digits, dot, underscore and hyphen.
        @param redis_url default: that of the credentials, else the environment's MAS_REDIS_URL, else
               redis://localhost:6379.
        @param state_model a pydantic model or dataclass that can be made without arguments; None: the state is a dict.
        @param use_gateway whether messages go through mas-gatewayd. The environment's MAS_MODE=gateway does the same.
        @param gateway_url the Redis of agents in gateway mode, where that is another one.
        @param namespace prefix of every key; default: the environment's MAS_NAMESPACE.
        @param credentials the agent's credentials file; default: the environment's MAS_CREDENTIALS.
        @param heartbeat seconds between two heartbeats, and until a silent agent counts as dead; default (30, 60).
        """
        self.id = agent_id
        self.capabilities = _payload.texts(capabilities)
        self.redis_url = _address.redis_url(redis_url)
        self.use_gateway = use_gateway
        self.gateway_url = gateway_url or self.redis_url
        self._mas_url_set = bool(redis_url)
        self._mas_namespace = namespace
        self._mas_credentials = credentials
        self._mas_heartbeat = heartbeat
        self._mas_gateway = use_gateway or os.environ.get("MAS_MODE") == "gateway"
        self._mas_gateway_object: Any = None
        self._mas_state = StateManager(state_model)
        self._mas_session: Session | None = None
        self._mas_handlers = self._mas_new_handlers()
        self._mas_waiting: list[asyncio.Future[None]] = []  # in wait_transport_ready()
        self._mas_starting: _Starting | None = None
        self._mas_stopping: asyncio.Task[None] | None = None
        self._mas_doubts: deque[tuple[list[str], int]] = deque()  # on_doubt has not been told of them yet
        self._token: str | None = None
        self._running = False

    # ---- to override

    async def on_start(self) -> None:
        """Runs at the end of start(). What it raises undoes the start, and comes out of it."""

    async def on_stop(self) -> None:
        """Runs at the beginning of stop(), while the agent can still send."""

    async def on_message(self, message: AgentMessage) -> None:
        """Gets every message of a type without a handler of its own."""

    async def on_doubt(self, message_ids: list[str], forgotten: int) -> None:
        """Gateway mode: Redis lost messages that had been accepted. send() returned these ids; send_again() repeats one.

        A stop tells last what the library still knew of: send_again() then raises AgentStateError, and after 5 s the
        hook is cancelled. Where it cannot run any more (the loop was closed, the stop cancelled), the ids are logged.
        @param forgotten further messages, at most, whose ids are not known any more.
        """

    def get_metadata(self) -> dict[str, Any]:
        """What discovery shows to others about this agent. Read once, by start()."""
        return {}

    @classmethod
    def on(cls, message_type: str, *, model: Any = None) -> Callable[[Handler], Handler]:
        """Decorates the method `async def handler(self, message, payload)` that handles a message type.

        Handlers belong to the class and to those derived from it. `payload` is an instance of `model`, or None without
        one. Data that does not fit the model is logged and reaches no handler. The requester of a request that no
        handler took, whose data does not fit, or whose handler raised, gets RequestFailedError.

        In gateway mode a message is acknowledged when its handler has returned. When the process dies before that, or
        the handler raises, it is delivered again; a request then fails at the last attempt.
        """
        return mark(message_type, model)

    # ---- life

    async def start(self) -> None:
        """Connects, registers, loads the state and begins to receive; then runs on_start().

        @raise MASConnectionError Redis cannot be reached. @raise StateError the state does not fit the model.
        @raise AgentStateError the agent runs already. @raise MASError anything else that the library reports.
        """
        if self._mas_session is not None or self._mas_starting is not None:
            raise AgentStateError(f"the agent {self.id!r} is started already")
        self._mas_starting = _Starting()
        try:
            await self._mas_open(self._mas_starting)
        finally:
            self._mas_starting.end()
            self._mas_starting = None
        try:
            await self.on_start()
        except BaseException:
            if self._mas_session is not None:  # else on_start() has stopped the agent
                await self._mas_end(run_hook=False)
            raise

    async def stop(self) -> None:
        """Runs on_stop(), cancels handlers that still run, sends what is queued, and deregisters. The state stays.

        In gateway mode the messages of cancelled handlers come again, at the next start or to another instance. A
        handler that stops its own agent has handled its message.
        Harmless on an agent that does not run, and in its on_stop(). A start() that is under way ends with
        AgentStateError. An agent may be started again, in another loop too. One whose loop was closed is stopped from
        any loop, without on_stop().
        """
        if self._mas_starting is not None:
            await self._mas_starting.interrupt(self.id)
        session = self._mas_session
        if session is not None and session.loop.is_closed():
            await self._mas_abandon(session)
        elif session is not None and not self._mas_in_on_stop():
            self._mas_own()
            await self._mas_end(run_hook=True)

    async def aclose(self, timeout: float | None = 30.0) -> None:
        """As stop(), but lets handlers finish first. One that is cancelled while it waits leaves the agent running.

        @param timeout seconds for that; None: without end.
        """
        timeout = _payload.seconds(timeout, "timeout")
        if self._mas_session is None or self._mas_session.loop.is_closed() or self._mas_in_on_stop():
            return await self.stop()
        session = self._mas_own()
        session.take()
        caller = asyncio.current_task()
        # A steady sender would keep the agent open for ever. Peer to peer, what is refused would be lost.
        with session.native.refuse() if session.native.gateway else contextlib.nullcontext():
            self._mas_handlers.leave(caller)
            try:
                await asyncio.wait_for(self._mas_handlers.finish(), timeout)
            except TimeoutError:
                log.warning("%s: handlers still run after %g s and are cancelled", self.id, timeout)
            except BaseException:
                self._mas_handlers.stay(caller)
                raise
            await self.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    async def wait_transport_ready(self, timeout: float | None = None) -> None:
        """Returns once the agent is started. @raise TimeoutError."""
        timeout = _payload.seconds(timeout, "timeout")
        if self._running:
            return
        ready = asyncio.get_running_loop().create_future()
        self._mas_waiting.append(ready)
        try:
            await asyncio.wait_for(ready, timeout)
        finally:
            self._mas_waiting.remove(ready)

    def set_gateway(self, gateway: Any) -> None:
        """Accepted for programs of the original framework: agents need no gateway object."""
        self._mas_gateway_object = gateway

    # ---- messages

    async def send(self, target_id: str, message_type: str, data: Any) -> str | None:
        """Sends a message.

        Peer to peer it returns when the message is queued; that nobody listens is no error. In gateway mode it returns
        the message's id when the message is in the target's stream.
        @param data a mapping, a pydantic model or a dataclass instance.
        @raise GatewayRefusedError with the gateway's decision. @raise PayloadError, TypeError `data` cannot be sent.
        @raise AgentStateError, MASError.
        """
        return await self._mas_own().send(target_id, message_type, data)

    async def send_again(self, message_id: str, target_id: str, message_type: str, data: Any) -> None:
        """Repeats a message under its id (see on_doubt). Otherwise as send()."""
        await self._mas_own().send_again(message_id, target_id, message_type, data)

    async def request(self, target_id: str, message_type: str, data: Any, timeout: float | None = None) -> AgentMessage:
        """Sends a request and waits for the reply. Any number at once, from handlers too.

        @param timeout seconds; None waits without end.
        @raise MASTimeoutError (a TimeoutError) no reply in time.
        @raise NoReceiverError (a TimeoutError) nobody listens, so none can come.
        @raise RequestFailedError (a TimeoutError, too) the target has no handler, the data does not fit, or the handler
        failed. Otherwise as send().
        """
        return AgentMessage._received(await self._mas_own().request(target_id, message_type, data, timeout), self, None)

    request_typed = request

    async def send_reply_envelope(self, original: AgentMessage, message_type: str, data: Any) -> None:
        """What message.reply() calls."""
        await self._mas_own().reply(original, message_type, data)

    async def discover(self, capabilities: Iterable[str] | None = None) -> list[AgentRecord]:
        """Finds active agents with any of the capabilities, this one included. @param capabilities None: everybody."""
        native = self._mas_own().native
        wanted = [_payload.name(capability, "a capability") for capability in _payload.texts(capabilities)]
        return await _workers.run(native, lambda pointer: _discovery.discover(pointer, wanted))

    # ---- state and facts

    @property
    def state(self) -> StateType:
        """The dict, or the instance of the state model. @raise AgentStateError before start()."""
        state: StateType = self._mas_state.value
        return state

    async def update_state(self, updates: Mapping[str, Any]) -> None:
        """Changes fields of the state, in memory at once, then all of them or none in Redis.

        @raise ValueError (StateError, too) a field that the model lacks, or a value that does not fit it.
        @raise MASError Redis did not take it.
        """
        await self._mas_state.update(self._mas_own().native, updates)

    async def reset_state(self) -> None:
        """Makes the state empty, or a fresh model, here and in Redis."""
        await self._mas_state.reset(self._mas_own().native)

    async def refresh_state(self) -> None:
        """Loads the state from Redis again, where another instance may have changed it."""
        await self._mas_state.refresh(self._mas_own().native)

    @property
    def token(self) -> str | None:
        """A text that names this start of the agent; None before. The library keeps the credential to itself."""
        return self._token

    def stats(self) -> dict[str, int]:
        """The library's counters since start(): mas_stats in mas.h describes them."""
        return self._mas_own().stats()

    # ---- inside

    def _mas_settle(self, message: AgentMessage, status: int, text: str = "") -> None:
        """What became of a message. @param text of a failure, for a requester."""
        session = self._mas_session
        if session is not None:
            session.settle(message, status, text)

    def _mas_stops(self) -> bool:
        return self._mas_session is None or self._mas_stopping is not None

    def _mas_own(self) -> Session:
        """The running session, for its own loop. @raise AgentStateError."""
        session = self._mas_session
        if session is None:
            raise AgentStateError("Agent not started")
        session.require()
        return session

    def _mas_new_handlers(self) -> Handlers:
        return Handlers(self, self._mas_table, type(self).on_message is not Agent.on_message)

    def _mas_settings(self) -> list[tuple[str, tuple[Any, ...]]]:
        """What the library's options are set to."""
        url = self.gateway_url if self._mas_gateway else self.redis_url
        metadata = _payload.encode(self.get_metadata() or {}, "get_metadata()")
        settings: list[tuple[str, tuple[Any, ...]]] = [("set_metadata", (metadata, len(metadata)))]
        if self._mas_url_set or url != self.redis_url:  # else the library finds it: credentials, then environment
            settings.append(("set_redis_url", (_payload.name(url, "redis_url"),)))
        if self._mas_gateway:  # else the library's own default: MAS_MODE, which it checks
            settings.append(("set_mode", (_MODE_GATEWAY,)))
        settings += [("add_capability", (_payload.name(item, "a capability"),)) for item in self.capabilities]
        if self._mas_namespace is not None:
            settings.append(("set_namespace", (_payload.name(self._mas_namespace, "namespace"),)))
        if self._mas_credentials is not None:
            settings.append(("set_credentials", (os.fsencode(self._mas_credentials),)))
        if self._mas_heartbeat is not None:
            settings.append(("set_heartbeat", _payload.heartbeat(self._mas_heartbeat)))
        return settings

    async def _mas_open(self, starting: _Starting) -> None:
        require_complete(self._mas_table)
        self._mas_state.require_complete()
        native = Native(_payload.name(self.id, "the agent's id"), self._mas_settings(), self._mas_gateway)
        starting.native = native
        registered = False

        def start(pointer: int) -> None:
            nonlocal registered
            starting.require()
            check(lib.mas_agent_start(pointer, START_TIMEOUT_MS), "starting the agent")
            registered = True

        try:
            await _workers.run(native, start, native.quit)
            starting.require()
            self._mas_state.begin(native)
        except BaseException:
            try:
                if registered:
                    await _workers.run(native, lambda pointer: _stop(pointer, self.id), _workers.stay)
                starting.require()
            finally:
                native.close()
            raise
        self._mas_session = Session(native, self.id, self._mas_receive, self._mas_doubt)
        self._token = base64.urlsafe_b64encode(hashlib.sha256(native.instance().encode()).digest()).decode().rstrip("=")
        self._running = True
        for ready in self._mas_waiting:
            _wake(ready)
        self._mas_session.open()

    def _mas_in_on_stop(self) -> bool:
        return self._mas_stopping is not None and self._mas_stopping is asyncio.current_task()

    async def _mas_end(self, run_hook: bool) -> None:
        """Ends the agent in a task of its own, which the cancellation of a caller does not end."""
        self._mas_handlers.leave(asyncio.current_task())
        if self._mas_stopping is None:
            session = self._mas_own()
            self._mas_stopping = session.loop.create_task(self._mas_do_end(session, run_hook))
        await asyncio.shield(self._mas_stopping)

    async def _mas_do_end(self, session: Session, run_hook: bool) -> None:
        try:
            if run_hook:
                await self.on_stop()
        finally:
            await self._mas_close(session)

    async def _mas_close(self, session: Session) -> None:
        with session.native.refuse():
            try:
                await self._mas_handlers.cancel()
                if session.native.gateway:  # what waits stays with Redis, and none of it counts as a failed delivery
                    session.pause()
                await self._mas_state.finish(STATE_TIMEOUT_S)
                await session.refuse_rest()
                session.pause()
                await session.answer_all(ANSWERS_S)
                await _workers.run(session.native, lambda pointer: _stop(pointer, self.id))
                session.take_left()
                await self._mas_handlers.run_last([self._mas_tell_doubt() for _ in self._mas_doubts], session.loop)
            finally:
                self._running = False
                self._mas_session, self._mas_stopping, self._token = None, None, None
                session.close()
                self._mas_log_doubts()

    async def _mas_abandon(self, session: Session) -> None:
        """Ends an agent whose loop was closed under it: nobody waits for anything any more."""
        self._mas_session, self._mas_stopping, self._token, self._running = None, None, None, False
        self._mas_handlers = self._mas_new_handlers()  # the tasks of a closed loop can neither be awaited nor cancelled
        try:
            await _workers.run(session.native, lambda pointer: _stop(pointer, self.id))
        finally:
            session.abandon()
            self._mas_log_doubts()

    def _mas_doubt(self, message_ids: list[str], forgotten: int) -> None:
        """What comes while the agent stops is told at the end of the stop."""
        self._mas_doubts.append((message_ids, forgotten))
        session = self._mas_session
        if session is not None and not session.paused:
            self._mas_handlers.run(self._mas_tell_doubt(), session.loop)

    async def _mas_tell_doubt(self) -> None:
        if self._mas_doubts:
            await self.on_doubt(*self._mas_doubts.popleft())

    def _mas_log_doubts(self) -> None:
        """Where on_doubt cannot be told any more."""
        while self._mas_doubts:
            message_ids, forgotten = self._mas_doubts.popleft()
            log.warning("%s: in doubt, and on_doubt was not told: %s, and %d forgotten messages", self.id,
                        ", ".join(message_ids), forgotten)

    def _mas_receive(self, envelope: dict[str, Any], kept: Kept | None) -> None:
        session = self._mas_session
        if session is not None:
            self._mas_handlers.begin(AgentMessage._received(envelope, self, kept), session.loop)


class _Starting:
    """A start() that is under way, which a stop() may interrupt."""

    def __init__(self) -> None:
        self.native: Native | None = None
        self._stopped = ""
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def require(self) -> None:
        """@raise AgentStateError interrupted."""
        if self._stopped:
            raise AgentStateError(f"the agent {self._stopped!r} was stopped while it started")

    async def interrupt(self, agent_id: str) -> None:
        """Returns when it has ended. @raise AgentStateError it runs in another loop."""
        if self._ended.get_loop() is not asyncio.get_running_loop():
            raise AgentStateError(f"the agent {agent_id!r} is being started in another event loop; stop it there")
        self._stopped = agent_id
        if self.native is not None:
            self.native.quit()
        await asyncio.wait([self._ended])

    def end(self) -> None:
        self._ended.set_result(None)


def _wake(waiting: asyncio.Future[None]) -> None:
    """In its own loop, which may be another thread's, or closed."""
    with contextlib.suppress(RuntimeError):
        waiting.get_loop().call_soon_threadsafe(lambda: None if waiting.done() else waiting.set_result(None))


def _stop(pointer: int, agent_id: str) -> None:
    status = lib.mas_agent_stop(pointer, STOP_TIMEOUT_MS)
    if status != OK:
        log.warning("%s", last_error(status, f"stopping {agent_id}"))
