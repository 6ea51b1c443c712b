"""What the messages of an agent say: one line of its ``stream-json`` output as parts of a talk."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from app.format import cost, duration

BEGINNING = '{"'
"""How a message of an agent begins. Cut, it would be no JSON any more and could not be read."""
_BEGINS_A_MESSAGE = re.compile(
    r'\{"type": ?"(?:(?:assistant|user)", ?"message": ?\{|(?:result|system)", ?"subtype": ?")'
)
_TEXT = re.compile(r'"(?:text|thinking|content|result)": ?"((?:[^"\\]|\\.)*)(?:"|\\?$)')


class Kind(Enum):
    """What a part of a message is."""

    TEXT = auto()
    """What the agent says, or is told."""
    THOUGHT = auto()
    TOOL = auto()
    """A tool it uses, and on what."""
    ANSWER = auto()
    """What a tool answered."""
    FAILED_ANSWER = auto()
    NOTE = auto()
    """What became of the agent: it began, waits, is done."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message; the text of one may have several lines."""

    kind: Kind
    text: str
    tool: str = ""
    """The tool's name, of a tool that is used."""


def parts_of(line: str) -> list[Part] | None:
    """What one line of a log says; None when it is no message of an agent, but text."""
    if not line.startswith(BEGINNING) or '"type"' not in line:
        return None
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return [_broken(line)] if _BEGINS_A_MESSAGE.match(line) else None
    match message:
        case {"type": "assistant" | "user", "message": {"content": content}}:
            blocks = content if isinstance(content, list) else [content]
            return [part for block in blocks for part in _parts(block)]
        case {"type": "system", "subtype": "init"}:
            return [Part(Kind.NOTE, f"started, {message.get('model') or 'model not named'}")]
        case {"type": "system", "subtype": "api_retry"}:
            return [Part(Kind.NOTE, _asked_to_wait(message))]
        case {"type": "result", "is_error": bool()} | {"type": "result", "subtype": str()}:
            return [Part(Kind.NOTE, _result(message))]
        case {"type": str(), "session_id": str()}:
            return []  # for programs
    return None


def _broken(line: str) -> Part:
    """What is left of a message that was cut off: the agent was killed, or it is very long."""
    told = _TEXT.findall(line)
    try:
        text = json.loads(f'"{told[-1]}"') if told else ""
    except ValueError:
        text = told[-1]
    return Part(Kind.TEXT, f"{text.rstrip()} (message not whole)".lstrip())


def _parts(block: Any) -> Iterator[Part]:
    match block:
        case str(text) | {"type": "text", "text": str(text)}:
            yield Part(Kind.TEXT, text)
        case {"type": "thinking", "thinking": str(text)}:
            yield Part(Kind.THOUGHT, text)
        case {"type": "tool_use", "name": str(name)}:
            given = block.get("input")
            words = given.values() if isinstance(given, dict) else ()
            yield Part(Kind.TOOL, next((word for word in words if isinstance(word, str)), ""), name)
        case {"type": "tool_result"}:
            failed = block.get("is_error") is True
            yield Part(Kind.FAILED_ANSWER if failed else Kind.ANSWER, _text(block.get("content")))
        case {"type": str(name)}:
            yield Part(Kind.TEXT, f"[{name}]")


def _text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(part.text for block in content for part in _parts(block))
    return content if isinstance(content, str) else ""


def _asked_to_wait(message: dict[str, Any]) -> str:
    words = f"the service asks to wait: {message.get('error') or 'unknown'}"
    attempt, most = message.get("attempt"), message.get("max_retries")
    return f"{words}, attempt {attempt} of {most}" if attempt and most else words


def _result(message: dict[str, Any]) -> str:
    failed = message.get("is_error") is True
    facts = ["failed" if failed else "done"]
    if isinstance(milliseconds := message.get("duration_ms"), int | float):
        facts.append(duration(milliseconds / 1000, finished=True))
    if isinstance(dollars := message.get("total_cost_usd"), int | float):
        facts.append(cost(float(dollars)))
    if failed and (reason := _reason(message)):
        facts.append(reason)
    return ", ".join(facts)


def _reason(message: dict[str, Any]) -> str:
    """Why it failed: its final text, else its errors and what kind of ending that was."""
    match message:
        case {"result": str(text)} if text.strip():
            return text
        case {"errors": [*errors]}:
            told = " / ".join(error.strip() for error in errors if isinstance(error, str))
        case _:
            told = ""
    kind = message.get("subtype")
    named = isinstance(kind, str) and kind != "success"
    return ": ".join(filter(None, (kind if named else "", told)))
