"""The runs of one command: retries with their delays, and the rounds of ``on_failure``."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from orchestrator import log_book
from orchestrator.commands import run_command
from orchestrator.context import Frame, RunContext, deadline_after, earliest
from orchestrator.nested import run_nested
from orchestrator.outcomes import CommandOutcome, StepEnd, StepOutcome
from orchestrator.reporting import StepRetrying, StepStarted, Waiting
from orchestrator.step_checks import run_step_check
from orchestrator.step_environments import scope_for
from orchestrator.step_git import head_of, publish_step_git
from orchestrator.stops import RunStopped
from orchestrator.texts import duration_of, resolve_text
from orchestrator.variables import Layer
from orchestrator.workflow import retrying
from orchestrator.workflow.interpolation import TextKind
from orchestrator.workflow.model import (
    Duration,
    FailureStrategy,
    OnFailure,
    Retry,
    Step,
    StepKind,
)
from store.step_logs import relative_name
from store.times import to_text, utc_now

_USAGE_LIMIT_WAIT_SECONDS = 15 * 60
_SHOWN_WAIT_SECONDS = 5
_INLINE_OUTPUT_BYTES = 10_000
_COMMAND_LIMIT = 4096


class UsageLimitReached(Exception):
    """An agent's limit ended the command and the workflow says nothing about what then."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


@dataclass(slots=True)
class Attempted:
    """The last run of a command, and whether its failure is forgiven."""

    outcome: CommandOutcome
    forgiven: bool = False


def attempt(ctx: RunContext, step: Step, frame: Frame) -> Attempted:
    """Run the command of a step, again as its ``retry`` says.

    Raises:
        RunStopped: a stop that cannot wait, or any stop during a delay.
        UsageLimitReached: nothing in the step says what to do about it.
        TextError: a delay or a limit cannot be resolved.
    """
    failures, delayed = 0, 0.0
    while True:
        outcome = _run_once(ctx, step, frame)
        if outcome.succeeded:
            return Attempted(outcome)
        failures += 1
        if outcome.usage_limit is not None and step.retry is None and step.on_failure is None:
            raise UsageLimitReached(outcome.usage_limit.message)
        delay = _delay_before_next(ctx, step, frame, outcome, failures, delayed)
        if delay is None:
            return _exhausted(ctx, step, frame, outcome)
        delayed += delay
        _wait(ctx, step, frame, outcome, delay)


def _run_once(ctx: RunContext, step: Step, frame: Frame) -> CommandOutcome:
    frame.conversation = str(uuid.uuid4()) if step.kind is StepKind.CLAUDE else None
    if frame.log is not None:
        if frame.begins is not None:
            frame.begins(relative_name(ctx.home, ctx.session_id, frame.log.path))
        return _checked(ctx, step, frame, run_command(ctx, step, frame))
    with log_book.opened_log(ctx, frame) as log:
        frame.log = log
        name = relative_name(ctx.home, ctx.session_id, log.path) if log is not None else None
        if frame.begins is not None:
            frame.begins(name)
        if frame.role == "step":
            frame.mark = f"{frame.index}-{frame.attempt}"
            _announce(ctx, step, frame, name)
        try:
            outcome = _checked(ctx, step, frame, run_command(ctx, step, frame))
        finally:
            frame.log = None
    if frame.role == "step" and not outcome.succeeded:
        ctx.event(
            "attempt_failed",
            step_index=frame.index,
            attempt=frame.attempt,
            duration=outcome.duration_seconds,
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            timed_out=outcome.timed_out,
            log=name,
            log_bytes=outcome.log_bytes,
        )
    return replace(outcome, log=name)


def _announce(ctx: RunContext, step: Step, frame: Frame, log: str | None) -> None:
    label = ctx.secrets.mask_text(step.label)
    ctx.event(
        "step_started",
        step_index=frame.index,
        attempt=frame.attempt,
        kind=str(step.kind),
        label=label,
        command=ctx.secrets.mask_text(step.text)[:_COMMAND_LIMIT],
        head=frame.head_before,
        log=log,
        claude_session=frame.conversation,
    )
    ctx.progress.attempt_started(frame.index, label, frame.attempt, log)
    path = ctx.home.run_directory(ctx.session_id) / log if log else None
    ctx.report(StepStarted(frame.index, len(ctx.workflow.steps), label, frame.attempt, path))


