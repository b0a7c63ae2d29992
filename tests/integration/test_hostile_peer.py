"""What a hostile or broken peer may write and publish: nothing crashes, nothing grows without bound, and what is printed
is safe to print."""

import json
import os
import pty
import subprocess
import threading

from harness import MasTestCase, main, poll_until
from harness.build import program, sanitizers
from harness.process import clean_environment, die_with_parent

MIB = 1 << 20
GOOD = '{"sender_id":"x","target_id":"victim","message_type":"good","data":{"n":%d}}'
GARBAGE = (
    b"", b"\x00", b"not json", b"[" * MIB, b"{" * MIB, b'{"a":' * 100_000, b"\xff\xfe" * 1000, b'{"sender_id":"\xff"}',
    b"null", b"[]", b"1e999999", b'"' + b"a" * MIB + b'"', b'{"sender_id":1,"target_id":2}',
    b'{"sender_id":"x","target_id":"someone-else","message_type":"t","data":{}}',
    b'{"sender_id":"x","target_id":"victim","message_type":"t","data":{}}trailing',
    b'{"sender_id":"x","target_id":"victim","message_type":"t","data":{"s":"\\ud800"}}',
    b'{"sender_id":"x","target_id":"victim","message_type":"' + b"t" * 300 + b'","data":{}}',
    b'{"sender_id":"' + b"x" * 600 + b'","target_id":"victim","message_type":"t","data":{}}',
    b'{"sender_id":"a\\u001b[2Jb","target_id":"victim","message_type":"t","data":{}}',
    b'{"sender_id":"x","target_id":"victim","message_type":"t","data":{"s":"' + b"y" * (2 * MIB) + b'"}}',
    b'{"sender_id":"x","target_id":"victim","message_type":"t","data":' + b'{"a":' * 200 + b"1" + b"}" * 201,
    b'{"sender_id":"x","target_id":"victim","message_type":"t","data":{},"meta":{"expects_reply":true}}',
)
EVENT_GARBAGE = GARBAGE + (
    b'{"type":"REGISTER"}', b'{"type":5}', b'{"type":"REGISTER","agent_id":["x"]}', b'{"type":"REGISTER","agent_id":""}',
    b'{"type":"REGISTER","agent_id":"ghost","capabilities":"chat"}', b'{"type":"AGENT_INACTIVE","agent_id":"good"}',
    b'{"type":"DEREGISTER","agent_id":"good"}', b'{"type":"\\u001b[31m","agent_id":"\\u0007"}',
    b'{"type":"REGISTER","agent_id":"' + b"x" * 5000 + b'","capabilities":[]}',
)
# Ids that the registry shows: foreign, but text without control characters.
FOREIGN_IDS = ("rtl\u202egnp.exe", "../../etc", "ü n", "a:b:c", "x" * 500)
# Ids that nothing may take from the registry.
HOSTILE_IDS = ("line\nbreak", "\x1b[2J\x1b[31mred", "tab\tbell\x07", "nul\x00byte", "a" * 600, "",
               b"bad\xffutf8", "c1\u009b31m")


