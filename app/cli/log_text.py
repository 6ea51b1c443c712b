"""Step logs as people read them: lines of an agent's stream become sentences, the rest stays."""

from __future__ import annotations

import os
import re
from pathlib import Path

from app.agent_messages import Kind, Part, parts_of
from app.format import cut, visible

_TAIL_BLOCK = 64 * 1024
_MAX_BLOCKS = 64
_TOOL_INPUT_CELLS = 100
_COLOR = re.compile("(\x1b\\[[0-9;:]*m)")


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log as people read them; a missing log has none."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            data = b""
            for _ in range(_MAX_BLOCKS):
                start = max(0, end - _TAIL_BLOCK)
                file.seek(start)
                data = file.read(end - start) + data
                end = start
                shown = readable(data.decode(errors="replace").splitlines()[bool(start) :])
                if start == 0 or len(shown) >= count:
                    return shown[-count:]
            return shown[-count:]
    except OSError:
        return []


def readable(lines: list[str]) -> list[str]:
    """Turn the lines of an agent's stream into text, leave all others alone."""
    shown: list[str] = []
    for line in lines:
        shown += readable_line(line)
    return shown


def readable_line(line: str) -> list[str]:
    """What one line of a log says to a person: itself, several lines, or nothing."""
    parts = parts_of(line)
    return [line] if parts is None else [text for part in parts for text in _lines(part)]


def _lines(part: Part) -> list[str]:
    """What tools answered and what an agent thinks stays in the log."""
    match part.kind:
        case Kind.TEXT:
            return part.text.splitlines()
        case Kind.TOOL:
            words = cut(" ".join(part.text.split()), _TOOL_INPUT_CELLS)
            return [f"[{part.tool}] {words}".rstrip()]
        case Kind.FAILED_ANSWER:
            return ["[agent] the tool failed"]
        case Kind.NOTE:
            return [f"[agent] {part.text}"]
        case _:
            return []


def on_terminal(text: str) -> str:
    """Outside text for a terminal: colour sequences stay, other control characters show."""
    if text.isprintable():
        return text
    parts = _COLOR.split(text)
    return "".join(
        part if place % 2 else visible(part, keep="\n\t") for place, part in enumerate(parts)
    )


def without_colors(text: str) -> str:
    """Outside text for a pipe: colour sequences dropped, other control characters show."""
    return text if text.isprintable() else visible(_COLOR.sub("", text), keep="\n\t")
