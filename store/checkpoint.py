"""WorkflowCheckpoint: how far a run got and all it needs to go on from there (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from store import fields
from store.atomic import dump_json
from store.checkpoint_parts import CheckpointKind, CompletedStep, XState
from store.errors import ReadOnly, Unreadable
from store.states import CheckpointStatus

__all__ = ["CheckpointKind", "CompletedStep", "WorkflowCheckpoint", "XState"]

VERSION = 1
MAIN_ENDING = ".checkpoint.json"
_FAILURE_VARIABLES = ("__error_message", "__failed_step_index", "__error_timestamp")


@dataclass(slots=True)
class WorkflowCheckpoint:
    """The state of a run between two steps.

    ``index`` is the next step, counted from 0; ``completed_steps`` are those of this pass,
    ascending and exactly ``0..index-1`` in files of ours. ``seq`` and ``timestamp`` are set by
    saving.
    """

    workflow_id: str
    workflow_name: str | None = None
    workflow_path: str | None = None
    workflow_hash: str = ""
    """SHA-256 of the workflow file in hex; any other text says that it is unknown."""
    total_steps: int = 0
    status: CheckpointStatus = CheckpointStatus.RUNNING
    index: int = 0
    start_time: str = ""
    """Start of the session."""
    timestamp: str = ""
    iteration: int | None = None
    """1-based."""
    total_iterations: int | None = None
    completed_steps: list[CompletedStep] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    """Workflow variables and captures; in a checkpoint read from disk, long ones may be cut until
    ``store.checkpoints.restore_spilled`` puts them back."""
    seq: int = 0
    kind: CheckpointKind = CheckpointKind.START
    x: XState = field(default_factory=XState)
    error_message: str | None = None
    """What a Failed checkpoint says about why, where it says nothing in ``x.failure``."""
    read_only: str | None = None
    """Why this version must not write over the file it came from."""
    spilled_values: dict[str, tuple[object, dict[str, Any]]] = field(default_factory=dict)
    """Bookkeeping of the store: see ``store.spill.Spilled``."""
    unknown: dict[str, Any] = field(default_factory=dict)

    def step(self, index: int) -> CompletedStep | None:
        """The finished step of this index in this pass, if it is one."""
        return next((step for step in self.completed_steps if step.index == index), None)

    def to_document(self) -> dict[str, Any]:
        """Write the checkpoint as its file has it."""
        return self._document([step.to_document() for step in self.completed_steps])

    def _document(self, steps: list[dict[str, Any]]) -> dict[str, Any]:
        document: dict[str, Any] = {
            "workflow_id": self.workflow_id,
            "execution_state": {
                "current_step_index": self.index,
                "total_steps": self.total_steps,
                "status": str(self.status),
                "start_time": self.start_time,
                "last_checkpoint": self.timestamp,
                "current_iteration": self.iteration,
                "total_iterations": self.total_iterations,
            },
            "completed_steps": steps,
            "variable_state": self.variables | self._failure_variables(),
            "mapreduce_state": None,
            "timestamp": self.timestamp,
            "version": VERSION,
            "workflow_hash": self.workflow_hash,
            "total_steps": self.total_steps,
            "workflow_name": self.workflow_name,
            "workflow_path": self.workflow_path,
            "retry_checkpoint_state": None,
            "variable_checkpoint_state": None,
        }
        document |= self.unknown
        document["x_prodigy"] = self.x.to_document(seq=self.seq, kind=self.kind)
        return document

    def to_bytes(self, shown: Mapping[str, Any]) -> bytes:
        """Write the checkpoint as the text of its file.

        Args:
            shown: variables that are written otherwise than they are, because they are long.
        """
        document = self._document([])
        document["variable_state"] |= shown
        steps = b",\n    ".join(step.encoded for step in self.completed_steps)
        texts = {"completed_steps": b"[\n    " + steps + b"\n  ]"} if steps else {}
        lines = []
        for key, value in document.items():
            text = texts.get(key) or dump_json(value).replace(b"\n", b"\n  ")
            lines.append(b"  " + dump_json(key) + b": " + text)
        return b"{\n" + b",\n".join(lines) + b"\n}"

    def _failure_variables(self) -> dict[str, Any]:
        """What the original's readers look for in a failed run, as text like every variable."""
        if self.status is not CheckpointStatus.FAILED:
            return {}
        failure = self.x.failure or {}
        message = failure.get("message") or self.error_message or ""
        at = failure.get("at") or self.timestamp
        step = failure.get("step_index", self.index)
        return dict(zip(_FAILURE_VARIABLES, (message, step, at), strict=True))

    @classmethod
    def parse(cls, document: object, path: Path) -> WorkflowCheckpoint:
        """Read a checkpoint of ours or of the original.

        Raises:
            Unreadable: it is no object or lacks ``execution_state`` with index and status.
            ReadOnly: its status is a word unknown to this version.
        """
        if not isinstance(document, dict):
            raise Unreadable("not a JSON object", path=path)
        state = document.get("execution_state")
        if not isinstance(state, dict):
            raise Unreadable("no execution_state", path=path)
        index = fields.optional_whole(state.get("current_step_index"))
        word = state.get("status")
        if index is None or not isinstance(word, str):
            raise Unreadable("execution_state has no index or no status", path=path)
        status = next((known for known in CheckpointStatus if known == word), None)
        if status is None:
            raise ReadOnly(f"unknown status {word[:40]!r} of execution_state", path=path)
        extension = fields.table(document.get("x_prodigy"))
        variables = dict(fields.table(document.get("variable_state")))
        failed = {name: variables.pop(name, None) for name in _FAILURE_VARIABLES}
        # A main file's name is its id, whatever it says inside; a history file has only the latter.
        is_main = path.name.endswith(MAIN_ENDING)
        stem = path.name.removesuffix(MAIN_ENDING)
        x = XState.parse(extension)
        return cls(
            workflow_id=stem if is_main else fields.text(document.get("workflow_id"), stem),
            workflow_name=fields.optional_text(document.get("workflow_name")),
            workflow_path=fields.optional_text(document.get("workflow_path")),
            workflow_hash=fields.text(document.get("workflow_hash")),
            total_steps=fields.whole(document.get("total_steps"))
            or fields.whole(state.get("total_steps")),
            status=status,
            index=index,
            start_time=fields.text(state.get("start_time")),
            timestamp=fields.text(document.get("timestamp")),
            iteration=fields.optional_whole(state.get("current_iteration")),
            total_iterations=fields.optional_whole(state.get("total_iterations")),
            completed_steps=_steps_before(index, document.get("completed_steps")),
            variables=variables,
            seq=fields.whole(extension.get("seq")),
            kind=_kind(extension.get("kind"), status, index),
            x=x,
            error_message=fields.optional_text(failed["__error_message"]),
            read_only=_newer(document, extension),
            spilled_values={
                name: (variables[name], entry)
                for name, entry in x.spilled.items()
                if name in variables
            },
            unknown={
                key: value
                for key, value in document.items()
                if key not in _KEYS and not (key in _NULL_KEYS and value is None)
            },
        )


