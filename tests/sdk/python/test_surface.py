"""Programs as they are written for the original framework: with a service beside them, keys deleted under them, a
gateway that nobody uses, and everything at its default."""

import asyncio
import os

from case import AgentCase, eventually, main, needs_pydantic
from mas import Agent, AgentMessage, MASService
from mas.agent import Agent as SameAgent
from mas.agent import AgentMessage as SameMessage
from mas.gateway import GatewayService
from mas.gateway.config import FeaturesSettings, GatewaySettings


class Receiver(Agent):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.messages: list[AgentMessage] = []
        self.event = asyncio.Event()

    async def on_message(self, message: AgentMessage) -> None:
        self.messages.append(message)
        self.event.set()


class SurfaceCase(AgentCase):
    async def asyncSetUp(self):
        os.environ["MAS_REDIS_URL"] = self.url
        self.addCleanup(os.environ.pop, "MAS_REDIS_URL")
        self.service = MASService()
        await self.service.start()
        self.addAsyncCleanup(self.service.stop)

    def forget_agents(self):
        """As the framework's own tests do between two of them."""
        for key in [*self.redis.scan("agent:*"), *self.redis.scan("agent.state:*")]:
            self.redis.cmd("DEL", key)


class MessagingTest(SurfaceCase):
    def test_names(self):
        self.assertIs(SameAgent, Agent)
        self.assertIs(SameMessage, AgentMessage)

    async def test_private_attributes_of_a_program_are_its_own(self):
        """Names that programs give their own attributes: none of them is the package's."""
        class Keeper(Agent):
            def __init__(self, **options):
                super().__init__("keeper", ["keep"], **options)
                for name in ("open", "end", "own", "state", "session", "handlers", "table", "receive", "settings",
                             "gateway", "ready", "namespace", "heartbeat", "credentials", "starting", "stopping",
                             "abandon"):
                    setattr(self, f"_{name}", object())

            @Agent.on("keep")
            async def keep(self, message, _data):
                await message.reply("kept", {"by": self.id})

        async with Keeper(redis_url=self.url), Agent("asker", redis_url=self.url) as asker:
            self.assertEqual((await asker.request("keeper", "keep", {}, timeout=10)).data, {"by": "keeper"})

    async def test_both_ways(self):
        a, b = Receiver("agent_a", capabilities=["chat"]), Receiver("agent_b", capabilities=["chat"])
        await a.start()
        await b.start()
        await a.send("agent_b", "test", {"from_a": "hello", "number": 42})
        await asyncio.wait_for(b.event.wait(), 2)
        await b.send("agent_a", "test", {"from_b": "world"})
        await asyncio.wait_for(a.event.wait(), 2)
        self.assertEqual([(message.sender_id, message.payload) for message in a.messages],
                         [("agent_b", {"from_b": "world"})])
        self.assertEqual(b.messages[0].data, {"from_a": "hello", "number": 42})
        await a.stop()
        await b.stop()

    async def test_discovery_beside_a_registry_that_forgot(self):
        """Twice, with the keys of the first time deleted under the index: exactly these three are found each time."""
        for _ in range(2):
            agents = [Agent("agent_nlp", capabilities=["nlp", "text"]), Agent("agent_vision", capabilities=["vision"]),
                      Agent("agent_math", capabilities=["math"])]
            for agent in agents:
                await agent.start()
            await asyncio.sleep(0.1)  # what the framework's programs allow it
            found = await agents[2].discover(capabilities=["nlp"])
            self.assertEqual([(one["id"], one["capabilities"]) for one in found], [("agent_nlp", ["nlp", "text"])])
            self.assertEqual(len(await agents[2].discover()), 3)
            self.forget_agents()
            self.assertEqual(await agents[2].discover(), [])
            for agent in agents:
                await agent.stop()

    async def test_a_flush_under_everything(self):
        first = Agent("agent_a", capabilities=["x"])
        await first.start()
        self.redis.cmd("FLUSHDB")
        second = Agent("agent_b", capabilities=["x"])
        await second.start()
        await eventually(lambda: self.redis.cmd("EXISTS", "agent:agent_b"))
        self.assertIn("agent_b", {one["id"] for one in await second.discover(["x"])})
        await first.stop()
        await second.stop()

    async def test_state_over_two_agents(self):
        agent = Agent("stateful", capabilities=["storage"])
        await agent.start()
        await agent.update_state({"counter": 42, "name": "test"})
        self.assertEqual((agent.state["counter"], agent.state["name"]), (42, "test"))
        await agent.stop()
        again = Agent("stateful", capabilities=["storage"])
        await again.start()
        self.assertEqual(again.state, {"counter": "42", "name": "test"})
        await again.stop()


@needs_pydantic
class TypedTest(SurfaceCase):
    """Typed handlers and typed state of agents that talk peer to peer, with a gateway at work beside them."""

    async def test_typed_dispatch(self):
        from pydantic import BaseModel

        class EchoRequest(BaseModel):
            text: str
            count: int = 1

        class Counts(BaseModel):
            echo_count: int = 0
            history: list[str] = []

        class Responder(Agent[Counts]):
            def __init__(self, agent_id: str, redis_url: str):
                super().__init__(agent_id=agent_id, capabilities=["typed"], redis_url=redis_url, state_model=Counts)
                self.unhandled: list[AgentMessage] = []

            @Agent.on("echo.request", model=EchoRequest)
            async def handle_echo(self, msg: AgentMessage, payload: EchoRequest) -> None:
                count = self.state.echo_count + 1
                await msg.reply("echo.response", {"echoed": " ".join([payload.text] * payload.count), "count": count})
                await self.update_state({"echo_count": count, "history": [*self.state.history, payload.text]})

            async def on_message(self, message: AgentMessage) -> None:
                self.unhandled.append(message)

        gateway = GatewayService(settings=GatewaySettings(features=FeaturesSettings(
            dlp=False, rbac=False, message_signing=False, circuit_breaker=False)))
        await gateway.start()
        self.addAsyncCleanup(gateway.stop)
        responder, requester = Responder("responder", self.url), Agent("requester", ["asks"], self.url)
        await responder.start()
        await requester.start()
        await gateway.auth_manager().allow_bidirectional(requester.id, responder.id)
        response = await requester.request("responder", "echo.request", EchoRequest(text="hello", count=3),
                                           timeout=5.0)
        self.assertEqual(responder.state.echo_count, 1)
        self.assertEqual((response.message_type, response.data), (
            "echo.response", {"echoed": "hello hello hello", "count": 1}))
        with self.assertLogs("mas.agent", "ERROR"):
            await requester.send("responder", "echo.request", {"count": 3})
            await requester.send("responder", "unknown.message", {"data": "test"})
            await eventually(lambda: responder.unhandled)
        self.assertEqual([message.message_type for message in responder.unhandled], ["unknown.message"])
        self.assertEqual(responder.state, Counts(echo_count=1, history=["hello"]))
        await responder.stop()
        again = Responder("responder", self.url)
        await again.start()
        self.assertEqual(again.state, Counts(echo_count=1, history=["hello"]))
        await again.stop()
        await requester.stop()


if __name__ == "__main__":
    main()
