"""Agents of the original Python framework and of the C library on one Redis: they find each other, talk both ways and
read each other's state."""

import json
import math
import time

from harness import MasTestCase, main, parse_envelope, poll_until
from harness.build import SOURCE_DIR

VECTORS = SOURCE_DIR / "proto/vectors"


def golden(name):
    return (VECTORS / "golden" / name).read_bytes().decode("utf-8")


class PeerTestCase(MasTestCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()

    def masctl_json(self, *args):
        done = self.masctl(*args, "--json", redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)


class DiscoveryTest(PeerTestCase):
    def test_python_finds_c(self):
        alice = self.start_agent(self.redis, "alice", ["chat"])
        self.start_listener(self.redis, "cee", "--capability", "maße", "--metadata", '{"lang": "c", "v": 1.50}')
        found = alice.discover(["maße"])
        self.assertEqual(list(found), ["cee"])
        self.assertEqual(found["cee"]["metadata"], {"lang": "c", "v": 1.5})
        self.assertAlmostEqual(found["cee"]["registered_at"], time.time(), delta=30)
        self.assertEqual(sorted(alice.discover()), ["alice", "cee"])

    def test_c_finds_python_with_and_without_an_index(self):
        metadata = {"lang": "py", "v": 1.5, "name": "Jürgen", "tags": ["a", None, True]}
        self.start_agent(self.redis, "alice", ["chat", "maße"], metadata=metadata)
        self.start_agent(self.redis, "bob")
        self.check_finds_alice(metadata, from_index=False)
        registryd = self.start_daemon("mas-registryd", self.redis)
        poll_until(lambda: self.redis.cmd("EXISTS", "mas.index"), what="the index is ready")
        self.check_finds_alice(metadata, from_index=True)
        registryd.stop()

    def check_finds_alice(self, metadata, from_index):
        listing = self.masctl_json("agents", "list", "--capability", "maße")
        self.assertEqual([agent["id"] for agent in listing["agents"]], ["alice"])
        self.assertEqual(listing["agents"][0]["capabilities"], ["chat", "maße"])
        self.assertEqual(listing["agents"][0]["metadata"], metadata)
        self.assertEqual(listing["from_index"], from_index)
        everybody = self.masctl_json("agents", "list")["agents"]
        self.assertEqual([agent["id"] for agent in everybody], ["alice", "bob"])

    def test_a_python_agent_that_crashed_turns_inactive_and_comes_back(self):
        self.start_daemon("mas-healthd", self.redis)
        ghost = self.start_agent(self.redis, "ghost", heartbeat_interval=0.3, heartbeat_ttl=1)
        ghost.vanish()
        poll_until(lambda: self.redis.cmd("HGET", "agent:ghost", "status") == "INACTIVE", 10, "ghost is INACTIVE")
        self.assertEqual(self.masctl_json("agents", "list")["agents"], [])
        self.redis.cmd("SETEX", "agent:ghost:heartbeat", 60, "1.0")
        poll_until(lambda: self.redis.cmd("HGET", "agent:ghost", "status") == "ACTIVE", 10, "ghost is ACTIVE again")


class MessageTest(PeerTestCase):
    def test_python_asks_c(self):
        alice = self.start_agent(self.redis, "alice")
        cee = self.start_listener(self.redis, "cee", "--echo", "--reply-type", "sum.result")
        data = {"text": 'héllo "q" \\ \u2028 😀 \x01', "big": 10 ** 30, "f": 1.0, "e": 1e-7, "nest": {"a": [1, None]}}
        reply = alice.request("cee", "sum.request", data)
        self.assertEqual(reply["data"], data)
        self.assertEqual((reply["sender_id"], reply["target_id"]), ("cee", "alice"))
        self.assertEqual(reply["message_type"], "sum.result")
        self.assertTrue(reply["meta"]["is_reply"])
        self.assertAlmostEqual(reply["timestamp"], time.time(), delta=30)
        self.assertEqual(alice.rejected, [])
        self.assertEqual(cee.messages()[0]["data"], data)

    def test_c_asks_python(self):
        bob = self.start_agent(self.redis, "bob")
        bob.on("sum.request", lambda data: ("sum.result", {"sum": data["a"] + data["b"], "text": "ß"}))
        done = self.masctl("request", "--as", "ops", "bob", "sum.request", '{"a":1,"b":2}', redis=self.redis)
        self.assertEqual((done.returncode, done.stdout), (0, '{"sum":3,"text":"ß"}\n'), done.stderr)
        self.assertEqual(bob.rejected, [])
        self.assertEqual(bob.received[0]["sender_id"], "ops")
        self.assertTrue(bob.received[0]["meta"]["expects_reply"])

    def test_c_sends_to_python(self):
        bob = self.start_agent(self.redis, "bob")
        done = self.masctl("send", "--as", "ops", "bob", "note", '{"n": 12345678901234567890123}', redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        heard = poll_until(lambda: bob.received, what="bob hears")[0]
        self.assertEqual((heard["message_type"], heard["data"]), ("note", {"n": 12345678901234567890123}))
        self.assertIn(heard["message_id"], done.stdout)
        self.assertEqual(bob.rejected, [])

    def test_nobody_listens(self):
        for command in ("send", "request"):
            done = self.masctl(command, "--as", "ops", "nobody", "note", redis=self.redis)
            self.assertEqual(done.returncode, 1)
            self.assertIn("nobody", done.stderr)

    def test_python_does_not_answer(self):
        self.start_agent(self.redis, "bob")
        done = self.masctl("request", "--as", "ops", "bob", "no.handler", "--timeout", "0.3", redis=self.redis)
        self.assertEqual(done.returncode, 4, done.stderr)


class GoldenTest(PeerTestCase):
    """The bytes that two agents of the framework exchanged, replayed."""

    def test_send(self):
        bob = self.start_listener(self.redis, "bob")
        self.redis.cmd("PUBLISH", "agent.bob", golden("envelope_send.json"))
        bob.wait_messages(1)
        self.assertEqual(bob.lines(), [golden("envelope_send.json")], "the envelope, byte for byte")

    def test_request_is_answered(self):
        self.start_listener(self.redis, "bob", "--echo", "--reply-type", "sum.result")
        with self.redis.client() as alice:
            alice.subscribe("agent.alice")
            self.redis.cmd("PUBLISH", "agent.bob", golden("envelope_request.json"))
            reply = alice.message()[1]
        ours, theirs = parse_envelope(reply), parse_envelope(golden("envelope_reply.json"))
        for part in ("sender_id", "target_id", "message_type", "meta"):
            self.assertEqual(ours[part], theirs[part])
        self.assertIn('"data":{"a":1,"b":2}', reply)
        self.assertEqual(list(json.loads(reply)), list(json.loads(golden("envelope_reply.json"))), "order of members")

    def test_a_reply_that_nobody_waits_for_is_harmless(self):
        alice = self.start_listener(self.redis, "alice")
        self.redis.cmd("PUBLISH", "agent.alice", golden("envelope_reply.json"))
        marker = golden("envelope_send.json").replace('"target_id":"bob"', '"target_id":"alice"')
        self.redis.cmd("PUBLISH", "agent.alice", marker)
        self.assertEqual(alice.wait_messages(1)[-1]["message_type"], "greet")

    def test_events(self):
        self.start_daemon("mas-registryd", self.redis)
        events = self.process("masctl", "events", "--json", "--redis", self.redis.url()).start()
        poll_until(lambda: self.redis.cmd("PUBSUB", "NUMSUB", "mas.system")[1] >= 2, what="both follow mas.system")
        self.redis.cmd("HSET", "agent:alice", "id", "alice", "capabilities", '["chat", "ma\\u00dfe"]', "metadata", "{}",
                       "status", "ACTIVE", "registered_at", "1795350096.7316658")
        self.redis.cmd("PUBLISH", "mas.system", golden("event_register.json"))
        poll_until(lambda: self.redis.cmd("SMEMBERS", "mas.capability:maße") == ["alice"], what="alice is indexed")
        self.redis.cmd("DEL", "agent:alice")
        self.redis.cmd("PUBLISH", "mas.system", golden("event_deregister.json"))
        poll_until(lambda: not self.redis.cmd("EXISTS", "mas.capability:maße"), what="alice is out of the index")
        for name in ("event_register.json", "event_deregister.json"):
            events.wait_for_output(golden(name) + "\n")


class WhatCWritesTest(PeerTestCase):
    """What the library puts into Redis is what a Python agent would have put there."""

    def test_registration(self):
        with self.redis.client() as events:
            events.subscribe("mas.system")
            cee = self.start_listener(self.redis, "cee", "--capability", "chat", "--capability", "maße")
            self.assertEqual(events.message()[1], golden("event_register.json").replace("alice", "cee"))
            self.check_entry()
            self.assertEqual(cee.stop(), 0)
            self.assertEqual(events.message()[1], golden("event_deregister.json").replace("alice", "cee"))
        self.assertEqual(self.redis.scan("agent:cee*"), [])

    def check_entry(self):
        entry = self.redis.hgetall("agent:cee")
        self.assertEqual((entry["id"], entry["status"]), ("cee", "ACTIVE"))
        self.assertEqual(json.loads(entry["capabilities"]), ["chat", "maße"])
        self.assertEqual(json.loads(entry["metadata"]), {})
        self.assertAlmostEqual(float(entry["registered_at"]), time.time(), delta=30)
        self.assertIn("token", entry)
        beat, ttl = self.redis.pipeline([("GET", "agent:cee:heartbeat"), ("TTL", "agent:cee:heartbeat")])
        self.assertAlmostEqual(float(beat), time.time(), delta=30)
        self.assertTrue(30 <= ttl <= 60, ttl)

    def test_two_instances(self):
        alice = self.start_agent(self.redis, "alice")
        first = self.start_listener(self.redis, "twin")
        second = self.start_listener(self.redis, "twin", "--echo")
        poll_until(lambda: self.redis.cmd("HLEN", "agent:twin:instances") == 2, what="both instances are listed")
        self.assertEqual(alice.send("twin", "note", {"n": 1}), 2)
        for instance in (first, second):
            self.assertEqual(instance.wait_messages(1)[0]["data"], {"n": 1})
        self.assertEqual(second.stop(), 0)
        self.assertEqual(sorted(alice.discover()), ["alice", "twin"])
        self.assertEqual(self.redis.cmd("EXISTS", "agent:twin:heartbeat"), 1)
        self.assertEqual(alice.send("twin", "note", {"n": 2}), 1)
        self.assertEqual(first.stop(), 0)
        self.assertEqual(list(alice.discover()), ["alice"])
        self.assertEqual(self.redis.scan("agent:twin*"), [])


class VectorsTest(PeerTestCase):
    """The protocol's test vectors, sent to an agent of the library and shown to the framework's parser."""

    END = '{"sender_id":"alice","target_id":"bob","message_type":"the end","data":{}}'

    def test_accepted_by_both(self):
        envelopes = {path.name: parse_envelope(path.read_bytes()) for path in sorted((VECTORS / "accept").iterdir())}
        heard = self.replay("accept")
        expected = [e for e in envelopes.values() if e["target_id"] == "bob" and not e["meta"]["is_reply"]]
        self.assertGreater(len(expected), 10)
        self.assertEqual([(m["message_type"], m["data"]) for m in heard],
                         [(e["message_type"], e["data"]) for e in expected])

    def test_rejected_does_no_harm(self):
        self.assertEqual(self.replay("reject"), [])

    def replay(self, folder):
        """Publishes a folder's vectors to `bob` and returns what it heard."""
        bob = self.start_listener(self.redis, "bob")
        for path in sorted((VECTORS / folder).iterdir()):
            self.redis.cmd("PUBLISH", "agent.bob", path.read_bytes())
        self.redis.cmd("PUBLISH", "agent.bob", self.END)
        bob.wait_messages(1, "the end")
        return bob.messages()[:-1]


class ExamplesTest(PeerTestCase):
    """The example agents of the SDK, in place of their peers written in Python, and the other way round."""

    def start_example(self, name):
        example = self.process(f"example_{name}", env={"MAS_REDIS_URL": self.redis.url()}).start()
        poll_until(lambda: self.redis.cmd("EXISTS", f"agent:{name}"), what=lambda: f"{name} registers: {example.written()}")
        return example

    def test_python_uses_the_calculator(self):
        calculator = self.start_example("calculator")
        alice = self.start_agent(self.redis, "alice")
        adder = list(alice.discover(["math.add"]))[0]
        self.assertEqual(alice.request(adder, "add", {"a": 1.5, "b": 2})["data"], {"sum": 3.5})
        self.assertEqual(alice.request(adder, "add", {"a": "x"})["message_type"], "error")
        refused = alice.request(adder, "multiply", {"a": 1})  # what Python does not know is a reply without data to it
        self.assertEqual((refused["message_type"], refused["data"]), ("mas.error", {}))
        done = self.masctl("request", "--as", "ops", adder, "multiply", "{}", redis=self.redis)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("'calculator' answered NO_HANDLER: no handler for messages of type 'multiply'", done.stderr)
        self.assertEqual(calculator.stop(), 0)
        self.assertEqual(list(alice.discover()), ["alice"])

    def test_the_planner_uses_python(self):
        adder = self.start_agent(self.redis, "adder", ["math.add"])
        adder.on("add", lambda data: ("sum", {"sum": data["a"] + data["b"]}))
        planner = self.start_example("planner")
        planner.wait_for_output("adder says that 1 to 3 make 6")
        self.assertEqual(adder.rejected, [])
        self.assertEqual(planner.stop(), 0)

    def test_the_notekeeper_keeps_pythons_notes(self):
        keeper = self.start_example("notekeeper")
        alice = self.start_agent(self.redis, "alice")
        alice.send("notekeeper", "note", {"text": "ß"})
        poll_until(lambda: alice.read_state("notekeeper").get("count") == "1", what="the note is kept")
        self.assertEqual(alice.read_state("notekeeper")["last:alice"], '{"text":"ß"}')
        keeper.kill()
        keeper.start()
        keeper.wait_for_output("with 1 notes from before")
        alice.send("notekeeper", "note", {"text": "again"})
        poll_until(lambda: alice.read_state("notekeeper").get("count") == "2", what="it goes on counting")
        self.assertEqual(keeper.stop(), 0)


class StateTest(PeerTestCase):
    def test_python_writes_c_reads(self):
        alice = self.start_agent(self.redis, "alice")
        alice.update_state({"i": 5, "f": 1.0, "e": 1e-7, "t": True, "no": None, "s": "xé",
                            "d": {"k": [1, None, True, "é"]}, "l": []})
        state = self.masctl_json("state", "get", "alice")["state"]
        self.assertEqual(state, {"i": "5", "f": "1.0", "e": "1e-07", "t": "True", "no": "None", "s": "xé",
                                 "d": '{"k": [1, null, true, "\\u00e9"]}', "l": "[]"})
        self.assertEqual(self.masctl("state", "get", "alice", "s", redis=self.redis).stdout, "xé\n")

    def test_c_writes_python_reads(self):
        bob = self.start_agent(self.redis, "bob")
        self.masctl_json("state", "set", "bob", "mode=fast", "pi=3.14", 'd={"k": 1}', "on=true", "empty=")
        state = bob.read_state()
        self.assertEqual((state["mode"], state["on"], state["empty"]), ("fast", "true", ""))
        self.assertTrue(math.isclose(float(state["pi"]), 3.14))
        self.assertEqual(json.loads(state["d"]), {"k": 1})
        self.masctl_json("state", "reset", "bob")
        self.assertEqual(bob.read_state(), {})

    def test_state_survives_a_stop(self):
        alice = self.start_agent(self.redis, "alice")
        alice.update_state({"n": 1})
        alice.stop()
        self.assertEqual(self.masctl_json("state", "get", "alice")["state"], {"n": "1"})


if __name__ == "__main__":
    main()
