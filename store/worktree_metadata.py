"""Worktree metadata: the small file beside a repository's worktrees that says what became of one.

The format is the original's. Nothing is known only from here: it can be rebuilt at any time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from store.atomic import dump_json, make_directory, read_json_object, replace_file
from store.errors import NotFound, ReadOnly, Unreadable
from store.home import Home
from store.scan import AGENT_PREFIX, find_metadata
from store.states import StopKind
from store.times import later_than, to_text

__all__ = [
    "InterruptionType",
    "WorktreeMetadata",
    "WorktreeStatus",
    "find_metadata",
    "interruption_of",
    "new_document",
    "read",
    "read_if_any",
    "read_path",
    "set_merge_answer",
    "set_numbers",
    "set_status",
    "write",
    "write_path",
]

_MAX_ITERATIONS = 10


class WorktreeStatus(StrEnum):
    """The word stored in the metadata of a worktree."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    MERGED = "merged"
    CLEANED_UP = "cleaned_up"
    FAILED = "failed"
    ABANDONED = "abandoned"
    INTERRUPTED = "interrupted"


class InterruptionType(StrEnum):
    """How a run was interrupted, in the original's words."""

    USER_INTERRUPT = "user_interrupt"
    TERMINATION = "termination"
    PROCESS_KILL = "process_kill"
    UNKNOWN = "unknown"


_RESUMABLE = frozenset(
    {WorktreeStatus.IN_PROGRESS, WorktreeStatus.FAILED, WorktreeStatus.INTERRUPTED}
)
_INTERRUPTIONS = {
    StopKind.SIGINT: InterruptionType.USER_INTERRUPT,
    StopKind.PAUSE: InterruptionType.USER_INTERRUPT,
    StopKind.PAUSE_NOW: InterruptionType.USER_INTERRUPT,
    StopKind.SIGTERM: InterruptionType.TERMINATION,
    StopKind.SIGHUP: InterruptionType.TERMINATION,
    StopKind.CRASH: InterruptionType.PROCESS_KILL,
}


def interruption_of(stop: StopKind) -> InterruptionType:
    """The original's word for how a run stopped."""
    return _INTERRUPTIONS.get(stop, InterruptionType.UNKNOWN)


@dataclass(frozen=True, slots=True)
class WorktreeMetadata:
    """A view of a metadata document; what it lacks reads as empty."""

    document: dict[str, Any]

    @classmethod
    def parse(cls, document: dict[str, Any], path: Path) -> WorktreeMetadata:
        """Check what a reader needs.

        Raises:
            Unreadable: no status, or one that is no text.
        """
        if not isinstance(document.get("status"), str):
            raise Unreadable("no status", path=path)
        return cls(document)

    def _text(self, name: str) -> str:
        value = self.document.get(name)
        return value if isinstance(value, str) else ""

    def _extension(self, name: str) -> str:
        extension = self.document.get("x_prodigy")
        value = extension.get(name) if isinstance(extension, dict) else None
        return value if isinstance(value, str) else ""

    @property
    def session_id(self) -> str:
        return self._text("session_id")

    @property
    def status(self) -> str:
        """The stored word, one of ``WorktreeStatus`` unless a newer tool wrote it."""
        return self._text("status")

    @property
    def branch(self) -> str:
        return self._text("branch")

    @property
    def original_branch(self) -> str:
        """The branch the run began on; empty when HEAD was detached."""
        return self._text("original_branch")

    @property
    def created_at(self) -> str:
        return self._text("created_at")

    @property
    def updated_at(self) -> str:
        return self._text("updated_at")

    @property
    def merged(self) -> bool:
        return self.document.get("merged") is True or self.status == WorktreeStatus.MERGED

    @property
    def merged_at(self) -> str | None:
        return self._text("merged_at") or None

    @property
    def interruption_type(self) -> str | None:
        return self._text("interruption_type") or None

    @property
    def error(self) -> str | None:
        return self._text("error") or None

    @property
    def path(self) -> str:
        """Where the worktree is, when we recorded it."""
        return self._extension("path")

    @property
    def repo_path(self) -> str:
        return self._extension("repo_path")

    @property
    def base_commit(self) -> str:
        return self._extension("base_commit")

    @property
    def is_of_agent(self) -> bool:
        """Whether the worktree belongs to an agent of a job and is no run of its own."""
        return bool(self._extension("agent_id")) or self.session_id.startswith(AGENT_PREFIX)


