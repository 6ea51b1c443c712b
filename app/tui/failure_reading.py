"""What the logs say about a failure: whether every attempt met the same error (may block)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from app import format as form
from app.tui import log_text
from app.tui.details import SessionDetail, Span, SpanKind, StepView
from app.tui.log_file import read_tail
from store.states import State

LOOKED_AT = 400
"""So many last lines of a log are looked at."""
_MOST_ATTEMPTS = 20
_VARIES = re.compile(r"0x[0-9a-fA-F]+|\d+")
"""Numbers, addresses and times differ between two runs that fail alike."""
_SAID_ALREADY = re.compile(r"Step '.*' failed with exit code -?\d+\Z", re.DOTALL)


_TOLD = (State.UNREADABLE, State.NO_RECORD)
"""Of these the sentence says what is wrong."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found in the logs of the failed step."""

    alike: str = ""
    """``the same error``, ``different errors``; empty when that cannot be told."""
    message: str = ""
    """What the record says of the error and the output does not."""


def read_evidence(detail: SessionDetail, step: StepView | None) -> Evidence:
    """Look into the logs of the failed step."""
    return Evidence(_alike(step), _message(detail, step))


def attempts(step: StepView) -> list[Span]:
    """The runs of its command."""
    return [span for span in step.spans if span.kind is SpanKind.ATTEMPT]


def _alike(step: StepView | None) -> str:
    failed = [span for span in attempts(step) if span.failed] if step is not None else []
    if len(failed) < 2:
        return ""
    found = [_signature(span.log) for span in failed[-_MOST_ATTEMPTS:]]
    if not all(found):
        return ""
    kinds = len(set(found))
    if kinds == 1:
        return "the same error"
    return "different errors" if kinds == len(found) else f"{kinds} different errors"


def _signature(log: Path | None) -> str:
    """The lines that say what went wrong, else the last one, without what varies."""
    texts = _texts(log)
    marked = [text for text in texts if log_text.is_error(text)]
    said = marked or [text for text in texts if text.strip()][-1:]
    return "\n".join(_VARIES.sub("#", text.strip()) for text in said)


def _message(detail: SessionDetail, step: StepView | None) -> str:
    """The error of the record without what the sentence and the output show anyway."""
    row = detail.row
    error = row.error or ("" if row.state in _TOLD else row.problem or "")
    first, _, rest = error.partition("\n")
    if _SAID_ALREADY.match(error) or _SAID_ALREADY.match(first):
        error = rest
    if step is None:
        return form.one_line(error)
    known = {text.strip() for text in _texts(step.log)} | {step.outcome, ""}
    lines = (form.visible(line.strip()) for line in error.split("\n"))
    said = dict.fromkeys(line for line in lines if line not in known and not _is_ending(line))
    return " / ".join(said)


def _is_ending(line: str) -> bool:
    """Whether it only tells how the command ended, as the sentence does."""
    return line.startswith(("exit ", "timeout", "signal ", "Command timed out"))


def _texts(log: Path | None) -> list[str]:
    tail = read_tail(log, LOOKED_AT) if log is not None else None
    return [log_text.shown(line) for line in tail.lines] if tail is not None else []
