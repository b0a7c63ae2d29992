"""The archive of delivered messages: what is kept of them, how it is sealed and trimmed, and how it is replayed."""

import json
import os
import random
import re
import time

from harness import main, poll_until
from harness.gateway_case import GatewayCase
from harness.gateway_peer import record

REQUESTS = "mas.replay"
SECRET_NUMBER = "219-45-9876"  # masked on its way
SECRET = "the-payload-that-nobody-may-see"


class ArchiveCase(GatewayCase):
    """Alice sends to bob and carol. Files of the key are made before the gateway is started."""

    secrets = (SECRET_NUMBER,)
    archive = {}

    def setUp(self):
        self.before()
        self.alice, self.bob, self.carol = self.peer("alice"), self.peer("bob"), self.peer("carol")

    def before(self):
        """GatewayCase.setUp(), with a key file that the configuration can name."""
        super(GatewayCase, self).setUp()
        self.key_file = self.new_key("archive.key")
        self.redis = self.start_redis()
        self.config = {**self.config, "archive": {"encryption_key_file": self.key_file, **self.archive}}
        self.gateway = self.start_gateway()

    def new_key(self, name):
        path = self.dir / name
        path.write_bytes(os.urandom(32))
        path.chmod(0o600)
        return str(path)

    def stream(self, peer=None):
        return f"mas.archive:{{{(peer or self.alice).partition}}}"

    def blobs(self):
        """The raw bytes of all entries of all partitions."""
        found = []
        for partition in range(16):
            for _, fields in self.redis.cmd("XRANGE", f"mas.archive:{{{partition}}}", "-", "+"):
                found.append(fields[1].encode("utf-8", "surrogateescape"))
        return found

    def send(self, target, count=1, message_type="note", **data):
        envelopes = [self.alice.envelope(target, message_type, data={"n": n, **data}) for n in range(count)]
        self.assertEqual(self.alice.send(*envelopes).decisions(), ["ALLOWED"] * count)
        return [json.loads(envelope)["message_id"] for envelope in envelopes]

    def ctl(self, *args, code=0):
        done = self.masctl("archive", *args, redis=self.redis)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def listed(self, *args):
        return json.loads(self.ctl("list", "--json", *args))["records"]

    def replay(self, *args):
        return json.loads(self.ctl("replay", "--json", *args))["messages"]

    def settled(self):
        idle = not self.redis.cmd("LLEN", REQUESTS)
        return idle and not any(self.redis.cmd("LLEN", f"mas.ingress:{{{p}}}") for p in range(16))

    def flags(self, peer):
        return [flags for entry in peer.entries() for flags, _, _ in entry]


class OffTest(GatewayCase):
    def test_nothing_is_written_where_it_is_not_switched_on(self):
        alice, bob = self.peer("alice"), self.peer("bob")
        self.assertEqual(alice.send(alice.envelope("bob")).decisions(), ["ALLOWED"])
        bob.wait_messages(1)
        self.assertEqual(self.redis.cmd("KEYS", "mas.archive*"), [])
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_archived_total"], 0)

    def test_a_replay_is_refused_in_words(self):
        self.redis.cmd("RPUSH", REQUESTS, "archive:3:1-1:0")
        self.gateway.wait_log("archive_replay_refused")
        poll_until(lambda: not self.redis.cmd("LLEN", REQUESTS), 10, "the request is gone")


