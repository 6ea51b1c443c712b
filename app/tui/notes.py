"""The NOTE column: the one fact that matters now, beginning with the word that matters most."""

from __future__ import annotations

from app.format import UNKNOWN, clock, count, duration, moment_from_microseconds, one_line, short_id
from store.row import SessionRow
from store.states import State, StopKind

_SECOND_US = 1_000_000
_SIGNAL_STOPS = {
    StopKind.SIGINT: "Ctrl-C",
    StopKind.SIGTERM: "SIGTERM",
    StopKind.SIGHUP: "terminal closed",
}
_OTHER_STOPS = {
    StopKind.CHECKPOINT_FAILED: "checkpoint could not be written",
    StopKind.USAGE_LIMIT: "usage limit",
    StopKind.INTERNAL_ERROR: "internal error",
    StopKind.CRASH: "process gone",
}
_RUNS_AGAIN = frozenset(
    {StopKind.SIGINT, StopKind.SIGTERM, StopKind.SIGHUP, StopKind.PAUSE_NOW, StopKind.CRASH}
)


def short_label(label: str) -> str:
    """A step's label as people say it: ``pytest -q``, ``claude /fix-issue``."""
    text = one_line(label)
    if text.startswith("shell: "):
        return text[7:]
    kind, colon, rest = text.partition(": ")
    return f"{kind} {rest}" if colon and kind in ("claude", "foreach", "write_file") else text


def note(row: SessionRow, now_us: int, *, output_us: int | None = None, silent: str = "") -> str:
    """What the NOTE column says about a session.

    Args:
        row: the session, in the state it is shown in.
        now_us: the present, microseconds since the epoch.
        output_us: when its step's log last grew, if known.
        silent: what is known about an owner that does not answer a request.
    """
    if silent and row.state in (State.PAUSING, State.CANCELLING):
        return silent
    if row.newer_format:
        by = row.tool.split(" ")[-1] or "a newer version"
        return f"written by {by} · shown as far as known"
    return _NOTES.get(row.state, _nothing)(row, now_us, output_us)


def _joined(*facts: str | None) -> str:
    return " · ".join(fact for fact in facts if fact)


def _step(row: SessionRow) -> str:
    return f"step {row.step_index + 1}"


def _what(row: SessionRow) -> str:
    label = row.failure_label or row.step_label
    return short_label(label) if label else _step(row)


def _nothing(_row: SessionRow, _now: int, _output: int | None) -> str:
    return ""


def _attempt(row: SessionRow) -> str | None:
    """Of the step at hand; in a later pass a row cannot tell, for logs count on over passes."""
    is_known = row.step_attempt > 1 and row.pass_number == 0
    return f"attempt {row.step_attempt}" if is_known else None


def _failed(row: SessionRow, _now: int, _output: int | None) -> str:
    if how := row.how_it_failed:
        return _joined(one_line(how), _what(row), _attempt(row))
    return one_line(row.error or "") or f"no details recorded · {_step(row)}"


def _merge_failed(row: SessionRow, _now: int, _output: int | None) -> str:
    return one_line(row.merge_error or "") or f"not merged into {row.merge_target or 'its target'}"


def _problem(row: SessionRow, _now: int, _output: int | None) -> str:
    return one_line(row.problem or "") or "no session record"


def _interrupted(row: SessionRow, _now: int, _output: int | None) -> str:
    if row.problem:
        return _joined(f"process gone in {_step(row)}", one_line(row.problem))
    return f"process gone in {_step(row)} · resumable"


