"""Running agents until a signal: what a program of agents does around its agents."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from typing import Any

from .agent import Agent

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stop_signal() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set while the context lasts. A second signal has its usual effect. Main thread
    only."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def forget() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    def stop() -> None:
        stopped.set()
        forget()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield stopped
    finally:
        forget()


async def serve(*agents: Agent[Any]) -> None:
    """Starts the agents in order, waits for SIGINT or SIGTERM, and stops them in reverse order. Handlers may finish.

    What a start or a stop raises comes out of it, after all agents that were started have been stopped.
    """
    with stop_signal() as stopped:
        async with contextlib.AsyncExitStack() as stack:
            for agent in agents:
                await stack.enter_async_context(agent)
            await stopped.wait()


def run(*agents: Agent[Any]) -> None:
    """serve(), for a program without an event loop of its own."""
    asyncio.run(serve(*agents))
