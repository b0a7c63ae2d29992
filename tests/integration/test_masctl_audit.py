"""masctl audit against blocks, heads and archives that are written here from the text of the specification."""

import csv
import io
import json
import signal
import uuid

from harness import main
from harness.audit import Chain, Signer, archive
from harness.masctl_case import FAILED, OK, USAGE, CommandTest

BAD = 6
NOW = 1_795_350_000_000_000  # far from any clock: what is asked by time is asked in this time


def records_of(block, count=3, sender="planner-1"):
    """Records of a block; each has another message id and sequence number."""
    return [{"time": NOW + block * 1000 + i, "message_id": str(uuid.UUID(int=block * 100 + i)), "sender": sender,
             "target": f"worker-{i}", "type": "sum.request", "sequence": block * 100 + i, "instance": b"\x11" * 16,
             "payload": b"\x77" * 32} for i in range(count)]


class AuditTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.folder = self.dir / "audit"
        self.folder.mkdir()

    def audit(self, *args):
        return self.ctl("audit", *map(str, args))

    def json(self, *args, code=OK):
        return super().json("audit", *map(str, args), code=code)

    def chain(self, partition=3, blocks=9):
        chain = Chain(partition)
        for number in range(1, blocks + 1):
            chain.add(NOW + number * 1000, records_of(number))
        return chain


