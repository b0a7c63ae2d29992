"""Gateway mode: a message is acknowledged when its handler's task has ended, and delivered again where that did not
happen."""

import asyncio

from case import AgentCase, eventually, main, mas, poll_until
from harness.gateway_case import QUICK
from mas import Agent, HandlerError

STREAM = "agent.stream:bob"

# Handles even numbers, and stays in the handler of odd ones until it is killed.
HALF = """
import asyncio
from mas import Agent

class Bob(Agent):
    async def on_message(self, message):
        if message.data["n"] % 2:
            await asyncio.Event().wait()

async def run():
    await Bob("bob", use_gateway=True).start()
    await asyncio.Event().wait()

asyncio.run(run())
"""


class Bob(Agent):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.got = []
        self.failures = 0  # that are still to come
        self.free = asyncio.Event()
        self.free.set()

    async def on_message(self, message):
        self.got.append(message.data.get("n"))
        await self.free.wait()
        if self.failures:
            self.failures -= 1
            raise HandlerError("not yet")
        if message.expects_reply:
            await message.reply("answer", {"after": len(self.got)})

    @Agent.on("end")
    async def on_end(self, message, payload):
        self.got.append("end")
        await self.stop()


class SettleTest(AgentCase):
    def setUp(self):
        super().setUp()
        config = {**QUICK, "retry": {"attempts": 3, "base": "100ms", "cap": "200ms"}}
        gateway = self.start_daemon("mas-gatewayd", self.redis, config)
        poll_until(lambda: gateway.ready()[1].get("deciding"), 10, "the gateway has fenced partitions")

    async def asyncSetUp(self):
        self.alice = await self.start(Agent, "alice", use_gateway=True)

    def held(self):
        return self.redis.cmd("XLEN", STREAM)

    async def test_when_the_handler_has_ended(self):
        bob = await self.start(Bob, "bob", use_gateway=True)
        bob.free.clear()
        for n in range(3):
            await self.alice.send("bob", "note", {"n": n})
        await eventually(lambda: len(bob.got) == 3)  # side by side
        self.assertGreater(self.held(), 0)
        bob.free.set()
        await eventually(lambda: self.held() == 0)
        self.assertEqual(bob.got, [0, 1, 2])

    async def test_a_handler_that_raises_gets_the_message_again(self):
        bob = await self.start(Bob, "bob", use_gateway=True)
        bob.failures = 2
        reply = await self.alice.request("bob", "ask", {}, timeout=20)
        self.assertEqual(reply.data, {"after": 3})
        await eventually(lambda: self.held() == 0)
        self.assertEqual(bob.stats()["handler_failed"], 2)

    async def test_a_request_fails_at_the_last_attempt(self):
        bob = await self.start(Bob, "bob", use_gateway=True)
        bob.failures = 3
        error = await self.assert_refuses(mas.RequestFailedError, "not yet",
                                          self.alice.request("bob", "ask", {}, timeout=20))
        self.assertEqual((error.code, len(bob.got)), ("HANDLER_FAILED", 3))

    async def test_a_request_without_a_handler_fails_at_once(self):
        await self.start(Agent, "bob", use_gateway=True)
        error = await self.assert_refuses(mas.RequestFailedError, "no handler", self.alice.request(
            "bob", "ask", {}, timeout=60))
        self.assertEqual(error.code, "NO_HANDLER")
        await eventually(lambda: self.held() == 0)

    async def test_what_a_stop_cancels_comes_again(self):
        bob = await self.start(Bob, "bob", use_gateway=True)
        bob.free.clear()
        for n in range(5):
            await self.alice.send("bob", "note", {"n": n})
        await eventually(lambda: len(bob.got) == 5)
        await bob.stop()
        bob.free.set()
        await bob.start()
        await eventually(lambda: len(bob.got) == 10, timeout=30)
        self.assertEqual(sorted(bob.got[5:]), [0, 1, 2, 3, 4])
        await eventually(lambda: self.held() == 0)
        self.assertEqual(bob.stats()["handler_failed"], 0)  # no attempt was used up

    async def test_what_aclose_waits_for_does_not(self):
        bob = await self.start(Bob, "bob", use_gateway=True)
        bob.free.clear()
        await self.alice.send("bob", "note", {"n": 1})
        await eventually(lambda: bob.got)
        closing = asyncio.create_task(bob.aclose())
        await asyncio.sleep(0)
        bob.free.set()
        await closing
        self.assertEqual(self.held(), 0)

    async def test_a_handler_that_stops_its_agent_has_handled_its_message(self):
        bob = await self.start(Bob, "bob", use_gateway=True)
        await self.alice.send("bob", "end", {})
        await eventually(lambda: not bob._running)
        self.assertEqual((self.held(), bob.got), (0, ["end"]))

    async def test_a_handler_that_is_cancelled_alone_has_failed(self):
        bob = await self.start(Bob, "bob", use_gateway=True)
        bob.free.clear()
        await self.alice.send("bob", "note", {"n": 1})
        await eventually(lambda: bob.got)
        [task] = bob._mas_handlers._tasks.values()
        task.cancel()
        bob.free.set()
        await eventually(lambda: len(bob.got) == 2)  # the gateway has delivered it again
        await eventually(lambda: self.held() == 0)

    async def test_a_handler_that_is_cancelled_before_it_runs_has_failed(self):
        bob = await self.start(Bob, "bob", use_gateway=True)
        begin = bob._mas_handlers.begin

        def cancelled_once(message, loop):
            begin(message, loop)
            bob._mas_handlers.begin = begin
            [task] = bob._mas_handlers._tasks.values()
            task.cancel()

        bob._mas_handlers.begin = cancelled_once
        await self.alice.send("bob", "note", {"n": 1})
        await eventually(lambda: bob.got == [1])  # the gateway has delivered it again
        await eventually(lambda: self.held() == 0)
        self.assertEqual(bob.stats()["handler_failed"], 1)

    async def test_a_handler_that_raises_more_than_an_exception_has_failed(self):
        class Odd(BaseException):
            pass

        class Raises(Bob):
            async def on_message(self, message):
                await super().on_message(message)
                if len(self.got) == 1:
                    raise Odd

        bob = await self.start(Raises, "bob", use_gateway=True)
        await self.alice.send("bob", "note", {"n": 1})
        await eventually(lambda: bob.got == [1, 1])
        await eventually(lambda: self.held() == 0)
        self.assertEqual(bob.stats()["handler_failed"], 1)

    async def test_a_killed_process_loses_nothing(self):
        child = self.start_python("-c", HALF, env={"MAS_REDIS_URL": self.url})
        await eventually(lambda: self.redis.cmd("EXISTS", "agent:bob") == 1)
        for n in range(10):
            await self.alice.send("bob", "note", {"n": n})
        await eventually(lambda: self.held() == 5)
        child.kill()
        child.wait()
        self.redis.cmd("DEL", *self.redis.cmd("KEYS", "agent:bob:alive:*"))  # the lease expires
        bob = await self.start(Bob, "bob", use_gateway=True)
        await eventually(lambda: len(bob.got) == 5, timeout=30)
        self.assertEqual(sorted(bob.got), [1, 3, 5, 7, 9])
        await eventually(lambda: self.held() == 0)


if __name__ == "__main__":
    main()