class KeptTest(ArchiveCase):
    def test_what_was_delivered_is_there_and_its_payload_is_not_in_clear(self):
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "carol")
        self.eventually(lambda: self.alice.send(self.alice.envelope("carol")), "AUTHZ_DENIED", 10)
        kept = len(self.listed())
        ids = self.send("bob", 3, text=SECRET)
        records = self.listed()[kept:]
        self.assertEqual([r["id"] for r in records], ids)
        self.assertEqual({(r["sender"], r["target"], r["type"]) for r in records}, {("alice", "bob", "note")})
        self.assertEqual(self.listed("--target", "carol", "--from", "1m", "--id", "none"), [])
        for blob in self.blobs():
            self.assertNotIn(SECRET.encode(), blob)
        self.assertIn(SECRET.encode(), json.dumps(self.bob.messages()).encode())
        shown = json.loads(self.ctl("show", records[1]["record"], "--key-file", self.key_file, "--json"))
        self.assertEqual(shown["payload"], [m for m in self.bob.messages() if m["message_id"] == ids[1]][0])
        self.assertEqual(shown["bytes"], records[1]["bytes"])
        archived = self.gateway.metrics()["mas_gatewayd_archived_total"]
        self.assertEqual(archived, kept + 3)

    def test_it_is_kept_as_it_was_delivered(self):
        envelope = self.alice.envelope("bob", data={"ssn": SECRET_NUMBER})
        self.assertEqual(self.alice.send(envelope).decisions(), ["REDACTED"])
        one, = self.listed()
        payload = json.loads(self.ctl("show", one["record"], "--key-file", self.key_file, "--json"))["payload"]
        self.assertEqual(payload, self.bob.wait_messages(1)[0])
        self.assertNotIn(SECRET_NUMBER, json.dumps(payload))

    def test_another_key_is_told_in_words(self):
        self.send("bob")
        one, = self.listed()
        words = self.ctl("show", one["record"], "--key-file", self.new_key("other.key"), code=1)
        self.assertIn("encrypted under key 'archive'", words)
        self.assertIn("is not the name of a record", self.ctl("show", "nonsense", "--key-file", self.key_file, code=2))
        self.assertIn("no entry", self.ctl("show", "3:1-1:0", "--key-file", self.key_file, code=1))

    def test_a_partition_whose_archive_is_no_stream_rests_until_it_is_repaired(self):
        self.redis.cmd("SET", self.stream(), "not a stream")
        self.alice.push(self.alice.frame([record(self.alice.envelope("bob"))], 1))
        self.gateway.wait_log("partition_rests")
        resting = poll_until(lambda: self.gateway.ready()[1].get("resting"), 10, "it rests")
        self.assertIn("a stream of delivered messages", resting[str(self.alice.partition)])
        self.redis.cmd("DEL", self.stream())
        self.assertEqual(self.alice.receipt(20).decisions(), ["ALLOWED"])
        self.assertEqual(len(self.listed()), 1)


class TrimTest(ArchiveCase):
    archive = {"max_bytes": "1MiB", "keep": "1m"}

    def test_it_is_bounded_by_bytes_and_by_time(self):
        old = int(time.time() * 1000) - 61_000
        self.redis.cmd("XADD", self.stream(), f"{old}-0", "b", "old")
        self.redis.cmd("XADD", "mas.archive:{17}", f"{old}-0", "b", "left from when there were more partitions")
        for _ in range(12):
            self.assertEqual(self.alice.send(self.alice.envelope("bob", data={"t": "x" * 300_000})).decisions(), ["ALLOWED"])
        poll_until(lambda: self.redis.cmd("MEMORY", "USAGE", self.stream()) < 1_100_000, 25, "it is within its bound")
        self.assertGreaterEqual(len(self.listed()), 1)
        self.assertEqual(self.redis.cmd("XRANGE", self.stream(), f"{old}-0", f"{old}-0"), [])
        poll_until(lambda: not self.redis.cmd("XLEN", "mas.archive:{17}"), 15, "it is not kept longer either")
        self.assertGreater(self.gateway.metrics()["mas_gatewayd_archive_trimmed_entries_total"], 1)


