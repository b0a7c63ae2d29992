"""What may be sent, how it arrives, and which exceptions programs catch for what may not."""

import asyncio
import enum

from mas import Agent, AgentMessage


class Colour(enum.Enum):
    RED = "red"


class Receiver(Agent):
    async def on_message(self, message: AgentMessage):
        await message.reply("echo", message.data)


async def main():
    receiver, sender = Receiver("receiver"), Agent("sender")
    try:
        await sender.send("receiver", "early", {})
    except RuntimeError as error:
        print(error)
    await receiver.start()
    await sender.start()
    for data in ({"nan": float("nan"), "set": {1}, "tuple": (1, 2), "bytes": b"text"},
                 {"text": "Grüße, 世界 \U0001f600", "big": 2**70, "deep": [[{"a": None}]], "colour": Colour.RED},
                 [("pairs", 1)]):
        print((await sender.request("receiver", "data", data, timeout=5)).data)
    for wrong, expected in (({"object": object()}, ValueError), ({1: "a key"}, ValueError), ([1, 2], TypeError)):
        try:
            await sender.send("receiver", "data", wrong)
        except expected as error:
            print(type(error).__name__)
    await sender.stop()
    await receiver.stop()


asyncio.run(main())

# Prints:
# Agent not started
# {'nan': None, 'set': [1], 'tuple': [1, 2], 'bytes': 'text'}
# {'text': 'Grüße, 世界 😀', 'big': 1180591620717411303424, 'deep': [[{'a': None}]], 'colour': 'red'}
# {'pairs': 1}
# PayloadError
# PayloadError
# TypeError
