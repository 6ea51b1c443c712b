"""Timestamps and durations in the forms the state files use."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\s*([Zz]|[+-]\d\d:?\d\d)?\Z"
)
_TICK = timedelta(microseconds=1)
_LONGEST_SECONDS = 1e12
"""About thirty thousand years, more than any calendar has."""


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """Write a moment as ``YYYY-MM-DDTHH:MM:SS.ffffffZ``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """Read an RFC 3339 moment; up to nine fraction digits, no offset means UTC.

    Raises:
        ValueError: the text is no such moment.
    """
    found = _RFC3339.match(text.strip())
    if found is None:
        raise ValueError(f"not a timestamp: {text[:80]!r}")
    day, clock, fraction, offset = found.groups()
    micro = (fraction or "").ljust(6, "0")[:6]
    zone = "+00:00" if offset is None or offset in "Zz" else offset
    try:
        return datetime.fromisoformat(f"{day}T{clock}.{micro}{zone}").astimezone(UTC)
    except OverflowError as error:  # at the very ends of the calendar
        raise ValueError(f"not a timestamp: {text[:80]!r}") from error


def later_than(previous: str | None, now: datetime) -> str:
    """The text of ``now``, or of one microsecond after ``previous`` when the clock went back."""
    if previous is not None:
        try:
            now = max(now, from_text(previous) + _TICK)
        except ValueError:
            pass
    return to_text(now)


def duration_json(seconds: float) -> dict[str, int]:
    """Write seconds as ``{"secs": …, "nanos": …}``; negative time counts as none."""
    nanos = max(0, round(seconds * 1_000_000_000))
    return {"secs": nanos // 1_000_000_000, "nanos": nanos % 1_000_000_000}


def duration_seconds(value: object) -> float:
    """Read a duration, an object or ``[secs, nanos]``; anything else is zero seconds."""
    match value:
        case {"secs": secs, **rest}:
            return _amount(secs) + _amount(rest.get("nanos")) / 1e9
        case [secs, nanos]:
            return _amount(secs) + _amount(nanos) / 1e9
    return 0.0


def _amount(value: object) -> float:
    """A number that can be a part of a duration; what cannot be one counts as none."""
    if not isinstance(value, int | float) or not 0 <= value < _LONGEST_SECONDS:
        return 0.0
    return float(value)
