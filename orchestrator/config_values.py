"""How the values of settings are read, from files and from the environment alike."""

from __future__ import annotations

import re
import shlex

_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?\Z", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_LEVELS = {"warning": "warn"}
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


class NotAValue(ValueError):
    """The text cannot be read as what the setting expects."""


def read_text(raw: object) -> str:
    if isinstance(raw, str) and raw.strip():
        return raw.strip()
    raise NotAValue


def read_level(raw: object) -> str:
    level = read_text(raw).lower()
    level = _LEVELS.get(level, level)
    if level not in ("error", "warn", "info", "debug", "trace"):
        raise NotAValue
    return level


def read_words(raw: object) -> tuple[str, ...]:
    """A list of texts, or one text that is split as a shell would."""
    if isinstance(raw, list) and all(isinstance(word, str) for word in raw):
        return tuple(raw)
    if isinstance(raw, str):
        try:
            return tuple(shlex.split(raw))
        except ValueError as error:
            raise NotAValue from error
    raise NotAValue


def read_amount(raw: object) -> int:
    if isinstance(raw, str) and raw.strip().isdecimal() and int(raw) >= 1:
        return int(raw)
    raise NotAValue


def read_bytes(raw: object) -> int:
    """A number of bytes: ``1048576``, ``10KB``, ``1.5GB``; a KB is 1 024."""
    found = _BYTES.match(raw.strip()) if isinstance(raw, str) else None
    if found is None:
        raise NotAValue
    number, power = found.groups()
    return int(float(number) * 1024 ** _POWERS[power.upper()])


def read_seconds(raw: object) -> float:
    from orchestrator.workflow.durations import parse_duration

    if not isinstance(raw, str):
        raise NotAValue
    try:
        return parse_duration(raw)
    except ValueError as error:
        raise NotAValue from error


def read_boolean(raw: object) -> bool:
    word = raw.strip().lower() if isinstance(raw, str) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise NotAValue


def read_map(raw: object) -> dict[str, object]:
    if isinstance(raw, dict):
        return raw
    raise NotAValue


def read_call(raw: object) -> str:
    """How somebody is called: ``bell``, ``notify`` or ``off``; false is off, true the bell."""
    word = raw.strip().lower() if isinstance(raw, str) else ""
    word = "bell" if word in _TRUE else "off" if word in _FALSE else word
    if word not in ("bell", "notify", "off"):
        raise NotAValue
    return word
