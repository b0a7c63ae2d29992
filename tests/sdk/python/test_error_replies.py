"""Requests that their target cannot handle: the requester hears at once, with a code and a text that tells no value."""

import asyncio
import dataclasses
import enum
import time

from case import AgentCase, HAS_PYDANTIC, main, needs_pydantic
from mas import Agent, HandlerError, MASTimeoutError, RequestFailedError

LONG = 60  # seconds: what a test that waits for a time-out would take


class Mood(enum.Enum):
    GOOD = "good"


@dataclasses.dataclass
class Order:
    count: int
    mood: Mood = Mood.GOOD
    prices: dict[str, int] = dataclasses.field(default_factory=dict)


class Target(Agent):
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
                           ({"lines": [], "name": "s3cret"}, "name: is not valid")):
            with self.subTest(data=data):
                text = await self.refused("order", data, "INVALID_PAYLOAD", target.id)
                self.assertTrue(text.startswith(path), text)

    async def test_an_agent_that_is_being_stopped(self):
        """It may still answer, refuse, be gone, or have dropped the request: never worse than a time-out."""
        asked = asyncio.create_task(self.asker.request("target", "order", {"count": 1}, timeout=1))
        await self.target.stop()
        try:
            await asked
        except TimeoutError as error:
            self.assertIn(error.status, ("HANDLER_FAILED", "NO_RECEIVER", "TIMEOUT"))


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
