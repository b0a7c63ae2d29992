"""Requests and replies: the answer, its absence, many at once, cancellation, and completions that come late."""

import asyncio
import gc

from case import AgentCase, eventually, main, mas
from mas import Agent, AgentMessage, _native


class Responder(Agent):
    """Answers by type; `slow` never ends by itself."""

    handled = 0
    cancelled = 0

    @Agent.on("double")
    async def on_double(self, message, payload):
        await asyncio.sleep(message.data.get("after", 0))
        await message.reply("doubled", {"n": 2 * message.data["n"]})
        self.handled += 1
        await self.update_state({"handled": self.handled})

    @Agent.on("slow")
    async def on_slow(self, message, payload):
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    @Agent.on("keep")
    async def on_keep(self, message, payload):
        self.kept = message

    @Agent.on("twice")
    async def on_twice(self, message, payload):
        await message.reply("first", {})
        await message.reply("second", {})

    @Agent.on("through")
    async def on_through(self, message, payload):
        reply = await self.request(message.data["to"], "double", {"n": message.data["n"]}, timeout=10)
        await message.reply("passed on", reply.data)

    @Agent.on("note")
    async def on_note(self, message, payload):
        try:
            await message.reply("x", {})
        except RuntimeError as error:
            self.refused = str(error)


class RequestTest(AgentCase):
    async def asyncSetUp(self):
        self.responder = await self.start(Responder, "responder")
        self.requester = await self.start(Agent, "requester")

    def double(self, n, **options):
        return self.requester.request("responder", "double", {"n": n, **options}, timeout=10)

    async def test_the_reply_and_the_state_behind_it(self):
        """What the responder does after its reply, up to its next suspension, is done when the requester goes on."""
        for n in range(1, 20):
            reply = await self.double(n)
            self.assertIsInstance(reply, AgentMessage)
            self.assertEqual((reply.message_type, reply.data, reply.is_reply), ("doubled", {"n": 2 * n}, True))
            self.assertEqual(self.responder.state["handled"], n)

    async def test_many_at_once_overlap(self):
        began = asyncio.get_running_loop().time()
        replies = await asyncio.gather(*(self.double(n, after=0.3) for n in range(20)))
        self.assertEqual([reply.data["n"] for reply in replies], [2 * n for n in range(20)])
        self.assertLess(asyncio.get_running_loop().time() - began, 5, "20 handlers of 0.3 s each, side by side")

    async def test_from_a_handler_and_to_itself(self):
        reply = await self.requester.request("responder", "through", {"to": "responder", "n": 4}, timeout=10)
        self.assertEqual(reply.data, {"n": 8})

    async def test_no_answer_in_time(self):
        error = await self.assert_refuses(asyncio.TimeoutError, "'slow'", self.requester.request(
            "responder", "slow", {}, timeout=0.2))
        self.assertIsInstance(error, mas.MASTimeoutError)
        self.assertEqual((error.status, error.retriable), ("TIMEOUT", True))
        self.assertEqual((await self.double(1)).data, {"n": 2})

    async def test_no_time_at_all(self):
        await self.assert_refuses(TimeoutError, "double",
                                  self.requester.request("responder", "double", {"n": 1}, timeout=0))

    async def test_nobody_listens(self):
        for timeout in (5, None):
            error = await self.assert_refuses(TimeoutError, "nobody",
                                              self.requester.request("nobody", "x", {}, timeout))
            self.assertIsInstance(error, mas.NoReceiverError)

    async def test_without_a_time_limit(self):
        reply = await self.requester.request_typed("responder", "double", {"n": 1, "after": 0.2})
        self.assertEqual(reply.data, {"n": 2})

    async def test_a_reply_that_nobody_asked_for(self):
        await self.requester.send("responder", "note", {})
        await eventually(lambda: hasattr(self.responder, "refused"))
        self.assertIn("does not have correlation ID", self.responder.refused)

    async def test_a_message_that_no_agent_received(self):
        message = AgentMessage(sender_id="a", target_id="b", message_type="c", data={})
        await self.assert_refuses(RuntimeError, "message not associated with agent", message.reply("x", {}))

    async def test_the_first_reply_counts(self):
        reply = await self.requester.request("responder", "twice", {}, timeout=10)
        self.assertEqual(reply.message_type, "first")
        await eventually(lambda: self.requester.stats()["late_replies"] == 1, what="the second reply is counted")

    async def test_a_kept_message_is_replied_to_later(self):
        waiting = asyncio.create_task(self.requester.request("responder", "keep", {"n": 1}, timeout=20))
        await eventually(lambda: hasattr(self.responder, "kept"))
        gc.collect()
        await self.double(1)
        await self.responder.kept.reply("late", {"ok": True})
        self.assertEqual((await waiting).data, {"ok": True})

    async def test_a_kept_message_of_an_agent_that_stopped(self):
        waiting = asyncio.create_task(self.requester.request("responder", "keep", {}, timeout=1))
        await eventually(lambda: hasattr(self.responder, "kept"))
        await self.responder.stop()
        await self.assert_refuses(mas.AgentStateError, "not started", self.responder.kept.reply("late", {}))
        await self.responder.start()
        await self.assert_refuses(mas.MASError, "replying to 'keep'", self.responder.kept.reply("later", {}))
        await self.assert_refuses(TimeoutError, "keep", waiting)

    async def test_a_message_outlives_its_agent(self):
        waiting = asyncio.create_task(self.requester.request("responder", "keep", {"n": 1}, timeout=0.5))
        await eventually(lambda: hasattr(self.responder, "kept"))
        kept = self.responder.kept
        await self.responder.stop()
        await asyncio.gather(waiting, return_exceptions=True)
        self.assertEqual(kept.data, {"n": 1})
        del self.responder.kept, kept
        gc.collect()


