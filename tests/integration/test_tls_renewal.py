"""Certificates that are renewed, expire or break while daemons run: nothing is restarted, and it is told."""

import json
import signal
import urllib.parse

from harness import MasTestCase, main, poll_until

DAEMON = "mas-healthd"  # what is tested here is the frame of every daemon
EXPIRY = "mas_healthd_tls_certificate_expiry_timestamp_seconds"


class RenewalTest(MasTestCase):
    def setUp(self):
        super().setUp()
        self.ca = self.dir / "ca"
        self.certs("init", "--domain", "example.org")
        self.certs("issue", "server", "--name", "redis.test")
        self.certs("issue", "operator", "ann")
        server = self.ca / "server-redis.test.pem"
        self.redis = self.start_redis(tls={"ca": self.ca / "ca.crt", "cert": server, "key": server})
        self.file = self.ca / "daemon-healthd.pem"

    def certs(self, command, *args):
        done = self.masctl("certs", command, "--dir", str(self.ca), *args, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["certificates"]

    def url(self, file):
        query = urllib.parse.urlencode({"ca": self.ca / "ca.crt", "cert": file, "server_name": "redis.test"}, safe="/")
        return f"rediss://{self.redis.host}:{self.redis.tls_port}?{query}"

    def start(self, *lifetime):
        self.certs("issue", "daemon", "healthd", *lifetime)
        return self.start_daemon(DAEMON, self.url(self.file))

    def expiry(self, daemon, file):
        return daemon.metrics()[f'{EXPIRY}{{file="{file}"}}']

    def events(self, daemon, name):
        return [event for event in daemon.events() if event["event"] == name]

    def hup(self, daemon, event):
        """HUP, and the next event of that name."""
        before = len(self.events(daemon, event))
        daemon.send(signal.SIGHUP)
        return poll_until(lambda: self.events(daemon, event)[before:], 5, f"{event} after HUP")[-1]

    def cut_links(self):
        self.redis.cmd("CLIENT", "KILL", "TYPE", "normal")

    def links(self):
        return {line.split()[0] for line in self.redis.cmd("CLIENT", "LIST").splitlines() if "name=mas-healthd" in line}

    def doctor(self):
        done = self.masctl("doctor", "--json", redis=self.url(self.ca / "operator-ann.pem"))
        return [finding for finding in json.loads(done.stdout)["findings"] if finding["check"] == "certificate"]

    def test_a_certificate_that_expires_ends_no_link_and_is_told_and_renewed(self):
        daemon = self.start("--lifetime", "4s")
        self.assertEqual(self.events(daemon, "certificate_expires_soon")[0]["file"], str(self.file))
        ends = self.expiry(daemon, self.file)
        self.assertGreater(self.expiry(daemon, self.ca / "ca.crt"), ends + 3000 * 86400)
        links = self.links()
        poll_until(lambda: int(self.redis.cmd("TIME")[0]) > ends, 10, "it expires")
        self.assertEqual(self.hup(daemon, "certificate_expired")["file"], str(self.file))
        self.assertTrue(daemon.ready()[0])
        self.assertEqual(self.links(), links, "a link that is up lives on")
        found = [finding for finding in self.doctor() if finding["level"] == "fail"]
        self.assertEqual(len(found), 1, found)
        self.assertIn(f"{self.file} of healthd", found[0]["found"])

        self.cut_links()
        reason = poll_until(lambda: "certificate" in str(daemon.ready()[1].get("reason")) and daemon.ready()[1]["reason"],
                            10, "a new link is refused, with the reason")
        self.assertIn("expired", reason)
        self.assertEqual([row["step"] for row in self.certs("renew") if row["file"] == self.file.name], ["renewed"])
        self.certs("renew", "--before", "91d")
        daemon.wait_ready(15)
        self.assertEqual(daemon.starts, 1)

    def test_hup_takes_new_files_and_leaves_links_alone(self):
        daemon = self.start()
        found = self.doctor()
        self.assertEqual([finding["level"] for finding in found], ["ok"] * 4)
        self.assertRegex(found[2]["found"], r"the server redis\.test expires in (89|90)d")
        links, before = self.links(), self.expiry(daemon, self.file)
        poll_until(lambda: int(self.redis.cmd("TIME")[0]) > before - 90 * 86400, 5, "a second passes")
        renewed = {row["file"]: row for row in self.certs("renew", "--before", "91d")}[self.file.name]
        self.assertEqual(self.hup(daemon, "certificate_read")["serial"], renewed["serial"])
        self.assertGreater(self.expiry(daemon, self.file), before)
        self.assertEqual(self.links(), links)
        self.assertEqual(self.events(daemon, "certificate_unusable"), [])

    def test_a_broken_file_is_told_and_the_former_one_used(self):
        daemon = self.start()
        good = self.file.read_text()
        self.file.write_text(good[:300])
        self.assertIn(str(self.file), self.hup(daemon, "certificate_unusable")["why"])
        self.assertEqual(daemon.metrics()["mas_healthd_tls_files_unusable"], 1)
        links = self.links()
        self.cut_links()
        poll_until(lambda: self.links() and not self.links() & links, 10, "a new link is made with the former certificate")
        daemon.wait_ready()
        self.file.write_text(good)
        self.hup(daemon, "reloaded")
        self.assertEqual(daemon.metrics()["mas_healthd_tls_files_unusable"], 0)


if __name__ == "__main__":
    main()
