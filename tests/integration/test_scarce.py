"""Programs without descriptors: an error that says what is missing and what to raise, or it works; never an abort."""

import resource
import signal
import subprocess

from harness import MasTestCase, build, main
from harness.process import clean_environment, die_with_parent

# With three, the loader itself opens no library. From some number on, everything works.
COUNTS = (*range(4, 28), 32, 48, 64)


class ScarceTest(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
        self.redis.cmd("HSET", "agent.state:bob", "n", "1")

    def limited(self, count):
        def limit():
            die_with_parent()
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))

        return limit

    def run_with(self, count, program, *args):
        """@return how it ended: by itself, or told to after a while, when it lives."""
        for patience in (0.4, 5):
            process = subprocess.Popen(
                [build.program(program), *args], env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, errors="replace", preexec_fn=self.limited(count))
            try:
                out, err = process.communicate(timeout=patience)
            except subprocess.TimeoutExpired:
                process.terminate()
                out, err = process.communicate(timeout=20)
            if process.returncode != -signal.SIGTERM:
                break  # else it was told before it could listen: a slow machine
        self._check_written(program, out + err)
        return process.returncode, out, err

    def sweep(self, program, *args, works=(0,)):
        """With each number it ends in order; what cannot work says why; with the most it works. @return the errors."""
        errors = {}
        for count in COUNTS:
            code, out, err = self.run_with(count, program, *args)
            self.assertGreaterEqual(code, 0, f"{program} {args} with {count} descriptors: signal\n{out}{err}")
            self.assertNotIn("Assertion", err)
            if code not in works:
                self.assertTrue(err.strip(), f"{program} {args} with {count} descriptors says nothing, and ends with {code}")
                errors[count] = err
        self.assertNotIn(COUNTS[-1], errors)
        return errors

    def assert_names_the_limit(self, errors):
        self.assertTrue(any("raise the limit of open files" in error for error in errors.values()), errors)

    def test_masctl(self):
        commands = (("agents", "list"), ("state", "get", "bob"), ("doctor",), ("dlq", "list"), ("top", "--once"),
                    ("events",), ("agents", "watch"), ("request", "--as", "ops", "--timeout", "0.2", "nobody", "ping", "{}"))
        for command in commands:
            with self.subTest(command):
                works = (0, 1, 5) if command[0] in ("request", "doctor") else (0,)
                errors = self.sweep("masctl", *command, "--redis", self.redis.url(), works=works)
                if works == (0,):
                    self.assert_names_the_limit(errors)

    def test_masctl_as_an_agent(self):
        for command in (("listen", "bob"), ("send", "--as", "ops", "nobody", "ping", "{}")):
            with self.subTest(command):
                self.sweep("masctl", *command, "--redis", self.redis.url(), works=(0, 1, 5))

    def test_daemons(self):
        for daemon in ("mas-registryd", "mas-healthd", "mas-gatewayd"):
            with self.subTest(daemon):
                config = self.dir / f"{daemon}.toml"
                config.write_text("[http]\nlisten = \"127.0.0.1:0\"\n")
                errors = self.sweep(daemon, "--config", str(config), "--redis", self.redis.url())
                self.assert_names_the_limit(errors)


if __name__ == "__main__":
    main()
