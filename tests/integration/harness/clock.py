"""A wall clock that is wrong, for any program: programs/clock_shim.c, loaded before its libraries."""

import os

from . import build


class Clock:
    """Happy path: start a program with `env`, then `set(seconds)` as often as wanted."""

    def __init__(self, path, seconds=0):
        self.path = path
        self.set(seconds)

    def set(self, seconds):
        """@param seconds that the clock is ahead of the right one."""
        # In place: a program has it mapped.
        with open(self.path, "r+b" if self.path.exists() else "wb") as file:
            os.write(file.fileno(), int(seconds).to_bytes(8, "little", signed=True))

    @property
    def env(self):
        return {"LD_PRELOAD": build.program("mas-clock-shim.so"), "MAS_CLOCK_FILE": str(self.path)}


def for_our_programs():
    """A sanitizer's runtime would have to be loaded before the shim."""
    return not build.sanitizers()
