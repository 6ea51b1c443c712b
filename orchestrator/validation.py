"""``validate``: is the work of a step complete, and filling the gaps while it is not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.context import Frame, RunContext, deadline_after, earliest
from orchestrator.nested import run_nested
from orchestrator.outcomes import StepOutcome
from orchestrator.reporting import Warned
from orchestrator.step_environments import environment_for, scope_for
from orchestrator.step_git import head_of, publish_step_git
from orchestrator.texts import TextError, duration_of, resolve_text
from orchestrator.variables import Layer
from orchestrator.workflow.interpolation import TextKind
from orchestrator.workflow.model import OnIncomplete, Step, StepKind, Validate
from orchestrator.workflow.results import (
    ValidationResult,
    from_claude,
    from_commands,
    from_shell,
    incomplete,
    read_result,
)


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result file as it was when its step began: the same one later is stale."""

    modified_ns: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> ResultFile | None:
        try:
            status = path.stat()
        except OSError:
            return None
        return cls(status.st_mtime_ns, status.st_size, status.st_ino)


def result_file_before(ctx: RunContext, step: Step, frame: Frame) -> ResultFile | None:
    """What lies where the validation of a step will read its result, before the step runs."""
    check = step.validate
    if check is None or check.result_file is None:
        return None
    try:
        return ResultFile.of(_result_path(ctx, step, check.result_file, frame))
    except TextError:
        return None


def _result_path(ctx: RunContext, step: Step, text: str, frame: Frame) -> Path:
    scope = scope_for(ctx, step, frame)
    return ctx.worktree / resolve_text(ctx, text, scope, TextKind.OTHER).text


def run_validation(
    ctx: RunContext, step: Step, frame: Frame, stale: ResultFile | None
) -> str | None:
    """Check completeness, fill gaps, check again; why the step fails, or None when it does not.

    Args:
        stale: the result file that was there before the step.

    Raises:
        RunStopped: a stop that cannot wait.
        TextError: one of its texts cannot be resolved.
    """
    check = step.validate
    if check is None:
        return None
    if not check.steps and check.result_file is None:
        ctx.report(Warned(f"step {frame.index + 1}: 'validate' has nothing to run or to read"))
        return None
    publish_step_git(ctx, frame)
    with frame.variables.kept(Layer.LAST):
        return _until_complete(ctx, step, check, frame, stale)


def _until_complete(
    ctx: RunContext, step: Step, check: Validate, frame: Frame, stale: ResultFile | None
) -> str | None:
    policy = check.on_incomplete
    attempts = 0
    result = _validate_once(ctx, step, check, frame, stale, attempts)
    while result.percentage < check.threshold and policy and attempts < policy.max_attempts:
        attempts += 1
        if not _fill_gaps(ctx, policy, frame):
            break
        result = _validate_once(ctx, step, check, frame, stale, attempts)
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
    ctx: RunContext,
    step: Step,
    check: Validate,
    frame: Frame,
    stale: ResultFile | None,
    attempt: int,
) -> ValidationResult:
    _, scope = environment_for(ctx, step, frame)
    deadline = earliest(frame.deadline, deadline_after(duration_of(check.timeout, scope)))
    extra = {**frame.extra_env, "PRODIGY_VALIDATION": "true"}
    ran: list[tuple[Step, StepOutcome]] = []
    for validator in check.steps:
        outcome = run_nested(ctx, validator, frame, "validate", deadline=deadline, extra_env=extra)
        ran.append((validator, outcome))
        if outcome.failed and not check.as_commands:
            break
    if check.result_file is not None:
        path = _result_path(ctx, step, check.result_file, frame)
        result = _from_file(path, stale)
    elif check.as_commands:
        failing = [s.label for s, outcome in ran if outcome.failed or outcome.exit_code != 0]
        result = from_commands(failing)
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


def _from_file(path: Path, stale: ResultFile | None) -> ValidationResult:
    if stale is not None and ResultFile.of(path) == stale:
        return incomplete(f"{path.name} is older than the step")
    try:
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
    frame.variables.replace(Layer.VALIDATION, known)
