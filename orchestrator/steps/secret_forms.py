"""The forms in which a secret value may appear in text."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

SHORTEST_LINE = 8
"""Lines of a multi-line value that are shorter could be anything."""

_ESCAPE = re.compile(r"%[0-9A-F]{2}")


def forms_of(value: str) -> dict[str, str]:
    """Every form of a value by the name of the form; the value as it is has the name ''.

    Line breaks at its ends are no part of it.
    """
    value = value.strip("\r\n")
    forms = {
        "": value,
        "json": json.dumps(value)[1:-1],
        "jsonraw": json.dumps(value, ensure_ascii=False)[1:-1],
        "url": quote(value, safe=""),
        "urlpath": quote(value),
        "urlplus": quote_plus(value),
    }
    for name in ("url", "urlpath", "urlplus"):
        forms[f"{name}low"] = _ESCAPE.sub(lambda found: found[0].lower(), forms[name])
    for offset in range(3):
        encoded = _base64_inside(value, offset)
        forms[f"base{offset}"] = encoded
        forms[f"webbase{offset}"] = encoded.translate(str.maketrans("+/", "-_"))
    lines = value.split("\n")
    if len(lines) > 1:
        for number, line in enumerate(lines):
            if len(line.strip()) >= SHORTEST_LINE:
                forms[f"line{number}"] = line.strip()
    return {name: text for name, text in forms.items() if len(text) >= 4}


def form_of(value: str, form: str) -> str | None:
    """One form of a value by its name; None when the value has no such form."""
    return forms_of(value).get(form)


def _base64_inside(value: str, offset: int) -> str:
    """The characters of a base64 text that only the value decides.

    ``offset`` is its position modulo 3 in what was encoded: inside ``user:secret`` the encoded
    secret is another text than alone.
    """
    data = value.encode("utf-8", "surrogatepass")
    encoded = base64.b64encode(b"\0" * offset + data).decode()
    whole = (offset + len(data)) * 8 // 6
    return encoded[(0, 2, 3)[offset] : whole]
