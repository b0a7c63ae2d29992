"""Models of payloads and states: dataclasses, and pydantic where it is installed, from JSON and from a state's
texts."""

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import pathlib
import re
import typing
import unittest
import uuid
from typing import Any, Literal, Optional

from case import main, mas, needs_pydantic
from mas import Agent, _misfit, _models, _texts


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


@dataclasses.dataclass
class Step:
    name: str
    done: bool = False


@dataclasses.dataclass
class Plan:
    title: str
    count: int = 0
    share: float = 0.0
    active: bool = True
    note: Optional[str] = None
    limit: int | None = None
    steps: list[Step] = dataclasses.field(default_factory=list)
    marks: dict[str, int] = dataclasses.field(default_factory=dict)
    mood: Mood = Mood.GOOD
    kind: Literal["a", "b", 3] = "a"
    pair: tuple[int, str] = (0, "")
    tags: set[str] = dataclasses.field(default_factory=set)
    when: datetime.datetime | None = None
    key: uuid.UUID | None = None
    anything: Any = None


FULL = {"title": "t", "count": 3, "share": 2, "active": False, "note": "n", "limit": 7,
        "steps": [{"name": "s", "done": True}],
        "marks": {"x": 1}, "mood": "bad", "kind": 3, "pair": [1, "p"], "tags": ["u"], "when": "2026-01-02T03:04:05",
        "key": str(uuid.UUID(int=5)), "anything": [1, {"a": None}]}
PLAN = Plan("t", 3, 2.0, False, "n", 7, [Step("s", True)], {"x": 1}, Mood.BAD, 3, (1, "p"), {"u"},
            datetime.datetime(2026, 1, 2, 3, 4, 5), uuid.UUID(int=5), [1, {"a": None}])


Amount = typing.NewType("Amount", int)


@dataclasses.dataclass
class Rare:
    """Types that JSON has no value of, and other ways to write a type."""
    price: decimal.Decimal = decimal.Decimal(0)
    at: datetime.time = datetime.time(0)
    day: datetime.date = datetime.date(2000, 1, 1)
    lasts: datetime.timedelta = datetime.timedelta(0)
    file: pathlib.Path = pathlib.Path("x")
    amount: Amount = Amount(0)
    order: typing.Sequence[int] = ()
    by_number: dict[int, str] = dataclasses.field(default_factory=dict)
    by_mood: collections.abc.Mapping[Mood, bool] = dataclasses.field(default_factory=dict)
    days: list[datetime.date] = dataclasses.field(default_factory=list)
    known: collections.abc.Set[str] = frozenset()
    always: typing.Final[int] = 1
    twice: typing.Annotated[int, "a note"] = 2
    made: dataclasses.InitVar[int] = 0
    shared: typing.ClassVar[object] = None


@dataclasses.dataclass
class Later:
    step: "Step2 | None" = None


@dataclasses.dataclass
class Step2:
    n: int = 0
    inner: list["Step2"] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Never:
    step: "NoSuchClass" = None  # noqa: F821


@dataclasses.dataclass
class Positive:
    n: int = 1

    def __post_init__(self):
        if self.n < 1:
            raise ValueError(f"s3cret {self.n}")


@dataclasses.dataclass
class Holder:
    one: Positive | None = None


