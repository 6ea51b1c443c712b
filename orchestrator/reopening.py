"""Reading a stopped run from its files: enough to plan a resume, carry it out, or merge it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.config import Config
from orchestrator.git.command import Git, GitError
from orchestrator.git.repository import NoCommits, Repository
from orchestrator.passes import PassPlan
from orchestrator.preflight import resolve_start
from orchestrator.refusal import EXIT_NOT_FOUND, Refused
from orchestrator.reporting import RunRequest
from orchestrator.run_environment import RunEnvironment
from orchestrator.steps.masking import marked_names, restore_value
from orchestrator.workflow.load import Loaded, load_workflow
from orchestrator.workflow.model import Workflow
from store import checkpoints, fields, reconcile
from store.atomic import read_json_object
from store.checkpoint import WorkflowCheckpoint
from store.errors import NotFound, StoreError, Unreadable
from store.home import Home
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
        if self.checkpoint is not None and self.checkpoint.x.worktree.get("branch"):
            return str(self.checkpoint.x.worktree["branch"])
        if self.record is not None and self.record.x.get("branch"):
            return str(self.record.x["branch"])
        return (self.metadata.branch if self.metadata else "") or f"prodigy-{self.session_id}"

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
        places = [
            fields.text(self._x("worktree").get("path")),
            self.metadata.path if self.metadata is not None else "",
        ]
        known = [Path(place) for place in places if place]
        known += self.home.worktrees.glob(f"*/{self.session_id}")
        for place in known:
            if place.exists():
                return place
        if known:
            return known[0]
        return self.home.worktree(self.repo_name or "repository", self.session_id)

    @property
    def workflow_path(self) -> str:
        if self.checkpoint is not None and self.checkpoint.workflow_path:
            return self.checkpoint.workflow_path
        told = fields.table(self.record.x.get("workflow")) if self.record is not None else {}
        return fields.text(told.get("path"))

    @property
    def workflow_hash(self) -> str:
        if self.checkpoint is not None and self.checkpoint.workflow_hash:
            return self.checkpoint.workflow_hash
        told = fields.table(self.record.x.get("workflow")) if self.record is not None else {}
        return fields.text(told.get("sha256"))

    @property
    def saved_copy(self) -> Path | None:
        """The copy of the workflow file that was saved with the run."""
        files = self.checkpoint.x.workflow_files if self.checkpoint is not None else []
        main = next((one for one in files if one.get("role") in ("main", "generated")), None)
        directory = self.home.workflow_copies(self.session_id)
        if main is not None:
            path = directory / Path(str(main.get("file", ""))).name
            return path if path.is_file() else None
        found = sorted(directory.glob(f"{self.workflow_hash or '?'}-*"))
        return found[0] if found else None


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
    )


def _read_record(home: Home, session_id: str) -> tuple[UnifiedSession | None, str | None]:
    path = home.session_file(session_id)
    try:
        return UnifiedSession.parse(read_json_object(path), session_id), None
    except NotFound:
        return None, None
    except StoreError as error:
        return None, error.reason


# -- the workflow and its environment


@dataclass(frozen=True, slots=True)
class Reopened:
    """A stopped run with its workflow loaded and its environment resolved anew."""

    run: StoppedRun
    workflow: Workflow
    request: RunRequest
    environment: RunEnvironment
    parameters: Mapping[str, object]
    plan: PassPlan
    repository: Repository
    missing_secrets: tuple[str, ...] = ()
    from_disk: bool = False
    on_disk: Loaded | None = field(default=None, repr=False)
    """The file as it is on disk now, when it differs from what is used."""


def saved_workflow(run: StoppedRun, *, use_file: bool) -> tuple[Loaded | None, bool, Loaded | None]:
    """The workflow a resume uses, whether it is the file on disk, and that file if it differs.

    The saved copy is used unless somebody chose the file, or the copy has masks in it and the file
    is still the same.
    """
    path = Path(run.workflow_path) if run.workflow_path else None
    text = _read(path)
    same = text is not None and hashlib.sha256(text).hexdigest() == run.workflow_hash
    copy = _read(run.saved_copy)
    parts = _saved_parts(run)
    masked = copy is not None and bool(marked_names(copy.decode("utf-8", "replace")))
    on_disk = None
    if path is not None and text is not None and not same:
        on_disk = load_workflow(path, text=text)
    if path is not None and text is not None and (use_file or copy is None or (masked and same)):
        return load_workflow(path, text=text), not same, on_disk
    if copy is None or path is None or masked:
        return None, False, on_disk
    return load_workflow(path, text=copy, files=parts), False, on_disk


def _saved_parts(run: StoppedRun) -> dict[str, bytes]:
    """The saved copies of the files the workflow was composed from, by their original path."""
    files = run.checkpoint.x.workflow_files if run.checkpoint is not None else []
    directory = run.home.workflow_copies(run.session_id)
    parts = {}
    for file in files:
        content = _read(directory / Path(str(file.get("file", ""))).name)
        if content is not None and file.get("role") != "main":
            parts[str(file.get("path"))] = content
    return parts


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError:
        return None


def request_of(run: StoppedRun, secrets: Mapping[str, str]) -> RunRequest:
    """The request a run was started with, what was masked in it put back."""
    told = restore_value(run.invocation, secrets)
    invocation = told if isinstance(told, dict) else {}
    parameters = fields.table(invocation.get("params"))
    file = invocation.get("parameter_file")
    return RunRequest(
        workflow=Path(run.workflow_path or "workflow.yml"),
        directory=Path(fields.text(invocation.get("cwd")) or run.repo_path or "."),
        session_id=run.session_id,
        args=tuple(str(value) for value in invocation.get("args") or ()),
        parameters={str(name): str(value) for name, value in parameters.items()},
        parameter_file=Path(file) if isinstance(file, str) else None,
        max_iterations=fields.whole(invocation.get("max_iterations"), 1),
        profile=fields.optional_text(invocation.get("profile")),
        command=fields.text(invocation.get("command")) or "run",
    )


def find_repository(run: StoppedRun) -> Repository:
    """The repository of a run, through its worktree or where it was recorded.

    Raises:
        Refused: neither is there.
    """
    for start in (run.worktree, Path(run.repo_path) if run.repo_path else None):
        if start is not None and start.is_dir():
            try:
                return Repository.discover(start)
            except NoCommits:
                continue
            except GitError:
                continue
    raise Refused(
        f"the repository of {run.session_id} is gone: {run.repo_path or 'unknown'}",
        code="no_repository",
    )


def reopen(
    run: StoppedRun,
    environment: Mapping[str, str],
    config: Config,
    *,
    use_file: bool = False,
) -> Reopened:
    """Load the workflow of a stopped run and resolve its environment here and now.

    Raises:
        Refused: there is no workflow to go on with, or a secret or parameter is missing.
    """
    loaded, from_disk, on_disk = saved_workflow(run, use_file=use_file)
    if loaded is None:
        raise Refused(
            f"no workflow to go on with: no saved copy, and {run.workflow_path or 'no file'} "
            "is not the file it was",
            code="no_workflow",
            hint=f"prodigy resume {run.session_id} --use-file" if on_disk else "",
        )
    if loaded.workflow is None:
        raise Refused(
            f"{run.workflow_path} cannot be run as it is",
            code="invalid_workflow",
            exit_code=2,
            problems=loaded.problems,
        )
    workflow = loaded.workflow
    request = request_of(run, {})
    _, first = resolve_start(request, workflow, environment, claude_key=config.claude_api_key)
    request = request_of(run, first.secrets.values)
    parameters, resolved = resolve_start(
        request, workflow, environment, claude_key=config.claude_api_key
    )
    repository = find_repository(run)
    return Reopened(
        run=run,
        workflow=workflow,
        request=request,
        environment=resolved.in_repository(repository.checkout, run.base_branch),
        parameters=parameters,
        plan=_pass_plan(run, request),
        repository=repository,
        missing_secrets=tuple(sorted(_still_masked(run.invocation, first.secrets.values))),
        from_disk=from_disk,
        on_disk=on_disk,
    )


def _still_masked(invocation: Mapping[str, Any], secrets: Mapping[str, str]) -> set[str]:
    told = {"args": invocation.get("args"), "params": invocation.get("params")}
    return set(marked_names(str(restore_value(told, secrets))))


def _pass_plan(run: StoppedRun, request: RunRequest) -> PassPlan:
    inputs = request.args
    if not inputs and run.checkpoint is not None:
        given = run.checkpoint.x.pass_.get("input") or run.checkpoint.variables.get("ARG")
        inputs = (str(given),) if given is not None else ()
    return PassPlan(inputs, max(1, request.max_iterations or 1))


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
