"""State: a dict or a model, in memory and in Redis, and what the original framework makes of it."""

import asyncio
import dataclasses
import json
import threading
import unittest.mock
from collections.abc import Callable
from typing import Any

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

    async def test_an_update_writes_what_was_changed_in_place(self):
        agent = await self.start(Agent, "a")
        await agent.update_state({"n": 1, "list": [1], "other": 1})
        agent.state["list"].append(2)
        agent.state["new"] = {"k": None}
        for name in ("", "\0", 5):  # no names of fields
            agent.state[name] = "x"
        agent.state["object"], agent.state["objects"] = object(), [object()]  # for the program alone
        self.redis.cmd("HSET", "agent.state:a", "other", "of another instance")
        await agent.update_state({"n": 2})
        wanted = {"n": "2", "list": "[1, 2]", "new": '{"k": null}', "other": "of another instance"}
        self.assertEqual(self.in_redis(), wanted)
        agent.state["new"] = 3
        await agent.update_state({})
        self.assertEqual(self.in_redis(), {**wanted, "new": "3"})
        await agent.refresh_state()
        self.redis.cmd("HSET", "agent.state:a", "other", "again", "new", "again")
        await agent.update_state({"n": 4})
        self.assertEqual(self.in_redis(), {**wanted, "n": "4", "other": "again", "new": "again"})

    async def test_what_a_refused_update_took_along_is_written_with_the_next(self):
        agent = await self.start(Agent, "a")
        agent.state["list"] = [1]
        await self.assert_refuses(mas.InvalidArgumentError, "name", agent.update_state({"": 1}))
        self.assertEqual((agent.state, self.in_redis()), ({"list": [1]}, {}))
        await agent.update_state({"n": 1})
        self.assertEqual(self.in_redis(), {"n": "1", "list": "[1]"})

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

    async def test_updates_resets_and_refreshes_are_done_in_the_order_of_their_calls(self):
        agent = await self.start(Agent, "a")
        await asyncio.gather(agent.update_state({"n": 1}), agent.reset_state())
        self.assertEqual((agent.state, self.in_redis()), ({}, {}))
        await asyncio.gather(agent.update_state({"n": 2}), agent.refresh_state())
        self.assertEqual((agent.state, self.in_redis()), ({"n": "2"}, {"n": "2"}))
        await asyncio.gather(agent.update_state({"m": 3}), agent.reset_state(), agent.update_state({"n": 4}))
        self.assertEqual((agent.state, self.in_redis()), ({"n": 4}, {"n": "4"}))

    async def test_a_refresh_keeps_what_was_changed_since_its_call(self):
        agent = await self.start(Agent, "a")
        await agent.update_state({"n": 1, "m": 1})
        self.redis.cmd("HSET", "agent.state:a", "n", "5", "m", "5")
        refreshing = asyncio.create_task(agent.refresh_state())
        await asyncio.sleep(0)
        await asyncio.gather(refreshing, agent.update_state({"n": 2}))
        self.assertEqual((agent.state, self.in_redis()), ({"n": 2, "m": "5"}, {"n": "2", "m": "5"}))
        refreshing = asyncio.create_task(agent.refresh_state())
        await asyncio.sleep(0)
        await asyncio.gather(refreshing, agent.reset_state())
        self.assertEqual((agent.state, self.in_redis()), ({}, {}))

    async def test_a_cancelled_reset_is_done(self):
        agent = await self.start(Agent, "a")
        await agent.update_state({"n": 1})
        updating = asyncio.create_task(agent.update_state({"n": 2}))
        await asyncio.sleep(0)
        resetting = asyncio.create_task(agent.reset_state())
        await asyncio.sleep(0)
        resetting.cancel()
        await asyncio.gather(updating, resetting, return_exceptions=True)
        await agent.update_state({"m": 3})
        self.assertEqual((agent.state, self.in_redis()), ({"m": 3}, {"m": "3"}))

    async def test_a_stop_writes_what_is_under_way(self):
        agent = await self.start(Agent, "a")
        updates = [asyncio.create_task(agent.update_state({f"k{n}": n})) for n in range(200)]
        await asyncio.sleep(0)
        await agent.stop()
        await asyncio.gather(*updates)
        self.assertEqual(len(self.in_redis()), 200)
        await agent.start()
        updates = [asyncio.create_task(agent.update_state({f"c{n}": n})) for n in range(50)]
        await asyncio.sleep(0)
        for update in updates:
            update.cancel()
        await agent.aclose()
        await asyncio.gather(*updates, return_exceptions=True)
        self.assertEqual(len(self.in_redis()), 250)

    async def test_a_stop_writes_the_updates_of_the_handlers_that_it_cancels(self):
        class Counting(Agent):
            async def on_message(self, message):
                await self.update_state({f"k{message.data['n']}": 1})

        agent = await self.start(Counting, "a")
        for n in range(100):
            await agent.send("a", "count", {"n": n})
        await eventually(lambda: len(agent.state) == 100)
        await agent.stop()
        self.assertEqual(len(self.in_redis()), 100)

    async def test_a_stop_waits_a_bounded_time(self):
        agent = await self.start(Agent, "a")
        release, write = threading.Event(), _state._write
        self.addCleanup(release.set)

        def fail_late(pointer, texts):
            if b"n" in texts:
                release.wait(60)
                raise mas.MASConnectionError("not now")
            write(pointer, texts)

        with unittest.mock.patch.object(_state, "_write", fail_late), \
                unittest.mock.patch.object(mas.agent, "STATE_TIMEOUT_S", 0.2):
            updating = asyncio.create_task(agent.update_state({"n": 1}))
            await asyncio.sleep(0)
            stopping = asyncio.create_task(agent.stop())
            with self.assertLogs("mas.agent", "WARNING") as logs:
                await eventually(lambda: logs.output)
            self.assertIn("1 changes of the state are not written", logs.output[0])
            await self.assert_refuses(mas.AgentStateError, "being stopped", agent.update_state({"n": 2}))
            self.assertEqual(agent.state, {"n": 1})
            await stopping
            await agent.start()
            await agent.update_state({"m": 1})
            release.set()
            await self.assert_refuses(mas.MASConnectionError, "not now", updating)
            await agent.update_state({"m": 2})
        self.assertEqual((agent.state, self.in_redis()), ({"m": 2}, {"m": "2"}))

    async def test_a_stop_ends_while_the_program_goes_on_updating(self):
        agent = await self.start(Agent, "a")

        async def update_for_ever(name):
            n = 0
            while True:
                n += 1
                await agent.update_state({name: n})

        updaters = [asyncio.create_task(update_for_ever(name)) for name in "xy"]
        await eventually(lambda: len(agent.state) == 2)
        await asyncio.wait_for(agent.stop(), 5)
        for updater in updaters:
            await self.assert_refuses(mas.AgentStateError, "being stopped", updater)

    async def test_wrong_updates(self):
        agent = await self.start(Agent, "a")
        await agent.update_state({"n": 1})
        await self.assert_refuses(TypeError, "expected a mapping", agent.update_state(5))
        await self.assert_refuses(TypeError, "field's name", agent.update_state({1: 2}))
        await self.assert_refuses(mas.MASError, "1048576", agent.update_state({"big": "x" * ((1 << 20) + 1)}))
        await self.assert_refuses(mas.MASError, "name", agent.update_state({"": 1, "n": 2}))
        await self.assert_refuses(mas.PayloadError, "field 'o'", agent.update_state({"o": [object()]}))
        await self.assert_refuses(mas.PayloadError, "UTF-8", agent.update_state({"o": "\ud800"}))
        self.assertEqual((agent.state, self.in_redis()), ({"n": 1}, {"n": "1"}))

    async def test_what_a_refused_update_leaves(self):
        agent = await self.start(Agent, "a")
        await agent.update_state({"n": 1})
        results = await asyncio.gather(agent.update_state({"n": 2, "": 0}), agent.update_state({"n": 3, "": 0}),
                                       return_exceptions=True)
        self.assertEqual({type(result) for result in results}, {mas.InvalidArgumentError})
        self.assertEqual(agent.state, {"n": 1})
        results = await asyncio.gather(agent.update_state({"n": 4, "": 0}), agent.update_state({"n": 5}),
                                       return_exceptions=True)
        self.assertEqual(([type(result) for result in results], agent.state),
                         ([mas.InvalidArgumentError, type(None)], {"n": 5}))

    async def test_what_redis_did_not_take_is_written_with_the_next_update(self):
        agent = await self.start(Agent, "a")
        await agent.update_state({"n": 1, "m": 1})

        def fail(*_):
            raise mas.MASConnectionError("not now")

        with unittest.mock.patch.multiple(_state, _write=fail, _delete=fail):
            await self.assert_refuses(mas.MASConnectionError, "not now", agent.update_state({"n": 2, "o": 2}))
        self.assertEqual(agent.state, {"n": 2, "m": 1, "o": 2})
        await agent.update_state({"m": 3})
        self.assertEqual(self.in_redis(), {"n": "2", "m": "3", "o": "2"})
        with unittest.mock.patch.multiple(_state, _write=fail, _delete=fail):
            await self.assert_refuses(mas.MASConnectionError, "not now", agent.reset_state())
        await agent.update_state({"m": 4})
        self.assertEqual((agent.state, self.in_redis()), ({"m": 4}, {"m": "4"}))
        with unittest.mock.patch.multiple(_state, _write=fail, _delete=fail):
            await self.assert_refuses(mas.MASConnectionError, "not now", agent.update_state({"n": 5}))
        await agent.refresh_state()
        await agent.update_state({"m": 6})
        self.assertEqual((agent.state, self.in_redis()), ({"m": 6}, {"m": "6"}))

    def in_redis(self):
        return self.redis.hgetall("agent.state:a")

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

    async def test_an_update_writes_what_was_changed_in_place(self):
        agent = await self.typed()
        agent.state.history.append("a")
        agent.state.step += 1
        await agent.update_state({"name": "x"})
        self.assertEqual(self.redis.hgetall("agent.state:a"), {"name": "x", "history": '["a"]', "step": "1"})
        self.redis.cmd("HSET", "agent.state:a", "step", "7", "history", "[]")
        await agent.update_state({"name": "y"})
        self.assertEqual(self.redis.hgetall("agent.state:a"), {"name": "y", "history": "[]", "step": "7"})
        await agent.refresh_state()
        self.assertEqual(agent.state, self.model(name="y", step=7))
        agent.state.step = "s3cret"
        error = await self.assert_refuses(mas.StateError, "field step", agent.update_state({"name": "z"}))
        self.assertNotIn("s3cret", str(error))
        self.assertEqual(agent.state.name, "y")
        await agent.reset_state()
        agent.state.step = 2
        await agent.update_state({})
        self.assertEqual(self.redis.hgetall("agent.state:a"), {"step": "2"})

    async def test_fields_that_the_model_lacks(self):
        agent = await self.typed()
        await self.assert_refuses(ValueError, "has no field 'steps'", agent.update_state({"step": 1, "steps": 3}))
        self.assertEqual((agent.state, self.redis.cmd("EXISTS", "agent.state:a")), (self.model(), 0))
        self.redis.cmd("HSET", "agent.state:a", "of_somebody_else", "x", "step", "4")
        await agent.refresh_state()
        self.assertEqual(agent.state, self.model(step=4))

    async def test_an_update_that_does_not_fit_changes_nothing(self):
        agent = await self.typed()
        await agent.update_state({"step": 1})
        for changes, field in (({"step": "s3cret"}, "step"), ({"name": "x", "history": {"s3cret": 1}}, "history"),
                               ({"step": None}, "step")):
            with self.subTest(changes):
                error = await self.assert_refuses(mas.StateError, f"field {field}", agent.update_state(changes))
                self.assertNotIn("s3cret", str(error))
                self.assertEqual((agent.state, self.redis.hgetall("agent.state:a")),
                                 (self.model(step=1), {"step": "1"}))
        await agent.update_state({"step": "7"})  # as the original framework, it takes what it can read back
        await agent.refresh_state()
        self.assertEqual(agent.state, self.model(step=7))

    async def test_a_refresh_that_does_not_fit_changes_nothing(self):
        agent = await self.typed()
        await agent.update_state({"step": 1})
        self.redis.cmd("HSET", "agent.state:a", "step", "x")
        await self.assert_refuses(mas.StateError, "field step", agent.refresh_state())
        self.assertEqual(agent.state, self.model(step=1))
        await agent.reset_state()
        await agent.refresh_state()
        self.assertEqual(agent.state, self.model())

    async def test_a_refresh_keeps_what_was_changed_since_its_call(self):
        agent = await self.typed()
        self.redis.cmd("HSET", "agent.state:a", "step", "5", "name", "theirs")
        refreshing = asyncio.create_task(agent.refresh_state())
        await asyncio.sleep(0)
        await asyncio.gather(refreshing, agent.update_state({"step": 2, "history": ["x"]}))
        self.assertEqual(agent.state, self.model(step=2, name="theirs", history=["x"]))

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


class FieldsOfTheProgramTest(AgentCase):
    async def test_are_not_written(self):
        @dataclasses.dataclass
        class Model:
            n: int = 0
            on_end: Callable[[], None] | None = None
            client: Any = None

        agent = await self.start(Agent, "a", state_model=Model)
        agent.state.on_end, agent.state.client = self.fail, self
        await agent.update_state({"n": 1})
        self.assertEqual(self.redis.hgetall("agent.state:a"), {"n": "1"})


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

    async def test_a_model_that_checks_assignments(self):
        import pydantic

        class Model(pydantic.BaseModel):
            a: int = 0
            b: int = 0

            if pydantic.VERSION.startswith("1."):
                class Config:
                    validate_assignment = True
            else:
                model_config = {"validate_assignment": True}

        agent = await self.start(Agent, "a", state_model=Model)
        await self.assert_refuses(ValueError, "b", agent.update_state({"a": 1, "b": "bad"}))
        self.assertEqual((agent.state, self.redis.cmd("EXISTS", "agent.state:a")), (Model(), 0))
        await agent.update_state({"a": "5"})
        self.assertEqual(agent.state, Model(a=5))


if __name__ == "__main__":
    main()