class DataclassTest(unittest.TestCase):
    def test_fits(self):
        self.assertEqual(_models.parse(Plan, FULL), PLAN)
        self.assertIs(type(_models.parse(Plan, FULL).share), float)
        self.assertEqual(_models.parse(Plan, {"title": "t"}), Plan("t"))
        self.assertEqual(_models.parse(Plan, {"title": "t", "unknown": 1}), Plan("t"))

    def test_does_not_fit(self):
        cases = {
            "title: is missing": {},
            "title: expected text, found an integer": {"title": 1},
            "count: expected an integer, found text": {"title": "t", "count": "3"},
            "count: expected an integer, found true or false": {"title": "t", "count": True},
            "share: expected a number, found text": {"title": "t", "share": "1"},
            "active: expected true or false, found an integer": {"title": "t", "active": 1},
            "limit: expected an integer, found text": {"title": "t", "limit": "x"},
            "steps: expected a list, found an object": {"title": "t", "steps": {}},
            "steps[1].name: is missing": {"title": "t", "steps": [{"name": "a"}, {}]},
            "steps[0]: expected an object, found text": {"title": "t", "steps": ["a"]},
            "marks.*: expected an integer, found null": {"title": "t", "marks": {"x": None}},
            "mood: expected one of 'good', 'bad'": {"title": "t", "mood": "so so"},
            "kind: expected one of 'a', 'b', 3": {"title": "t", "kind": "c"},
            "pair: expected 2 items, found 1": {"title": "t", "pair": [1]},
            "when: is not valid; expected datetime, found text": {"title": "t", "when": "soon"},
        }
        for reason, data in cases.items():
            with self.subTest(reason), self.assertRaises(ValueError) as caught:
                _models.parse(Plan, data)
            self.assertEqual(reason, str(caught.exception))

    def test_a_check_of_the_models_own(self):
        @dataclasses.dataclass
        class Positive:
            n: int

            def __post_init__(self):
                if self.n < 1:
                    raise ValueError("n is not positive")

        self.assertEqual(_models.parse(Positive, {"n": 1}).n, 1)
        with self.assertRaisesRegex(ValueError, "not positive"):
            _models.parse(Positive, {"n": 0})

    def test_rare_types(self):
        data = {"price": "1.50", "at": "03:04", "day": "2026-01-02", "lasts": "P1DT0.5S", "file": "/a", "amount": 3,
                "order": [1, 2], "by_number": {"1": "x"}, "by_mood": {"bad": True}, "days": ["2026-01-02"],
                "known": ["a"], "always": 4, "twice": 5}
        wanted = Rare(decimal.Decimal("1.50"), datetime.time(3, 4), datetime.date(2026, 1, 2),
                      datetime.timedelta(days=1, microseconds=500000), pathlib.Path("/a"), 3, [1, 2], {1: "x"},
                      {Mood.BAD: True}, [datetime.date(2026, 1, 2)], {"a"}, 4, 5)
        self.assertEqual(_models.parse(Rare, data), wanted)
        for name, value, told in (("price", "s3cret", "price: is not valid; expected Decimal, found text"),
                                  ("price", 1.5, "price: expected Decimal, found a number"),
                                  ("at", "s3cret", "at: is not valid; expected time, found text"),
                                  ("lasts", "P", "lasts: is not valid; expected timedelta, found text"),
                                  ("lasts", f"P{10**30}D", "lasts: is not valid; expected timedelta, found text"),
                                  ("amount", "3", "amount: expected an integer, found text"),
                                  ("order", "12", "order: expected a list, found text"),
                                  ("order", ["a"], "order[0]: expected an integer, found text"),
                                  ("by_number", {"s3cret": "x"}, "by_number.*: is not valid; expected an integer, "
                                                                 "found text"),
                                  ("by_mood", {"s3cret": True}, "by_mood.*: expected one of 'good', 'bad'"),
                                  ("known", [[]], "known[0]: expected text, found a list")):
            with self.subTest(name), self.assertRaises(ValueError) as caught:
                _models.parse(Rare, {name: value})
            self.assertEqual(_misfit.misfit_of(Rare, caught.exception, {}), told)

    def test_values_that_python_refuses(self):
        for kind, value in ((float, 10**400), (Optional[float], 10**400), (set, [[1]]), (Positive, {"n": 0})):
            model = dataclasses.make_dataclass("Model", [("x", kind)])
            with self.subTest(kind), self.assertRaises(ValueError) as caught:
                _models.parse(model, {"x": value})
            self.assertTrue(str(caught.exception).startswith("x: is not valid; expected "), caught.exception)

    def test_models_that_no_data_can_fit_are_refused(self):
        class Own:
            pass

        class Integer(int):
            pass

        pair = typing.NamedTuple("pair", [("a", int)])
        typed_dict = typing.TypedDict("typed_dict", {"a": int})
        for kind in (Own, Integer, pair, typed_dict, bytes, list[Own], dict[str, Own], Optional[Own], tuple[int, Own],
                     typing.Callable, typing.TypeVar("T"), complex, dataclasses.make_dataclass("Inner", [("y", Own)])):
            model = dataclasses.make_dataclass("Model", [("good", int), ("x", kind)])
            with self.subTest(kind), self.assertRaisesRegex(TypeError, r"@Agent.on\('m'\): model: x(\.y)?: "):
                Agent.on("m", model=model)
            if kind is not bytes:
                with self.subTest(kind), self.assertRaisesRegex(TypeError, "state_model: x"):
                    Agent("a", state_model=model)
        with self.assertRaisesRegex(TypeError, "made: an InitVar needs a default"):
            _models.require(dataclasses.make_dataclass("Model", [("made", dataclasses.InitVar[int])]), "model")
        for model in (Plan, Rare, Step2, Positive, Holder):
            _models.require(model, "model", complete=True)

    def test_names_that_are_not_known_yet(self):
        _models.require(Later, "model", complete=True)
        _models.require(Never, "model")
        with self.assertRaisesRegex(TypeError, "model: Never: .*NoSuchClass"):
            _models.require(Never, "model", complete=True)

    @needs_pydantic
    def test_names_that_are_not_known_yet_of_a_pydantic_model(self):
        import pydantic
        if pydantic.VERSION.startswith("1."):
            self.skipTest("pydantic 1 does not say that a model is incomplete")

        class Model(pydantic.BaseModel):
            step: "NoSuchClass"  # noqa: F821

        _models.require(Model, "model")
        with self.assertRaisesRegex(TypeError, "model: Model: .*NoSuchClass"):
            _models.require(Model, "model", complete=True)

    def test_classes_that_are_not_models(self):
        for model in (dict, int, "Plan", None, Plan("t"), typing.Any):
            with self.subTest(model), self.assertRaisesRegex(TypeError, "pydantic model or a dataclass"):
                _models.require(model, "model")


