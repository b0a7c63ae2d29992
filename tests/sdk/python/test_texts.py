"""States as they stand in Redis: dataclasses, and pydantic models where it is installed, to texts and back."""

import dataclasses
import datetime
import decimal
import pathlib
import unittest
import uuid
from typing import Optional

from case import main, mas, needs_pydantic
from mas import _models, _texts
from sample_models import Mood, Step, Plan, PLAN, Rare, Positive, Holder


class TextsTest(unittest.TestCase):
    """A state as it stands in Redis."""

    def check_round_trip(self, model, value, fields):
        texts = _texts.texts_of({name: getattr(value, name) for name in fields}, model)
        self.assertTrue(all(isinstance(text, str) for text in texts.values()))
        self.assertEqual(_texts.parse_texts(model, texts), value)

    def test_a_dataclass_comes_back(self):
        fields = [field.name for field in dataclasses.fields(Plan) if field.name != "anything"]
        self.check_round_trip(Plan, dataclasses.replace(PLAN, anything=None), fields)
        self.check_round_trip(Plan, Plan(""), fields)

    def test_rare_types_come_back(self):
        fields = [field.name for field in dataclasses.fields(Rare)]
        self.check_round_trip(Rare, Rare(order=[]), fields)
        for lasts in (datetime.timedelta(microseconds=-1), datetime.timedelta.min, datetime.timedelta.max,
                      datetime.timedelta(days=-1, seconds=5), datetime.timedelta(hours=30)):
            value = Rare(decimal.Decimal("-1.50"), datetime.time(3, 4, 5, 6), datetime.date(1, 1, 1), lasts,
                         pathlib.Path("/ä"), 3, [1], {-1: "x"}, {}, [datetime.date.max], {"a"})
            self.check_round_trip(Rare, value, fields)
            self.assertEqual(_texts.parse_texts(Rare, {"lasts": str(lasts)}).lasts, lasts)  # the original framework's

    def test_bytes_come_back(self):
        inner = dataclasses.make_dataclass("Inner", [("raw", bytes, b"")])
        model = dataclasses.make_dataclass("Model", [("raw", bytes, b""), ("more", list[bytes], ()),
                                                     ("inner", Optional[inner], None)])
        for raw in (b"", b"xy", b"\0\xff", b"a'b\"c"):
            self.check_round_trip(model, model(raw, [raw, b"z"], inner(raw)), ("raw", "more", "inner"))
            self.assertEqual(_texts.parse_texts(model, {"raw": str(raw)}).raw, raw)  # what the framework wrote
        for text in ("s3cret", "b's3cret", "b'' + s3cret"):
            with self.subTest(text), self.assertRaises(mas.StateError) as caught:
                _texts.parse_texts(model, {"raw": text})
            self.assertEqual(str(caught.exception),
                             "the state's field raw: is not valid; expected bytes in base64, found text")

    def test_a_check_of_the_models_own_names_no_value(self):
        for model, texts, told in ((Positive, {"n": "0"}, "the state as a whole: Positive raised ValueError"),
                                   (Holder, {"one": '{"n": 0}'}, "the state's field one: is not valid; expected "
                                                                 "Positive, found an object")):
            with self.subTest(told), self.assertRaises(mas.StateError) as caught:
                _texts.parse_texts(model, texts)
            self.assertEqual(str(caught.exception), told)

    def test_values_without_a_text(self):
        for value in ("x\ud800", [object()], {(1, 2): 3}, [b"\xff"]):
            with self.subTest(value), self.assertRaisesRegex(mas.PayloadError, "the state's field 'x'"):
                _texts.texts_of({"x": value}, None)

    def test_what_the_framework_writes(self):
        values = (5, 1.0, 1e-7, True, None, "xé", {"k": [1, None, "é"]}, [])
        self.assertEqual([_texts.text_of(value) for value in values],
                         ["5", "1.0", "1e-07", "True", "None", "xé", '{"k": [1, null, "\\u00e9"]}', "[]"])

    def test_the_field_is_named(self):
        for texts, field in (({"title": "t", "count": "s3cret"}, "count"),
                             ({"title": "t", "steps": "[{s3cret"}, "steps"),
                             ({"title": "t", "steps": '[{"name": 1}]'}, "steps[0].name"), ({}, "title"),
                             ({"title": "t", "marks": '{"s3cret": "x"}'}, "marks.*"),
                             ({"title": "t", "mood": "s3cret"}, "mood"), ({"title": "t", "when": "s3cret"}, "when")):
            with self.subTest(field), self.assertRaises(mas.StateError) as caught:
                _texts.parse_texts(Plan, texts)
            self.assertIn(f"field {field}:", str(caught.exception))
            self.assertNotIn("s3cret", str(caught.exception))

    @needs_pydantic
    def test_a_pydantic_model_comes_back(self):
        from pydantic import BaseModel

        class Inner(BaseModel):
            n: int = 1

        class State(BaseModel):
            count: int = 0
            share: float = 0.0
            active: bool = False
            note: Optional[str] = None
            limit: Optional[int] = None
            history: list[str] = []
            marks: dict[str, int] = {}
            inner: Inner = Inner()
            mood: Mood = Mood.GOOD

        for value in (State(), State(count=7, share=1e-7, active=True, note="n", limit=3, history=["a"], marks={"x": 1},
                                     inner=Inner(n=2), mood=Mood.BAD)):
            self.check_round_trip(State, value, _models.field_types(State))
        for texts, field in (({"count": "s3cret", "unknown": "x"}, "count"), ({"marks": '{"s3cret": "x"}'}, "marks.*"),
                             ({"inner": '{"n": "s3cret"}'}, "inner.n"), ({"mood": "s3cret"}, "mood")):
            with self.subTest(field), self.assertRaises(mas.StateError) as caught:
                _texts.parse_texts(State, texts)
            self.assertIn(f"field {field}:", str(caught.exception))
            self.assertNotIn("s3cret", str(caught.exception))

    @needs_pydantic
    def test_rare_types_of_a_pydantic_model_come_back(self):
        from pydantic import BaseModel

        class State(BaseModel):
            raw: bytes = b""
            maybe: Optional[bytes] = None
            more: list[bytes] = []
            lasts: datetime.timedelta = datetime.timedelta(0)
            pair: tuple[int, str] = (0, "")
            by_number: dict[int, str] = {}
            numbers: set[int] = set()
            price: decimal.Decimal = decimal.Decimal(0)
            at: datetime.time = datetime.time(0)
            file: pathlib.Path = pathlib.Path("x")
            rare: Optional[Step] = None

        fields = _models.field_types(State)
        self.check_round_trip(State, State(), fields)
        for raw in (b"xy", b"\0\xff"):
            self.check_round_trip(State, State(
                raw=raw, maybe=raw, more=[b"q"], lasts=datetime.timedelta(days=-1, seconds=5), pair=(1, "a"),
                by_number={1: "x"}, numbers={1}, price="1.50", at="03:04:05", file="/a", rare=Step("s")), fields)
            self.assertEqual(_texts.parse_texts(State, {"raw": str(raw)}).raw, raw)  # what the framework wrote
        self.assertEqual(_texts.parse_texts(State, {"raw": "not base64"}).raw, b"not base64")
        with self.assertRaisesRegex(mas.PayloadError, "field 'more'"):
            _texts.texts_of({"more": [b"\xff"]}, State)

    @needs_pydantic
    def test_fields_with_an_alias_come_back(self):
        import pydantic

        class Inner(pydantic.BaseModel):
            size: int = pydantic.Field(0, alias="sz")

        class State(pydantic.BaseModel):
            count: int = pydantic.Field(0, alias="cnt")
            inner: Optional[Inner] = None
            inners: list[Inner] = []

        class Strict(State):
            if pydantic.VERSION.startswith("1."):
                class Config:
                    extra = "forbid"
            else:
                model_config = {"extra": "forbid"}

        for model in (State, Strict):
            value = model(cnt=5, inner=Inner(sz=6), inners=[Inner(sz=7)])
            self.check_round_trip(model, value, ("count", "inner", "inners"))
            with self.assertRaises(mas.StateError) as caught:
                _texts.parse_texts(model, {"count": "s3cret"})
            self.assertIn("the state's field count: ", str(caught.exception))
            self.assertNotIn("s3cret", str(caught.exception))

    @needs_pydantic
    def test_other_names_and_forms_of_pydantic_2_come_back(self):
        import pydantic
        if pydantic.VERSION.startswith("1."):
            self.skipTest("they are of pydantic 2")

        class State(pydantic.BaseModel):
            a: int = pydantic.Field(0, validation_alias="aa")
            b: int = pydantic.Field(0, validation_alias=pydantic.AliasChoices(pydantic.AliasPath("x", 0), "bb"))
            coded: pydantic.Base64Bytes = b""

        value = State(aa=1, bb=2)
        value.coded = b"xy"
        self.check_round_trip(State, value, ("a", "b", "coded"))

    @needs_pydantic
    def test_a_strict_pydantic_model_comes_back(self):
        import pydantic
        if pydantic.VERSION.startswith("1."):
            self.skipTest("pydantic 1 has no strict models")

        class State(pydantic.BaseModel):
            model_config = {"strict": True}
            on: bool = False
            n: int = 0
            share: float = 0.0
            name: str = ""
            when: Optional[datetime.datetime] = None
            key: Optional[uuid.UUID] = None
            mood: Mood = Mood.GOOD
            numbers: set[int] = set()
            pair: tuple[int, str] = (0, "")

        fields = _models.field_types(State)
        self.check_round_trip(State, State(), fields)
        self.check_round_trip(State, State(on=True, n=3, share=1e-7, name="True",
                                           when=datetime.datetime(2026, 1, 2, 3), key=uuid.UUID(int=5), mood=Mood.BAD,
                                           numbers={1}, pair=(1, "a")), fields)
        for name, text in (("n", "True"), ("on", "3"), ("when", "s3cret"), ("numbers", "[true]")):
            with self.subTest(name), self.assertRaisesRegex(mas.StateError, f"field {name}"):
                _texts.parse_texts(State, {name: text})

    @needs_pydantic
    def test_a_check_of_the_whole_state(self):
        from pydantic import BaseModel

        class State(BaseModel):
            count: int = 0

            @classmethod
            def model_validate(cls, values):
                raise ValueError("s3cret")

            parse_obj = model_validate

        with self.assertRaises(mas.StateError) as caught:
            _texts.parse_texts(State, {"count": "1"})
        self.assertEqual(str(caught.exception), "the state as a whole: the data does not fit")


if __name__ == "__main__":
    main()
