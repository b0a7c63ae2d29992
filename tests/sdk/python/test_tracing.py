"""Tracing without OpenTelemetry: a trace goes on through handlers, each task with its own context."""

import asyncio
import json

from case import PACKAGE_DIR, AgentCase, ProgramCase, eventually, main, mas, poll_until
from harness.gateway_case import QUICK
from harness.resp import Resp
from mas import Agent, HandlerError, _tracing

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-11111111111111111111111111111111-2222222222222222-00"


class Relay(Agent):
    """Sends on, and replies."""

    @Agent.on("relay")
    async def relay(self, message, _payload):
        await asyncio.sleep(message.data.get("pause", 0))
        await self.send("sink", "relayed", {})
        if message.expects_reply:
            await message.reply("done", {})


class Sink(Agent):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.traces = []

    async def on_message(self, message):
        self.traces.append(message._trace)


def context(traceparent, tracestate=None):
    return traceparent.encode(), tracestate.encode() if tracestate else None


class TracingTest(AgentCase):
    async def asyncSetUp(self):
        self.assertIsNone(_tracing._otel)
        self.sink = await self.start(Sink, "sink")
        self.relay = await self.start(Relay, "relay")

    def publish(self, meta, data=None):
        self.redis.cmd("PUBLISH", "agent.relay", json.dumps({
            "sender_id": "x", "target_id": "relay", "message_type": "relay", "data": data or {}, "meta": meta}))

    async def relayed(self, meta):
        self.sink.traces.clear()
        self.publish(meta)
        await eventually(lambda: self.sink.traces)
        return self.sink.traces[0]

    async def test_a_handler_passes_the_context_on(self):
        self.assertEqual(await self.relayed({"traceparent": TRACE, "tracestate": "a=b"}), context(TRACE, "a=b"))
        self.assertEqual(await self.relayed({"traceparent": TRACE}), context(TRACE))
        self.assertIsNone(await self.relayed({}))
        self.assertIsNone(await self.relayed({"traceparent": None}))

    async def test_what_is_invalid_is_left_out(self):
        self.assertEqual(await self.relayed({"traceparent": TRACE, "tracestate": "no list"}), context(TRACE))
        self.assertIsNone(await self.relayed({"traceparent": "00-t", "tracestate": "a=b"}))

    async def test_handlers_that_overlap_have_their_own(self):
        for number in range(20):
            self.publish({"traceparent": OTHER if number % 2 else TRACE}, {"pause": 0.05 if number < 10 else 0})
        await eventually(lambda: len(self.sink.traces) == 20)
        self.assertEqual(sorted(self.sink.traces), sorted([context(TRACE), context(OTHER)] * 10))
        await self.relay.send("sink", "outside", {})
        await eventually(lambda: len(self.sink.traces) == 21)
        self.assertIsNone(self.sink.traces[20])

    async def test_what_has_no_handler_is_answered_in_its_own_context(self):
        before = _tracing._handled.set(context(OTHER))
        await self.start(Relay, "late")
        _tracing._handled.reset(before)
        for meta, expected in (({"traceparent": TRACE}, TRACE), ({}, None)):
            with Resp(self.redis.url()) as listener:
                listener.subscribe("agent.x")
                self.redis.cmd("PUBLISH", "agent.late", json.dumps({
                    "sender_id": "x", "target_id": "late", "message_type": "unknown", "data": {},
                    "meta": {"correlation_id": "c1", "expects_reply": True, **meta}}))
                _channel, reply = await asyncio.to_thread(listener.message)
            self.assertEqual(json.loads(reply)["meta"].get("traceparent"), expected)

    async def test_replies_carry_the_context_of_the_request(self):
        self.assertIsNone((await self.sink.request("relay", "relay", {}, 10))._trace)
        _tracing._handled.set(context(TRACE, "a=b"))
        reply = await self.sink.request("relay", "relay", {}, 10)
        self.assertEqual(reply._trace, context(TRACE, "a=b"))


class Failing(Agent):
    """Fails each message once, or for good."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.attempts = []

    @Agent.on("once")
    async def once(self, message, _payload):
        self.attempts.append(message._trace)
        if len(self.attempts) == 1:
            raise HandlerError("not yet")
        await message.reply("done", {})

    @Agent.on("never")
    async def never(self, message, _payload):
        self.attempts.append(message._trace)
        raise HandlerError("not at all")


class GatewayTest(AgentCase):
    def setUp(self):
        super().setUp()
        config = {**QUICK, "retry": {"attempts": 2, "base": "100ms", "cap": "200ms"}}
        gateway = self.start_daemon("mas-gatewayd", self.redis, config)
        poll_until(lambda: gateway.ready()[1].get("deciding"), 10, "the gateway has fenced partitions")

    async def test_a_message_that_comes_again_has_its_context(self):
        alice = await self.start(Agent, "alice", use_gateway=True)
        bob = await self.start(Failing, "bob", use_gateway=True)
        _tracing._handled.set(context(TRACE, "a=b"))
        reply = await alice.request("bob", "once", {}, 20)
        self.assertEqual(bob.attempts, [context(TRACE, "a=b")] * 2)
        self.assertEqual(reply._trace, context(TRACE, "a=b"))
        bob.attempts.clear()
        await self.assert_refuses(mas.RequestFailedError, "not at all", alice.request("bob", "never", {}, 20))
        self.assertEqual(bob.attempts, [context(TRACE, "a=b")] * 2)


class BrokenTest(ProgramCase):
    """An OpenTelemetry that cannot be used does not keep the package from being imported."""

    def import_with(self, trace):
        root = self.dir / "broken"
        for name, text in (("__init__.py", ""), ("context.py", "class Context(dict): pass"),
                           ("trace/__init__.py", trace), ("trace/propagation/__init__.py", ""),
                           ("trace/propagation/tracecontext.py", "class TraceContextTextMapPropagator: pass")):
            path = root / "opentelemetry" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        result = self.python("-c", "import mas; print(mas._tracing._otel)",
                             env={"PYTHONPATH": f"{PACKAGE_DIR}:{root}"})
        self.assertEqual((result.returncode, result.stdout), (0, "None\n"), result.stderr)
        return result.stderr

    def test_an_old_one(self):
        self.assertIn("OpenTelemetry cannot be used: TypeError",
                      self.import_with("def get_tracer(name, version=None): pass"))

    def test_a_broken_one(self):
        self.assertIn("OpenTelemetry cannot be used: RuntimeError",
                      self.import_with("raise RuntimeError('no provider')"))

    def test_one_without_the_parts_that_are_needed(self):
        self.assertIn("OpenTelemetry cannot be used: AttributeError", self.import_with(""))


if __name__ == "__main__":
    main()