class ReplayTest(ArchiveCase):
    def test_by_target_and_time_it_is_delivered_once_more_marked_and_not_archived_again(self):
        self.send("bob", 2)
        time.sleep(1.1)
        between = time.time()
        ids = self.send("bob", 3)
        self.send("carol", 4)
        self.assertEqual(self.replay("--target", "bob", "--from", f"{between:.6f}", "--dry-run"), 3)
        self.assertEqual(self.replay("--target", "bob", "--to", f"{between:.6f}", "--dry-run"), 2)
        self.assertEqual(self.redis.cmd("LLEN", REQUESTS), 0)
        before = len(self.bob.messages())
        self.assertEqual(self.replay("--target", "bob", "--from", f"{between:.6f}", "--by", "ann"), 3)
        poll_until(lambda: self.settled() and len(self.bob.messages()) >= before + 3, 10, "they were replayed")
        self.assertEqual([m["message_id"] for m in self.bob.messages()[before:]], ids)
        self.assertEqual(self.flags(self.bob), [0] * before + [2] * 3)
        self.assertEqual((len(self.carol.messages()), len(self.listed())), (4, 9))
        done = self.masctl("audit", "query", "--id", ids[0], "--json", redis=self.redis)
        self.assertEqual([(r["decision"], r["reason"]) for r in json.loads(done.stdout)["records"]],
                         [("ALLOWED", ""), ("ALLOWED", "replayed")])
        metrics = self.gateway.metrics()
        self.assertEqual([metrics[f"mas_gatewayd_{name}_total"] for name in
                          ("archive_replays_begun", "archive_replayed_messages", "replayed_messages")], [3, 3, 0])
        entry, = self.redis.cmd("XRANGE", "mas.audit.operators", "-", "+")
        change = dict(zip(entry[1][::2], entry[1][1::2]))
        self.assertEqual((change["who"], change["action"]), ("ann", "archive.replay"))
        self.assertIn(f"archive:{self.alice.partition}:", change["detail"])
        self.assertEqual(self.masctl("audit", "verify", redis=self.redis).returncode, 0)

    def test_what_the_policy_of_today_refuses_is_audited_and_no_letter(self):
        one, = self.send("bob")
        name = self.listed()[0]["record"]
        self.redis.cmd("SADD", "agent:alice:blocked_targets", "bob")
        self.eventually(lambda: self.alice.send(self.alice.envelope("bob", "probe")), "AUTHZ_DENIED", 10)
        self.assertEqual(self.replay(name), 1)
        poll_until(lambda: self.gateway.metrics()["mas_gatewayd_archive_replayed_messages_total"] == 1, 10, "decided")
        self.assertEqual((len(self.bob.messages()), self.redis.cmd("XLEN", "dlq:messages")), (1, 0))
        done = self.masctl("audit", "query", "--id", one, "--json", redis=self.redis)
        last = json.loads(done.stdout)["records"][-1]
        self.assertEqual(last["decision"], "AUTHZ_DENIED")
        self.assertTrue(last["reason"].startswith("replayed: AUTHZ_DENIED"), last["reason"])

    def test_what_is_chosen_must_be_said_and_be_there(self):
        self.send("bob")
        name = self.listed()[0]["record"]
        self.assertIn("expected RECORD", self.ctl("replay", code=2))
        self.assertIn("expected only one of", self.ctl("replay", name, "--all", code=2))
        self.assertIn("nothing was changed", self.ctl("replay", name, "3:1-1:0", code=1))
        self.assertIn("--from", self.ctl("replay", "--from", "yesterday", code=2))
        self.assertEqual(self.ctl("replay", "--all", "--dry-run"), "1 message would be handed to the gateway for replay\n")

    def test_a_gateway_that_is_killed_loses_and_doubles_none(self):
        ids = [one for _ in range(20) for one in self.send("bob", 10)]
        before = len(self.bob.messages())
        self.assertEqual(self.replay("--all"), 200)
        for _ in range(4):
            time.sleep(0.3)
            self.gateway.kill()
            self.gateway = self.start_gateway()
        poll_until(lambda: self.settled() and len(self.bob.messages()) >= before + 200, 20, "all were replayed")
        self.assertEqual(sorted(m["message_id"] for m in self.bob.messages()[before:]), sorted(ids))
        self.assertEqual(len(self.listed("--limit", "1000")), 200)

    def test_after_a_rotation_the_old_key_opens_what_is_old(self):
        first, = self.send("bob")
        self.gateway.stop()
        new = self.new_key("new.key")
        self.gateway = self.start_gateway(archive={"encryption_key_file": new, "encryption_key_id": "second"})
        second, = self.send("bob")
        self.assertEqual(self.replay("--all"), 2)
        self.gateway.wait_log("archive_replay_refused")
        self.assertIn("no archive key 'archive'", self.gateway.logged("archive_replay_refused")[0])
        poll_until(lambda: len(self.bob.messages()) == 3, 10, "the new one was replayed")
        self.gateway.stop()
        self.gateway = self.start_gateway(archive={"encryption_key_file": new, "encryption_key_id": "second",
                                                   "old_key_file": self.key_file, "old_key_id": "archive"})
        self.assertEqual(self.replay("--id", first), 1)
        poll_until(lambda: len(self.bob.messages()) == 4, 10, "the old one was replayed")
        self.assertEqual([m["message_id"] for m in self.bob.messages()], [first, second, second, first])

    def test_a_key_that_does_not_fit_is_an_error_that_names_it(self):
        self.send("bob")
        self.gateway.stop()
        self.gateway = self.start_gateway(archive={"encryption_key_file": self.new_key("wrong.key")})
        self.assertEqual(self.replay("--all"), 1)
        self.gateway.wait_log("archive_replay_refused")
        self.assertIn("cannot be decrypted with the key that is configured as 'archive'",
                      self.gateway.logged("archive_replay_refused")[0])
        poll_until(self.settled, 10, "the request is gone")
        self.assertEqual(self.gateway.metrics()["mas_gatewayd_archive_replays_refused_total"], 1)

    def test_an_agent_cannot_replay(self):
        self.alice.key = ("@archive", os.urandom(32))
        self.alice.push(self.alice.frame([record(self.alice.envelope("bob"), flags=2)], 1))
        self.assertEqual(self.alice.receipt().decisions(), ["AUTH_FAILED"])
        self.assertEqual(self.bob.messages(), [])


