"""Steps that run on behalf of another one: handlers, validators, what follows success."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from orchestrator.context import Frame, RunContext
from orchestrator.outcomes import StepOutcome
from orchestrator.reporting import HandlerCompleted, HandlerStarted
from orchestrator.step_git import head_of, step_facts
from orchestrator.workflow.model import Step


def run_nested(ctx: RunContext, step: Step, frame: Frame, role: str, **changes: Any) -> StepOutcome:
    """Run one step inside another one's frame, with its own mark, log and events.

    Raises:
        RunStopped: a stop that cannot wait.
    """
    from orchestrator.step_run import run_step

    label = ctx.secrets.mask_text(step.label)
    began = False

    def begins(log: str | None) -> None:
        nonlocal began
        if began:
            return
        began = True
        what = {"step_index": frame.index, "role": role, "n": number, "label": label}
        ctx.event("handler_started", **what, log=log)
        path = ctx.home.run_directory(ctx.session_id) / log if log else None
        ctx.report(HandlerStarted(frame.index, role, label, path))

    inner = frame.inner(role, begins=begins, **changes)
    number = frame.nested
    started, head = time.monotonic(), head_of(ctx)
    outcome = run_step(ctx, step, inner)
    duration = time.monotonic() - started
    begins(None)  # one that was skipped had no command
    ctx.event(
        "handler_completed",
        step_index=frame.index,
        role=role,
        n=number,
        label=label,
        log=outcome.log,
        exit_code=outcome.exit_code,
        duration=duration,
        commits=step_facts(ctx, head).commits,
    )
    ctx.report(HandlerCompleted(frame.index, role, outcome.exit_code, duration))
    return outcome


def run_all_nested(
    ctx: RunContext, steps: Iterable[Step], frame: Frame, role: str, **changes: Any
) -> StepOutcome | None:
    """Run steps in order up to the first that fails: its outcome, None when all are well."""
    for step in steps:
        outcome = run_nested(ctx, step, frame, role, **changes)
        if outcome.failed:
            return outcome
    return None
