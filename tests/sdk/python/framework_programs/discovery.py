"""Discovery by any of several capabilities, with metadata; an agent that stopped is not found."""

import asyncio

from mas import Agent


class Described(Agent):
    def get_metadata(self) -> dict:
        return {"version": "1.0.0", "model": self.id + "-large", "limits": {"tokens": 4096}}


async def main():
    agents = [
        Described("agent_nlp", capabilities=["nlp", "text"]),
        Agent("agent_vision", capabilities=["vision"]),
        Agent("agent_math", capabilities=["math"]),
    ]
    for agent in agents:
        await agent.start()
    await asyncio.sleep(0.1)

    seeker = agents[2]
    for one in await seeker.discover(capabilities=["nlp"]):
        print(sorted(one), type(one) is dict)
        print(one["id"], one["capabilities"], one["metadata"])
    print(sorted(one["id"] for one in await seeker.discover(["nlp", "vision"])))
    print(sorted(one["id"] for one in await seeker.discover()))
    print(len(await seeker.discover(capabilities=[])), await seeker.discover(capabilities=["audio"]))

    await agents[0].stop()
    print(await seeker.discover(capabilities=["nlp"]))
    await asyncio.gather(*(agent.stop() for agent in agents))


asyncio.run(main())

# Prints:
# ['capabilities', 'id', 'metadata'] True
# agent_nlp ['nlp', 'text'] {'version': '1.0.0', 'model': 'agent_nlp-large', 'limits': {'tokens': 4096}}
# ['agent_nlp', 'agent_vision']
# ['agent_math', 'agent_nlp', 'agent_vision']
# 3 []
# []
