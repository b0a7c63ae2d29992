"""Requests that their target cannot handle: the requester hears at once, with a code and a text that tells no value."""

import asyncio
import dataclasses
import enum
import time
import unittest.mock

from case import AgentCase, HAS_PYDANTIC, eventually, main, mas, needs_pydantic
from mas import Agent, HandlerError, MASTimeoutError, NoReceiverError, RequestFailedError, _dispatch, _native, _session
from mas._errors import WOULD_BLOCK

LONG = 60  # seconds: what a test that waits for a time-out would take


class Mood(enum.Enum):
    GOOD = "good"


@dataclasses.dataclass
class Order:
    count: int
    mood: Mood = Mood.GOOD
    prices: dict[str, int] = dataclasses.field(default_factory=dict)


class Target(Agent):
    lingers = False

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.cancelled, self.may_end = asyncio.Event(), asyncio.Event()

    @Agent.on("order", model=Order)
    async def on_order(self, message, order):
        await message.reply("taken", {"count": order.count})

    @Agent.on("raise")
    async def on_raise(self, message, payload):
        await asyncio.sleep(0)
        raise KeyError("s3cret")

    @Agent.on("say")
    async def on_say(self, message, payload):
        raise HandlerError(message.data["text"])

    @Agent.on("linger")
    async def on_linger(self, message, payload):
        self.lingers = True
        try:
            await asyncio.sleep(LONG)
        finally:
            self.cancelled.set()
            await self.may_end.wait()

    @Agent.on("both")
    async def on_both(self, message, payload):
        await message.reply("done", {})
        raise ValueError("afterwards")


