"""A private redis-server on a unix socket in a directory of the test's; optionally on TCP or TLS.

A TCP port cannot be chosen by the kernel (Redis takes 0 for "none"), so a server that needs one listens on a loopback
address of this process's own, 127.x.y.z by its pid, where nobody else competes for ports.
"""

import itertools
import os

from .clock import Clock
from .poll import poll_until
from .redis_process import RedisProcess
from .resp import Resp, RespError, url_of_socket

_ports = itertools.count(20000)


def next_port():
    """A port that nobody else uses on own_address()."""
    return next(_ports)


def own_address():
    """A loopback address that no other process uses."""
    pid = os.getpid()
    return f"127.{1 + (pid >> 16) % 250}.{(pid >> 8) & 255}.{pid & 255 or 255}"


class RedisServer(RedisProcess):
    """Happy path: start() … url() … stop(). Options are redis-server's own: RedisServer(dir, maxmemory="10mb")."""

    def __init__(self, directory, name="redis", tcp=False, tls=None, clock=False, host=None, **options):
        """@param tcp also listen on `host`, by default own_address(). @param tls a dict of ca, cert, key: also listen
        with TLS. @param clock its wall clock can be set."""
        super().__init__(directory, name)
        self.socket = self.directory / "redis.sock"
        self.options = {"appendonly": "no", "save": "", **{k.replace("_", "-"): v for k, v in options.items()}}
        self.host = host or own_address()
        self.port = next_port() if tcp else 0
        self.tls_port = next_port() if tls else 0
        self.tls = tls
        self.service_port = self.tls_port or self.port  # for who is told one port
        self._clock = Clock(self.directory / "clock") if clock else None

    # ---- life

    def start(self):
        """Starts and waits until it serves (with the data it finds on disk)."""
        self.spawn()
        poll_until(self.answers, 10, lambda: f"redis answers; its log: {self.log()}")
        return self

    def spawn(self):
        """Starts without waiting, for a server that is to be seen loading."""
        self.socket.unlink(missing_ok=True)
        self.launch(self._arguments(), self._clock.env if self._clock else None)

    def answers(self):
        """Whether it serves commands now; a demand for a password counts."""
        self.check_lives()
        try:
            with Resp(self.url(password=False), 1) as client:
                client.cmd("PING")
            return True
        except RespError as error:
            return str(error).startswith("NOAUTH")
        except OSError:
            return False

    def restart(self, keep_data=True):
        """Crash and start again. With `keep_data` what memory held is saved first, else it comes back empty."""
        if keep_data:
            self.cmd("SAVE")
        self.kill()
        if not keep_data:
            for left in [*self.directory.glob("*.rdb"), *self.directory.glob("appendonlydir/*")]:
                left.unlink()
        self.start()

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

    # ---- inside

    def _client_url(self):
        secret = self.options.get("requirepass")
        return f"unix://:{secret}@{self.socket}" if secret else url_of_socket(self.socket)

    def _arguments(self):
        arguments = ["--port", str(self.port), "--bind", self.host, "--unixsocket", str(self.socket),
                     "--dir", str(self.directory), "--enable-debug-command", "yes"]
        if self.tls:
            arguments += ["--tls-port", str(self.tls_port), "--tls-ca-cert-file", str(self.tls["ca"]),
                          "--tls-cert-file", str(self.tls["cert"]), "--tls-key-file", str(self.tls["key"])]
        for name, value in self.options.items():
            arguments += [f"--{name}", *([value] if isinstance(value, str) else map(str, value))]
        return arguments
