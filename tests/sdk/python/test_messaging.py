"""Messages, discovery and handlers, as programs of the original framework use them."""

import asyncio
import dataclasses

from case import AgentCase, eventually, main, mas, needs_pydantic
from mas import Agent, AgentMessage, MessageMeta


class Collector(Agent):
    """Keeps what reaches on_message."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.got = []

    async def on_message(self, message):
        self.got.append(message)


class SendTest(AgentCase):
    async def asyncSetUp(self):
        self.alice = await self.start(Collector, "alice", capabilities=["chat"])
        self.bob = await self.start(Collector, "bob", capabilities=["chat", "math"])

    async def test_a_message(self):
        await self.alice.send("bob", "greeting", {"text": "hello", "n": 1})
        await eventually(lambda: self.bob.got)
        message = self.bob.got[0]
        self.assertIsInstance(message, AgentMessage)
        self.assertEqual((message.sender_id, message.target_id, message.message_type), ("alice", "bob", "greeting"))
        self.assertEqual(message.data, {"text": "hello", "n": 1})
        self.assertIs(message.payload, message.data)
        self.assertEqual((message.expects_reply, message.is_reply), (False, False))
        self.assertEqual(message.meta, MessageMeta(1, None, False, False))
        self.assertGreater(message.timestamp, 1.7e9)
        self.assertTrue(message.message_id)
        self.assertEqual(AgentMessage.model_validate_json(message.model_dump_json()), message)
        self.assertEqual(message.model_dump(include={"data", "target_id"}, exclude={"data"}, mode="json"),
                         {"target_id": "bob"})
        self.assertNotIn("hello", message.model_dump_json(exclude={"data"}))

    async def test_messages_in_order(self):
        for i in range(300):
            await self.alice.send("bob", "count", {"i": i})
        await eventually(lambda: len(self.bob.got) == 300)
        self.assertEqual([message.data["i"] for message in self.bob.got], list(range(300)))

    async def test_both_ways_and_to_itself(self):
        await self.alice.send("bob", "a", {})
        await self.bob.send("alice", "b", {})
        await self.bob.send("bob", "c", {})
        await eventually(lambda: len(self.bob.got) == 2 and self.alice.got)
        self.assertEqual(sorted(message.message_type for message in self.bob.got), ["a", "c"])

    async def test_nobody_listens(self):
        await self.alice.send("nobody", "x", {})

    async def test_send_again_returns_when_the_message_is_queued(self):
        message_id = "01890a5d-ac96-774b-bcce-b302099a8057"
        await asyncio.wait_for(self.alice.send_again(message_id, "bob", "note", {"n": 1}), 10)
        await asyncio.wait_for(self.alice.send_again(message_id, "nobody", "note", {}), 10)
        await eventually(lambda: self.bob.got)
        self.assertEqual((self.bob.got[0].message_id, self.bob.got[0].data), (message_id, {"n": 1}))

    async def test_data_that_cannot_be_sent(self):
        await self.assert_refuses(TypeError, "expected a mapping", self.alice.send("bob", "x", [1]))
        await self.assert_refuses(TypeError, "expected a mapping", self.alice.send("bob", "x", None))
        await self.assert_refuses(mas.PayloadError, "a key is int", self.alice.send("bob", "x", {1: 2}))
        await self.assert_refuses(mas.PayloadError, "JSON", self.alice.send("bob", "x", {"f": object()}))
        await self.assert_refuses(TypeError, "target_id", self.alice.send(None, "x", {}))
        await self.assert_refuses(TypeError, "message_type", self.alice.send("bob", None, {}))
        await self.assert_refuses(ValueError, "type", self.alice.send("bob", "", {}))
        await self.assert_refuses(mas.InvalidArgumentError, "1048576",
                                  self.alice.send("bob", "x", {"t": "x" * (1 << 20)}))
        await self.alice.send("bob", "last", {})
        await eventually(lambda: self.bob.got)
        self.assertEqual(self.bob.got[0].message_type, "last")

    async def test_a_peer_of_the_framework(self):
        peer = self.start_agent(self.redis, "peer", ["python"])
        peer.on("add", lambda data: ("sum", {"sum": data["a"] + data["b"]}))
        reply = await self.alice.request("peer", "add", {"a": 1, "b": 2}, timeout=5)
        self.assertEqual((reply.message_type, reply.data, reply.is_reply), ("sum", {"sum": 3}, True))
        answer = asyncio.create_task(asyncio.to_thread(peer.send, "bob", "note", {"text": "ß\u2028"}))
        await eventually(lambda: self.bob.got)
        self.assertEqual(self.bob.got[0].data, {"text": "ß\u2028"})
        self.assertEqual(await answer, 1)
        self.assertEqual(peer.rejected, [])

    async def test_a_number_of_more_digits_than_python_reads(self):
        envelope = ('{"sender_id":"x","target_id":"bob","message_type":"m","data":{"n":' + "9" * 5000 + '},"meta":{},'
                    '"timestamp":1.0,"message_id":"1"}')
        with self.assertLogs("mas.agent", "ERROR") as logs:
            self.redis.cmd("PUBLISH", "agent.bob", envelope)
            await self.alice.send("bob", "next", {})
            await eventually(lambda: self.bob.got)
        self.assertEqual([message.message_type for message in self.bob.got], ["next"])
        self.assertIn("could not be read", logs.output[0])
        self.assertEqual(self.bob.stats()["handler_failed"], 1)


class DiscoverTest(AgentCase):
    async def test_by_capability(self):
        class Described(Agent):
            def get_metadata(self):
                return {"model": "m1", "tags": ["a", None]}

        a = await self.start(Agent, "a", ["chat"])
        await self.start(Described, "b", capabilities=["chat", "math"])
        await self.start(Agent, "c")
        self.assertEqual(await a.discover(["math"]), [
            {"id": "b", "capabilities": ["chat", "math"], "metadata": {"model": "m1", "tags": ["a", None]}}])
        self.assertEqual({found["id"] for found in await a.discover(["chat", "none"])}, {"a", "b"})
        self.assertEqual({found["id"] for found in await a.discover()}, {"a", "b", "c"})
        self.assertEqual(await a.discover([]), await a.discover(None))
        self.assertEqual(await a.discover(["nothing"]), [])
        await self.assert_refuses(TypeError, "list of texts", a.discover("chat"))
        await self.assert_refuses(TypeError, "capability", a.discover([1]))

    async def test_keys_that_vanish(self):
        a = await self.start(Agent, "a", ["chat"])
        await self.start(Agent, "b", ["chat"])
        self.redis.cmd("DEL", "agent:b", "agent:b:heartbeat")
        self.assertEqual([found["id"] for found in await a.discover(["chat"])], ["a"])


@dataclasses.dataclass
class Greeting:
    name: str
    times: int = 1


class Typed(Collector):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.calls = []

    @Agent.on("greet", model=Greeting)
    async def on_greet(self, message, payload):
        self.calls.append(("greet", payload))
        if message.expects_reply:
            await message.reply("greeting", {"text": f"hello {payload.name}" * payload.times})

    @Agent.on("plain")
    async def on_plain(self, message, payload):
        self.calls.append(("plain", payload))

    @Agent.on("fails")
    async def on_fails(self, message, payload):
        raise LookupError("of the handler's own")


class Derived(Typed):
    async def on_plain(self, message, payload):
        self.calls.append(("derived plain", payload))

    @Agent.on("fails")
    async def on_fails_no_more(self, message, payload):
        self.calls.append(("fails no more", payload))


class DispatchTest(AgentCase):
    async def run_messages(self, kind, *messages):
        """What an agent's handlers were called with, and what fell back, once all messages are handled."""
        agent = await self.start(kind, "typed")
        sender = await self.start(Agent, "sender")
        for message_type, data in [*messages, ("end", {})]:
            await sender.send("typed", message_type, data)
        await eventually(lambda: agent.got and agent.got[-1].message_type == "end")
        return agent.calls, [message.message_type for message in agent.got[:-1]]

    async def test_handlers_and_the_fallback(self):
        calls, rest = await self.run_messages(Typed, ("greet", {"name": "x", "times": 2}), ("plain", {}), ("other", {}))
        self.assertEqual(calls, [("greet", Greeting("x", 2)), ("plain", None)])
        self.assertEqual(rest, ["other"])

    async def test_data_that_does_not_fit_reaches_nobody(self):
        with self.assertLogs("mas.agent", "ERROR") as logs:
            calls, rest = await self.run_messages(Typed, ("greet", {"name": 5}), ("greet", {"name": "good"}))
        self.assertEqual((calls, rest), ([("greet", Greeting("good"))], []))
        self.assertIn("name: expected text, found an integer", logs.output[0])

    async def test_a_handler_that_fails(self):
        with self.assertLogs("mas.agent", "ERROR") as logs:
            calls, _ = await self.run_messages(Typed, ("fails", {}), ("plain", {}))
        self.assertEqual(calls, [("plain", None)])
        self.assertIn("LookupError: of the handler's own", logs.output[0])

    async def test_handlers_are_inherited_and_overridden(self):
        calls, rest = await self.run_messages(Derived, ("greet", {"name": "x"}), ("plain", {}), ("fails", {}))
        self.assertEqual(calls, [("greet", Greeting("x")), ("derived plain", None), ("fails no more", None)])
        self.assertEqual(rest, [])

    async def test_handlers_belong_to_their_class(self):
        class Other(Collector):
            calls = ()

            @Agent.on("greet")
            async def other(self, message, payload):
                raise AssertionError("not this one")

        self.assertEqual(set(Other._mas_table), {"greet"})
        calls, _ = await self.run_messages(Typed, ("greet", {"name": "x"}))
        self.assertEqual(calls, [("greet", Greeting("x"))])

    @needs_pydantic
    async def test_a_pydantic_model(self):
        from pydantic import BaseModel

        class Payload(BaseModel):
            n: int

        class WithModel(Collector):
            calls = ()

            @Agent.on("n", model=Payload)
            async def on_n(self, message, payload):
                self.calls = [*self.calls, payload]

        with self.assertLogs("mas.agent", "ERROR") as logs:
            calls, _ = await self.run_messages(WithModel, ("n", {"n": "s3cret"}), ("n", {"n": 3}))
        self.assertEqual(calls, [Payload(n=3)])
        self.assertRegex(logs.output[0], "does not fit Payload: n: .*integer")
        self.assertNotIn("s3cret", "".join(logs.output))

    def test_wrong_decorators(self):
        for message_type, model in ((None, None), ("", None), (5, None), ("x", dict), ("x", "Model")):
            with self.subTest((message_type, model)), self.assertRaisesRegex(TypeError, "@Agent.on"):
                Agent.on(message_type, model=model)
        with self.assertRaisesRegex(TypeError, "decorates a method"):
            Agent.on("x")(5)
        with self.assertRaisesRegex(TypeError, r"'x'.*too many.*async def short\(self, message, payload\)"):
            @Agent.on("x")
            async def short(self, message): ...
        with self.assertRaisesRegex(TypeError, r"long: missing a required argument: 'more'"):
            @Agent.on("x")
            async def long(self, message, payload, more): ...

    def test_the_decorator_returns_the_function(self):
        async def handler(self, message, payload):
            pass
        self.assertIs(Agent.on("x")(handler), handler)


if __name__ == "__main__":
    main()
