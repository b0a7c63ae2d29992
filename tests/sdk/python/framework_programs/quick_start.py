"""Two agents: one sends, the other has an on_message."""

import asyncio

from mas import Agent, AgentMessage


class Listener(Agent):
    async def on_message(self, message: AgentMessage):
        print(f"{self.id} got {message.message_type} from {message.sender_id}: {message.payload}")
        await self.send(message.sender_id, "note.thanks", {"for": message.data["text"]})


class Caller(Agent):
    def __init__(self, agent_id: str, **kwargs):
        super().__init__(agent_id, **kwargs)
        self.thanked = asyncio.Event()

    async def on_message(self, message: AgentMessage):
        print(f"{self.id} is thanked for {message.payload.get('for')}")
        self.thanked.set()


async def main():
    listener = Listener("listener", capabilities=["chat", "nlp"], redis_url="redis://localhost:6379")
    caller = Caller("caller", capabilities=["chat"], redis_url="redis://localhost:6379")
    await listener.start()
    await caller.start()

    await caller.send("listener", "note", {"text": "hello"})
    await asyncio.wait_for(caller.thanked.wait(), timeout=5)
    await caller.send("nobody_at_all", "note", {"text": "lost"})  # no error

    found = await caller.discover(capabilities=["nlp"])
    print(f"Found {len(found)} agent: {found[0]['id']}")

    await caller.stop()
    await listener.stop()
    await listener.stop()  # harmless


if __name__ == "__main__":
    asyncio.run(main())

# Prints:
# listener got note from caller: {'text': 'hello'}
# caller is thanked for hello
# Found 1 agent: listener
