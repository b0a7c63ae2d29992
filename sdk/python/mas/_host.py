"""The event loop that reads what comes for the process's agents, in the place of the library's thread.

Happy path: join(session) → whenever the library's sockets are readable, the loop turns the library and takes each
session's messages → leave(session). A message then wakes one thread, not two.

Failure modes: a second loop of the process is no host; its sessions are woken by their own descriptors, as are those
past the first few of the host. While the host is busy, the library's thread reads.
Threading: join and leave from the session's loop.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._session import Session

_AT_ONCE = 4  #: sessions that are looked at for each message, since that costs less than their descriptors


class _Host:
    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int):
        self.loop = loop
        self.fd = fd
        self.sessions: list[weakref.ref[Session]] = []  # an agent may be dropped without stop()
        loop.add_reader(fd, self.take)

    def take(self) -> None:
        turn = True
        for reference in self.sessions[:_AT_ONCE]:
            if (session := reference()) is not None:
                session.take(turn)
                turn = False

    def remove(self, reference: weakref.ref[Session]) -> None:
        """Also called when a session was dropped."""
        global _host
        with _lock:
            if reference not in self.sessions:
                return
            self.sessions.remove(reference)
            if self.sessions:
                return
            _host = _nobody
            if not self.loop.is_closed():
                self.loop.remove_reader(self.fd)


def _nobody() -> None:
    """No loop is the host."""


_lock = threading.RLock()  # a session may be dropped anywhere
_host: Callable[[], _Host | None] = _nobody  # a weak reference: the loop owns it, and drops it when it is closed


def join(session: Session) -> None:
    """The session has begun to take messages."""
    global _host
    with _lock:
        host = _host()
        if host is None or host.loop.is_closed():
            host = _Host(session.loop, session.native.arrival_fd())
            _host = weakref.ref(host)
        if host.loop is session.loop:
            host.sessions.append(weakref.ref(session, host.remove))


def leave(session: Session) -> None:
    """The session takes no more. Before its agent stops: with the last one the descriptor goes. Safe to repeat."""
    host = _host()
    if host is not None:
        host.remove(weakref.ref(session))


def _after_fork() -> None:
    global _lock, _host
    _lock, _host = threading.RLock(), _nobody


os.register_at_fork(after_in_child=_after_fork)
