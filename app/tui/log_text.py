"""What a line of output says: program colours left out, controls visible, an agent's JSON read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.agent_messages import Kind, Part, parts_of
from app.format import cut, visible
from app.tui.log_file import LONGEST, MESSAGE
from orchestrator.terminal_text import last_written, plain, without_sequences

LONGEST_SHOWN = 4096
"""Cells of one line that are shown."""
_LONGEST_LOOKED_AT = 4 * LONGEST_SHOWN
"""Characters: some take no cell, but not many."""

_SAYS_NOTHING = "·"
"""A message of an agent that is for programs."""
_CUT_ESCAPE = re.compile(r"\x1b(?:\[[0-9;:?]*)?$")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_ERRORS = re.compile(
    r"^E(?:\s|$)|\b(?:FAILED|FAIL|FATAL|ERROR)\b|\b[Ee]rror(?:\[\w+\])?:|\b\w*(?:Error|Exception)\b:"
    r"|\b(?:fatal|panic|panicked)\b:?|^Traceback \(most recent|^agent failed"
)


def whole(data: bytes) -> str:
    """A line of output as text that is safe on a screen, however long."""
    return _safe(_said(data))


def shown(data: bytes) -> str:
    """A line of output as text that is safe on a screen, cut where it is very long."""
    said = _said(data)
    text = _safe(said[:_LONGEST_LOOKED_AT])
    if len(text) <= LONGEST_SHOWN // 2:
        return f"{text} (line cut)" if _is_cut(data) else text
    cut_text = cut(text, LONGEST_SHOWN)
    if cut_text != text or len(said) > _LONGEST_LOOKED_AT:
        return f"{cut_text} (line cut at 4 096 cells)"
    return text


def lines_of_message(data: bytes) -> list[str]:
    """What an agent says, line by line, as far as it is shown; empty when it is no message."""
    parts = parts_of(data.decode("utf-8", "replace")) if data.startswith(MESSAGE) else None
    if not parts:
        return []
    said = "\n".join(_told(part, "\n") for part in parts)
    lines = [_safe(line) for line in said[:LONGEST_SHOWN].split("\n")]
    return lines if len(said) <= LONGEST_SHOWN else [*lines[:-1], f"{lines[-1]} (message cut)"]


def _is_cut(data: bytes) -> bool:
    """Whether only the beginning of the line was read."""
    return len(data) == LONGEST and b"\r" not in data and not data.startswith(MESSAGE)


def _safe(text: str) -> str:
    return visible(text.expandtabs(8) if "\t" in text else text)


def has_controls(data: bytes) -> bool:
    """Whether control characters are shown in a line of output, as pairs such as ``^[``."""
    return _CONTROLS.search(_said(data)) is not None


def _said(data: bytes) -> str:
    """A line of output without program colours."""
    text = data.decode("utf-8", "replace")
    parts = parts_of(text)
    if parts is not None:
        return "  ".join(map(_told, parts)) or _SAYS_NOTHING
    return _CUT_ESCAPE.sub("", last_written(without_sequences(text)))


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


def _told(part: Part, between: str = " / ") -> str:
    """A part of a message, with this between its lines."""
    lines = plain(part.text).split("\n")
    text = between.join(line for line in lines if line.strip())
    match part.kind:
        case Kind.THOUGHT:
            return f"(thinks) {text}"
        case Kind.TOOL:
            return f"› {part.tool} {text}".rstrip()
        case Kind.ANSWER:
            return f"‹ {text}".rstrip()
        case Kind.FAILED_ANSWER:
            return f"‹ failed: {text}"
        case Kind.NOTE:
            return f"agent {text}"
        case _:
            return text
