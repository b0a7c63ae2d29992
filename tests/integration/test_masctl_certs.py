"""masctl certs: what it makes is what OpenSSL and Redis take, what it must not make they refuse, and its files stay private."""

import json
import os
import stat
import subprocess
import unittest
import urllib.parse

from harness import MasTestCase, main, poll_until
from harness.build import program
from harness.masctl_case import FAILED, OK, USAGE



def openssl(*args, **options):
    return subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, check=False, **options)


class CertsCase(MasTestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.dir / "ca"
        self.ok("init", "--domain", "example.org")

    def certs(self, command, *args):
        return self.masctl("certs", command, "--dir", str(self.folder), *args, redis="unix:///nowhere.sock")

    def ok(self, command, *args):
        done = self.certs(command, *args, "--json")
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertNotIn("PRIVATE", done.stdout + done.stderr)
        return json.loads(done.stdout)["certificates"]

    def refused(self, *args, code=USAGE):
        done = self.certs(*args)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertNotIn("PRIVATE", done.stderr)
        return done.stderr

    def file(self, name):
        return self.folder / name

    def text(self, name):
        return openssl("x509", "-noout", "-text", "-in", self.file(name)).stdout

    def verify(self, name, purpose, *more):
        return openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", self.file("ca.crt"), *more,
                       self.file(name))

    def mode(self, name):
        return stat.S_IMODE(self.file(name).stat().st_mode)


class MadeTest(CertsCase):
    def test_the_authority(self):
        text = self.text("ca.crt")
        for part in ("CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "URI:spiffe://example.org", "prime256v1",
                     "Permitted:\n                  URI:example.org"):
            self.assertIn(part, text)
        self.assertEqual((self.mode("ca.key"), self.mode("ca.crt"), self.mode(".")), (0o600, 0o644, 0o700))
        before = [self.file(name).read_bytes() for name in ("ca.crt", "ca.key")]
        self.assertEqual(self.ok("init", "--domain", "example.org")[0]["step"], "unchanged")
        self.assertEqual(before, [self.file(name).read_bytes() for name in ("ca.crt", "ca.key")])
        self.assertIn("example.org", self.refused("init", "--domain", "other.org", code=FAILED))

    def test_an_interrupted_init_goes_on_with_its_key(self):
        key = self.file("ca.key").read_bytes()
        self.file("ca.crt").unlink()
        self.assertEqual(self.ok("init", "--domain", "example.org")[0]["step"], "created")
        self.assertEqual(self.file("ca.key").read_bytes(), key)

    def test_an_agent_is_a_spiffe_client_and_no_server(self):
        row, = self.ok("issue", "agent", "bob")
        self.assertEqual(row["names"], ["URI:spiffe://example.org/agent/bob"])
        self.assertIn(row["days_left"], (89, 90))
        text = self.text("agent-bob.pem")
        for part in ("CA:FALSE", "Digital Signature\n", "TLS Web Client Authentication\n"):
            self.assertIn(part, text)
        self.assertNotIn("CN = ", text.split("Subject:")[1].split("\n")[0])
        self.assertEqual(self.mode("agent-bob.pem"), 0o600)
        self.assertEqual(self.verify("agent-bob.pem", "sslclient").returncode, 0)
        self.assertNotEqual(self.verify("agent-bob.pem", "sslserver").returncode, 0)
        self.assertEqual(self.ok("issue", "agent", "bob")[0]["serial"], row["serial"], "unchanged")
        for kind, name in (("daemon", "gatewayd"), ("operator", "ann")):
            row, = self.ok("issue", kind, name)
            self.assertEqual(row["names"], [f"URI:spiffe://example.org/{kind}/{name}"])

    def test_a_server_has_its_names(self):
        row, = self.ok("issue", "server", "--name", "redis1", "--name", "redis1.lan", "--address", "::1")
        self.assertEqual(row["names"], ["DNS:redis1", "DNS:redis1.lan", "IP:::1"])
        for purpose in ("sslserver", "sslclient"):
            self.assertEqual(self.verify("server-redis1.pem", purpose, "-verify_hostname", "redis1.lan").returncode, 0)
        again, = self.ok("issue", "server", "--name", "redis1")
        self.assertEqual((again["step"], again["names"]), ("replaced", ["DNS:redis1"]))

    def test_the_authority_cannot_be_stretched(self):
        """Its key signs what it must not: another domain's agent, and an authority below it. Nobody accepts them."""
        for name, extensions in (("foreign", "subjectAltName=URI:spiffe://other.org/agent/bob"),
                                 ("below", "basicConstraints=critical,CA:TRUE")):
            openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/O={name}",
                    "-keyout", self.dir / f"{name}.key", "-out", self.dir / f"{name}.csr")
            (self.dir / "ext").write_text(extensions + "\n")
            made = openssl("x509", "-req", "-in", self.dir / f"{name}.csr", "-CA", self.file("ca.crt"), "-CAkey",
                           self.file("ca.key"), "-CAcreateserial", "-out", self.dir / f"{name}.crt", "-extfile",
                           self.dir / "ext", "-days", "1")
            self.assertEqual(made.returncode, 0, made.stderr)
        foreign = openssl("verify", "-CAfile", self.file("ca.crt"), self.dir / "foreign.crt")
        self.assertIn("permitted subtree violation", foreign.stdout + foreign.stderr)
        (self.dir / "ext").write_text("subjectAltName=DNS:a\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/O=leaf",
                "-keyout", self.dir / "leaf.key", "-out", self.dir / "leaf.csr")
        openssl("x509", "-req", "-in", self.dir / "leaf.csr", "-CA", self.dir / "below.crt", "-CAkey",
                self.dir / "below.key", "-CAcreateserial", "-out", self.dir / "leaf.crt", "-extfile", self.dir / "ext")
        leaf = openssl("verify", "-CAfile", self.file("ca.crt"), "-untrusted", self.dir / "below.crt", self.dir / "leaf.crt")
        self.assertIn("path length constraint exceeded", leaf.stdout + leaf.stderr)

    def test_what_is_refused(self):
        for args, word in ((("agent", "a b"), "a b"), (("agent",), "agent id"), (("daemon", "bob"), "gatewayd"),
                           (("server",), "--name"), (("server", "x", "--name", "x"), "no id"),
                           (("server", "--name", "a/b"), "a/b"), (("server", "--address", "redis"), "redis"),
                           (("server", "--name", "x,URI:spiffe://example.org/agent/a"), "URI"),
                           (("agent", "bob", "--lifetime", "soon"), "--lifetime")):
            self.assertIn(word, self.refused("issue", *args), args)
        self.assertEqual([path.name for path in self.folder.glob("*.pem")], [])
        self.file("ca.key").chmod(0o640)
        self.assertIn("ca.key has mode 0640", self.refused("issue", "agent", "bob"))
        self.file("ca.key").chmod(0o600)
        self.folder.chmod(0o777)
        self.assertIn("can be changed by others", self.refused("issue", "agent", "bob"))


