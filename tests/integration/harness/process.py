"""The programs under test as child processes: flags, environment, files for what they write, signals, exit codes."""

import ctypes
import json
import os
import pathlib
import signal
import subprocess

from . import build
from .http import http_get
from .poll import poll_until

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_TCP_LISTEN = "0A"  # as /proc/net/tcp writes states


def die_with_parent():
    """For preexec_fn: no child outlives a test that is killed."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def clean_environment():
    """This process's environment without MAS_… variables, which would change what is tested."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MAS_") and k != "NOTIFY_SOCKET"}
    return {**kept, **build.sanitizer_environment(), "LC_ALL": "C.UTF-8"}


class Process:
    """One program. What it writes goes to files; nothing can block it. Happy path: start() … stop() → exit code."""

    def __init__(self, directory, name, argv, env=None):
        """@param name of its files in `directory`. @param argv the program's name in build/…/bin and its arguments."""
        self.name = name
        self.argv = [build.program(argv[0]), *map(str, argv[1:])]
        self.env = {**clean_environment(), **(env or {})}
        self.out_path = pathlib.Path(directory) / f"{name}.out"
        self.err_path = pathlib.Path(directory) / f"{name}.err"
        self.child = None
        self.exit_code = None
        self.starts = 0

    # ---- life

    def start(self):
        with open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            self.child = subprocess.Popen(self.argv, env=self.env, stdin=subprocess.PIPE, stdout=out, stderr=err,
                                          preexec_fn=die_with_parent)
        self.exit_code = None
        self.starts += 1
        return self

    def running(self):
        return self.child is not None and self.child.poll() is None

    def send(self, signum):
        self.child.send_signal(signum)

    def pause(self):
        self.send(signal.SIGSTOP)

    def resume(self):
        self.send(signal.SIGCONT)

    def stop(self, timeout=15.0):
        """TERM and wait. @return the exit code, negative for a signal. Fails when it does not end in time."""
        if self.running():
            self.resume()
            self.send(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        """Like a crash."""
        if self.running():
            self.child.kill()
        return self.wait()

    def wait(self, timeout=15.0):
        try:
            self.exit_code = self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.name} did not end within {timeout:g} s") from None
        finally:
            if self.child.stdin:
                self.child.stdin.close()
        return self.exit_code

    # ---- looking at it

    def out(self):
        return _read(self.out_path)

    def err(self):
        return _read(self.err_path)

    def written(self):
        """Everything it wrote."""
        return self.out() + self.err()

    def wait_for_output(self, text, timeout=10.0):
        """Waits until it wrote `text`; fails at once when it ends instead."""
        def seen():
            if text in self.written():
                return True
            if not self.running():
                raise AssertionError(f"{self.name} ended without writing {text!r}: {self.written()}")
            return False
        poll_until(seen, timeout, lambda: f"{self.name} writes {text!r}; it wrote: {self.written()}")

    def rss_bytes(self):
        """Resident memory."""
        pages = int(pathlib.Path(f"/proc/{self.child.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    def peak_bytes(self):
        """The most memory that it ever had resident."""
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    def descriptors(self):
        """How many file descriptors it has open."""
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))


class Daemon(Process):
    """One of mas-registryd, mas-gatewayd, mas-healthd: a configuration file of the test's, HTTP on a port of the
    kernel's choice, a JSON log."""

    def __init__(self, directory, program, redis_url, config=None, flags=(), env=None, name=None):
        """@param config sections and keys, over what every test wants. @param redis_url None: no --redis flag."""
        name = name or program
        self.program = program
        self.config_path = pathlib.Path(directory) / f"{name}.toml"
        self.write_config(config or {})
        flags = [*(["--redis", redis_url] if redis_url else []), *flags]
        super().__init__(directory, name, [program, "--config", self.config_path, *flags], env)

    def write_config(self, config):
        sections = {"http": {"listen": "127.0.0.1:0"}}
        for section, values in config.items():
            sections[section] = {**sections.get(section, {}), **values}
        self.config_path.write_text(toml(sections))

    def events(self):
        """The log's lines as dicts. A line that is not finished does not count."""
        return [json.loads(line) for line in self.err().split("\n")[:-1] if line.startswith("{")]

    def logged(self, text):
        """The log lines that contain `text`."""
        return [line for line in self.written().splitlines() if text in line]

    def wait_log(self, text, timeout=10.0, after=0):
        """Waits for more than `after` log lines with `text`; returns the newest."""
        def newer():
            lines = self.logged(text)
            return lines[-1] if len(lines) > after else None
        return poll_until(newer, timeout, lambda: f"{self.name} logs {text!r}")

    def port(self):
        """Its HTTP port, from the log line of its listener; of the newest start, when it was started again."""
        def listening():
            if not self.running():
                raise AssertionError(f"{self.name} ended: {self.written()}")
            seen = [event for event in self.events() if event["event"] == "http_listening"]
            return int(seen[-1]["address"].rsplit(":", 1)[1]) if len(seen) == self.starts else None
        return poll_until(listening, 10, f"{self.name} says its HTTP port")

    def instance(self):
        """What it calls itself in Redis."""
        return self.ready()[1]["instance"]

    def get(self, path):
        """(status, body) of a GET."""
        response = http_get(self.port(), path)
        return response.status, response.body

    def ready(self):
        """(whether /readyz says 200, what it says as a dict)."""
        status, body = self.get("/readyz")
        return status == 200, json.loads(body)

    def wait_ready(self, timeout=10.0):
        poll_until(lambda: self.ready()[0], timeout, lambda: f"{self.name} is ready; it says {self.get('/readyz')}")
        return self

    def wait_unready(self, timeout=10.0):
        """Waits until /readyz is not 200; returns what it says."""
        return poll_until(lambda: not self.ready()[0] and self.ready()[1], timeout, f"{self.name} is not ready")

    def http_connections(self):
        """How many connections to its HTTP port it holds: its links to Redis and whatever else it opens don't count."""
        fds = pathlib.Path(f"/proc/{self.child.pid}/fd")
        port, sockets = f":{self.port():04X}", {_link(fd) for fd in fds.iterdir()}
        rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(port) and row[3] != _TCP_LISTEN and f"socket:[{row[9]}]" in sockets for row in rows)

    def metrics(self):
        """/metrics as {name with labels: value}; the text is checked to be well-formed."""
        from .prometheus import parse
        status, body = self.get("/metrics")
        assert status == 200, f"/metrics answered {status}"
        return parse(body)


def _link(path):
    """Where a descriptor's link leads; "" when it was closed meanwhile."""
    try:
        return os.readlink(path)
    except FileNotFoundError:
        return ""


def toml_value(value):
    """A value on one line; a dict as an inline table."""
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml_value(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


def toml(sections):
    """TOML of nested dicts: a section per table."""
    lines = []
    for section, values in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {toml_value(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _read(path):
    return path.read_text("utf-8", "replace") if path.exists() else ""
