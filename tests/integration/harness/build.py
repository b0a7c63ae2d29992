"""Where the programs under test are, and whether sanitizers watch them."""

import functools
import os
import pathlib
import re

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[3]

SANITIZER_REPORT = re.compile(
    r"ERROR: AddressSanitizer|ERROR: LeakSanitizer|WARNING: ThreadSanitizer|: runtime error: |ERROR: ThreadSanitizer"
)


def build_dir():
    """The directory named by MAS_BUILD_DIR (relative to the working directory), else build/dev of the tree."""
    return pathlib.Path(os.environ.get("MAS_BUILD_DIR") or SOURCE_DIR / "build/dev").resolve()


def program(name):
    """The path of a built program; fails the test when it is not there."""
    path = build_dir() / "bin" / name
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is not built (MAS_BUILD_DIR={build_dir()})")
    return str(path)


@functools.lru_cache
def sanitizers():
    """The value of MAS_SANITIZE of the build, such as "address,undefined"; "" for none."""
    cache = build_dir() / "CMakeCache.txt"
    found = re.search(r"^MAS_SANITIZE:\w+=(.*)$", cache.read_text(), re.M) if cache.exists() else None
    return found.group(1) if found else ""


def sanitizer_environment():
    """Makes reports fatal and complete; harmless without sanitizers."""
    return {
        "ASAN_OPTIONS": "exitcode=86:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": "exitcode=86:halt_on_error=0:second_deadlock_stack=1",
    }
