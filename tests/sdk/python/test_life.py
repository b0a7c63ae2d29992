"""An agent's life, and every wrong use of one: an exception with a sentence, never a crash."""

import asyncio
import gc
import os
import signal
import sys
import threading
import types
import unittest.mock
import warnings

from case import AgentCase, ProgramCase, eventually, main, mas
from mas import Agent, _native


class Hooked(Agent):
    """Writes down what happens; `failing` names a hook that raises."""

    failing = ""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen = []

    async def on_start(self):
        self.seen.append(("start", self._running, [found["id"] for found in await self.discover()]))
        if self.failing == "start":
            raise LookupError("start hook")

    async def on_stop(self):
        await self.send("listener", "bye", {})
        self.seen.append(("stop", self._running))
        if self.failing == "stop":
            raise LookupError("stop hook")

    async def on_message(self, message):
        self.seen.append(message.message_type)
        if message.message_type == "stop yourself":
            await self.stop()
            self.seen.append("went on")


class LifeTest(AgentCase):
    async def test_hooks_and_attributes(self):
        agent = Hooked("a", ["x"], self.url)
        self.assertEqual((agent.id, agent.capabilities, agent.redis_url, agent.gateway_url, agent.use_gateway),
                         ("a", ["x"], self.url, self.url, False))
        self.assertEqual((agent.token, agent._token, agent._running), (None, None, False))
        with self.assertRaises(TimeoutError):
            await agent.wait_transport_ready(0.01)
        await agent.start()
        await agent.wait_transport_ready(0.01)
        self.assertEqual((len(agent.token), agent._running), (43, True))
        self.assertEqual(self.redis.cmd("HGET", "agent:a", "status"), "ACTIVE")
        await agent.stop()
        await agent.stop()
        self.assertEqual(agent.seen, [("start", True, ["a"]), ("stop", True)])
        self.assertEqual((agent.token, agent._running, self.redis.scan("agent:a*")), (None, False, []))

    async def test_start_again(self):
        agent = await self.start(Hooked, "a")
        tokens = {agent.token}
        for _ in range(3):
            await agent.stop()
            await agent.start()
            tokens.add(agent.token)
        self.assertEqual(len(tokens), 4)

    async def test_a_start_hook_that_fails_undoes_the_start(self):
        agent = Hooked("a", redis_url=self.url)
        agent.failing = "start"
        await self.assert_refuses(LookupError, "start hook", agent.start())
        self.assertEqual((agent._running, self.redis.scan("agent:a*")), (False, []))
        agent.failing = ""
        await agent.start()
        await agent.stop()

    async def test_a_stop_hook_that_fails_stops(self):
        agent = Hooked("a", redis_url=self.url)
        agent.failing = "stop"
        await agent.start()
        await self.assert_refuses(LookupError, "stop hook", agent.stop())
        self.assertEqual((agent._running, self.redis.scan("agent:a*")), (False, []))

    async def test_stop_from_a_handler(self):
        agent = await self.start(Hooked, "a")
        await agent.send("a", "stop yourself", {})
        await eventually(lambda: "went on" in agent.seen)
        self.assertFalse(agent._running)

    async def test_stops_at_once(self):
        agent = await self.start(Hooked, "a")
        await asyncio.gather(*(agent.stop() for _ in range(5)))
        self.assertEqual(agent.seen[1:], [("stop", True)])

    async def test_a_cancelled_stop_still_stops(self):
        agent = await self.start(Hooked, "a")
        stopping = asyncio.create_task(agent.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)
        await eventually(lambda: not agent._running)
        self.assertEqual(self.redis.scan("agent:a*"), [])

    async def test_a_cancelled_start_leaves_nothing(self):
        proxy = self.start_proxy(self.redis)
        proxy.stall()
        agent = Agent("a", redis_url=proxy.url())
        began = asyncio.get_running_loop().time()
        with self.assertRaises(TimeoutError):
            await asyncio.wait_for(agent.start(), 0.3)
        self.assertLess(asyncio.get_running_loop().time() - began, 4, "it does not wait for the library's own time-out")
        self.assertFalse(agent._running)
        self.assertEqual([native for native in _native._live.values() if native.pointer], [],
                         "nothing goes on starting")
        proxy.forward()
        await agent.start()
        await agent.stop()

    async def test_redis_out_of_reach(self):
        agent = Agent("a", redis_url=f"unix://{self.dir}/nowhere.sock")
        error = await self.assert_refuses(ConnectionError, "nowhere.sock", agent.start())
        self.assertIsInstance(error, mas.MASConnectionError)
        self.assertFalse(agent._running)

    async def test_redis_out_of_reach_for_a_program_with_redis_py(self):
        class TheirError(Exception):
            pass

        theirs = types.ModuleType("redis.exceptions")
        theirs.ConnectionError = TheirError
        with unittest.mock.patch.dict(sys.modules, {"redis.exceptions": theirs}):
            agent = Agent("a", redis_url=f"unix://{self.dir}/x.sock")
            error = await self.assert_refuses(TheirError, "x.sock", agent.start())
        self.assertIsInstance(error, mas.MASConnectionError)

    async def test_aclose_lets_handlers_finish(self):
        class Slow(Agent):
            done = 0

            async def on_message(self, message):
                await asyncio.sleep(0.3)
                await self.send("listener", "done", {})
                self.done += 1

        agent = Slow("a", redis_url=self.url)
        async with agent:
            for _ in range(20):
                await agent.send("a", "work", {})
            await eventually(lambda: agent._mas_handlers._tasks)
        self.assertEqual((agent.done, agent._running), (20, False))

    async def test_aclose_in_a_handler_does_not_wait_for_it(self):
        class Leaving(Agent):
            async def on_message(self, message):
                await self.aclose(20)

        agent = await self.start(Leaving, "a")
        began = asyncio.get_running_loop().time()
        await agent.send("a", "leave", {})
        await eventually(lambda: not agent._running)
        self.assertLess(asyncio.get_running_loop().time() - began, 10)

    async def test_nothing_begins_while_it_stops(self):
        class Busy(Agent):
            begun = 0

            async def on_message(self, message):
                self.begun += 1
                try:
                    await asyncio.sleep(100)
                finally:
                    for _ in range(20):  # cleaning up takes turns of the loop
                        await self.send("a", "more", {})
                        await asyncio.sleep(0)

        agent = await self.start(Busy, "a")
        await agent.send("a", "work", {})
        await eventually(lambda: agent._mas_handlers._tasks)
        await agent.stop()
        self.assertEqual((agent.begun, agent._mas_handlers._tasks), (1, {}))

    async def test_an_unknown_mode_is_refused(self):
        with unittest.mock.patch.dict(os.environ, {"MAS_MODE": "Gateway"}):
            await self.assert_refuses(mas.MASError, "MAS_MODE", Agent("a", redis_url=self.url).start())

    async def test_serve_stops_all_whatever_one_raises(self):
        class Failing(Agent):
            async def on_stop(self):
                raise RuntimeError("not now")

        first, second = Agent("a", redis_url=self.url), Failing("b", redis_url=self.url)
        serving = asyncio.create_task(mas.serve(first, second))
        await eventually(lambda: second._running)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        self.assertEqual((first._running, second._running), (False, False))

    async def test_an_agent_whose_metadata_python_cannot_read_hides_nobody(self):
        await self.start(Agent, "a", capabilities=["x"])
        entry = self.redis.hgetall("agent:a")
        self.redis.cmd("HSET", "agent:a", "metadata", '{"n":' + "9" * 5000 + "}")
        found = await (await self.start(Agent, "b", capabilities=["x"])).discover(["x"])
        self.assertIn("metadata", entry)
        self.assertEqual({record["id"]: record["metadata"] for record in found}, {"a": {}, "b": {}})

    async def test_aclose_has_an_end(self):
        class Endless(Agent):
            async def on_message(self, message):
                await asyncio.sleep(100)

        agent = await self.start(Endless, "a")
        await agent.send("a", "work", {})
        await eventually(lambda: agent._mas_handlers._tasks)
        with self.assertLogs("mas.agent", "WARNING") as logs:
            await agent.aclose(0.1)
        self.assertIn("are cancelled", logs.output[0])

    async def test_agents_share_a_process(self):
        agents = [Agent(f"a{n}", redis_url=self.url) for n in range(50)]
        await asyncio.gather(*(agent.start() for agent in agents))
        self.assertEqual(len(await agents[0].discover()), 50)
        workers = sum(thread.name.startswith("mas-worker") for thread in threading.enumerate())
        self.assertTrue(1 <= workers <= 16, workers)
        await asyncio.gather(*(agent.stop() for agent in agents))
        self.assertEqual(self.redis.scan("agent:*"), [])

    async def test_a_connection_that_comes_back(self):
        agent = await self.start(Agent, "a")
        with self.assertLogs("mas.agent", "INFO") as logs:
            self.redis.cmd("CLIENT", "KILL", "TYPE", "pubsub")
            await eventually(lambda: len(logs.output) >= 2)
        self.assertIn("WARNING:mas.agent:a: disconnected", logs.output[0])
        self.assertIn("INFO:mas.agent:a: connected", logs.output[1])
        await agent.send("a", "x", {})


