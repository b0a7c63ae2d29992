#!/usr/bin/env python3
"""Checks of single files: the first line says what the file owns, no file or line is too long, no work is unfinished."""
import re
import subprocess
import sys

MAX_LINES = 600
MAX_COLUMNS = 120
COMMENT = {
    ".h": ("//", "/*"), ".hpp": ("//", "/*"), ".c": ("//", "/*"), ".cc": ("//", "/*"), ".def": ("//",),
    ".py": ('"""',), ".cmake": ("#",), "CMakeLists.txt": ("#",), ".toml": ("#",), ".sh": ("#",), "": ("#",),
}
# clang-format sees to code; comments it leaves alone, and texts cannot be broken everywhere.
TOO_WIDE = re.compile(r"(?=.{%d})\s*(//|/?\*|[^\"]*$)" % (MAX_COLUMNS + 1))
WRAPPED = (".h", ".hpp", ".c", ".cc")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX(?![-)]))\b")  # XXX-XX-1234 and (XXX) XXX-1234 are masks


def kind(path):
    """The key of COMMENT that a path falls under, or None for files that need no comment."""
    name = path.rsplit("/", 1)[-1]
    if name == "CMakeLists.txt":
        return name
    return next((end for end in COMMENT if end and name.endswith(end)), None)


def problems(path, lines):
    end = kind(path)
    script = bool(lines) and lines[0].startswith("#!")
    if script and end is None:
        end = ""
    if end is None:
        return
    if len(lines) > MAX_LINES:
        yield len(lines), f"{len(lines)} lines; split it by what it owns (at most {MAX_LINES})"
    first = 1 if script else 0
    text = lines[first].strip() if len(lines) > first else ""
    if not text.startswith(COMMENT[end]) or len(text) < 12:
        yield first + 1, "the first line must be a comment that says what this file owns"
    if end in WRAPPED:
        for number, line in enumerate(lines, 1):
            if TOO_WIDE.match(line):
                yield number, f"{len(line)} columns; wrap it (at most {MAX_COLUMNS})"
    if path != "tests/lint/files.py":
        for number, line in enumerate(lines, 1):
            if UNFINISHED.search(line):
                yield number, "unfinished work: " + line.strip()


def main():
    listed = subprocess.run(["git", "ls-files", "-z"], check=True, stdout=subprocess.PIPE).stdout
    bad = 0
    for path in filter(None, listed.decode().split("\0")):
        try:
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a binary test vector, or a file removed and not yet committed
        for number, message in problems(path, lines):
            print(f"{path}:{number}: {message}")
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
