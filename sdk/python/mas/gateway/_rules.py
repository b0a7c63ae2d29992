"""Who may send to whom, set from a program."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Self

from .._errors import InvalidArgumentError
from ._masctl import Masctl


class AuthorizationManager:
    """Sets rules by `masctl acl` and `masctl role`. They hold at once, are recorded, and stay when the gateway ends.

    allow(), block(), create_role() and assign_role() take note of a rule, so that several make a chain. The rules are set
    when the chain is awaited, or its apply():

        await auth.allow("planner", "solver").block("planner", "printer").apply()
    """

    def __init__(self, masctl: Masctl):
        self._masctl = masctl
        self._noted: list[list[tuple[str, ...]]] = []  # of each rule the commands that set it

    async def allow_bidirectional(self, agent_a: str, agent_b: str) -> None:
        """Lets two agents send to each other."""
        await self._masctl.run("acl", "allow-bidirectional", agent_a, agent_b)

    async def allow_network(self, agents: Iterable[str], bidirectional: bool = True) -> None:
        """Lets each of several agents send to all the others. @param bidirectional False: only to the next one."""
        await self._masctl.run("acl", "allow-network", *([] if bidirectional else ["--chain"]), *_texts(agents))

    async def allow_broadcast(self, sender: str, receivers: Iterable[str]) -> None:
        """Lets an agent send to each of several, not the other way round."""
        await self._masctl.run("acl", "allow-broadcast", sender, *_texts(receivers))

    async def allow_wildcard(self, agent_id: str) -> None:
        """Lets an agent send to everybody it is not blocked from."""
        await self._masctl.run("acl", "allow-wildcard", agent_id)

    def allow(self, sender: str, targets: str | Iterable[str]) -> Self:
        """Adds one target or several to an agent's allow list: ids, prefixes such as "worker-*", or "*"."""
        return self._note(("acl", "allow", sender, *_texts(targets)))

    def block(self, sender: str, target: str | Iterable[str]) -> Self:
        """Adds one target or several to an agent's block list, which wins over everything."""
        return self._note(("acl", "block", sender, *_texts(target)))

    def create_role(self, role_name: str, description: str = "", permissions: Iterable[str] | None = None) -> Self:
        """Makes a role, or gives it further permissions: "send:TARGET", "manage:WHAT", "priority:LANE" or "*".

        @param description is not kept. @raise InvalidArgumentError no permission.
        """
        wanted = _texts(permissions or ())
        if not wanted:
            raise InvalidArgumentError(f"role {role_name!r} has no permissions; expected some, such as \"send:*\"")
        return self._note(("role", "create", role_name, *wanted), ("role", "grant", role_name, *wanted))

    def assign_role(self, agent_id: str, role_name: str) -> Self:
        """Gives an agent a role, which must exist by then."""
        return self._note(("role", "assign", agent_id, role_name))

    async def apply(self) -> None:
        """Sets the rules that were noted, in order. @raise MASError one cannot be set; those after it are left out."""
        noted, self._noted = self._noted, []
        for commands in noted:
            await self._masctl.run_any(commands)

    def __await__(self) -> Generator[Any, None, None]:
        return self.apply().__await__()

    async def get_summary(self, agent_id: str) -> dict[str, Any]:
        """An agent's rules: agent_id, acl (allowed, blocked), roles, and role_permissions of each role."""
        rules = await self._masctl.read("acl", "show", agent_id)
        return {"agent_id": agent_id,
                "acl": {"allowed": rules["allowed_targets"], "blocked": rules["blocked_targets"]},
                "roles": rules["roles"],
                "role_permissions": {role: (await self._masctl.read("role", "show", role))["permissions"]
                                     for role in rules["roles"]}}

    def _note(self, *commands: tuple[str, ...]) -> Self:
        self._noted.append(list(commands))
        return self


def _texts(values: str | Iterable[str]) -> list[str]:
    return [values] if isinstance(values, str) else list(values)
