"""A stopped run as its files have it: where everything is, and what is true of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.git.command import Git, GitError
from orchestrator.git.repository import Repository, current_branch
from orchestrator.git.worktrees import is_worktree, list_worktrees
from orchestrator.refusal import EXIT_NOT_FOUND, Refused
from store import checkpoints, fields, reconcile
from store.atomic import read_json_object
from store.checkpoint import WorkflowCheckpoint
from store.errors import NotFound, StoreError, Unreadable
from store.home import Home, is_id
from store.locks import Verdict, probe
from store.reconcile import CheckpointFacts, MetadataFacts, RecordFacts, Truth
from store.session import UnifiedSession
from store.states import SessionStatus
from store.times import utc_now
from store.worktree_metadata import WorktreeMetadata, new_document, read_if_any

_ACTIVE = frozenset({SessionStatus.INITIALIZING, SessionStatus.RUNNING})


@dataclass(slots=True)
class StoppedRun:
    """What is on disk of a run; a record with a problem is unreadable, without one missing."""

    home: Home
    session_id: str
    record: UnifiedSession | None
    record_problem: str | None
    checkpoint: WorkflowCheckpoint | None
    checkpoint_problems: tuple[str, ...]
    metadata: WorktreeMetadata | None
    verdict: Verdict
    truth: Truth
    lost_variables: tuple[str, ...] = ()
    named_workflow: Path | None = None
    """The workflow file somebody names for it, in place of what was recorded."""
    saved_by_half: bool = False
    """Whether the checkpoint is in the history only: killed before it became the main file."""

    # -- what several files may say; the checkpoint first

    def _x(self, key: str) -> dict[str, Any]:
        if self.checkpoint is not None:
            found = getattr(self.checkpoint.x, key, None)
            if isinstance(found, dict) and found:
                return found
        return fields.table(self.record.x.get(key)) if self.record is not None else {}

    @property
    def invocation(self) -> dict[str, Any]:
        return self._x("invocation")

    @property
    def repo_path(self) -> str:
        told = fields.text(self._x("repo").get("path"))
        return told or (self.metadata.repo_path if self.metadata is not None else "")

    @property
    def repo_name(self) -> str:
        told = fields.text(self._x("repo").get("name"))
        return told or (self.record.repo_name if self.record is not None else "")

    @property
    def branch(self) -> str:
        """The branch of its worktree, by what was recorded or by what is checked out there."""
        recorded = self._recorded_branch
        if not recorded and is_worktree(self.worktree):
            recorded = current_branch(self.worktree) or ""
        return recorded or f"prodigy-{self.session_id}"

    @property
    def _recorded_branch(self) -> str:
        if self.checkpoint is not None and self.checkpoint.x.worktree.get("branch"):
            return str(self.checkpoint.x.worktree["branch"])
        if self.record is not None and self.record.x.get("branch"):
            return str(self.record.x["branch"])
        return self.metadata.branch if self.metadata is not None else ""

    @property
    def base_branch(self) -> str | None:
        for source, key in ((self._x("worktree"), "base_branch"), (self._x("base"), "branch")):
            if source.get(key):
                return str(source[key])
        return (self.metadata.original_branch if self.metadata is not None else "") or None

    @property
    def base_commit(self) -> str:
        for source, key in ((self._x("worktree"), "base_commit"), (self._x("base"), "commit")):
            if source.get(key):
                return str(source[key])
        return self.metadata.base_commit if self.metadata is not None else ""

    @property
    def worktree(self) -> Path:
        """Where its worktree is, or was, or would be made."""
        known = [Path(place) for place in self._recorded_places if place]
        for directory in (self.home.worktrees, _default_worktrees()):
            for name in self._worktree_names:
                known += directory.glob(f"*/{name}")
        found = next((place for place in known if place.exists()), None)
        found = found or self._registered_worktree()
        if found is not None:
            return found
        if known:
            return known[0]
        return self.home.worktree(self.repo_name or "repository", self.session_id)

    @property
    def _recorded_places(self) -> tuple[str, str]:
        metadata = self.metadata
        told = fields.text(self._x("worktree").get("path"))
        return told, metadata.path if metadata is not None else ""

    @property
    def _worktree_names(self) -> list[str]:
        """Its own id and, for a run of the original, the name it was given."""
        named = self.record.worktree_name if self.record is not None else None
        told = self.metadata.document.get("worktree_name") if self.metadata is not None else None
        others = [name for name in (named, told) if isinstance(name, str) and is_id(name)]
        return list(dict.fromkeys([self.session_id, *others]))

    def _registered_worktree(self) -> Path | None:
        """The worktree in which git has its branch checked out, wherever that is."""
        branch = self._recorded_branch or f"prodigy-{self.session_id}"
        if not self.repo_path or not Path(self.repo_path).is_dir():
            return None
        try:
            entries = list_worktrees(Repository.discover(Path(self.repo_path)))
        except GitError:
            return None
        there = (entry.path for entry in entries if entry.branch == branch and entry.path.is_dir())
        return next(there, None)

    @property
    def workflow_path(self) -> str:
        """Where its workflow file is, or was; empty when that was not recorded."""
        places = self.workflow_places
        found = next((place for place in places if place.is_file()), None)
        return str(found or (places[0] if places else ""))

    @property
    def workflow_places(self) -> list[Path]:
        """Where its workflow file may be: a relative path may be against three directories."""
        if self.named_workflow is not None:
            return [self.named_workflow]
        told = fields.table(self.record.x.get("workflow")) if self.record is not None else {}
        recorded = (self.checkpoint.workflow_path if self.checkpoint is not None else None) or ""
        path = Path(recorded or fields.text(told.get("path")))
        if path == Path():
            return []
        if path.is_absolute():
            return [path]
        directories = [Path.cwd(), self.worktree]
        try:
            directories.insert(1, find_repository(self).path)
        except Refused:
            pass
        return list(dict.fromkeys(directory / path for directory in directories))

    @property
    def workflow_hash(self) -> str:
        if self.checkpoint is not None and self.checkpoint.workflow_hash:
            return self.checkpoint.workflow_hash
        told = fields.table(self.record.x.get("workflow")) if self.record is not None else {}
        return fields.text(told.get("sha256"))

    @property
    def workflow_files(self) -> list[dict[str, Any]]:
        """The saved copies of its workflow files; before the first checkpoint the record's."""
        if self.checkpoint is not None:
            return self.checkpoint.x.workflow_files
        told = fields.table(self.record.x.get("workflow")) if self.record is not None else {}
        return fields.rows(told.get("files"))

    @property
    def saved_copy(self) -> Path | None:
        """The copy of the workflow file that was saved with the run."""
        main = next(
            (one for one in self.workflow_files if one.get("role") in ("main", "generated")), None
        )
        directory = self.home.workflow_copies(self.session_id)
        if main is not None:
            path = directory / Path(str(main.get("file", ""))).name
            return path if path.is_file() else None
        found = sorted(directory.glob(f"{self.workflow_hash or '?'}-*"))
        return found[0] if found else None


