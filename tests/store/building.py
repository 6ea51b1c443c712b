"""Small records, checkpoints and child processes for the tests of the store."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from store.checkpoint import CheckpointKind, CompletedStep, WorkflowCheckpoint
from store.home import Home
from store.manager import SessionManager
from store.session import SessionConfig

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW_ID = "workflow-1767225600123"
DEADLINE_SECONDS = 20.0


def config(total_steps: int = 3, **changes: Any) -> SessionConfig:
    """The configuration of a small workflow session."""
    settings: dict[str, Any] = {
        "workflow_id": WORKFLOW_ID,
        "workflow_name": "release-notes",
        "total_steps": total_steps,
    }
    return SessionConfig(**(settings | changes))


def created(home: Home, session_id: str = "session-a", total_steps: int = 3) -> str:
    """A session record on disk, Initializing."""
    return SessionManager(home).create_session(config(total_steps, id=session_id))


def done(index: int, **changes: Any) -> CompletedStep:
    """A finished step."""
    settings: dict[str, Any] = {
        "command": f"shell: make part-{index}",
        "kind": "shell",
        "label": f"shell: make part-{index}",
        "duration_seconds": 1.5,
        "completed_at": "2026-01-01T00:00:05.000000Z",
        "log": f"logs/{index:03}-1.log",
    }
    return CompletedStep(index, **(settings | changes))


def checkpoint(run_id: str = "session-a", index: int = 0, total: int = 3) -> WorkflowCheckpoint:
    """A checkpoint of which so many steps are done; not saved yet."""
    made = WorkflowCheckpoint(
        WORKFLOW_ID,
        workflow_name="release-notes",
        workflow_path="/home/ana/notes.yml",
        workflow_hash="c" * 64,
        total_steps=total,
        index=index,
        start_time="2026-01-01T00:00:00.000000Z",
        completed_steps=[done(number) for number in range(index)],
        kind=CheckpointKind.STEP if index else CheckpointKind.START,
    )
    made.x.session_id = run_id
    return made


def python(code: str, **environment: str) -> subprocess.Popen[str]:
    """Start Python code in a process of its own; it sees the store package and this module."""
    variables = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=variables | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for such a process: exit code, output, errors."""
    output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    return process.returncode, output, errors


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is so; fail saying what never was."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it never came to this: {what}")
        time.sleep(0.005)
