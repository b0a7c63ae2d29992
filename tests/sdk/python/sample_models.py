"""Dataclasses for the tests of models and of states' texts."""

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import pathlib
import typing
import uuid
from typing import Any, Literal, Optional


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