class QueryTest(AuditTest):
    def setUp(self):
        super().setUp()
        self.chain(3).write(self.redis)
        odd = Chain(5)
        odd.add(NOW, [{"time": NOW, "message_id": "no uuid", "sender": "mallory", "target": "worker-1",
                       "decision": "AUTHZ_DENIED", "reason": 'no rule, "none"', "type": "sum.request"},
                      {"time": NOW + 60_000_000, "sender": "planner-2", "target": "bank", "type": "pay",
                       "decision": "DLP_BLOCKED", "detectors": ["card", "iban"], "shadow": ("RATE_LIMITED", "hour")}])
        odd.write(self.redis)

    def found(self, *args):
        return self.json("query", *args)["records"]

    def test_every_field_of_a_record_is_told(self):
        record = self.found("--type", "pay")[0]
        self.assertEqual(record, {
            "time": "2026-11-22T12:21:00.000000Z", "partition": 5, "block": 1, "record": 1, "decision": "DLP_BLOCKED",
            "sender": "planner-2", "target": "bank", "type": "pay", "message_id": "", "reason": "", "instance": "",
            "sequence": 0, "detectors": ["card", "iban"], "shadow_decision": "RATE_LIMITED", "shadow_reason": "hour",
            "payload": "00" * 32, "policy": "00" * 32, "epoch": 1})
        record = self.found("--id", str(uuid.UUID(int=402)))[0]
        self.assertEqual((record["partition"], record["block"], record["record"], record["sequence"]), (3, 4, 2, 402))
        self.assertEqual((record["instance"], record["payload"]), ("11" * 16, "77" * 32))

    def test_filters(self):
        self.assertEqual(len(self.found("--sender", "planner-1")), 27)
        self.assertEqual(len(self.found("--target", "worker-1")), 10)
        self.assertEqual(len(self.found("--sender", "planner-1", "--target", "worker-1")), 9)
        self.assertEqual([r["sender"] for r in self.found("--decision", "AUTHZ_DENIED")], ["mallory"])
        self.assertEqual([r["message_id"] for r in self.found("--id", "no uuid")], ["no uuid"])
        self.assertEqual(self.found("--sender", "planner-1", "--decision", "RATE_LIMITED"), [])

    def test_times(self):
        at = f"{(NOW + 60_000_000) / 1e6:.6f}"
        # Entries' ids are of now; they are looked at within ten minutes of what is asked for.
        for entry in ("3", "5"):
            self.redis.cmd("DEL", f"mas.audit:{{{entry}}}")
        chain = self.chain(3)
        for number, block in enumerate(chain.blocks, 1):
            self.redis.cmd("XADD", "mas.audit:{3}", f"{NOW // 1000 + number}-1", "b", block)
        self.assertEqual(len(self.found("--until", f"{(NOW + 5000) / 1e6:.6f}")), 12)
        self.assertEqual(len(self.found("--since", f"{(NOW + 5000) / 1e6:.6f}")), 15)
        self.assertEqual(self.found("--since", at), [])
        self.assertEqual(len(self.found("--since", "2026-11-22T12:20:00Z")), 27)
        self.assertEqual(self.found("--until", "2026-11-22"), [])

    def test_the_newest_are_kept_and_the_oldest_of_them_comes_first(self):
        found = self.found("--sender", "planner-1", "--limit", "4")
        self.assertEqual([r["sequence"] for r in found], [802, 900, 901, 902])

    def test_a_table_for_people_and_rows_for_programs(self):
        rows = [line.split("\t") for line in self.audit("query", "--sender", "mallory").stdout.splitlines()]
        self.assertEqual(rows, [["2026-11-22T12:20:00.000000Z", "AUTHZ_DENIED", "mallory", "worker-1", "sum.request",
                                 "no uuid", "5/1", 'no rule, "none"']])

    def test_entries_that_are_no_blocks_are_counted(self):
        self.redis.cmd("XADD", "mas.audit:{3}", "*", "b", "garbage")
        self.assertEqual(self.json("query", "--limit", "1")["unreadable"], 1)
        self.assertIn("1 entries", self.audit("query").stderr)

    def test_wrong_arguments_are_named(self):
        for flag, value in (("--decision", "NO"), ("--since", "yesterday"), ("--until", "2026-13-01")):
            done = self.audit("query", flag, value)
            self.assertEqual(done.returncode, USAGE)
            self.assertIn(flag, done.stderr)

    def test_a_key_that_is_no_stream_is_an_error(self):
        self.redis.cmd("SET", "mas.audit:{7}", "x")
        done = self.audit("query")
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("partition 7", done.stderr)

    def test_export_has_every_record(self):
        lines = self.audit("export").stdout.splitlines()
        self.assertEqual(len(lines), 29)
        self.assertEqual([json.loads(line)["sequence"] for line in lines][:4], [100, 101, 102, 200])
        rows = list(csv.DictReader(io.StringIO(self.audit("export", "--format", "csv").stdout)))
        self.assertEqual(len(rows), 29)
        self.assertEqual((rows[27]["reason"], rows[27]["sender"]), ('no rule, "none"', "mallory"))
        self.assertEqual((rows[28]["detectors"], rows[28]["shadow_reason"]), ("card iban", "hour"))
        rows = list(csv.DictReader(io.StringIO(self.audit("export", "--format", "csv", "--sender", "mallory").stdout)))
        self.assertEqual(len(rows), 1)

    def test_tail_follows_all_partitions(self):
        last = self.audit("tail", "--limit", "2", "--json").stdout.splitlines()
        self.assertEqual([json.loads(line)["sequence"] for line in last], [902, 0])
        tail = self.process("masctl", "audit", "tail", "--follow", "--limit", "1", "--json", "--redis",
                            self.redis.url()).start()
        tail.wait_for_output('"type":"pay"')
        odd = Chain(5)
        odd.add(NOW, records_of(77, 1, "late"))
        odd.write(self.redis)
        odd = Chain(3)
        odd.add(NOW, records_of(78, 1, "later"))
        odd.write(self.redis)
        tail.wait_for_output('"sender":"later"')
        self.assertEqual([json.loads(line)["sender"] for line in tail.out().splitlines()],
                         ["planner-2", "late", "later"])
        tail.send(signal.SIGINT)
        self.assertEqual(tail.wait(), 0)

    def test_operators_changes(self):
        self.redis.cmd("XADD", "mas.audit.operators", "*", "time", str(NOW), "who", "root@host", "action", "acl.allow",
                       "object", "planner-1", "detail", "worker-7")
        self.redis.cmd("XADD", "mas.audit.operators", "*", "time", str(NOW + 1_000_000), "who", "ann@host", "action",
                       "role.create", "object", "reader", "detail", "")
        changes = self.json("operators")["changes"]
        self.assertEqual(changes[0], {"time": "2026-11-22T12:20:00.000000Z", "who": "root@host", "action": "acl.allow",
                                      "object": "planner-1", "detail": "worker-7"})
        self.assertEqual([change["who"] for change in changes], ["root@host", "ann@host"])
        self.assertIn("\tann@host\trole.create\t", self.audit("operators", "--limit", "1").stdout)


