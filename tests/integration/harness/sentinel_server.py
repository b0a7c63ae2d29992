"""A private Redis Sentinel: `redis-server FILE --sentinel` on a loopback address of this process's own."""

import os

from .partition import Here
from .poll import poll_until
from .redis_process import RedisProcess
from .redis_server import next_port, own_address
from .resp import Resp, RespError

NAME = "mymaster"
DOWN_AFTER_MS = 3000  # on a busy machine a server may be silent for a second


class SentinelServer(RedisProcess):
    """Happy path: start() … url part host:port … stop(). It monitors one primary under the name `mymaster`."""

    def __init__(self, directory, name, redis, quorum=2, password=None, side=None,
                 tls=None):
        """@param redis the primary, a RedisServer with TCP. @param password that clients and other sentinels need.
        @param side the Host it is on, by default the one where the test runs.
        @param tls as RedisServer's: clients may use TLS, at tls_port; all other links use it."""
        super().__init__(directory, name)
        self._side = side or Here(own_address())
        self.host = self._side.address
        self.port = next_port()
        self.tls_port = next_port() if tls else 0
        self._password = password
        self.paused = False
        lines = [f"port {self.port}", f"bind {self.host}", "protected-mode no", f"dir {self.directory}",
                 f"sentinel announce-ip {self.host}", f"sentinel announce-port {self.tls_port or self.port}",
                 f"sentinel monitor {NAME} {redis.host} {redis.service_port} {quorum}",
                 f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}",
                 f"sentinel failover-timeout {NAME} 6000", f"sentinel parallel-syncs {NAME} 2"]
        if tls:
            lines += [f"tls-port {self.tls_port}", "tls-replication yes", f"tls-ca-cert-file {tls['ca']}",
                      f"tls-cert-file {tls['cert']}", f"tls-key-file {tls['key']}"]
        if password:
            lines += [f"requirepass {password}"]
        self._config = self.directory / "sentinel.conf"
        self._config.write_text("\n".join(lines) + "\n")

    @property
    def address(self):
        """For clients."""
        return f"{self.host}:{self.tls_port or self.port}"

    def start(self):
        with self._side:
            self.launch([os.fspath(self._config), "--sentinel"])
        poll_until(self._answers, 10, lambda: f"the sentinel answers; its log: {self.log()}")
        return self

    def pause(self):
        self.paused = True
        super().pause()

    def resume(self):
        self.paused = False
        super().resume()

    def cmd(self, *args):
        with self._side, Resp(f"redis://{self.host}:{self.port}", 5) as client:
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

    # ---- inside

    def _answers(self):
        self.check_lives()
        try:
            self.cmd("PING")
            return True
        except (OSError, RespError):
            return False
