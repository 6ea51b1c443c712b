"""From a parsed session record to what lists show of it.

Written for speed: a list without an index does this for every record of the home.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from sys import intern
from typing import Any

from store import fields
from store.errors import Unreadable
from store.home import Home, is_name, repository_directory
from store.row import SessionRow
from store.states import State
from store.times import from_text

_ERROR_LENGTH = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNFINISHED = frozenset({"Initializing", "Running"})
_MERGE_OVER = frozenset({"merged", "failed"})
_NOTHING: dict[str, Any] = {}

RowValues = dict[str, Any]
"""Values of ``SessionRow`` by field, defaults left out; ``state`` is never among them."""


def check_record(document: Mapping[str, Any]) -> tuple[str, str, int]:
    """The three things a list cannot do without: status, session type, start in microseconds.

    Raises:
        Unreadable: one of them is missing.
    """
    status, kind = document.get("status"), document.get("session_type")
    if not isinstance(status, str):
        raise Unreadable("no status")
    if not isinstance(kind, str):
        raise Unreadable("no session_type")
    started_us = microseconds(document.get("started_at"))
    if started_us is None:
        raise Unreadable("no started_at that is a time")
    return status, kind, started_us


def record_values(document: Mapping[str, Any], run_id: str) -> RowValues:
    """What a session record says, as values of a row.

    ``worktree`` is the bare name of the worktree unless the record has its path.

    Args:
        document: the parsed record.
        run_id: stem of its file, which wins over the id inside.

    Raises:
        Unreadable: it lacks what a list needs.
    """
    status, kind, started_us = check_record(document)
    metadata = fields.table(document.get("metadata"))
    extension = fields.table(metadata.get("x_prodigy"))
    updated_us = microseconds(document.get("updated_at")) or started_us
    completed_us = microseconds(document.get("completed_at"))
    error = fields.optional_text(document.get("error"))
    values: RowValues = {
        "id": run_id,
        "status": status,
        "session_type": kind,
        "started_us": started_us,
        "updated_us": updated_us,
        "completed_us": completed_us,
        "error": error[:_ERROR_LENGTH] if error is not None else None,
        "merge_state": fields.optional_text(metadata.get("merge")),
        "archived": bool(extension.get("archived_at")),
        "tool": fields.text(extension.get("tool")),
        "checkpoint_seq": fields.whole(extension.get("checkpoint_seq")),
    }
    _add_workflow(values, document, metadata, extension)
    _add_progress(values, metadata, extension)
    attempts = extension.get("attempts")
    _add_time(values, extension, attempts if isinstance(attempts, list) else [])
    _add_ending(values, extension)
    _add_usage(values, extension.get("usage"))
    _add_problem(values, document, run_id)
    return {name: value for name, value in values.items() if value != _DEFAULTS.get(name)}


_DEFAULTS: dict[str, Any] = SessionRow._field_defaults


def row_from(values: RowValues, state: State) -> SessionRow:
    """The row of these values in this state."""
    for name in _OFTEN_THE_SAME:
        if name in values:
            values[name] = intern(values[name])
    return SessionRow(state=state, **values)


_OFTEN_THE_SAME = ("status", "session_type", "workflow", "workflow_path", "repo", "repo_path")


def with_worktree(home: Home, values: RowValues) -> RowValues:
    """The values with the whole path of the worktree instead of its name.

    Names that would lead out of the home stay what they are.
    """
    name, repo = values.get("worktree", ""), values.get("repo", "")
    if not is_name(name) or not is_name(repo):
        return values
    directory = f"{home.root}/worktrees/{repository_directory(repo)}"
    return {**values, "worktree": f"{directory}/{name}"}


def microseconds(value: object) -> int | None:
    """A timestamp as microseconds since the epoch, or None when it says nothing."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        try:
            moment = from_text(value)
        except ValueError:
            return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _add_workflow(
    values: RowValues,
    document: Mapping[str, Any],
    metadata: Mapping[str, Any],
    extension: Mapping[str, Any],
) -> None:
    own = document.get("workflow_data")
    workflow = own if isinstance(own, dict) else _NOTHING
    job = document.get("mapreduce_data")
    about = fields.table(extension.get("workflow"))
    repo = fields.table(extension.get("repo"))
    base = fields.table(extension.get("base"))
    text = fields.text
    values["workflow"] = text(workflow.get("workflow_name")) or text(about.get("name"))
    values["workflow_id"] = text(workflow.get("workflow_id")) or text(about.get("id"))
    values["workflow_path"] = text(about.get("path"))
    values["job_id"] = fields.optional_text(job.get("job_id")) if isinstance(job, dict) else None
    values["repo"] = text(repo.get("name")) or text(metadata.get("project_name"))
    values["repo_path"] = text(repo.get("path"))
    values["branch"] = text(extension.get("branch"))
    values["base_branch"] = fields.optional_text(base.get("branch"))
    values["base_commit"] = text(base.get("commit"))
    values["worktree"] = text(metadata.get("worktree_name")) or text(workflow.get("worktree_name"))
    values["files_changed"] = fields.whole(workflow.get("files_changed"))
    values["commits"] = fields.optional_whole(extension.get("commits"))
    values["step_index"] = fields.whole(
        workflow.get("current_step"), fields.whole(metadata.get("current_step"))
    )
    values["total_steps"] = fields.whole(workflow.get("total_steps")) or fields.whole(
        metadata.get("total_steps")
    )


