"""A private redis-server on a unix socket in a directory of the test's; optionally on TCP or TLS.

A TCP port cannot be chosen by the kernel (Redis takes 0 for "none"), so a server that needs one listens on a loopback
address of this process's own, 127.x.y.z by its pid, where nobody else competes for ports.
"""

import itertools
import os
import pathlib
import signal
import subprocess

from .clock import Clock
from .poll import poll_until
from .process import die_with_parent
from .resp import Resp, RespError, url_of_socket

_ports = itertools.count(20000)


def next_port():
    """A port that nobody else uses on own_address()."""
    return next(_ports)


def own_address():
    """A loopback address that no other process uses."""
    pid = os.getpid()
    return f"127.{1 + (pid >> 16) % 250}.{(pid >> 8) & 255}.{pid & 255 or 255}"


class RedisServer:
    """Happy path: start() … url() … stop(). Options are redis-server's own: RedisServer(dir, maxmemory="10mb")."""

    def __init__(self, directory, name="redis", tcp=False, tls=None, clock=False, **options):
        """@param tcp also listen on own_address(). @param tls a dict of ca, cert, key: also listen with TLS. @param clock
        its wall clock can be set."""
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir()
        self.socket = self.directory / "redis.sock"
        self.log_path = self.directory / "redis.log"
        self.options = {"appendonly": "no", "save": "", **{k.replace("_", "-"): v for k, v in options.items()}}
        self.host = own_address()
        self.port = next_port() if tcp else 0
        self.tls_port = next_port() if tls else 0
        self._tls = tls
        self._clock = Clock(self.directory / "clock") if clock else None
        self._process = None

    # ---- life

    def start(self):
        """Starts and waits until it serves (with the data it finds on disk)."""
        self.spawn()
        poll_until(self.answers, 10, lambda: f"redis answers; its log: {self.log()}")
        return self

    def spawn(self):
        """Starts without waiting, for a server that is to be seen loading."""
        self.socket.unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                ["redis-server", *self._arguments()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.directory, env={**os.environ, **(self._clock.env if self._clock else {})}, preexec_fn=die_with_parent)

    def answers(self):
        """Whether it serves commands now; a demand for a password counts."""
        if self._process.poll() is not None:
            raise AssertionError(f"redis-server ended: {self.log()}")
        try:
            with Resp(self.url(password=False), 1) as client:
                client.cmd("PING")
            return True
        except RespError as error:
            return str(error).startswith("NOAUTH")
        except OSError:
            return False

    def stop(self):
        """An orderly stop. Safe to repeat."""
        self._end(signal.SIGTERM)

    def kill(self):
        """Like a crash."""
        self._end(signal.SIGKILL)

    def restart(self, keep_data=True):
        """Crash and start again. With `keep_data` what memory held is saved first, else it comes back empty."""
        if keep_data:
            self.cmd("SAVE")
        self.kill()
        if not keep_data:
            for left in [*self.directory.glob("*.rdb"), *self.directory.glob("appendonlydir/*")]:
                left.unlink()
        self.start()

    def pause(self):
        """Stops answering without closing anything."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def set_clock(self, seconds):
        """Puts its wall clock off by so much, from now on."""
        self._clock.set(seconds)

    # ---- talking to it

    def url(self, password=True):
        secret = self.options.get("requirepass")
        auth = f":{secret}@" if secret and password else ""
        return f"unix://{auth}{self.socket}"

    def tcp_url(self):
        return f"redis://{self.host}:{self.port}"

    def client(self, timeout=10.0):
        return Resp(self._client_url(), timeout)

    def cmd(self, *args):
        """One command on a connection of its own."""
        with self.client() as client:
            return client.cmd(*args)

    def pipeline(self, commands):
        """Several commands in one go."""
        with self.client() as client:
            return client.pipeline(commands)

    def hgetall(self, key):
        with self.client() as client:
            return client.hgetall(key)

    def scan(self, pattern="*"):
        """Every key that matches, sorted."""
        with self.client() as client:
            return client.scan(pattern)

    def info(self, section):
        """A section of INFO as a dict of texts."""
        lines = self.cmd("INFO", section).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # ---- inside

    def _client_url(self):
        secret = self.options.get("requirepass")
        return f"unix://:{secret}@{self.socket}" if secret else url_of_socket(self.socket)

    def _arguments(self):
        arguments = ["--port", str(self.port), "--bind", self.host, "--unixsocket", str(self.socket),
                     "--dir", str(self.directory), "--enable-debug-command", "yes"]
        if self._tls:
            arguments += ["--tls-port", str(self.tls_port), "--tls-ca-cert-file", str(self._tls["ca"]),
                          "--tls-cert-file", str(self._tls["cert"]), "--tls-key-file", str(self._tls["key"])]
        for name, value in self.options.items():
            arguments += [f"--{name}", *([value] if isinstance(value, str) else map(str, value))]
        return arguments

    def _end(self, how):
        if self._process is None:
            return
        self.resume()
        self._process.send_signal(how)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
