"""A state's fields as texts, as Redis holds them, and an instance of a model made of them.

What is written is what the original framework writes: JSON of lists and dicts, str() of everything else. Models,
enumerations, sets, bytes and durations, which have no readable str(), are written as JSON, as their value, in base64
and as ISO 8601 has them. What this package and the original framework write is read. An error names the field and says what
was expected; it does not show the text.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import enum
import json
from collections.abc import Mapping
from typing import Any

from . import _coerce, _misfit, _models, _payload
from ._errors import PayloadError, StateError

# ---- out


def texts_of(values: Mapping[Any, Any], model: Any) -> dict[str, str]:
    """The fields' texts. @param model None: those of a dict. @raise PayloadError names a field that has none."""
    plain = _payload.plain if model is None or _models.is_pydantic(model) else _with_base64
    texts = {}
    for name, value in values.items():
        try:
            texts[name] = text_of(value, plain)
        except UnicodeError:
            raise PayloadError(f"the state's field {name!r} contains text or bytes that are not UTF-8") from None
        except (TypeError, ValueError, RecursionError) as error:
            raise PayloadError(f"the state's field {name!r} has no form as text: {error}") from None
    return texts


def text_of(value: Any, plain: Any = _payload.plain) -> str:
    """A value as Redis holds it. @param plain makes JSON of what json does not know."""
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, Mapping) and not isinstance(value, dict):
        value = dict(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=lambda inner: _of_model(inner, plain))
    if isinstance(value, (tuple, set, frozenset)):
        return text_of(list(value), plain)
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.timedelta):
        return _payload.plain(value)
    if not isinstance(value, type) and (dataclasses.is_dataclass(value) or _models.is_pydantic(value)):
        return text_of(_of_model(value, plain), plain)
    text = str(value)
    text.encode()  # it could not be sent otherwise
    return text


def _of_model(value: Any, plain: Any) -> Any:
    """JSON of models goes by the names that they are read by."""
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return value.model_dump(mode="json", by_alias=True)
    if hasattr(value, "parse_obj") and not isinstance(value, type):  # pydantic 1
        return json.loads(value.json(by_alias=True))
    return plain(value)


def _with_base64(value: Any) -> Any:
    """Of a dataclass: its bytes are read as they are written."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    return _payload.plain(value)


# ---- in


def parse_texts(model: Any, texts: Mapping[str, str]) -> Any:
    """An instance made of a state's texts; fields that the texts lack have their defaults.

    @raise StateError names the field that does not fit. Fields that the model lacks are left out.
    """
    types_of = _models.field_types(model)
    known = {name: text for name, text in texts.items() if name in types_of}
    if _models.is_pydantic(model):
        return _parse_pydantic(model, types_of, known)
    try:
        return _coerce.build(model, known, from_texts=True)
    except _coerce.Misfit as error:
        raise StateError(f"the state's field {error}") from None
    except Exception as error:  # of the model's own __post_init__
        raise StateError(f"the state as a whole: {model.__name__} raised {type(error).__name__}") from None


def _parse_pydantic(model: Any, types_of: dict[str, Any], texts: dict[str, str]) -> Any:
    """pydantic takes most texts as they are. For a field that it refuses, the value that the text stands for is tried,
    and then the JSON of that: a strict model takes no other date."""
    names = {_models.read_as(model, name): name for name in texts}
    values: dict[str, Any] = {key: _prepared(model, name, types_of[name], texts[name]) for key, name in names.items()}
    try:
        return _models.parse(model, values)
    except ValueError as error:
        refused = {str(item["loc"][0]) for item in _models.details_of(error) if item.get("loc")}
    for name in refused:
        if isinstance(values.get(name), str):
            values[name] = _meant(values[name])
    try:
        return _models.parse(model, values)
    except ValueError as error:
        why = error
    details = _models.details_of(why)
    if not details or not details[0].get("loc"):
        raise StateError(f"the state as a whole: {_misfit.misfit_of(model, why, values)}") from None
    try:
        return _models.parse_json(model, values)
    except (ValueError, TypeError):
        pass
    key, told = str(details[0]["loc"][0]), _misfit.misfit_of(model, why, values)
    if key in names and told.startswith(key):
        told = names[key] + told.removeprefix(key)
    raise StateError(f"the state's field {told}") from None


def _prepared(model: Any, name: str, annotation: Any, text: str) -> Any:
    """None and bytes, whose texts pydantic takes for something else."""
    if text == "None" and _models.allows_none(annotation):
        return None
    if _models.is_bytes(model, name, annotation):
        try:
            return _coerce.bytes_of(text)
        except ValueError:
            pass  # written by somebody else
    return text


def _meant(text: str) -> Any:
    """What JSON, or Python's True and False, stand for."""
    if text in ("True", "False"):
        return text == "True"
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
