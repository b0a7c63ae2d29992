"""Models of payloads and states: dataclasses, and pydantic where it is installed, from JSON and from a state's
texts."""

import dataclasses
import datetime
import enum
import re
import typing
import unittest
import uuid
from typing import Any, Literal, Optional

from case import main, mas, needs_pydantic
from mas import _misfit, _models, _state, _texts


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
        texts = {name: _state.text_of(getattr(value, name)) for name in fields}
        self.assertTrue(all(isinstance(text, str) for text in texts.values()))
        self.assertEqual(_texts.parse_texts(model, texts), value)

    def test_a_dataclass_comes_back(self):
        fields = [field.name for field in dataclasses.fields(Plan) if field.name != "anything"]
        self.check_round_trip(Plan, dataclasses.replace(PLAN, anything=None), fields)
        self.check_round_trip(Plan, Plan(""), fields)

    def test_what_the_framework_writes(self):
        values = (5, 1.0, 1e-7, True, None, "xé", {"k": [1, None, "é"]}, [])
        self.assertEqual([_state.text_of(value) for value in values],
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
