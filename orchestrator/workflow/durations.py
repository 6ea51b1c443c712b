"""Durations as people write them: ``30``, ``1.5``, ``90s``, ``1h30m``, ``250ms``."""

from __future__ import annotations

import math
import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(ms|s|m|h|d)\s*")


def parse_duration(text: str) -> float:
    """Reads a duration.

    Args:
        text: seconds, or a sum of numbers with the units ``ms s m h d``. Blanks around it and
            between its parts do not matter.

    Returns:
        Seconds, never negative.

    Raises:
        ValueError: it is none.
    """
    trimmed = text.strip()
    seconds = float(trimmed) if _PLAIN.fullmatch(trimmed) else _sum_of_parts(trimmed)
    if seconds is None or not math.isfinite(seconds):
        raise ValueError(f"not a duration: '{text}'")
    return seconds


def _sum_of_parts(text: str) -> float | None:
    position, total = 0, 0.0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            return None
        total += float(part[1]) * _SECONDS[part[2]]
        position = part.end()
    return total if text else None
