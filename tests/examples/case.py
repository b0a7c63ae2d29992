"""The test case of the examples: runs their programs, as a reader would, against a private Redis and a pretended
model."""

import contextlib
import pathlib
import socket
import subprocess
import sys

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES_DIR = SOURCE_DIR / "sdk/examples"
sys.path[:0] = [str(SOURCE_DIR / "tests/integration"), str(EXAMPLES_DIR / "llm")]

from harness import MasTestCase, build, for_each, main, poll_until  # noqa: E402
from harness.process import clean_environment, die_with_parent  # noqa: E402
from pretend_model import KEY, PretendModel, answer_to  # noqa: E402

PYTHON = (sys.executable, "-B", "-W", "error")

__all__ = ["EXAMPLES_DIR", "ExampleCase", "KEY", "PYTHON", "PretendModel", "answer_to", "build", "closed_port",
           "for_each", "main", "poll_until"]


@contextlib.contextmanager
def closed_port():
    """A port of 127.0.0.1 that refuses connections, and that no other program can get meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def has_program(name):
    """Whether the build has it: the C++ programs that talk to models need libcurl."""
    return (build.build_dir() / "bin" / name).exists()


class ExampleCase(MasTestCase):
    """Programs are named by their file, such as "hello/hello.py", or by the program that it is built into."""

    secrets = (KEY,)

    def setUp(self):
        super().setUp()
        self.redis = self.start_redis(**self.redis_options)
        self.env = {"MAS_REDIS_URL": self.redis.url(), "PYTHONPATH": str(build.build_dir() / "python"),
                    "PATH": f"{build.build_dir() / 'bin'}:{clean_environment()['PATH']}"}

    redis_options = {}

    def use_model(self, word=""):
        """Starts the pretended model; the programs that are started afterwards ask it."""
        self.model = PretendModel().start()
        self.addCleanup(self.model.stop)
        self.env.update(self.model.environment(word))

    def write(self, name, text):
        """A program of the test's own, for start_example(). @return its path."""
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path

    def start_example(self, name, *arguments, env=None, ready=None):
        """Starts an example. @param ready what it writes once it can be used."""
        short = pathlib.Path(name).stem.removeprefix("example_")
        process = self.process(*command(name), *arguments, env={**self.env, **(env or {})},
                               name=self._free_name(short)).start()
        if ready:
            process.wait_for_output(ready, 60)
        return process

    def run_example(self, name, *arguments, env=None, timeout=60, code=0):
        """Runs an example to its end and checks its exit code. @return (standard output, standard error)."""
        done = subprocess.run(list(map(str, [*command(name), *arguments])), timeout=timeout, capture_output=True,
                              text=True, env={**clean_environment(), **self.env, **(env or {})},
                              stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self._check_written(name, done.stdout + done.stderr)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout, done.stderr


def command(name):
    path = EXAMPLES_DIR / name
    if path.suffix == ".py":
        return [*PYTHON, path]
    return [path if path.suffix == ".sh" else build.program(name)]
