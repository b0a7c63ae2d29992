#!/usr/bin/env python3
"""Checks the relative links of every tracked document: the file must be tracked, and an anchor must have its heading."""
import os
import re
import subprocess
import sys

FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?![a-z]+:)([^()#\s]*)#?([^()\s]*)")


def text_of(path):
    """The document with its code blocks emptied, so that line numbers stay."""
    with open(path, encoding="utf-8") as file:
        return FENCED.sub(lambda block: "\n" * block[0].count("\n"), file.read())


def anchors(path):
    """The anchors that GitHub makes of a document's headings; an equal one further down gets -1, -2 and so on."""
    names = []
    for heading in re.findall(r"^#{1,6} +(.*?) *$", text_of(path), re.MULTILINE):
        names.append(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return {name if names.index(name) == at else f"{name}-{names[:at].count(name)}" for at, name in enumerate(names)}


def main():
    tracked = subprocess.check_output(["git", "ls-files", "-z"], text=True).split("\0")
    known = {path for path in tracked if os.path.exists(path)} | {os.path.dirname(path) for path in tracked}
    bad = 0
    for source in sorted(path for path in known if path.endswith(".md")):
        for number, line in enumerate(text_of(source).splitlines(), 1):
            for path, anchor in LINK.findall(re.sub("`[^`]*`", "", line)):
                target = os.path.normpath(os.path.join(os.path.dirname(source), path)) if path else source
                wrong = "no such file" if target not in known else "no such heading"
                if target not in known or (anchor and anchor not in anchors(target)):
                    print(f"{source}:{number}: link to {path}{'#' * bool(anchor)}{anchor}: {wrong}")
                    bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
