"""The files one run of a command writes: its log, and the file it may leave variables in."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.context import Frame, RunContext
from orchestrator.steps.step_log import StepLog
from orchestrator.texts import warn_once
from store.atomic import make_directory
from store.errors import StoreError
from store.faults import point
from store.step_logs import next_handler_log, next_log


@contextmanager
def opened_log(ctx: RunContext, frame: Frame) -> Iterator[StepLog | None]:
    """Open the log for the next run of the frame's command and set ``frame.attempt``.

    A log that cannot be written costs a warning, never the step.
    """
    try:
        point("S1.log")
        if frame.role == "step":
            frame.attempt, path = next_log(ctx.home, ctx.session_id, frame.index)
        else:
            path = next_handler_log(ctx.home, ctx.session_id, frame.index, frame.attempt)
        log = StepLog(path, ctx.secrets, max_bytes=ctx.config.log_max_bytes)
    except (OSError, StoreError) as error:
        warn_once(ctx, f"the output of step {frame.index + 1} is not logged: {error}")
        frame.attempt = max(frame.attempt, 1)
        yield None
        return
    try:
        yield log
    finally:
        log.close()


def note(frame: Frame, text: str) -> None:
    """Write a line of our own into the log, where output would have been."""
    if frame.log is not None:
        frame.log.write(text.encode())


@contextmanager
def output_file(ctx: RunContext) -> Iterator[Path]:
    """An empty private file for ``$PRODIGY_OUTPUT``, removed afterwards."""
    make_directory(ctx.scratch)
    path = ctx.scratch / f"output-{uuid.uuid4().hex}"
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