class WrongUseTest(AgentCase):
    async def calls(self, agent):
        """Every call that needs a running agent, as coroutines."""
        return {
            "send": agent.send("a", "x", {}), "request": agent.request("a", "x", {}, 1), "discover": agent.discover(),
            "update_state": agent.update_state({"a": 1}), "reset_state": agent.reset_state(),
            "refresh_state": agent.refresh_state()}

    async def test_not_started_and_stopped(self):
        agent = Agent("a", redis_url=self.url)
        for _ in range(2):
            for name, call in (await self.calls(agent)).items():
                with self.subTest(name):
                    await self.assert_refuses(mas.AgentStateError, "Agent not started", call)
            with self.assertRaisesRegex(RuntimeError, "Agent not started"):
                agent.stats()
            await agent.start()
            await agent.stop()

    async def test_started_twice(self):
        agent = await self.start(Agent, "a")
        await self.assert_refuses(mas.AgentStateError, "started already", agent.start())
        other = Agent("b", redis_url=self.url)
        results = await asyncio.gather(other.start(), other.start(), return_exceptions=True)
        self.assertEqual([type(result) for result in results], [type(None), mas.AgentStateError])
        await other.stop()

    async def test_another_loop_in_another_thread(self):
        agent = await self.start(Agent, "a")

        async def use():
            calls = {**await self.calls(agent), "stop": agent.stop(), "aclose": agent.aclose()}
            return {name: await asyncio.gather(call, return_exceptions=True) for name, call in calls.items()}

        for name, (result,) in (await asyncio.to_thread(asyncio.run, use())).items():
            with self.subTest(name):
                self.assertIsInstance(result, mas.AgentStateError)
                self.assertIn("runs in another event loop", str(result))
        await agent.send("a", "x", {})

    async def test_a_loop_that_was_closed(self):
        """The agent cannot be used any more, but stopped, and started anew."""
        class Busy(Agent):
            async def on_message(self, message):
                await asyncio.get_running_loop().create_future()

        agent = Busy("a", redis_url=self.url)

        def start_in_a_loop_of_its_own():
            async def start_and_begin_a_handler():
                await agent.start()
                await agent.send("a", "work", {})
                await eventually(lambda: agent._mas_handlers._tasks)

            loop = asyncio.new_event_loop()
            loop.run_until_complete(start_and_begin_a_handler())
            loop.close()

        await asyncio.to_thread(start_in_a_loop_of_its_own)
        await self.assert_refuses(mas.AgentStateError, "another event loop", agent.send("a", "x", {}))
        await agent.stop()
        self.assertEqual((agent._running, self.redis.scan("agent:a*")), (False, []))
        await agent.start()
        await asyncio.gather(*(agent.update_state({"n": n}) for n in range(5)))
        await agent.aclose()

    async def test_without_a_loop(self):
        agent = await self.start(Agent, "a")

        def use():
            with self.assertRaisesRegex(mas.AgentStateError, "another event loop"):
                agent.send("a", "x", {}).send(None)
        await asyncio.to_thread(use)

    async def test_wrong_settings(self):
        for agent, text in ((Agent("not an id", redis_url=self.url), "id"), (Agent("", redis_url=self.url), "id"),
                            (Agent("a", redis_url="http://x"), "redis://"), (Agent("a", [""], self.url), "capability"),
                            (Agent("a", redis_url=self.url, namespace="a/b"), "namespace"),
                            (Agent("a", redis_url=self.url, heartbeat=(60, 30)), "heartbeat")):
            with self.subTest(text):
                await self.assert_refuses(ValueError, text, agent.start())
        await self.assert_refuses(TypeError, "agent's id is NoneType", Agent(None, redis_url=self.url).start())
        await self.assert_refuses(TypeError, "capability is int", Agent("a", [5], self.url).start())

    async def test_metadata_that_is_not_a_mapping(self):
        class Wrong(Agent):
            def get_metadata(self):
                return [1]
        await self.assert_refuses(TypeError, "get_metadata()", Wrong("a", redis_url=self.url).start())

    async def test_an_agent_that_is_dropped(self):
        native = None

        async def use():
            nonlocal native
            agent = Agent("dropped", redis_url=self.url)
            await agent.start()
            native = agent._mas_session.native
            agent._mas_session.loop.remove_reader(native.fd)
            fd = native.fd
            native = None
            return fd

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fd = await use()
            gc.collect()
        said = [item.message for item in caught if item.category is ResourceWarning]
        self.assertIn("dropped without stop()", str(said))
        self.assertRaises(OSError, os.fstat, fd)


