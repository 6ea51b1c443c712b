"""Small pieces that JSON Schemas are made of (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]

SCALAR = ["string", "number", "boolean"]


def ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def one_of(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def a_list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def a_map_of(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def words(valid: Iterable[str]) -> Schema:
    """One of the words; editors offer them as they are, other cases and hyphens are fine too."""
    known = sorted(set(valid))
    return one_of({"enum": known}, {"type": "string", "pattern": any_of(known)})


def any_of(known: Iterable[str]) -> str:
    return f"^({'|'.join(map(_any_case, known))})$"


def _any_case(word: str) -> str:
    parts = (f"[{c}{c.upper()}]" if c.isalpha() else "[-_]?" for c in word)
    return "".join(parts)


def valued(name: str) -> Schema:
    """``NAME:…``, ``{NAME: …}``: a word with a value."""
    return one_of(
        {"type": "string", "pattern": f"^{_any_case(name)}:"},
        {"type": "object", "minProperties": 1, "maxProperties": 1,
         "patternProperties": {f"^{_any_case(name)}$": {}}, "additionalProperties": False},
    )  # fmt: skip
