"""GatewayService: a mas-gatewayd that runs as long as a program does."""

from __future__ import annotations

from typing import Self

from .. import _address
from .._daemon import Daemon
from ._audit import AuditModule
from ._masctl import Masctl
from ._rules import AuthorizationManager
from .config import GatewaySettings


class GatewayService:
    """Happy path: start() → agents with use_gateway=True → stop()."""

    def __init__(self, redis_url: str | None = None, settings: GatewaySettings | None = None) -> None:
        """@param redis_url before settings.redis.url; default: MAS_REDIS_URL, else redis://localhost:6379."""
        self.settings = settings or GatewaySettings()
        self.redis_url = _address.redis_url(redis_url or self.settings.redis.url)
        masctl = Masctl(self.redis_url)
        self._masctl = masctl
        self._audit = AuditModule(masctl)
        self._daemon: Daemon | None = None
        self._running = False

    async def start(self) -> None:
        """Returns when the gateway decides. @raise MASError it ended; its last words are in the text.
        @raise FileNotFoundError mas-gatewayd is not installed."""
        if self._daemon is None:
            daemon = Daemon("mas-gatewayd", self.redis_url, self.settings.environment())
            await daemon.start()
            self._daemon, self._running = daemon, True

    async def stop(self) -> None:
        """Lets the gateway finish what it has, and ends it. Safe to repeat, also where a caller was cancelled."""
        self._running = False
        if self._daemon is not None:
            await self._daemon.stop()
            self._daemon = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    def auth_manager(self) -> AuthorizationManager:
        """The rules about who may send to whom; may be used before start()."""
        return AuthorizationManager(self._masctl)

    def audit(self) -> AuditModule:
        """The record of decisions."""
        return self._audit
