"""Step logs as people read them: lines of an agent's stream become sentences, the rest stays."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from app.agent_messages import Kind, Part, parts_of
from app.format import cut, visible
from orchestrator.terminal_text import SEQUENCE, last_written

_TAIL_BLOCK = 64 * 1024
_MAX_BLOCKS = 64
_STANDS_LAST = 4096
"""Bytes: what stands last on a line with carriage returns is shorter."""
_TOOL_INPUT_CELLS = 100
_COLOR = re.compile("(\x1b\\[[0-9;:]*m)")


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log as people read them; a missing log has none."""
    shown: list[str] = []
    try:
        with path.open("rb") as file:
            for line in _lines_from_the_end(file):
                shown += reversed(readable_line(line.decode(errors="replace")))
                if len(shown) >= count:
                    break
    except OSError:
        return []
    return shown[:count][::-1]


def _lines_from_the_end(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a log, the last one first; at most the end of a very long log."""
    end = size = file.seek(0, os.SEEK_END)
    rest = b""
    for _ in range(_MAX_BLOCKS if size else 0):
        start = max(0, end - _TAIL_BLOCK)
        file.seek(start)
        block = file.read(end - start)
        if end == size:
            block = block.removesuffix(b"\n")
        first, *others = (block + rest).split(b"\n")
        yield from reversed(others)
        if start == 0:
            yield first
            return
        rest, end = _still_needed(first), start
    if rest.startswith(b"\r"):
        yield rest


def _still_needed(line: bytes) -> bytes:
    """Enough to know what stood last on a line whose beginning is not read yet."""
    last = line.rfind(b"\r", 0, -_STANDS_LAST)
    return line if last < 0 else line[last:]


def readable_line(line: str) -> list[str]:
    """What one line of a log says to a person: what stood last, several lines, or nothing."""
    parts = parts_of(line)
    if parts is None:
        return [_only_colored(last_written(line))]
    return [text for part in parts for text in _lines(part)]


def _only_colored(line: str) -> str:
    """The line without the sequences that are not its colours, such as those of the cursor."""
    if "\x1b" not in line:
        return line
    return SEQUENCE.sub(lambda found: found[0] if _COLOR.fullmatch(found[0]) else "", line)


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
