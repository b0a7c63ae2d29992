"""Typed payloads and typed state: pydantic models (1 and 2) and dataclasses behind one small interface.

Nothing here imports pydantic: a model is known by its methods, so a program without pydantic pays nothing and needs
nothing.

A state in Redis is texts. `parse_texts` reads what this package and the original framework write: str() of plain
values, JSON of lists, dicts and models.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from typing import Any

from . import _coerce
from ._errors import StateError


def require(model: Any, what: str) -> None:
    """@raise TypeError `model` is no class that payloads and states can have."""
    if not is_model(model):
        raise TypeError(f"{what} is {model!r}; expected a pydantic model or a dataclass")


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and (_is_pydantic(annotation) or dataclasses.is_dataclass(annotation))


def parse(model: Any, data: Mapping[str, Any]) -> Any:
    """An instance made of JSON values. @raise ValueError they do not fit; pydantic's own error for its models."""
    if hasattr(model, "model_validate"):
        return model.model_validate(data)
    if hasattr(model, "parse_obj"):
        return model.parse_obj(data)
    return _coerce.build(model, data)


def field_types(model: Any) -> dict[str, Any]:
    """The fields' names and types."""
    if hasattr(model, "model_fields"):
        return {name: field.annotation for name, field in model.model_fields.items()}
    if hasattr(model, "__fields__"):
        hints = typing.get_type_hints(model)
        return {name: hints.get(name, Any) for name in model.__fields__}
    hints = typing.get_type_hints(model)
    return {field.name: hints[field.name] for field in dataclasses.fields(model) if field.init}


def parse_texts(model: Any, texts: Mapping[str, str]) -> Any:
    """An instance made of a state's texts; fields that the texts lack have their defaults.

    @raise StateError names the field that does not fit. Fields that the model lacks are left out.
    """
    types_of = field_types(model)
    if not _is_pydantic(model):
        known = {name: text for name, text in texts.items() if name in types_of}
        try:
            return _coerce.build(model, known, from_texts=True)
        except _coerce.Misfit as error:
            raise StateError(f"the state's field {error.path}: {error.reason}") from None
    values: dict[str, Any] = {}
    for name, text in texts.items():
        if name in types_of:
            values[name] = None if text == "None" and allows_none(types_of[name]) else text
    return _parse_twice(model, values, texts)


def _parse_twice(model: Any, values: dict[str, Any], texts: Mapping[str, str]) -> Any:
    """pydantic takes most texts as they are; for a field that it refuses, the text's JSON is tried."""
    try:
        return parse(model, values)
    except ValueError as error:
        refused = _fields_of(error)
    for name in refused:
        if isinstance(values.get(name), str):
            try:
                values[name] = json.loads(values[name])
            except ValueError:
                pass
    try:
        return parse(model, values)
    except ValueError as error:
        name = next(iter(_fields_of(error)), "?")
        shown = texts.get(name)
        raise StateError(f"the state's field {name}: {_reason_of(error)}; its text is {shown!r:.80}") from None


def allows_none(annotation: Any) -> bool:
    """Whether None is a value of the type, as it is of Optional[int]."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(allows_none(item) for item in typing.get_args(annotation))
    return annotation is None or annotation is type(None)


def _is_pydantic(model: Any) -> bool:
    return hasattr(model, "model_validate") or hasattr(model, "parse_obj")


def details_of(error: ValueError) -> list[dict[str, Any]]:
    """What pydantic found, one entry for each place; nothing of another error."""
    errors = getattr(error, "errors", None)
    return errors() if callable(errors) else []


def _fields_of(error: ValueError) -> list[str]:
    return [str(item["loc"][0]) for item in details_of(error) if item.get("loc")]


def _reason_of(error: ValueError) -> str:
    details = details_of(error)
    return details[0].get("msg", str(error)) if details else str(error)
