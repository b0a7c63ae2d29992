#!/usr/bin/env python3
"""Checks that the source files and functions which the documents name are there.

A file may be named by the end of its path (`turn/batch.h`). A function that stands behind a file, as in
"`batch.h`: `decode()`, `begin()`", must be in that file or in its other half (.h and .cc); any other in some source file.
"""
import re
import subprocess
import sys

SOURCES = (".h", ".hpp", ".c", ".cc", ".def", ".py")
# Records of decisions and changes name what was there at their time.
UNCHECKED = re.compile(r"CHANGELOG\.md$|/adr/")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"`([\w./-]+\.(?:h|hpp|c|cc|def))`((?:(?:: |, )`\w+\(\)`)*)")
FOLDER = re.compile(r"`((?:proto|sdk|daemons|tests)/[\w/-]+|[\w-]{3,}/)`")  # `ns/` begins a key
FUNCTION = re.compile(r"`(\w+)\(\)`")


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def lines_of(path):
    """The document's lines, with its code blocks emptied."""
    return FENCED.sub(lambda block: "\n" * block[0].count("\n"), text_of(path)).splitlines()


class Tree:
    def __init__(self, paths):
        self.paths = paths
        self.folders = {path.rsplit("/", depth)[0] for path in paths for depth in range(1, path.count("/") + 1)}
        self.texts = {}

    def ending(self, name):
        return [path for path in self.paths if path == name or path.endswith("/" + name)]

    def has_folder(self, name):
        name = name.rstrip("/")
        return any(folder == name or folder.endswith("/" + name) for folder in self.folders) or name in self.paths

    def calls(self, path):
        """The names that stand before a parenthesis in a source file."""
        if path not in self.texts:
            self.texts[path] = set(re.findall(r"\b(\w+)\(", text_of(path)))
        return self.texts[path]

    def has_function(self, name, files):
        stems = {path.rsplit(".", 1)[0] for path in files}
        return any(name in self.calls(path) for path in self.paths
                   if path.endswith(SOURCES) and (not files or path.rsplit(".", 1)[0] in stems))


def problems(line, tree):
    for name, functions in FILE.findall(line):
        files = tree.ending(name)
        if not files:
            yield f"no file '{name}'"
            continue
        for function in FUNCTION.findall(functions):
            if not tree.has_function(function, files):
                yield f"no function '{function}' in '{name}'"
    for name in FOLDER.findall(line):
        if not tree.has_folder(name):
            yield f"no folder or file '{name}'"
    for function in FUNCTION.findall(line):
        if not tree.has_function(function, []):
            yield f"no function '{function}'"


def main():
    tree = Tree(subprocess.check_output(["git", "ls-files"], text=True).split("\n")[:-1])
    bad = 0
    for document in (path for path in tree.paths if path.endswith(".md") and not UNCHECKED.search(path)):
        for number, line in enumerate(lines_of(document), 1):
            for problem in problems(line, tree):
                print(f"{document}:{number}: {problem}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
