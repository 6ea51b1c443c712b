"""Kinds of values on the command line: spans of time, points in time, sizes, numbers of steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import click

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)?\Z", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")

STEP_NUMBER = click.IntRange(min=1)
"""People count steps from 1."""
COUNT = click.IntRange(min=0)
"""How many; 0 is all."""


def span(bare: str) -> Callable[[str], float]:
    """Read a span of time such as ``30s``, ``15m``, ``2h``, ``7d``, ``4w`` as seconds.

    Args:
        bare: the unit of a number without one.
    """

    def read(text: str | float) -> float:
        if not isinstance(text, str):
            return text
        found = _SPAN.match(text.strip())
        if found is None:
            raise click.BadParameter(
                f"'{text}' is no duration; one looks like 30s, 15m, 2h, 7d or 4w"
            )
        number, unit = found.groups()
        return float(number) * _SECONDS[(unit or bare).lower()]

    return read


def moment(bare: str) -> Callable[[str], datetime]:
    """Read a point in time: a span before now, or an ISO date with or without a time of day.

    Args:
        bare: the unit of a number without one.
    """
    read_span = span(bare)

    def read(text: str) -> datetime:
        if _DATE.match(text.strip()):
            try:
                found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
            except ValueError:
                raise click.BadParameter(
                    f"'{text}' is no date; one looks like 2025-11-12 or 2025-11-12T09:13"
                ) from None
            return found.astimezone(UTC)
        try:
            return datetime.now(UTC) - timedelta(seconds=read_span(text))
        except OverflowError:
            return datetime.fromtimestamp(0, UTC)

    return read


def byte_size(text: str) -> int:
    """Read a number of bytes such as ``10KB`` or ``1.5GB``; a KB is 1 024."""
    from orchestrator.config_values import NotAValue, read_bytes

    try:
        return read_bytes(text)
    except NotAValue:
        raise click.BadParameter(f"'{text}' is no size; one looks like 10KB or 1.5GB") from None
