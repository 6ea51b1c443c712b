"""Running one process of a step and reading its result as a command's outcome."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.context import Frame, RunContext
from orchestrator.outcomes import CommandOutcome
from orchestrator.steps.process import ProcessResult, ProcessSpec
from orchestrator.stops import RunStopped
from store.step_logs import relative_name

_LAST_LINE_LIMIT = 400


def execute(
    ctx: RunContext,
    frame: Frame,
    spec: ProcessSpec,
    deadline: float | None,
    on_line: Callable[[bytes], None] | None = None,
) -> ProcessResult:
    """Run a process to its end, its output into the frame's log.

    Raises:
        RunStopped: a stop that cannot wait ended it.
    """
    told = frame.log.size if frame.log is not None else 0

    def refer() -> None:
        nonlocal told
        if frame.log is None:
            return
        begin, told = told, frame.log.size
        ctx.event(
            "step_output_ref",
            step_index=frame.index,
            attempt=frame.attempt,
            log=relative_name(ctx.home, ctx.session_id, frame.log.path),
            **{"from": begin, "to": told},
            last_line=frame.log.last_line[:_LAST_LINE_LIMIT],
            truncated=frame.log.truncated,
        )

    result = ctx.processes.run(
        spec,
        log=frame.log,
        stop=ctx.stops.now,
        deadline=deadline,
        on_line=on_line,
        on_output=refer,
    )
    if frame.log is not None and frame.log.size > told:
        refer()
    wish = ctx.stops.wish
    if result.stopped is not None and wish is not None:
        raise RunStopped(wish)
    return result


def timed_out_after(seconds: float | None) -> str:
    """What is said of a command that took too long; None: a limit around it was meant."""
    return f"Command timed out after {seconds:g} seconds" if seconds else "Command timed out"


def outcome_of(result: ProcessResult, timeout_seconds: float | None) -> CommandOutcome:
    """What the end of a process means for the command it ran."""
    error = result.not_started
    if result.timed_out:
        error = timed_out_after(timeout_seconds)
    return CommandOutcome(
        exit_code=result.exit_code,
        stdout=result.stdout,
        stderr=result.stderr,
        combined=result.combined,
        duration_seconds=result.duration_seconds,
        signal=result.signal,
        timed_out=result.timed_out,
        error=error,
        log_bytes=result.log_bytes,
        truncated=result.truncated,
    )