def _add_progress(
    values: RowValues, metadata: Mapping[str, Any], extension: Mapping[str, Any]
) -> None:
    step = extension.get("step")
    if isinstance(step, dict):
        values["step_index"] = fields.whole(step.get("index"), values["step_index"])
        values["step_label"] = fields.text(step.get("label"))
        values["step_attempt"] = fields.whole(step.get("attempt"))
        values["step_started_us"] = microseconds(step.get("started_at"))
        values["step_log"] = fields.optional_text(step.get("log"))
    now_in = extension.get("pass")
    if isinstance(now_in, dict):
        values["pass_number"] = fields.whole(now_in.get("number"))
        values["iteration"] = fields.whole(now_in.get("iteration"), 1)
        values["input"] = fields.optional_text(now_in.get("input"))
    waiting = extension.get("waiting")
    if isinstance(waiting, dict):
        values["waiting_kind"] = fields.optional_text(waiting.get("kind"))
        values["waiting_reason"] = fields.optional_text(waiting.get("reason"))
        values["waiting_until_us"] = microseconds(waiting.get("until"))


def _add_time(values: RowValues, extension: Mapping[str, Any], attempts: list[Any]) -> None:
    updated_us: int = values["updated_us"]
    active = 0
    newest_start: int | None = None
    for attempt in attempts:
        if not isinstance(attempt, dict):
            continue
        start = microseconds(attempt.get("started_at"))
        end = microseconds(attempt.get("ended_at"))
        values["attempts"] = max(values.get("attempts", 0), fields.whole(attempt.get("n")))
        newest_start = start
        if attempt.get("outcome") == "failed":
            values["failed_us"] = end
        values["attempt_started_us"] = start if end is None else None
        if start is not None:
            active += max(0, (end if end is not None else updated_us) - start)
    if not attempts:
        active = max(0, (values["completed_us"] or updated_us) - values["started_us"])
    values["active_seconds"] = active / 1_000_000
    since = values["completed_us"]
    if values["status"] in _UNFINISHED:
        since = newest_start or values["started_us"]
    elif values["status"] == "Paused":
        since = microseconds(fields.table(extension.get("stop")).get("at"))
    elif values["status"] == "Completed" and values["merge_state"] in _MERGE_OVER:
        merged_us = microseconds(fields.table(extension.get("merge")).get("at"))
        since = max(filter(None, (since, merged_us)), default=None)
    values["state_since_us"] = since if since is not None else updated_us


def _add_ending(values: RowValues, extension: Mapping[str, Any]) -> None:
    failure = extension.get("failure")
    if isinstance(failure, dict):
        values["failure_exit_code"] = fields.signed(failure.get("exit_code"))
        values["failure_signal"] = fields.signed(failure.get("signal"))
        values["failure_timed_out"] = failure.get("timed_out") is True
        values["failure_reason"] = fields.text(failure.get("reason"))
        values["failure_label"] = fields.text(failure.get("label"))
        values["step_index"] = fields.whole(failure.get("step_index"), values["step_index"])
        values["step_label"] = values["failure_label"]
        values["step_log"] = fields.optional_text(failure.get("log"))
        values["step_attempt"] = fields.whole(failure.get("attempt"))
    stop = extension.get("stop")
    if isinstance(stop, dict):
        values["stop_kind"] = fields.optional_text(stop.get("kind"))
        values["stop_by"] = fields.optional_text(fields.table(stop.get("by")).get("user"))
        values["step_label"] = values.get("step_label") or fields.text(stop.get("label"))
    merge = extension.get("merge")
    if isinstance(merge, dict):
        values["merge_target"] = fields.optional_text(merge.get("target"))
        values["merge_commit"] = fields.optional_text(merge.get("commit"))
        values["merge_error"] = fields.optional_text(merge.get("error"))


def _add_usage(values: RowValues, usage: object) -> None:
    if isinstance(usage, dict):
        values["input_tokens"] = fields.whole(usage.get("input_tokens"))
        values["output_tokens"] = fields.whole(usage.get("output_tokens"))
        values["cost_usd"] = fields.number(usage.get("cost_usd"))
        values["calls"] = fields.whole(usage.get("calls"))


def _add_problem(values: RowValues, document: Mapping[str, Any], run_id: str) -> None:
    from store.transitions import read_only_reason  # lists from the index need none of it

    reason = read_only_reason(document)
    if reason is not None:
        values["newer_format"] = True
        values["problem"] = reason
    elif document.get("id") != run_id:
        values["problem"] = f"the record calls itself {str(document.get('id'))[:80]!r}"
