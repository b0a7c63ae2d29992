"""The types that a dataclass's fields may have: those that a value of JSON, or a state's text, can become.

_coerce.py makes the values. Here a model is checked once, so that a type that no data can ever fit is refused where the
model is declared.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import pathlib
import types
import typing
import uuid
from typing import Any

from . import _durations

SEQUENCES = {list: list, tuple: tuple, set: set, frozenset: frozenset, collections.abc.Sequence: list,
             collections.abc.MutableSequence: list, collections.abc.Collection: list, collections.abc.Iterable: list,
             collections.abc.Set: set, collections.abc.MutableSet: set}  #: what is made of a JSON array
MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_JSON = (str, int, float, bool, dict, list, type(None))

#: Made of text
FROM_TEXT: dict[Any, Any] = {
    datetime.datetime: datetime.datetime.fromisoformat, datetime.date: datetime.date.fromisoformat,
    datetime.time: datetime.time.fromisoformat, datetime.timedelta: _durations.parse, uuid.UUID: uuid.UUID,
    decimal.Decimal: decimal.Decimal, pathlib.Path: pathlib.Path, pathlib.PurePath: pathlib.PurePath}


class Unusable(TypeError):
    """A field's type."""


def check(model: Any, state: bool) -> None:
    """@raise Unusable names the field. @raise NameError a type's name is not known, yet."""
    _check_fields(model, state, "", set())


def fields_of_the_program(model: Any) -> set[str]:
    """The fields that no data can become: see _may_stay_none()."""
    hints = typing.get_type_hints(model, include_extras=True)
    found = set()
    for field in dataclasses.fields(model):
        try:
            _check(hints[field.name], True, field.name, set())
        except Unusable:
            found.add(field.name)
    return found


def bare(kind: Any) -> Any:
    """A type without Annotated, Final, InitVar and NewType around it."""
    while True:
        if typing.get_origin(kind) in (typing.Annotated, typing.Final):
            kind = typing.get_args(kind)[0]
        elif isinstance(kind, dataclasses.InitVar):
            kind = kind.type
        elif isinstance(kind, typing.NewType):
            kind = kind.__supertype__
        else:
            return kind


def _check_fields(model: Any, state: bool, path: str, seen: set[Any]) -> None:
    if model in seen:
        return
    seen.add(model)
    hints = typing.get_type_hints(model, include_extras=True)
    for field in model.__dataclass_fields__.values():
        where = f"{path}.{field.name}" if path else field.name
        if isinstance(hints.get(field.name), dataclasses.InitVar):
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise Unusable(f"{where}: an InitVar needs a default, since no data holds it")
        elif field.init and typing.ClassVar not in (hints[field.name], typing.get_origin(hints[field.name])):
            try:
                _check(hints[field.name], state, where, seen)
            except Unusable:
                if not _may_stay_none(field, hints[field.name]):
                    raise


def _may_stay_none(field: Any, kind: Any) -> bool:
    """Only the program itself gives such a field another value: `on_end: Callable | None = None`."""
    return field.default is None and type(None) in typing.get_args(bare(kind))


def _check(kind: Any, state: bool, path: str, seen: set[Any]) -> None:
    kind = bare(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        _check_any(arguments, state, path, seen)
    elif origin is typing.Literal or kind in (Any, object, None) or kind in FROM_TEXT:
        pass
    elif origin in MAPPINGS or origin in SEQUENCES:
        for argument in arguments:
            if argument is not Ellipsis and argument != ():
                _check(argument, state, path, seen)
    elif kind is bytes:
        if not state:
            raise Unusable(f"{path}: JSON has no bytes; expected a type that JSON has, such as str")
    elif dataclasses.is_dataclass(kind):
        _check_fields(kind, state, path, seen)
    elif not _has_values(kind):
        raise Unusable(f"{path}: no data can become {getattr(kind, '__name__', kind)}")


def _check_any(kinds: Any, state: bool, path: str, seen: set[Any]) -> None:
    """Data can become one of a union, other than None; the rest is for the program itself."""
    why = None
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return _check(kind, state, path, seen)
        except Unusable as error:
            why = why or error
    if why is not None:
        raise why


def _has_values(kind: Any) -> bool:
    if not isinstance(kind, type) or typing.is_typeddict(kind):
        return False
    return (issubclass(kind, enum.Enum) or hasattr(kind, "model_validate") or hasattr(kind, "parse_obj") or
            kind in SEQUENCES or any(issubclass(value, kind) for value in _JSON))
