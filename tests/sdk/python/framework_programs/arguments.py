"""A class that hands all arguments on, by position and by name, and has attributes of its own."""

import asyncio

from mas import Agent, AgentMessage


class Collector(Agent):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.messages: list[AgentMessage] = []
        self.tasks: dict[str, int] = {}
        self.message_event = asyncio.Event()
        self._handlers = None
        self._state = "mine"

    async def on_message(self, message: AgentMessage) -> None:
        self.messages.append(message)
        if len(self.messages) == 10:
            self.message_event.set()


async def main():
    agents = [
        Collector("one", ["a", "b"], "redis://localhost:6379", None, False, None),
        Collector(agent_id="two", capabilities=["b"], redis_url="redis://localhost:6379", state_model=None,
                  use_gateway=False, gateway_url=None),
        Collector("three"),
    ]
    for agent in agents:
        await agent.start()
        print(agent.id, agent.capabilities, agent.use_gateway, agent.gateway_url == agent.redis_url)
    for n in range(10):
        await agents[0].send("two", "numbered", {"n": n})
    await asyncio.wait_for(agents[1].message_event.wait(), timeout=5)
    print([message.data["n"] for message in agents[1].messages], agents[1]._state)
    for agent in agents:
        await agent.stop()


asyncio.run(main())

# Prints:
# one ['a', 'b'] False True
# two ['b'] False True
# three [] False True
# [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] mine
