"""Running shell texts as steps, and looking for what they leave alive."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from orchestrator.steps.masking import Secret, Secrets
from orchestrator.steps.process import Processes, ProcessResult, ProcessSpec
from orchestrator.steps.process_end import survivors
from orchestrator.steps.step_log import StepLog
from orchestrator.steps.stopping import StopSignal

GRACE_SECONDS = 0.4


@dataclass
class Shells:
    """One run whose steps are shell texts."""

    directory: Path
    session_id: str = field(default_factory=lambda: f"session-{uuid4()}")
    stop: StopSignal = field(default_factory=StopSignal)

    def __post_init__(self) -> None:
        self.processes = Processes(self.session_id, grace_seconds=GRACE_SECONDS)

    def spec(self, text: str, *, step: str = "0-1", stdin: bytes | None = None) -> ProcessSpec:
        return ProcessSpec(
            argv=("sh", "-c", text),
            cwd=self.directory,
            env=dict(os.environ),
            marks=(self.session_id, step),
            stdin=stdin,
        )

    def run(
        self,
        text: str,
        *,
        step: str = "0-1",
        stdin: bytes | None = None,
        seconds: float | None = None,
        log: StepLog | None = None,
        **options: Any,
    ) -> ProcessResult:
        """Run a text as a step, ended after ``seconds`` if given."""
        return self.processes.run(
            self.spec(text, step=step, stdin=stdin),
            log=log,
            stop=self.stop,
            deadline=None if seconds is None else time.monotonic() + seconds,
            **options,
        )

    def log(self, *secrets: Secret, **options: Any) -> StepLog:
        return StepLog(self.directory / f"{uuid4()}.log", Secrets(secrets), **options)

    @property
    def alive(self) -> list[tuple[int, str, str]]:
        """What carries the mark of the run."""
        return survivors(self.session_id)


def wait_until(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Wait for a condition; fail with what it was when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"
