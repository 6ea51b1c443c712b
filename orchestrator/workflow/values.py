"""The values of variables: how they look in a text, and how their kinds survive plain JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Final

_PARSE_CACHED_BELOW = 256 * 1024
_EXACT_BELOW = 1e16
"""From here on a float no longer tells neighbouring integers apart, so its own form is honest."""


class Missing(Enum):
    """The type of ``MISSING``; an enum, so that it stays one object through pickling."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING
"""What a lookup gives for a name that is not defined; null is a value, this is none."""


class Lines(list[object]):
    """A list that stands in a text one element a line: a ``lines`` capture."""


class Paths(list[object]):
    """A list that stands in a text divided by blanks: the file and commit lists of git."""


class CommaSeparated(list[object]):
    """A list for which a reference chose the form with commas; never stored."""


_KINDS: Mapping[str, type[list[object]]] = {"lines": Lines, "paths": Paths}


def render(value: object) -> str:
    """The text of a value where it is inserted. Undefined and null are empty."""
    if isinstance(value, str):
        return value
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < _EXACT_BELOW
        return str(int(value)) if whole else repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Lines):
        return "\n".join(map(render, value))
    if isinstance(value, Paths):
        return " ".join(map(render, value))
    if isinstance(value, CommaSeparated):
        return ",".join(map(render, value))
    return as_json(value)


def as_json(value: object) -> str:
    """Compact JSON: no blanks, keys in their order, characters as they are."""
    return json.dumps(
        None if value is MISSING else value,
        ensure_ascii=False,
        separators=(",", ":"),
        default=str,
    )


def is_blank(value: object) -> bool:
    """Whether ``:-`` takes its default: undefined, null, an empty text, list or map."""
    return value is None or value is MISSING or value in ("", [], {})


def parsed_container(text: str) -> object:
    """The JSON object or array that a text holds, else ``MISSING``."""
    if text.lstrip()[:1] not in ("{", "["):
        return MISSING
    if len(text) < _PARSE_CACHED_BELOW:
        return _parse_cached(text)
    return _parse(text)


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return MISSING


_parse_cached = lru_cache(maxsize=16)(_parse)


def split_kinds(
    variables: Mapping[str, object],
) -> tuple[dict[str, object], dict[str, str]]:
    """Makes variables plain JSON.

    Returns:
        The variables with plain lists, and ``lines`` or ``paths`` by the name of each list that
        was one. Lists inside of maps and lists lose their kind: they show as JSON anyway.
    """
    plain = dict(variables)
    kinds: dict[str, str] = {}
    for name, value in variables.items():
        for kind, list_type in _KINDS.items():
            if isinstance(value, list_type):
                plain[name] = list(value)
                kinds[name] = kind
    return plain, kinds


def restore_kinds(variables: Mapping[str, object], kinds: Mapping[str, str]) -> dict[str, object]:
    """The inverse of ``split_kinds``. Names and kinds that do not fit are passed over."""
    restored = dict(variables)
    for name, kind in kinds.items():
        value, list_type = restored.get(name), _KINDS.get(kind)
        if isinstance(value, list) and list_type is not None:
            restored[name] = list_type(value)
    return restored


def without_lone_surrogates(value: object) -> object:
    """A JSON value whose texts can be written as UTF-8: half a surrogate pair becomes U+FFFD."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, list):
        return [without_lone_surrogates(element) for element in value]
    if isinstance(value, dict):
        return {
            without_lone_surrogates(key): without_lone_surrogates(element)
            for key, element in value.items()
        }
    return value