class AgentTest(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def test_garbage_to_an_agent(self):
        victim = self.start_listener(self.redis, "victim", "--echo")
        self.redis.cmd("PUBLISH", "agent.victim", GOOD % 0)
        victim.wait_messages(1, "good")
        before = victim.rss_bytes()
        for round_number in range(1, 4):
            with self.redis.client() as client:
                client.pipeline([("PUBLISH", "agent.victim", text) for text in GARBAGE])
                client.cmd("PUBLISH", "agent.victim", GOOD % round_number)
            victim.wait_messages(round_number + 1, "good")
        self.assertLess(victim.rss_bytes() - before, 64 * MIB)
        heard = {message["target_id"] for message in victim.messages()}
        self.assertEqual(heard, {"victim"}, "nothing for somebody else, nothing malformed")

    def test_a_flood_at_a_slow_handler(self):
        """100,000 messages while the handler cannot run: its queue is bounded, and it says what it dropped."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        # Standard output is a pipe that nobody reads: printing blocks, as a slow handler does.
        with open(self.dir / "flooded.err", "wb") as err:
            child = subprocess.Popen([program("masctl"), "listen", "victim", "--json", "--redis", self.redis.url()],
                                     stdin=subprocess.DEVNULL, stdout=writer, stderr=err, env=clean_environment(),
                                     preexec_fn=die_with_parent)
        os.close(writer)
        self.addCleanup(_end, child)
        poll_until(self.hears, what="the agent hears")
        self.flood(100_000)
        poll_until(lambda: not self.waiting(), 30, "it took everything from Redis")
        self.assertTrue(self.hears(), "Redis did not have to cut it off")
        # The queue's bound is 64 MiB; AddressSanitizer keeps 256 MiB of freed memory besides.
        self.assertLess(_rss(child.pid), 600 * MIB if sanitizers() else 200 * MIB)
        threading.Thread(target=_drain, args=(reader,), daemon=True).start()
        poll_until(lambda: "dropped" in (self.dir / "flooded.err").read_text(), 60, "it says what it dropped")
        done = self.masctl("agents", "show", "victim", "--json", redis=self.redis)
        self.assertEqual(json.loads(done.stdout)["status"], "ACTIVE", "it kept beating")

    def hears(self):
        return self.redis.cmd("PUBSUB", "NUMSUB", "agent.victim")[1]

    def flood(self, count):
        with self.redis.client() as client:
            padding = "x" * 1000
            text = '{"sender_id":"x","target_id":"victim","message_type":"flood","data":{"s":"%s"}}' % padding
            for _ in range(count // 1000):
                client.pipeline([("PUBLISH", "agent.victim", text)] * 1000)
                # Not faster than its I/O thread reads, or Redis would cut it off for what waits there.
                poll_until(lambda: self.waiting() < 4 * MIB, 30, "it reads on")

    def waiting(self):
        """Bytes that Redis holds for its subscribers."""
        listed = self.redis.cmd("CLIENT", "LIST", "TYPE", "pubsub").splitlines()
        clients = [dict(item.split("=", 1) for item in line.split()) for line in listed]
        return sum(int(client["omem"]) + int(client["obl"]) for client in clients)

    def test_wrong_types_under_an_agents_keys(self):
        """An agent whose keys were made something else by somebody fails to start, and says why."""
        self.redis.pipeline([("SET", "agent.state:victim", "text"), ("SET", "agent:victim:instances", "text")])
        done = self.masctl("listen", "victim", "--count", "1", "--timeout", "2", redis=self.redis)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("WRONGTYPE", done.stderr)


class RegistryTest(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
        self.daemons = [self.start_daemon(name, self.redis) for name in ("mas-registryd", "mas-healthd", "mas-gatewayd")]
        self.good = self.start_agent(self.redis, "good", ["chat"])

    def still_works(self):
        for daemon in self.daemons:
            daemon.wait_ready()
        late = self.start_agent(self.redis, "late", ["chat"])
        poll_until(lambda: sorted(self.redis.cmd("SMEMBERS", "mas.capability:chat")) == ["good", "late"],
                   what="good and late are indexed")
        late.stop()

    def test_garbage_on_the_system_channel(self):
        events = self.process("masctl", "events", "--redis", self.redis.url()).start()
        poll_until(lambda: self.redis.cmd("PUBSUB", "NUMSUB", "mas.system")[1] >= 3, what="all follow mas.system")
        for _ in range(3):
            with self.redis.client() as client:
                client.pipeline([("PUBLISH", "mas.system", text) for text in EVENT_GARBAGE])
        self.still_works()
        self.assertEqual(self.redis.cmd("HGET", "agent:good", "status"), "ACTIVE", "events are hints, not orders")
        events.wait_for_output("late")
        self.assertEqual(events.stop(), 0)

    def test_wrong_types_everywhere(self):
        self.redis.pipeline([
            ("SET", "agent:string", "x"), ("LPUSH", "agent:list", "x"), ("SADD", "agent:set", "x"),
            ("XADD", "agent:stream", "*", "k", "v"), ("LPUSH", "agent:good2:heartbeat", "x"),
            ("HSET", "agent:good2", "id", "good2", "capabilities", "[]", "metadata", "{}", "status", "ACTIVE"),
            ("SET", "mas.capability:odd", "x"), ("HSET", "agent:odd", "id", "odd", "capabilities", '["odd"]',
                                                "metadata", "{}", "status", "ACTIVE", "registered_at", "1")])
        for name in ("string", "list", "odd", "good2"):
            self.redis.cmd("PUBLISH", "mas.system", json.dumps({"type": "REGISTER", "agent_id": name, "capabilities": []}))
        self.still_works()
        poll_until(lambda: self.redis.cmd("TYPE", "mas.capability:odd") == "set", what="the index is repaired")
        self.assertEqual(self.redis.cmd("SMEMBERS", "mas.capability:odd"), ["odd"])

    def test_entries_out_of_range(self):
        big = json.dumps({"x": "y" * MIB})
        entries = {
            "nojson": {"capabilities": "chat", "metadata": "x"}, "deep": {"capabilities": "[" * MIB, "metadata": "{}"},
            "big": {"capabilities": "[]", "metadata": big}, "many": {"capabilities": json.dumps([str(i) for i in range(5000)])},
            "types": {"capabilities": "[1,null]", "metadata": "[]"}, "liar": {"id": "good", "capabilities": '["chat"]'},
            "time": {"capabilities": "[]", "metadata": "{}", "registered_at": "nan"},
            "status": {"capabilities": "[]", "metadata": "{}", "status": "\x1b[31m"},
            "fields": {f"f{i}": "x" for i in range(2000)},
        }
        commands = []
        for name, fields in entries.items():
            fields = {"id": name, "status": "ACTIVE", "registered_at": "1", **fields}
            commands.append(("HSET", f"agent:{name}", *[text for pair in fields.items() for text in pair]))
            commands.append(("PUBLISH", "mas.system", json.dumps({"type": "REGISTER", "agent_id": name, "capabilities": []})))
        self.redis.pipeline(commands)
        self.still_works()
        for arguments in (("agents", "list"), ("agents", "list", "--json"), ("doctor",), ("agents", "show", "deep")):
            done = self.masctl(*arguments, redis=self.redis)
            self.assertIn(done.returncode, (0, 1, 5), done.stderr)


class PrintingTest(MasTestCase):
    """Foreign text on a terminal and in pipes."""

    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
        for agent_id in FOREIGN_IDS + HOSTILE_IDS:
            raw = agent_id if isinstance(agent_id, bytes) else agent_id.encode()
            self.redis.cmd("HSET", b"agent:" + raw, "id", raw, "capabilities", '["cap\u202e"]', "metadata",
                           '{"m\\u0007": "\\u202e"}', "status", "ACTIVE", "registered_at", "1e300")
            self.redis.cmd("SETEX", b"agent:" + raw + b":heartbeat", 60, "1")
            self.redis.cmd("HSET", b"agent.state:" + raw, b"f\x1b[2J\n", b"v\x1b]0;title\x07\xff")

    def check_safe(self, text):
        """Nothing but printable text, tabs and line breaks."""
        for bad in [*map(chr, range(0x20)), "\x7f", *map(chr, range(0x80, 0xa0)), "\u202e", "\u2066"]:
            if bad not in "\t\n":
                self.assertNotIn(bad, text)

    def test_tables(self):
        for arguments in (("agents", "list"), ("agents", "list", "--inactive"), ("doctor",),
                          ("agents", "show", FOREIGN_IDS[0]), ("state", "get", FOREIGN_IDS[0]),
                          ("agents", "show", HOSTILE_IDS[1]), ("state", "get", HOSTILE_IDS[1])):
            with self.subTest(arguments):
                done = self.masctl(*arguments, redis=self.redis)
                self.check_safe(done.stdout + done.stderr)
                shown = self.on_terminal(*arguments, "--no-color")
                self.check_safe(shown.replace("\r\n", "\n"))

    def test_json_is_json(self):
        for arguments in (("agents", "list"), ("agents", "show", FOREIGN_IDS[0]), ("state", "get", HOSTILE_IDS[0])):
            with self.subTest(arguments):
                done = self.masctl(*arguments, "--json", redis=self.redis)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.check_safe(json.dumps(json.loads(done.stdout)))

    def test_what_is_listed(self):
        done = self.masctl("agents", "list", "--json", redis=self.redis)
        listing = json.loads(done.stdout)
        self.assertEqual([agent["id"] for agent in listing["agents"]], sorted(FOREIGN_IDS, key=str.encode))
        self.assertGreater(listing["malformed"], 0)
        rows = self.masctl("agents", "list", redis=self.redis).stdout.splitlines()
        self.assertEqual(len(rows), len(FOREIGN_IDS), "a line per agent")
        self.assertEqual({row.count("\t") for row in rows}, {4}, "the same columns in each")

    def test_events(self):
        events = self.process("masctl", "events", "--redis", self.redis.url()).start()
        poll_until(lambda: self.redis.cmd("PUBSUB", "NUMSUB", "mas.system")[1], what="events are followed")
        for agent_id in ("\x1b[31m", "a\nREGISTER forged", "end"):
            self.redis.cmd("PUBLISH", "mas.system", json.dumps({"type": "REGISTER", "agent_id": agent_id,
                                                               "capabilities": ["\x1b[5m"]}))
        events.wait_for_output("end")
        events.stop()
        self.check_safe(events.written())
        self.assertEqual(len(events.out().splitlines()), 3)

    def test_daemons_log_safely(self):
        daemons = [self.daemon(name, self.redis, {"log": {"level": "debug", "format": "human"}}).start()
                   for name in ("mas-registryd", "mas-healthd")]
        poll_until(lambda: self.redis.cmd("EXISTS", "mas.index"), what="the index is complete")
        for agent_id in FOREIGN_IDS + HOSTILE_IDS[:4]:
            self.redis.cmd("PUBLISH", "mas.system", json.dumps({"type": "REGISTER", "agent_id": agent_id,
                                                               "capabilities": []}))
        self.start_agent(self.redis, "late", ["late"])
        poll_until(lambda: self.redis.cmd("EXISTS", "mas.capability:late"), what="late is indexed")
        for daemon in daemons:
            poll_until(daemon.written, what=f"{daemon} has logged")
            self.check_safe(daemon.written())

    def on_terminal(self, *arguments):
        """What masctl writes to a terminal."""
        ours, theirs = pty.openpty()
        child = subprocess.Popen([program("masctl"), *arguments, "--redis", self.redis.url()], stdin=theirs, stdout=theirs,
                                 stderr=theirs, env=clean_environment(), preexec_fn=die_with_parent)
        os.close(theirs)
        shown = _drain(ours)
        child.wait(10)
        return shown.decode("utf-8")


def _drain(descriptor):
    """Everything until the other end closes (which a terminal reports as an error)."""
    data = bytearray()
    try:
        while chunk := os.read(descriptor, 1 << 16):
            data += chunk
    except OSError:
        pass
    return bytes(data)


def _rss(pid):
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def _end(child):
    if child.poll() is None:
        child.terminate()
    child.wait(15)


if __name__ == "__main__":
    main()
