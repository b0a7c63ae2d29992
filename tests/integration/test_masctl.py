"""masctl's commands against a real Redis: what they print, what they write, how they end."""

import json
import signal
import subprocess

from harness import for_each, main, poll_until
from harness.build import program
from harness.masctl_case import FAILED, INTERRUPTED, OK, TIMED_OUT, UNREACHABLE, USAGE, WARNINGS, CommandTest


class AgentsTest(CommandTest):
    def listed(self, *flags):
        return [agent["id"] for agent in self.json("agents", "list", *flags)["agents"]]

    def test_lists_agents_of_the_python_framework_without_an_index(self):
        self.start_agent(self.redis, "alice", ["chat", "maße"], metadata={"lang": "py"})
        self.start_agent(self.redis, "bob", ["chat"])
        listing = self.json("agents", "list")
        self.assertFalse(listing["from_index"])
        alice = listing["agents"][0]
        self.assertEqual((alice["id"], alice["capabilities"], alice["status"]), ("alice", ["chat", "maße"], "ACTIVE"))
        self.assertEqual(alice["metadata"], {"lang": "py"})
        self.assertEqual(self.listed(), ["alice", "bob"])
        self.assertEqual(self.listed("--capability", "maße"), ["alice"])
        self.assertEqual(self.listed("--capability", "maße", "--capability", "chat"), ["alice", "bob"])
        self.assertEqual(self.listed("--capability", "maße", "--capability", "chat", "--all-of"), ["alice"])
        self.assertEqual(self.listed("--capability", "cha"), [])
        self.assertEqual(len(self.listed("--limit", "1")), 1)

    def test_uses_the_index_where_there_is_one_and_believes_the_entries(self):
        self.start_agent(self.redis, "alice", ["chat"])
        self.start_agent(self.redis, "bob", ["sum"])
        self.redis.cmd("SET", "mas.index", "test")
        self.redis.cmd("SADD", "mas.agents", "alice", "gone")
        self.redis.cmd("SADD", "mas.capability:chat", "alice", "bob", "gone")  # bob cannot chat any more
        self.assertTrue(self.json("agents", "list")["from_index"])
        self.assertEqual(self.listed(), ["alice"])
        self.assertEqual(self.listed("--capability", "chat"), ["alice"])

    def test_inactive_agents_are_shown_when_asked_for(self):
        self.start_agent(self.redis, "alice")
        self.redis.cmd("HSET", "agent:alice", "status", "INACTIVE")
        self.assertEqual(self.listed(), [])
        self.assertEqual(self.listed("--inactive"), ["alice"])

    def test_piped_output_is_a_line_of_tab_separated_cells_per_agent_with_nothing_a_terminal_acts_on(self):
        self.redis.cmd("HSET", "agent:x\u202e", "id", "x\u202e", "capabilities", "[]", "metadata",
                       '{"a":"\u009b2J\\t"}', "status", "ACTIVE", "registered_at", "1")
        done = self.ctl("agents", "list")
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertEqual(len(done.stdout.split("\t")), 5)
        self.assertIn("x\\u202e", done.stdout)
        self.assertIn("\\u009b2J", done.stdout)

    def test_show_tells_heartbeat_instances_and_state(self):
        self.start_listener(self.redis, "lis", "--capability", "echo", "--metadata", '{"a":1}')
        self.redis.cmd("HSET", "agent.state:lis", "k", "v", "l", "w")
        shown = self.json("agents", "show", "lis")
        self.assertEqual((shown["capabilities"], shown["metadata"], shown["state_fields"]), (["echo"], {"a": 1}, 2))
        self.assertEqual(shown["listening"], 1)
        self.assertEqual(len(shown["instances"]), 1)
        self.assertEqual(set(shown["instances"][0]["about"]) & {"host", "pid"}, {"host", "pid"})
        self.assertGreater(shown["instances"][0]["alive_pttl_ms"], 0)
        poll_until(lambda: self.json("agents", "show", "lis")["heartbeat_pttl_ms"] > 0, what="it beats")

    def test_the_token_is_never_shown(self):
        agent = self.start_agent(self.redis, "alice")
        token = self.redis.cmd("HGET", "agent:alice", "token")
        self.assertGreater(len(token), 20)
        self.secrets = (token,)
        self.ctl("agents", "show", agent.id)
        self.ctl("agents", "list", "--json")

    def test_show_of_nobody_fails(self):
        self.assertIn("nobody", self.fails(FAILED, "agents", "show", "nobody"))

    def test_watch_tells_changes_until_it_is_stopped(self):
        watch = self.stream("agents", "watch", "--json")
        agent = self.start_agent(self.redis, "alice", ["chat"])
        agent.stop()
        self.redis.cmd("PUBLISH", "mas.system", '{"type":"AGENT_INACTIVE","agent_id":"bob"}')
        self.redis.cmd("PUBLISH", "mas.system", '{"type":"DAEMON_UP","daemon":"healthd"}')
        self.redis.cmd("PUBLISH", "mas.system", "no event")
        self.redis.cmd("PUBLISH", "mas.system", '{"type":"AGENT_ACTIVE","agent_id":"bob"}')
        watch.wait_for_output('"change":"active"')
        seen = [json.loads(line) for line in watch.out().splitlines()]
        self.assertEqual([(e["change"], e["id"]) for e in seen],
                         [("registered", "alice"), ("deregistered", "alice"), ("inactive", "bob"), ("active", "bob")])
        self.assertEqual(seen[0]["capabilities"], ["chat"])
        self.assertEqual(watch.stop(), OK)


