"""Paths into work items: JSONPath as people write it, and the order they sort by (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTED = re.compile(r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")")
_SINGLE_EQUALS = re.compile(r"(?<![=!<>~])=(?![=~])")
_BARE_RIGHT = re.compile(
    r"([=!<>]=|<|>)(\s*)(?!true\b|false\b|null\b|nil\b)([A-Za-z_][A-Za-z0-9_-]*)(?=\s*(?:[)\]&|]|$))"
)
_PATH = r"[A-Za-z_@$][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+|\[\s*[0-9]+\s*\]|\['[^']*'\])*"
_KEY = re.compile(
    rf"\s*({_PATH})(?:\s+(ASC|ASCENDING|DESC|DESCENDING))?(?:\s+NULLS\s+(FIRST|LAST))?\s*\Z", re.I
)
_ONLY_PATH = re.compile(rf"\s*{_PATH}\s*\Z")


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order; nulls stand where ``nulls_first`` says, whatever the direction."""

    path: str
    descending: bool = False
    nulls_first: bool = False


def compiled_jsonpath(text: str) -> str:
    """The JSONPath a text means, checked.

    Raises:
        ValueError: it is none.
    """
    import jsonpath

    meant = normal_jsonpath(text)
    try:
        jsonpath.compile(meant)
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise ValueError(str(error).partition("\n")[0]) from None
    return meant


def normal_jsonpath(text: str) -> str:
    """The path with a leading ``$``, ``==`` for ``=``, and bare words compared with as strings."""
    pieces = _QUOTED.split(text.strip())
    for index in range(0, len(pieces), 2):
        piece = pieces[index].replace(".[", "[")
        if "?" in text:
            piece = _SINGLE_EQUALS.sub("==", piece)
            piece = _BARE_RIGHT.sub(r"\1\2'\3'", piece)
        pieces[index] = piece
    path = "".join(pieces)
    if path.startswith("$"):
        return path
    return f"${path}" if path.startswith(("[", ".")) else f"$.{path}"


def parse_order(text: str) -> tuple[SortKey, ...]:
    """The keys of ``sort_by``.

    Raises:
        ValueError: one cannot be read.
    """
    keys = []
    for part in text.split(","):
        match = _KEY.match(part)
        if match is None:
            words = "ASC or DESC, NULLS FIRST or LAST"
            raise ValueError(f"'{part.strip()}' is not a path with {words}")
        path, direction, nulls = match.groups()
        descending = (direction or "").upper().startswith("DESC")
        keys.append(SortKey(path, descending, (nulls or "").upper() == "FIRST"))
    return tuple(keys)


def is_path(text: str) -> bool:
    """Whether a text is a plain path into an item."""
    return _ONLY_PATH.match(text) is not None
