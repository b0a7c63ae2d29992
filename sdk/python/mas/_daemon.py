"""A daemon of MAS as a child of this process: started, waited for, ended, and ended with the process."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
from collections import deque

from . import _programs
from ._errors import MASError

log = logging.getLogger("mas.service")

READY_S = 10.0  #: for a daemon to be active or on standby
STOP_S = 15.0  #: for a daemon to drain, before it is killed
_LONGEST_LINE = 1 << 20  # bytes of a log line
_READY_EVENTS = frozenset({"active", "standby", "partitions_owned"})


class Daemon:
    """Happy path: start() → stop(). Its log goes to the logger `mas.service`, at debug level."""

    def __init__(self, program: str, redis_url: str, settings: dict[str, str] | None = None):
        """@param program such as mas-healthd.

        @param settings MAS_<DAEMON>_<SECTION>_<KEY> without its first two parts.
        """
        self.program = program
        prefix = "MAS_" + program.removeprefix("mas-").upper() + "_"
        self._env = {**os.environ, "MAS_REDIS_URL": redis_url, prefix + "HTTP_LISTEN": "127.0.0.1:0",
                     prefix + "LOG_FORMAT": "json",
                     **{prefix + name: value for name, value in (settings or {}).items()}}
        self._child: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._last: deque[str] = deque(maxlen=3)

    async def start(self) -> None:
        """Returns when the daemon works. @raise FileNotFoundError it is not installed. @raise MASError it ended."""
        path = _programs.find(self.program)
        if path is None:
            raise FileNotFoundError(_programs.not_found(self.program))
        # setpriv ends the daemon with this process, however this process ends.
        setpriv = shutil.which("setpriv")
        command = [setpriv, "--pdeathsig", "TERM", "--", path] if setpriv else [path]
        self._child = await asyncio.create_subprocess_exec(
            *command, env=self._env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE, limit=_LONGEST_LINE,
            start_new_session=True)  # Ctrl-C is for the program, which stops the daemon
        self._reader = asyncio.get_running_loop().create_task(self._read(self._child.stderr))
        ready = asyncio.get_running_loop().create_task(self._ready.wait())
        try:
            await asyncio.wait({ready, self._reader}, timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
            if not self._ready.is_set():
                end = "ended" if self._reader.done() else f"was not ready within {READY_S:g} s"
                raise MASError(f"{self.program} {end}; its last words: {' '.join(self._last) or '(none)'}")
        except BaseException:
            await self.stop()
            raise
        finally:
            ready.cancel()

    async def stop(self) -> None:
        """TERM, and KILL where that does not help. Safe to repeat, also where a caller was cancelled."""
        child = self._child
        if child is None:
            return
        if child.returncode is None:
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), STOP_S)
        except TimeoutError:
            log.warning("%s did not end within %g s and is killed", self.program, STOP_S)
            child.kill()
            await child.wait()
        if self._reader is not None:
            await asyncio.shield(self._reader)
        self._child = None

    async def _read(self, written: asyncio.StreamReader | None) -> None:
        """Follows its log until it ends."""
        while written is not None:
            try:
                line = await written.readline()
            except ValueError:  # too long; the reader has dropped what it had of it
                continue
            if not line:
                break
            text = line.decode("utf-8", "replace").strip()
            self._last.append(text)
            log.debug("%s", text)
            try:
                event = json.loads(text).get("event")
            except (ValueError, AttributeError):
                continue
            if event in _READY_EVENTS:
                self._ready.set()