class MessageTest(CommandTest):
    def test_send_reaches_a_python_agent_and_registers_nothing(self):
        bob = self.start_agent(self.redis, "bob")
        before = self.redis.scan("*")
        sent = self.json("send", "--as", "ops", "bob", "note", '{"text":"maße","n":123456789012345678901234567890}')
        message = poll_until(lambda: bob.received and bob.received[0], what="bob hears")
        self.assertEqual((message["sender_id"], message["message_type"]), ("ops", "note"))
        self.assertEqual(message["data"], {"text": "maße", "n": 123456789012345678901234567890})
        self.assertEqual(message["message_id"], sent["message_id"])
        self.assertEqual(sent["receivers"], 1)
        self.assertEqual(sorted(self.redis.scan("*")), sorted(before))

    def test_send_as_a_running_agent_leaves_its_registration_alone(self):
        self.start_agent(self.redis, "alice", ["chat"])
        self.start_agent(self.redis, "bob")
        before = self.redis.hgetall("agent:alice")
        self.assertEqual(self.ctl("send", "--as", "alice", "bob", "note").returncode, OK)
        self.assertEqual(self.redis.hgetall("agent:alice"), before)

    def test_send_to_nobody_fails(self):
        self.assertIn("nobody listens as 'bob'", self.fails(FAILED, "send", "--as", "ops", "bob", "note"))

    def test_data_comes_from_a_file_or_standard_input(self):
        listener = self.start_listener(self.redis, "lis")
        path = self.dir / "data.json"
        path.write_text('{"from": "file"}\n')
        self.assertEqual(self.ctl("send", "--as", "ops", "lis", "t", f"@{path}").returncode, OK)
        self.assertEqual(self.ctl("send", "--as", "ops", "lis", "t", "-", input='{"from": "stdin"}').returncode, OK)
        heard = listener.wait_messages(2)
        self.assertEqual([m["data"]["from"] for m in heard], ["file", "stdin"])

    @for_each("[]", "{", '{"a":1} x', "nonsense", "@/does/not/exist", '{"a":"\\ud800"}')
    def test_what_is_no_json_object_is_refused(self, data):
        self.fails(USAGE, "send", "--as", "ops", "bob", "t", data)

    @for_each(("", "t"), ("x" * 600, "t"), ("a\nb", "t"), ("bob", ""), ("bob", "t" * 300))
    def test_targets_and_types_out_of_range_are_refused(self, case):
        self.fails(USAGE, "send", "--as", "ops", *case)

    def test_request_prints_the_data_of_the_answer_byte_for_byte(self):
        bob = self.start_agent(self.redis, "bob")
        bob.on("sum", lambda data: ("sum.result", {"sum": data["a"] + 1}))
        done = self.ctl("request", "--as", "ops", "bob", "sum", '{"a":41}')
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertEqual(json.loads(done.stdout), {"sum": 42})
        envelope = json.loads(self.ctl("request", "--as", "ops", "bob", "sum", '{"a":1}', "--envelope").stdout)
        self.assertEqual((envelope["sender_id"], envelope["message_type"]), ("bob", "sum.result"))
        self.assertTrue(envelope["meta"]["is_reply"])

    def test_request_fails_at_once_when_nobody_listens_and_in_time_when_nobody_answers(self):
        self.assertIn("nobody listens", self.fails(FAILED, "request", "--as", "ops", "bob", "t", "--timeout", "15"))
        self.start_listener(self.redis, "mute")
        self.assertIn("did not answer", self.fails(TIMED_OUT, "request", "--as", "ops", "mute", "t", "--timeout", "0.3"))

    def test_other_messages_are_not_taken_for_the_answer(self):
        bob = self.start_agent(self.redis, "bob")

        def answer(_):
            other = {"sender_id": "bob", "target_id": "ops", "message_type": "t", "data": {},
                     "meta": {"is_reply": True, "correlation_id": "x"}}
            for garbage in ("[" * 1000, "{}", json.dumps(other)):
                self.redis.cmd("PUBLISH", "agent.ops", garbage)
            return ("late.result", {"right": True})

        bob.on("ask", answer)
        done = self.ctl("request", "--as", "ops", "bob", "ask")
        self.assertEqual(json.loads(done.stdout), {"right": True}, done.stderr)


