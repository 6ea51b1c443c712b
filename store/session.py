"""UnifiedSession: the record of one run as a view, and its creation (pure).

A record is a parsed JSON object that is edited in place, so that fields this version does not know
survive every rewrite; the view only reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from store import fields
from store.errors import StoreError, Unreadable
from store.states import MergeState, SessionStatus, SessionType
from store.times import duration_seconds, to_text
from store.transitions import (
    check_writable,
    extension_of,
    known_status,
    may_become,
    read_only_reason,
    transition,
)
from store.version import VERSION

__all__ = [
    "SessionConfig",
    "UnifiedSession",
    "check_writable",
    "extension_of",
    "may_become",
    "new_document",
    "new_workflow_data",
    "transition",
]


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """What a new session is made of.

    ``workflow_id`` is required for workflows, ``job_id`` for MapReduce. ``metadata`` is laid over
    the keys every record has (``workflow_type``, ``worktree_name``, ``project_name``,
    ``x_prodigy``, …); ``variables`` are the inputs of the run, already masked.
    """

    session_type: SessionType = SessionType.WORKFLOW
    workflow_id: str | None = None
    workflow_name: str = ""
    job_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None
    total_steps: int = 0
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnifiedSession:
    """A read-only view of a session record; every property reads the document anew."""

    id: str
    document: dict[str, Any]
    flags: tuple[str, ...] = ()
    """What is odd about the record without making it unreadable, in words for people."""

    @classmethod
    def parse(cls, document: object, stem: str) -> UnifiedSession:
        """View a parsed record; ``stem`` is its file's name without the ending and wins over id.

        Raises:
            Unreadable: it is no object or lacks status, session_type or started_at.
        """
        if not isinstance(document, dict):
            raise Unreadable("not a JSON object")
        for key in ("status", "session_type"):
            if not isinstance(document.get(key), str):
                raise Unreadable(f"no {key}")
        if fields.moment(document.get("started_at")) is None:
            raise Unreadable("no started_at that is a time")
        flags = []
        if document.get("id") != stem:
            flags.append(f"the record calls itself {str(document.get('id'))[:80]!r}")
        has_workflow = isinstance(document.get("workflow_data"), dict)
        has_job = isinstance(document.get("mapreduce_data"), dict)
        if has_workflow == has_job:
            which = "both" if has_workflow else "neither"
            flags.append(f"the record has {which} of workflow_data and mapreduce_data")
        return cls(stem, document, tuple(flags))

    # -- identity and status
    @property
    def status_word(self) -> str:
        return fields.text(self.document.get("status"))

    @property
    def status(self) -> SessionStatus | None:
        """The status, or None for a word unknown to this version (see ``status_word``)."""
        return known_status(self.status_word)

    @property
    def session_type_word(self) -> str:
        return fields.text(self.document.get("session_type"))

    @property
    def session_type(self) -> SessionType | None:
        word = self.session_type_word
        return next((kind for kind in SessionType if kind == word), None)

    @property
    def read_only_reason(self) -> str | None:
        """Why this version must not write the record, or None when it may."""
        return read_only_reason(self.document)

    # -- times
    @property
    def started_at(self) -> datetime:
        moment = fields.moment(self.document.get("started_at"))
        assert moment is not None  # parse saw to it
        return moment

    @property
    def updated_at(self) -> datetime:
        return fields.moment(self.document.get("updated_at")) or self.started_at

    @property
    def completed_at(self) -> datetime | None:
        return fields.moment(self.document.get("completed_at"))

    @property
    def timings(self) -> dict[str, float]:
        """Seconds by operation."""
        found = fields.table(self.document.get("timings"))
        return {name: duration_seconds(value) for name, value in found.items()}

    # -- what it says
    @property
    def error(self) -> str | None:
        return fields.optional_text(self.document.get("error"))

    @property
    def metadata(self) -> dict[str, Any]:
        return fields.table(self.document.get("metadata"))

    @property
    def x(self) -> dict[str, Any]:
        """The ``x_prodigy`` object."""
        return fields.table(self.metadata.get("x_prodigy"))

    @property
    def attempts(self) -> list[dict[str, Any]]:
        return fields.rows(self.x.get("attempts"))

    @property
    def merge_state(self) -> MergeState | None:
        word = self.metadata.get("merge")
        return next((state for state in MergeState if state == word), None)

    @property
    def repo_name(self) -> str:
        named = fields.text(fields.table(self.x.get("repo")).get("name"))
        return named or fields.text(self.metadata.get("project_name"))

    @property
    def repo_path(self) -> str:
        return fields.text(fields.table(self.x.get("repo")).get("path"))

    @property
    def worktree_name(self) -> str | None:
        shared = fields.optional_text(self.metadata.get("worktree_name"))
        return shared or fields.optional_text(self._workflow.get("worktree_name"))

    # -- the workflow's part
    @property
    def _workflow(self) -> dict[str, Any]:
        return fields.table(self.document.get("workflow_data"))

    @property
    def workflow_id(self) -> str:
        own = fields.text(self._workflow.get("workflow_id"))
        return own or fields.text(fields.table(self.x.get("workflow")).get("id"))

    @property
    def workflow_name(self) -> str:
        own = fields.text(self._workflow.get("workflow_name"))
        return own or fields.text(fields.table(self.x.get("workflow")).get("name"))

    @property
    def job_id(self) -> str | None:
        job = fields.table(self.document.get("mapreduce_data"))
        return fields.optional_text(job.get("job_id"))

    @property
    def current_step(self) -> int:
        """Index of the next step of this pass; ``total_steps`` when all are done."""
        shared = fields.whole(self.metadata.get("current_step"))
        return fields.whole(self._workflow.get("current_step"), shared)

    @property
    def total_steps(self) -> int:
        shared = fields.whole(self.metadata.get("total_steps"))
        return fields.whole(self._workflow.get("total_steps")) or shared

    @property
    def completed_steps(self) -> list[int]:
        found = self._workflow.get("completed_steps")
        indexes = found if isinstance(found, list) else []
        return [index for index in map(fields.optional_whole, indexes) if index is not None]

    @property
    def files_changed(self) -> int:
        return fields.whole(self._workflow.get("files_changed"))

    @property
    def variables(self) -> dict[str, str]:
        found = fields.table(self._workflow.get("variables"))
        return {name: value for name, value in found.items() if isinstance(value, str)}


def new_document(config: SessionConfig, session_id: str, now: datetime) -> dict[str, Any]:
    """The record of a session that is about to be created: Initializing.

    Raises:
        StoreError: the configuration lacks what its type needs.
    """
    is_workflow = config.session_type is SessionType.WORKFLOW
    needed = "workflow_id" if is_workflow else "job_id"
    if not (config.workflow_id if is_workflow else config.job_id):
        raise StoreError(f"a {config.session_type} session needs a {needed}", operation="create")
    at = to_text(now)
    metadata: dict[str, Any] = {
        "execution_start_time": at,
        "workflow_type": "standard" if is_workflow else "mapreduce",
        "total_steps": config.total_steps if is_workflow else 3,
        "current_step": 0,
    }
    given = dict(config.metadata)
    extension = {"format": fields.FORMAT, "tool": f"prodigy {VERSION}"}
    extension |= fields.table(given.pop("x_prodigy", {}))
    metadata |= given
    metadata["x_prodigy"] = extension
    return {
        "id": session_id,
        "session_type": str(config.session_type),
        "status": str(SessionStatus.INITIALIZING),
        "started_at": at,
        "updated_at": at,
        "completed_at": None,
        "metadata": metadata,
        "checkpoints": [],
        "timings": {},
        "error": None,
        "workflow_data": new_workflow_data(config) if is_workflow else None,
        "mapreduce_data": None if is_workflow else _new_job_data(config),
    }


def new_workflow_data(config: SessionConfig) -> dict[str, Any]:
    """The ``workflow_data`` of a run of which no step is done."""
    return {
        "workflow_id": config.workflow_id,
        "workflow_name": config.workflow_name,
        "current_step": 0,
        "total_steps": config.total_steps,
        "completed_steps": [],
        "variables": dict(config.variables),
        "iterations_completed": 0,
        "files_changed": 0,
        # Always null: the original resumes in the wrong directory when a name is here.
        "worktree_name": None,
    }


def _new_job_data(config: SessionConfig) -> dict[str, Any]:
    return {
        "job_id": config.job_id,
        "total_items": 0,
        "processed_items": 0,
        "failed_items": 0,
        "agent_count": 0,
        "phase": "Setup",
        "reduce_results": None,
    }
