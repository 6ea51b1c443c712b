"""Running the command of a step once, whatever its kind, and setting what later steps refer to."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator import log_book
from orchestrator.agent_run import run_agent
from orchestrator.context import Frame, RunContext, deadline_after, earliest
from orchestrator.execution import execute, outcome_of
from orchestrator.outcomes import CommandOutcome
from orchestrator.scopes import StepScope
from orchestrator.step_environments import environment_for, may_export, scope_for
from orchestrator.steps import claude, shell
from orchestrator.steps.process import ProcessSpec
from orchestrator.steps.write_file import write_file
from orchestrator.texts import TextError, duration_of, resolve_text
from orchestrator.variables import Layer
from orchestrator.workflow.captures import CaptureError, capture_values
from orchestrator.workflow.environment import StepEnvironment
from orchestrator.workflow.interpolation import TextKind
from orchestrator.workflow.model import CaptureFormat, Step, StepKind

EXIT_NO_COMMAND = 1
"""The exit code of a command that failed without a process, or in spite of its exit code 0."""
_DATA_EXIT_CODES = range(1, 126)


@dataclass(frozen=True, slots=True)
class PreparedStep:
    """A step with its environment, directory and texts resolved."""

    step: Step
    scope: StepScope
    environment: StepEnvironment
    directory: Path
    deadline: float | None
    timeout_seconds: float | None


def prepare(ctx: RunContext, step: Step, frame: Frame) -> PreparedStep:
    """Resolve what a step needs before its command can run.

    Raises:
        TextError: a text, the environment or the directory cannot be resolved.
    """
    environment, scope = environment_for(ctx, step, frame)
    directory = scope.command_directory = _directory(ctx, step, scope)
    timeout = duration_of(step.timeout, scope)
    deadline = earliest(frame.deadline, deadline_after(timeout))
    return PreparedStep(step, scope, environment, directory, deadline, timeout)


def _directory(ctx: RunContext, step: Step, scope: StepScope) -> Path:
    if step.working_dir is None:
        return ctx.base or ctx.worktree
    text = resolve_text(ctx, step.working_dir, scope, TextKind.OTHER).text
    directory = (ctx.base or ctx.worktree) / Path(text).expanduser()
    if not directory.is_dir():
        raise TextError(f"working_dir is not a directory: {directory}")
    return directory


def run_command(ctx: RunContext, step: Step, frame: Frame) -> CommandOutcome:
    """Run the command of a step once and set its variables; a failure is part of the outcome.

    Raises:
        RunStopped: a stop that cannot wait ended it.
    """
    started = time.monotonic()
    ctx.stops.check_now()
    try:
        if frame.problem is not None:
            raise TextError(frame.problem)
        prepared = prepare(ctx, step, frame)
        outcome = _run_kind(ctx, prepared, frame)
    except TextError as error:
        outcome = CommandOutcome(
            exit_code=EXIT_NO_COMMAND,
            error=str(error),
            duration_seconds=time.monotonic() - started,
        )
        log_book.note(frame, f"{error}\n")
    outcome = _exit_code_as_data(step, outcome)
    outcome = set_variables(ctx, step, frame, outcome)
    frame.variables.set(Layer.CAPTURES, outcome.variables)
    return outcome


def _run_kind(ctx: RunContext, prepared: PreparedStep, frame: Frame) -> CommandOutcome:
    from orchestrator.steps.foreach import run_foreach
    from orchestrator.steps.sub_workflow import run_blocks

    match prepared.step.kind:
        case StepKind.SHELL:
            return _run_shell(ctx, prepared, frame)
        case StepKind.CLAUDE:
            return _run_claude(ctx, prepared, frame)
        case StepKind.FOREACH:
            return run_foreach(ctx, prepared, frame)
        case StepKind.WRITE_FILE:
            return write_file(ctx, prepared)
        case StepKind.VALIDATE | StepKind.ANALYZE:
            return CommandOutcome()
        case StepKind.WORKFLOW | StepKind.TEMPLATE:
            return run_blocks(ctx, prepared, frame)


def only_pretends(ctx: RunContext) -> bool:
    """Whether steps are only named and count as successful (``PRODIGY_TEST_MODE=true``)."""
    return ctx.environment.process.get("PRODIGY_TEST_MODE", "").lower() == "true"


def _run_shell(ctx: RunContext, prepared: PreparedStep, frame: Frame) -> CommandOutcome:
    rendered = resolve_text(ctx, prepared.step.text, prepared.scope, TextKind.SHELL)
    exports = {name: text for name, text in rendered.exports.items() if may_export(name)}
    environment = {**prepared.environment.values, **exports}
    with log_book.output_file(ctx) as output_path, shell.script(rendered.text, ctx.scratch) as argv:
        spec = _spec(ctx, prepared, frame, argv, environment, output_path)
        result = execute(ctx, frame, spec, prepared.deadline)
        left = _left_in(output_path)
    return replace(outcome_of(result, prepared.timeout_seconds), variables=left)


def _run_claude(ctx: RunContext, prepared: PreparedStep, frame: Frame) -> CommandOutcome:
    rendered = resolve_text(ctx, prepared.step.text, prepared.scope, TextKind.PROMPT)
    environment = dict(prepared.environment.values)
    if prepared.timeout_seconds is None and environment.get("PRODIGY_COMMAND_TIMEOUT"):
        prepared = _with_environment_timeout(prepared, environment["PRODIGY_COMMAND_TIMEOUT"])
    conversation = frame.conversation or str(uuid.uuid4())
    if ctx.config.claude_api_key is not None:
        environment.setdefault("ANTHROPIC_API_KEY", ctx.config.claude_api_key)
    invocation = claude.invocation(ctx.config, rendered.text, conversation, environment)
    with log_book.output_file(ctx) as output_path:
        spec = replace(
            _spec(ctx, prepared, frame, invocation.argv, environment, output_path),
            stdin=invocation.stdin,
        )
        outcome = run_agent(
            ctx,
            frame,
            spec,
            prepared.deadline,
            prepared.timeout_seconds,
            invocation,
            conversation,
        )
        left = _left_in(output_path)
    return replace(outcome, variables=left)


def _with_environment_timeout(prepared: PreparedStep, text: str) -> PreparedStep:
    try:
        seconds = float(text)
    except ValueError:
        raise TextError(f"PRODIGY_COMMAND_TIMEOUT is not a number of seconds: {text!r}") from None
    return replace(
        prepared,
        timeout_seconds=seconds,
        deadline=earliest(prepared.deadline, deadline_after(seconds)),
    )


def _spec(
    ctx: RunContext,
    prepared: PreparedStep,
    frame: Frame,
    argv: list[str],
    environment: Mapping[str, str],
    output_path: Path,
) -> ProcessSpec:
    values = {**environment, **frame.extra_env, "PRODIGY_OUTPUT": str(output_path)}
    if prepared.timeout_seconds:
        values["PRODIGY_COMMAND_TIMEOUT"] = f"{prepared.timeout_seconds:g}"
    return ProcessSpec(
        argv=tuple(argv),
        cwd=prepared.directory,
        env=values,
        marks=(ctx.session_id, frame.mark),
    )


def _left_in(path: Path) -> dict[str, object]:
    """The ``KEY=VALUE`` lines a command appended to ``$PRODIGY_OUTPUT``."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return {}
    found: dict[str, object] = {}
    for line in text.split("\n"):
        name, equals, value = line.partition("=")
        if equals and name.strip().isidentifier():
            found[name.strip()] = value
    return found