def _checked(ctx: RunContext, step: Step, frame: Frame, outcome: CommandOutcome) -> CommandOutcome:
    if not outcome.succeeded or step.step_check is None:
        return outcome
    return run_step_check(ctx, step, frame, outcome)


def _delay_before_next(
    ctx: RunContext,
    step: Step,
    frame: Frame,
    outcome: CommandOutcome,
    failures: int,
    delayed: float,
) -> float | None:
    """Seconds until the next run, None when there is none."""
    retry = step.retry
    if retry is None or failures >= retry.attempts or frame.out_of_time:
        return None
    if not retrying.applies(retry, outcome.failure_text() + "\n" + outcome.everything):
        return None
    if outcome.usage_limit is not None:
        resets_at = outcome.usage_limit.resets_at
        return max(1.0, resets_at - time.time()) if resets_at else _USAGE_LIMIT_WAIT_SECONDS
    resolve = _durations(ctx, step, frame)
    delay = retrying.plan_delay(retry, failures, resolve=resolve, random=random.random)
    if retrying.exceeds_budget(retry, delay, delayed_so_far=delayed, resolve=resolve):
        return None
    return delay


def _durations(ctx: RunContext, step: Step, frame: Frame) -> Callable[[Duration], float]:
    scope = scope_for(ctx, step, frame)
    return lambda duration: duration_of(duration, scope) or 0.0


def _wait(ctx: RunContext, step: Step, frame: Frame, outcome: CommandOutcome, delay: float) -> None:
    """Wait before the next run. Nothing runs meanwhile, so any stop is obeyed at once."""
    limit = outcome.usage_limit
    reason = "usage limit" if limit is not None else f"retry after exit {outcome.exit_code}"
    until = utc_now() + timedelta(seconds=delay)
    ctx.event(
        "step_retrying",
        step_index=frame.index,
        attempt=frame.attempt + 1,
        reason=reason,
        delay_ms=round(delay * 1000),
    )
    ctx.report(StepRetrying(frame.index, frame.attempt + 1, reason, delay))
    shown = delay > _SHOWN_WAIT_SECONDS or limit is not None
    if shown:
        ctx.progress.waits(reason, until)
        ctx.report(Waiting(reason, to_text(until)))
    end = time.monotonic() + delay
    if frame.deadline is not None:
        end = min(end, frame.deadline)
    ctx.stops.any.wait(max(0.0, end - time.monotonic()))
    if ctx.stops.wish is not None:
        raise RunStopped(ctx.stops.wish)
    if shown:
        ctx.progress.waits(None)
        ctx.report(Waiting(None))


def _exhausted(ctx: RunContext, step: Step, frame: Frame, outcome: CommandOutcome) -> Attempted:
    retry: Retry | None = step.retry
    if retry is None or retry.exhausted == "stop" or frame.out_of_time:
        return Attempted(outcome)
    if retry.exhausted == "continue":
        return Attempted(outcome, forgiven=True)
    instead = replace(
        step, kind=StepKind.SHELL, text=retry.fallback or "", retry=None, on_failure=None
    )
    return Attempted(_run_once(ctx, instead, frame))


# -- on_failure ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Recovery:
    """What became of a failed command: ``end`` is SUCCEEDED, TOLERATED or FAILED."""

    end: StepEnd
    attempted: Attempted
    output: str | None = None
    """What replaces the step's output: that of the last handler of a fallback."""
    fatal: StepOutcome | None = None
    """The handler whose failure is the step's."""


def recover(ctx: RunContext, step: Step, frame: Frame, attempted: Attempted) -> Recovery:
    """Apply ``on_failure`` to a failed command: rounds of handlers, and further runs.

    Raises:
        RunStopped: a stop that cannot wait.
        TextError: an option of ``on_failure`` cannot be resolved.
    """
    policy = step.on_failure
    if attempted.forgiven:
        return Recovery(StepEnd.TOLERATED, attempted)
    if policy is None or frame.out_of_time:
        return Recovery(StepEnd.FAILED, attempted)
    if policy.forgive and not policy.steps:
        return Recovery(StepEnd.TOLERATED, attempted)
    with frame.variables.kept(Layer.HANDLING):
        return _rounds(ctx, step, policy, frame, attempted)


