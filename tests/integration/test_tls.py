"""TLS to Redis: daemons, masctl and agents reach a server that demands certificates, and none that is not the right one."""

import urllib.parse

from harness import MasTestCase, main, poll_until
from harness.pki import Authority

DAEMONS = ("mas-registryd", "mas-gatewayd", "mas-healthd")


class TlsTest(MasTestCase):
    def setUp(self):
        super().setUp()
        authority = Authority(self.dir)
        self.other = Authority(self.dir, "other-ca")
        self.certificates = authority.issue("server", "DNS:redis.test")
        self.client = authority.issue("client")
        self.redis = self.start_redis(tls=self.certificates)

    def url(self, **changes):
        """A URL that works, with parts replaced; None takes a part away."""
        query = {**{k: str(v) for k, v in self.client.items()}, "server_name": "redis.test", **changes}
        query = urllib.parse.urlencode({k: v for k, v in query.items() if v is not None}, safe="/")
        return f"rediss://{self.redis.host}:{self.redis.tls_port}?{query}"

    def refused(self):
        """URLs that must not work, by why."""
        return {
            "certificate": self.url(ca=str(self.other.ca)),
            "redis.example": self.url(server_name="redis.example"),
            "": self.url(cert=None, key=None),  # each TLS version words the server's refusal in its own way
        }

    def test_everything_works_over_tls(self):
        for program in DAEMONS:
            self.start_daemon(program, self.url())
        listener = self.process("masctl", "listen", "echo", "--echo", "--redis", self.url()).start()
        poll_until(lambda: self.redis.cmd("EXISTS", "agent:echo"), what="the agent registers over TLS")
        done = self.masctl("request", "--as", "asker", "echo", "t", '{"a": 1}', redis=self.url())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('"a"', done.stdout)
        self.assertEqual(listener.stop(), 0)

    def test_masctl_refuses(self):
        for word, url in self.refused().items():
            with self.subTest(word=word):
                done = self.masctl("agents", "list", redis=url)
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(word, done.stderr)
                self.assertNotIn("user", done.stderr)
                self.assertEqual("?ca=FILE" in done.stderr, word != "", done.stderr)

    def test_daemons_refuse_and_say_why(self):
        for program in DAEMONS:
            for word, url in self.refused().items():
                with self.subTest(program=program, word=word):
                    daemon = self.daemon(program, url).start()
                    poll_until(lambda: word in str(daemon.wait_unready()), 10, f"{program}: /readyz says {word!r}")
                    self.assertEqual(daemon.stop(), 0)

    def test_plain_and_tls_do_not_mix(self):
        plain = self.start_redis("plain", tcp=True)
        for url in (f"rediss://{plain.host}:{plain.port}?ca={self.client['ca']}",
                    f"redis://{self.redis.host}:{self.redis.tls_port}"):
            done = self.masctl("agents", "list", "--timeout", "1", redis=url)
            self.assertIn(done.returncode, (3, 4), done.stderr)
            self.assertIn(url.split("?")[0], done.stderr)

    def test_files_that_cannot_be_read_are_named(self):
        done = self.masctl("agents", "list", redis=self.url(ca="/nowhere/ca.pem"))
        self.assertIn(done.returncode, (2, 3), done.stderr)
        self.assertIn("/nowhere/ca.pem", done.stderr)


if __name__ == "__main__":
    main()