def _default_worktrees() -> Path:
    """Where the original keeps worktrees, whatever its home is set to."""
    return Path.home() / ".prodigy" / "worktrees"


def read_run(home: Home, session_id: str, *, seq: int | None = None) -> StoppedRun:
    """Read everything a run has on disk.

    Args:
        home: the state home.
        session_id: the run.
        seq: a checkpoint to go on from instead of the newest.

    Raises:
        Refused: there is nothing of it, or not that checkpoint (exit 3).
    """
    record, problem = _read_record(home, session_id)
    found = checkpoints.newest(home, session_id)
    checkpoint = found.checkpoint if found is not None else None
    if seq is not None:
        try:
            chosen = checkpoints.load_seq(home, session_id, seq)
        except (NotFound, Unreadable) as error:
            raise Refused(str(error), code="no_checkpoint", exit_code=EXIT_NOT_FOUND) from error
        chosen.seq = checkpoint.seq if checkpoint is not None else chosen.seq
        checkpoint = chosen
    try:
        metadata = read_if_any(home, session_id)
    except StoreError:
        metadata = None
    if record is None and problem is None and checkpoint is None and metadata is None:
        raise Refused(
            f"nothing is known of session {session_id}",
            code="not_found",
            exit_code=EXIT_NOT_FOUND,
            hint="prodigy sessions list",
        )
    status = record.status if record is not None else None
    truth = reconcile.reconcile(
        RecordFacts.of(record.document) if record is not None else None,
        CheckpointFacts.of(found.checkpoint) if found is not None else None,
        MetadataFacts.of(metadata.document) if metadata is not None else None,
    )
    lost: tuple[str, ...] = ()
    if checkpoint is not None:
        lost = tuple(checkpoints.restore_spilled(home, session_id, checkpoint))
    return StoppedRun(
        home=home,
        session_id=session_id,
        record=record,
        record_problem=problem,
        checkpoint=checkpoint,
        checkpoint_problems=found.skipped if found is not None else (),
        metadata=metadata,
        verdict=probe(home, session_id, says_active=status in _ACTIVE),
        truth=truth,
        lost_variables=lost,
        saved_by_half=found is not None and found.path.parent == home.history_directory(session_id),
    )


def _read_record(home: Home, session_id: str) -> tuple[UnifiedSession | None, str | None]:
    path = home.session_file(session_id)
    try:
        return UnifiedSession.parse(read_json_object(path), session_id), None
    except NotFound:
        return None, None
    except StoreError as error:
        return None, error.reason


def find_repository(run: StoppedRun) -> Repository:
    """The repository of a run, through its worktree or where it was recorded.

    Raises:
        Refused: neither is there.
    """
    for start in (run.worktree, Path(run.repo_path) if run.repo_path else None):
        if start is not None and start.is_dir():
            try:
                return Repository.discover(start)
            except GitError:
                continue
    raise Refused(
        f"the repository of {run.session_id} is gone: {run.repo_path or 'unknown'}",
        code="no_repository",
    )


def base_commit_of(run: StoppedRun, repository: Repository) -> str:
    """The commit the run began at; where nothing says so, where its branch left the target."""
    if run.base_commit:
        return run.base_commit
    git = Git(repository.path)
    found = git.look("merge-base", run.branch, run.base_branch or "HEAD", check=False)
    return found.text if found.ok else "HEAD"


def metadata_of(run: StoppedRun, repository: Repository, base: str) -> dict[str, Any]:
    """The metadata of its worktree, made anew where it is missing."""
    if run.metadata is not None:
        return dict(run.metadata.document)
    return new_document(
        session_id=run.session_id,
        branch=run.branch,
        original_branch=run.base_branch,
        path=run.worktree,
        repo_path=repository.path,
        base_commit=base,
        now=utc_now(),
    )
