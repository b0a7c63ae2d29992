"""The test case of the Python package: a private Redis, agents of the package in the test's own event loop.

The package under test is the one staged in MAS_BUILD_DIR. A libmas.so of a build with AddressSanitizer needs its
runtime in python3, which CTest preloads (CMakeLists.txt); other programs that a test starts do not get it. With
MAS_TEST_NO_PYDANTIC=1 in the environment pydantic cannot be imported, as on a machine without it.
"""

import asyncio
import importlib.util
import os
import pathlib
import subprocess
import sys
import unittest

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(SOURCE_DIR / "tests/integration"))

# Of this process and the Python programs that it starts, and of no other program.
PRELOADED = {"LD_PRELOAD": os.environ.pop("LD_PRELOAD")} if "LD_PRELOAD" in os.environ else {}

from harness import MasTestCase, build, main, poll_until  # noqa: E402
from harness.process import clean_environment, die_with_parent  # noqa: E402

PACKAGE_DIR = build.build_dir() / "python"
sys.path.insert(0, str(PACKAGE_DIR))

if os.environ.get("MAS_TEST_NO_PYDANTIC"):
    sys.modules["pydantic"] = None  # makes the import fail

import mas  # noqa: E402

HAS_PYDANTIC = bool(importlib.util.find_spec("pydantic")) if "pydantic" not in sys.modules else False
needs_pydantic = unittest.skipUnless(HAS_PYDANTIC, "pydantic is not installed, or blocked")

__all__ = ["AgentCase", "HAS_PYDANTIC", "PACKAGE_DIR", "ProgramCase", "SOURCE_DIR", "build", "eventually", "main",
           "mas", "needs_pydantic", "poll_until"]


async def eventually(condition, timeout=10.0, what="the condition"):
    """Waits in the event loop until `condition()` is true, and returns what it is."""
    end = asyncio.get_running_loop().time() + timeout
    while not (value := condition()):
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        await asyncio.sleep(0.01)
    return value


class ProgramCase(MasTestCase):
    """Tests that run Python programs with the package, as processes of their own."""

    def python(self, *arguments, env=None, timeout=30, input=None):
        """Runs python3 to its end. @return subprocess's result."""
        return subprocess.run(self._command(arguments), env=self.environment(env), timeout=timeout, input=input,
                              capture_output=True, text=True, cwd=self.dir, preexec_fn=die_with_parent)

    def start_python(self, *arguments, env=None):
        """Starts python3; the test ends it."""
        child = subprocess.Popen(self._command(arguments), env=self.environment(env), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.dir,
                                 preexec_fn=die_with_parent)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def environment(self, extra=None):
        return {**clean_environment(), **PRELOADED, "PYTHONPATH": str(PACKAGE_DIR), **(extra or {})}

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path

    @staticmethod
    def _command(arguments):
        return [sys.executable, "-B", "-W", "error", *([] if PRELOADED else ["-X", "dev"]), *map(str, arguments)]


class AgentCase(ProgramCase, unittest.IsolatedAsyncioTestCase):
    """Tests whose agents run in the test itself."""

    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
        self.url = self.redis.url()

    async def start(self, kind, *arguments, **options):
        """An agent that is started, and stopped after the test."""
        agent = kind(*arguments, redis_url=self.url, **options)
        await agent.start()
        self.addAsyncCleanup(agent.stop)
        return agent

    async def assert_refuses(self, kind, text, awaitable):
        """Awaiting it raises `kind` with a sentence that has `text` in it."""
        with self.assertRaises(kind) as caught:
            await awaitable
        self.assertIn(text, str(caught.exception))
        return caught.exception
