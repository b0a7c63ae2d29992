"""@Agent.on with and without a model; classes derived and unrelated; what no handler takes, and what does not fit."""

import asyncio
import logging

from pydantic import BaseModel, Field

from mas import Agent, AgentMessage

logging.disable(logging.CRITICAL)  # data that does not fit is logged


class GreetingRequest(BaseModel):
    name: str
    language: str = "en"


class Counts(BaseModel):
    greetings: int = Field(default=0)
    checks: int = Field(default=0)


class Greeter(Agent[Counts]):
    def __init__(self, agent_id: str, **kwargs):
        super().__init__(agent_id, state_model=Counts, **kwargs)
        self.rest: asyncio.Queue[str] = asyncio.Queue()

    @Agent.on("greeting.request", model=GreetingRequest)
    async def handle_greeting(self, message: AgentMessage, payload: GreetingRequest):
        self.state.greetings += 1
        word = "Hello" if payload.language == "en" else "Hola"
        await self.update_state({"greetings": self.state.greetings})
        await message.reply("greeting.response", {"text": f"{word}, {payload.name}!", "count": self.state.greetings})

    @Agent.on("status.check")
    async def handle_status(self, message: AgentMessage, payload: None):
        await self.update_state({"checks": self.state.checks + 1})
        await message.reply("status.response", {"payload": payload, "checks": self.state.checks})

    async def on_message(self, message: AgentMessage):
        await self.rest.put(message.message_type)


class Curt(Greeter):
    @Agent.on("status.check")
    async def handle_status(self, message: AgentMessage, payload: None):
        await message.reply("status.response", {"by": self.id})


class Unrelated(Agent):
    @Agent.on("status.check")
    async def on_check(self, message: AgentMessage, payload: None):
        await message.reply("status.response", {"unrelated": True})


async def main():
    greeter, curt, unrelated, asker = Greeter("greeter"), Curt("curt"), Unrelated("unrelated"), Agent("asker")
    for agent in (greeter, curt, unrelated, asker):
        await agent.start()
    for data in ({"name": "Ada"}, {"name": "Ana", "language": "es"}, GreetingRequest(name="Grace")):
        print((await asker.request("greeter", "greeting.request", data, timeout=5)).data)
    print((await asker.request("greeter", "status.check", {}, timeout=5)).data)
    print((await asker.request("curt", "status.check", {}, timeout=5)).data)
    print((await asker.request("unrelated", "status.check", {}, timeout=5)).data)
    print((await asker.request("curt", "greeting.request", {"name": "Bo"}, timeout=5)).data)

    await asker.send("greeter", "greeting.request", {"language": "es"})  # no name
    await asker.send("greeter", "something.else", {})
    print(await asyncio.wait_for(greeter.rest.get(), timeout=5), greeter.rest.empty(), greeter.state)
    for agent in (greeter, curt, unrelated, asker):
        await agent.stop()


asyncio.run(main())

# Prints:
# {'text': 'Hello, Ada!', 'count': 1}
# {'text': 'Hola, Ana!', 'count': 2}
# {'text': 'Hello, Grace!', 'count': 3}
# {'payload': None, 'checks': 1}
# {'by': 'curt'}
# {'unrelated': True}
# {'text': 'Hello, Bo!', 'count': 1}
# something.else True greetings=3 checks=1
