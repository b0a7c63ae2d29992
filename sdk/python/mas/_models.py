"""Typed payloads and typed state: pydantic models (1 and 2) and dataclasses behind one small interface.

Nothing here imports pydantic: a model is known by its methods, so a program without pydantic pays nothing and needs
nothing.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

from . import _coerce


def require(model: Any, what: str) -> None:
    """@raise TypeError `model` is no class that payloads and states can have."""
    if not is_model(model):
        raise TypeError(f"{what} is {model!r}; expected a pydantic model or a dataclass")


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and (is_pydantic(annotation) or dataclasses.is_dataclass(annotation))


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


def allows_none(annotation: Any) -> bool:
    """Whether None is a value of the type, as it is of Optional[int]."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(allows_none(item) for item in typing.get_args(annotation))
    return annotation is None or annotation is type(None)


def is_pydantic(model: Any) -> bool:
    return hasattr(model, "model_validate") or hasattr(model, "parse_obj")


def details_of(error: ValueError) -> list[dict[str, Any]]:
    """What pydantic found, one entry for each place; nothing of another error."""
    errors = getattr(error, "errors", None)
    return errors() if callable(errors) else []