class ListenTest(CommandTest):
    def test_echo_answers_a_python_agents_request(self):
        self.start_listener(self.redis, "echo", "--echo", "--capability", "echo")
        alice = self.start_agent(self.redis, "alice")
        self.assertEqual(list(alice.discover(["echo"])), ["echo"])
        reply = alice.request("echo", "ping", {"n": 7})
        self.assertEqual((reply["message_type"], reply["data"]), ("ping.reply", {"n": 7}))

    def test_reply_type_and_count(self):
        listener = self.start_listener(self.redis, "echo", "--echo", "--reply-type", "pong", "--count", "2")
        for _ in range(2):
            done = self.ctl("request", "--as", "ops", "echo", "ping", "--envelope")
            self.assertEqual(json.loads(done.stdout)["message_type"], "pong")
        self.assertEqual(listener.wait(), OK)
        self.assertEqual(self.redis.scan("agent:*"), [])

    def test_a_message_is_a_line_whatever_is_in_it(self):
        listener = self.start_listener(self.redis, "lis")
        envelope = json.dumps({"sender_id": "x", "target_id": "lis", "message_type": "t", "data": {"a": "b\nc"},
                               "unknown": 1}, indent=2)
        self.redis.cmd("PUBLISH", "agent.lis", envelope)
        self.redis.cmd("PUBLISH", "agent.lis", "garbage")
        self.assertEqual(self.ctl("send", "--as", "ops", "lis", "second").returncode, OK)
        first, second = listener.wait_messages(2)
        self.assertEqual((first["data"], first["unknown"]), ({"a": "b\nc"}, 1))
        self.assertEqual(second["message_type"], "second")

    @for_each(signal.SIGINT, signal.SIGTERM)
    def test_a_signal_ends_it_in_order(self, signum):
        listener = self.start_listener(self.redis, "lis", name=f"lis-{signum}")
        listener.send(signum)
        self.assertEqual(listener.wait(), OK)
        self.assertEqual(self.redis.scan("agent:*"), [])

    def test_interrupted_before_its_count_is_reached(self):
        listener = self.process("masctl", "listen", "lis", "--count", "3", "--redis", self.redis.url()).start()
        poll_until(lambda: self.redis.cmd("PUBSUB", "NUMSUB", "agent.lis")[1] > 0
                   and self.redis.cmd("EXISTS", "agent:lis") == 1, what="it is registered")
        listener.send(signal.SIGINT)
        self.assertEqual(listener.wait(), INTERRUPTED)

    @for_each("", "a b", "-x", "x" * 129, "ä")
    def test_ids_out_of_range_are_refused(self, agent_id):
        done = self.ctl("listen", "--", agent_id)
        self.assertEqual(done.returncode, USAGE, done.stderr)


class GatewayModeTest(CommandTest):
    def setUp(self):
        super().setUp()
        gateway = self.start_daemon("mas-gatewayd", self.redis, {"lease": {"ttl": "1s"}})
        poll_until(lambda: gateway.ready()[1].get("deciding"), 10, "the gateway decides")

    def test_messages_and_requests_go_through_the_gateway(self):
        listener = self.start_listener(self.redis, "echo", "--echo", "--mode", "gateway")
        sent = self.json("send", "--as", "ops", "echo", "note", '{"n":1}', "--mode", "gateway")
        self.assertEqual(sent["decision"], "ALLOWED")
        self.assertEqual(listener.wait_messages(1)[0]["message_id"], sent["message_id"])
        done = self.ctl("request", "--as", "ops", "echo", "ask", '{"n":2}', "--mode", "gateway")
        self.assertEqual((done.returncode, json.loads(done.stdout)), (OK, {"n": 2}), done.stderr)
        self.assertEqual(self.redis.cmd("EXISTS", "agent:ops"), 0, "the command was an agent for a moment only")

    def test_a_refusal_says_why(self):
        self.start_listener(self.redis, "bob", "--mode", "gateway")
        self.redis.cmd("SADD", "agent:ops:blocked_targets", "bob")
        done = self.ctl("send", "--as", "ops", "bob", "note", "--mode", "gateway")
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("AUTHZ_DENIED", done.stderr)
        self.assertIn("TARGET_NOT_FOUND", self.fails(FAILED, "request", "--as", "ops", "nobody", "t", "--mode", "gateway"))

    def test_no_such_mode(self):
        self.assertIn("p2p or gateway", self.fails(USAGE, "send", "--as", "ops", "bob", "t", "--mode", "pigeon"))


