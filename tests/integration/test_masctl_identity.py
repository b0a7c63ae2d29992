"""masctl identity and masctl key: what they write, print once, and refuse; checked by an implementation of its own."""

import base64
import hashlib
import hmac
import json
import os
import stat
import struct
import subprocess
import threading
import tomllib
import unittest

from harness import MasTestCase, main
from harness.build import program
from harness.masctl_case import FAILED, OK, UNREACHABLE, USAGE, CommandTest

NOBODY = "unix:///nonexistent/redis.sock"

try:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:  # the check of the sealed bytes needs it; everything else does not
    AESGCM = None


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def unseal(master, agent, key_id, sealed):
    """Opens a sealed key as proto/README.md says."""
    extracted = hmac.new(b"mas.master.v1", master, hashlib.sha256).digest()
    key = hmac.new(extracted, b"mas.seal.v1\x01", hashlib.sha256).digest()
    context = b"\x01" + b"".join(struct.pack("<H", len(t)) + t for t in (b"mas.identity.key.v2", b"", agent, key_id))
    blob = unbase64(sealed)
    return AESGCM(key).decrypt(blob[1:13], blob[29:] + blob[13:29], context)


class IdentityTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.master = str(self.dir / "master.key")
        self.assertEqual(self.ctl("key", "generate", self.master).returncode, OK)

    def ok(self, *args, **options):
        done = self.ctl(*args, **options)
        self.assertEqual(done.returncode, OK, done.stderr)
        return done.stdout

    def fails(self, code, *args, **options):
        """Also that nothing was printed beside the reason."""
        done = self.ctl(*args, **options)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stdout + done.stderr)
        self.assertIn("masctl: ", done.stderr)
        return done.stderr

    def create(self, agent, *flags):
        return tomllib.loads(self.ok("identity", "create", agent, "--master-key", self.master, *flags))

    def rotate(self, agent, *flags):
        return tomllib.loads(self.ok("identity", "rotate", agent, "--master-key", self.master, *flags))

    def fields(self, agent):
        flat = self.redis.cmd("HGETALL", f"mas.identity:{agent}")
        return dict(zip(flat[::2], flat[1::2])) if isinstance(flat, list) else flat

    def keys(self, agent):
        return json.loads(self.fields(agent)["keys"])

    def shown(self, agent):
        return json.loads(self.ok("identity", "show", agent, "--json"))

    def operator_records(self):
        records = []
        for _, flat in self.redis.cmd("XRANGE", "mas.audit.operators", "-", "+"):
            records.append(dict(zip(flat[::2], flat[1::2])))
        return records

    # ---- create

    def test_create_prints_credentials_that_fit_what_is_stored(self):
        made = self.create("alice", "--claims", "chat:*", "--claims", "sum", "--expires", "30d")
        self.assertEqual(sorted(made), ["agent_id", "key", "key_id", "token"])
        self.assertEqual(made["agent_id"], "alice")
        fields = self.fields("alice")
        self.assertEqual(fields["token_hash"], hashlib.sha256(made["token"].encode()).hexdigest())
        self.assertEqual((fields["state"], fields["version"]), ("active", "1"))
        self.assertEqual(json.loads(fields["claims"]), ["chat:*", "sum"])
        self.assertAlmostEqual(float(fields["expires_at"]) - float(fields["created_at"]), 30 * 86400, delta=0.01)
        key = self.keys("alice")[made["key_id"]]
        self.assertEqual(key["not_after"], 0)
        self.assertEqual((len(unbase64(made["token"])), len(unbase64(made["key"]))), (32, 32))
        stored = json.dumps(fields)
        self.assertNotIn(made["token"], stored)
        self.assertNotIn(made["key"], stored)

    @unittest.skipUnless(AESGCM, "python3-cryptography is not there")
    def test_a_key_is_sealed_as_the_document_says(self):
        made = self.create("alice")
        with open(self.master) as file:
            master = unbase64(file.read().strip())
        sealed = self.keys("alice")[made["key_id"]]["sealed"]
        self.assertEqual(unseal(master, b"alice", made["key_id"].encode(), sealed), unbase64(made["key"]))

    def test_two_identities_share_no_secret(self):
        first, second = self.create("alice"), self.create("bob")
        for name in ("token", "key", "key_id"):
            self.assertNotEqual(first[name], second[name])

    def test_create_into_a_file_prints_no_secret(self):
        path = self.dir / "alice.toml"
        printed = self.ok("identity", "create", "alice", "--master-key", self.master, "--out", path)
        made = tomllib.loads(path.read_text())
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        for name in ("token", "key"):
            self.assertNotIn(made[name], printed)
        self.assertIn(str(path), printed)

    def test_a_file_that_exists_is_not_written_over_and_nothing_is_made(self):
        path = self.dir / "alice.toml"
        path.write_text("precious")
        link = self.dir / "link.toml"
        link.symlink_to(self.dir / "elsewhere.toml")
        for target in (path, link):
            error = self.fails(FAILED, "identity", "create", "alice", "--master-key", self.master, "--out", target)
            self.assertIn("exists", error)
        self.assertEqual(path.read_text(), "precious")
        self.assertFalse((self.dir / "elsewhere.toml").exists())
        self.assertEqual(self.fields("alice"), {})
        self.assertEqual(self.operator_records(), [])

    def test_the_file_goes_when_redis_refuses(self):
        path = self.dir / "alice.toml"
        self.redis.cmd("CONFIG", "SET", "maxmemory", "1")  # so that nothing of the transaction is done
        self.fails(FAILED, "identity", "create", "alice", "--master-key", self.master, "--out", path)
        self.assertFalse(path.exists())
        self.redis.cmd("CONFIG", "SET", "maxmemory", "0")
        self.assertEqual(self.fields("alice"), {})

    def test_the_file_stays_when_redis_did_the_change_but_for_its_record(self):
        path = self.dir / "alice.toml"
        self.redis.cmd("SET", "mas.audit.operators", "a key of another type")
        error = self.fails(FAILED, "identity", "create", "alice", "--master-key", self.master, "--out", path)
        self.assertIn("is kept", error)
        token = tomllib.loads(path.read_text())["token"]
        self.assertEqual(self.fields("alice")["token_hash"], hashlib.sha256(token.encode()).hexdigest())

    def test_an_identity_is_replaced_only_by_force(self):
        first = self.create("alice")
        error = self.fails(FAILED, "identity", "create", "alice", "--master-key", self.master)
        self.assertIn("--force", error)
        self.assertIn(first["key_id"], self.keys("alice"))
        second = self.create("alice", "--force")
        self.assertEqual(list(self.keys("alice")), [second["key_id"]])
        self.assertNotIn("token_hash_old", self.fields("alice"))
        self.assertEqual(self.fields("alice")["version"], "2")

    def test_an_unreadable_identity_can_be_replaced(self):
        self.redis.cmd("HSET", "mas.identity:alice", "state", "ACTIVE")
        self.assertIn("--force", self.fails(FAILED, "identity", "create", "alice", "--no-key"))
        self.create("alice", "--force")
        self.assertEqual(self.shown("alice")["state"], "active")

    def test_token_or_key_alone(self):
        self.assertEqual(sorted(tomllib.loads(self.ok("identity", "create", "visitor", "--no-key"))), ["agent_id", "token"])
        self.assertNotIn("keys", self.fields("visitor"))
        self.assertEqual(sorted(self.create("robot", "--no-token")), ["agent_id", "key", "key_id"])
        self.assertNotIn("token_hash", self.fields("robot"))
        self.assertIn("could not authenticate", self.fails(USAGE, "identity", "create", "x", "--no-key", "--no-token"))

    def test_what_is_wrong_on_the_command_line(self):
        for args, part in (
            (("not an id",), "agent id"),
            (("x",), "MAS_MASTER_KEY_FILE"),
            (("x", "--no-key", "--expires", "soon"), "--expires"),
            (("x", "--no-key", "--expires", "0d"), "--expires"),
            (("x", "--no-key", "--claims", ""), "--claims"),
            (("x", "--master-key", self.dir / "none"), "No such file"),
        ):
            with self.subTest(args=args):
                self.assertIn(part, self.fails(USAGE, "identity", "create", *args))
        self.assertEqual(self.redis.cmd("KEYS", "*"), [])

    def test_the_master_key_is_found_by_the_environment_and_must_be_closed(self):
        self.ok("identity", "create", "alice", env={"MAS_MASTER_KEY_FILE": self.master})
        os.chmod(self.master, 0o644)
        error = self.fails(USAGE, "identity", "create", "bob", "--master-key", self.master)
        self.assertIn("accessible to others", error)

    # ---- rotate

    def test_rotate_keeps_the_old_secrets_for_the_overlap(self):
        first = self.create("alice")
        second = self.rotate("alice", "--overlap", "1h")
        fields, keys = self.fields("alice"), self.keys("alice")
        self.assertEqual(fields["token_hash"], hashlib.sha256(second["token"].encode()).hexdigest())
        self.assertEqual(fields["token_hash_old"], hashlib.sha256(first["token"].encode()).hexdigest())
        made = keys[second["key_id"]]
        self.assertEqual(made["not_after"], 0)
        self.assertAlmostEqual(keys[first["key_id"]]["not_after"] - made["created_at"], 3600, delta=0.01)
        self.assertAlmostEqual(float(fields["token_old_until"]) - made["created_at"], 3600, delta=0.01)
        # Once more: the first key keeps its end, which is the earlier one.
        third = self.rotate("alice")
        keys = self.keys("alice")
        self.assertEqual(set(keys), {first["key_id"], second["key_id"], third["key_id"]})
        self.assertAlmostEqual(keys[first["key_id"]]["not_after"] - made["created_at"], 3600, delta=0.01)
        self.assertAlmostEqual(keys[second["key_id"]]["not_after"] - keys[third["key_id"]]["created_at"], 86400, delta=0.01)

    def test_rotate_without_overlap_ends_the_old_secrets_at_once(self):
        self.create("alice")
        second = self.rotate("alice", "--overlap", "0")
        self.assertEqual(list(self.keys("alice")), [second["key_id"]])
        self.assertNotIn("token_hash_old", self.fields("alice"))

    def test_rotate_renews_what_is_there_and_what_is_asked_for(self):
        self.ok("identity", "create", "alice", "--no-key")
        self.assertEqual(sorted(tomllib.loads(self.ok("identity", "rotate", "alice"))), ["agent_id", "token"])
        before = self.fields("alice")["token_hash"]
        self.assertEqual(sorted(self.rotate("alice", "--key", "--no-token")), ["agent_id", "key", "key_id"])
        self.assertEqual(self.fields("alice")["token_hash"], before)
        self.assertIn("nothing to rotate", self.fails(USAGE, "identity", "rotate", "alice", "--no-key", "--no-token"))
        self.assertEqual(sorted(self.rotate("alice")), ["agent_id", "key", "key_id", "token"])

    def test_rotate_refuses_another_master_key(self):
        self.create("alice")
        before = self.fields("alice")
        other = str(self.dir / "other.key")
        self.ok("key", "generate", other)
        self.assertIn("master key", self.fails(FAILED, "identity", "rotate", "alice", "--master-key", other))
        self.assertEqual(self.fields("alice"), before)

    def test_rotate_extends_the_end(self):
        self.create("alice", "--expires", "1d")
        self.rotate("alice", "--expires", "10d")
        fields = self.fields("alice")
        self.assertAlmostEqual(float(fields["expires_at"]) - float(fields["created_at"]), 10 * 86400, delta=60)
        self.rotate("alice")
        self.assertEqual(self.fields("alice")["expires_at"], fields["expires_at"])

    def test_there_is_a_bound_to_keys_that_are_good(self):
        self.create("alice")
        for _ in range(15):
            self.rotate("alice", "--no-token")
        error = self.fails(FAILED, "identity", "rotate", "alice", "--master-key", self.master)
        self.assertIn("--overlap", error)
        self.rotate("alice", "--overlap", "0")
        self.assertEqual(len(self.keys("alice")), 1)

    def test_changes_at_the_same_time_do_not_undo_each_other(self):
        self.create("alice")
        codes = []

        def change(verb):
            codes.append(subprocess.run([program("masctl"), "identity", verb, "alice", "--redis", self.redis.url()],
                                        capture_output=True).returncode)

        threads = [threading.Thread(target=change, args=(verb,)) for verb in ["suspend", "resume"] * 5]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(int(self.fields("alice")["version"]), 1 + codes.count(OK))
        self.assertEqual(len(self.operator_records()), 1 + codes.count(OK))
        self.assertLessEqual(set(codes), {OK, FAILED})

    # ---- state

    def test_suspend_resume_revoke(self):
        self.create("alice")
        before = self.fields("alice")
        for verb, state in (("suspend", "suspended"), ("suspend", "suspended"), ("resume", "active"), ("revoke", "revoked"),
                            ("revoke", "revoked")):
            printed = json.loads(self.ok("identity", verb, "alice", "--json"))
            self.assertEqual((printed["state"], self.fields("alice")["state"]), (state, state))
        for verb in ("suspend", "resume"):
            self.assertIn("revoked", self.fails(FAILED, "identity", verb, "alice"))
        self.assertIn("revoked", self.fails(FAILED, "identity", "rotate", "alice", "--master-key", self.master))
        after = self.fields("alice")
        # The secrets stay, so that whoever holds them is told why; everything else is as it was.
        self.assertEqual({**after, "state": "active", "version": "1"}, before)
        self.assertEqual(after["version"], "6")

    def test_who_has_no_identity(self):
        for verb in ("revoke", "suspend", "resume", "rotate", "show"):
            self.assertIn("there is none", self.fails(FAILED, "identity", verb, "nobody"))

    def test_every_change_is_recorded_with_who(self):
        made = self.create("alice", "--by", "carol")
        self.rotate("alice", "--overlap", "1h", "--by", "carol")
        for verb in ("suspend", "resume", "revoke"):
            self.ok("identity", verb, "alice", "--by", "dave")
        records = self.operator_records()
        self.assertEqual([(r["who"], r["action"], r["object"]) for r in records],
                         [("carol", "identity.create", "alice"), ("carol", "identity.rotate", "alice"),
                          ("dave", "identity.suspend", "alice"), ("dave", "identity.resume", "alice"),
                          ("dave", "identity.revoke", "alice")])
        self.assertIn(made["key_id"], records[0]["detail"])
        self.assertIn("overlap=1h", records[1]["detail"])
        self.assertEqual(records[4]["detail"], "active -> revoked")
        self.assertNotIn(made["token"], json.dumps(records))
        self.assertNotIn(made["key"], json.dumps(records))

    # ---- list, show

    def test_list_and_show_print_no_secret(self):
        made = self.create("alice", "--expires", "30d")
        self.rotate("alice")
        self.ok("identity", "create", "bob", "--no-key")
        self.redis.cmd("HSET", "mas.identity:alice", "expires_at", "1")
        self.redis.cmd("HSET", "mas.identity:carol", "state", "Active")
        self.redis.cmd("SET", "mas.identity:dave", "x")
        listed = {i["agent"]: i for i in json.loads(self.ok("identity", "list", "--json"))["identities"]}
        self.assertEqual({a: i["state"] for a, i in listed.items()},
                         {"alice": "expired", "bob": "active", "carol": "unreadable", "dave": "unreadable"})
        self.assertEqual(len(listed["alice"]["keys"]), 2)
        self.assertIn("state", listed["carol"]["problem"])
        fields, printed = self.fields("alice"), ""
        for args in (("list",), ("show", "alice"), ("list", "--json"), ("show", "alice", "--json")):
            done = self.ctl("identity", *args)
            self.assertEqual(done.returncode, OK)
            printed += done.stdout + done.stderr
        self.assertIn(made["key_id"], printed)
        for secret in (made["token"], made["key"], fields["token_hash"], fields["token_hash_old"],
                       self.keys("alice")[made["key_id"]]["sealed"]):
            self.assertNotIn(secret, printed)
        self.assertIn("every message of 'carol' is refused", printed)

    def test_json_of_create(self):
        done = json.loads(self.ok("identity", "create", "alice", "--master-key", self.master, "--json"))
        self.assertEqual(done["credentials"]["key_id"], done["key_id"])
        path = self.dir / "b.toml"
        done = json.loads(self.ok("identity", "create", "bob", "--master-key", self.master, "--out", path, "--json"))
        self.assertEqual((done["agent"], done["file"]), ("bob", str(path)))
        self.assertNotIn("credentials", done)

    def test_a_namespace_has_its_own(self):
        self.ok("identity", "create", "alice", "--no-key", "--namespace", "acme")
        self.assertEqual(self.redis.cmd("EXISTS", "acme/mas.identity:alice"), 1)
        self.assertEqual(self.redis.cmd("EXISTS", "acme/mas.audit.operators"), 1)
        self.assertEqual(json.loads(self.ok("identity", "list", "--json"))["identities"], [])


