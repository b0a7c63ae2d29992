"""A state's texts, as Redis holds them, as an instance of a model.

What this package and the original framework write is read: str() of plain values, JSON of lists, dicts and models. An
error names the field and says what was expected; it does not show the text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import _coerce, _misfit, _models
from ._errors import StateError


def parse_texts(model: Any, texts: Mapping[str, str]) -> Any:
    """An instance made of a state's texts; fields that the texts lack have their defaults.

    @raise StateError names the field that does not fit. Fields that the model lacks are left out.
    """
    types_of = _models.field_types(model)
    known = {name: text for name, text in texts.items() if name in types_of}
    if not _models.is_pydantic(model):
        try:
            return _coerce.build(model, known, from_texts=True)
        except _coerce.Misfit as error:
            raise StateError(f"the state's field {error}") from None
    return _parse_twice(model, {name: None if text == "None" and _models.allows_none(types_of[name]) else text
                                for name, text in known.items()})


def _parse_twice(model: Any, values: dict[str, Any]) -> Any:
    """pydantic takes most texts as they are; for a field that it refuses, the text's JSON is tried."""
    try:
        return _models.parse(model, values)
    except ValueError as error:
        refused = [item["loc"][0] for item in _models.details_of(error) if item.get("loc")]
    for name in refused:
        if isinstance(values.get(name), str):
            try:
                values[name] = json.loads(values[name])
            except ValueError:
                pass
    try:
        return _models.parse(model, values)
    except ValueError as error:
        details = _models.details_of(error)
        where = "the state's field" if details and details[0].get("loc") else "the state as a whole:"
        raise StateError(f"{where} {_misfit.misfit_of(model, error, values)}") from None