FORK = """
import asyncio, os, sys, mas
async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # development mode writes about a fork that takes long
    agent = mas.Agent("parent")
    await agent.start()
    await agent.update_state({"n": 1})
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(in_child(agent))
        except BaseException as error:
            print("child failed:", repr(error))
            os._exit(1)
        print("child ends", flush=True)
        os._exit(0)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert status == 0, status
    await agent.update_state({"n": 2})
    try:
        await agent.request("parent", "x", {}, timeout=0.2)
    except mas.MASTimeoutError:
        print("parent goes on")
    await agent.stop()

async def in_child(agent):
    for call in (agent.send("a", "b", {}), agent.request("a", "b", {}), agent.update_state({"n": 3}), agent.stop()):
        try:
            await call
            raise AssertionError("it worked")
        except mas.AgentStateError as error:
            assert "forked" in str(error), error
    try:
        await mas.Agent("child").start()
        raise AssertionError("it started")
    except mas.MASError as error:
        print("child:", error)
    del agent

asyncio.run(main())
"""

EXIT = """
import asyncio, sys, mas
async def main():
    agent = mas.Agent("a")
    await agent.start()
    keep.append(agent)
    await agent.send("a", "x", {})
    sys.exit(7)
keep = []
asyncio.run(main())
"""