class StateTest(CommandTest):
    def test_is_what_the_python_framework_reads_and_writes(self):
        alice = self.start_agent(self.redis, "alice")
        alice.update_state({"mode": "fast", "n": 5, "flag": True, "none": None, "obj": {"k": [1, None]}})
        state = self.json("state", "get", "alice")["state"]
        self.assertEqual(state, {"mode": "fast", "n": "5", "flag": "True", "none": "None", "obj": '{"k": [1, null]}'})
        self.assertEqual(self.json("state", "set", "alice", "n=6", "text=a=b c")["new"], 1)
        self.assertEqual(alice.read_state()["n"], "6")
        self.assertEqual(self.ctl("state", "get", "alice", "text").stdout, "a=b c\n")
        self.assertTrue(self.json("state", "reset", "alice")["existed"])
        self.assertEqual(alice.read_state(), {})
        self.assertFalse(self.json("state", "reset", "alice")["existed"])

    def test_values_that_must_be_json(self):
        self.assertEqual(self.ctl("state", "set", "a", "--json-values", 'o={"k":1}').returncode, OK)
        self.fails(USAGE, "state", "set", "a", "--json-values", "o={")
        self.assertEqual(self.redis.cmd("HGET", "agent.state:a", "o"), '{"k":1}')

    @for_each("novalue", "=x", "f" * 1025 + "=1")
    def test_what_is_no_assignment_is_refused(self, text):
        self.fails(USAGE, "state", "set", "a", text)

    def test_a_field_that_is_not_there(self):
        self.assertIn("'nope'", self.fails(FAILED, "state", "get", "a", "nope"))


class EventsTest(CommandTest):
    def test_prints_what_is_asked_for_as_it_was_published(self):
        events = self.stream("events", "--json", "--type", "ALERT", "--type", "REGISTER")
        self.start_agent(self.redis, "alice", ["chat"])
        self.redis.cmd("PUBLISH", "mas.system", '{"type":"DAEMON_UP","daemon":"x"}')
        self.redis.cmd("PUBLISH", "mas.system", '{"type":"ALERT","text":"look","extra":{"a":1}}')
        events.wait_for_output("look")
        lines = [json.loads(line) for line in events.out().splitlines()]
        self.assertEqual([line["type"] for line in lines], ["REGISTER", "ALERT"])
        self.assertEqual(lines[1]["extra"], {"a": 1})
        self.assertEqual(events.stop(), OK)

    def test_goes_on_when_redis_comes_back(self):
        events = self.stream("events")
        self.redis.cmd("CLIENT", "KILL", "TYPE", "pubsub")
        events.wait_for_output("connected again")
        self.redis.cmd("PUBLISH", "mas.system", '{"type":"ALERT","text":"after"}')
        events.wait_for_output("after")
        self.assertEqual(events.stop(), OK)

    def test_a_reader_that_goes_away_ends_it(self):
        child = subprocess.Popen([program("masctl"), "events", "--redis", self.redis.url()], stdout=subprocess.PIPE)
        self.addCleanup(child.wait)
        poll_until(lambda: self.redis.cmd("PUBSUB", "NUMSUB", "mas.system")[1] > 0, what="it hears")
        child.stdout.close()

        def ended():
            self.redis.cmd("PUBLISH", "mas.system", '{"type":"ALERT","text":"x"}')
            return child.poll() is not None
        poll_until(ended, what="it ends")


