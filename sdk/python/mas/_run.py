"""Running agents until a signal: what a program of agents does around its agents."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from .agent import Agent

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def stop_signal() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set, from now on. A second signal has its usual effect. Main thread only."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopped.set()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    return stopped


async def serve(*agents: Agent[Any]) -> None:
    """Starts the agents in order, waits for SIGINT or SIGTERM, and stops them in reverse order. Handlers may finish.

    What a start raises comes out of it, after the agents before it were stopped.
    """
    stopped = stop_signal()
    started: list[Agent[Any]] = []
    try:
        for agent in agents:
            await agent.start()
            started.append(agent)
        await stopped.wait()
    finally:
        for agent in reversed(started):
            await agent.aclose()


def run(*agents: Agent[Any]) -> None:
    """serve(), for a program without an event loop of its own."""
    asyncio.run(serve(*agents))
