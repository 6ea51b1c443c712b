"""``step_validate``: a pass or fail check of a step whose command succeeded."""

from __future__ import annotations

import re
from dataclasses import replace

from orchestrator.commands import publish_results
from orchestrator.context import Frame, RunContext, deadline_after, earliest
from orchestrator.nested import run_nested
from orchestrator.outcomes import CommandOutcome
from orchestrator.reporting import Warned
from orchestrator.step_environments import scope_for
from orchestrator.stops import RunStopped
from orchestrator.texts import duration_of
from orchestrator.variables import Layer
from orchestrator.workflow.model import Step, StepCheck, StepCheckCommand


def run_step_check(
    ctx: RunContext, step: Step, frame: Frame, outcome: CommandOutcome
) -> CommandOutcome:
    """The outcome, turned into a command failure when the check does not pass.

    Raises:
        RunStopped: a stop that cannot wait, or any stop between two tries.
    """
    check = step.step_check
    if check is None:
        return outcome
    scope = scope_for(ctx, step, frame)
    deadline = earliest(frame.deadline, deadline_after(duration_of(check.timeout, scope)))
    for tried in range(1, check.max_attempts + 1):
        failures = _failures(ctx, step, check, frame, deadline)
        if _passes(check, len(failures)):
            return outcome
        if tried < check.max_attempts:
            ctx.stops.any.wait(duration_of(check.retry_delay, scope) or 0.0)
            if ctx.stops.wish is not None:
                raise RunStopped(ctx.stops.wish)
    message = "step validation failed: " + "; ".join(failures)
    if check.ignore_failure:
        ctx.report(Warned(ctx.secrets.mask_text(message)))
        return outcome
    outcome = replace(outcome, error=message, exit_code=outcome.exit_code or 1)
    if step.capture.kept:
        publish_results(step, frame, outcome)
    return outcome


def _passes(check: StepCheck, failed: int) -> bool:
    passed = len(check.commands) - failed
    match check.criteria:
        case "any":
            return passed >= 1
        case "at_least":
            return passed >= check.at_least
        case _:
            return failed == 0


def _failures(
    ctx: RunContext, step: Step, check: StepCheck, frame: Frame, deadline: float | None
) -> list[str]:
    failures = []
    for command in check.commands:
        checker = Step(
            kind=command.kind,
            position=step.position,
            text=command.text,
            working_dir=step.working_dir,
            env=step.env,
        )
        with frame.variables.kept(Layer.LAST):
            ran = run_nested(ctx, checker, frame, "validate", deadline=deadline)
        problem = _problem(command, ran.exit_code, ran.output)
        if problem is not None:
            failures.append(f"{checker.label}: {problem}")
    return failures


def _problem(command: StepCheckCommand, exit_code: int, output: str) -> str | None:
    if exit_code != command.expect_exit_code:
        return f"exit code {exit_code}, expected {command.expect_exit_code}"
    if command.expect_output is not None and not _found(command.expect_output, output):
        return f"the output does not match {command.expect_output!r}"
    return None


def _found(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False
