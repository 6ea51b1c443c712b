"""How one run of a command ended, and how a whole step did."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_SHOWN_LINES = 25


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
        """What is shown of a failure: the error, then stderr, or stdout if stderr is blank."""
        said = self.stderr.decode("utf-8", "replace").strip("\n")
        if not said.strip():
            said = self.output
        parts = [self.error] if self.error else []
        if said.strip():
            parts.append(_shortened(said))
        return "\n".join(parts)


def _shortened(text: str) -> str:
    lines = text.split("\n")
    if len(lines) <= 2 * _SHOWN_LINES:
        return text
    left_out = len(lines) - 2 * _SHOWN_LINES
    return "\n".join(
        [*lines[:_SHOWN_LINES], f"… {left_out} lines left out …", *lines[-_SHOWN_LINES:]]
    )


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
