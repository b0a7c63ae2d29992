"""Whole programs in the shape of the original framework's: each runs as it stands, but for the address of Redis, and
prints what its last lines say. Those that do not use pydantic run where it cannot be imported."""

import importlib.util
import signal
import sys

from case import SOURCE_DIR, ProgramCase, main

PROGRAMS = {path.stem: path for path in (SOURCE_DIR / "tests/sdk/python/framework_programs").glob("*.py")}
DEFAULT_URL = "redis://localhost:6379"
HAS_PYDANTIC = importlib.util.find_spec("pydantic") is not None


class FrameworkProgramsTest(ProgramCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
        self.env = {"MAS_REDIS_URL": self.redis.url()}

    @staticmethod
    def _command(arguments):
        """As users start them: not in the development mode, which takes half as long again."""
        return [sys.executable, "-B", "-W", "error", *map(str, arguments)]

    def check(self, program):
        source, _, wanted = PROGRAMS[program].read_text(encoding="utf-8").partition("\n# Prints:\n")
        if "from pydantic" not in source:  # a program's own directory comes first in its path
            self.write("pydantic.py", 'raise ImportError("blocked")\n')
        elif not HAS_PYDANTIC:
            self.skipTest("pydantic is not installed")
        path = self.write(f"{program}.py", source.replace(DEFAULT_URL, self.redis.url()))
        done = self.python(path, env=self.env)
        lines = [line.removeprefix("# ") for line in wanted.splitlines()]
        self.assertTrue(lines, "a program says what it prints")
        self.assertEqual((done.stdout.splitlines(), done.returncode), (lines, 0), done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_the_service_in_a_terminal_of_its_own(self):
        service = self.start_python("-m", "mas.service", env=self.env)
        while "started mas-registryd, mas-healthd" not in (line := service.stdout.readline()):
            self.assertTrue(line, "it ended")
        self.check("discovery")
        service.send_signal(signal.SIGINT)
        self.assertEqual(service.wait(20), 0)


def test_of(program):
    return lambda self: self.check(program)


for name in PROGRAMS:
    setattr(FrameworkProgramsTest, f"test_{name}", test_of(name))

if __name__ == "__main__":
    main()
