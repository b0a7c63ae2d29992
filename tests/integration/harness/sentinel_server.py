"""A private Redis Sentinel: `redis-server FILE --sentinel` on a loopback address of this process's own."""

import os
import pathlib
import signal
import subprocess

from .poll import poll_until
from .process import die_with_parent
from .redis_server import next_port, own_address
from .resp import Resp, RespError

NAME = "mymaster"
DOWN_AFTER_MS = 3000  # on a busy machine a server may be silent for a second


class SentinelServer:
    """Happy path: start() … url part host:port … stop(). It monitors one primary under the name `mymaster`."""

    def __init__(self, directory, name, redis, quorum=2, password=None):
        """@param redis the primary, a RedisServer with TCP. @param password that clients and other sentinels need."""
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir()
        self.host = own_address()
        self.port = next_port()
        self.log_path = self.directory / "redis.log"
        self._password = password
        self._process = None
        self.paused = False
        lines = [f"port {self.port}", f"bind {self.host}", f"dir {self.directory}",
                 f"sentinel announce-ip {self.host}", f"sentinel announce-port {self.port}",
                 f"sentinel monitor {NAME} {redis.host} {redis.port} {quorum}",
                 f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}",
                 f"sentinel failover-timeout {NAME} 6000", f"sentinel parallel-syncs {NAME} 2"]
        if password:
            lines += [f"requirepass {password}"]
        self._config = self.directory / "sentinel.conf"
        self._config.write_text("\n".join(lines) + "\n")

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def start(self):
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                ["redis-server", os.fspath(self._config), "--sentinel"], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd=self.directory, preexec_fn=die_with_parent)
        poll_until(self._answers, 10, lambda: f"the sentinel answers; its log: {self.log()}")
        return self

    def stop(self):
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def pause(self):
        self.paused = True
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.paused = False
        self._process.send_signal(signal.SIGCONT)

    def cmd(self, *args):
        with Resp(f"redis://{self.address}", 5) as client:
            if self._password:
                client.cmd("AUTH", self._password)
            return client.cmd(*args)

    def primary(self):
        """(host, port) of the primary that it names."""
        host, port = self.cmd("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
        return host, int(port)

    def master(self):
        """What it knows of the primary, as a dict."""
        flat = self.cmd("SENTINEL", "MASTER", NAME)
        return dict(zip(flat[::2], flat[1::2]))

    def knows(self, replicas, sentinels):
        """Whether it has found so many replicas, all of them connected, and other sentinels."""
        master = self.master()
        return int(master["num-slaves"]) >= replicas and int(master["num-other-sentinels"]) >= sentinels

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # ---- inside

    def _answers(self):
        if self._process.poll() is not None:
            raise AssertionError(f"the sentinel ended: {self.log()}")
        try:
            self.cmd("PING")
            return True
        except (OSError, RespError):
            return False

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
