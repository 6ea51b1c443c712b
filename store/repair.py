"""Making the record of a run anew from what else is known of it: its checkpoint, its worktree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from store import atomic, checkpoints, fields, worktree_metadata
from store.checkpoint import WorkflowCheckpoint
from store.errors import AlreadyExists, NotFound, Unreadable
from store.home import Home
from store.projection import project
from store.reconcile import CheckpointFacts, MetadataFacts, Truth, reconcile
from store.scan import list_home
from store.session import SessionConfig, UnifiedSession, new_document, transition
from store.states import MergeState, SessionStatus, StopKind
from store.times import to_text, utc_now
from store.worktree_metadata import WorktreeMetadata

_WORKFLOW_ID = re.compile(r"workflow-(\d{12,14})\Z")
_INPUT = re.compile(r"ARG(_\d+)?\Z")
_INPUT_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class Repaired:
    """A record that was made anew, and what had to be moved out of its way."""

    document: dict[str, Any]
    path: Path
    set_aside: Path | None = None


def runs_without_record(home: Home) -> list[str]:
    """Ids of runs that have a checkpoint or a worktree in use, but no record."""
    listing = list_home(home)
    ids = set(listing.with_checkpoint)
    for run_id, path in listing.with_metadata.items():
        try:
            metadata = worktree_metadata.read_path(path)
        except (NotFound, Unreadable):
            continue
        if metadata.status != "cleaned_up" and not metadata.is_of_agent:
            ids.add(run_id)
    return sorted(ids)


def record_from_evidence(
    home: Home, run_id: str, *, started_by: str = "resume", now: datetime | None = None
) -> dict[str, Any]:
    """Build the record of a run that has none, or none that can be read; nothing is written.

    A run that was not over becomes Paused, stopped by a crash.

    Args:
        home: the state home.
        run_id: the run.
        started_by: what makes the record: ``resume`` or ``migrated``.
        now: the present moment.

    Raises:
        NotFound: nothing else is known of the run.
    """
    now = now or utc_now()
    found = checkpoints.newest(home, run_id)
    checkpoint = found.checkpoint if found is not None else None
    metadata = worktree_metadata.read_if_any(home, run_id)
    truth = reconcile(
        None,
        CheckpointFacts.of(checkpoint) if checkpoint is not None else None,
        MetadataFacts.of(metadata.document) if metadata is not None else None,
    )
    if truth.status is None:
        raise NotFound(
            f"nothing but its name is known of session {run_id}", hint="prodigy sessions list"
        )
    started = min(_moments(run_id, checkpoint, metadata), default=now)
    config = _config(run_id, checkpoint, metadata, truth, started, started_by, now)
    document = new_document(config, run_id, started)
    if checkpoint is not None:
        project(checkpoint, document, now=now)
    ended = max(started, _last_moment(checkpoint, metadata) or now)
    _reach(document, truth, checkpoint, metadata, ended)
    UnifiedSession.parse(document, run_id)
    return document


def make_record(
    home: Home, run_id: str, *, started_by: str = "resume", now: datetime | None = None
) -> Repaired:
    """Write the record ``record_from_evidence`` builds; only for the holder of the run's lock.

    An unreadable record is moved aside first.

    Raises:
        AlreadyExists: there is a record that can be read.
        NotFound: nothing else is known of the run.
        StoreError: it cannot be written.
    """
    path = home.session_file(run_id)
    try:
        UnifiedSession.parse(atomic.read_json_object(path), run_id)
    except NotFound:
        in_the_way = False
    except Unreadable:
        in_the_way = True
    else:
        raise AlreadyExists("the record is there and can be read", path=path, operation="create")
    document = record_from_evidence(home, run_id, started_by=started_by, now=now)
    aside = atomic.set_aside(path) if in_the_way else None
    atomic.make_directory(path.parent)
    atomic.create_file(path, atomic.dump_json(document))
    return Repaired(document, path, aside)


def _moments(
    run_id: str, checkpoint: WorkflowCheckpoint | None, metadata: WorktreeMetadata | None
) -> Iterator[datetime]:
    """Every moment at which the run was under way, as far as anything says so."""
    texts = []
    ids = [run_id]
    if metadata is not None:
        texts.append(metadata.created_at)
    if checkpoint is not None:
        texts.append(checkpoint.start_time)
        ids.append(checkpoint.workflow_id)
        for step in checkpoint.completed_steps[:1]:
            ended = fields.moment(step.completed_at)
            if ended is not None:
                yield ended - timedelta(seconds=step.duration_seconds)
    for text in texts:
        moment = fields.moment(text)
        if moment is not None:
            yield moment
    for match in filter(None, map(_WORKFLOW_ID.match, ids)):
        yield datetime.fromtimestamp(int(match[1]) / 1000, UTC)


def _last_moment(
    checkpoint: WorkflowCheckpoint | None, metadata: WorktreeMetadata | None
) -> datetime | None:
    """When the run was last known to be under way: what is told of it since is not its time."""
    if checkpoint is not None:
        return fields.moment(checkpoint.timestamp)
    return fields.moment(metadata.updated_at) if metadata is not None else None


def _config(
    run_id: str,
    checkpoint: WorkflowCheckpoint | None,
    metadata: WorktreeMetadata | None,
    truth: Truth,
    started: datetime,
    started_by: str,
    now: datetime,
) -> SessionConfig:
    workflow_id = checkpoint.workflow_id if checkpoint is not None else ""
    if not workflow_id:
        own = _WORKFLOW_ID.match(run_id) is not None
        workflow_id = run_id if own else f"workflow-{int(started.timestamp() * 1000)}"
    extension = _extension(checkpoint, metadata, workflow_id)
    extension["migration"] = {
        "at": to_text(now),
        "from": truth.source,
        "notes": [truth.not_resumable] if truth.not_resumable else [],
    }
    about: dict[str, Any] = {
        "worktree_name": _worktree_name(run_id, checkpoint, metadata),
        "started_by": started_by,
        "tags": ["migrated"],
        "x_prodigy": extension,
    }
    repo = extension["repo"].get("name")
    if repo:
        about["project_name"] = repo
    return SessionConfig(
        workflow_id=workflow_id,
        workflow_name=(checkpoint.workflow_name if checkpoint is not None else None) or "",
        id=run_id,
        total_steps=truth.total_steps,
        metadata=about,
        variables=_inputs(checkpoint),
    )


def _extension(
    checkpoint: WorkflowCheckpoint | None, metadata: WorktreeMetadata | None, workflow_id: str
) -> dict[str, Any]:
    repo: dict[str, Any] = {}
    base: dict[str, Any] = {}
    workflow: dict[str, Any] = {"id": workflow_id, "name": "", "path": None, "sha256": None}
    branch = metadata.branch if metadata is not None else ""
    extension: dict[str, Any] = {"repo": repo, "workflow": workflow, "base": base}
    if metadata is not None:
        repo.update(path=metadata.repo_path)
        if metadata.repo_path:
            repo["name"] = Path(metadata.repo_path).name
        base.update(branch=metadata.original_branch or None, commit=metadata.base_commit)
    if checkpoint is not None:
        x = checkpoint.x
        repo.update({key: value for key, value in x.repo.items() if value})
        workflow.update(name=checkpoint.workflow_name or "", path=checkpoint.workflow_path)
        if re.fullmatch(r"[0-9a-f]{64}", checkpoint.workflow_hash):
            workflow["sha256"] = checkpoint.workflow_hash
        if x.worktree:
            base.update(branch=x.worktree.get("base_branch"), commit=x.worktree.get("base_commit"))
            branch = fields.text(x.worktree.get("branch")) or branch
        if x.invocation:
            extension["invocation"] = dict(x.invocation)
    extension["branch"] = branch
    return extension


def _worktree_name(
    run_id: str, checkpoint: WorkflowCheckpoint | None, metadata: WorktreeMetadata | None
) -> str:
    told = fields.text(metadata.document.get("worktree_name")) if metadata is not None else ""
    path = fields.text(checkpoint.x.worktree.get("path")) if checkpoint is not None else ""
    return told or Path(path).name or run_id


def _inputs(checkpoint: WorkflowCheckpoint | None) -> Mapping[str, str]:
    if checkpoint is None:
        return {}
    names = set(fields.table(checkpoint.x.invocation.get("params")))
    return {
        name: value[:_INPUT_LIMIT]
        for name, value in checkpoint.variables.items()
        if isinstance(value, str) and (name in names or _INPUT.match(name))
    }


def _reach(
    document: dict[str, Any],
    truth: Truth,
    checkpoint: WorkflowCheckpoint | None,
    metadata: WorktreeMetadata | None,
    ended: datetime,
) -> None:
    """Take the new record to the status the evidence speaks of, at the moment that came to be."""
    x = checkpoint.x if checkpoint is not None else None
    match truth.status:
        case SessionStatus.COMPLETED:
            has_commits = x is not None and x.head_last not in (
                None,
                x.worktree.get("base_commit"),
            )
            merged = truth.merge == MergeState.MERGED
            transition(
                document,
                SessionStatus.COMPLETED,
                now=ended,
                merge_pending=has_commits and not merged,
            )
            if merged:
                document["metadata"]["merge"] = MergeState.MERGED.value
        case SessionStatus.FAILED:
            error = truth.error or (metadata.error if metadata is not None else None)
            failure = x.failure if x is not None else None
            transition(document, SessionStatus.FAILED, now=ended, error=error, failure=failure)
        case SessionStatus.CANCELLED:
            stop = (x.stop if x is not None else None) or {"kind": StopKind.CANCEL.value}
            transition(document, SessionStatus.CANCELLED, now=ended, stop=stop)
        case SessionStatus.PAUSED:
            stop = (x.stop if x is not None else None) or {"kind": StopKind.PAUSE.value}
            transition(document, SessionStatus.PAUSED, now=ended, stop=stop)
        case _:
            stop = {"kind": StopKind.CRASH.value, "step_index": truth.step_index}
            seen = to_text(ended)
            transition(document, SessionStatus.PAUSED, now=ended, stop=stop, last_seen=seen)
