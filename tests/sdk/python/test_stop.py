"""What a stop, an aclose and an interrupted start leave: no handler that waits for itself, no requester that waits, no
agent that is not there."""

import asyncio
import dataclasses
import time
import unittest.mock

from case import AgentCase, eventually, main, mas
from mas import Agent, RequestFailedError, _dispatch, _session

LONG = 60  # seconds: what a test that waits for a time-out would take


@dataclasses.dataclass
class Count:
    n: int = 0


class Target(Agent):
    """Its handler ends when `free` is set; `stubborn`: not by being cancelled."""

    stubborn = False

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.begun, self.left, self.free = 0, 0, asyncio.Event()

    @Agent.on("work")
    async def on_work(self, message, payload):
        self.begun += 1
        while not self.free.is_set():
            try:
                await self.free.wait()
            except asyncio.CancelledError:
                if not self.stubborn:
                    raise

    @Agent.on("leave")
    async def on_leave(self, message, payload):
        self.begun += 1
        if self.begun == message.data["of"]:
            self.free.set()
        await self.free.wait()
        await self.aclose(LONG)
        self.left += 1


class StopTest(AgentCase):
    async def test_the_requesters_of_cancelled_handlers_hear_at_once(self):
        asker = await self.start(Agent, "asker")
        for way in ("stop", "aclose"):
            with self.subTest(way):
                target = await self.start(Target, "target")
                asking = [asyncio.create_task(asker.request("target", "work", {}, timeout=LONG)) for _ in range(5)]
                await eventually(lambda: target.begun == 5)
                await (target.stop() if way == "stop" else target.aclose(0.1))
                for result in await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), LONG / 2):
                    self.assertIsInstance(result, RequestFailedError)
                    self.assertEqual((result.code, result.text), ("HANDLER_FAILED", "the agent is being stopped"))

    async def test_the_requester_of_a_handler_that_does_not_end(self):
        asker, target = await self.start(Agent, "asker"), await self.start(Target, "target")
        self.addCleanup(target.free.set)
        target.stubborn = True
        asking = asyncio.create_task(asker.request("target", "work", {}, timeout=LONG))
        await eventually(lambda: target.begun)
        with unittest.mock.patch.object(_dispatch, "CLEAN_UP_S", 0.1):
            await target.stop()
        await self.assert_refuses(RequestFailedError, "being stopped", asyncio.wait_for(asking, LONG / 2))

    async def test_no_requester_waits_for_its_time_out(self):
        """Whenever its request arrives while the target stops."""
        patch = unittest.mock.patch.multiple(_session, _QUIET_S=0.3, _REFUSES_S=LONG)  # however slow the machine is
        patch.start()
        self.addCleanup(patch.stop)

        class Quick(Agent):
            @Agent.on("work")
            async def on_work(self, message, payload):
                await asyncio.sleep(0.01)
                await message.reply("done", {})

            async def on_stop(self):
                await asyncio.sleep(0.1)

        asker = await self.start(Agent, "asker")

        async def ask():
            try:
                while True:
                    await asker.request("target", "work", {}, timeout=LONG)
            except mas.MASError as error:
                return error.status

        for seconds in (LONG, 0.005):
            target = await self.start(Quick, "target")
            asking = [asyncio.create_task(ask()) for _ in range(20)]
            await asyncio.sleep(0.1)
            await target.aclose(seconds if seconds < 1 else 0.2)
            ends = await asyncio.wait_for(asyncio.gather(*asking), LONG / 2)
            self.assertLessEqual(set(ends), {"HANDLER_FAILED", "NO_RECEIVER"})

    async def test_on_stop_may_stop(self):
        class Twice(Agent):
            said = 0

            async def on_stop(self):
                self.said += 1
                await self.stop()
                await self.aclose()
                await self.send("listener", "bye", {})

        agent = await self.start(Twice, "a")
        await asyncio.wait_for(agent.stop(), LONG / 2)
        await agent.start()
        await asyncio.wait_for(agent.aclose(), LONG / 2)
        self.assertEqual((agent._running, agent.said, self.redis.scan("agent:a*")), (False, 2, []))

    async def test_handlers_that_close_their_agent_do_not_wait_for_each_other(self):
        agent, asker = await self.start(Target, "a"), await self.start(Agent, "asker")
        began = time.monotonic()
        for _ in range(3):
            await asker.send("a", "leave", {"of": 3})
        await eventually(lambda: agent.left == 3)
        self.assertFalse(agent._running)
        self.assertLess(time.monotonic() - began, LONG / 2)
        await agent.start()
        self.assertEqual(agent._mas_handlers._leaving, set())

    async def test_a_cancelled_aclose_in_a_handler_waits_like_any_other(self):
        class Undecided(Agent):
            async def on_message(self, message):
                if message.message_type == "work":
                    return await asyncio.sleep(LONG)
                closing = asyncio.current_task()
                asyncio.get_running_loop().call_later(0.1, closing.cancel)
                try:
                    await self.aclose(LONG)
                except asyncio.CancelledError:
                    self.went_on = True
                    await asyncio.sleep(LONG)

        agent = await self.start(Undecided, "a")
        for message_type in ("work", "close"):
            await agent.send("a", message_type, {})
        await eventually(lambda: getattr(agent, "went_on", False))
        self.assertEqual((agent._running, agent._mas_handlers._leaving), (True, set()))
        await agent.stop()
        self.assertEqual(agent._mas_handlers._tasks, {})