@needs_pydantic
class MisfitTest(unittest.TestCase):
    """The sentence for the sender of data that a pydantic model refuses."""

    # Members of pydantic 2's messages that come from the model's declaration, or count items.
    DECLARED = set("""actual_length class class_name decimal_places discriminator expected expected_plural
        expected_schemes expected_version field_type ge gt le lt max_digits max_length min_length multiple_of pattern
        whole_digits""".split())

    def sentence(self, model, data):
        with self.assertRaises(ValueError) as caught:
            _models.parse(model, data)
        return _misfit.misfit_of(model, caught.exception, data)

    def test_it_contains_no_value(self):
        from pydantic import BaseModel, Field

        class Cat(BaseModel):
            kind: Literal["cat"]
            lives: int

        class Dog(BaseModel):
            kind: Literal["dog"]

        class Owner(BaseModel):
            pet: typing.Annotated[typing.Union[Cat, Dog], Field(discriminator="kind")]
            key: Optional[uuid.UUID] = None
            when: Optional[datetime.datetime] = None
            limits: list[dict[str, self.checked_int()]] = []

        cat = {"kind": "cat", "lives": 9}
        for data, start in (
                ({"pet": {"kind": "s3cret"}}, "pet: is not valid; expected Cat or Dog, found an object"),
                ({"pet": {"kind": "cat", "lives": "s3cret"}}, "pet.*.lives: "),
                ({"pet": cat, "key": "s3cret"}, "key: "),
                ({"pet": cat, "when": "s3cret"}, "when: "),
                ({"pet": cat, "limits": [{}, {"s3cret": 53}]},
                 "limits[1].*: is not valid; expected an integer, found an integer")):
            with self.subTest(data):
                text = self.sentence(Owner, data)
                self.assertTrue(text.startswith(start), text)
                self.assertNotIn("s3cret", text)
                self.assertNotIn("53", text)

    def checked_int(self):
        """An integer with a check of its own, whose error repeats the value."""
        import pydantic
        if pydantic.VERSION.startswith("1."):
            class Refused(pydantic.PydanticValueError):
                msg_template = "{value} is refused"

            class Checked(int):
                @classmethod
                def __get_validators__(cls):
                    yield cls.check

                @classmethod
                def check(cls, value):
                    raise Refused(value=value)
            Checked.__name__ = "an integer"
            return Checked
        from pydantic_core import PydanticCustomError

        def check(value):
            raise PydanticCustomError("greater_than", "{value} is refused", {"value": value})  # under a known name
        return typing.Annotated[int, pydantic.AfterValidator(check)]

    def test_messages_that_are_passed_on_contain_declarations_only(self):
        try:
            from pydantic_core._pydantic_core import list_all_errors
        except ImportError:
            self.skipTest("pydantic 1 has no list of its errors")
        for error in list_all_errors():
            if error["type"] in _misfit._SAFE_2:
                members = set(re.findall(r"{(\w+)}", error["message_template_python"]))
                self.assertLessEqual(members, self.DECLARED, error["type"])


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
