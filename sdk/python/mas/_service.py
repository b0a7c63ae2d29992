"""MASService: starts the registry and health daemons, or finds them at work."""

from __future__ import annotations

import json
import logging
from typing import Self

from . import _address, _programs
from ._daemon import Daemon
from ._errors import STATUS, error_of

log = logging.getLogger("mas.service")

_REDIS_AWAY = 3  # masctl's exit code


class MASService:
    """Happy path: start() → agents at work → stop().

    Peer-to-peer agents work without any daemon. mas-registryd makes discovery fast where there are many agents;
    mas-healthd marks agents inactive that have died. A daemon that some other process runs on this Redis is left to it.
    """

    def __init__(self, redis_url: str | None = None, heartbeat_timeout: float = 60) -> None:
        """@param redis_url default: MAS_REDIS_URL, else redis://localhost:6379.

        @param heartbeat_timeout seconds without a heartbeat, for agents that state no time of their own.
        """
        self.redis_url = _address.redis_url(redis_url)
        self.heartbeat_timeout = heartbeat_timeout
        self._daemons: list[Daemon] = []

    async def start(self) -> None:
        """Returns when both daemons work. One that is not installed is left out, with a warning.

        @raise MASConnectionError Redis cannot be reached.
        @raise MASError a daemon ended; its last words are in the text.
        """
        if self._daemons:
            return
        found = await self._running()
        settings: dict[str, dict[str, str]] = {
            "mas-registryd": {},
            "mas-healthd": {"HEALTH_DEFAULT_TTL": f"{round(1000 * self.heartbeat_timeout)}ms"}}
        try:
            for program, values in settings.items():
                if program in found:
                    log.info("%s is at work already", program)
                    continue
                daemon = Daemon(program, self.redis_url, values)
                try:
                    await daemon.start()
                except FileNotFoundError as error:
                    log.warning("%s; agents work without it", error)
                    continue
                self._daemons.append(daemon)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ends the daemons that start() has started. Safe to repeat, also where a caller was cancelled."""
        for daemon in reversed(self._daemons):
            await daemon.stop()
        self._daemons = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    @property
    def started(self) -> list[str]:
        """The daemons that this service runs."""
        return [daemon.program for daemon in self._daemons]

    async def _running(self) -> set[str]:
        """The daemons that work on this Redis, as `masctl doctor` finds them; none where masctl is not installed."""
        try:
            code, out, err = await _programs.output_of("masctl", "doctor", "--json",
                                                       env={"MAS_REDIS_URL": self.redis_url})
        except FileNotFoundError:
            return set()
        try:
            findings = {item["check"]: item["found"] for item in json.loads(out)["findings"]}
        except (ValueError, KeyError, TypeError):
            log.warning("masctl doctor cannot be read (exit code %d): %s", code, err.strip())
            return set()
        if code == _REDIS_AWAY:
            raise error_of(STATUS["UNREACHABLE"], findings.get("reachable", ""), "starting the service")
        return {f"mas-{name}" for name in ("registryd", "healthd")
                if not findings.get(name, "none up").startswith("none")}
