"""What the gateway's rules and record are managed with: masctl."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from .. import _programs
from .._errors import MASError


class Masctl:
    """masctl on one Redis."""

    def __init__(self, redis_url: str):
        self._env = {"MAS_REDIS_URL": redis_url}

    async def run(self, *arguments: str) -> str:
        """@return what it wrote. @raise MASError it failed, with its words. @raise FileNotFoundError not installed."""
        code, out, err = await _programs.output_of("masctl", *arguments, env=self._env)
        if code != 0:
            raise MASError(f"masctl {' '.join(arguments[:2])}: {err.strip() or f'exit code {code}'}")
        return out

    async def run_any(self, commands: list[tuple[str, ...]]) -> None:
        """Runs one after the other until one succeeds. @raise MASError none did; the last one's words."""
        for arguments in commands[:-1]:
            with contextlib.suppress(MASError):
                await self.run(*arguments)
                return
        await self.run(*commands[-1])

    async def read(self, *arguments: str) -> dict[str, Any]:
        """Its JSON."""
        return json.loads(await self.run(*arguments, "--json"))
