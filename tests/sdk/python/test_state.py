"""State: a dict or a model, in memory and in Redis, and what the original framework makes of it."""

import asyncio
import dataclasses
import json
import threading
import unittest.mock

from case import AgentCase, eventually, main, mas, needs_pydantic
from mas import Agent, _state


@dataclasses.dataclass
class Progress:
    step: int = 0
    name: str = ""
    history: list[str] = dataclasses.field(default_factory=list)
    limit: int | None = None


class UntypedTest(AgentCase):
    async def test_types_in_memory_and_texts_after_a_new_start(self):
        agent = await self.start(Agent, "a")
        self.assertEqual(agent.state, {})
        await agent.update_state({"counter": 42, "on": True, "list": [1, "é"], "none": None})
        self.assertEqual(agent.state, {"counter": 42, "on": True, "list": [1, "é"], "none": None})
        self.assertEqual(self.redis.hgetall("agent.state:a"),
                         {"counter": "42", "on": "True", "list": '[1, "\\u00e9"]', "none": "None"})
        await agent.stop()
        await agent.start()
        self.assertEqual(agent.state, {"counter": "42", "on": "True", "list": '[1, "\\u00e9"]', "none": "None"})

    async def test_memory_has_it_before_redis(self):
        agent = await self.start(Agent, "a")
        writing = asyncio.create_task(agent.update_state({"n": 1}))
        await asyncio.sleep(0)
        self.assertEqual(agent.state, {"n": 1})
        await writing

    async def test_updates_are_written_in_order(self):
        agent = await self.start(Agent, "a")
        await asyncio.gather(*(agent.update_state({"n": n, f"k{n % 7}": n}) for n in range(100)))
        self.assertEqual(self.redis.cmd("HGET", "agent.state:a", "n"), "99")
        self.assertEqual(self.redis.hgetall("agent.state:a"), {key: str(value) for key, value in agent.state.items()})

    async def test_a_cancelled_update_is_written_and_keeps_its_place(self):
        agent = await self.start(Agent, "a")
        write, written = _state._write, []
        began, release = threading.Event(), threading.Event()

        def write_slowly(pointer, texts):
            if texts == {b"n": b"1"}:
                began.set()
                release.wait(10)
            write(pointer, texts)
            written.append(texts[b"n"])

        with unittest.mock.patch.object(_state, "_write", write_slowly):
            first = asyncio.create_task(agent.update_state({"n": 1}))
            await eventually(began.is_set)
            waiting = asyncio.create_task(agent.update_state({"n": 2}))
            await eventually(lambda: agent.state["n"] == 2)
            last = asyncio.create_task(agent.update_state({"n": 3}))
            await eventually(lambda: agent.state["n"] == 3)
            first.cancel()
            waiting.cancel()  # while it waits for its turn
            release.set()
            await last
        self.assertEqual(written, [b"1", b"2", b"3"])
        await asyncio.gather(first, waiting, return_exceptions=True)
        self.assertEqual(self.redis.cmd("HGET", "agent.state:a", "n"), "3")

    async def test_reset(self):
        agent = await self.start(Agent, "a")
        await agent.update_state({"n": 1})
        await agent.reset_state()
        self.assertEqual(agent.state, {})
        self.assertEqual(self.redis.cmd("EXISTS", "agent.state:a"), 0)
        await agent.update_state({})

    async def test_refresh(self):
        agent = await self.start(Agent, "a")
        self.redis.cmd("HSET", "agent.state:a", "by", "an operator")
        self.assertEqual(agent.state, {})
        await agent.refresh_state()
        self.assertEqual(agent.state, {"by": "an operator"})

    async def test_wrong_updates(self):
        agent = await self.start(Agent, "a")
        await self.assert_refuses(TypeError, "expected a mapping", agent.update_state(5))
        await self.assert_refuses(TypeError, "field's name", agent.update_state({1: 2}))
        await self.assert_refuses(mas.MASError, "1048576", agent.update_state({"big": "x" * ((1 << 20) + 1)}))

    async def test_before_start(self):
        agent = Agent("a", redis_url=self.url)
        with self.assertRaisesRegex(RuntimeError, "Agent not started"):
            _ = agent.state
        await self.assert_refuses(RuntimeError, "Agent not started", agent.update_state({"n": 1}))

    async def test_shared_with_the_framework(self):
        peer = self.start_agent(self.redis, "a")
        peer.update_state({"n": 5, "d": {"k": [1]}})
        agent = await self.start(Agent, "a")
        self.assertEqual(agent.state, {"n": "5", "d": '{"k": [1]}'})
        await agent.update_state({"n": 6, "l": [True, None]})
        self.assertEqual(await asyncio.to_thread(peer.read_state), {"n": "6", "d": '{"k": [1]}', "l": "[true, null]"})