class VerifyTest(AuditTest):
    def setUp(self):
        super().setUp()
        self.signer = Signer(self.folder)
        self.good = self.chain()
        self.heads = self.folder / "heads.jsonl"

    def hash_of(self, number, chain=None):
        return (number, (chain or self.good).blocks[number - 1][-32:])

    def sign(self, heads, trimmed=None, in_redis=True):
        line = self.signer.head(heads, trimmed)
        with self.heads.open("a") as file:
            file.write(line + "\n")
        if in_redis:
            self.redis.cmd("XADD", "mas.audit.heads", "*", "b", line)

    def verify(self, *args, code=OK, key=True):
        if key:
            args += ("--key", self.signer.public)
        return self.json("verify", *args, code=code)

    def bad(self, *args, **options):
        """The one partition that is bad: its fault and first bad block."""
        told = self.verify(*args, code=BAD, **options)
        self.assertFalse(told["ok"])
        bad = [p for p in told["partitions"] if not p["ok"]]
        self.assertEqual(len(bad), 1, told)
        return bad[0]["fault"], bad[0]["bad_block"]

    def changed(self, number, **record):
        """The good chain with block `number` made anew: its records changed, its hash right."""
        records = [dict(r, **record) for r in records_of(number)]
        previous = self.good.blocks[number - 2][-32:] if number > 1 else bytes(32)
        return self.good.build(number, previous, NOW + number * 1000, records)

    def test_a_whole_chain_with_a_head_at_its_end(self):
        self.good.write(self.redis)
        self.chain(7, 2).write(self.redis)
        self.sign({3: self.hash_of(5)})
        self.sign({3: self.hash_of(9)})
        told = self.verify("--heads", self.heads)
        self.assertTrue(told["ok"])
        self.assertEqual(told["heads"], {"trusted": 4, "untrusted": 0, "complaints": []})
        first, second = told["partitions"]
        self.assertEqual((first["blocks"], first["records"], first["anchored"], first["unanchored_since"]), (9, 27, 9, 0))
        self.assertEqual((second["partition"], second["unanchored_since"]), (7, 1))
        self.assertEqual(told["remarks"], [])

    def test_what_is_not_anchored_is_said(self):
        self.good.write(self.redis)
        self.sign({3: self.hash_of(5)})
        self.assertEqual(self.verify()["partitions"][0]["unanchored_since"], 6)
        self.assertEqual(self.verify(key=False)["partitions"][0]["unanchored_since"], 1)
        self.assertIn("no signature was checked", self.audit("verify").stderr)
        self.assertIn("no signed head covers the blocks since 6", self.audit("verify", "--key", self.signer.public).stdout)

    def test_an_edited_record(self):
        blocks = list(self.good.blocks)
        blocks[4] = blocks[4].replace(b"worker-1", b"worker-9")
        self.good.write(self.redis, blocks)
        self.assertEqual(self.bad(), ("edited", 5))
        done = self.audit("verify")
        self.assertEqual(done.returncode, BAD)
        self.assertIn("partition 3: the first bad block is 5", done.stdout)

    def test_a_dropped_and_a_reordered_block(self):
        self.good.write(self.redis, self.good.blocks[:4] + self.good.blocks[5:])
        self.assertEqual(self.bad(), ("missing", 5))
        self.redis.cmd("DEL", "mas.audit:{3}")
        blocks = list(self.good.blocks)
        blocks[4], blocks[5] = blocks[5], blocks[4]
        self.good.write(self.redis, blocks)
        self.assertEqual(self.bad(), ("reordered", 5))

    def test_a_block_hashed_again_alone(self):
        blocks = list(self.good.blocks)
        blocks[4] = self.changed(5, decision="AUTHZ_DENIED")
        self.good.write(self.redis, blocks)
        self.assertEqual(self.bad(), ("rehashed", 5))

    def test_a_chain_hashed_again_to_its_end(self):
        self.sign({3: self.hash_of(3)})
        self.sign({3: self.hash_of(7)})
        made_up = Chain(3)
        for number in range(1, 10):
            made_up.add(NOW + number * 1000, records_of(number, sender="planner-1" if number < 5 else "mallory"))
        made_up.write(self.redis)
        self.assertEqual(self.bad(), ("rehashed", 7))
        # Without the heads nothing tells: and that is what is said.
        self.redis.cmd("DEL", "mas.audit.heads")
        self.assertEqual(self.verify(key=False)["partitions"][0]["unanchored_since"], 1)
        self.assertEqual(self.bad("--heads", self.heads), ("rehashed", 7))

    def test_a_tail_cut_off(self):
        self.sign({3: self.hash_of(8)})
        self.good.write(self.redis, self.good.blocks[:6])
        self.assertEqual(self.bad(), ("truncated", 7))
        self.redis.cmd("DEL", "mas.audit:{3}", "mas.audit.heads")
        self.assertEqual(self.bad("--heads", self.heads), ("truncated", 1))

    def test_heads_that_were_forged_or_taken_away(self):
        self.good.write(self.redis)
        self.sign({3: self.hash_of(3)})
        forged = self.signer.head({3: self.hash_of(4)}).replace(self.good.blocks[3][-32:].hex(), "00" * 32)
        self.redis.cmd("XADD", "mas.audit.heads", "*", "b", forged)
        told = self.verify()
        self.assertEqual((told["ok"], told["heads"]["trusted"], told["heads"]["untrusted"]), (True, 1, 1))
        self.sign({3: self.hash_of(9)})  # follows the head that was forged: its original is not there
        told = self.verify(code=BAD)
        self.assertIn("is missing", told["heads"]["complaints"][0])
        self.redis.cmd("XADD", "mas.audit.heads", "*", "b", "garbage")
        self.assertEqual(len(self.verify(code=BAD)["heads"]["complaints"]), 2)

    def test_a_trimmed_front(self):
        self.good.write(self.redis, self.good.blocks[4:])
        self.assertEqual(self.bad(), ("no_front", 4))
        self.assertTrue(self.verify("--retired", self.write("a.mas", archive(self.good.blocks[:4])), key=False)["ok"])
        self.sign({3: self.hash_of(9)}, {3: self.hash_of(4)})
        told = self.verify()["partitions"][0]
        self.assertEqual((told["first"], told["anchored"]), (5, 9))
        self.assertIn("were retired", told["front"])

    def test_the_former_name_of_an_option_names_the_new_one(self):
        done = self.audit("verify", "--archive", "a.mas")
        self.assertEqual(done.returncode, 2)
        self.assertIn("this option is now --retired", done.stderr)

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def test_offline(self):
        first = self.write("audit-0003-00000000000000000001.mas", archive(self.good.blocks[:5]))
        second = self.write("audit-0003-00000000000000000006.mas", archive(self.good.blocks[5:]))
        self.sign({3: self.hash_of(7)}, in_redis=False)
        self.redis.stop()
        told = self.verify("--offline", second, first, "--heads", self.heads)
        self.assertEqual((told["partitions"][0]["last"], told["partitions"][0]["unanchored_since"]), (9, 8))
        self.assertTrue(self.verify("--offline", self.folder, "--heads", self.heads)["ok"])
        self.assertEqual(self.bad("--offline", second), ("no_front", 5))
        self.assertTrue(self.verify("--offline", first, "--heads", self.heads)["ok"])  # an archive ends somewhere
        self.assertEqual(self.bad("--offline", first, "--heads", self.heads, "--to-end"), ("truncated", 6))
        torn = self.write("torn.mas", archive(self.good.blocks)[:-1])
        self.assertEqual(self.bad("--offline", torn), ("unreadable", 9))
        edited = self.write("edited.mas", archive(self.good.blocks).replace(b"worker-2", b"worker-3"))
        self.assertEqual(self.bad("--offline", edited), ("edited", 1))

    def test_files_that_are_none(self):
        for args in (("--offline", self.folder / "none"), ("--heads", self.folder / "none"),
                     ("--offline", self.write("x", b"x"))):
            self.assertEqual(self.audit("verify", *args).returncode, FAILED)
        self.assertEqual(self.audit("verify", "--key", "ed25519:short").returncode, USAGE)

    def test_a_line_that_was_being_written_is_left_out(self):
        self.good.write(self.redis)
        self.sign({3: self.hash_of(9)})
        with self.heads.open("a") as file:
            file.write('{"head":{"ver')
        self.assertTrue(self.verify("--heads", self.heads)["ok"])

    def lost(self, *args, **options):
        """What is gone as a whole."""
        told = self.verify(*args, code=BAD, **options)
        self.assertFalse(told["ok"])
        return told["losses"]

    def test_nothing_recorded_proves_nothing(self):
        loss, = self.lost()
        self.assertIn("nothing to verify", loss)
        self.assertEqual(self.lost(key=False), [loss])
        self.assertIn(f"lost: {loss}", self.audit("verify").stdout)

    def test_blocks_of_which_no_head_is_left(self):
        self.good.write(self.redis)
        self.assertIn("no head was signed with the given key", self.lost()[0])
        self.assertTrue(self.verify(key=False)["ok"], "an audit that nobody signs")
        self.sign({3: self.hash_of(9)})
        self.assertTrue(self.verify("--heads", self.heads)["ok"])
        self.redis.cmd("DEL", "mas.audit.heads")
        self.assertIn("the stream of heads is missing", self.lost("--heads", self.heads)[0])

    def test_a_stream_that_is_gone(self):
        self.good.write(self.redis)
        self.sign({3: self.hash_of(9)})
        self.redis.cmd("HSET", "mas.config", "partitions", 16)
        self.redis.cmd("HSET", "mas.sender:{7}", "planner-1", "state")
        self.assertEqual([loss.split(":")[0] for loss in self.lost()],
                         ["partition 7 has no block in Redis, although messages of its senders were decided"])


if __name__ == "__main__":
    main()
