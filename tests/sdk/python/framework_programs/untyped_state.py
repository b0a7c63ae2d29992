"""State without a model: a dict that keeps Python's types until the agent is started anew, and texts after that."""

import asyncio

from mas import Agent


async def main():
    agent = Agent("keeper", capabilities=["storage"])
    try:
        print(agent.state)
    except RuntimeError as error:
        print(str(error).startswith("Agent not started"))

    await agent.start()
    print(agent.state)
    await agent.update_state({"counter": 42, "name": "test", "on": True, "nothing": None, "tiny": 1e-07})
    await agent.update_state(updates={"tags": ["a", "b"], "nested": {"n": 1}, "counter": agent.state["counter"] + 1})
    print(agent.state["counter"] == 43, agent.state["on"] is True, agent.state["tags"])
    await agent.stop()
    print(agent.state["counter"])

    again = Agent("keeper", capabilities=["storage"])
    await again.start()
    print(dict(sorted(again.state.items())))
    await again.reset_state()
    print(again.state)
    await again.stop()

    await again.start()
    print(again.state)
    await again.stop()


asyncio.run(main())

# Prints:
# True
# {}
# True True ['a', 'b']
# 43
# {'counter': '43', 'name': 'test', 'nested': '{"n": 1}', 'nothing': 'None', 'on': 'True', 'tags': '["a", "b"]', 'tiny': '1e-07'}
# {}
# {}