class ErrorReplyTest(AgentCase):
    async def asyncSetUp(self):
        self.target = await self.start(Target, "target")
        self.asker = await self.start(Agent, "asker")

    async def refused(self, message_type, data, code, target="target"):
        """@return the error's text."""
        began = time.monotonic()
        error = await self.assert_refuses(RequestFailedError, code,
                                          self.asker.request(target, message_type, data, timeout=LONG))
        self.assertLess(time.monotonic() - began, LONG / 2)
        self.assertEqual((error.code, error.retriable), (code, False))
        self.assertIsInstance(error, TimeoutError)
        self.assertIsInstance(error, MASTimeoutError)
        self.assertNotIn("s3cret", str(error))
        return error.text

    async def test_no_handler(self):
        self.assertEqual(await self.refused("unknown", {}, "NO_HANDLER"), "no handler for messages of type 'unknown'")
        await self.asker.send("target", "unknown", {})
        reply = await self.asker.request("target", "order", {"count": 3}, timeout=LONG)
        self.assertEqual(reply.data, {"count": 3})
        self.assertEqual(self.asker.stats()["received"], 2)  # nobody answered what was no request

    async def test_a_handler_that_raises(self):
        self.assertEqual(await self.refused("raise", {}, "HANDLER_FAILED"), "the handler raised KeyError")
        self.assertEqual(await self.refused("say", {"text": "no such account"}, "HANDLER_FAILED"), "no such account")
        self.assertEqual(await self.refused("say", {"text": "a\nb\0c\x1b"}, "HANDLER_FAILED"), "a?b?c?")
        self.assertLessEqual(len((await self.refused("say", {"text": "ß" * 10**5}, "HANDLER_FAILED")).encode()), 512)

    async def test_the_counters(self):
        for message_type, code in (("unknown", "NO_HANDLER"), ("raise", "HANDLER_FAILED"), ("order", "INVALID_PAYLOAD")):
            for _ in range(5):
                await self.refused(message_type, {}, code)
        stats = self.target.stats()
        self.assertEqual([stats[name] for name in ("unhandled", "handler_failed", "error_replies")], [5, 10, 15])

    async def test_failures_that_no_requester_hears_of_are_counted(self):
        for message_type in ("unknown", "raise", "order"):
            for _ in range(3):
                await self.asker.send("target", message_type, {})
        await self.asker.request("target", "both", {}, timeout=LONG)  # it replies, and then raises
        await eventually(lambda: self.target.stats()["handler_failed"] == 7)
        self.assertEqual(self.target.stats()["unhandled"], 3)

    async def test_a_full_outbound_queue(self):
        """The error replies wait until it is not full; a stop waits for them, too."""
        full, refused, reply_error = True, 0, _native.Native.reply_error

        def reply_error_or_not(native, *arguments):
            nonlocal refused
            refused += full
            return WOULD_BLOCK if full else reply_error(native, *arguments)

        with unittest.mock.patch.object(_native.Native, "reply_error", reply_error_or_not):
            types = ("unknown", "raise", "order") * 5
            asking = [asyncio.create_task(self.refused(message_type, {}, code)) for message_type, code in zip(
                types, ("NO_HANDLER", "HANDLER_FAILED", "INVALID_PAYLOAD") * 5)]
            await eventually(lambda: len(self.target._mas_session._answers) == len(asking))
            self.assertGreater(refused, 0)
            full = False
            await asyncio.wait_for(asyncio.gather(*asking), LONG / 2)
            self.assertEqual(len(self.target._mas_session._answers), 0)
            full = True
            asking = [asyncio.create_task(self.refused("raise", {}, "HANDLER_FAILED")) for _ in range(3)]
            await eventually(lambda: len(self.target._mas_session._answers) == len(asking))
            stopping = asyncio.create_task(self.target.stop())
            await asyncio.sleep(0)
            full = False
            await asyncio.wait_for(asyncio.gather(*asking, stopping), LONG / 2)

    async def test_a_queue_that_stays_full(self):
        with unittest.mock.patch.object(_native.Native, "reply_error", lambda *_: WOULD_BLOCK), \
                unittest.mock.patch.object(_session, "_MOST_ANSWERS", 2), \
                unittest.mock.patch.object(mas.agent, "ANSWERS_S", 0.1), self.assertLogs("mas.agent") as logs:
            asking = [asyncio.create_task(self.asker.request("target", "unknown", {}, timeout=LONG)) for _ in range(3)]
            await eventually(lambda: any("no error reply" in line for line in logs.output))
            await self.target.stop()
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        self.assertTrue(any("2 error replies were not sent" in line for line in logs.output), logs.output)

    async def test_what_was_replied_to(self):
        self.assertEqual((await self.asker.request("target", "both", {}, timeout=LONG)).message_type, "done")
        await self.refused("raise", {}, "HANDLER_FAILED")
        self.assertEqual(self.asker.stats()["late_replies"], 0)

    async def test_data_that_does_not_fit(self):
        for data, text in (({}, "count: is missing"),
                           ({"count": "s3cret"}, "count: expected an integer, found text"),
                           ({"count": 1, "mood": "s3cret"}, "mood: expected one of 'good'"),
                           ({"count": 1, "prices": {"s3cret": "s3cret"}}, "prices.*: expected an integer, found text")):
            with self.subTest(data=data):
                self.assertEqual(await self.refused("order", data, "INVALID_PAYLOAD"), text)

    @needs_pydantic
    async def test_data_that_does_not_fit_a_pydantic_model(self):
        target = await self.start(PydanticTarget, "pydantic")
        for data, path in (({}, "lines: "),
                           ({"lines": [{"count": "s3cret"}]}, "lines[0].count: "),
                           ({"lines": [], "prices": {"s3cret": "x"}}, "prices.*: "),
                           ({"lines": [], "name": "s3cret"}, "name: is not valid; expected text, found text")):
            with self.subTest(data=data):
                text = await self.refused("order", data, "INVALID_PAYLOAD", target.id)
                self.assertTrue(text.startswith(path), text)

    async def test_an_agent_that_is_being_stopped(self):
        """It refuses while its handlers clean up; then nobody is there."""
        patch = unittest.mock.patch.object(_dispatch, "CLEAN_UP_S", LONG)  # however slow the machine is
        patch.start()
        self.addCleanup(patch.stop)
        await self.asker.send("target", "linger", {})
        await eventually(lambda: self.target.lingers)
        stopping = asyncio.create_task(self.target.stop())
        await asyncio.wait_for(self.target.cancelled.wait(), LONG / 2)
        self.assertEqual(await self.refused("order", {"count": 1}, "HANDLER_FAILED"), "the agent is being stopped")
        self.target.may_end.set()
        await stopping
        await self.assert_refuses(NoReceiverError, "target", self.asker.request("target", "order", {"count": 1}, LONG))


if HAS_PYDANTIC:
    import pydantic

    class Line(pydantic.BaseModel):
        count: int

    class Lines(pydantic.BaseModel):
        lines: list[Line]
        prices: dict[str, int] = {}
        name: str = ""

        if pydantic.VERSION.startswith("1."):
            @pydantic.validator("name")
            def check(cls, value):
                if value:
                    raise ValueError(f"what is {value}?")
                return value
        else:
            @pydantic.field_validator("name")
            @classmethod
            def check(cls, value):
                if value:
                    raise ValueError(f"what is {value}?")
                return value

    class PydanticTarget(Agent):
        @Agent.on("order", model=Lines)
        async def on_order(self, message, order):
            await message.reply("taken", {})


if __name__ == "__main__":
    main()
