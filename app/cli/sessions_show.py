"""``prodigy sessions show``: one session in full — facts, steps, attempts, what to do next."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from app.cli.command import argument, command, flag, option
from app.cli.invocation import Invocation
from app.cli.log_text import last_lines, without_colors
from app.cli.places import tilde
from app.cli.runs import resolve_run, row_of
from app.cli.session_object import (
    active_seconds,
    next_command,
    not_resumable_reason,
    session_object,
    step_number,
)
from app.cli.session_report import report_text
from app.cli.session_steps import StepFacts, checkpoint_of, record_of, steps_of
from app.format import (
    ago,
    clock,
    cost,
    count,
    duration,
    moment_from_microseconds,
    one_line,
    tokens,
)
from app.status_style import STEP_STYLES, StepSign, style_of
from store.checkpoint import WorkflowCheckpoint
from store.row import SessionRow
from store.states import State
from store.times import from_text, utc_now

_FAILURE_LINES = 50


@command(
    "show",
    help="Show one session in full: its steps, worktree, checkpoint, merge, and what is next.",
    examples=("prodigy sessions show 7c1e", "prodigy sessions show latest-failed --failure"),
)
@argument("run_id", metavar="ID")
@flag("--failure", help="What failed and the last 50 lines of its output.")
@flag("--variables", help="The variables, masked.")
@option("--report", type=click.Choice(["md", "json", "csv"]), metavar="F", help="md, json or csv.")
def sessions_show(
    invocation: Invocation, *, run_id: str, failure: bool, variables: bool, report: str | None
) -> None:
    row = row_of(invocation, resolve_run(invocation, run_id))
    checkpoint = checkpoint_of(invocation.home, row.id)
    steps = steps_of(invocation.home, row, checkpoint)
    out = invocation.out
    if out.settings.json or report == "json":
        out.json(_document(invocation, row, checkpoint, steps, failure, variables))
    elif report is not None:
        out.raw(report_text(row, steps, form=report))
    elif variables:
        _tell_variables(invocation, checkpoint)
    elif failure:
        _tell_failure(invocation, row, steps)
    else:
        _tell(invocation, row, checkpoint, steps)


def _document(
    invocation: Invocation,
    row: SessionRow,
    checkpoint: WorkflowCheckpoint | None,
    steps: list[StepFacts],
    failure: bool,
    variables: bool,
) -> dict[str, object]:
    document = session_object(row)
    record = record_of(invocation.home, row.id)
    document["steps"] = [step.document() for step in steps]
    document["attempts"] = record.attempts if record is not None else []
    document["timings"] = record.timings if record is not None else {}
    document["checkpoint"] = None
    if checkpoint is not None:
        document["checkpoint"] = {
            "seq": checkpoint.seq,
            "kind": str(checkpoint.kind),
            "status": str(checkpoint.status),
            "step_index": checkpoint.index,
            "timestamp": checkpoint.timestamp or None,
        }
    if variables:
        document["variables"] = checkpoint.variables if checkpoint is not None else {}
    if failure:
        failed = _failed_step(row, steps)
        log = failed.log if failed is not None else None
        lines = last_lines(Path(log), _FAILURE_LINES) if log is not None else []
        document["failure"] = {"step": failed.document() if failed else None, "output": lines}
    return document


def _tell(
    invocation: Invocation,
    row: SessionRow,
    checkpoint: WorkflowCheckpoint | None,
    steps: list[StepFacts],
) -> None:
    now = utc_now()
    out = invocation.out
    status = out.status(style_of(row.state))
    reason = not_resumable_reason(row)
    since = _when(row.state_since_us, now)
    usage = f"{tokens(row.input_tokens, row.output_tokens)}  {cost(row.cost_usd)}"
    merge = " ".join(part for part in (row.merge_state, f"into {row.merge_target}"
                     if row.merge_target else "", row.merge_error or "") if part)  # fmt: skip
    facts: list[list[tuple[str, str]]] = [
        [
            ("session", row.id),
            ("state", out.paint(status.text, status.role, bold=status.bold)),
            ("since", since),
            ("error", row.error or row.problem or ""),
            ("workflow", " ".join(filter(None, (row.workflow, tilde(row.workflow_path))))),
            ("input", row.input or ""),
            ("step", f"{step_number(row)}/{row.total_steps}" if row.total_steps else ""),
        ],
        [
            ("repository", " ".join(filter(None, (row.repo, tilde(row.repo_path))))),
            ("branch", row.branch),
            ("base", " at ".join(filter(None, (row.base_branch, row.base_commit[:7])))),
            ("worktree", _worktree(row)),
            ("changed", _changed(row)),
            ("merge", merge),
        ],
        [
            ("started", _when(row.started_us, now)),
            ("active", duration(active_seconds(row, now), finished=not row.state.is_live)),
            ("attempts", str(row.attempts) if row.attempts else ""),
            ("usage", usage if row.calls else ""),
            ("checkpoint", _checkpoint_words(checkpoint, now)),
            ("owner", _owner(row)),
        ],
    ]
    out.record(facts)
    if steps:
        out.line()
        for step in steps:
            _tell_step(invocation, step)
    following = next_command(row)
    out.line()
    if following is not None:
        out.line(f"next  {following}")
    elif reason is not None:
        out.line(f"Cannot be resumed: {reason}.")


def _tell_step(invocation: Invocation, step: StepFacts) -> None:
    out = invocation.out
    style = STEP_STYLES[StepSign(step.state)]
    took = duration(step.duration_seconds, finished=True) if step.duration_seconds else ""
    facts = [
        f"attempt {step.tries}" if step.tries and step.tries > 1 else "",
        took,
        f"exit {step.exit_code}" if step.exit_code else "",
        "tolerated" if step.tolerated else "",
        f"skipped: {one_line(step.skipped)}" if step.skipped else "",
        count(step.commits, "commit") if step.commits else "",
        cost(step.cost_usd) if step.cost_usd is not None else "",
    ]
    about = "  ".join(fact for fact in facts if fact)
    name = one_line(step.name or style.word)
    line = f"  {style.sign(out.ascii)} {step.step} {name}"
    out.line(out.paint(out.own(f"{line}  {about}".rstrip()), style.role))


def _tell_failure(invocation: Invocation, row: SessionRow, steps: list[StepFacts]) -> None:
    out = invocation.out
    failed = _failed_step(row, steps)
    if failed is None:
        out.line(f"Nothing failed in {row.id}.")
        return
    out.record([
        [
            _what_failed(row, failed),
            ("exit", str(failed.exit_code) if failed.exit_code is not None else ""),
            ("signal", str(failed.signal) if failed.signal else ""),
            ("attempt", str(failed.tries or "")),
            ("error", failed.error or row.error or ""),
            ("log", tilde(failed.log) if failed.log else ""),
            ("worktree", _worktree(row)),
            ("next", next_command(row) or ""),
        ]
    ])  # fmt: skip
    lines = last_lines(Path(failed.log), _FAILURE_LINES) if failed.log else []
    if lines:
        out.line()
    for line in lines:
        out.line(f"  {without_colors(line)}")


def _what_failed(row: SessionRow, step: StepFacts) -> tuple[str, str]:
    """``failed  step 2 of 3: make``, or ``interrupted  in step 2 of 3: make``."""
    where = f"step {step.step} of {row.total_steps}: {step.name or ''}"
    if step.state == StepSign.INTERRUPTED:
        return str(row.state) if row.state is State.PAUSED else "interrupted", f"in {where}"
    return "failed", where


def _failed_step(row: SessionRow, steps: list[StepFacts]) -> StepFacts | None:
    wanted = (str(StepSign.FAILED), str(StepSign.INTERRUPTED))
    found = next((step for step in steps if step.state in wanted), None)
    if found is None and row.state is State.FAILED and row.step_index < len(steps):
        return steps[row.step_index]
    return found


def _tell_variables(invocation: Invocation, checkpoint: WorkflowCheckpoint | None) -> None:
    variables = checkpoint.variables if checkpoint is not None else {}
    if not variables:
        invocation.out.line("No variables are recorded.")
    invocation.out.record([
        [(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
         for name, value in variables.items()]
    ])  # fmt: skip


def _when(microseconds: int | None, now: datetime) -> str:
    moment = moment_from_microseconds(microseconds)
    if moment is None:
        return ""
    return f"{clock(moment, now)}, {ago((now - moment).total_seconds())}"


def _worktree(row: SessionRow) -> str:
    if not row.worktree:
        return ""
    gone = "" if Path(row.worktree).exists() else " (gone)"
    return f"{tilde(row.worktree)}{gone}"


def _changed(row: SessionRow) -> str:
    facts = []
    if row.commits is not None:
        facts.append(count(row.commits, "commit"))
    if row.files_changed:
        facts.append(count(row.files_changed, "file"))
    return ", ".join(facts)


def _checkpoint_words(checkpoint: WorkflowCheckpoint | None, now: datetime) -> str:
    if checkpoint is None:
        return "none"
    at = clock(from_text(checkpoint.timestamp), now) if checkpoint.timestamp else ""
    return f"#{checkpoint.seq:06} {checkpoint.kind}, next step {checkpoint.index + 1}, {at}"


def _owner(row: SessionRow) -> str:
    if not row.state.is_live or row.owner_pid is None:
        return row.live_reason or ""
    return f"prodigy {row.owner_command or ''}, process {row.owner_pid} on {row.owner_host}"
