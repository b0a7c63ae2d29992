"""MASService beside several agents."""

import asyncio

from mas import Agent, MASService


async def main():
    service = MASService(redis_url="redis://localhost:6379", heartbeat_timeout=60)
    await service.start()

    agents = [
        Agent("agent_1", capabilities=["nlp"]),
        Agent("agent_2", capabilities=["vision"]),
        Agent("agent_3", capabilities=["math"]),
    ]
    for agent in agents:
        await agent.start()
    found = await agents[1].discover(capabilities=["nlp"])
    print([one["id"] for one in found])
    await agents[1].send("agent_1", "task.message", {"task": "analyze text"})
    for agent in agents:
        await agent.stop()
    await service.stop()
    await service.stop()
    print("done")


if __name__ == "__main__":
    asyncio.run(main())

# Prints:
# ['agent_1']
# done
