"""MAS: agents that find each other, exchange messages and keep state, over libmas.

    import asyncio
    from mas import Agent

    class Greeter(Agent):
        @Agent.on("greet")
        async def greet(self, message, payload):
            await message.reply("greeting", {"text": f"Hello, {message.data['name']}!"})

docs/PYTHON.md is the guide.
"""

from ._errors import (
    AgentStateError,
    GatewayRefusedError,
    HandlerError,
    InvalidArgumentError,
    MASConnectionError,
    MASError,
    MASTimeoutError,
    NoReceiverError,
    PayloadError,
    RequestFailedError,
    StateError,
)
from ._library import VERSION as _VERSION
from ._message import AgentMessage, MessageMeta, MessageType
from ._run import run, serve
from ._service import MASService
from ._state import StateManager
from .agent import Agent, AgentRecord, StateType

Message = AgentMessage
__version__ = ".".join(map(str, _VERSION))

__all__ = [
    "Agent", "AgentMessage", "AgentRecord", "AgentStateError", "GatewayRefusedError", "HandlerError",
    "InvalidArgumentError", "MASConnectionError", "MASError", "MASService", "MASTimeoutError", "Message", "MessageMeta",
    "MessageType", "NoReceiverError", "PayloadError", "RequestFailedError", "StateError", "StateManager", "StateType",
    "__version__", "run", "serve",
]