def _exit_code_as_data(step: Step, outcome: CommandOutcome) -> CommandOutcome:
    is_data = (
        step.capture.format is CaptureFormat.BOOLEAN
        and bool(step.capture.names)
        and outcome.exit_code in _DATA_EXIT_CODES
        and not outcome.timed_out
        and outcome.error is None
    )
    return replace(outcome, tolerated_exit=True) if is_data else outcome


def set_variables(
    ctx: RunContext, step: Step, frame: Frame, outcome: CommandOutcome
) -> CommandOutcome:
    """Set captures, ``ID.*`` and ``last.*`` from an outcome; an unreadable capture fails it."""
    outcome = _with_output_copy(ctx, step, frame, outcome)
    if not step.capture.kept:
        return outcome
    try:
        captured = capture_values(
            step.capture,
            stdout=outcome.captured,
            stderr=outcome.stderr,
            combined=outcome.combined if outcome.result is None else outcome.captured,
            exit_code=outcome.exit_code,
            duration=outcome.duration_seconds,
            shown=ctx.secrets.mask_beginning,
        )
    except CaptureError as error:
        captured = error.values
        if outcome.succeeded:
            outcome = replace(outcome, error=str(error), exit_code=EXIT_NO_COMMAND)
    if outcome.error is not None and "success" not in step.capture.dropped:
        captured |= {f"{name}.success": False for name in step.capture.names}
    frame.variables.set(Layer.CAPTURES, captured)
    publish_results(step, frame, outcome)
    return outcome


def publish_results(step: Step, frame: Frame, outcome: CommandOutcome) -> None:
    """Set ``ID.*``, ``last.*`` and the names of the kind (``shell.output``) from an outcome."""
    facts: dict[str, object] = {
        "output": outcome.output,
        "stdout": outcome.output,
        "stderr": outcome.stderr.decode("utf-8", "replace").rstrip("\n"),
        "exit_code": outcome.exit_code,
        "success": outcome.succeeded,
        "duration": round(outcome.duration_seconds, 3),
    }
    if step.id:
        mine = {f"{step.id}.{name}": value for name, value in facts.items()}
        frame.variables.set(Layer.RESULTS, {**mine, f"{step.id}.skipped": False})
    last: dict[str, object] = {}
    if not step.blocks:  # the names below ``workflow.`` are those of the run
        kinds = (step.kind, "test") if step.is_test else (step.kind,)
        last = {f"{kind}.{name}": value for kind in kinds for name, value in facts.items()}
    last["last.output"] = outcome.output
    last["last.exit_code"] = outcome.exit_code
    last["CAPTURED_OUTPUT"] = outcome.output
    frame.variables.set(Layer.LAST, last)


def _with_output_copy(
    ctx: RunContext, step: Step, frame: Frame, outcome: CommandOutcome
) -> CommandOutcome:
    """Write ``output_file``; the outcome, a failure if that cannot be done."""
    if step.output_file is None:
        return outcome
    streams = {
        "stdout": outcome.captured,
        "stderr": outcome.stderr,
        "both": outcome.combined if outcome.result is None else outcome.captured,
    }
    data = b"".join(streams.get(stream, b"") for stream in step.capture.streams)
    try:
        scope = scope_for(ctx, step, frame)
        name = resolve_text(ctx, step.output_file, scope, TextKind.OTHER).text
        path = ctx.worktree / Path(name).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except (TextError, OSError, ValueError) as error:
        if outcome.succeeded:
            return replace(outcome, error=f"output_file: {error}", exit_code=EXIT_NO_COMMAND)
    return outcome
