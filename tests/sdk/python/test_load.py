"""Under load: nothing is left behind when polling, a full queue makes senders wait, and other work goes on."""

import asyncio
import ctypes
import unittest.mock

from case import AgentCase, eventually, main
from mas import Agent, _errors, _native
from mas._library import lib


class Counter(Agent):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.numbers = []

    @Agent.on("n")
    async def on_n(self, message, payload):
        self.numbers.append(message.data["n"])

    @Agent.on("ask")
    async def on_ask(self, message, payload):
        await message.reply("answer", message.data)


class LoadTest(AgentCase):
    async def asyncSetUp(self):
        # Development mode measures each step of the loop and writes about long ones; here they are the test.
        asyncio.get_running_loop().slow_callback_duration = 60
        self.counter = await self.start(Counter, "counter")
        self.sender = await self.start(Agent, "sender")

    async def test_five_thousand_messages(self):
        for n in range(5000):
            await self.sender.send("counter", "n", {"n": n})
        await eventually(lambda: len(self.counter.numbers) == 5000, 60, "all of them are handled")
        self.assertEqual(self.counter.numbers, list(range(5000)))

    async def test_what_waits_is_taken_without_another_signal(self):
        """Polled once: more than a slice waits, and nobody rings again."""
        loop = asyncio.get_running_loop()
        fd = self.counter._mas_session.native.fd
        loop.remove_reader(fd)
        for n in range(5 * _native.SLICE + 7):
            await self.sender.send("counter", "n", {"n": n})
        await eventually(lambda: self.counter.stats()["received"] == 5 * _native.SLICE + 7, 30)
        self.counter._mas_session.take()
        await eventually(lambda: len(self.counter.numbers) == 5 * _native.SLICE + 7, 30)
        handled = ctypes.c_size_t()
        self.assertEqual(lib.mas_agent_poll(self.counter._mas_session.native.pointer, 0, ctypes.byref(handled)), 0)
        self.assertEqual(handled.value, 0)

    async def test_the_loop_has_its_turn_between_slices(self):
        turns = []
        loop = asyncio.get_running_loop()

        def turn():
            turns.append(len(self.counter.numbers))
            if turns[-1] < 2000:
                loop.call_soon(turn)

        loop.remove_reader(self.counter._mas_session.native.fd)
        for n in range(2000):
            await self.sender.send("counter", "n", {"n": n})
        await eventually(lambda: self.counter.stats()["received"] == 2000, 30)
        turn()
        self.counter._mas_session.take()
        await eventually(lambda: len(self.counter.numbers) == 2000, 30)
        steps = {later - earlier for earlier, later in zip(turns, turns[1:])}
        self.assertLessEqual(max(steps), _native.SLICE)

    async def test_requests_at_once(self):
        replies = await asyncio.gather(*(
            self.sender.request("counter", "ask", {"n": n}, timeout=60) for n in range(2000)))
        self.assertEqual([reply.data["n"] for reply in replies], list(range(2000)))

    async def test_sending_does_not_starve_the_loop(self):
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        for n in range(1000):
            await self.sender.send("counter", "n", {"n": n})
        ticking.cancel()
        self.assertGreaterEqual(ticks, 10)

    async def test_a_full_queue_makes_the_sender_wait(self):
        native = self.sender._mas_session.native
        refusals = 0

        def full_at_first(*arguments):
            nonlocal refusals
            refusals += 1
            return _errors.WOULD_BLOCK if refusals < 4 else type(native).send(native, *arguments)

        with unittest.mock.patch.object(native, "send", full_at_first, create=True):
            await self.sender.send("counter", "n", {"n": 1})
        await eventually(lambda: self.counter.numbers == [1])
        self.assertEqual(refusals, 4)

    async def test_a_queue_that_is_really_full(self):
        """Redis answers nothing for a while; no message is lost and none is refused."""
        proxy = self.start_proxy(self.redis)
        slow = Agent("slow", redis_url=proxy.url())
        await slow.start()
        proxy.stall()
        text = "x" * 60_000

        async def send_all():
            for n in range(400):  # 24 MB; the queue holds 16 MiB
                await slow.send("counter", "n", {"n": n, "text": text})

        sending = asyncio.create_task(send_all())
        await asyncio.sleep(1)
        self.assertFalse(sending.done(), "the sender waits")
        proxy.forward()
        await asyncio.wait_for(sending, 60)
        await eventually(lambda: len(self.counter.numbers) == 400, 60)
        self.assertEqual(self.counter.numbers, list(range(400)))
        await slow.stop()


if __name__ == "__main__":
    main()
