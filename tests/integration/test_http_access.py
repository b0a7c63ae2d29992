"""HTTP on the daemons beyond loopback: names that are served, the bearer token, TLS; and those who try."""

import contextlib
import http.client
import json
import signal
import socket
import ssl

from harness import MasTestCase, main, poll_until
from harness.http import http_get, raw_exchange

DAEMON = "mas-healthd"  # what is tested here is the frame of every daemon
TOKEN = "correct-horse-battery-staple"


class AccessCase(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def serve(self, **http):
        return self.daemon(DAEMON, self.redis, {"http": {"timeout": "1s", "max_connections": 16, **http}}).start()

    def hup(self, daemon):
        before = len(daemon.logged('"reloaded"')) + len(daemon.logged('"reload_refused"'))
        daemon.send(signal.SIGHUP)
        poll_until(lambda: len(daemon.logged('"reloaded"')) + len(daemon.logged('"reload_refused"')) > before, 5, "HUP")

    def write(self, name, text, mode=0o600):
        path = self.dir / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)


class HostTest(AccessCase):
    def test_names_are_served_only_when_configured(self):
        daemon = self.serve(listen="0.0.0.0:0", hosts="gw1.internal, GW1")
        served = ("gw1.internal", "GW1:9462", "gw1.", "localhost", "127.0.0.1:1", "10.1.2.3", "[::1]", "[::1]:80")
        foreign = ("evil.example", "gw1.internal.evil.example", "evil.example:80", "127.0.0.1.evil.example", "", ":80",
                   "gw1:80:80", "gw1:x", "[evil.example]", "[::1", "[::1]x", "127.1", "0x7f000001", "gw1/", "gw1@evil")
        for host, status in [(h, 200) for h in served] + [(h, 421) for h in foreign]:
            for path in ("/healthz", "/metrics"):
                self.assertEqual(http_get(daemon.port(), path, headers={"Host": host}).status, status, host)
        daemon.write_config({"http": {"timeout": "1s", "max_connections": 16, "listen": "0.0.0.0:0", "hosts": "gw2"}})
        self.hup(daemon)
        self.assertEqual(http_get(daemon.port(), "/healthz", headers={"Host": "gw1"}).status, 421)
        self.assertEqual(http_get(daemon.port(), "/healthz", headers={"Host": "gw2"}).status, 200)

    def test_what_is_no_name_is_refused_at_the_start(self):
        daemon = self.serve(hosts="gw1 http://gw1")
        self.assertEqual(daemon.wait(), 78)
        self.assertIn("http.hosts: 'http://gw1'", daemon.written())


class TokenTest(AccessCase):
    secrets = (TOKEN,)

    def ask(self, daemon, path, authorization=None):
        headers = {"Authorization": authorization} if authorization is not None else {}
        return http_get(daemon.port(), path, headers=headers)

    def test_what_is_open_and_what_is_not(self):
        daemon = self.serve(token_file=self.write("token", TOKEN + "\n"))
        poll_until(lambda: self.ask(daemon, "/readyz").status == 200, 10, "it is ready")
        self.assertEqual(json.loads(self.ask(daemon, "/healthz").body), {"status": "ok"})
        self.assertEqual(json.loads(self.ask(daemon, "/readyz").body), {"status": "ready"}, "nothing but the status")
        refused = self.ask(daemon, "/metrics")
        self.assertEqual((refused.status, refused.headers["www-authenticate"]), (401, "Bearer"))
        self.assertEqual(self.ask(daemon, "/nothing").status, 401)
        for wrong in ("Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Bearer  {TOKEN}", TOKEN,
                      f"Basic {TOKEN}", "Bearer " + "x" * 8000):
            for path in ("/healthz", "/readyz", "/metrics"):
                self.assertEqual(self.ask(daemon, path, wrong).status, 401, wrong[:40])
        for right in (f"Bearer {TOKEN}", f"bearer {TOKEN}"):
            self.assertIn("redis", json.loads(self.ask(daemon, "/readyz", right).body))
            self.assertIn("mas_healthd_ready 1", self.ask(daemon, "/metrics", right).body)
            self.assertEqual(self.ask(daemon, "/nothing", right).status, 404)
        self.assertNotIn(TOKEN, daemon.written())

        self.write("token", "another-token-of-length\n")
        self.hup(daemon)
        self.assertEqual(self.ask(daemon, "/metrics", f"Bearer {TOKEN}").status, 401)
        self.assertEqual(self.ask(daemon, "/metrics", "Bearer another-token-of-length").status, 200)
        self.write("token", "short\n")
        self.hup(daemon)
        self.assertIn("16 to 512", daemon.logged("reload_refused")[-1])
        self.assertEqual(self.ask(daemon, "/metrics", "Bearer another-token-of-length").status, 200, "the former one")

    def test_files_that_are_refused(self):
        for text, mode, why in ((TOKEN, 0o644, "accessible to others"), ("short", 0o600, "16 to 512"),
                                ("has a space in the middle", 0o600, "16 to 512")):
            daemon = self.serve(token_file=self.write("token", text, mode))
            self.assertEqual(daemon.wait(), 78)
            self.assertIn(why, daemon.written())
            self.assertNotIn(text, daemon.written())


