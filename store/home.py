"""Every path of the state home; nobody else builds one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from store.errors import InvalidId

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\Z")
_SAFE_NAME = re.compile(r"(?!\.{1,2}\Z)[^/\0\ud800-\udfff]{1,255}\Z")
_LONGEST_NAME_BYTES = 255
_LOOKS_LIKE_AN_ID = re.compile(r"(session|workflow|mapreduce|checkpoint)-")
_RESERVED_REPOSITORY_NAMES = frozenset({"archive", "reduce_checkpoints", "checkpoints"})

REQUEST_ACTIONS = ("set_parallel", "pause", "pause_now", "cancel")
"""What can be asked of the owner of a run, weakest first."""


def new_session_id() -> str:
    """A fresh ``session-{uuid4}``."""
    from uuid import uuid4  # lists need none, and it is slow to load

    return f"session-{uuid4()}"


def check_id(text: str) -> str:
    """Return the text if it may become part of a path.

    Raises:
        InvalidId: it may not (separators, ``..``, control characters, too long, empty).
    """
    if not is_id(text):
        raise InvalidId(f"invalid id: {text[:80]!r}", hint="prodigy sessions list shows the ids")
    return text


def is_id(text: str) -> bool:
    """Whether the text may become part of a path."""
    return _SAFE_ID.match(text) is not None and ".." not in text


def is_name(text: str) -> bool:
    """Whether the text may be one part of a path, as names of repositories and worktrees are."""
    if _SAFE_NAME.match(text) is None:
        return False
    return text.isascii() or len(text.encode()) <= _LONGEST_NAME_BYTES


def repository_directory(name: str) -> str:
    """The directory name for a repository; one that could be taken for an id gets ``_repo``.

    Raises:
        InvalidId: no repository has such a name.
    """
    if not is_name(name):
        raise InvalidId(f"not the name of a repository: {name[:80]!r}")
    if _LOOKS_LIKE_AN_ID.match(name) or name in _RESERVED_REPOSITORY_NAMES:
        return f"{name}_repo"
    return name


@dataclass(frozen=True, slots=True)
class Home:
    """The state home ``$PRODIGY_HOME`` or ``~/.prodigy`` and every path in it.

    Run ids are checked before they become part of a path (``InvalidId``); ``repo`` arguments are
    repository names and become directories by ``repository_directory``.
    """

    root: Path

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, directory: Path | None = None
    ) -> Home:
        """The home the environment names; relative ones are against ``directory`` (the current)."""
        variables = os.environ if environment is None else environment
        named = variables.get("PRODIGY_HOME", "")
        user_home = Path(variables.get("HOME") or Path.home())
        if not named:
            return cls(user_home / ".prodigy")
        if named == "~" or named.startswith("~/"):
            return cls(user_home / named[2:])
        return cls(Path(os.path.abspath((directory or Path.cwd()) / named)))

    # -- session records
    @property
    def sessions(self) -> Path:
        return self.root / "sessions"

    def session_file(self, run_id: str) -> Path:
        return self.root.joinpath("sessions", f"{check_id(run_id)}.json")

    # -- one run's own directory
    @property
    def state(self) -> Path:
        return self.root / "state"

    def run_directory(self, run_id: str) -> Path:
        return self.root.joinpath("state", check_id(run_id))

    def run_lock(self, run_id: str) -> Path:
        return self.root.joinpath("state", check_id(run_id), "run.lock")

    def owner_file(self, run_id: str) -> Path:
        return self.root.joinpath("state", check_id(run_id), "owner.json")

    def control_directory(self, run_id: str) -> Path:
        return self.run_directory(run_id) / "control"

    def request_file(self, run_id: str, action: str) -> Path:
        if action not in REQUEST_ACTIONS:
            raise InvalidId(f"unknown request: {action[:80]!r}")
        return self.control_directory(run_id) / f"{action}.json"

    def checkpoints_directory(self, run_id: str) -> Path:
        return self.root.joinpath("state", check_id(run_id), "checkpoints")

    def checkpoint_file(self, run_id: str, workflow_id: str) -> Path:
        return self.checkpoints_directory(run_id) / f"{check_id(workflow_id)}.checkpoint.json"

    def history_directory(self, run_id: str) -> Path:
        return self.checkpoints_directory(run_id) / "history"

    def history_file(self, run_id: str, seq: int) -> Path:
        return self.history_directory(run_id) / f"{seq:06}.json"

    def workflow_copies(self, run_id: str) -> Path:
        return self.run_directory(run_id) / "workflow"

    def captures_directory(self, run_id: str) -> Path:
        return self.run_directory(run_id) / "captures"

    def foreach_file(self, run_id: str, pass_number: int, step_index: int) -> Path:
        return self.run_directory(run_id) / "foreach" / f"{pass_number}-{step_index}.jsonl"

    def logs_directory(self, run_id: str) -> Path:
        return self.run_directory(run_id) / "logs"

    def run_log(self, run_id: str) -> Path:
        """The run's own diagnostics, and the output of a detached run."""
        return self.logs_directory(run_id) / "run.log"

    # -- by repository
    def events_directory(self, repo: str, run_id: str) -> Path:
        return self.root / "events" / repository_directory(repo) / check_id(run_id)

    @property
    def worktrees(self) -> Path:
        return self.root / "worktrees"

    def repository_worktrees(self, repo: str) -> Path:
        return self.worktrees / repository_directory(repo)

    def worktree(self, repo: str, run_id: str) -> Path:
        return self.repository_worktrees(repo) / check_id(run_id)

    def metadata_directory(self, repo: str) -> Path:
        return self.repository_worktrees(repo) / ".metadata"

    def metadata_file(self, repo: str, run_id: str) -> Path:
        return self.metadata_directory(repo) / f"{check_id(run_id)}.json"

    # -- of the original tool, only read
    def resume_lock(self, lock_id: str) -> Path:
        return self.root.joinpath("resume_locks", f"{check_id(lock_id)}.lock")

    # -- the home's own
    @property
    def index(self) -> Path:
        return self.root / "index.db"

    @property
    def config(self) -> Path:
        return self.root / "config.yml"
