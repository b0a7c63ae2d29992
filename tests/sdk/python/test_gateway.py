"""Gateway mode with a real mas-gatewayd: outcomes, requests and replies, identities, and what a refusal says."""

import asyncio
import json
from unittest import mock

from case import AgentCase, eventually, main, mas, poll_until
from harness.gateway_case import QUICK
from mas import Agent
from mas.gateway import GatewayService
from mas.gateway.config import FeaturesSettings, GatewaySettings, RateLimitSettings

CARD = "4111 1111 1111 1111"


class Worker(Agent):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.got = []

    @Agent.on("ask")
    async def on_ask(self, message, payload):
        await message.reply("answer", {"n": 2 * message.data["n"]})
        await self.update_state({"answered": message.data["n"]})

    @Agent.on("consult")
    async def on_consult(self, message, payload):
        second = await self.request("specialist", "ask", {"n": message.data["n"]}, timeout=20)
        await message.reply("merged", {"n": 1 + second.data["n"]})

    async def on_message(self, message):
        self.got.append(message)


class Doubting(Worker):
    """Sends again what is in doubt."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.doubted = []

    async def on_doubt(self, message_ids, forgotten):
        self.doubted += message_ids
        for message_id in message_ids:
            await self.send_again(message_id, "bob", "note", {"again": True})


class GatewayTest(AgentCase):
    config = {}

    def setUp(self):
        super().setUp()
        self.gateway = self.start_daemon("mas-gatewayd", self.redis, {**QUICK, **self.config})
        poll_until(lambda: self.gateway.ready()[1].get("deciding"), 10, "the gateway has fenced partitions")

    def worker(self, agent_id, **options):
        return self.start(Worker, agent_id, use_gateway=True, **options)

    def lose_accepted_messages(self):
        """The gateway does not know them any more, as after a Redis that lost data."""
        self.redis.cmd("DEL", *(f"mas.sender:{{{p}}}" for p in range(16)))
        self.redis.cmd("CLIENT", "KILL", "TYPE", "normal")

    def allow(self, first, second):
        done = self.masctl("acl", "allow-bidirectional", first, second, redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)


class MessagesTest(GatewayTest):
    async def test_messages_arrive_in_order(self):
        alice, bob = await self.worker("alice"), await self.worker("bob")
        for n in range(100):
            await alice.send("bob", "note", {"n": n})
        await eventually(lambda: len(bob.got) == 100)
        self.assertEqual([message.data["n"] for message in bob.got], list(range(100)))
        self.assertEqual(alice.stats()["sent"], 100)

    async def test_many_at_once(self):
        alice, bob = await self.worker("alice"), await self.worker("bob")
        await asyncio.gather(*(alice.send("bob", "note", {"n": n}) for n in range(500)))
        await eventually(lambda: len(bob.got) == 500)
        self.assertEqual([message.data["n"] for message in bob.got], list(range(500)))

    async def test_accepted_messages_that_redis_lost_are_in_doubt(self):
        alice, bob = await self.start(Doubting, "alice", use_gateway=True), await self.worker("bob")
        ids = [await alice.send("bob", "note", {"n": n}) for n in range(3)]
        await eventually(lambda: len(bob.got) == 3)
        self.lose_accepted_messages()
        await eventually(lambda: len(bob.got) == 6)
        self.assertEqual(alice.doubted, ids)
        self.assertEqual([message.message_id for message in bob.got[3:]], ids)
        self.assertEqual(alice.stats()["in_doubt"], 3)

    async def test_a_stop_tells_what_is_in_doubt(self):
        """The loop does not turn between the loss and the stop."""
        outer = self

        class Leaving(Worker):
            async def on_stop(self):
                outer.lose_accepted_messages()
                poll_until(lambda: self.stats()["in_doubt"] == 3, 10, "the library knows")

            async def on_doubt(self, message_ids, forgotten):
                await asyncio.sleep(0.1)  # as one that writes them down
                self.doubted = message_ids, forgotten
                await self.send_again(message_ids[0], "bob", "note", {})

        alice = await self.start(Leaving, "alice", use_gateway=True)
        await self.worker("bob")
        ids = [await alice.send("bob", "note", {"n": n}) for n in range(3)]
        with self.assertLogs("mas.agent", "ERROR") as logged:
            await alice.stop()
        self.assertEqual(alice.doubted, (ids, 0))
        self.assertIn("AgentStateError", "".join(logged.output))  # it cannot send any more
        self.assertFalse(alice._running)

    async def test_a_hook_that_does_not_end_does_not_hold_up_a_stop(self):
        outer = self

        class Stuck(Worker):
            async def on_stop(self):
                outer.lose_accepted_messages()
                poll_until(lambda: self.stats()["in_doubt"] == 1, 10, "the library knows")

            async def on_doubt(self, message_ids, forgotten):
                try:
                    await self.stop()  # waits for this hook
                except asyncio.CancelledError:
                    self.got.append("cancelled")
                    raise

        alice = await self.start(Stuck, "alice", use_gateway=True)
        await self.worker("bob")
        await alice.send("bob", "note", {})
        with mock.patch("mas._dispatch.LAST_HOOKS_S", 0.5):
            await asyncio.wait_for(alice.stop(), 20)
        self.assertEqual((alice.got, alice._running), (["cancelled"], False))

    async def test_what_is_in_doubt_when_the_loop_was_closed_is_logged(self):
        await self.worker("bob")
        alice = Worker("alice", redis_url=self.url, use_gateway=True)

        def send_in_a_loop_of_its_own():
            async def send():
                await alice.start()
                return await alice.send("bob", "note", {})

            return asyncio.run(send())

        message_id = await asyncio.to_thread(send_in_a_loop_of_its_own)
        self.lose_accepted_messages()
        native = alice._mas_session.native
        await eventually(lambda: native.stats()["in_doubt"] == 1)
        with self.assertLogs("mas.agent", "WARNING") as logged:
            await alice.stop()
        self.assertIn(message_id, "".join(logged.output))

    async def test_a_message_is_sent_again_twice_at_once(self):
        alice, bob = await self.worker("alice"), await self.worker("bob")
        message_id = await alice.send("bob", "note", {})
        self.gateway.pause()
        sends = [asyncio.create_task(alice.send_again(message_id, "bob", "note", {})) for _ in range(3)]
        await asyncio.sleep(0)  # all are sent, and wait for their receipts
        sends.pop().cancel()
        self.gateway.resume()
        await asyncio.wait_for(asyncio.gather(*sends), 20)
        await eventually(lambda: bob.got)
        self.assertEqual({message.message_id for message in bob.got}, {message_id})
        self.assertEqual(alice._mas_session._receipts, {})

    async def test_request_reply_and_a_request_from_a_handler(self):
        patient, doctor = await self.worker("patient"), await self.worker("doctor")
        specialist = await self.worker("specialist")
        reply = await patient.request("doctor", "ask", {"n": 4}, timeout=20)
        self.assertEqual((reply.sender_id, reply.data, reply.is_reply), ("doctor", {"n": 8}, True))
        self.assertEqual(doctor.state, {"answered": 4})
        replies = await asyncio.gather(*(patient.request("doctor", "consult", {"n": n}, timeout=20) for n in range(20)))
        self.assertEqual([reply.data["n"] for reply in replies], [1 + 2 * n for n in range(20)])
        self.assertIn("answered", specialist.state)

    async def test_a_target_that_is_away_gets_it_later(self):
        alice, bob = await self.worker("alice"), await self.worker("bob")
        await bob.stop()
        await alice.send("bob", "note", {"n": 1})
        await bob.start()
        await eventually(lambda: bob.got)
        self.assertEqual(bob.got[0].data, {"n": 1})

    async def test_no_such_target(self):
        alice = await self.worker("alice")
        for call in (alice.send("nobody", "note", {}), alice.request("nobody", "note", {}, timeout=20)):
            error = await self.assert_refuses(mas.GatewayRefusedError, "TARGET_NOT_FOUND", call)
            self.assertEqual((error.decision, error.status), ("TARGET_NOT_FOUND", "TARGET_NOT_FOUND"))

    async def test_blocked_content(self):
        alice, bob = await self.worker("alice"), await self.worker("bob")
        error = await self.assert_refuses(RuntimeError, "Gateway rejected message: DLP_BLOCKED", alice.send(
            "bob", "note", {"text": f"card {CARD}"}))
        self.assertIn("credit_card", str(error))
        self.assertNotIn("4111", str(error))
        self.assertFalse(error.retriable)
        await alice.send("bob", "note", {"text": "harmless"})
        await eventually(lambda: bob.got)
        self.assertEqual([message.data for message in bob.got], [{"text": "harmless"}])

    async def test_the_lists_of_an_agent(self):
        self.allow("alice", "bob")
        alice, bob = await self.worker("alice"), await self.worker("bob")
        await self.worker("carol")
        await alice.send("bob", "note", {})
        await bob.send("alice", "note", {})
        error = await self.assert_refuses(mas.GatewayRefusedError, "AUTHZ_DENIED", alice.send("carol", "note", {}))
        self.assertEqual(error.decision, "AUTHZ_DENIED")

    async def test_a_cancelled_send_is_delivered_all_the_same(self):
        alice, bob = await self.worker("alice"), await self.worker("bob")
        self.gateway.pause()
        sending = asyncio.create_task(alice.send("bob", "note", {"n": 1}))
        await eventually(lambda: alice._mas_session._receipts)
        self.assertFalse(sending.done())
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        self.gateway.resume()
        await eventually(lambda: bob.got)
        self.assertEqual(alice._mas_session._receipts, {})

    async def test_stop_ends_what_waits_for_a_receipt(self):
        alice = await self.worker("alice")
        await self.worker("bob")
        self.gateway.pause()
        sending = asyncio.create_task(alice.send("bob", "note", {"n": 1}))
        await eventually(lambda: alice._mas_session._receipts)
        await alice.stop()
        error = await self.assert_refuses(mas.MASError, "", sending)
        self.assertIn(error.status, ("TIMEOUT", "CANCELLED"))
        self.gateway.resume()

    async def test_an_aclose_that_is_cancelled_leaves_the_agent_at_work(self):
        class Busy(Worker):
            @Agent.on("work")
            async def on_work(self, message, payload):
                self.got.append(message)
                await self.may_end.wait()

        alice, bob = await self.worker("alice"), await self.start(Busy, "bob", use_gateway=True)
        bob.may_end = asyncio.Event()
        await alice.send("bob", "work", {})
        await eventually(lambda: bob.got)
        closing = asyncio.create_task(bob.aclose())
        await eventually(lambda: bob._mas_session.native.refusing)
        await alice.send("bob", "note", {"n": 1})  # refused, and delivered again later
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        self.assertTrue(closing.cancelled())
        await alice.send("bob", "note", {"n": 2})
        await eventually(lambda: len(bob.got) == 3, 30)
        self.assertEqual(sorted(message.data["n"] for message in bob.got[1:]), [1, 2])
        bob.may_end.set()
        await bob.aclose()
        self.assertFalse(bob._running)
        self.assertEqual(self.redis.scan("agent:bob"), [])

    async def test_a_gateway_object_is_not_needed(self):
        alice = await self.worker("alice", gateway_url=self.url)
        alice.set_gateway(object())
        await alice.send("alice", "note", {})
        await eventually(lambda: alice.got)


class Doctor(Worker):
    """Drafts, asks the specialist, and merges; goes on alone where the specialist does not answer in time."""

    patience = 20.0

    @Agent.on("consultation_request")
    async def on_request(self, message, payload):
        draft = f"draft about {message.data['concern']}"
        try:
            response = await self.request("specialist", "specialist_consultation", {"draft": draft},
                                          timeout=self.patience)
            advice = response.data["advice"]
        except asyncio.TimeoutError:
            advice = "the specialist did not answer"
        await self.send(message.sender_id, "consultation_response", {"text": f"{draft}; {advice}"})


class Specialist(Worker):
    silent = False

    @Agent.on("specialist_consultation")
    async def on_consultation(self, message, payload):
        if not self.silent:
            await message.reply("specialist_response", {"advice": f"agreed: {message.data['draft']}"})


class ServiceTest(AgentCase):
    """A program of the original framework that brings its own gateway: rules, a consultation, a report."""

    def settings(self, **features):
        return GatewaySettings(rate_limit=RateLimitSettings(per_minute=100, per_hour=1000), features=FeaturesSettings(
            dlp=True, priority_queue=False, rbac=False, message_signing=False, circuit_breaker=True, **features))

    async def test_a_consultation(self):
        gateway = GatewayService(self.url, self.settings())
        self.assertFalse(gateway._running)
        await gateway.start()
        self.addAsyncCleanup(gateway.stop)
        auth = gateway.auth_manager()
        await auth.allow_bidirectional("patient", "doctor")
        await auth.allow_bidirectional("doctor", "specialist")
        agents = [kind(name, redis_url=self.url, use_gateway=True) for kind, name in (
            (Specialist, "specialist"), (Doctor, "doctor"), (Worker, "patient"))]
        for agent in agents:
            agent.set_gateway(gateway)
            await agent.start()
            self.addAsyncCleanup(agent.stop)
        specialist, doctor, patient = agents
        await patient.send("doctor", "consultation_request", {"concern": "headache"})
        await eventually(lambda: len(patient.got) == 1)
        specialist.silent, doctor.patience = True, 0.3
        await patient.send("doctor", "consultation_request", {"concern": "cough"})
        await eventually(lambda: len(patient.got) == 2)
        self.assertEqual([message.data["text"] for message in patient.got], [
            "draft about headache; agreed: draft about headache", "draft about cough; the specialist did not answer"])
        await self.assert_refuses(RuntimeError, "Gateway rejected message: AUTHZ_DENIED -", patient.send(
            "specialist", "note", {}))
        await self.assert_refuses(RuntimeError, "Gateway rejected message: DLP_BLOCKED - the payload", patient.send(
            "doctor", "note", {"text": f"card {CARD}"}))
        await self.check_report(gateway)
        await gateway.stop()
        await gateway.stop()
        self.assertFalse(gateway._running)

    async def check_report(self, gateway):
        self.assertTrue(gateway._running)
        self.assertEqual(await gateway._audit.get_stats(), {"total_messages": 9, "security_events": 2})
        entries = await gateway._audit.query_all(count=1000)
        self.assertEqual([(entry["decision"], entry["violations"]) for entry in entries[:2]],
                         [("DLP_BLOCKED", ["credit_card"]), ("AUTHZ_DENIED", [])])
        self.assertEqual({(entry["sender_id"], entry["target_id"]) for entry in entries[2:]}, {
            ("patient", "doctor"), ("doctor", "specialist"), ("specialist", "doctor"), ("doctor", "patient")})
        self.assertEqual(entries, sorted(entries, key=lambda entry: -entry["timestamp"]))
        events = await gateway._audit.query_security_events(count=1)
        self.assertEqual([(event["event_type"], event["details"]["sender_id"]) for event in events],
                         [("DLP_BLOCKED", "patient")])

    async def test_other_rules(self):
        auth = GatewayService(self.url).auth_manager()
        await auth.allow("a", ["b", "team*"])
        await auth.block("a", ["c"])
        await auth.allow_network(["x", "y", "z"])
        await auth.allow_network(agents=["p", "q", "r"], bidirectional=False)
        await auth.allow_broadcast("s", ["t", "u"])
        await auth.allow_wildcard("w")
        allowed = {name: sorted(self.redis.cmd("SMEMBERS", f"agent:{name}:allowed_targets")) for name in "axstwpqr"}
        self.assertEqual(allowed, {"a": ["b", "team*"], "x": ["y", "z"], "s": ["t", "u"], "t": [], "w": ["*"],
                                   "p": ["q"], "q": ["r"], "r": []})
        self.assertEqual(self.redis.cmd("SMEMBERS", "agent:a:blocked_targets"), ["c"])
        await self.assert_refuses(mas.MASError, "masctl acl allow", auth.allow("not an id", ["b"]).apply())

    async def test_rules_in_a_chain(self):
        auth = GatewayService(self.url).auth_manager()
        chain = auth.allow("a", "bob").block("a", "mallory").create_role("nurse", "cares", ["send:patient*"])
        self.assertEqual(self.redis.scan("agent:a:*"), [])  # nothing is set before it is applied
        await chain.assign_role("a", "nurse").apply()
        await auth.apply()  # nothing is left
        self.assertEqual(await auth.get_summary("a"), {
            "agent_id": "a", "acl": {"allowed": ["bob"], "blocked": ["mallory"]}, "roles": ["nurse"],
            "role_permissions": {"nurse": ["send:patient*"]}})
        self.assertEqual((await auth.get_summary("nobody"))["acl"], {"allowed": [], "blocked": []})
        for _ in range(2):  # a program may be run again, with other permissions, too
            await auth.create_role("nurse", permissions=["send:doctor", "send:patient*"])
        self.assertEqual((await auth.get_summary("a"))["role_permissions"], {"nurse": ["send:doctor", "send:patient*"]})
        with self.assertRaisesRegex(ValueError, "no permissions"):
            auth.create_role("idle")
        await self.assert_refuses(mas.MASError, "read:", auth.create_role("viewer", permissions=["read:*"]).apply())
        await self.assert_refuses(mas.MASError, "no role 'none'", auth.allow("a", "ann").assign_role(
            "a", "none").allow("a", "eve").apply())
        self.assertEqual((await auth.get_summary("a"))["acl"]["allowed"], ["ann", "bob"])

    def test_settings(self):
        self.assertEqual(GatewaySettings().environment(), {})
        self.assertEqual(self.settings().environment(),
                         {"PRIORITY_MODE": "off", "LIMITS_PER_MINUTE": "100", "LIMITS_PER_HOUR": "1000"})
        self.assertEqual(GatewaySettings(rate_limit=RateLimitSettings(enabled=False, per_minute=5)).environment(),
                         {"LIMITS_MODE": "off"})
        with self.assertRaisesRegex(ValueError, "credentials"):
            GatewaySettings(features=FeaturesSettings(message_signing=True)).environment()


class LimitsTest(GatewayTest):
    config = {"limits": {"per_minute": 3}}

    async def test_the_time_to_wait(self):
        alice = await self.worker("alice")
        await self.worker("bob")
        for _ in range(3):
            await alice.send("bob", "note", {})
        error = await self.assert_refuses(mas.GatewayRefusedError, "RATE_LIMITED", alice.send("bob", "note", {}))
        self.assertTrue(error.retriable)
        self.assertTrue(0 < error.retry_after <= 60, error.retry_after)


class WithoutGatewayTest(AgentCase):
    async def test_a_message_that_nobody_decides_about_is_worth_a_warning(self):
        with mock.patch("mas._session.RECEIPT_S", 0.3), self.assertLogs("mas.agent", "WARNING") as logs:
            alice = await self.start(Worker, "alice", use_gateway=True)
            sends = [asyncio.create_task(alice.send("alice", "note", {"n": n})) for n in range(3)]
            await eventually(lambda: logs.output)
            self.start_daemon("mas-gatewayd", self.redis, QUICK)
            await asyncio.wait_for(asyncio.gather(*sends), 30)
        self.assertEqual(len(logs.output), 1, logs.output)
        self.assertIn("alice: no gateway has decided about a message for 0.3 s", logs.output[0])


class IdentityTest(GatewayTest):
    config = {"auth": {"registry_tokens": False}}

    async def test_credentials(self):
        path = self.dir / "alice.toml"
        done = self.masctl("identity", "create", "alice", "--no-key", "--out", path, redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        alice, bob = await self.worker("alice", credentials=path), await self.worker("bob")
        await alice.send("bob", "note", {"n": 1})
        await eventually(lambda: bob.got)
        error = await self.assert_refuses(mas.MASError, "AUTH_FAILED", bob.send("alice", "note", {}))
        self.assertEqual(error.status, "AUTH_FAILED")

    async def test_a_credentials_file_that_is_not_there(self):
        await self.assert_refuses(mas.MASError, "nowhere.toml", Agent(
            "alice", redis_url=self.url, use_gateway=True, credentials=self.dir / "nowhere.toml").start())


class EnrolledTest(AgentCase):
    """Agents that have a credentials file and nothing else: no URL, no environment."""

    async def enrolled(self, agent_id, **options):
        path = self.dir / f"{agent_id}.toml"
        done = self.masctl("enroll", agent_id, "--mode", "p2p", "--out", path, redis=self.redis)
        self.assertEqual(done.returncode, 0, done.stderr)
        return Worker(agent_id, credentials=path, **options)

    async def test_agents_find_redis_and_log_in_by_their_files(self):
        self.start_daemon("mas-registryd", self.redis, QUICK)
        with mock.patch.dict("os.environ", {"MAS_REDIS_URL": "redis://nowhere.invalid:1"}):
            alice, bob = await self.enrolled("alice"), await self.enrolled("bob")
            for agent in (alice, bob):
                await agent.start()
                self.addAsyncCleanup(agent.stop)
        self.assertEqual((await alice.request("bob", "ask", {"n": 4}, timeout=20)).data, {"n": 8})
        self.assertIn("user=agent.alice", self.redis.cmd("CLIENT", "LIST"))

    async def test_a_url_that_is_asked_for_overrides_the_file_s(self):
        alice = await self.enrolled("alice", redis_url="redis://nowhere.invalid:1")
        await self.assert_refuses(mas.MASError, "nowhere.invalid", asyncio.wait_for(alice.start(), 60))


class AuditTest(GatewayTest):
    async def test_every_message_is_in_the_record(self):
        alice = await self.worker("alice")
        await self.worker("bob")
        for n in range(5):
            await alice.send("bob", "note", {"n": n})
        done = self.masctl("audit", "query", "--json", redis=self.redis)
        records = json.loads(done.stdout)["records"]
        self.assertEqual([(record["sender"], record["target"], record["decision"]) for record in records],
                         [("alice", "bob", "ALLOWED")] * 5)


if __name__ == "__main__":
    main()
