"""Stores with sessions in every condition, for the tests of lists and look-ups."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from store import atomic, checkpoints
from store.catalog import Catalog, SessionFilter
from store.checkpoint import CheckpointKind, WorkflowCheckpoint
from store.home import Home
from store.row import SessionRow
from store.session import SessionConfig, new_document, transition
from store.states import CheckpointStatus, SessionStatus, State
from store.times import from_text
from tests.store.building import checkpoint, done, python

BEGIN = from_text("2026-01-01T10:00:00Z")
LATER = from_text("2026-01-01T10:10:00Z")
LONG_AGO = 1_767_225_600

HOLD = """
import sys
from pathlib import Path
from store.home import Home
from store.locks import RunLock
from store.owner import new_owner, write_owner
home = Home(Path({root!r}))
lock = RunLock.acquire(home, {run_id!r})
if {command!r}:
    owner = new_owner({command!r}, {attempt})
    write_owner(home, {run_id!r}, owner)
    print(owner.token, flush=True)
else:
    print("held", flush=True)
sys.stdin.read()
"""


class Holder:
    """Another process that owns a run until ``end``."""

    def __init__(self, home: Home, run_id: str, command: str = "run", attempt: int = 1) -> None:
        code = HOLD.format(root=str(home.root), run_id=run_id, command=command, attempt=attempt)
        self.process: subprocess.Popen[str] = python(code)
        assert self.process.stdout is not None
        self.token = self.process.stdout.readline().strip()
        assert self.token

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()

    def __enter__(self) -> Holder:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def record(
    run_id: str,
    status: SessionStatus = SessionStatus.COMPLETED,
    *,
    workflow: str = "release-notes",
    workflow_id: str = "workflow-1767225600123",
    repo: str = "webapp",
    merge: str | None = None,
    error: str = "step 2 failed: exit 101",
    x: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The document of a session that reached this status the way runs do."""
    extension: dict[str, Any] = {
        "repo": {"name": repo, "path": f"/home/ana/src/{repo}"},
        "workflow": {"id": workflow_id, "name": workflow, "path": f"/home/ana/{workflow}.yml"},
        "base": {"branch": "main", "commit": "d" * 40},
        "branch": f"prodigy-{run_id}",
    }
    config = SessionConfig(
        workflow_id=workflow_id,
        workflow_name=workflow,
        total_steps=3,
        metadata={
            "worktree_name": run_id,
            "project_name": repo,
            "x_prodigy": extension,
        },
    )
    document = new_document(config, run_id, BEGIN)
    if status is not SessionStatus.INITIALIZING:
        transition(document, SessionStatus.RUNNING, now=BEGIN, attempt={"pid": 1, "host": "orion"})
        document["workflow_data"]["current_step"] = 1
    if status not in (SessionStatus.INITIALIZING, SessionStatus.RUNNING):
        failure = {"step_index": 1, "label": "shell: pytest -q", "exit_code": 101}
        transition(
            document,
            status,
            now=LATER,
            error=error if status is SessionStatus.FAILED else None,
            failure=failure if status is SessionStatus.FAILED else None,
        )
    if merge is not None:
        document["metadata"]["merge"] = merge
    document["metadata"]["x_prodigy"] |= x or {}
    return document


def write(home: Home, document: dict[str, Any], *, old: bool = True) -> Path:
    """Put a record into the store; an old one was surely not changed within a clock tick."""
    path = home.session_file(document["id"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(atomic.dump_json(document))
    home.run_lock(document["id"]).parent.mkdir(parents=True, exist_ok=True)
    home.run_lock(document["id"]).touch()
    if old:
        os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def session(home: Home, run_id: str, *args: Any, **changes: Any) -> Path:
    """A record on disk."""
    return write(home, record(run_id, *args, **changes))


def saved_checkpoint(
    home: Home,
    run_id: str,
    index: int = 2,
    status: CheckpointStatus = CheckpointStatus.RUNNING,
    kind: CheckpointKind = CheckpointKind.STEP,
    **parts: Any,
) -> WorkflowCheckpoint:
    """A checkpoint of a run of three steps, saved."""
    made = checkpoint(run_id, index)
    made.status, made.kind = status, kind
    made.completed_steps = [done(number) for number in range(index)]
    made.x.repo = {"name": "webapp", "path": "/home/ana/src/webapp"}
    made.x.worktree = {
        "path": f"{home.root}/worktrees/webapp/{run_id}",
        "branch": f"prodigy-{run_id}",
        "base_branch": "main",
        "base_commit": "d" * 40,
    }
    for name, value in parts.items():
        setattr(made.x, name, value)
    checkpoints.save(home, made)
    return made


def metadata(home: Home, run_id: str, status: str = "in_progress", **changes: Any) -> Path:
    """Worktree metadata on disk."""
    path = home.metadata_file("webapp", run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "session_id": run_id,
        "worktree_name": run_id,
        "branch": f"prodigy-{run_id}",
        "original_branch": "main",
        "created_at": "2026-01-01T09:59:00.000000Z",
        "updated_at": "2026-01-01T10:05:00.000000Z",
        "status": status,
    }
    path.write_text(json.dumps(document | changes), encoding="utf-8")
    return path


def seen(catalog: Catalog, wanted: SessionFilter | None = None) -> list[tuple[str, State]]:
    """What a list shows now, and in which state."""
    catalog.refresh()
    return [(row.id, row.state) for row in catalog.rows(wanted)]


def only(catalog: Catalog) -> SessionRow:
    """The one session there is, as a list shows it now."""
    catalog.refresh()
    (row,) = catalog.rows()
    return row
