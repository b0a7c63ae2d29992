"""Requests and replies by on_message: what the reply holds, and what cannot be replied to."""

import asyncio

from mas import Agent, AgentMessage, Message


class Adder(Agent):
    def __init__(self, agent_id, capabilities=None, redis_url="redis://localhost:6379"):
        super().__init__(agent_id, capabilities, redis_url)
        self.told = asyncio.Event()

    async def on_message(self, message: AgentMessage) -> None:
        if message.expects_reply:
            await message.reply("sum", {"sum": message.data["a"] + message.data["b"]})
            return
        try:
            await message.reply("sum", {})
        except RuntimeError as error:
            print("does not have correlation ID" in str(error))
        self.told.set()


async def main():
    adder = Adder("adder", ["maths"])
    asker = Agent("asker", capabilities=["asks"])
    await adder.start()
    await asker.start()

    response = await asker.request("adder", "add", {"a": 2, "b": 40}, timeout=5.0)
    print(response.sender_id, response.target_id, response.message_type, response.data)
    print(response.is_reply, response.expects_reply, response.data is response.payload)
    print(response.meta.version, isinstance(response.meta.correlation_id, str))
    print(isinstance(response.timestamp, float), isinstance(response.message_id, str))
    print((await asker.request_typed("adder", "add", {"a": 1, "b": 1}, timeout=5.0)).data)

    await asker.send("adder", "add", {"a": 1, "b": 1})
    await asyncio.wait_for(adder.told.wait(), timeout=5)

    own = AgentMessage(sender_id="a", target_id="b", message_type="note", data={"n": 1})
    try:
        await own.reply("answer", {})
    except RuntimeError as error:
        print("message not associated with agent" in str(error))
    own.payload = {"n": 2}
    print(Message is AgentMessage, AgentMessage.model_validate_json(own.model_dump_json()).data)

    await asker.stop()
    await adder.stop()


asyncio.run(main())

# Prints:
# adder asker sum {'sum': 42}
# True False True
# 1 True
# True True
# {'sum': 2}
# True
# True
# True {'n': 2}
