"""`python -m mas FILE`: runs the agents of a Python file until Ctrl-C or SIGTERM.

The file needs no main(): its agents are the Agent instances that it makes at its top level or, where it makes none, one
instance of the last Agent class that it defines.

Exit codes: 0 stopped by a signal; 1 an agent could not start, or the file raised; 2 the command line is wrong: no such
file, no agent in it.
"""

from __future__ import annotations

import argparse
import logging
import os
import pathlib
import re
import runpy
import sys
import traceback
from typing import Any

from . import __version__
from ._errors import MASError
from ._library import PATH
from ._run import run
from .agent import Agent


class _Usage(Exception):
    """The command line is wrong."""


def agents_of(namespace: dict[str, Any], default_id: str, agent_id: str | None = None) -> list[Agent[Any]]:
    """The agents of a file that was run. @param default_id of an instance of its last class. @raise _Usage none."""
    made = list({id(value): value for value in namespace.values() if isinstance(value, Agent)}.values())
    if made:
        if agent_id is not None:
            raise _Usage("--id is for a file that defines a class of agents; this one makes its agents itself")
        return made
    classes = [value for value in namespace.values()
               if isinstance(value, type) and issubclass(value, Agent) and value.__module__ == namespace["__name__"]]
    if not classes:
        raise _Usage("no agent in it: expected an Agent instance, or a class derived from Agent")
    return [classes[-1](agent_id or default_id)]


def main(arguments: list[str] | None = None) -> int:
    """@return the exit code; see the module."""
    parser = argparse.ArgumentParser(
        prog="python -m mas", description="Runs the agents of a Python file until Ctrl-C or SIGTERM.",
        epilog="Exit codes: 0 stopped by a signal; 1 an agent could not start, or the file raised; "
               "2 wrong command line.")
    parser.add_argument("file", metavar="FILE", help="makes Agent instances, or defines a class derived from Agent")
    parser.add_argument("--id", metavar="ID",
                        help="the agent's id, for a file that defines a class (default: its name)")
    parser.add_argument("--redis", metavar="URL", help="default: MAS_REDIS_URL, else redis://localhost:6379")
    parser.add_argument("--version", action="version", version=f"mas {__version__} ({PATH})")
    options = parser.parse_args(arguments)
    if options.redis:
        os.environ["MAS_REDIS_URL"] = options.redis
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    path = pathlib.Path(options.file)
    try:
        if not path.is_file():
            raise _Usage("no such file")
        sys.path.insert(0, str(path.resolve().parent))
        default_id = re.sub(r"[^A-Za-z0-9._-]", "-", path.stem).lstrip("._-") or "agent"
        run(*agents_of(runpy.run_path(str(path), run_name="__mas_agents__"), default_id, options.id))
    except _Usage as error:
        print(f"python -m mas: {path}: {error}", file=sys.stderr)
        return 2
    except MASError as error:
        print(f"python -m mas: {path}: {error}", file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
