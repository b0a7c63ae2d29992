"""Requests that overlap, one that runs into its time-out, handlers that ask others, and a stop that waits for none."""

import asyncio
import time

from mas import Agent, AgentMessage


class Worker(Agent):
    @Agent.on("work")
    async def on_work(self, message: AgentMessage, payload: None):
        await asyncio.sleep(message.data.get("seconds", 0))
        await message.reply("done", {"n": message.data["n"]})

    @Agent.on("relay")
    async def on_relay(self, message: AgentMessage, payload: None):
        inner = await self.request(self.id, "work", message.data, timeout=5)
        await message.reply("relayed", inner.payload)

    @Agent.on("sleep")
    async def on_sleep(self, message: AgentMessage, payload: None):
        await asyncio.sleep(100)


async def main():
    worker, asker = Worker("worker"), Agent("asker")
    await worker.start()
    await asker.start()

    began = time.monotonic()
    responses = await asyncio.gather(*(asker.request("worker", "work", {"n": n, "seconds": 0.3}, timeout=5)
                                        for n in range(5)))
    print([response.data["n"] for response in responses], time.monotonic() - began < 1.4)
    print((await asker.request("worker", "relay", {"n": 7}, timeout=5)).data)

    for timeout in (0.2, 0):
        try:
            await asker.request("worker", "sleep", {}, timeout=timeout)
        except asyncio.TimeoutError as error:
            print(isinstance(error, TimeoutError))
    print((await asker.request("worker", "work", {"n": 8})).data)

    began = time.monotonic()
    await worker.stop()
    await asker.stop()
    print(time.monotonic() - began < 5)


asyncio.run(main())

# Prints:
# [0, 1, 2, 3, 4] True
# {'n': 7}
# True
# True
# {'n': 8}
# True
