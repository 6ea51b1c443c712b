"""Updates of a session record: progress, timing, metadata, merge result, error."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from store import fields
from store.errors import StoreError
from store.owner import this_host
from store.session import check_writable, extension_of, transition
from store.states import SessionStatus
from store.times import duration_json, later_than, utc_now

_INCREMENT_ITERATION = "increment_iteration"
_FILES_CHANGED_DELTA = "files_changed_delta"


@dataclass(frozen=True, slots=True)
class SessionUpdate:
    """Changes to a session; those given are made together, in one write.

    ``error`` takes it to Failed. ``metadata`` is laid over what is there, its ``x_prodigy`` merged
    key by key (None deletes). ``merge`` has ``state`` and, as known, ``target``, ``commit`` and
    ``error``.
    """

    status: SessionStatus | None = None
    progress: tuple[int, int] | None = None
    """(next step, total steps)."""
    timing: tuple[str, float] | None = None
    """(operation, seconds)."""
    metadata: Mapping[str, Any] | None = None
    error: str | None = None
    merge: Mapping[str, Any] | None = None


def apply_update(document: dict[str, Any], update: SessionUpdate) -> None:
    """Make the changes of an update to a record, in place; all of them or none.

    Raises:
        InvalidTransition: the status cannot be reached.
        ReadOnly: the record is not ours to write.
        StoreError: the progress makes no sense.
    """
    check_writable(document)
    if update.progress is not None and not 0 <= update.progress[0] <= update.progress[1]:
        raise StoreError(f"progress of {update.progress[0]} steps out of {update.progress[1]}")
    status = SessionStatus.FAILED if update.error is not None else update.status
    now = utc_now()
    if status is not None:
        attempt = this_process() if status is SessionStatus.RUNNING else None
        transition(document, status, now=now, error=update.error, attempt=attempt)
    else:
        document["updated_at"] = later_than(fields.optional_text(document.get("updated_at")), now)
    if update.progress is not None:
        _set_progress(document, *update.progress)
    if update.timing is not None:
        operation, seconds = update.timing
        timings = fields.table(document.get("timings"))
        document["timings"] = timings | {operation: duration_json(seconds)}
    if update.metadata is not None:
        _merge_metadata(document, update.metadata)
    if update.merge is not None:
        _set_merge(document, update.merge)


def _set_progress(document: dict[str, Any], current: int, total: int) -> None:
    metadata: dict[str, Any] = document.setdefault("metadata", {})
    metadata["current_step"], metadata["total_steps"] = current, total
    workflow = document.get("workflow_data")
    if isinstance(workflow, dict):
        workflow |= {"current_step": current, "total_steps": total}
        workflow["completed_steps"] = list(range(current))


def _merge_metadata(document: dict[str, Any], given: Mapping[str, Any]) -> None:
    metadata: dict[str, Any] = document.setdefault("metadata", {})
    changes = dict(given)
    workflow = fields.table(document.get("workflow_data"))
    if changes.pop(_INCREMENT_ITERATION, None):
        done = fields.whole(workflow.get("iterations_completed"))
        workflow["iterations_completed"] = done + 1
    delta = fields.signed(changes.pop(_FILES_CHANGED_DELTA, None))
    if delta is not None:
        changed = fields.whole(workflow.get("files_changed"))
        workflow["files_changed"] = max(0, changed + delta)
    patch = changes.pop("x_prodigy", None)
    metadata |= changes
    if isinstance(patch, Mapping):
        _merge_patch(extension_of(document), patch)


def _merge_patch(target: dict[str, Any], patch: Mapping[str, Any]) -> None:
    """RFC 7396: objects are merged, null deletes, anything else replaces."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, Mapping):
            inner = target.get(key)
            if not isinstance(inner, dict):
                inner = target[key] = {}
            _merge_patch(inner, value)
        else:
            target[key] = value


def _set_merge(document: dict[str, Any], merge: Mapping[str, Any]) -> None:
    document.setdefault("metadata", {})["merge"] = str(merge["state"])
    details = {key: merge.get(key) for key in ("target", "commit", "error")}
    extension_of(document)["merge"] = details | {"at": document["updated_at"]}


def this_process() -> dict[str, Any]:
    """The fields of an attempt that say who makes it."""
    return {"pid": os.getpid(), "host": this_host()}
