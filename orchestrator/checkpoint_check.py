"""Whether a resume can use a run's checkpoints; setting bad ones aside; deleting them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from orchestrator.git.command import Git, GitError
from orchestrator.git.worktrees import is_worktree
from store.atomic import read_file, read_json_object, replace_file, set_aside
from store.checkpoint import WorkflowCheckpoint
from store.checkpoints import newest, unusable
from store.errors import NotFound, ReadOnly, StoreError, Unreadable
from store.home import Home
from store.locks import RunLock


@dataclass(frozen=True, slots=True)
class CheckpointVerdict:
    """What is wrong; ``seq`` is the checkpoint a resume would use, 0 when there is none."""

    seq: int
    problems: tuple[str, ...]


def check(home: Home, run_id: str) -> CheckpointVerdict:
    """Look at every checkpoint file of a run, and at the worktree the newest one belongs to."""
    problems = list(unusable(home, run_id))
    found = newest(home, run_id)
    if found is None:
        return CheckpointVerdict(0, (*problems, "no usable checkpoint"))
    checkpoint = found.checkpoint
    problems += _incomplete(home, run_id, checkpoint)
    problems += _unlike_worktree(checkpoint)
    return CheckpointVerdict(checkpoint.seq, tuple(dict.fromkeys(problems)))


def _incomplete(home: Home, run_id: str, checkpoint: WorkflowCheckpoint) -> list[str]:
    problems = []
    done = [step.index for step in checkpoint.completed_steps]
    if checkpoint.seq and done != list(range(checkpoint.index)):
        problems.append(
            f"its finished steps are not exactly those before step {checkpoint.index + 1}"
        )
    if checkpoint.index > checkpoint.total_steps > 0:
        problems.append(f"it is at step {checkpoint.index + 1} of {checkpoint.total_steps}")
    for entry in checkpoint.x.workflow_files:
        name = str(entry.get("file") or "")
        if name and not (home.run_directory(run_id) / name).is_file():
            problems.append(f"the saved copy of the workflow is gone: {name}")
    for variable, spilled in checkpoint.x.spilled.items():
        name = str(spilled.get("file") or "") if isinstance(spilled, dict) else ""
        if not (home.run_directory(run_id) / name).is_file():
            problems.append(f"the whole value of variable {variable} is gone")
    return problems


def _unlike_worktree(checkpoint: WorkflowCheckpoint) -> list[str]:
    path = Path(str(checkpoint.x.worktree.get("path") or ""))
    head = checkpoint.x.head_last
    if not checkpoint.x.worktree.get("path") or head is None:
        return []
    if not is_worktree(path):
        return [f"its worktree is gone: {path}"]
    try:
        if not Git(path).succeeds("merge-base", "--is-ancestor", head, "HEAD"):
            return [f"the worktree is not at or after commit {head[:7]}"]
    except GitError as error:
        return [str(error)]
    return []


def repair_checkpoints(home: Home, run_id: str) -> list[str]:
    """Set unreadable checkpoint files aside and make the newest good one the main file.

    Returns:
        What was done, a sentence each.

    Raises:
        Busy: somebody holds the run.
        StoreError: a file cannot be moved or written.
    """
    done = []
    with RunLock.acquire(home, run_id):
        for directory in (home.checkpoints_directory(run_id), home.history_directory(run_id)):
            for path in sorted(directory.glob("*.json")):
                reason = _why_unreadable(path)
                if reason is not None:
                    moved = set_aside(path)
                    done.append(f"{path.name} set aside as {moved.name}: {reason}")
        found = newest(home, run_id)
        if found is not None:
            main = home.checkpoint_file(run_id, found.checkpoint.workflow_id)
            if not main.exists():
                replace_file(main, read_file(found.path), sync=True, sync_directory=True)
                done.append(f"{main.name} made again from {found.path.name}")
    return done


def _why_unreadable(path: Path) -> str | None:
    try:
        WorkflowCheckpoint.parse(read_json_object(path), path)
    except (NotFound, ReadOnly):
        return None
    except Unreadable as error:
        return error.reason
    return None


def delete_checkpoints(home: Home, run_id: str) -> int:
    """Delete every checkpoint of a run that is not live; how many there were.

    Raises:
        Busy: somebody holds the run.
        StoreError: they cannot be deleted.
    """
    directory = home.checkpoints_directory(run_id)
    with RunLock.acquire(home, run_id):
        count = sum(1 for _ in home.history_directory(run_id).glob("*.json"))
        count = count or sum(1 for _ in directory.glob("*.json"))
        try:
            shutil.rmtree(directory)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StoreError(
                error.strerror or str(error), path=directory, operation="delete"
            ) from error
    return count
