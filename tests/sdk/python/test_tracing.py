"""Tracing without OpenTelemetry: a trace goes on through handlers, each task with its own context."""

import asyncio
import json

from case import AgentCase, eventually, main, mas, poll_until
from harness.gateway_case import QUICK
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


if __name__ == "__main__":
    main()
