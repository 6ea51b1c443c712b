"""One step from ``when`` to its last handler: the same order of events wherever the step stands."""

from __future__ import annotations

import time

from orchestrator.attempts import Attempted, Recovery, attempt, recover
from orchestrator.commands import publish_results
from orchestrator.context import Frame, RunContext
from orchestrator.nested import run_all_nested
from orchestrator.outcomes import CommandOutcome, StepEnd, StepOutcome
from orchestrator.step_git import (
    StepRuleBroken,
    apply_commit_rules,
    find_outputs,
    publish_step_git,
)
from orchestrator.texts import TextError, warn_once
from orchestrator.validation import run_validation
from orchestrator.variables import Layer
from orchestrator.workflow.interpolation import InterpolationError
from orchestrator.workflow.model import Step, StepKind


def run_step(ctx: RunContext, step: Step, frame: Frame) -> StepOutcome:
    """Run one step with everything around it.

    Raises:
        RunStopped: a stop that cannot wait ended it.
        UsageLimitReached: an agent's limit, and nothing in the step says what to do about it.
    """
    started, clock = time.monotonic(), time.time()
    reason = _skipped_because(ctx, step, frame)
    if reason is not None:
        return StepOutcome(StepEnd.SKIPPED, skipped_because=reason)
    attempted = attempt(ctx, step, frame)
    recovery = Recovery(StepEnd.SUCCEEDED, attempted)
    if not attempted.outcome.succeeded:
        recovery = recover(ctx, step, frame, attempted)
    outcome = _outcome(step, frame, recovery)
    try:
        if outcome.end is StepEnd.SUCCEEDED:
            _finish_success(ctx, step, frame, outcome, clock)
    except (StepRuleBroken, TextError) as error:
        outcome.end, outcome.message = StepEnd.FAILED, str(error)
        outcome.exit_code = outcome.exit_code or 1
    handlers = step.on_exit_code.get(recovery.attempted.outcome.exit_code, ())
    run_all_nested(ctx, handlers, frame, "on_exit_code")
    outcome.duration_seconds = time.monotonic() - started
    return outcome


def _skipped_because(ctx: RunContext, step: Step, frame: Frame) -> str | None:
    if step.kind is StepKind.ANALYZE:
        warn_once(ctx, "'analyze' steps are skipped: the feature no longer exists")
        return "analyze no longer exists"
    if step.when is None:
        return None
    try:
        _, scope = ctx.environment.for_step(ctx, step, frame)
        facts = ctx.environment.facts
        if step.when.is_true(scope, given=facts, warn=lambda words: warn_once(ctx, words)):
            return None
    except (TextError, InterpolationError):
        return None  # the command meets the same error, and fails with it
    if step.id:
        frame.variables.set(Layer.RESULTS, {f"{step.id}.skipped": True})
    return f"when {step.when.text} is false"


def _outcome(step: Step, frame: Frame, recovery: Recovery) -> StepOutcome:
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
        usage=attempted.usage,
        captured=step.capture.names,
    )
    if recovery.end is StepEnd.SUCCEEDED and not last.succeeded:
        outcome.exit_code = 0
        output = last.output if recovery.output is None else recovery.output
        outcome.output = output
        publish_results(step, frame, CommandOutcome(result=output, stderr=last.stderr))
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


def _finish_success(
    ctx: RunContext, step: Step, frame: Frame, outcome: StepOutcome, clock: float
) -> None:
    """Validation, commits, outputs, ``on_success``: the first that goes wrong fails the step.

    Raises:
        StepRuleBroken: one did.
        TextError: one of their texts cannot be resolved.
    """
    problem = run_validation(ctx, step, frame, clock)
    if problem is not None:
        raise StepRuleBroken(problem)
    apply_commit_rules(ctx, step, frame)
    find_outputs(ctx, step, frame)
    if step.on_success:
        publish_step_git(ctx, frame)
        failed = run_all_nested(ctx, step.on_success, frame, "on_success")
        if failed is not None:
            raise StepRuleBroken(f"on_success of '{step.label}': {failed.message}")
