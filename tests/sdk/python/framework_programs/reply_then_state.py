"""A handler that replies and then updates its state: the requester sees the new state as soon as it has the reply."""

import asyncio

from mas import Agent, AgentMessage


class Responder(Agent):
    @Agent.on("count")
    async def on_count(self, message: AgentMessage, payload: None):
        count = self.state.get("count", 0) + 1
        await message.reply("counted", {"count": count})
        await self.update_state({"count": count, "last": message.sender_id})


async def main():
    responder, requester = Responder("responder"), Agent("requester")
    await responder.start()
    await requester.start()
    behind = 0
    for n in range(1, 101):
        response = await requester.request("responder", "count", {}, timeout=5)
        behind += responder.state["count"] != n or response.data["count"] != n
    print(behind, responder.state)
    await requester.stop()
    await responder.stop()


asyncio.run(main())

# Prints:
# 0 {'count': 100, 'last': 'requester'}