class EndTest(AgentCase):
    """Cancellation and late completions."""

    async def asyncSetUp(self):
        self.responder = await self.start(Responder, "responder")
        self.requester = await self.start(Agent, "requester")

    async def test_a_cancelled_request(self):
        before = len(_native._pending)
        waiting = [asyncio.create_task(self.requester.request("responder", "slow", {})) for _ in range(20)]
        await eventually(lambda: len(_native._pending) == before + 20)
        for task in waiting:
            task.cancel()
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            self.assertIsInstance(result, asyncio.CancelledError)
        self.assertEqual(len(_native._pending), before, "nothing is left of them")
        reply = await self.requester.request("responder", "double", {"n": 1}, timeout=10)
        self.assertEqual(reply.data, {"n": 2})

    async def test_a_reply_that_comes_after_the_cancellation(self):
        waiting = asyncio.create_task(self.requester.request("responder", "double", {"n": 1, "after": 0.2}))
        await eventually(lambda: self.responder._mas_handlers._tasks)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await eventually(lambda: self.requester.stats()["late_replies"] == 1)

    async def test_stop_ends_what_waits(self):
        waiting = [asyncio.create_task(self.requester.request("responder", "slow", {})) for _ in range(5)]
        await eventually(lambda: len(self.responder._mas_handlers._tasks) == 5)
        await self.requester.stop()
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            self.assertIsInstance(result, mas.MASError)
            self.assertEqual(result.status, "CANCELLED")
            self.assertIn("stopped", str(result))

    async def test_stop_cancels_handlers_and_does_not_wait_for_them(self):
        await self.requester.send("responder", "slow", {})
        await eventually(lambda: self.responder._mas_handlers._tasks)
        await asyncio.wait_for(self.responder.stop(), 10)
        self.assertEqual(self.responder.cancelled, 1)

    async def test_a_completion_after_the_handle_is_gone(self):
        """The library calls back with an id that nobody has any more."""
        future = asyncio.get_running_loop().create_future()
        native = self.requester._mas_session.native
        status, (key, handle) = native.request(b"responder", b"double", b'{"n":1}', 5000, future)
        self.assertEqual(status, 0)
        del _native._pending[key]
        await eventually(lambda: self.responder.handled == 1)
        # The replies come in order: when the second one is here, the first was called back.
        self.assertEqual((await self.requester.request("responder", "double", {"n": 2}, timeout=5)).data, {"n": 4})
        self.assertFalse(future.done())
        native.end_request((key, handle))

    async def test_work_on_a_thread_outlives_its_caller(self):
        """A discovery whose caller is gone and whose agent is closed ends by itself."""
        proxy = self.start_proxy(self.redis)
        agent = Agent("remote", redis_url=proxy.url())
        await agent.start()
        proxy.stall()
        looking = asyncio.create_task(agent.discover())
        writing = asyncio.create_task(agent.update_state({"n": 1}))
        await eventually(lambda: agent._mas_session.native._calls == 2)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        self.assertTrue(looking.cancelled())
        native = agent._mas_session.native
        await agent.stop()
        results = await asyncio.gather(writing, return_exceptions=True)
        self.assertIsInstance(results[0], mas.MASError)
        self.assertEqual(agent.state, {"n": 1})
        proxy.forward()
        await eventually(lambda: native.pointer is None, what="the handle is freed when its last call has returned")


if __name__ == "__main__":
    main()
