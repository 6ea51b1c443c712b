"""How a session goes from one status to another, and what each change sets and clears (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from store import fields
from store.errors import InvalidTransition, ReadOnly
from store.states import MergeState, SessionStatus, SessionType, StopKind
from store.times import later_than

ERROR_LIMIT_BYTES = 8 * 1024
ATTEMPTS_KEPT = 50
NO_DETAILS = "failed, no details recorded"

_S = SessionStatus
_ALLOWED: dict[SessionStatus, frozenset[SessionStatus]] = {
    _S.INITIALIZING: frozenset(_S),
    _S.RUNNING: frozenset({_S.RUNNING, _S.PAUSED, _S.COMPLETED, _S.FAILED, _S.CANCELLED}),
    _S.PAUSED: frozenset({_S.RUNNING, _S.PAUSED, _S.COMPLETED, _S.FAILED, _S.CANCELLED}),
    _S.FAILED: frozenset({_S.RUNNING, _S.FAILED, _S.CANCELLED}),
    _S.COMPLETED: frozenset({_S.COMPLETED}),
    _S.CANCELLED: frozenset({_S.CANCELLED}),
}
_OUTCOMES = {
    _S.PAUSED: "paused",
    _S.COMPLETED: "completed",
    _S.FAILED: "failed",
    _S.CANCELLED: "cancelled",
}


def may_become(before: SessionStatus, after: SessionStatus, *, reopen: bool = False) -> bool:
    """Whether a session may go from one status to the other; ``reopen`` runs a completed one."""
    return after in _ALLOWED[before] or (reopen and before is _S.COMPLETED and after is _S.RUNNING)


def transition(
    document: dict[str, Any],
    to: SessionStatus,
    *,
    now: datetime,
    error: str | None = None,
    stop: Mapping[str, Any] | None = None,
    failure: Mapping[str, Any] | None = None,
    attempt: Mapping[str, Any] | None = None,
    merge_pending: bool = False,
    exit_code: int | None = None,
    last_seen: str | None = None,
    reopen: bool = False,
) -> None:
    """Take a record to another status, in place.

    Args:
        document: the record.
        to: the status to reach; the present one only refreshes ``updated_at`` and ``error``.
        now: the present moment.
        error: why it failed, masked; cut at 8 KiB.
        stop: why it stopped (``kind``, ``by``, …); for Paused and Cancelled.
        failure: which step failed, and how; for Failed.
        attempt: fields of the attempt that begins (``kind``, ``pid``, ``host``, ``from_step``);
            for Running.
        merge_pending: whether its branch is ahead of its base; for Completed.
        exit_code: of the attempt that ends.
        last_seen: the last sign of life of an attempt that crashed, if it is later than the record.
        reopen: whether a completed session may run again.

    Raises:
        InvalidTransition: the statuses do not follow each other; the record is untouched.
        ReadOnly: the record is not ours to write; it is untouched.
    """
    check_writable(document)
    before = SessionStatus(document["status"])
    if not may_become(before, to, reopen=reopen):
        raise InvalidTransition(before, to)
    last_update = document.get("updated_at")
    at = later_than(fields.optional_text(last_update), now)
    document["updated_at"] = at
    if error:
        document["error"] = _cut(error, ERROR_LIMIT_BYTES)
    if before is to:
        return
    document["status"] = str(to)
    extension = extension_of(document)
    if to is _S.RUNNING:
        extension.pop("archived_at", None)  # nothing that runs is hidden
        _begin_attempt(document, extension, before, at, attempt or {})
        return
    if to is _S.INITIALIZING:
        return
    crashed = (stop or {}).get("kind") == StopKind.CRASH
    ended_at = (last_seen or last_update) if crashed else at
    outcome = "crashed" if crashed else _OUTCOMES[to]
    for key in ("step", "waiting"):
        extension.pop(key, None)
    if to is _S.PAUSED or to is _S.CANCELLED:
        default_kind = StopKind.PAUSE if to is _S.PAUSED else StopKind.CANCEL
        extension["stop"] = _stop(document, default_kind, at, stop or {})
    elif to is _S.COMPLETED:
        _complete(document, extension, merge_pending=merge_pending)
    else:
        document["error"] = document.get("error") or NO_DETAILS
        extension.pop("stop", None)
        if failure is not None:
            extension["failure"] = dict(failure)
    document["completed_at"] = None if to is _S.PAUSED else at
    if before in (_S.INITIALIZING, _S.RUNNING):
        _end_attempt(document, extension, outcome, ended_at, exit_code)


def check_writable(document: Mapping[str, Any]) -> None:
    """Refuse a record this version does not fully understand.

    Raises:
        ReadOnly: naming the field and the word.
    """
    reason = read_only_reason(document)
    if reason is not None:
        raise ReadOnly(reason, operation="write")


def extension_of(document: dict[str, Any]) -> dict[str, Any]:
    """The record's ``x_prodigy`` object for writing, made if it is missing."""
    metadata: dict[str, Any] = document.setdefault("metadata", {})
    extension: dict[str, Any] = metadata.setdefault("x_prodigy", {"format": fields.FORMAT})
    return extension


