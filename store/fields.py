"""Reading fields of parsed JSON liberally: a wrong type is an absent value, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from store.times import from_text

FORMAT = 1
"""The newest format of an ``x_prodigy`` object that this version writes."""
_LARGEST = 2**53 - 1
"""Beyond this numbers are not the same to every reader of JSON."""


def whole(value: object, default: int = 0) -> int:
    """A count: a number from 0 to 2^53-1 without a fraction, ``1.0`` included."""
    found = signed(value)
    return found if found is not None and found >= 0 else default


def optional_whole(value: object) -> int | None:
    """A count, or None."""
    found = whole(value, -1)
    return None if found < 0 else found


def signed(value: object) -> int | None:
    """An exit code or the like: a number without a fraction, or None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -_LARGEST <= value <= _LARGEST else None


def number(value: object) -> float | None:
    """A number, or None; infinity and what is no number say nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -_LARGEST <= value <= _LARGEST else None


def text(value: object, default: str = "") -> str:
    """A string, or the default."""
    return value if isinstance(value, str) else default


def optional_text(value: object) -> str | None:
    """A string, or None."""
    return value if isinstance(value, str) else None


def table(value: object) -> dict[str, Any]:
    """The object itself (not a copy), or an empty one."""
    return value if isinstance(value, dict) else {}


def optional_table(value: object) -> dict[str, Any] | None:
    """The object itself (not a copy), or None."""
    return value if isinstance(value, dict) else None


def rows(value: object) -> list[dict[str, Any]]:
    """The objects of a list; what is no object is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def words(value: object) -> list[str]:
    """The strings of a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def moment(value: object) -> datetime | None:
    """A timestamp, or None when it is missing or says nothing."""
    if not isinstance(value, str):
        return None
    try:
        return from_text(value)
    except ValueError:
        return None


def newer_format(extension: Mapping[str, Any]) -> int | None:
    """The format of an ``x_prodigy`` object if it is newer than this version's."""
    found = whole(extension.get("format"), FORMAT)
    return found if found > FORMAT else None
