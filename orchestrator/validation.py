"""``validate``: is the work of a step complete, and filling the gaps while it is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.context import Frame, RunContext, deadline_after, earliest
from orchestrator.nested import run_nested
from orchestrator.outcomes import StepOutcome
from orchestrator.reporting import Warned
from orchestrator.step_git import head_of, publish_step_git
from orchestrator.texts import duration_of, resolve_text
from orchestrator.variables import Layer
from orchestrator.workflow.interpolation import TextKind
from orchestrator.workflow.model import OnIncomplete, Step, StepKind, Validate
from orchestrator.workflow.results import (
    ValidationResult,
    from_claude,
    from_shell,
    incomplete,
    read_result,
)


def run_validation(ctx: RunContext, step: Step, frame: Frame, started_at: float) -> str | None:
    """Check completeness, fill gaps, check again; why the step fails, or None when it does not.

    Args:
        started_at: when the step began, seconds since the epoch: an older result file is stale.

    Raises:
        RunStopped: a stop that cannot wait.
    """
    check = step.validate
    if check is None:
        return None
    if not check.steps and check.result_file is None:
        ctx.report(Warned(f"step {frame.index + 1}: 'validate' has nothing to run or to read"))
        return None
    publish_step_git(ctx, frame)
    with frame.variables.kept(Layer.HANDLING), frame.variables.kept(Layer.LAST):
        return _until_complete(ctx, step, check, frame, started_at)


def _until_complete(
    ctx: RunContext, step: Step, check: Validate, frame: Frame, started_at: float
) -> str | None:
    policy = check.on_incomplete
    attempts = 0
    result = _validate_once(ctx, step, check, frame, started_at, attempts)
    while result.percentage < check.threshold and policy and attempts < policy.max_attempts:
        attempts += 1
        if not _fill_gaps(ctx, policy, frame):
            break
        result = _validate_once(ctx, step, check, frame, started_at, attempts)
    if result.percentage >= check.threshold:
        return None
    message = f"Validation failed after {attempts} attempts. Completion: {result.percentage:g}%"
    if result.missing:
        message += "\nmissing: " + "; ".join(str(item) for item in result.missing[:20])
    if policy is None or not _fails_workflow(ctx, policy, frame, message):
        ctx.report(Warned(ctx.secrets.mask_text(f"step {frame.index + 1}: {message}")))
        return None
    return message


def _fails_workflow(ctx: RunContext, policy: OnIncomplete, frame: Frame, message: str) -> bool:
    if policy.prompt is not None:
        ctx.progress.waits("answer needed", None)
        answer = ctx.ask_person(f"{message}\n{policy.prompt}")
        ctx.progress.waits(None)
        if answer is True:
            return False
    return policy.fail_workflow


def _fill_gaps(ctx: RunContext, policy: OnIncomplete, frame: Frame) -> bool:
    head = head_of(ctx)
    for filler in policy.steps:
        outcome = run_nested(ctx, filler, frame, "on_incomplete")
        if outcome.failed:
            return False
    return not (policy.commit_required and head_of(ctx) == head)


def _validate_once(
    ctx: RunContext, step: Step, check: Validate, frame: Frame, started_at: float, attempt: int
) -> ValidationResult:
    _, scope = ctx.environment.for_step(ctx, step, frame)
    deadline = earliest(frame.deadline, deadline_after(duration_of(check.timeout, scope)))
    extra = {**frame.extra_env, "PRODIGY_VALIDATION": "true"}
    ran: list[tuple[Step, StepOutcome]] = []
    for validator in check.steps:
        outcome = run_nested(
            ctx, validator, frame, "validate", deadline=deadline, extra_env=extra
        )
        ran.append((validator, outcome))
        if outcome.failed and not check.as_commands:
            break
    if check.result_file is not None:
        name = resolve_text(ctx, check.result_file, scope, TextKind.OTHER).text
        result = _from_file(ctx.worktree / name, started_at)
    elif check.as_commands:
        failing = [s.label for s, outcome in ran if outcome.failed or outcome.exit_code != 0]
        result = incomplete("; ".join(failing)) if failing else ValidationResult(100.0)
        result = replace(result, missing=tuple(failing))
    else:
        result = _from_validator(*ran[-1])
    result = _against_schema(ctx, check, result)
    _publish(ctx, frame, result, attempt)
    ctx.event(
        "validation_result",
        step_index=frame.index,
        attempt=attempt,
        completion=result.percentage,
        threshold=check.threshold,
        missing_count=len(result.missing),
        status=result.status,
    )
    return result


def _from_validator(validator: Step, outcome: StepOutcome) -> ValidationResult:
    if validator.kind is StepKind.CLAUDE:
        return incomplete(outcome.message) if outcome.failed else from_claude(outcome.output)
    return from_shell(outcome.exit_code, outcome.output)


def _from_file(path: Path, started_at: float) -> ValidationResult:
    try:
        if path.stat().st_mtime < started_at - 1:
            return incomplete(f"{path.name} is older than the step")
        return read_result(path.read_text("utf-8", "replace"))
    except OSError as error:
        return incomplete(f"{path.name}: {error.strerror}")


def _against_schema(ctx: RunContext, check: Validate, result: ValidationResult) -> ValidationResult:
    if check.expected_schema is None or not result.document:
        return result
    import jsonschema

    schema: Any = check.expected_schema
    try:
        if isinstance(schema, str):
            schema = json.loads((ctx.worktree / schema).read_text("utf-8"))
        jsonschema.validate(result.document, schema)
    except (OSError, ValueError, jsonschema.ValidationError, jsonschema.SchemaError) as error:
        return incomplete(f"the result does not fit expected_schema: {str(error).splitlines()[0]}")
    return result


def _publish(ctx: RunContext, frame: Frame, result: ValidationResult, attempt: int) -> None:
    known: dict[str, object] = {
        f"validation.{name}": value
        for name, value in result.document.items()
        if isinstance(name, str)
    }
    known.update(
        {
            "validation.completion": result.percentage,
            "validation.completion_percentage": result.percentage,
            "validation.status": result.status,
            "validation.implemented": list(result.implemented),
            "validation.missing": list(result.missing),
            "validation.missing_count": len(result.missing),
            "validation.gaps": result.gaps or list(result.missing),
            "validation.attempt_number": attempt,
        }
    )
    frame.variables.set(Layer.HANDLING, known)
