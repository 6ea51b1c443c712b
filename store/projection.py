"""What a session record mirrors of its checkpoint, set in one place (pure)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from store import fields
from store.checkpoint import WorkflowCheckpoint
from store.checkpoint_parts import CheckpointKind
from store.session import SessionConfig, extension_of, new_workflow_data
from store.states import SessionType
from store.times import duration_json, to_text

CHECKPOINTS_KEPT = 20
LABEL_LIMIT = 120
_OUR_TIMING = re.compile(r"step \d{3,}: ")
_AT_REST = frozenset({CheckpointKind.STOP, CheckpointKind.FAILURE, CheckpointKind.FINAL})
_PASS_KEYS = ("number", "iteration", "iterations_total", "input_index", "inputs_total", "input")


def project(
    checkpoint: WorkflowCheckpoint,
    document: dict[str, Any],
    *,
    now: datetime,
    total_seconds: float | None = None,
    files_changed: int | None = None,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Set everything a record mirrors of its checkpoint; its status is left alone.

    Projecting the same checkpoint again changes nothing.

    Args:
        checkpoint: the newest one, saved.
        document: the record, edited in place.
        now: the present moment.
        total_seconds: active time of the run so far; None leaves what is there.
        files_changed: distinct paths changed since the base commit; None leaves what is there.
        variables: inputs of the pass, masked; None leaves what is there.
    """
    workflow = _workflow_data(checkpoint, document)
    workflow["current_step"] = checkpoint.index
    workflow["total_steps"] = checkpoint.total_steps
    workflow["completed_steps"] = [step.index for step in checkpoint.completed_steps]
    finished = fields.whole(checkpoint.x.pass_.get("number"))
    workflow["iterations_completed"] = finished + (checkpoint.kind is CheckpointKind.FINAL)
    if files_changed is not None:
        workflow["files_changed"] = files_changed
    if variables is not None:
        workflow["variables"] = dict(variables)
    extension = extension_of(document)
    metadata = document["metadata"]
    metadata["total_steps"] = checkpoint.total_steps
    metadata["current_step"] = checkpoint.index
    extension["head"] = checkpoint.x.head_last
    extension["checkpoint_seq"] = checkpoint.seq
    extension["pass"] = {key: checkpoint.x.pass_.get(key) for key in _PASS_KEYS}
    extension["usage"] = dict(checkpoint.x.usage)
    document["timings"] = _timings(checkpoint, fields.table(document.get("timings")), total_seconds)
    if checkpoint.kind in _AT_REST:
        _remember(checkpoint, document, now)


def timing_name(index: int, label: str) -> str:
    """The name under which a step's time is recorded: ``step 002: shell: make test``."""
    return f"step {index:03}: {label[:LABEL_LIMIT]}"


def _workflow_data(checkpoint: WorkflowCheckpoint, document: dict[str, Any]) -> dict[str, Any]:
    found = document.get("workflow_data")
    if not isinstance(found, dict):
        found = new_workflow_data(
            SessionConfig(
                SessionType.WORKFLOW, checkpoint.workflow_id, checkpoint.workflow_name or ""
            )
        )
        document["workflow_data"] = found
    return found


def _timings(
    checkpoint: WorkflowCheckpoint, present: dict[str, Any], total_seconds: float | None
) -> dict[str, Any]:
    """This pass's steps in order, after what others recorded; ``total`` last."""
    kept = {name: value for name, value in present.items() if not _OUR_TIMING.match(name)}
    total = kept.pop("total", None)
    for step in checkpoint.completed_steps:
        kept[timing_name(step.index, step.label)] = duration_json(step.duration_seconds)
    if total_seconds is not None:
        total = duration_json(total_seconds)
    return kept if total is None else kept | {"total": total}


def _remember(checkpoint: WorkflowCheckpoint, document: dict[str, Any], now: datetime) -> None:
    """Add the record's own entry for a checkpoint at which the run rests."""
    entries = document.get("checkpoints")
    if not isinstance(entries, list):
        entries = document["checkpoints"] = []
    if any(_seq_of(entry) == checkpoint.seq for entry in entries):
        return
    entries.append(
        {
            "id": _checkpoint_id(checkpoint),
            "created_at": checkpoint.timestamp or to_text(now),
            "state": {
                "kind": "workflow_checkpoint",
                "workflow_id": checkpoint.workflow_id,
                "seq": checkpoint.seq,
                "status": str(checkpoint.status),
                "step_index": checkpoint.index,
                "file": f"checkpoints/{checkpoint.workflow_id}.checkpoint.json",
            },
            "metadata": {},
        }
    )
    ours = [entry for entry in entries if _seq_of(entry) is not None]
    for oldest in ours[:-CHECKPOINTS_KEPT]:
        entries.remove(oldest)


def _seq_of(entry: object) -> int | None:
    """The sequence number of an entry of ours; None for one of the original."""
    state = fields.table(fields.table(entry).get("state"))
    ours = state.get("kind") == "workflow_checkpoint"
    return fields.optional_whole(state.get("seq")) if ours else None


def _checkpoint_id(checkpoint: WorkflowCheckpoint) -> str:
    """An id in the form of a random one, the same however often it is projected."""
    digest = hashlib.sha256(f"{checkpoint.x.session_id} {checkpoint.seq}".encode()).digest()
    return f"checkpoint-{UUID(bytes=digest[:16], version=4)}"
