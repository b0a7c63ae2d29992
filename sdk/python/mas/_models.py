"""Typed payloads and typed state: pydantic models (1 and 2) and dataclasses behind one small interface.

Nothing here imports pydantic: a model is known by its methods, so a program without pydantic pays nothing and needs
nothing.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import types
import typing
import weakref
from collections.abc import Mapping
from typing import Any

from . import _coerce, _kinds

_checked: dict[bool, weakref.WeakSet[Any]] = {False: weakref.WeakSet(), True: weakref.WeakSet()}  # by `state`


def require(model: Any, what: str, state: bool = False, complete: bool = False) -> None:
    """@param state whether a state is kept in it: then bytes are allowed.

    @param complete whether names of other classes have to be known by now.
    @raise TypeError `model` is no class that payloads and states can have, or no data can ever fit it.
    """
    if not is_model(model):
        raise TypeError(f"{what} is {model!r}; expected a pydantic model or a dataclass")
    if model in _checked[state]:
        return
    try:
        if not is_pydantic(model):
            _kinds.check(model, state)
        elif complete and not getattr(model, "__pydantic_complete__", True):
            model.model_rebuild()
        if complete:
            _checked[state].add(model)
    except NameError as error:  # pydantic's error for it is one
        if complete:
            raise TypeError(f"{what}: {model.__name__}: {error}") from None
    except _kinds.Unusable as error:
        raise TypeError(f"{what}: {error}") from None


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and (is_pydantic(annotation) or dataclasses.is_dataclass(annotation))


def parse(model: Any, data: Mapping[str, Any]) -> Any:
    """An instance made of JSON values. @raise ValueError they do not fit; pydantic's own error for its models."""
    if hasattr(model, "model_validate"):
        return model.model_validate(data)
    if hasattr(model, "parse_obj"):
        return model.parse_obj(data)
    return _coerce.build(model, data)


def parse_json(model: Any, data: Mapping[str, Any]) -> Any:
    """parse() of a pydantic model as if the data came as JSON. @raise ValueError, TypeError."""
    text = json.dumps(data)
    return model.model_validate_json(text) if hasattr(model, "model_validate_json") else model.parse_raw(text)


def field_types(model: Any) -> dict[str, Any]:
    """The fields' names and types."""
    if hasattr(model, "model_fields"):
        return {name: field.annotation for name, field in model.model_fields.items()}
    if hasattr(model, "__fields__"):
        hints = typing.get_type_hints(model)
        return {name: hints.get(name, Any) for name in model.__fields__}
    hints = typing.get_type_hints(model)
    return {field.name: hints[field.name] for field in dataclasses.fields(model) if field.init}


def read_as(model: Any, name: str) -> str:
    """The name by which a pydantic model takes a field."""
    field = _field(model, name)
    alias = getattr(field, "validation_alias", None) or getattr(field, "alias", None)
    for choice in getattr(alias, "choices", ()):  # AliasChoices: any of them will do
        if isinstance(choice, str):
            return choice
    return alias if isinstance(alias, str) else name


def names_read(model: Any) -> dict[str, str]:
    """The fields' names, by those that a model takes them by."""
    if not is_pydantic(model):
        return {}
    return {read_as(model, name): name for name in field_types(model)}


def is_bytes(model: Any, name: str, annotation: Any) -> bool:
    """Whether a field of a pydantic model holds bytes that pydantic does not decode itself."""
    kinds = typing.get_args(annotation) if allows_none(annotation) else (annotation,)
    return (set(kinds) - {type(None)} == {bytes} and
            not any(hasattr(item, "encoder") for item in getattr(_field(model, name), "metadata", ())))


def _field(model: Any, name: str) -> Any:
    fields = model.model_fields if hasattr(model, "model_fields") else model.__fields__
    return fields.get(name)


def checks_the_whole(model: Any) -> bool:
    """Whether it may refuse values together that fit each alone."""
    return is_pydantic(model) or hasattr(model, "__post_init__")


def copy_of(instance: Any) -> Any:
    """A shallow copy."""
    if hasattr(instance, "model_copy"):
        return instance.model_copy()
    return instance.copy() if hasattr(instance, "parse_obj") else copy.copy(instance)


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
