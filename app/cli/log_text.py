"""Step logs as people read them: lines of an agent's stream become sentences, the rest stays."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from app.format import cost, cut, duration, visible

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
    if not line.startswith('{"') or '"type"' not in line:
        return [line]
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return [line]
    match message:
        case {"type": "assistant" | "user", "message": {"content": list(blocks)}}:
            return [text for block in blocks for text in _block(block)]
        case {"type": "system", "subtype": "init"}:
            return [f"[agent] {message.get('model', '')}".rstrip()]
        case {"type": "system", "subtype": "api_retry"}:
            return [f"[agent] the service asks to wait: {message.get('error', 'unknown')}"]
        case {"type": "result"}:
            return [_result(message)]
        case {"type": "system" | "stream_event" | "rate_limit_event"}:
            return []
    return [line]


def _block(block: Any) -> list[str]:
    match block:
        case {"type": "text", "text": str(text)}:
            return text.splitlines()
        case {"type": "tool_use", "name": str(name)}:
            given = block.get("input")
            words = given.values() if isinstance(given, dict) else []
            first = next((word for word in words if isinstance(word, str)), "")
            return [f"[{name}] {cut(' '.join(first.split()), _TOOL_INPUT_CELLS)}".rstrip()]
        case {"type": "tool_result", "is_error": True}:
            return ["[agent] the tool failed"]
    return []


def _result(message: dict[str, Any]) -> str:
    ended = "failed" if message.get("is_error") else "done"
    facts = [f"[agent] {ended}"]
    if isinstance(milliseconds := message.get("duration_ms"), int | float):
        facts.append(duration(milliseconds / 1000, finished=True))
    if isinstance(dollars := message.get("total_cost_usd"), int | float):
        facts.append(cost(float(dollars)))
    if message.get("is_error") and isinstance(text := message.get("result"), str):
        facts.append(text)
    return ", ".join(facts)


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
