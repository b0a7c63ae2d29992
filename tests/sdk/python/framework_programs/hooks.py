"""on_start, on_stop and get_metadata: what they may do, and what they raise."""

import asyncio

from mas import Agent


class Hooked(Agent):
    def __init__(self, agent_id, broken=False):
        super().__init__(agent_id, capabilities=["hooked"])
        self.broken = broken
        self.heard = asyncio.Event()

    async def on_start(self):
        print("starting", self.id, self._running)
        await asyncio.sleep(0)
        await self.update_state({"status": "initializing"})
        found = await self.discover(capabilities=["hooked"])
        print([one["id"] for one in found], found[0]["metadata"])
        await self.send(found[0]["id"], "hello", {"from": self.id})
        if self.broken:
            raise LookupError("no model to load")

    async def on_stop(self):
        print("stopping", self.id, self.state["status"])
        await self.send(self.id, "goodbye", {})

    async def on_message(self, message):
        if message.message_type == "hello":
            self.heard.set()

    def get_metadata(self):
        return {"broken": self.broken}


async def main():
    agent = Hooked("sound")
    print(agent.id, agent.capabilities, agent.use_gateway, agent.token, agent._token, agent._running)
    await agent.stop()  # before start(): nothing happens
    await agent.start()
    await agent.wait_transport_ready(timeout=1)
    await asyncio.wait_for(agent.heard.wait(), timeout=5)
    print(len(agent.token or ""), agent.token == agent._token)
    await agent.stop()
    print(agent._running)

    broken = Hooked("broken", broken=True)
    try:
        await broken.start()
    except LookupError as error:
        print(error)
    await broken.stop()


asyncio.run(main())

# Prints:
# sound ['hooked'] False None None False
# starting sound True
# ['sound'] {'broken': False}
# 43 True
# stopping sound initializing
# False
# starting broken True
# ['broken'] {'broken': True}
# no model to load
