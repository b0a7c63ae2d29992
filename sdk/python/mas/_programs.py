"""Where the built programs are: mas-registryd, mas-healthd, mas-gatewayd, masctl.

A program is looked for, in this order, in
1. the directory that the environment's MAS_BIN_DIR names, and nowhere else;
2. `bin` beside the directory of libmas.so, or one level above that (a build tree, an installation prefix);
3. the directories of PATH, then /usr/local/bin and /usr/bin.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import shutil

from . import _library


def directories() -> list[str]:
    """Where find() looks, in order."""
    asked = os.environ.get("MAS_BIN_DIR")
    if asked:
        return [asked]
    library = pathlib.Path(os.path.realpath(_library.PATH)).parent
    beside = [str(library.parent / "bin"), str(library.parent.parent / "bin")]
    return [*beside, *os.environ.get("PATH", "").split(os.pathsep), "/usr/local/bin", "/usr/bin"]


def find(name: str) -> str | None:
    """The path of a program, or None."""
    return shutil.which(name, path=os.pathsep.join(directories()))


def not_found(name: str) -> str:
    """The sentence about a program that find() does not find."""
    if "MAS_BIN_DIR" in os.environ:
        return f"{name} is not in {os.environ['MAS_BIN_DIR']} (MAS_BIN_DIR)"
    return f"{name} was not found beside {_library.PATH} or in PATH; install it or set MAS_BIN_DIR"


async def output_of(name: str, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Runs a program to its end. @return exit code, what it wrote, what it complained. @raise FileNotFoundError."""
    path = find(name)
    if path is None:
        raise FileNotFoundError(not_found(name))
    child = await asyncio.create_subprocess_exec(
        path, *arguments, env={**os.environ, **(env or {})}, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        out, err = await child.communicate()
    except asyncio.CancelledError:
        child.kill()
        await child.wait()
        raise
    return child.returncode or 0, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