class StartTest(AgentCase):
    async def test_a_state_that_does_not_fit_leaves_no_agent(self):
        self.redis.cmd("HSET", "agent.state:a", "n", "x")
        await self.assert_refuses(mas.StateError, "field n", Agent("a", redis_url=self.url, state_model=Count).start())
        self.assertEqual(self.redis.scan("agent:a*"), [])

    async def test_a_cancelled_start_leaves_no_agent_whenever_it_is_cancelled(self):
        cancelled = 0
        for n in range(40):
            agent = Agent("a", redis_url=self.url)
            starting = asyncio.create_task(agent.start())
            await asyncio.sleep(0.0003 * n)
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            cancelled += starting.cancelled()
            if agent._running:
                await agent.stop()
            self.assertEqual(self.redis.scan("agent:a*"), [], n)
        self.assertGreater(cancelled, 0)

    async def test_a_stop_interrupts_a_start(self):
        proxy = self.start_proxy(self.redis)
        proxy.stall()
        agent = Agent("a", redis_url=proxy.url())
        for _ in range(2):
            starting = asyncio.create_task(agent.start())
            await asyncio.sleep(0.1)
            began = time.monotonic()
            await asyncio.gather(agent.stop(), agent.aclose())
            self.assertLess(time.monotonic() - began, 4, "it does not wait for the library's own time-out")
            await self.assert_refuses(mas.AgentStateError, "stopped while it started", starting)
            self.assertFalse(agent._running)
        proxy.forward()
        for turns in range(3):
            starting = asyncio.create_task(agent.start())
            for _ in range(turns):
                await asyncio.sleep(0)
            await agent.stop()
            if turns:
                await self.assert_refuses(mas.AgentStateError, "stopped while it started", starting)
                self.assertEqual(self.redis.scan("agent:a*"), [])
            else:  # it had not begun
                await starting
                await agent.stop()

    async def test_a_start_hook_that_stops_and_raises(self):
        class Leaving(Agent):
            async def on_start(self):
                await self.stop()
                raise LookupError("mine")

        await self.assert_refuses(LookupError, "mine", Leaving("a", redis_url=self.url).start())
        self.assertEqual(self.redis.scan("agent:a*"), [])

    def test_waiting_for_the_start_in_one_loop_after_another(self):
        agent = Agent("a", redis_url=self.url)

        async def once():
            with self.assertRaises(TimeoutError):
                await agent.wait_transport_ready(0)
            waiting = asyncio.create_task(agent.wait_transport_ready(LONG))
            await asyncio.sleep(0)
            await agent.start()
            await waiting
            await agent.stop()

        for _ in range(2):
            asyncio.run(once())
        self.assertEqual(agent._mas_waiting, [])


class WrongNumbersTest(AgentCase):
    async def test_heartbeats(self):
        for pair in ((float("nan"), 1), (4294968.296, 4294970.296), (1e9, 2e9), (float("inf"), float("inf")),
                     (10**400, 10**400), (-1, 1), (0, 1)):
            with self.subTest(pair):
                error = await self.assert_refuses(mas.InvalidArgumentError, "heartbeat",
                                                  Agent("a", redis_url=self.url, heartbeat=pair).start())
                self.assertNotIn("-", str(error).replace("-1", ""))
        for pair in ((1,), "ab", ("1", "2"), 5, (1, 2, 3)):
            with self.subTest(pair):
                await self.assert_refuses(TypeError, "heartbeat",
                                          Agent("a", redis_url=self.url, heartbeat=pair).start())

    async def test_timeouts(self):
        agent = await self.start(Agent, "a")
        for call in (lambda seconds: agent.request("a", "x", {}, timeout=seconds), agent.aclose,
                     agent.wait_transport_ready):
            await self.assert_refuses(mas.InvalidArgumentError, "timeout", call(float("nan")))
            await self.assert_refuses(TypeError, "timeout is str", call("3"))
        self.assertTrue(agent._running)
        for seconds in (float("-inf"), -5, -10**400, 0):
            await self.assert_refuses(mas.MASTimeoutError, "a", agent.request("a", "x", {}, timeout=seconds))
        for seconds in (1e300, 10**400):
            await self.assert_refuses(RequestFailedError, "NO_HANDLER", agent.request("a", "x", {}, timeout=seconds))

    def test_a_text_is_no_list_of_capabilities(self):
        with self.assertRaisesRegex(TypeError, "capabilities is a text"):
            Agent("a", capabilities="abc")


if __name__ == "__main__":
    main()