class RenewTest(CertsCase):
    def test_only_what_expires_soon_is_made_anew(self):
        short, = self.ok("issue", "agent", "short", "--lifetime", "1m")  # past two thirds: it began five minutes ago
        self.ok("issue", "agent", "long")
        self.ok("issue", "server", "--name", "redis1")
        self.file("server-redis1.pem").chmod(0o640)
        rows = {row["file"]: row for row in self.ok("renew")}
        self.assertEqual({name: row["step"] for name, row in rows.items()},
                         {"agent-short.pem": "renewed", "agent-long.pem": "kept", "server-redis1.pem": "kept"})
        self.assertEqual(rows["agent-short.pem"]["names"], short["names"])
        self.assertNotEqual(rows["agent-short.pem"]["serial"], short["serial"])
        old = self.file("server-redis1.pem").read_text()
        rows = {row["file"]: row["step"] for row in self.ok("renew", "--before", "91d")}
        self.assertEqual(rows["server-redis1.pem"], "renewed")
        new = self.file("server-redis1.pem").read_text()
        self.assertNotEqual(old.split("-----BEGIN CERT")[0], new.split("-----BEGIN CERT")[0], "a new key")
        self.assertEqual(self.mode("server-redis1.pem"), 0o640)
        self.assertEqual(self.verify("server-redis1.pem", "sslserver", "-verify_hostname", "redis1").returncode, 0)
        self.assertEqual(list(self.folder.glob(".*.new")), [])

    def test_a_reader_never_sees_halves(self):
        """Somebody reads the file over and over while it is renewed: key and certificate always fit."""
        self.ok("issue", "agent", "bob")
        seen = set()
        renewing = subprocess.Popen(["sh", "-c", f"for i in $(seq 8); do {program('masctl')} certs renew --before 91d "
                                     f"--dir {self.folder} >/dev/null || exit 1; done"])
        while renewing.poll() is None:
            text = self.file("agent-bob.pem").read_text()
            if text in seen:
                continue
            seen.add(text)
            halves = [openssl(*args, "-pubkey" if "x509" in args else "-pubout", input=text).stdout
                      for args in (("x509", "-noout"), ("pkey",))]
            self.assertEqual(halves[0], halves[1])
            self.assertIn("PUBLIC KEY", halves[0])
        self.assertEqual(renewing.returncode, 0)
        self.assertGreater(len(seen), 2)

    def test_one_bad_file_stops_no_other(self):
        self.ok("issue", "agent", "bob", "--lifetime", "1m")
        self.file("a.pem").write_text("nothing")
        self.file("a.pem").chmod(0o600)
        done = self.certs("renew", "--json")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("a.pem", done.stderr)
        self.assertEqual([row["step"] for row in json.loads(done.stdout)["certificates"]], ["renewed"])

    def test_what_others_issued_is_left_alone(self):
        self.folder = self.dir / "other"
        self.ok("init", "--domain", "example.org")
        self.ok("issue", "agent", "bob", "--lifetime", "1m")
        foreign = self.file("agent-bob.pem").read_bytes()
        self.folder = self.dir / "ca"
        self.file("agent-bob.pem").write_bytes(foreign)
        self.file("agent-bob.pem").chmod(0o600)
        self.assertEqual([row["step"] for row in self.ok("renew")], ["foreign"])
        self.assertEqual(self.file("agent-bob.pem").read_bytes(), foreign)

    def test_no_other_certificate_s_key_is_made(self):
        """Who owns one file writes another certificate into it, which is no secret: renewing makes no key for that."""
        self.ok("issue", "agent", "bob", "--lifetime", "1m")
        self.ok("issue", "server", "--name", "redis1", "--lifetime", "1m")
        bob = self.file("agent-bob.pem").read_text()
        self.file("server-redis1.pem").write_text(bob[bob.index("-----BEGIN CERT"):])
        self.assertEqual([row["step"] for row in self.ok("renew")], ["renewed", "foreign"])

    @unittest.skipUnless(os.geteuid() == 0, "only root may give files away")
    def test_a_renewed_file_keeps_its_owner(self):
        self.ok("issue", "server", "--name", "redis1")
        os.chown(self.file("server-redis1.pem"), 1, 1)
        self.assertEqual([row["step"] for row in self.ok("renew", "--before", "91d")], ["renewed"])
        info = self.file("server-redis1.pem").stat()
        self.assertEqual((info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)), (1, 1, 0o600))

    def test_the_umask_changes_nothing(self):
        before = os.umask(0)
        try:
            self.ok("issue", "agent", "open")
            os.umask(0o777)
            self.ok("issue", "agent", "shut")
        finally:
            os.umask(before)
        self.assertEqual((self.mode("agent-open.pem"), self.mode("agent-shut.pem")), (0o600, 0o600))

    def test_show_lists_the_authority_first(self):
        self.ok("issue", "agent", "bob")
        rows = self.ok("show")
        self.assertEqual([row["file"] for row in rows], ["ca.crt", "agent-bob.pem"])
        self.assertTrue(rows[0]["authority"])
        self.assertRegex(rows[1]["serial"], "^[0-9A-F]{26,32}$")
        self.assertIn("agent-bob.pem", self.certs("show").stdout)
        self.assertIn("certs init", self.masctl("certs", "show", "--dir", "/nowhere").stderr)


