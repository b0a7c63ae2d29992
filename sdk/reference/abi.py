#!/usr/bin/env python3
"""The binary interface of libmas: describes it, and compares it with the description that is kept in libmas.abi.

usage: abi.py write    rewrites libmas.abi
       abi.py check    fails where the headers differ from libmas.abi, or break what the last release of this version had

What is described is a library of the same functions without any code, made from the public headers and the version script:
libmas.so itself has the debug information of everything inside it, which takes a minute and megabytes. That libmas.so has
these functions is tested elsewhere (tests/sdk/symbols_test.sh), and the compiler checks their definitions against the headers.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import c_header

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
INCLUDE = ROOT / "sdk/include"
MAP = ROOT / "sdk/src/libmas.map"
KEPT = HERE / "libmas.abi"
ALLOWED = HERE / "libmas.abignore"
# Flags of an enumeration without a name are no part of any function's type. Here they have a name.
NAMELESS = re.compile(r"^enum \{", re.M)
PREFIX = "mas_abi_"


def names_flags(text, stem):
    """The header's text with a name for each enumeration that has none, and these names."""
    names = []

    def named(_):
        names.append(f"{stem}_flags_{len(names) + 1}")
        return f"enum {names[-1]} {{"

    return NAMELESS.sub(named, text), names


def stand_in(folder, include, version_script):
    """Makes the library without code. @return its path."""
    includes, lines = [], []
    (folder / "mas").mkdir()
    for path in c_header.paths(include):
        header = c_header.read(path)
        text, flags = names_flags(header.text, path.stem)
        name = path.relative_to(include)
        (folder / name).write_text(text, encoding="utf-8")
        includes.append(f'#include "{name}"')
        lines += [item.text[:-1] + " { __builtin_trap(); }" for item in header.items("function")]
        # Types that no function names are reached by variables.
        lines += [f"{item.name} *{PREFIX}{item.name};" for item in header.items("type") if item.text.startswith("typedef")]
        lines += [f"enum {name} {PREFIX}{name};" for name in flags]
        # An array that is a parameter decays to a pointer: its size is seen only in a variable.
        lines += [f"char {PREFIX}{size.lower()}[{size}];" for size in sorted(set(re.findall(r"\w+\[(MAS_\w+)\]", header.text)))]
    (folder / "stand_in.c").write_text("\n".join(includes + lines) + "\n", encoding="utf-8")
    script = folder / "stand_in.map"
    script.write_text(version_script.read_text(encoding="utf-8") + f"MAS_TYPES {{ global: {PREFIX}*; }};\n", encoding="utf-8")
    library = folder / "libmas.so.0"
    subprocess.run(["cc", "-std=c11", "-g", "-O0", "-w", "-shared", "-fPIC", f"-Wl,-soname,{library.name}",
                    f"-Wl,--version-script={script}", "-o", library, "stand_in.c"], check=True, cwd=folder)
    return library


def describe(output, include=INCLUDE, version_script=MAP):
    """Writes the description of the headers' interface to `output`."""
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        library = stand_in(folder, include, version_script)
        subprocess.run(["abidw", "--headers-dir", folder, "--drop-private-types", "--no-comp-dir-path", "--no-corpus-path",
                        "--no-show-locs", "--no-elf-needed", "--out-file", output, library], check=True)


def differs(kept, present, *options):
    """Prints how two descriptions differ. @return whether they do."""
    result = subprocess.run(["abidiff", *options, "--no-show-locs", kept, present], stdout=subprocess.PIPE, text=True)
    if result.returncode == 0:  # what was suppressed is counted on stdout
        return False
    print(result.stdout, end="")
    return True


def last_release():
    """The last release before this commit whose version has to be compatible with this one; None, and a word, if there is none."""
    major, minor = (re.search(rf"MAS_VERSION_{part} (\d+)", (INCLUDE / "mas/base.h").read_text(encoding="utf-8"))[1]
                    for part in ("MAJOR", "MINOR"))
    series = f"v{major}.*" if major != "0" else f"v{major}.{minor}.*"
    result = subprocess.run(["git", "-C", ROOT, "describe", "--tags", "--abbrev=0", "--match", series,
                             "--exclude", "*-*"], capture_output=True, text=True)
    if result.returncode == 0:
        return result.stdout.strip()
    print(f"no release {series} before this commit ({result.stderr.strip()}): compared with {KEPT.name} alone")
    return None


def check():
    bad = False
    with tempfile.TemporaryDirectory() as work:
        present = pathlib.Path(work) / "present.abi"
        describe(present)
        if differs(KEPT, present, "--harmless"):
            print("The interface is not the one of sdk/reference/libmas.abi. If the change is intended: ./dev abi")
            bad = True
        if tag := last_release():
            released = pathlib.Path(work) / "released.abi"
            shown = subprocess.run(["git", "-C", ROOT, "show", f"{tag}:{KEPT.relative_to(ROOT)}"], capture_output=True)
            if shown.returncode != 0:
                sys.exit(f"the release {tag} has no {KEPT.relative_to(ROOT)}: {shown.stderr.decode(errors='replace').strip()}")
            released.write_bytes(shown.stdout)
            if differs(released, present, "--no-added-syms", "--suppressions", ALLOWED):
                print(f"The interface breaks programs that were built with {tag}, which this version must not.")
                bad = True
    return 1 if bad else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        describe(KEPT)
    elif sys.argv[1:] == ["check"]:
        sys.exit(check())
    else:
        sys.exit(__doc__)
