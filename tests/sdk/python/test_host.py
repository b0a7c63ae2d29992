"""The loop that reads what comes: which it is, and that messages come in every other one, too."""

import asyncio
import gc
import threading
import unittest.mock

from case import AgentCase, eventually, main
from mas import Agent, _host, _native


class Echo(Agent):
    @Agent.on("ask")
    async def on_ask(self, message, _payload):
        await message.reply("answer", message.data)


def hosting_loop():
    host = _host._host()
    return host and host.loop


class HostTest(AgentCase):
    async def assert_answers(self, *agents):
        for agent in agents:
            self.assertEqual((await agent.request("echo", "ask", {"n": 1}, timeout=10)).data, {"n": 1})

    async def test_the_loop_reads_what_comes(self):
        self.assertIsNone(hosting_loop())
        echo, asker = await self.start(Echo, "echo"), await self.start(Agent, "asker")
        self.assertIs(hosting_loop(), asyncio.get_running_loop())
        with unittest.mock.patch.object(_native.lib, "mas_agent_turn", wraps=_native.lib.mas_agent_turn) as turn:
            for _ in range(20):
                await self.assert_answers(asker)
        self.assertGreater(turn.call_count, 1)
        await asker.stop()
        self.assertIs(hosting_loop(), asyncio.get_running_loop())
        await echo.stop()
        self.assertIsNone(hosting_loop())
        await echo.start()
        self.assertIs(hosting_loop(), asyncio.get_running_loop())

    async def test_many_agents_of_one_loop(self):
        await self.start(Echo, "echo")
        agents = [await self.start(Agent, f"a{i}") for i in range(2 * _host._AT_ONCE)]
        await self.assert_answers(*agents)
        await asyncio.gather(*(self.assert_answers(agent) for agent in agents))

    async def test_another_loop_is_no_host(self):
        await self.start(Echo, "echo")
        seen = []

        async def ask():
            async with Agent("asker", redis_url=self.url) as agent:
                await self.assert_answers(*[agent] * 20)
                seen.append(hosting_loop())

        other = threading.Thread(target=lambda: asyncio.run(ask()))
        other.start()
        await eventually(lambda: not other.is_alive())
        self.assertEqual(seen, [asyncio.get_running_loop()])

    async def test_after_a_loop_that_was_closed_another_one_reads(self):
        closed = []

        def leave_running():
            loop = asyncio.new_event_loop()
            agent = Agent("left", redis_url=self.url)
            loop.run_until_complete(agent.start())
            loop.close()
            closed.append(agent)

        thread = threading.Thread(target=leave_running)
        thread.start()
        await eventually(lambda: not thread.is_alive())
        await self.start(Echo, "echo")
        self.assertIs(hosting_loop(), asyncio.get_running_loop())
        await closed.pop().stop()
        asker = await self.start(Agent, "asker")
        await self.assert_answers(asker)

    async def test_a_dropped_agent_is_not_kept(self):
        def drop():
            loop = asyncio.new_event_loop()
            loop.run_until_complete(Agent("dropped", redis_url=self.url).start())
            loop.close()

        thread = threading.Thread(target=drop)
        with self.assertWarns(ResourceWarning):
            thread.start()
            await eventually(lambda: not thread.is_alive())
            gc.collect()
        self.assertIsNone(hosting_loop())


if __name__ == "__main__":
    main()