class TlsTest(AccessCase):
    def setUp(self):
        super().setUp()
        self.ca = self.dir / "ca"
        self.certs("init", "--domain", "example.org")
        self.certs("issue", "server", "--name", "gw1", "--address", "127.0.0.1")
        self.file = self.ca / "server-gw1.pem"
        self.trust = ssl.create_default_context(cafile=self.ca / "ca.crt")

    def certs(self, command, *args):
        done = self.masctl("certs", command, "--dir", str(self.ca), *args, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["certificates"]

    def connect(self, daemon, timeout=5, context=None):
        sock = socket.create_connection(("127.0.0.1", daemon.port()), timeout)
        return (context or self.trust).wrap_socket(sock, server_hostname="127.0.0.1")

    def get(self, daemon, path, headers=None):
        connection = http.client.HTTPSConnection("127.0.0.1", daemon.port(), timeout=5, context=self.trust)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode()

    def serial(self, daemon):
        with self.connect(daemon) as sock:
            return sock.getpeercert()["serialNumber"]

    def test_pages_by_tls_and_nothing_without(self):
        daemon = self.serve(tls_cert=str(self.file))
        poll_until(lambda: self.get(daemon, "/readyz")[0] == 200, 10, "it is ready")
        self.assertIn(f'mas_healthd_tls_certificate_expiry_timestamp_seconds{{file="{self.file}"}}',
                      self.get(daemon, "/metrics")[1])
        self.assertEqual(self.get(daemon, "/metrics", {"Host": "evil.example"})[0], 421)
        self.assertEqual(self.get(daemon, "/metrics", {"X": "y" * 40_000})[0], 431)
        self.assertNotIn(b"200", raw_exchange(daemon.port(), b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 3))
        old = ssl.create_default_context(cafile=self.ca / "ca.crt")
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with self.assertRaises(OSError):
            self.connect(daemon, context=old).close()

    def test_a_new_certificate_is_taken_and_a_broken_one_told(self):
        daemon = self.serve(tls_cert=str(self.file))
        before = self.serial(daemon)
        renewed, = self.certs("renew", "--before", "91d")
        self.assertNotEqual(int(renewed["serial"], 16), int(before, 16))
        self.hup(daemon)
        self.assertEqual(int(self.serial(daemon), 16), int(renewed["serial"], 16))
        good = self.file.read_text()
        self.file.write_text(good.replace("CERTIFICATE", "NOTHING"))
        self.hup(daemon)
        self.assertIn(str(self.file), daemon.logged("certificate_unusable")[-1])
        self.assertEqual(int(self.serial(daemon), 16), int(renewed["serial"], 16), "the former one")
        for _ in range(20):  # each reload with another certificate closes what it had, and leaks nothing
            self.file.write_text(good)
            self.certs("renew", "--before", "91d")
            good = self.file.read_text()
            self.hup(daemon)
        descriptors = daemon.descriptors()
        self.certs("renew", "--before", "91d")
        self.hup(daemon)
        self.assertEqual(self.get(daemon, "/healthz")[0], 200)
        poll_until(lambda: daemon.descriptors() <= descriptors, 5, "descriptors are closed")

    def test_slow_handshakes_keep_no_monitor_out_and_are_ended(self):
        daemon = self.serve(tls_cert=str(self.file))
        crowd = [socket.create_connection(("127.0.0.1", daemon.port()), 8) for _ in range(40)]
        for sock in crowd[:20]:
            with contextlib.suppress(OSError):
                sock.sendall(b"\x16\x03\x01\x02\x00\x01")  # the first bytes of a ClientHello
        for _ in range(3):
            self.assertEqual(self.get(daemon, "/healthz")[0], 200)
        poll_until(lambda: daemon.http_connections() == 0, 8, "the time-out ends the others")
        for sock in crowd:
            sock.close()

    def test_a_pair_that_does_not_fit_is_refused_at_the_start(self):
        self.certs("issue", "server", "--name", "other")
        daemon = self.serve(tls_cert=str(self.file), tls_key=str(self.ca / "server-other.pem"))
        self.assertEqual(daemon.wait(), 78)
        self.assertIn("http.tls_cert", daemon.written())


if __name__ == "__main__":
    main()