def _rounds(
    ctx: RunContext, step: Step, policy: OnFailure, frame: Frame, attempted: Attempted
) -> Recovery:
    runs, handled = 1, False
    last_output = ""
    if policy.max_attempts == 1 and not policy.steps:
        end = StepEnd.FAILED if policy.fail_workflow else StepEnd.TOLERATED
        return Recovery(end, attempted)
    while policy.max_attempts == 1 or runs < policy.max_attempts:
        head = head_of(ctx)
        _describe_failure(ctx, step, frame, attempted.outcome, runs)
        handled, last_output, fatal = _handlers(ctx, step, policy, frame, runs)
        if fatal is not None and policy.handler_failure_fatal:
            return Recovery(StepEnd.FAILED, attempted, fatal=fatal)
        lacks_commit = policy.commit_required and head_of(ctx) == head
        handled = handled and not lacks_commit
        if policy.max_attempts == 1 or lacks_commit:
            break
        runs += 1
        attempted = attempt(ctx, step, frame)
        if attempted.outcome.succeeded:
            return Recovery(StepEnd.SUCCEEDED, attempted)
    recovers = policy.strategy in (FailureStrategy.RECOVERY, FailureStrategy.FALLBACK)
    if policy.max_attempts == 1 and handled and recovers and not policy.fail_workflow:
        output = last_output if policy.strategy is FailureStrategy.FALLBACK else None
        return Recovery(StepEnd.SUCCEEDED, attempted, output=output)
    return Recovery(StepEnd.FAILED if policy.fail_workflow else StepEnd.TOLERATED, attempted)


def _handlers(
    ctx: RunContext, step: Step, policy: OnFailure, frame: Frame, run: int
) -> tuple[bool, str, StepOutcome | None]:
    """One round: whether all went well, the last output, and the handler that failed."""
    publish_step_git(ctx, frame)
    scope = scope_for(ctx, step, frame)
    deadline = earliest(frame.deadline, deadline_after(duration_of(policy.timeout, scope)))
    numbers = {"TEST_ATTEMPT": str(run), "SHELL_ATTEMPT": str(run)}
    extra = {**frame.extra_env, **numbers}
    texts: list[str] = []
    failed: StepOutcome | None = None
    for handler in policy.steps:
        outcome = run_nested(ctx, handler, frame, "on_failure", deadline=deadline, extra_env=extra)
        texts.append(outcome.output)
        frame.variables.set(Layer.HANDLING, {"handler.output": outcome.output})
        if outcome.failed:
            failed = failed or outcome
            if not handler.continue_on_error:
                break
    for name, text in policy.capture.items():
        value = "\n".join(texts)
        if "${" in text:
            value = resolve_text(ctx, text, scope, TextKind.OTHER).text
        frame.variables.set(Layer.CAPTURES, {name: value})
    return failed is None, texts[-1] if texts else "", failed


def _describe_failure(
    ctx: RunContext, step: Step, frame: Frame, outcome: CommandOutcome, run: int
) -> None:
    """Define what handlers may refer to."""
    kind = "claude" if step.kind is StepKind.CLAUDE else "shell"
    stdout = outcome.stdout.decode("utf-8", "replace").rstrip("\n")
    stderr = outcome.stderr.decode("utf-8", "replace").rstrip("\n")
    everything = _inline_or_file(ctx, frame, "output", outcome.everything)
    headed = f"STDOUT:\n{stdout}\nSTDERR:\n{stderr}"
    frame.variables.set(
        Layer.HANDLING,
        {
            f"{kind}.output": everything,
            f"{kind}.stdout": stdout,
            f"{kind}.stderr": stderr,
            f"{kind}.exit_code": outcome.exit_code,
            "shell.attempt": run,
            "last.output": everything,
            "last.exit_code": outcome.exit_code,
            "test.output": _inline_or_file(ctx, frame, "test", headed),
            "test.exit_code": outcome.exit_code,
            "test.attempt": run,
            "error.message": outcome.failure_text(),
            "error.exit_code": outcome.exit_code,
            "error.step": step.label,
            "error.timestamp": to_text(utc_now()),
        },
    )


def _inline_or_file(ctx: RunContext, frame: Frame, name: str, text: str) -> str:
    """The text, or the path of a file that holds it when it is too long for a command line."""
    data = text.encode("utf-8", "replace")
    if len(data) <= _INLINE_OUTPUT_BYTES:
        return text
    path: Path = ctx.scratch / f"{name}-{frame.mark}.txt"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o600)
    return str(path)