def _stalled(row: SessionRow, now_us: int, output_us: int | None) -> str:
    since = output_us or row.step_started_us or row.updated_us
    silence = duration(max(0, now_us - since) // _SECOND_US).split(" ")[0]
    return _joined(f"silent {silence}", f"{_step(row)} {short_label(row.step_label)}".rstrip())


def _unknown(row: SessionRow, _now: int, _output: int | None) -> str:
    if row.owner_host:
        return f"owner on {one_line(row.owner_host)} · cannot check from here"
    return one_line(row.live_reason or "") or "owner cannot be checked"


def _waiting(row: SessionRow, now_us: int, _output: int | None) -> str:
    reason = one_line(row.waiting_reason or "")
    if row.waiting_until_us is None:
        return _joined(reason or "waiting", _running(row, now_us, None))
    until, now = (
        moment_from_microseconds(row.waiting_until_us),
        moment_from_microseconds(now_us),
    )
    left = (row.waiting_until_us - now_us) // _SECOND_US
    at = clock(until, now) if until and now else UNKNOWN
    return _joined(f"until {at}", reason, f"in {duration(left)}" if left > 0 else None)


def _running(row: SessionRow, _now: int, _output: int | None) -> str:
    if not row.step_label:
        return "between two steps" if row.total_steps else ""
    return _joined(f"{row.step_index + 1} {short_label(row.step_label)}", _attempt(row))


def _starting(row: SessionRow, _now: int, _output: int | None) -> str:
    return "making its worktree"


def _pausing(row: SessionRow, _now: int, _output: int | None) -> str:
    return f"stops after {row.step_index + 1} {short_label(row.step_label)}".rstrip()


def _cancelling(row: SessionRow, _now: int, _output: int | None) -> str:
    return f"stops in {_step(row)}"


def _merging(row: SessionRow, _now: int, _output: int | None) -> str:
    return f"into {one_line(row.merge_target or row.base_branch or 'its target')}"


def _resuming(row: SessionRow, _now: int, _output: int | None) -> str:
    return f"from {_step(row)}"


def _paused(row: SessionRow, _now: int, _output: int | None) -> str:
    kind = row.stop_kind
    if kind == StopKind.PAUSE:
        by = f"by {one_line(row.stop_by)} " if row.stop_by else ""
        return f"{by}after step {row.step_index}" if row.step_index else f"{by}before step 1"
    if kind == StopKind.PAUSE_NOW:
        by = f"by {one_line(row.stop_by)} " if row.stop_by else ""
        return f"{by}in {_step(row)} · runs again"
    name = next(
        (text for known, text in {**_SIGNAL_STOPS, **_OTHER_STOPS}.items() if known == kind), None
    )
    if name is None:
        return f"before {_step(row)}"
    return _joined(f"{name} in {_step(row)}", "runs again" if kind in _RUNS_AGAIN else None)


def _unmerged(row: SessionRow, _now: int, _output: int | None) -> str:
    target = one_line(row.merge_target or row.base_branch or "")
    aim = f" for {target}" if target else ""
    made = [count(row.commits, "commit")] if row.commits else []
    if row.files_changed:
        made.append(count(row.files_changed, "file"))
    declined = "merge declined" if row.merge_state == "declined" else None
    return _joined(f"{', '.join(made) or 'commits'}{aim}", declined)


def _merged(row: SessionRow, _now: int, _output: int | None) -> str:
    target = one_line(row.merge_target or row.base_branch or "its target")
    at = f" at {row.merge_commit[:7]}" if row.merge_commit else ""
    return f"into {target}{at}"


def _completed(_row: SessionRow, _now: int, _output: int | None) -> str:
    return "nothing to merge"


def _cancelled(row: SessionRow, _now: int, _output: int | None) -> str:
    by = f"by {one_line(row.stop_by)} " if row.stop_by else ""
    return f"{by}in {_step(row)}"


_NOTES = {
    State.FAILED: _failed,
    State.MERGE_FAILED: _merge_failed,
    State.UNREADABLE: _problem,
    State.NO_RECORD: _problem,
    State.INTERRUPTED: _interrupted,
    State.STALLED: _stalled,
    State.UNKNOWN: _unknown,
    State.NEEDS_ANSWER: _waiting,
    State.WAITING: _waiting,
    State.RUNNING: _running,
    State.STARTING: _starting,
    State.PAUSING: _pausing,
    State.CANCELLING: _cancelling,
    State.MERGING: _merging,
    State.RESUMING: _resuming,
    State.PAUSED: _paused,
    State.UNMERGED: _unmerged,
    State.MERGED: _merged,
    State.COMPLETED: _completed,
    State.CANCELLED: _cancelled,
}


def name_of(row: SessionRow) -> str:
    """What people call a session: its workflow, or its id when that is not known."""
    return one_line(row.workflow) if row.workflow else short_id(row.id)
