"""Who may send to whom, set from a program."""

from __future__ import annotations

from collections.abc import Iterable

from ._masctl import Masctl


class AuthorizationManager:
    """Each method is `masctl acl` with the same name. Changes hold at once, are recorded, and stay when the gateway
    ends."""

    def __init__(self, masctl: Masctl):
        self._masctl = masctl

    async def allow(self, agent_id: str, targets: Iterable[str]) -> None:
        """Adds targets to an agent's allow list."""
        await self._masctl.run("acl", "allow", agent_id, *targets)

    async def block(self, agent_id: str, targets: Iterable[str]) -> None:
        """Adds targets to an agent's block list, which wins over everything."""
        await self._masctl.run("acl", "block", agent_id, *targets)

    async def allow_bidirectional(self, first: str, second: str) -> None:
        """Lets two agents send to each other."""
        await self._masctl.run("acl", "allow-bidirectional", first, second)

    async def allow_network(self, agents: Iterable[str]) -> None:
        """Lets each of several agents send to all the others."""
        await self._masctl.run("acl", "allow-network", *agents)

    async def allow_broadcast(self, agent_id: str, targets: Iterable[str]) -> None:
        """Lets an agent send to each of several, not the other way round."""
        await self._masctl.run("acl", "allow-broadcast", agent_id, *targets)

    async def allow_wildcard(self, agent_id: str) -> None:
        """Lets an agent send to everybody it is not blocked from."""
        await self._masctl.run("acl", "allow-wildcard", agent_id)
