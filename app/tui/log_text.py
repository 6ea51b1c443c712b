"""What a line of output says: program colours left out, controls visible, an agent's JSON read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from app.format import cut, visible

LONGEST_SHOWN = 4096
"""Cells of one line that are shown."""
_LONGEST_LOOKED_AT = 4 * LONGEST_SHOWN
"""Characters: some take no cell, but not many."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9])")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_ERRORS = re.compile(
    r"^E(?:\s|$)|\b(?:FAILED|FAIL|FATAL|ERROR)\b|\b[Ee]rror(?:\[\w+\])?:|\b\w*(?:Error|Exception)\b:"
    r"|\b(?:fatal|panic|panicked)\b:?|^Traceback \(most recent"
)


def whole(data: bytes) -> str:
    """A line of output as text that is safe on a screen, however long."""
    return _safe(_said(data))


def shown(data: bytes) -> str:
    """A line of output as text that is safe on a screen, cut where it is very long."""
    said = _said(data)
    text = _safe(said[:_LONGEST_LOOKED_AT])
    if len(text) <= LONGEST_SHOWN // 2:
        return text
    cut_text = cut(text, LONGEST_SHOWN)
    is_whole = cut_text == text and len(said) <= _LONGEST_LOOKED_AT
    return text if is_whole else f"{cut_text} (line cut at 4 096 cells)"


def _safe(text: str) -> str:
    return visible(text.expandtabs(8) if "\t" in text else text)


def has_controls(data: bytes) -> bool:
    """Whether control characters are shown in a line of output, as pairs such as ``^[``."""
    return _CONTROLS.search(_said(data)) is not None


def _said(data: bytes) -> str:
    """A line of output without program colours."""
    text = data.decode("utf-8", "replace")
    if text.startswith('{"'):
        said = _said_by_an_agent(text)
        if said is not None:
            text = said
    # A carriage return starts the line again: what stood last is what a terminal shows.
    text = text.rstrip("\r")
    if "\r" in text:
        text = text.rsplit("\r", 1)[1]
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return text


def is_error(text: str) -> bool:
    """Whether a line looks like one that says what went wrong."""
    return _ERRORS.search(text) is not None


def first_of_last_block(marks: Sequence[int]) -> int | None:
    """The first of the last lines that are marked; lines up to eight apart are one block."""
    first = marks[-1] if marks else None
    for line in reversed(marks[:-1]):
        if first is not None and first - line > 8:
            break
        first = line
    return first


def _said_by_an_agent(text: str) -> str | None:
    """One line for one message of a ``stream-json`` transcript; None when it is no such line."""
    try:
        message = json.loads(text)
    except ValueError:
        return None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return None
    match message["type"]:
        case "assistant" | "user":
            body = message.get("message")
            content = body.get("content") if isinstance(body, dict) else None
            parts = content if isinstance(content, list) else [content]
            said = [one for part in parts if (one := _part(part))]
            return "  ".join(said) if said else ""
        case "system":
            return f"agent started, {message.get('model') or 'model not named'}"
        case "result":
            words = "agent failed" if message.get("is_error") else "agent done"
            return f"{words}: {_one_line(message.get('result'))}".rstrip(": ")
        case _:
            return None


def _part(part: object) -> str:
    if isinstance(part, str):
        return _one_line(part)
    if not isinstance(part, dict):
        return ""
    match part.get("type"):
        case "text":
            return _one_line(part.get("text"))
        case "tool_use":
            given = part.get("input")
            values = given.values() if isinstance(given, dict) else ()
            first = next((value for value in values if isinstance(value, str)), "")
            return f"› {part.get('name')} {_one_line(first)}".rstrip()
        case "tool_result":
            return f"‹ {_one_line(part.get('content'))}".rstrip()
    return ""


def _one_line(value: object) -> str:
    if isinstance(value, list):
        return "  ".join(_part(part) for part in value)
    return " / ".join(str(value or "").split("\n"))