def read_only_reason(document: Mapping[str, Any]) -> str | None:
    """Why this version must not write a record, or None when it may."""
    status, kind = document.get("status"), document.get("session_type")
    if known_status(status) is None:
        return f"unknown status {str(status)[:40]!r}"
    if all(kind != known for known in SessionType):
        return f"unknown session_type {str(kind)[:40]!r}"
    metadata = document.get("metadata", {})
    if not isinstance(metadata, dict):
        return "its metadata is not an object"
    extension = metadata.get("x_prodigy", {})
    if not isinstance(extension, dict):
        return "its metadata.x_prodigy is not an object"
    newer = fields.newer_format(extension)
    return f"written by a newer version (format {newer})" if newer is not None else None


def known_status(word: object) -> SessionStatus | None:
    """The status a stored word means, or None for one unknown to this version."""
    return next((status for status in SessionStatus if status == word), None)


def _begin_attempt(
    document: dict[str, Any],
    extension: dict[str, Any],
    before: SessionStatus,
    at: str,
    given: Mapping[str, Any],
) -> None:
    attempts = _attempts(extension)
    if attempts and document.get("error") and not attempts[-1].get("error"):
        attempts[-1]["error"] = document["error"]
    first = before is _S.INITIALIZING
    entry = {
        "n": fields.whole(attempts[-1].get("n")) + 1 if attempts else 1,
        "kind": "run" if first else "resume",
        "started_at": document.get("started_at") if first else at,
        "ended_at": None,
        "from_step": _current_step(document),
        "outcome": None,
        "exit_code": None,
        "pid": None,
        "host": None,
        "error": None,
    }
    attempts.append(entry | dict(given))
    del attempts[:-ATTEMPTS_KEPT]
    document["completed_at"] = None
    document["error"] = None
    for key in ("stop", "failure"):
        extension.pop(key, None)
    if before is _S.COMPLETED:
        document["metadata"].pop("merge", None)
        extension.pop("merge", None)


def _end_attempt(
    document: dict[str, Any],
    extension: dict[str, Any],
    outcome: str,
    at: object,
    exit_code: int | None,
) -> None:
    attempts = _attempts(extension)
    if not attempts:  # it ended before it was running; its time and error are worth keeping
        begun = document.get("started_at")
        attempts.append({"n": 1, "kind": "run", "started_at": begun, "from_step": 0})
    last = attempts[-1]
    if last.get("outcome") is not None:
        return
    last["ended_at"] = at
    last["outcome"] = outcome
    last["exit_code"] = exit_code
    last["error"] = document.get("error") if outcome == "failed" else None


def _attempts(extension: dict[str, Any]) -> list[dict[str, Any]]:
    attempts = fields.rows(extension.get("attempts"))
    extension["attempts"] = attempts
    return attempts


def _stop(
    document: dict[str, Any], kind: StopKind, at: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    start = {"kind": str(kind), "at": at, "step_index": _current_step(document), "by": None}
    return start | dict(given)


def _complete(document: dict[str, Any], extension: dict[str, Any], *, merge_pending: bool) -> None:
    document["error"] = None
    for key in ("stop", "failure"):
        extension.pop(key, None)
    metadata = document["metadata"]
    workflow, job = document.get("workflow_data"), document.get("mapreduce_data")
    if isinstance(workflow, dict):
        total = fields.whole(workflow.get("total_steps"))
        workflow["current_step"] = total
        workflow["completed_steps"] = list(range(total))
        metadata["current_step"] = total
    elif isinstance(job, dict):
        job["phase"] = "Complete"
        metadata["current_step"] = fields.whole(metadata.get("total_steps"))
    if merge_pending:
        metadata["merge"] = str(MergeState.PENDING)


def _current_step(document: Mapping[str, Any]) -> int:
    workflow = fields.table(document.get("workflow_data"))
    shared = fields.whole(fields.table(document.get("metadata")).get("current_step"))
    return fields.whole(workflow.get("current_step"), shared)


def _cut(text: str, limit: int) -> str:
    data = text.encode(errors="replace")
    if len(data) <= limit:
        return text
    return data[: limit - len("…".encode())].decode(errors="ignore") + "…"
