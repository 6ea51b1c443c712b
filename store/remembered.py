"""The newest checkpoint of a run as lists remember it: parsed again only when it changed."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from store.cards import is_fresh
from store.errors import InvalidId, StoreError
from store.home import Home, check_id
from store.reconcile import CheckpointFacts
from store.states import CheckpointStatus

Stamp = tuple[int, int, int, int]
"""Time of the directory; time, size and inode of the file in it that was read, or zeros."""


class RememberedCheckpoint:
    """The newest usable checkpoint of a run as it was when its files had this stamp.

    Attributes:
        stamp: by which it is told whether anything changed.
        file: the file it was read from, below the run's checkpoints; empty when there is none.
        status: its status; None when there is no usable checkpoint.
        stop_kind: how the run stopped, if it did.
        facts: the rest; None while only the index has it, or when there is none.
    """

    __slots__ = ("stamp", "file", "status", "stop_kind", "facts", "fresh")

    def __init__(
        self,
        stamp: Stamp,
        file: str,
        status: CheckpointStatus | None,
        stop_kind: str | None,
        facts: CheckpointFacts | None = None,
        *,
        fresh: bool = False,
    ) -> None:
        self.stamp = stamp
        self.file = file
        self.status = status
        self.stop_kind = stop_kind
        self.facts = facts
        self.fresh = fresh

    @property
    def key(self) -> str:
        """What the index needs to tell whether it is still the newest."""
        return json.dumps([self.stamp, self.file, self.status, self.stop_kind])

    @property
    def facts_text(self) -> str:
        """The rest, for the index."""
        return json.dumps(self.facts)

    @classmethod
    def from_key(cls, key: str) -> RememberedCheckpoint | None:
        """From the index; None when it is nothing this version wrote."""
        try:
            (directory, mtime_ns, size, ino), file, word, stop_kind = json.loads(key)
            status = None if word is None else CheckpointStatus(word)
            stamp = (int(directory), int(mtime_ns), int(size), int(ino))
            return cls(stamp, str(file), status, stop_kind)
        except (ValueError, TypeError):
            return None


def facts_from(kept: list[Any]) -> CheckpointFacts | None:
    """The facts the index kept, or None when they are nothing this version wrote."""
    try:
        return CheckpointFacts(CheckpointStatus(kept[0]), *kept[1:])
    except (ValueError, TypeError, LookupError):
        return None


def newest_checkpoint(
    home: Home, run_id: str, remembered: RememberedCheckpoint | None
) -> RememberedCheckpoint:
    """The newest usable checkpoint of a run, read again only when its files changed."""
    if (
        remembered is not None
        and not remembered.fresh
        and remembered.stamp == _stamp(home, run_id, remembered.file)
    ):
        return remembered
    from store import checkpoints  # only lists that meet an unknown crash need it

    scanned_ns = time.time_ns()
    try:
        found = checkpoints.newest(home, run_id)
    except (StoreError, OSError):
        found = None
    file = found.path.relative_to(home.checkpoints_directory(run_id)).as_posix() if found else ""
    facts = CheckpointFacts.of(found.checkpoint) if found is not None else None
    stamp = _stamp(home, run_id, file)
    return RememberedCheckpoint(
        stamp,
        file,
        None if facts is None else facts.status,
        None if facts is None else facts.stop_kind,
        facts,
        fresh=is_fresh(stamp[0], scanned_ns) or is_fresh(stamp[1], scanned_ns),
    )


def _stamp(home: Home, run_id: str, file: str) -> Stamp:
    # Whatever is written begins with a temporary file beside the main one, so the history's own
    # directory tells nothing more.
    try:
        directory = f"{home.root}/state/{check_id(run_id)}/checkpoints"
        changed_ns = os.stat(directory).st_mtime_ns
        if not file:
            return changed_ns, 0, 0, 0
        status = os.stat(f"{directory}/{file}")
    except (OSError, InvalidId):
        return 0, 0, 0, 0
    return changed_ns, status.st_mtime_ns, status.st_size, status.st_ino
