"""HTTP on the daemons: what it answers, that it changes nothing, and that no client can harm it."""

import json
import select
import socket

from harness import MasTestCase, for_each, main, poll_until
from harness.http import http_get, raw_exchange
from harness.prometheus import families

DAEMONS = ("mas-registryd", "mas-gatewayd", "mas-healthd")
PATHS = ("/healthz", "/readyz", "/metrics")


class HttpTestCase(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def serve(self, program):
        return self.start_daemon(program, self.redis, {"http": {"timeout": "1s", "max_connections": 16}})


class AnswersTest(HttpTestCase):
    @for_each(*DAEMONS)
    def test_the_three_pages(self, program):
        daemon = self.serve(program)
        self.assertEqual(http_get(daemon.port(), "/healthz").status, 200)
        ready = http_get(daemon.port(), "/readyz")
        self.assertEqual(ready.status, 200)
        self.assertIn("application/json", ready.headers["content-type"])
        self.assertEqual(json.loads(ready.body)["status"], "ready")
        metrics = http_get(daemon.port(), "/metrics")
        self.assertIn("text/plain; version=0.0.4", metrics.headers["content-type"])

    @for_each(*DAEMONS)
    def test_metrics_are_well_formed(self, program):
        daemon = self.serve(program)
        samples = daemon.metrics()
        prefix = daemon.program.replace("-", "_") + "_"
        own = [name for name in samples if name.startswith(prefix)]
        self.assertTrue(own)
        for name in samples:
            self.assertTrue(name.startswith((prefix, "process_")), name)
        for name, kind in families(daemon.get("/metrics")[1]).items():
            if kind == "histogram":
                self.assertRegex(name, "_(seconds|bytes)$")

    def test_gatewayd_says_whether_it_decides(self):
        self.assertEqual(self.serve("mas-gatewayd").ready()[1]["pipeline"], "running")

    @for_each(*DAEMONS)
    def test_other_paths_and_methods(self, program):
        daemon = self.serve(program)
        for path in ("/", "/metrics/", "/readyz/x", "/%00", "/../etc/passwd", "/" + "a" * 4000):
            self.assertEqual(http_get(daemon.port(), path).status, 404, path[:40])
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            self.assertEqual(http_get(daemon.port(), "/readyz", method, body="x").status, 405, method)
        self.assertEqual(http_get(daemon.port(), "/readyz?x=1").status, 200)
        head = http_get(daemon.port(), "/healthz", "HEAD")
        self.assertEqual((head.status, head.body), (200, ""))

    @for_each(*DAEMONS)
    def test_get_changes_nothing(self, program):
        daemon = self.serve(program)
        self.redis.cmd("HSET", "agent:a", "id", "a", "status", "ACTIVE", "capabilities", "[]", "metadata", "{}")
        poll_until(lambda: self.redis.scan("mas.daemon:*"), what="its heartbeat")
        before = self.redis.scan()
        for path in PATHS:
            daemon.get(path + "?status=INACTIVE&reload=1")
        self.assertEqual(self.redis.scan(), before)
        self.assertEqual(self.redis.cmd("HGET", "agent:a", "status"), "ACTIVE")


class AbuseTest(HttpTestCase):
    def still_serves(self, daemon):
        poll_until(lambda: _status(daemon.port()) == 200, 15, f"{daemon.name} serves again")

    @for_each(*DAEMONS)
    def test_bytes_that_are_not_http(self, program):
        daemon = self.serve(program)
        for data in (b"\x00" * 5000, b"\r\n" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 200_000,
                     b"GET /healthz HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                     b"POST /readyz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
                     b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", b"*1\r\n$4\r\nPING\r\n"):
            answer = raw_exchange(daemon.port(), data, 3)
            self.assertNotRegex(answer, rb"^HTTP/1.1 200", data[:40])
            self.still_serves(daemon)

    @for_each(*DAEMONS)
    def test_a_large_body_is_not_kept(self, program):
        daemon = self.serve(program)
        before = daemon.rss_bytes()
        data = b"POST /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 50_000_000
        raw_exchange(daemon.port(), data, 3)
        self.still_serves(daemon)
        self.assertLess(daemon.rss_bytes() - before, 16 << 20)

    @for_each(*DAEMONS)
    def test_half_requests_are_ended(self, program):
        daemon = self.serve(program)
        sock = socket.create_connection(("127.0.0.1", daemon.port()), 8)
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        self.assertEqual(_rest(sock)[:12], b"", "closed without an answer of success")

    @for_each(*DAEMONS)
    def test_many_connections(self, program):
        """More than it takes: the ones over the bound are turned away, and all are free again when they end."""
        daemon = self.serve(program)
        crowd = [socket.create_connection(("127.0.0.1", daemon.port()), 5) for _ in range(60)]
        bound = 16 + 8  # max_connections, and the newcomers for whom older ones make way
        poll_until(lambda: len(_ended(crowd)) >= 60 - bound, 5, "those over the bound are turned away")
        self.assertIn(daemon.http_connections(), range(1, bound + 1))
        for sock in crowd:
            sock.close()
        self.still_serves(daemon)
        poll_until(lambda: daemon.http_connections() == 0, 5, "the connections are closed")

    @for_each(*DAEMONS)
    def test_a_crowd_that_stays_is_ended_by_the_time_out(self, program):
        daemon = self.serve(program)
        crowd = [socket.create_connection(("127.0.0.1", daemon.port()), 5) for _ in range(40)]
        self.still_serves(daemon)
        for sock in crowd:
            sock.close()

    @for_each(*DAEMONS)
    def test_slow_connections_keep_no_monitor_out(self, program):
        """They send a byte now and then, so no time-out ends them."""
        daemon = self.start_daemon(program, self.redis, {"http": {"timeout": "60s", "max_connections": 16}})
        crowd = [socket.create_connection(("127.0.0.1", daemon.port()), 5) for _ in range(40)]
        for sock in crowd:
            sock.sendall(b"G")
        for _ in range(5):
            self.assertEqual(http_get(daemon.port(), "/healthz", timeout=5).status, 200)
        for sock in crowd:
            sock.close()

    @for_each(*DAEMONS)
    def test_a_name_that_leads_here_is_not_served(self, program):
        daemon = self.serve(program)
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", ""):
            self.assertEqual(http_get(daemon.port(), "/metrics", headers={"Host": host}).status, 421, host)
        for host in ("127.0.0.1", f"127.0.0.1:{daemon.port()}", "localhost", f"localhost:{daemon.port()}", "[::1]:80"):
            self.assertEqual(http_get(daemon.port(), "/healthz", headers={"Host": host}).status, 200, host)
        self.assertIn(b" 200 ", raw_exchange(daemon.port(), b"GET /healthz HTTP/1.0\r\n\r\n", 3))

    @for_each(*DAEMONS)
    def test_a_client_that_does_not_read(self, program):
        daemon = self.serve(program)
        sock = socket.create_connection(("127.0.0.1", daemon.port()), 5)
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 500)
        self.still_serves(daemon)
        sock.close()


class AddressTest(MasTestCase):
    def test_a_port_in_use_is_said(self):
        redis = self.start_redis()
        first = self.start_daemon("mas-registryd", redis)
        second = self.daemon("mas-registryd", redis, {"http": {"listen": f"127.0.0.1:{first.port()}"}}).start()
        self.assertEqual(second.wait(), 69)
        self.assertIn(str(first.port()), second.written())


def _status(port, timeout=5):
    try:
        return http_get(port, "/healthz", timeout=timeout).status
    except OSError:
        return None


def _ended(socks):
    """Those whose peer has closed them; nothing else is ever sent to them."""
    return select.select(socks, [], [], 0)[0]


def _rest(sock):
    """What comes until the peer closes; fails by time-out if it never does."""
    data = b""
    try:
        while chunk := sock.recv(4096):
            data += chunk
    except ConnectionError:
        pass
    finally:
        sock.close()
    return data


if __name__ == "__main__":
    main()
