"""One step from ``when`` to its last handler: the same order of events wherever the step stands."""

from __future__ import annotations

import time
from dataclasses import replace

from orchestrator.attempts import Attempted, Recovery, attempt, recover
from orchestrator.commands import only_pretends, publish_results, set_variables
from orchestrator.context import Frame, RunContext
from orchestrator.nested import run_all_nested
from orchestrator.outcomes import CommandOutcome, StepEnd, StepOutcome
from orchestrator.reporting import Warned
from orchestrator.step_environments import environment_for
from orchestrator.step_git import (
    StepRuleBroken,
    apply_commit_rules,
    find_outputs,
    note_start,
    publish_step_git,
)
from orchestrator.template_values import template_values
from orchestrator.texts import TextError, warn_once
from orchestrator.validation import ResultFile, result_file_before, run_validation
from orchestrator.variables import Layer
from orchestrator.workflow.interpolation import InterpolationError
from orchestrator.workflow.model import Step, StepKind

_REASON_LIMIT = 120


def run_step(ctx: RunContext, step: Step, frame: Frame) -> StepOutcome:
    """Run one step with everything around it.

    Raises:
        RunStopped: a stop that cannot wait ended it.
        UsageLimitReached: an agent's limit, and nothing in the step says what to do about it.
    """
    with template_values(ctx, step, frame):
        return _run_step(ctx, step, frame)


def _run_step(ctx: RunContext, step: Step, frame: Frame) -> StepOutcome:
    started = time.monotonic()
    reason = _skipped_because(ctx, step, frame)
    if reason is not None:
        return StepOutcome(StepEnd.SKIPPED, skipped_because=reason)
    if only_pretends(ctx):
        ctx.report(Warned(f"[TEST MODE] Would execute: {ctx.secrets.mask_text(step.label)}"))
        return StepOutcome(StepEnd.SUCCEEDED)
    note_start(ctx, step, frame)
    stale = result_file_before(ctx, step, frame)
    recovery = _run_and_recover(ctx, step, frame)
    outcome = _outcome(ctx, step, frame, recovery)
    try:
        if outcome.end is StepEnd.SUCCEEDED:
            _finish_success(ctx, step, frame, stale)
    except (StepRuleBroken, TextError) as error:
        outcome.end, outcome.message = StepEnd.FAILED, str(error)
        outcome.exit_code = outcome.exit_code or 1
        words = error.words if isinstance(error, StepRuleBroken) else str(error)
        outcome.reason = _in_one_line(ctx, words)
    handlers = step.on_exit_code.get(recovery.attempted.outcome.exit_code, ())
    if handlers:
        publish_step_git(ctx, frame)
        run_all_nested(ctx, handlers, frame, "on_exit_code")
    outcome.usage = frame.used.total
    outcome.duration_seconds = time.monotonic() - started
    return outcome


def _in_one_line(ctx: RunContext, words: str) -> str:
    lines = ctx.secrets.mask_text(words).strip().splitlines()
    return lines[0][:_REASON_LIMIT] if lines else ""


def _run_and_recover(ctx: RunContext, step: Step, frame: Frame) -> Recovery:
    attempted = Attempted(CommandOutcome())
    try:
        attempted = attempt(ctx, step, frame)
        if attempted.outcome.succeeded:
            return Recovery(StepEnd.SUCCEEDED, attempted)
        return recover(ctx, step, frame, attempted)
    except TextError as error:
        # an option of the handling itself: there is nothing that could handle that
        attempted.outcome = replace(attempted.outcome, exit_code=1, error=str(error))
        return Recovery(StepEnd.FAILED, attempted)


def _skipped_because(ctx: RunContext, step: Step, frame: Frame) -> str | None:
    if step.kind is StepKind.ANALYZE:
        warn_once(ctx, "'analyze' steps are skipped: the feature no longer exists")
        return "analyze no longer exists"
    if step.when is None:
        return None
    try:
        _, scope = environment_for(ctx, step, frame)
        facts = ctx.environment.facts
        if step.when.is_true(scope, given=facts, warn=lambda words: warn_once(ctx, words)):
            return None
    except (TextError, InterpolationError) as error:
        frame.problem = f"when: {error}"  # its command fails with it
        return None
    if step.id:
        frame.variables.drop(Layer.RESULTS, f"{step.id}.")
        frame.variables.set(Layer.RESULTS, {f"{step.id}.skipped": True})
    return f"when {step.when.text} is false"


def _outcome(ctx: RunContext, step: Step, frame: Frame, recovery: Recovery) -> StepOutcome:
    """What the recovery means for the step, and its result variables."""
    attempted: Attempted = recovery.attempted
    last: CommandOutcome = attempted.outcome
    outcome = StepOutcome(
        recovery.end,
        exit_code=last.exit_code if not last.succeeded else 0,
        signal=last.signal,
        timed_out=last.timed_out,
        output=last.output,
        everything=last.everything,
        attempt=frame.attempt,
        log=last.log,
        log_bytes=last.log_bytes,
        captured=step.capture.names,
    )
    if recovery.end is StepEnd.SUCCEEDED and not last.succeeded:
        outcome.exit_code = 0
        recovered = replace(last, exit_code=0, error=None, signal=None, timed_out=False)
        if recovery.output is not None:
            recovered = replace(recovered, result=recovery.output)
            outcome.output = recovery.output
        set_variables(ctx, step, frame, recovered)
    elif recovery.end is StepEnd.TOLERATED:
        publish_results(step, frame, last)
    if recovery.end is not StepEnd.SUCCEEDED:
        outcome.exit_code = last.exit_code or 1
        outcome.message = _message(step, last, recovery.fatal)
    return outcome


def _message(step: Step, last: CommandOutcome, handler: StepOutcome | None) -> str:
    message = f"Step '{step.label}' failed with exit code {last.exit_code or 1}"
    said = last.failure_text()
    if said:
        message += f"\n{said}"
    if handler is not None:
        message += f"\nits handler failed: {handler.message}"
    return message


def _finish_success(ctx: RunContext, step: Step, frame: Frame, stale: ResultFile | None) -> None:
    """Validation, commits, outputs, ``on_success``: the first that goes wrong fails the step.

    Raises:
        StepRuleBroken: one did.
        TextError: one of their texts cannot be resolved.
    """
    problem = run_validation(ctx, step, frame, stale)
    if problem is not None:
        raise StepRuleBroken(problem)
    apply_commit_rules(ctx, step, frame)
    find_outputs(ctx, step, frame)
    if step.on_success:
        publish_step_git(ctx, frame)
        failed = run_all_nested(ctx, step.on_success, frame, "on_success")
        if failed is not None:
            raise StepRuleBroken(f"on_success of '{step.label}': {failed.message}")