class DoctorTest(CommandTest):
    def findings(self, code, **server):
        found = {}
        for finding in self.json("doctor", code=code)["findings"]:
            found.setdefault(finding["check"], finding)
            self.assertEqual(bool(finding["advice"]), finding["level"] != "ok", finding)
        return found

    def test_bare_redis_has_warnings_only(self):
        found = self.findings(WARNINGS)
        levels = {check: finding["level"] for check, finding in found.items()}
        self.assertEqual({c for c, level in levels.items() if level == "warn"}, {"persistence", "registryd", "healthd"})
        self.assertNotIn("fail", levels.values())

    def test_what_is_wrong_is_named(self):
        self.redis.cmd("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru")
        self.redis.cmd("SET", "mas.agents", "not a set")
        self.redis.cmd("HSET", "agent:bad", "id", "bad", "capabilities", "{", "metadata", "{}", "status", "ACTIVE")
        found = self.findings(FAILED)
        self.assertEqual(found["memory"]["level"], "fail")
        text = json.dumps(self.json("doctor", code=FAILED))
        self.assertIn("mas.agents", text)
        self.assertIn("agent:bad", text)

    def test_writes_nothing(self):
        self.ctl("doctor")
        self.assertEqual(self.redis.cmd("DBSIZE"), 0)

    def test_sees_daemons_and_index(self):
        self.redis.cmd("SADD", "mas.daemons", "registryd:1", "healthd:2")
        self.redis.cmd("SET", "mas.daemon:registryd:1", '{"version":"9.8.7"}', "EX", "60")
        self.redis.cmd("SET", "mas.lease:registryd", "1", "EX", "60")
        self.redis.cmd("SET", "mas.index", "1")
        found = self.findings(WARNINGS)
        self.assertIn("9.8.7", found["registryd"]["found"])
        self.assertEqual(found["index"]["level"], "ok")
        self.assertEqual(found["healthd"]["level"], "warn")


class GlobalsTest(CommandTest):
    def test_where_redis_is_comes_from_the_flag_then_the_environment(self):
        nowhere = f"unix://{self.dir}/nowhere.sock"
        here = self.redis.url()
        self.assertEqual(self.masctl("state", "get", "a", env={"MAS_REDIS_URL": here}).returncode, OK)
        self.assertEqual(self.masctl("--redis", here, "state", "get", "a", env={"MAS_REDIS_URL": nowhere}).returncode, OK)
        done = self.masctl("state", "get", "a", "--redis", nowhere)
        self.assertEqual(done.returncode, UNREACHABLE)
        self.assertIn("nowhere.sock", done.stderr)
        self.assertIn("--redis", done.stderr)

    def test_an_empty_url_is_a_wrong_one(self):
        for flag in (("--redis", ""), ("--redis=",)):
            done = self.masctl("agents", "list", *flag, env={"MAS_REDIS_URL": self.redis.url()})
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertIn("--redis", done.stderr)

    @for_each(("agents", "list"), ("doctor",), ("events",), ("send", "--as", "a", "b", "t"),
              ("request", "--as", "a", "b", "t"), ("listen", "x"), ("bench", "p2p"), ("bench", "discover"))
    def test_every_command_says_when_redis_is_not_there(self, args):
        done = self.masctl(*args, "--redis", f"unix://{self.dir}/nowhere.sock", "--timeout", "1")
        self.assertIn(done.returncode, (UNREACHABLE, TIMED_OUT) if args[0] in ("listen", "bench") else (UNREACHABLE,),
                      done.stderr)

    def test_a_wrong_password_is_refused_and_not_repeated(self):
        self.secrets = ("hunter2",)
        redis = self.start_redis("locked", requirepass="right")
        url = redis.url().replace("unix://", "unix://:hunter2@").replace("right", "hunter2")
        done = self.masctl("agents", "list", "--redis", url)
        self.assertEqual(done.returncode, UNREACHABLE, done.stderr)

    def test_a_namespace_sees_its_own_only(self):
        listener = self.process("masctl", "listen", "lis", "--namespace", "blue", "--redis", self.redis.url()).start()
        poll_until(lambda: self.redis.cmd("EXISTS", "blue/agent:lis") == 1, what="it is registered")
        self.assertEqual([a["id"] for a in self.json("--namespace", "blue", "agents", "list")["agents"]], ["lis"])
        self.assertEqual(self.json("agents", "list")["agents"], [])
        self.assertEqual(listener.stop(), OK)

    @for_each(("frob",), ("agents",), (), ("agents", "list", "--frob"), ("--timeout", "0", "doctor"),
              ("--timeout", "x", "doctor"), ("--namespace", "a b", "doctor"), ("--redis", "http://x", "doctor"),
              ("state", "set", "a"), ("completion", "tcsh"), ("bench", "p2p", "--payload", "3"))
    def test_a_wrong_command_line_is_a_usage_error(self, args):
        done = self.masctl(*args, env={"MAS_REDIS_URL": self.redis.url()})
        self.assertEqual(done.returncode, USAGE, done.stdout + done.stderr)
        self.assertTrue(done.stderr)

    def test_help_and_version(self):
        self.assertIn("Exit codes", self.masctl("--help").stdout)
        self.assertRegex(self.masctl("--version").stdout, r"^masctl \d+\.\d+\.\d+")


if __name__ == "__main__":
    main()
