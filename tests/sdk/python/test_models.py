"""Models of payloads: dataclasses, and pydantic where it is installed, from JSON."""

import dataclasses
import datetime
import decimal
import pathlib
import re
import typing
import unittest
import uuid
from typing import Literal, Optional

from case import main, needs_pydantic
from mas import Agent, _misfit, _models
from sample_models import Mood, Plan, FULL, PLAN, Rare, Later, Step2, Never, Positive, Holder


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


if __name__ == "__main__":
    main()
