"""The test case every integration test is made of: owns the directory, the servers and the programs of one test, ends
them, and shows what they wrote when the test fails."""

import functools
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from . import build
from .fault_proxy import FaultProxy
from .listener import Listener
from .process import Daemon, Process, clean_environment, die_with_parent
from .python_agent import PythonAgent
from .redis_server import RedisServer

_SHOWN_BYTES = 8000  # of each file, when a test fails


class MasTestCase(unittest.TestCase):
    """Everything started through it is ended after the test: daemons by TERM, and they must exit with 0."""

    secrets = ()  # texts that must not appear in anything a program writes

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mas-it-"))
        self._processes = []

    def run(self, result=None):
        result = result if result is not None else self.defaultTestResult()
        before = len(result.failures) + len(result.errors)
        super().run(result)
        directory = getattr(self, "dir", None)
        if directory is None:
            return result
        if len(result.failures) + len(result.errors) > before:
            self._show_files(directory)
        shutil.rmtree(directory, ignore_errors=True)
        return result

    # ---- what a test starts

    def start_redis(self, name="redis", **options):
        server = RedisServer(self.dir, name, **options).start()
        self.addCleanup(server.stop)
        return server

    def start_proxy(self, redis, tcp=False):
        proxy = FaultProxy(redis.url(), self.dir, tcp).start()
        self.addCleanup(proxy.stop)
        return proxy

    def daemon(self, program, redis, config=None, flags=(), env=None, name=None):
        """A daemon that is not started yet. @param redis a RedisServer, a URL, or None for no --redis flag."""
        name = name or self._free_name(program)
        daemon = Daemon(self.dir, program, _url(redis), config, flags, env, name)
        self._processes.append(daemon)
        self.addCleanup(self._end, daemon)
        return daemon

    def start_daemon(self, program, redis, config=None, flags=(), env=None, name=None):
        """A daemon that is ready."""
        return self.daemon(program, redis, config, flags, env, name).start().wait_ready()

    def process(self, *argv, env=None, name=None):
        """Any other program, not started yet; ended by TERM, its exit code is the test's business."""
        process = Process(self.dir, name or self._free_name(argv[0]), argv, env)
        self._processes.append(process)
        self.addCleanup(self._end, process, False)
        return process

    def start_listener(self, redis, agent_id, *flags, url=None, name=None, env=None):
        """`masctl listen` that is registered and hears. @param url its way to `redis`, if not the direct one."""
        name = name or self._free_name(f"listen-{agent_id}")
        listener = Listener(self.dir, url or redis.url(), agent_id, flags, env, name)
        self._processes.append(listener)
        self.addCleanup(self._end, listener)
        return listener.start().wait_registered(redis)

    def start_agent(self, redis, agent_id, capabilities=(), **options):
        """A PythonAgent."""
        agent = PythonAgent(_url(redis), agent_id, capabilities, **options).start()
        self.addCleanup(agent.stop)
        return agent

    def masctl(self, *args, redis=None, env=None, timeout=20, input=None):
        """Runs masctl to its end. @return subprocess's result with texts stdout, stderr and returncode."""
        return self.run_program("masctl", *args, *(["--redis", _url(redis)] if redis else []), env=env,
                                timeout=timeout, input=input)

    def run_program(self, program, *args, env=None, timeout=20, input=None):
        done = subprocess.run(
            [build.program(program), *map(str, args)], env={**clean_environment(), **(env or {})}, timeout=timeout,
            input=input, capture_output=True, text=True, errors="replace", preexec_fn=die_with_parent,
            **({} if input is not None else {"stdin": subprocess.DEVNULL}))
        self._check_written(program, done.stdout + done.stderr)
        return done

    def check_peak(self, process, most):
        """It never had more memory. A sanitizer keeps what was freed for a while, 256 MiB by default, and shadows all of it."""
        self.assertLess(process.peak_bytes(), most + (512 << 20 if build.sanitizers() else 0), process.name)

    # ---- inside

    def _free_name(self, program):
        return f"{program}-{sum(p.name.startswith(program) for p in self._processes) + 1}"

    def _end(self, process, must_exit_0=True):
        """Ends it by TERM, so that leaks are looked for, and checks what it wrote."""
        if process.child is not None:
            was_running = process.running()
            code = process.stop()
            if must_exit_0 and was_running:
                self.assertEqual(code, 0, f"{process.name} after TERM")
        self._check_written(process.name, process.written())

    def _check_written(self, name, text):
        self.assertNotRegex(text, build.SANITIZER_REPORT, f"a sanitizer's report of {name}")
        for secret in self.secrets:
            self.assertNotIn(secret, text, f"{name} wrote a secret")

    def _show_files(self, directory):
        for path in sorted([*directory.glob("*.out"), *directory.glob("*.err"), *directory.glob("*/redis.log")]):
            text = path.read_text("utf-8", "replace")
            if text:
                print(f"---- {path.relative_to(directory)} of {self.id()}\n{text[-_SHOWN_BYTES:]}", file=sys.stderr)


def _url(redis):
    return redis if redis is None or isinstance(redis, str) else redis.url()


def for_each(*values):
    """Makes `test(self, value)` a test that is run as a subtest for each value."""
    def decorate(test):
        @functools.wraps(test)
        def run(self):
            for value in values:
                with self.subTest(value):
                    test(self, value)
        return run
    return decorate


def main():
    """Runs the tests of the file that calls it."""
    unittest.main(verbosity=2)
