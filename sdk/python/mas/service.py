"""`python -m mas.service`: runs the registry and health daemons until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from . import _address, _run
from ._errors import MASError
from ._service import MASService

__all__ = ["MASService", "main"]


async def _serve(service: MASService) -> None:
    with _run.stop_signal() as stopped:
        async with service:
            where = _address.without_secrets(service.redis_url)
            started = ", ".join(service.started) or "nothing, all is at work already"
            print(f"serving {where}: started {started}", flush=True)
            await stopped.wait()


def main(arguments: list[str] | None = None) -> int:
    """@return the exit code: 0 after a signal, 1 when it could not start."""
    parser = argparse.ArgumentParser(prog="python -m mas.service", description=__doc__)
    parser.add_argument("--redis", metavar="URL", help="default: MAS_REDIS_URL, else redis://localhost:6379")
    parser.add_argument("--heartbeat-timeout", metavar="SECONDS", type=float, default=60.0,
                        help="time without a heartbeat, for agents that state none (default: 60)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_serve(MASService(options.redis, options.heartbeat_timeout)))
    except MASError as error:
        print(f"python -m mas.service: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
