#!/usr/bin/python3
"""Builds an earlier version beside this one, and runs test_upgrade.py with the two.

Which one: MAS_UPGRADE_FROM, any commit; else the last tag `v*` before this commit. Without a tag there is no release to
upgrade from: the exit code is 77, which CTest counts as skipped. The build is kept in build/previous/COMMIT and serves
the next run. It takes as long as a first build does.
"""

import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TARGETS = ("mas-gatewayd", "mas-registryd", "mas-healthd", "masctl", "mas-ledger-agent")
SKIPPED = 77


def git(*args):
    return subprocess.run(["git", "-C", SOURCE, *args], capture_output=True, text=True)


def previous_commit():
    """@return None: there is no release."""
    wanted = os.environ.get("MAS_UPGRADE_FROM")
    if not wanted:
        tag = git("describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^")
        if tag.returncode != 0:
            return None
        wanted = tag.stdout.strip()
    found = git("rev-parse", "--verify", f"{wanted}^{{commit}}")
    if found.returncode != 0:
        sys.exit(f"MAS_UPGRADE_FROM: there is no commit '{wanted}'")
    return found.stdout.strip()


def build(commit):
    """@return its build directory."""
    tree = SOURCE / "build/previous" / commit[:12]
    if not (tree / "CMakeLists.txt").exists():
        tree.mkdir(parents=True, exist_ok=True)
        archive = tree / "source.tar"
        subprocess.run(["git", "-C", SOURCE, "archive", "--output", archive, commit], check=True)
        subprocess.run(["tar", "-xf", archive, "-C", tree], check=True)
        archive.unlink()
    subprocess.run(["cmake", "--preset", "dev"], cwd=tree, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "build/dev", "--target", *TARGETS], cwd=tree, check=True)
    return tree / "build/dev"


def main():
    commit = previous_commit()
    if commit is None:
        print("no tag v*: nothing was released yet; MAS_UPGRADE_FROM=COMMIT names a version to upgrade from")
        return SKIPPED
    print(f"upgrading from {git('log', '-1', '--format=%h %cs %s', commit).stdout.strip()}")
    env = {**os.environ, "MAS_PREVIOUS_BUILD": str(build(commit))}
    return subprocess.run([sys.executable, "-B", SOURCE / "tests/integration/test_upgrade.py", "-v"], env=env).returncode


if __name__ == "__main__":
    sys.exit(main())
