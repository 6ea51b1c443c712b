"""The kept checkpoints of a run, what one of them holds, and the variables of the newest."""

from __future__ import annotations

import json
import re
from datetime import datetime

from app import format as form
from app.tui.details import CheckpointContents, CheckpointView, VariableView
from store import checkpoints, fields
from store.checkpoint import WorkflowCheckpoint
from store.checkpoint_parts import CheckpointKind
from store.errors import StoreError
from store.home import Home
from store.rows import microseconds

HIDDEN = "••••••"
"""What stands for a secret, whatever its length."""
_MARKER = re.compile(r"\*\*\*[A-Za-z_][A-Za-z0-9_.-]*\*\*\*")
_LONGEST = 64 * 1024
_WHY = {
    CheckpointKind.START: "the run began",
    CheckpointKind.STEP: "a step was done",
    CheckpointKind.PASS: "a pass was done",
    CheckpointKind.STOP: "the run stopped",
    CheckpointKind.FAILURE: "a step failed",
    CheckpointKind.RESUME: "it was resumed",
    CheckpointKind.REWIND: "it went back",
    CheckpointKind.FINAL: "all was done",
}
_GENERAL = ("shell.", "claude.", "last.")
"""Names every step sets; they stand after those the workflow gave."""


def read_checkpoints(home: Home, run_id: str) -> list[CheckpointView]:
    """The kept checkpoints of a run, newest first."""
    views = [
        CheckpointView(
            entry.seq,
            entry.kind.value if entry.kind else "unreadable",
            entry.status.value if entry.status else "unreadable",
            entry.index,
            entry.total,
            microseconds(entry.timestamp) or 0,
            entry.size,
            entry.is_newest,
            form.one_line(entry.problem or ""),
            _WHY[entry.kind] if entry.kind else "",
        )
        for entry in checkpoints.history(home, run_id)
    ]
    return sorted(views, key=lambda view: -view.seq)


def read_contents(home: Home, run_id: str, seq: int, now: datetime) -> CheckpointContents:
    """What a kept checkpoint holds. Never fails: what cannot be read is said."""
    try:
        checkpoint = checkpoints.load_seq(home, run_id, seq)
    except StoreError as error:
        return CheckpointContents(seq, problem=error.reason)
    x = checkpoint.x
    written = form.moment_from_microseconds(microseconds(checkpoint.timestamp))
    facts = [
        ("Written", f"{form.clock(written, now, seconds=True)}, {_WHY[checkpoint.kind]}"),
        ("Done", f"{checkpoint.index} of {checkpoint.total_steps} steps"),
        ("Commit", x.head_last[:12] if x.head_last else "none recorded"),
        ("Workflow", f"{checkpoint.workflow_name or 'unnamed'}  {checkpoint.workflow_hash[:12]}"),
    ]
    if x.failure:
        facts.append(
            ("Failure", str(x.failure.get("message") or f"exit {x.failure.get('exit_code')}"))
        )
    if x.in_flight:
        step = x.in_flight.get("step_index")
        facts.append(("In step", str(step + 1) if isinstance(step, int) else "not known"))
    usage = x.usage
    if usage.get("calls"):
        used = [fields.whole(usage.get(f"{way}_tokens")) for way in ("input", "output")]
        facts.append(("Usage", form.tokens(used[0], used[1])))
    steps = []
    for step_done in checkpoint.completed_steps:
        if step_done.skipped:
            how = f"skipped: {step_done.skipped}"
        else:
            made = f", {form.count(step_done.commits, 'commit')}" if step_done.commits else ""
            how = f"{form.duration(step_done.duration_seconds, finished=True)}{made}"
        steps.append((step_done.index + 1, step_done.label or step_done.command, how))
    return CheckpointContents(seq, tuple(facts), tuple(steps), tuple(_variables(checkpoint)))


def read_variables(home: Home, run_id: str) -> list[VariableView]:
    """The variables by the newest usable checkpoint, those the workflow named first."""
    try:
        found = checkpoints.newest(home, run_id)
    except StoreError:
        return []
    return _variables(found.checkpoint) if found is not None else []


def _variables(checkpoint: WorkflowCheckpoint) -> list[VariableView]:
    views = []
    secrets = checkpoint.x.env.get("secrets")
    named = [name for name in secrets if isinstance(name, str)] if isinstance(secrets, list) else []
    for name, value in checkpoint.variables.items():
        if name in named:
            continue
        views.append(_variable(checkpoint, name, value))
    same = checkpoint.x.unknown.get("same_as")
    for name, holder in same.items() if isinstance(same, dict) else ():
        views.append(VariableView(str(name), "", f"the same as {holder}"))
    parameters = checkpoint.x.invocation.get("params")
    known = {view.name for view in views}
    for name, value in parameters.items() if isinstance(parameters, dict) else ():
        if name not in known:
            views.append(_variable(checkpoint, str(name), value, "parameter"))
    views += [VariableView(name, HIDDEN, "secret", True) for name in named]
    return sorted(views, key=lambda view: (view.name.startswith(_GENERAL), view.name.casefold()))


def _variable(
    checkpoint: WorkflowCheckpoint, name: str, value: object, note: str = ""
) -> VariableView:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    spilled = checkpoint.x.spilled.get(name)
    if isinstance(spilled, dict):
        note = f"its beginning; {form.size(fields.optional_whole(spilled.get('bytes')))} in all"
    elif len(text) > _LONGEST:
        note = f"its beginning; {form.size(len(text))} in all"
    text = text[:_LONGEST]
    if name in checkpoint.x.masked:
        text = _MARKER.sub(HIDDEN, text)
    return VariableView(name, text, note, text == HIDDEN)