class KeyTest(MasTestCase):
    def ctl(self, *args):
        return self.masctl(*args, redis=NOBODY)

    def test_a_master_key_is_a_new_file_of_mode_0600(self):
        path = self.dir / "master.key"
        done = self.ctl("key", "generate", path)
        self.assertEqual((done.returncode, done.stdout), (OK, ""))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        content = path.read_text()
        self.assertEqual(len(unbase64(content.strip())), 32)
        self.assertNotIn(content.strip(), done.stderr)
        again = self.ctl("key", "generate", path)
        self.assertEqual(again.returncode, FAILED)
        self.assertEqual(path.read_text(), content)

    def test_an_audit_key_is_one_that_openssl_reads(self):
        path = self.dir / "audit.pem"
        done = self.ctl("key", "generate", "--kind", "audit", path)
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        text, key_id = done.stdout.split()
        raw = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True,
                             stdout=subprocess.PIPE).stdout[-32:]
        self.assertEqual(text, "ed25519:" + base64.urlsafe_b64encode(raw).decode().rstrip("="))
        self.assertEqual(key_id, hashlib.sha256(raw).hexdigest()[:16])
        self.assertEqual(self.ctl("key", "public", path).stdout, done.stdout)
        shown = json.loads(self.ctl("key", "public", path, "--json").stdout)
        self.assertEqual(shown, {"public_key": text, "key_id": key_id})

    def test_a_key_that_openssl_made_is_one(self):
        path = self.dir / "openssl.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True, capture_output=True)
        os.chmod(path, 0o600)
        self.assertEqual(self.ctl("key", "public", path).returncode, OK)
        rsa = self.dir / "rsa.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "x25519", "-out", rsa], check=True, capture_output=True)
        os.chmod(rsa, 0o600)
        self.assertIn("Ed25519", self.ctl("key", "public", rsa).stderr)

    def test_another_kind_is_refused(self):
        self.assertEqual(self.ctl("key", "generate", "--kind", "rsa", self.dir / "x").returncode, USAGE)
        self.assertFalse((self.dir / "x").exists())


if __name__ == "__main__":
    main()