_NULL_KEYS = ("mapreduce_state", "retry_checkpoint_state", "variable_checkpoint_state")
_KEYS = frozenset(
    {"workflow_id", "execution_state", "completed_steps", "variable_state", "timestamp", "version"}
    | {"workflow_hash", "total_steps", "workflow_name", "workflow_path", "x_prodigy"}
)


def _steps_before(index: int, found: object) -> list[CompletedStep]:
    """The last entry of each index below the next step; the original repeats and overshoots."""
    steps = {step.index: step for step in map(CompletedStep.parse, fields.rows(found))}
    return [steps[done] for done in sorted(steps) if done < index]


def _kind(word: object, status: CheckpointStatus, index: int) -> CheckpointKind:
    known = next((kind for kind in CheckpointKind if kind == word), None)
    if known is not None:
        return known
    match status:
        case CheckpointStatus.COMPLETED:
            return CheckpointKind.FINAL
        case CheckpointStatus.FAILED:
            return CheckpointKind.FAILURE
        case CheckpointStatus.PAUSED | CheckpointStatus.INTERRUPTED:
            return CheckpointKind.STOP
    return CheckpointKind.STEP if index else CheckpointKind.START


def _newer(document: Mapping[str, Any], extension: Mapping[str, Any]) -> str | None:
    newer = fields.newer_format(extension)
    for key in ("version", "checkpoint_format_version"):
        found = fields.whole(document.get(key), VERSION)
        newer = newer or (found if found > VERSION else None)
    return f"written by a newer version (format {newer})" if newer is not None else None
