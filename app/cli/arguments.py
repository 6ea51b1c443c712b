"""Kinds of values on the command line: spans of time, points in time, sizes, ids of runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)?\Z", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Span(click.ParamType):
    """A span of time such as ``30s``, ``15m``, ``2h``, ``7d``, ``4w``; its value is seconds."""

    name = "duration"

    def __init__(self, bare: str) -> None:
        self.bare = bare
        """The unit of a number without one."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, int | float):
            return float(value)
        found = _SPAN.match(str(value).strip())
        if found is None:
            self.fail(
                f"'{value}' is no duration; one looks like 30s, 15m, 2h, 7d or 4w", param, ctx
            )
        number, unit = found.groups()
        return float(number) * _SECONDS[(unit or self.bare).lower()]


class Moment(click.ParamType):
    """A point in time: a span before now, or an ISO date with or without a time of day."""

    name = "time"

    def __init__(self, bare: str) -> None:
        self._span = Span(bare)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        if _DATE.match(text):
            try:
                moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
            except ValueError:
                self.fail(f"'{value}' is no date; one looks like 2025-11-12 or 2025-11-12T09:13",
                          param, ctx)  # fmt: skip
            return moment.astimezone(UTC)
        seconds = self._span.convert(text, param, ctx)
        try:
            return datetime.now(UTC) - timedelta(seconds=seconds)
        except OverflowError:
            return datetime.fromtimestamp(0, UTC)


class Size(click.ParamType):
    """A number of bytes such as ``10KB`` or ``1.5GB``; a KB is 1 024."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from orchestrator.config_values import NotAValue, read_bytes

        try:
            return value if isinstance(value, int) else read_bytes(str(value))
        except NotAValue:
            self.fail(f"'{value}' is no size; one looks like 10KB or 1.5GB", param, ctx)


STEP_NUMBER = click.IntRange(min=1)
"""People count steps from 1."""
COUNT = click.IntRange(min=0)
"""How many; 0 is all."""
