"""Spans by OpenTelemetry's API: a stand-in for it, since Debian 12 has no package of it (stand_in/opentelemetry)."""

import asyncio
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "stand_in"))

from opentelemetry import trace  # noqa: E402

from case import AgentCase, eventually, main, mas  # noqa: E402
from harness.resp import Resp  # noqa: E402
from mas import Agent  # noqa: E402


class Oracle(Agent):
    @Agent.on("ask")
    async def ask(self, message, _payload):
        await asyncio.sleep(message.data.get("pause", 0))
        await self.send("journal", "asked", {})
        await message.reply("answer", {"text": "a secret"})

    @Agent.on("fail")
    async def fail(self, message, _payload):
        raise ValueError("a secret")


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class SpansTest(AgentCase):
    async def asyncSetUp(self):
        trace.finished.clear()
        self.client = await self.start(Agent, "client")
        self.oracle = await self.start(Oracle, "oracle")

    def span(self, name):
        found = [span for span in trace.finished if span.name == name]
        self.assertEqual(len(found), 1, [span.name for span in trace.finished])
        return found[0]

    async def test_a_trace_from_the_request_to_the_reply(self):
        reply = await self.client.request("oracle", "ask", {"n": "a secret"}, 10)
        await eventually(lambda: len(trace.finished) == 4)
        request, process = self.span("request oracle"), self.span("process oracle")
        send, back = self.span("send journal"), self.span("reply client")
        self.assertIsNone(request.parent)
        self.assertEqual(process.parent.span_id, request.context.span_id)
        self.assertEqual([span.parent.span_id for span in (send, back)], [process.context.span_id] * 2)
        self.assertEqual({span.context.trace_id for span in trace.finished}, {request.context.trace_id})
        kinds = trace.SpanKind
        self.assertEqual([span.kind for span in (request, process, send, back)],
                         [kinds.CLIENT, kinds.CONSUMER, kinds.PRODUCER, kinds.PRODUCER])
        self.assertEqual(reply._trace[0].decode(),
                         f"00-{back.context.trace_id:032x}-{back.context.span_id:016x}-01")
        self.assertNotIn("secret", repr([vars(span) for span in trace.finished]))

    async def test_attributes(self):
        await self.client.request("oracle", "ask", {}, 10)
        await eventually(lambda: len(trace.finished) == 4)
        request, process = self.span("request oracle"), self.span("process oracle")
        self.assertEqual(request.attributes, {
            "messaging.system": "mas", "messaging.operation.name": "request", "messaging.operation.type": "send",
            "messaging.destination.name": "oracle", "gen_ai.agent.id": "client", "gen_ai.agent.name": "client",
            "mas.peer": "oracle", "mas.message.type": "ask", "messaging.message.body.size": 2})
        self.assertEqual(process.attributes["messaging.operation.type"], "process")
        self.assertEqual(process.attributes["messaging.destination.name"], "oracle")
        self.assertEqual(process.attributes["mas.peer"], "client")
        asked = process.attributes["messaging.message.id"]
        self.assertEqual(process.attributes["messaging.message.conversation_id"], asked)
        self.assertEqual(self.span("reply client").attributes["messaging.message.conversation_id"], asked)
        self.assertEqual(len(self.span("send journal").attributes["messaging.message.id"]), 36)
        (arguments, named), = [tracer.made_with for tracer in trace.tracers]
        self.assertEqual((arguments[0], named), ("mas", {"schema_url": "https://opentelemetry.io/schemas/1.41.0"}))

    async def test_what_fails_says_so(self):
        await self.assert_refuses(mas.RequestFailedError, "ValueError", self.client.request("oracle", "fail", {}, 10))
        await self.assert_refuses(mas.NoReceiverError, "", self.client.request("nobody", "x", {}, 10))
        await eventually(lambda: len(trace.finished) == 3)
        for name, error in (("process oracle", "ValueError"), ("request oracle", "HANDLER_FAILED"),
                            ("request nobody", "NO_RECEIVER")):
            self.assertEqual(self.span(name).status.status_code, trace.StatusCode.ERROR)
            self.assertEqual(self.span(name).attributes["error.type"], error)
            self.assertIsNone(self.span(name).status.description)

    async def test_what_has_no_handler_belongs_to_the_trace_of_its_request(self):
        tracer = trace.get_tracer("the program")
        trace.tracers.pop()
        with tracer.start_as_current_span("starting", record_exception=False, set_status_on_exception=False):
            await self.start(Oracle, "late")
        with Resp(self.redis.url()) as listener:
            listener.subscribe("agent.x")
            self.redis.cmd("PUBLISH", "agent.late", json.dumps({
                "sender_id": "x", "target_id": "late", "message_type": "unknown", "data": {},
                "meta": {"correlation_id": "c1", "expects_reply": True, "traceparent": TRACE}}))
            _channel, reply = await asyncio.to_thread(listener.message)
        process = self.span("process late")
        self.assertEqual(f"{process.context.trace_id:032x}", TRACE[3:35])
        self.assertEqual(json.loads(reply)["meta"]["traceparent"],
                         f"{TRACE[:36]}{process.context.span_id:016x}-01")
        self.assertEqual(process.attributes["error.type"], "NO_HANDLER")

    async def test_each_task_has_its_own(self):
        await asyncio.gather(*(self.client.request("oracle", "ask", {"pause": 0.01 * (5 - n)}, 10) for n in range(5)))
        await eventually(lambda: len(trace.finished) == 20)
        traces = {}
        for span in trace.finished:
            traces.setdefault(span.context.trace_id, []).append(span.name)
        self.assertEqual([sorted(names) for names in traces.values()],
                         [["process oracle", "reply client", "request oracle", "send journal"]] * 5)

    async def test_a_span_of_the_program_is_the_parent(self):
        tracer = trace.get_tracer("the program")
        trace.tracers.pop()
        with tracer.start_as_current_span("work", record_exception=False, set_status_on_exception=False) as work:
            await self.client.send("nobody", "x", {})
        self.assertEqual(self.span("send nobody").parent.span_id, work.context.span_id)


class WithoutSdkTest(AgentCase):
    """OpenTelemetry's API alone makes no spans."""

    def setUp(self):
        super().setUp()
        trace.has_sdk = False
        self.addCleanup(setattr, trace, "has_sdk", True)
        trace.finished.clear()

    async def test_the_context_of_the_request_goes_on(self):
        client, _oracle = await self.start(Agent, "client"), await self.start(Oracle, "oracle")
        with Resp(self.redis.url()) as listener:
            listener.subscribe("agent.x", "agent.journal")
            self.redis.cmd("PUBLISH", "agent.oracle", json.dumps({
                "sender_id": "x", "target_id": "oracle", "message_type": "ask", "data": {},
                "meta": {"correlation_id": "c1", "expects_reply": True, "traceparent": TRACE, "tracestate": "a=b"}}))
            for _ in range(2):
                _channel, sent = await asyncio.to_thread(listener.message)
                meta = json.loads(sent)["meta"]
                self.assertEqual((meta["traceparent"], meta["tracestate"]), (TRACE, "a=b"))
        reply = await client.request("oracle", "ask", {}, 10)
        self.assertIsNone(reply._trace)
        self.assertEqual(trace.finished, [])


if __name__ == "__main__":
    main()
