"""What lists keep of every run, so that they need not open its files again.

A card has what every list needs of every run; its ``About`` what only some filters and look-ups
need, which the index gives when it is asked for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from store import fields
from store.errors import NotFound, StoreError
from store.rows import check_record, microseconds

CLOCK_TICK_NS = 2_000_000_000
"""A file changed within this of being read may have been changed again unnoticed."""

_SEARCH_LENGTH = 2_000

Identity = tuple[int, int, int]
"""By which a file is told from what it was: mtime in nanoseconds, size, inode."""


class About(NamedTuple):
    """What a run is about. The order is that of the index's columns."""

    repo: str = ""
    repo_path: str = ""
    workflow: str = ""
    workflow_id: str = ""
    job_id: str | None = None
    started_us: int = 0
    search: str = ""
    """What a search for words looks through."""


@dataclass(slots=True)
class Card:
    """The few facts of a run that every list needs."""

    id: str
    source: str
    """Where they come from: ``session``, ``checkpoint`` or ``metadata``."""
    identity: Identity | None = None
    """Of the file they come from; None when it must be read again at the next look."""
    status: str | None = None
    """The stored word; None for a record that cannot be read, and for other sources."""
    merge: str | None = None
    archived: bool = False
    updated_us: int = 0
    about: About | None = None
    """None while only the index knows it."""
    problem: str | None = None
    """Why the record cannot be read."""

    @property
    def has_record(self) -> bool:
        """Whether it was made from a session record that can be read."""
        return self.source == "session" and self.problem is None


def settled(identity: Identity, scanned_ns: int) -> Identity | None:
    """The identity, unless the file changed so shortly before that it may change unnoticed."""
    return None if is_fresh(identity[0], scanned_ns) else identity


def is_fresh(mtime_ns: int, scanned_ns: int) -> bool:
    """Whether something changed so shortly before it was looked at that it must be again."""
    return -CLOCK_TICK_NS < scanned_ns - mtime_ns < CLOCK_TICK_NS


def read_record(
    path: str, run_id: str, identity: Identity, scanned_ns: int
) -> tuple[Card, dict[str, Any] | None]:
    """Read a session record: its card, and the document unless it cannot be read.

    Args:
        path: the record.
        run_id: stem of its name.
        identity: of the file, from before it is read.
        scanned_ns: the time of that.

    Raises:
        NotFound: it is gone.
    """
    card = Card(run_id, "session")
    try:
        document = _parse(path, identity[1])
        _fill(card, document)
    except NotFound:
        raise
    except StoreError as error:
        card.problem = error.reason
        card.about = About(search=f"{run_id}\n{error.reason}".casefold())
        return card, None
    card.identity = settled(identity, scanned_ns)
    return card, document


def _parse(path: str, size: int) -> dict[str, Any]:
    # Thousands of records are read one after the other: the quick way first, the careful way,
    # which explains what is wrong, only where that fails.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            data = os.read(descriptor, size + 1)
        finally:
            os.close(descriptor)
        document = json.loads(data.decode())
        if isinstance(document, dict) and len(data) == size:
            return document
    except (OSError, ValueError, RecursionError):
        pass
    from store.atomic import read_json_object

    return read_json_object(Path(path))


def _fill(card: Card, document: Mapping[str, Any]) -> None:
    card.status, _, started_us = check_record(document)
    card.updated_us = microseconds(document.get("updated_at")) or started_us
    metadata = fields.table(document.get("metadata"))
    extension = fields.table(metadata.get("x_prodigy"))
    workflow = fields.table(document.get("workflow_data"))
    known = fields.table(extension.get("workflow"))
    repo = fields.table(extension.get("repo"))
    job = document.get("mapreduce_data")
    text = fields.text
    repo_name = text(repo.get("name")) or text(metadata.get("project_name"))
    name = text(workflow.get("workflow_name")) or text(known.get("name"))
    branch, error = text(extension.get("branch")), text(document.get("error"))
    card.merge = fields.optional_text(metadata.get("merge"))
    card.archived = bool(extension.get("archived_at"))
    card.about = About(
        repo_name,
        text(repo.get("path")),
        name,
        text(workflow.get("workflow_id")) or text(known.get("id")),
        fields.optional_text(job.get("job_id")) if isinstance(job, dict) else None,
        started_us,
        search_text((card.id, name, repo_name, branch, error)),
    )


def search_text(parts: Iterable[str]) -> str:
    """What a search for words looks through, whatever the case."""
    return "\n".join(filter(None, parts))[:_SEARCH_LENGTH].casefold()