SIGNAL = """
import asyncio, mas
class A(mas.Agent):
    async def on_start(self): print("up", flush=True)
    async def on_stop(self): print("down", flush=True)
mas.run(A("a"), A("b"))
"""


class ProcessTest(ProgramCase):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis()
        self.env = {"MAS_REDIS_URL": self.redis.url()}

    def test_fork(self):
        # Development mode reports the fork of a process with threads, which is what this test is about.
        done = self.python("-W", "ignore::DeprecationWarning", "-c", FORK, env=self.env)
        complaints = [line for line in done.stderr.splitlines() if not line.startswith("Executing ")]  # it was slow
        self.assertEqual((done.returncode, complaints), (0, []), done.stdout)
        self.assertIn("child ends\n", done.stdout)
        self.assertIn("parent goes on\n", done.stdout)
        self.assertRegex(done.stdout, "child: .*fork")

    def test_exit_without_stop(self):
        done = self.python("-c", EXIT, env=self.env)
        self.assertEqual((done.returncode, done.stdout), (7, ""), done.stderr)

    def test_run_until_a_signal(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                child = self.start_python("-c", SIGNAL, env=self.env)
                self.assertEqual([child.stdout.readline() for _ in range(2)], ["up\n", "up\n"])
                child.send_signal(number)
                self.assertEqual((child.wait(20), child.stdout.read()), (0, "down\ndown\n"))
                self.assertEqual(self.redis.scan("agent:*"), [])


if __name__ == "__main__":
    main()