class InterruptedTest(ArchiveCase):
    """The server dies while requests are added, and its replica takes over. Not by its append-only file: Redis 7.0 may
    execute what a transaction at the torn end of the file did twice."""

    copies = 2500

    def start_redis(self, name="redis", **options):
        return super().start_redis(name, tcp=True, repl_diskless_sync_delay="0", **options)

    def follow(self, replica, primary):
        replica.cmd("REPLICAOF", primary.host, primary.port)
        poll_until(lambda: replica.info("replication").get("master_link_status") == "up", 20, "it is a replica", 0.05)
        poll_until(lambda: primary.cmd("WAIT", 1, 500) == 1, 20, "it has everything")

    def test_a_replay_that_a_dying_server_cut_off_goes_on_where_it_was(self):
        self.send("bob")
        one, = self.blobs()
        self.gateway.stop()
        self.redis.pipeline([("XADD", self.stream(), "*", "b", one)] * self.copies)
        expected = sorted(record["record"] for record in self.listed("--limit", "100000"))
        self.assertEqual(len(expected), self.copies + 1)
        primary, replica = self.redis, self.start_redis("other")
        cut_off, unknown = 0, 0
        for n in range(4):
            self.follow(replica, primary)
            primary.cmd("DEL", REQUESTS)
            process = self.process("masctl", "archive", "replay", "--all", "--redis", primary.url()).start()
            with primary.client() as client:
                wanted = random.randint(200, 1500)
                while process.running() and client.cmd("LLEN", REQUESTS) < wanted:
                    pass
            primary.kill()
            code = process.wait(20)
            replica.cmd("REPLICAOF", "NO", "ONE")
            there = replica.cmd("LLEN", REQUESTS)
            if code != 0:
                told = re.search(r"; (\d+) of 2501 messages are known to be handed over, the last of them (\S+); "
                                 r"the others follow, and none twice, by the same command with --resume ([\w-]+)", process.err())
                self.assertTrue(told, process.err())
                cut_off, unknown = cut_off + 1, unknown + (int(told.group(1)) != there)
                done = self.masctl("archive", "replay", "--all", "--resume", told.group(3), "--json", redis=replica)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(json.loads(done.stdout)["messages"], len(expected) - there)
                requests = replica.cmd("LRANGE", REQUESTS, "0", "-1")
                self.assertEqual(sorted(request.removeprefix("archive:") for request in requests), expected, f"round {n}")
                self.assertEqual(replica.cmd("HLEN", "mas.replay.done"), 0, "what has ended is forgotten")
            primary.start()
            primary, replica = replica, primary
        print(f"{cut_off} replays were cut off, {unknown} of them before the last answer")
        self.assertGreater(cut_off, 0)
        refused = self.masctl("archive", "replay", "--all", "--resume", "abc-1795350096000000", redis=primary)
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn("no unfinished replay abc-1795350096000000", refused.stderr)
        refused = self.masctl("archive", "replay", "--all", "--resume", "abc", redis=primary)
        self.assertIn("'abc' is no name of a replay", refused.stderr)


class ConfigTest(ArchiveCase):
    def test_keys_that_cannot_be_used_are_told(self):
        def check(text):
            path = self.dir / "checked.toml"
            path.write_text(text)
            done = self.run_program("mas-gatewayd", "--check-config", "-c", path)
            self.assertNotEqual(done.returncode, 0)
            return done.stdout + done.stderr
        self.assertIn("archive.encryption_key_file", check('[archive]\nencryption_key_file = "/no/such/key"\n'))
        self.assertIn("[A-Za-z0-9._-]",
                      check(f'[archive]\nencryption_key_file = "{self.key_file}"\nencryption_key_id = "a key"\n'))
        self.assertIn("two names", check(f'[archive]\nencryption_key_file = "{self.key_file}"\n'
                                         f'old_key_file = "{self.key_file}"\nold_key_id = "archive"\n'))


if __name__ == "__main__":
    main()
