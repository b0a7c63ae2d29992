"""A message's data as JSON, and the names that go with it as the library takes them."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import _durations
from ._errors import InvalidArgumentError, PayloadError

MOST_SECONDS = (2**31 - 1) // 1000  #: what the library takes, as milliseconds in a C int


def encode(data: Any, what: str = "data") -> bytes:
    """The JSON object of `data`: a mapping, a pydantic model or a dataclass instance.

    NaN and infinity become null; sets and tuples become arrays; bytes become text; models, dataclasses and enumerations
    become what they hold; dates, durations (ISO 8601), UUIDs, paths and decimals become text.
    @raise TypeError not a mapping. @raise PayloadError a key is no text, or a value has no JSON form.
    """
    if type(data) is not dict:
        data = as_dict(data, what)
    for key in data:
        if type(key) is not str and not isinstance(key, str):
            raise PayloadError(f"{what}: a key is {type(key).__name__}; expected text")
    try:
        return _encode(data).encode()
    except ValueError as error:  # NaN, a lone surrogate, a circle
        return _encode_slowly(data, what, error)
    except (TypeError, RecursionError) as error:
        raise PayloadError(f"{what} has no JSON form: {error}") from None


def as_dict(data: Any, what: str) -> dict[Any, Any]:
    """A mapping's, model's or dataclass instance's fields."""
    if isinstance(data, type):
        raise TypeError(f"{what} is the class {data.__name__}; expected a mapping or an instance of it")
    if dataclasses.is_dataclass(data):
        return {field.name: getattr(data, field.name) for field in dataclasses.fields(data)}
    try:
        return dict(data)
    except (TypeError, ValueError):
        raise TypeError(f"{what} is {type(data).__name__}; expected a mapping of text to values") from None


def name(value: Any, what: str) -> bytes:
    """A target's id, a message type and the like, for the library. @raise TypeError, InvalidArgumentError."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is {type(value).__name__}; expected text")
    try:
        text = value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{what} is not valid Unicode") from None
    if b"\0" in text:
        raise InvalidArgumentError(f"{what} contains a zero")
    return text


def texts(values: Iterable[str] | None) -> list[str]:
    """A list of capabilities. @raise TypeError."""
    if isinstance(values, str):
        raise TypeError("capabilities is a text; expected a list of texts")
    return list(values or [])


def seconds(value: Any, what: str) -> float | None:
    """A number of seconds; None: without end. @raise TypeError, InvalidArgumentError."""
    if value is None:
        return None
    try:
        number = float(value + 0)  # text can be made a number, but is none
    except TypeError:
        raise TypeError(f"{what} is {type(value).__name__}; expected a number of seconds") from None
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    if math.isnan(number):
        raise InvalidArgumentError(f"{what} is not a number; expected seconds")
    return None if number == math.inf else max(number, 0.0)


def heartbeat(pair: Any) -> tuple[int, ...]:
    """Both numbers of seconds in ms. @raise TypeError, InvalidArgumentError."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"heartbeat is {pair!r}; expected two numbers of seconds: the interval, and the time to live")
    numbers = [seconds(value, "heartbeat") for value in pair]
    if any(number is None or number > MOST_SECONDS for number in numbers):
        raise InvalidArgumentError(f"heartbeat is {pair!r} s; expected at most {MOST_SECONDS} s")
    return tuple(round(1000 * number) for number in numbers if number is not None)


def plain(value: Any) -> Any:
    """What JSON holds for a value that json does not know. @raise TypeError there is no such form."""
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, (bytes, bytearray)):
        return value.decode()
    if isinstance(value, enum.Enum):
        return value.value
    dump = getattr(value, "model_dump", None) or getattr(value, "dict", None)  # pydantic 2, pydantic 1
    if callable(dump) and not isinstance(value, type):
        return dump()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return as_dict(value, "value")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime.timedelta):
        return _durations.text_of(value)
    if type(value).__module__.split(".")[0] in ("datetime", "uuid", "decimal", "pathlib", "ipaddress"):
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    if isinstance(value, Iterable) and not isinstance(value, type):
        return list(value)
    raise TypeError(f"a value is {type(value).__name__}")


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=plain)


def _made_once() -> Callable[[Any], str]:
    """What _encoder.encode() makes anew for each text, where this interpreter's json has it."""
    private: Any = json.encoder
    try:
        # Without a table of what it is in, a circle ends as a RecursionError.
        parts = private.c_make_encoder(None, plain, private.encode_basestring, None, ":", ",", False, False, False)
        if "".join(parts({"a": [1, "b"]}, 0)) == '{"a":[1,"b"]}':
            return lambda data: "".join(parts(data, 0))
    except (AttributeError, TypeError):
        pass
    return _encoder.encode


_encode = _made_once()


def _encode_slowly(data: dict[Any, Any], what: str, why: ValueError) -> bytes:
    try:
        return _encode(_finite(data, 0)).encode()
    except (ValueError, TypeError, RecursionError):
        raise PayloadError(f"{what} has no JSON form: {why}") from None


def _finite(value: Any, depth: int) -> Any:
    """The same with null for NaN and infinity."""
    if depth > 500:
        raise ValueError("too deep, or a circle")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str) or value is None or isinstance(value, int):
        return value
    if isinstance(value, dict):
        return {key: _finite(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item, depth + 1) for item in value]
    return _finite(plain(value), depth + 1)
