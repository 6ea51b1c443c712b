"""How one run of a command ended, and how a whole step did."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate
from typing import Any

from orchestrator.terminal_text import plain

_SHOWN_LINES = 25
_BEGINNING_CHARACTERS, _END_CHARACTERS = 1000, 5000
"""Of a longer text; records keep 8 KiB of a failure, and its last lines say most."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and cost of a run of an agent; ``cost_usd`` None when it has no price."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    cost_usd: float | None = None
    calls: int = 0

    def plus(self, other: Usage) -> Usage:
        """The sum; unknown costs leave the known ones standing."""
        costs = [cost for cost in (self.cost_usd, other.cost_usd) if cost is not None]
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_creation_tokens + other.cache_creation_tokens,
            sum(costs) if costs else None,
            self.calls + other.calls,
        )

    def document(self) -> dict[str, object]:
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_creation_tokens": self.cache_creation_tokens,
            "cost_usd": self.cost_usd,
            "calls": self.calls,
        }


def added_to(totals: Mapping[str, object], usage: Usage) -> dict[str, object]:
    """The totals of a run, as its checkpoint keeps them, with what was used since."""
    known: dict[str, Any] = {k: v for k, v in totals.items() if k in Usage.__slots__}
    return {**totals, **Usage(**known).plus(usage).document()}


class UsageTally:
    """Adds up what agents use, from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.total = Usage()

    def add(self, usage: Usage) -> None:
        with self._guard:
            self.total = self.total.plus(usage)


@dataclass(frozen=True, slots=True)
class UsageLimit:
    """An agent's limit was reached; ``resets_at`` is seconds since the epoch when it said so."""

    message: str
    resets_at: float | None = None


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """One run of a command of any kind. Output is raw bytes; ``error`` explains without a process.

    ``result`` is the result text where it is not stdout; ``tolerated_exit`` marks an exit code that
    is data (a boolean capture), not a failure.
    """

    exit_code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    combined: bytes = b""
    duration_seconds: float = 0.0
    signal: int | None = None
    timed_out: bool = False
    error: str | None = None
    result: str | None = None
    tolerated_exit: bool = False
    log: str | None = None
    log_bytes: int = 0
    truncated: bool = False
    usage_limit: UsageLimit | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    """What the command wrote to ``$PRODIGY_OUTPUT``."""

    @property
    def succeeded(self) -> bool:
        return self.error is None and (self.exit_code == 0 or self.tolerated_exit)

    @property
    def captured(self) -> bytes:
        """What a capture of stdout gets: the result text where there is one."""
        if self.result is not None:
            return self.result.encode("utf-8", "replace")
        return self.stdout

    @property
    def output(self) -> str:
        """The result text, without trailing newlines."""
        return self.captured.decode("utf-8", "replace").rstrip("\n")

    @property
    def everything(self) -> str:
        """stdout and stderr in order of arrival, or the result text where there is no process."""
        text = self.combined.decode("utf-8", "replace").rstrip("\n")
        return text or self.output

    def failure_text(self) -> str:
        """What is shown of a failure: the error, then stderr, or stdout if stderr is blank.

        Nothing is said twice, and lines are as they stood last on a terminal.
        """
        error = plain(self.error or "").strip("\n")
        said = plain(self.stderr.decode("utf-8", "replace")).strip("\n")
        if not said.strip():
            said = plain(self.output).strip("\n")
        parts = [error] if _says(error, said) else [error, said]
        return "\n".join(_shortened(part) for part in parts if part.strip())


def _says(error: str, said: str) -> bool:
    """Whether the error is this text, or ends with it, as in ``it failed: TEXT``."""
    said = said.strip()
    return any(f"{before}{said}\n" in f"\n{error}\n" for before in ("\n", ": "))


def _shortened(text: str) -> str:
    """The first and last lines of a long text, whole: secrets in them are masked later."""
    lines = text.split("\n")
    if len(lines) <= 2 * _SHOWN_LINES and len(text) <= _BEGINNING_CHARACTERS + _END_CHARACTERS:
        return text
    first = _fitting(lines[:_SHOWN_LINES], _BEGINNING_CHARACTERS)
    rest = lines[len(first) :]
    last = _fitting(rest[: -_SHOWN_LINES - 1 : -1], _END_CHARACTERS)[::-1] or rest[-1:]
    left_out = len(rest) - len(last)
    between = [f"… {left_out} lines left out …"] if left_out else []
    return "\n".join([*first, *between, *last])


def _fitting(lines: list[str], characters: int) -> list[str]:
    """As many of the lines, from the first one on, as there is room for."""
    sizes = accumulate(len(line) + 1 for line in lines)
    return [line for line, size in zip(lines, sizes, strict=True) if size <= characters]


class StepEnd(StrEnum):
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    TOLERATED = "tolerated"
    """The command failed and the workflow goes on all the same."""
    FAILED = "failed"


@dataclass(slots=True)
class StepOutcome:
    """How a step ended, with everything its record needs."""

    end: StepEnd
    exit_code: int = 0
    message: str = ""
    signal: int | None = None
    timed_out: bool = False
    reason: str = ""
    """Why it failed although its command ended well, in one line."""
    skipped_because: str | None = None
    output: str = ""
    everything: str = ""
    duration_seconds: float = 0.0
    attempt: int = 0
    log: str | None = None
    log_bytes: int = 0
    usage: Usage = field(default_factory=Usage)
    captured: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return self.end is StepEnd.FAILED
