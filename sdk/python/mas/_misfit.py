"""Describes why data does not fit a model, for the sender of the data: where, what was expected, what kind was found.

The sentence contains no value and no key of a dict, since keys are data too. A message of pydantic is passed on if its
type is known to contain neither; messages of a model's own validators may contain anything.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from typing import Any

from . import _coerce, _models

# Types of errors whose messages contain only what the model declares, and numbers of items; of pydantic 2 and 1.
_SAFE_2 = frozenset("""
    bool_parsing bool_type bytes_too_long bytes_too_short bytes_type dataclass_type date_from_datetime_inexact
    date_future date_past date_type datetime_future datetime_past datetime_type decimal_max_digits decimal_max_places
    decimal_parsing decimal_type decimal_whole_digits dict_type enum extra_forbidden finite_number float_parsing
    float_type frozen_set_type greater_than greater_than_equal int_from_float int_parsing int_parsing_size int_type
    invalid_key is_instance_of iterable_type less_than less_than_equal list_type literal_error missing
    model_attributes_type model_type multiple_of none_required set_item_not_hashable set_type string_not_ascii
    string_pattern_mismatch string_sub_type string_too_long string_too_short string_type string_unicode time_delta_type
    time_type timezone_aware timezone_naive too_long too_short tuple_type union_tag_not_found url_scheme url_too_long
    url_type uuid_type uuid_version
    """.split())
_SAFE_1 = frozenset("""
    type_error.arbitrary_type type_error.bool type_error.bytes type_error.dataclass type_error.decimal type_error.deque
    type_error.dict type_error.enum type_error.float type_error.frozenset type_error.hashable type_error.integer
    type_error.iterable type_error.list type_error.none.allowed type_error.none.not_allowed type_error.not_none
    type_error.path type_error.sequence type_error.set type_error.str type_error.subclass type_error.tuple
    type_error.uuid value_error.any_str.max_length value_error.any_str.min_length value_error.const value_error.date
    value_error.date.not_in_the_future value_error.date.not_in_the_past value_error.datetime
    value_error.decimal.max_digits value_error.decimal.max_places value_error.decimal.not_finite
    value_error.decimal.whole_digits value_error.discriminated_union.missing_discriminator value_error.duration
    value_error.extra value_error.frozenset.max_items value_error.frozenset.min_items value_error.list.max_items
    value_error.list.min_items value_error.list.unique_items value_error.missing value_error.number.not_finite_number
    value_error.number.not_ge value_error.number.not_gt value_error.number.not_le value_error.number.not_lt
    value_error.number.not_multiple value_error.set.max_items value_error.set.min_items value_error.str.regex
    value_error.strictbool value_error.time value_error.tuple.length value_error.url.host value_error.url.port
    value_error.url.scheme value_error.uuid.version
    """.split())


def misfit_of(model: Any, error: Exception, data: Any) -> str:
    """@param error what _models.parse() raised for `data`. @return the sentence."""
    if isinstance(error, _coerce.Misfit):
        return str(error)
    details = _models.details_of(error) if isinstance(error, ValueError) else []
    if not details:
        return "the data does not fit"
    first = details[0]
    loc = first.get("loc", ())
    path, annotation = _place_of(model, loc)
    if _is_safe(first):
        return f"{path}: {first.get('msg', 'does not fit')}"
    found = _coerce.kind_of(_value_at(data, loc))
    return f"{path}: is not valid; expected {_coerce.type_name(annotation)}, found {found}"


def _is_safe(detail: dict[str, Any]) -> bool:
    """Whether the message may be passed on. In pydantic 2 a validator may give its error any type, but not a URL."""
    return detail.get("type") in _SAFE_1 or (detail.get("type") in _SAFE_2 and "url" in detail)


def _place_of(model: Any, loc: Sequence[Any]) -> tuple[str, Any]:
    """An error's path, by the names that models declare, and the type that is declared there."""
    path, annotation = "", model
    for step in loc:
        if isinstance(step, int):
            path, annotation = f"{path}[{step}]", _items_of(annotation)
            continue
        fields = [_fields_of(inner) for inner in _models_in(annotation)]
        known = tuple(of[step] for of in fields if step in of)
        path += ("." if path else "") + (str(step) if known else "*")
        annotation = typing.Union[known] if known else _items_of(annotation)
    return path or "data", annotation


def _fields_of(model: Any) -> dict[str, Any]:
    """The types of a model's fields by their names, and by the names that the model takes them by."""
    types_of = _models.field_types(model)
    return {**types_of, **{alias: types_of[name] for alias, name in _models.names_read(model).items()}}


def _items_of(annotation: Any) -> Any:
    """The type of a container's items; of anything else the type itself."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _items_of(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return typing.Union[tuple(_items_of(argument) for argument in arguments if argument is not type(None))]
    items = [argument for argument in arguments if argument is not Ellipsis]
    return items[-1] if items and origin is not typing.Literal else annotation


def _models_in(annotation: Any) -> list[Any]:
    """The models that values of a type may be, or hold."""
    if _models.is_model(annotation):
        return [annotation]
    return [model for argument in typing.get_args(annotation) for model in _models_in(argument)]


def _value_at(data: Any, loc: Sequence[Any]) -> Any:
    """The value that an error is about. Steps that name no member of the data, such as a union's tag, are skipped."""
    for step in loc:
        if (isinstance(data, dict) and step in data) or (isinstance(data, list) and step in range(len(data))):
            data = data[step]
    return data