class RedisTest(CertsCase):
    def pair(self, name):
        return {"ca": self.file("ca.crt"), "cert": self.file(name), "key": self.file(name)}

    def url(self, redis, **query):
        query = urllib.parse.urlencode({k: str(v) for k, v in query.items()}, safe="/")
        return f"rediss://{redis.host}:{redis.tls_port}?{query}"

    def test_redis_replica_and_clients_take_them(self):
        self.ok("issue", "server", "--name", "redis.test")
        self.ok("issue", "operator", "ann")
        redis = self.start_redis(tls=self.pair("server-redis.test.pem"))
        # A replica connects with the server's certificate: it must do for a client, too.
        replica = self.start_redis("replica", tls=self.pair("server-redis.test.pem"), tls_replication="yes",
                                   replicaof=(redis.host, redis.tls_port))
        poll_until(lambda: replica.info("replication")["master_link_status"] == "up", 10, "the replica follows by TLS")
        url = self.url(redis, **self.pair("operator-ann.pem"), server_name="redis.test")
        self.assertEqual(self.masctl("agents", "list", redis=url).returncode, OK)
        # An operator's certificate is no server's.
        rogue = self.start_redis("rogue", tls=self.pair("operator-ann.pem"))
        done = self.masctl("agents", "list", redis=self.url(rogue, **self.pair("operator-ann.pem")))
        self.assertEqual(done.returncode, 3)
        self.assertIn("certificate", done.stderr)


if __name__ == "__main__":
    main()