class TypedTest(AgentCase):
    model = Progress

    async def typed(self):
        return await self.start(Agent[self.model], "a", state_model=self.model)

    async def test_comes_back_typed(self):
        agent = await self.typed()
        self.assertEqual(agent.state, self.model())
        await agent.update_state({"step": 3, "history": ["a", "b"], "limit": 9})
        self.assertEqual(agent.state, self.model(step=3, history=["a", "b"], limit=9))
        await agent.update_state({"limit": None})
        await agent.stop()
        await agent.start()
        self.assertEqual(agent.state, self.model(step=3, history=["a", "b"]))
        self.assertIsInstance(agent.state, self.model)

    async def test_fields_that_the_model_lacks(self):
        agent = await self.typed()
        await self.assert_refuses(ValueError, "has no field 'steps'", agent.update_state({"step": 1, "steps": 3}))
        self.assertEqual((agent.state, self.redis.cmd("EXISTS", "agent.state:a")), (self.model(), 0))
        self.redis.cmd("HSET", "agent.state:a", "of_somebody_else", "x", "step", "4")
        await agent.refresh_state()
        self.assertEqual(agent.state, self.model(step=4))

    async def test_unreadable_state_is_an_error_and_stays(self):
        self.redis.cmd("HSET", "agent.state:a", "step", "s3cret", "name", "n")
        agent = Agent("a", redis_url=self.url, state_model=self.model)
        error = await self.assert_refuses(mas.StateError, "field step", agent.start())
        self.assertNotIn("s3cret", str(error))
        self.assertEqual(self.redis.hgetall("agent.state:a"), {"step": "s3cret", "name": "n"})
        self.assertFalse(agent._running)
        self.redis.cmd("HSET", "agent.state:a", "step", "2")
        await agent.start()
        self.assertEqual(agent.state, self.model(step=2, name="n"))
        await agent.stop()

    async def test_reset_makes_a_fresh_model(self):
        agent = await self.typed()
        await agent.update_state({"step": 3})
        await agent.reset_state()
        self.assertEqual(agent.state, self.model())
        self.assertEqual(self.redis.cmd("EXISTS", "agent.state:a"), 0)

    async def test_an_instance_as_the_update(self):
        agent = await self.typed()
        await agent.update_state(self.model(step=1, name="x"))
        self.assertEqual(json.loads(self.redis.cmd("HGET", "agent.state:a", "history")), [])
        self.assertEqual(agent.state, self.model(step=1, name="x"))

    def test_a_class_that_is_not_a_model(self):
        with self.assertRaisesRegex(TypeError, "state_model"):
            Agent("a", state_model=dict)


@needs_pydantic
class PydanticTest(TypedTest):
    def setUp(self):
        super().setUp()
        from pydantic import BaseModel

        class Model(BaseModel):
            step: int = 0
            name: str = ""
            history: list[str] = []
            limit: int | None = None

        self.model = Model


if __name__ == "__main__":
    main()
