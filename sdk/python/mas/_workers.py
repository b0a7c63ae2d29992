"""The threads on which calls wait that the library has no asynchronous form of: start, stop, state, discovery.

They run the library's code and the conversion of its results, never an application's. The library waits without the
GIL.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ._native import Native

T = TypeVar("T")
MOST = 16  #: threads; further calls wait for their turn

_pool: ThreadPoolExecutor | None = None


async def run(native: Native, function: Callable[[int], T], on_cancel: Callable[[], Any] | None = None) -> T:
    """Runs `function(pointer)` on a worker.

    A caller that is cancelled leaves: the call ends by itself, and nobody gets its result. With `on_cancel` the caller
    calls that, and then stays until the call has ended.
    """
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(MOST, "mas-worker")
    future = asyncio.get_running_loop().run_in_executor(_pool, native.call, function)
    future.add_done_callback(_look_at)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if on_cancel is not None:
            on_cancel()
            await asyncio.wait([future])
        raise


def stay() -> None:
    """As `on_cancel`: nothing ends the call, and its caller waits for its end."""


def _look_at(future: asyncio.Future[Any]) -> None:
    """Nobody may be left to take the exception of a call whose caller was cancelled."""
    if not future.cancelled():
        future.exception()


def _after_fork() -> None:
    global _pool
    _pool = None  # its threads are the parent's


os.register_at_fork(after_in_child=_after_fork)
