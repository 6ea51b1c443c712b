"""Reading what the Claude program prints as it works, one JSON object a line, and how it ended.

Lines and fields come and go with its versions: what is unknown is passed over, text that is not
JSON is somebody's message, and neither is an error.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from orchestrator.outcomes import Usage, UsageLimit

_TOO_MANY_REQUESTS = 429
_ENDINGS = {
    "error_max_turns": "it reached the most turns it may take",
    "error_max_budget_usd": "it reached the most it may cost",
    "error_during_execution": "it broke off while it worked",
}
"""What ``subtype`` says of a conversation without a final text."""
_EPOCH_RESET = re.compile(r"\|(\d{10})\b")
_CLOCK_RESET = re.compile(
    r"\bresets?\s+(?:at\s+)?(\d{1,2})(?::(\d\d))?\s*(am|pm)?(?:\s*\(([\w/+-]+)\))?", re.I
)


@dataclass(frozen=True, slots=True)
class AgentStarted:
    conversation: str
    model: str
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgentSaid:
    text: str


@dataclass(frozen=True, slots=True)
class AgentUsedTool:
    name: str
    tool_id: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AgentWaits:
    """The program waits before it asks its API again; by itself this is no failure."""

    attempt: int
    max_attempts: int
    delay_seconds: float
    status: int | None
    error: str


@dataclass(frozen=True, slots=True)
class AgentGoesOn:
    """The wait is over."""


AgentEvent = AgentStarted | AgentSaid | AgentUsedTool | AgentWaits | AgentGoesOn


@dataclass(frozen=True, slots=True)
class ClaudeOutcome:
    """How a conversation ended. ``error`` None means that it succeeded."""

    result: str
    error: str | None
    usage: Usage
    usage_limit: UsageLimit | None = None


class StreamReader:
    """Takes the lines of one conversation.

    Args:
        on_event: told of everything worth showing, in order.
    """

    def __init__(self, on_event: Callable[[AgentEvent], None] | None = None) -> None:
        self._tell = on_event or (lambda _event: None)
        self._result: Mapping[str, Any] | None = None
        self._wait: AgentWaits | None = None
        self._is_waiting = False
        self._resets_at: float | None = None
        self._last_text = ""
        self._by_message: dict[str, Usage] = {}

    def line(self, line: bytes) -> None:
        """Take the next line of stdout."""
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            text = line.decode("utf-8", "replace").strip()
            if text:
                self._last_text = text
            return
        if not isinstance(entry, dict):
            return
        kind, subtype = entry.get("type"), entry.get("subtype")
        if kind == "system" and subtype == "api_retry":
            self._retries(entry)
            return
        if self._is_waiting:
            self._is_waiting = False
            self._tell(AgentGoesOn())
        if kind == "system" and subtype == "init":
            tools = tuple(str(tool) for tool in _list(entry.get("tools")))
            self._tell(
                AgentStarted(_text(entry.get("session_id")), _text(entry.get("model")), tools)
            )
        elif kind == "assistant":
            self._assistant(_map(entry.get("message")))
        elif kind == "rate_limit_event":
            reset = _map(entry.get("rate_limit_info")).get("resetsAt")
            self._resets_at = float(_count(reset)) or None
        elif kind == "result":
            self._result = entry

    def outcome(self, exit_code: int, stderr: bytes, now: datetime) -> ClaudeOutcome:
        """How it ended.

        Args:
            exit_code: of the program.
            stderr: what it printed there.
            now: the present moment, aware; limits reset after it.
        """
        result = self._result
        text = _text(result.get("result")) if result is not None else ""
        reason = text or _reason(result or {})
        said = text or stderr.decode("utf-8", "replace").strip() or self._last_text
        if result is None:
            error = f"the Claude program ended without a result (exit code {exit_code})"
            error = f"{error}: {said}" if said else error
        elif result.get("is_error") is True:
            error = reason or said or "the conversation ended with an error"
        elif exit_code != 0:
            error = _reason(result) or f"the Claude program ended with exit code {exit_code}"
        else:
            return ClaudeOutcome(text, None, self._usage())
        limit = None
        if self._was_limited():
            limit = UsageLimit(said or error, self._reset_time(f"{error}\n{said}", now))
        return ClaudeOutcome(text, error, self._usage(), limit)

    def _retries(self, entry: Mapping[str, Any]) -> None:
        status = entry.get("error_status")
        self._wait = AgentWaits(
            attempt=_count(entry.get("attempt")),
            max_attempts=_count(entry.get("max_retries")),
            delay_seconds=_count(entry.get("retry_delay_ms")) / 1000,
            status=status if isinstance(status, int) else None,
            error=_text(entry.get("error")),
        )
        self._is_waiting = True
        self._tell(self._wait)

    def _assistant(self, message: Mapping[str, Any]) -> None:
        if isinstance(message.get("usage"), dict):
            # every block of a message repeats its usage
            self._by_message[_text(message.get("id"))] = _tokens(message["usage"], None)
        for block in map(_map, _list(message.get("content"))):
            if block.get("type") == "text" and _text(block.get("text")):
                self._last_text = _text(block.get("text"))
                self._tell(AgentSaid(self._last_text))
            elif block.get("type") == "tool_use":
                self._tell(
                    AgentUsedTool(
                        _text(block.get("name")), _text(block.get("id")), _map(block.get("input"))
                    )
                )

    def _usage(self) -> Usage:
        if self._result is not None and isinstance(self._result.get("usage"), dict):
            return _tokens(self._result["usage"], self._result.get("total_cost_usd"))
        total = Usage(calls=1)
        for usage in self._by_message.values():
            total = total.plus(usage)
        return Usage(
            total.input_tokens,
            total.output_tokens,
            total.cache_read_tokens,
            total.cache_creation_tokens,
            calls=1,
        )

    def _was_limited(self) -> bool:
        if self._result is not None and self._result.get("api_error_status") is not None:
            return bool(self._result["api_error_status"] == _TOO_MANY_REQUESTS)
        return self._wait is not None and self._wait.status == _TOO_MANY_REQUESTS

    def _reset_time(self, text: str, now: datetime) -> float | None:
        stamp = _EPOCH_RESET.search(text)
        if stamp is not None:
            return float(stamp[1])
        if self._resets_at is not None:
            return self._resets_at
        return _next_clock_time(text, now)


def _reason(result: Mapping[str, Any]) -> str:
    """Why a conversation has no final text: its errors, or its subtype in words."""
    errors = [text.strip() for text in map(_text, _list(result.get("errors"))) if text.strip()]
    subtype = _text(result.get("subtype"))
    if errors or subtype in ("", "success"):
        return "\n".join(errors)
    return f"{_ENDINGS.get(subtype, 'the conversation ended with an error')} ({subtype})"


def _next_clock_time(text: str, now: datetime) -> float | None:
    """The next moment a clock shows the time a text says a limit resets at, such as ``3pm``."""
    found = _CLOCK_RESET.search(text)
    if found is None or (found[2] is None and found[3] is None):
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[3] is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[3].lower() == "pm" else 0)
    try:
        here = now.astimezone(ZoneInfo(found[4]) if found[4] else None)
        moment = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    except (ValueError, KeyError, OSError):
        return None
    return (moment if moment > here else moment + timedelta(days=1)).timestamp()


def _tokens(usage: Mapping[str, Any], cost: object) -> Usage:
    return Usage(
        input_tokens=_count(usage.get("input_tokens")),
        output_tokens=_count(usage.get("output_tokens")),
        cache_read_tokens=_count(usage.get("cache_read_input_tokens")),
        cache_creation_tokens=_count(usage.get("cache_creation_input_tokens")),
        cost_usd=float(cost) if isinstance(cost, int | float) else None,
        calls=1,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else 0


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
