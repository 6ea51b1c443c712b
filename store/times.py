"""Timestamps and durations in the forms the state files use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\s*([Zz]|[+-]\d\d:?\d\d)?\Z"
)
_TICK = timedelta(microseconds=1)


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
    return datetime.fromisoformat(f"{day}T{clock}.{micro}{zone}").astimezone(UTC)


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
        case {"secs": int() | float() as secs, **rest}:
            nanos = rest.get("nanos", 0) if isinstance(rest, Mapping) else 0
            return float(secs) + (float(nanos) if isinstance(nanos, int | float) else 0.0) / 1e9
        case Sequence() if not isinstance(value, str) and len(value) == 2:
            secs, nanos = value
            if isinstance(secs, int | float) and isinstance(nanos, int | float):
                return float(secs) + float(nanos) / 1e9
    return 0.0
