"""Durations as text: written as ISO 8601 has them, read as that and as str() writes them."""

from __future__ import annotations

import datetime
import re

_ISO = re.compile(r"([+-]?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d{1,6}))?S)?)?", re.ASCII)
_STR = re.compile(r"(?:(-?\d+) days?, )?(\d{1,2}):(\d\d):(\d\d)(?:\.(\d{6}))?", re.ASCII)


def text_of(value: datetime.timedelta) -> str:
    """Such as P1DT3.5S."""
    sign, value = ("-", -value) if value < datetime.timedelta(0) else ("", value)
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    return f"{sign}P{value.days}DT{value.seconds}{fraction}S"


def parse(text: str) -> datetime.timedelta:
    """@raise ValueError, OverflowError."""
    if (found := _ISO.fullmatch(text)) is not None and text[-1] not in "PT":
        sign, days, hours, minutes, seconds, fraction = found.groups()
        value = _of(days, hours, minutes, seconds, (fraction or "").ljust(6, "0"))
        return -value if sign == "-" else value
    if (found := _STR.fullmatch(text)) is not None:
        return _of(*found.groups())
    raise ValueError("not a duration")


def _of(days: str | None, hours: str | None, minutes: str | None, seconds: str | None,
        microseconds: str | None) -> datetime.timedelta:
    return datetime.timedelta(days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0),
                              seconds=int(seconds or 0), microseconds=int(microseconds or 0))
