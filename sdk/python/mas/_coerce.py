"""Making a dataclass of JSON values, or of a state's texts, with a reason and a path where they do not fit.

From JSON, a value must be of its field's type; an integer serves as a float, and text as what has no form of its own in
JSON, such as dates and the keys of an object. From texts, "42", "1e-07", "True" and "None" are read as what str() made
them from, and lists, dicts and nested dataclasses as JSON. _kinds.py has the types that fields may have.
"""

from __future__ import annotations

import ast
import base64
import dataclasses
import enum
import json
import types
import typing
from collections.abc import Mapping
from typing import Any

from ._kinds import FROM_TEXT, MAPPINGS, SEQUENCES, bare

_BOOLS = {"True": True, "true": True, "1": True, "False": False, "false": False, "0": False}
_NAMES = {str: "text", int: "an integer", float: "a number", bool: "true or false", dict: "an object", list: "a list",
          type(None): "null", bytes: "bytes in base64"}


class Misfit(ValueError):
    """A value that does not fit. The text contains neither the value nor a key of a dict, since keys are data too."""

    def __init__(self, path: str, expected: str):
        super().__init__(f"{path}: {expected}" if path else expected)


def build(model: Any, values: Any, from_texts: bool = False, path: str = "") -> Any:
    """@param from_texts whether `values` are a state's texts.

    @raise Misfit; what the model's own __post_init__ raises.
    """
    if not isinstance(values, Mapping):
        raise Misfit(path, f"expected {_NAMES[dict]}, found {kind_of(values)}")
    hints = typing.get_type_hints(model)
    arguments = {}
    for field in dataclasses.fields(model):
        where = f"{path}.{field.name}" if path else field.name
        if not field.init:
            continue
        if field.name in values:
            arguments[field.name] = _value(hints[field.name], values[field.name], from_texts, where)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise Misfit(where, "is missing")
    return model(**arguments)


def _value(kind: Any, value: Any, from_texts: bool, path: str) -> Any:
    kind = bare(kind)
    origin = typing.get_origin(kind)
    if kind is Any or kind is object:
        return value
    if origin in (typing.Union, types.UnionType):
        return _one_of(typing.get_args(kind), value, from_texts, path)
    if origin is typing.Literal:
        return _literal(typing.get_args(kind), value, from_texts, path)
    if kind is None or kind is type(None):
        if value is None or (from_texts and value == "None"):
            return None
        raise _misfit(type(None), value, path)
    if (origin or kind) in SEQUENCES or (origin or kind) in MAPPINGS:
        return _container(kind, origin or kind, _from_json(value, from_texts, kind, path), path)
    if dataclasses.is_dataclass(kind):
        return _nested(kind, _from_json(value, from_texts, kind, path), path)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _member(kind, value, from_texts, path)
    if kind in FROM_TEXT and isinstance(value, str):
        return _called(FROM_TEXT[kind], value, kind, path)
    if kind is bytes and isinstance(value, str):
        return _called(bytes_of, value, kind, path)
    validate: Any = getattr(kind, "model_validate", None) or getattr(kind, "parse_obj", None)
    if validate is not None:
        return _called(validate, _from_json(value, from_texts, kind, path), kind, path)
    return _plain(kind, value, from_texts, path)


def _plain(kind: Any, value: Any, from_texts: bool, path: str) -> Any:
    """A bool, int, float or text, or an instance of another class."""
    if from_texts and isinstance(value, str) and kind in (bool, int, float):
        if kind is not bool:
            return _called(kind, value, kind, path)
        if value in _BOOLS:
            return _BOOLS[value]
        raise _misfit(bool, value, path)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return _called(float, value, kind, path)
    if not isinstance(kind, type) or not isinstance(value, kind) or (isinstance(value, bool) and kind in (int, float)):
        raise _misfit(kind, value, path)
    return value


def _container(kind: Any, origin: Any, value: Any, path: str) -> Any:
    items = typing.get_args(kind)
    if origin in MAPPINGS:
        if not isinstance(value, dict):
            raise _misfit(dict, value, path)
        named, of = items or (Any, Any)
        return {_value(named, key, True, f"{path}.*"): _value(of, item, False, f"{path}.*")
                for key, item in value.items()}
    if not isinstance(value, (list, tuple)):
        raise _misfit(list, value, path)
    if origin is tuple and items and items[-1] is not Ellipsis:
        if len(items) != len(value):
            raise Misfit(path, f"expected {len(items)} items, found {len(value)}")
        return tuple(_value(of, item, False, f"{path}[{i}]") for i, (of, item) in enumerate(zip(items, value)))
    of = items[0] if items else Any
    made = [_value(of, item, False, f"{path}[{i}]") for i, item in enumerate(value)]
    return _called(SEQUENCES[origin], made, kind, path)  # a set takes no lists


def _nested(kind: Any, value: Any, path: str) -> Any:
    try:
        return build(kind, value, path=path)
    except Misfit:
        raise
    except Exception:  # of the model's own __post_init__
        raise Misfit(path, f"is not valid; expected {type_name(kind)}, found {kind_of(value)}") from None


def bytes_of(text: str) -> bytes:
    """From base64, or from what str() makes of bytes. @raise ValueError."""
    if text[:2] not in ("b'", 'b"'):
        return base64.b64decode(text, validate=True)
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, bytes):
        raise ValueError("neither base64 nor bytes")
    return value


def _one_of(kinds: tuple[Any, ...], value: Any, from_texts: bool, path: str) -> Any:
    """The first alternative that fits; None before the others, since the text "None" fits str as well."""
    reasons = []
    for kind in sorted(kinds, key=lambda kind: kind is not type(None)):
        try:
            return _value(kind, value, from_texts, path)
        except Misfit as error:
            reasons.append(error)
    raise reasons[-1]


def _literal(choices: tuple[Any, ...], value: Any, from_texts: bool, path: str) -> Any:
    for choice in choices:
        if (value == choice and type(value) is type(choice)) or (from_texts and value == str(choice)):
            return choice
    raise Misfit(path, f"expected one of {', '.join(map(repr, choices))}")


def _member(kind: type[enum.Enum], value: Any, from_texts: bool, path: str) -> enum.Enum:
    for member in kind:
        if member.value == value or (from_texts and value in (str(member.value), str(member))):
            return member
    choices = ", ".join(repr(member.value) for member in kind)
    raise Misfit(path, f"expected one of {choices}")


def _from_json(value: Any, from_texts: bool, kind: Any, path: str) -> Any:
    if not from_texts or not isinstance(value, str):
        return value
    return _called(json.loads, value, kind, path)


def _called(function: Any, value: Any, kind: Any, path: str) -> Any:
    try:
        return function(value)
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        raise Misfit(path, f"is not valid; expected {type_name(kind)}, found {kind_of(value)}") from None


def _misfit(kind: Any, value: Any, path: str) -> Misfit:
    return Misfit(path, f"expected {type_name(kind)}, found {kind_of(value)}")


def kind_of(value: Any) -> str:
    """The kind of a value, for a sentence."""
    return _NAMES.get(type(value), type(value).__name__)


def type_name(annotation: Any) -> str:
    """A declared type, for a sentence."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return type_name(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(type_name, arguments))
    if origin is typing.Literal:
        return f"one of {', '.join(map(repr, arguments))}"
    kind = origin or annotation
    return _NAMES.get(kind) or str(getattr(kind, "__name__", kind))
