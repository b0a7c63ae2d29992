"""What data becomes on the wire, and what cannot be sent."""

import dataclasses
import datetime
import decimal
import enum
import functools
import json
import pathlib
import unittest
import uuid

from case import main, mas, needs_pydantic
from mas import _payload


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5


class EncodeTest(unittest.TestCase):
    def check(self, data, wanted):
        self.assertEqual(json.loads(_payload.encode(data)), wanted)

    def test_json_as_it_is(self):
        data = {"text": 'ß "q" \\ \u2028 😀 \x01', "big": 10 ** 30, "f": 1.0, "e": 1e-7, "nest": {"a": [1, None, True]}}
        self.check(data, data)
        self.assertEqual(_payload.encode({"a": "ß", "b": [1]}), '{"a":"ß","b":[1]}'.encode())

    def test_numbers_that_json_lacks_become_null(self):
        self.check({"a": float("nan"), "b": [float("inf"), {"c": float("-inf")}], "s": {1.5}},
                   {"a": None, "b": [None, {"c": None}], "s": [1.5]})

    def test_collections_and_bytes(self):
        self.check({"s": {1}, "t": (1, 2), "b": b"abc", "f": frozenset("x")},
                   {"s": [1], "t": [1, 2], "b": "abc", "f": ["x"]})

    def test_values_with_an_obvious_text(self):
        self.check({"d": datetime.datetime(2026, 1, 2, 3, 4), "u": uuid.UUID(int=1), "p": pathlib.Path("/a"),
                    "n": decimal.Decimal("1.50"), "e": Colour.RED},
                   {"d": "2026-01-02T03:04:00", "u": str(uuid.UUID(int=1)), "p": "/a", "n": "1.50", "e": "red"})

    def test_dataclasses(self):
        self.check(Point(1), {"x": 1, "y": 0.5})
        self.check({"points": [Point(1), Point(2, float("nan"))]},
                   {"points": [{"x": 1, "y": 0.5}, {"x": 2, "y": None}]})

    @needs_pydantic
    def test_models(self):
        from pydantic import BaseModel

        class Inner(BaseModel):
            n: int = 1

        class Outer(BaseModel):
            inner: Inner = Inner()
            names: list[str] = ["a"]

        self.check(Outer(), {"inner": {"n": 1}, "names": ["a"]})
        self.check({"model": Outer()}, {"model": {"inner": {"n": 1}, "names": ["a"]}})

    def test_pairs_and_nothing(self):
        self.check([("a", 1)], {"a": 1})
        self.check({}, {})

    def test_no_mapping(self):
        for data in ([1], 5, "text", None, Point, dict):
            with self.subTest(data), self.assertRaises(TypeError):
                _payload.encode(data)

    def test_keys_that_are_no_text(self):
        with self.assertRaisesRegex(mas.PayloadError, "a key is int"):
            _payload.encode({1: 2})

    def test_values_without_a_form(self):
        circle = {}
        circle["a"] = circle
        for data in ({"f": object()}, {"f": len}, {"b": b"s3cret\xff"}, {"s": "s3cret\ud800"}, circle, {"c": Point},
                     {"f": functools.partial(len, "s3cret")}):
            with self.subTest(list(data)), self.assertRaisesRegex(mas.PayloadError, "has no JSON form") as caught:
                _payload.encode(data)
            self.assertNotIn("s3cret", str(caught.exception))

    def test_too_deep(self):
        deep = {}
        for _ in range(100_000):
            deep = {"a": deep}
        with self.assertRaises(mas.PayloadError):
            _payload.encode(deep)
        while deep:  # taken apart by hand: freeing it recursively is the interpreter's business, not this test's
            deep = deep.pop("a")


class NameTest(unittest.TestCase):
    def test_wrong_names(self):
        for value, kind in ((None, TypeError), (5, TypeError), (b"x", TypeError), ("a\0b", ValueError),
                            ("\ud800", ValueError)):
            with self.subTest(value), self.assertRaisesRegex(kind, "target_id"):
                _payload.name(value, "target_id")
        self.assertEqual(_payload.name("ß", "target_id"), "ß".encode())


if __name__ == "__main__":
    main()