def new_document(
    *,
    session_id: str,
    branch: str,
    original_branch: str | None,
    path: Path,
    repo_path: Path,
    base_commit: str,
    now: datetime,
) -> dict[str, Any]:
    """The metadata of a worktree that is being made, in progress."""
    moment = to_text(now)
    return {
        "session_id": session_id,
        "worktree_name": session_id,
        "branch": branch,
        "original_branch": original_branch or "",
        "created_at": moment,
        "updated_at": moment,
        "status": WorktreeStatus.IN_PROGRESS.value,
        "iterations": {"completed": 0, "max": _MAX_ITERATIONS},
        "stats": {"files_changed": 0, "commits": 0, "last_commit_sha": None},
        "merged": False,
        "merged_at": None,
        "error": None,
        "merge_prompt_shown": False,
        "merge_prompt_response": None,
        "interrupted_at": None,
        "interruption_type": None,
        "last_checkpoint": None,
        "resumable": True,
        "x_prodigy": {
            "format": 1,
            "path": str(path),
            "repo_path": str(repo_path),
            "base_commit": base_commit,
            "job_id": None,
            "agent_id": None,
        },
    }


def set_status(
    document: dict[str, Any],
    status: WorktreeStatus,
    *,
    now: datetime,
    stop: StopKind | None = None,
    error: str | None = None,
) -> None:
    """Say in place what became of the worktree.

    Args:
        document: the metadata.
        status: what it is now.
        now: the present moment.
        stop: how it was interrupted, for ``interrupted``.
        error: why it failed, for ``failed``.
    """
    moment = later_than(_text_or_none(document.get("updated_at")), now)
    document["status"] = status.value
    document["updated_at"] = moment
    document["resumable"] = status in _RESUMABLE
    if status is WorktreeStatus.IN_PROGRESS:
        document.update(error=None, interrupted_at=None, interruption_type=None)
    elif status is WorktreeStatus.INTERRUPTED:
        kind = interruption_of(stop) if stop is not None else InterruptionType.UNKNOWN
        document.update(interrupted_at=moment, interruption_type=kind.value)
    elif status is WorktreeStatus.FAILED:
        document["error"] = error
    elif status is WorktreeStatus.MERGED:
        document["merged"] = True
        document["merged_at"] = document.get("merged_at") or moment


def set_numbers(
    document: dict[str, Any],
    *,
    files_changed: int,
    commits: int,
    last_commit: str | None,
    iterations_completed: int,
) -> None:
    """Set in place what the run did to the worktree since its base."""
    stats = _object(document, "stats")
    stats.update(files_changed=files_changed, commits=commits, last_commit_sha=last_commit)
    iterations = _object(document, "iterations")
    iterations["completed"] = iterations_completed
    iterations.setdefault("max", _MAX_ITERATIONS)


def set_merge_answer(document: dict[str, Any], answer: str, *, now: datetime) -> None:
    """Record in place what a person answered to the question whether to merge."""
    document["merge_prompt_shown"] = True
    document["merge_prompt_response"] = answer
    document["updated_at"] = later_than(_text_or_none(document.get("updated_at")), now)


# -- files


def read(home: Home, repo: str, run_id: str) -> WorktreeMetadata:
    """Read the metadata of a run's worktree.

    Raises:
        NotFound: there is none.
        Unreadable: something else is there.
    """
    return read_path(home.metadata_file(repo, run_id))


def read_path(path: Path) -> WorktreeMetadata:
    """Read a metadata file, wherever it lies.

    Raises:
        NotFound: there is none.
        Unreadable: something else is there.
    """
    return WorktreeMetadata.parse(read_json_object(path), path)


def write(home: Home, repo: str, run_id: str, document: dict[str, Any]) -> None:
    """Write the metadata of a run's worktree.

    Raises:
        ReadOnly: a newer version wrote it.
        StoreError: it cannot be written.
    """
    write_path(home.metadata_file(repo, run_id), document)


def write_path(path: Path, document: dict[str, Any]) -> None:
    """Write a metadata file where it was found.

    Raises:
        ReadOnly: a newer version wrote it.
        StoreError: it cannot be written.
    """
    extension = document.get("x_prodigy")
    found = extension.get("format", 1) if isinstance(extension, dict) else 1
    if isinstance(found, int | float) and found > 1:
        raise ReadOnly(f"written by a newer version (format {found})", path=path, operation="write")
    make_directory(path.parent)
    replace_file(path, dump_json(document))


def read_if_any(home: Home, run_id: str) -> WorktreeMetadata | None:
    """The metadata of a run, or None when there is none that can be read."""
    path = find_metadata(home, run_id)
    if path is None:
        return None
    try:
        return read_path(path)
    except (NotFound, Unreadable):
        return None


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _object(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        value = document[name] = {}
    return value
