"""The newest checkpoint of a run as lists remember it: parsed again only when it changed."""

from __future__ import annotations

import json
import os
import time
from dataclasses import astuple, dataclass
from typing import Any

from store.cards import CLOCK_TICK_NS
from store.errors import StoreError
from store.home import Home, check_id
from store.reconcile import CheckpointFacts
from store.states import CheckpointStatus


@dataclass(slots=True)
class RememberedCheckpoint:
    """The newest checkpoint of a run as it was when its files had this stamp."""

    stamp: tuple[int, ...]
    """Times, sizes and inodes of the directories and the file it was read from."""
    scanned_ns: int
    file: str
    facts: CheckpointFacts | None

    @property
    def too_fresh(self) -> bool:
        """Whether its files changed so shortly before they were read that they must be again."""
        newest = max(self.stamp[0], self.stamp[1], self.stamp[2])
        return abs(self.scanned_ns - newest) < CLOCK_TICK_NS

    def to_text(self) -> str:
        """For the index."""
        facts = None if self.facts is None else astuple(self.facts)
        return json.dumps([self.stamp, self.scanned_ns, self.file, facts])

    @classmethod
    def from_text(cls, text: str) -> RememberedCheckpoint | None:
        """From the index; None when it is nothing this version wrote."""
        try:
            stamp, scanned_ns, file, facts = json.loads(text)
            if facts is not None:
                facts = CheckpointFacts(CheckpointStatus(facts[0]), *facts[1:])
            return cls(tuple(stamp), scanned_ns, file, facts)
        except (ValueError, TypeError, LookupError):
            return None


def newest_checkpoint(
    home: Home, run_id: str, remembered: RememberedCheckpoint | None
) -> RememberedCheckpoint:
    """The newest usable checkpoint of a run, read again only when its files changed."""
    scanned_ns = time.time_ns()
    if (
        remembered is not None
        and not remembered.too_fresh
        and remembered.stamp == _stamp(home, run_id, remembered.file)
    ):
        return remembered
    from store import checkpoints  # only lists with crashed runs need it

    found = None
    try:
        found = checkpoints.newest(home, run_id)
    except (StoreError, OSError):
        found = None
    file = found.path.relative_to(home.checkpoints_directory(run_id)).as_posix() if found else ""
    facts = CheckpointFacts.of(found.checkpoint) if found is not None else None
    return RememberedCheckpoint(_stamp(home, run_id, file), scanned_ns, file, facts)


def _stamp(home: Home, run_id: str, file: str) -> tuple[int, ...]:
    directory = f"{home.root}/state/{check_id(run_id)}/checkpoints"
    stats: list[Any] = []
    for path in (directory, f"{directory}/history", f"{directory}/{file}" if file else directory):
        try:
            stats.append(os.stat(path))
        except OSError:
            stats.append(None)
    times = [0 if status is None else status.st_mtime_ns for status in stats]
    last = stats[-1]
    return (*times, 0 if last is None else last.st_size, 0 if last is None else last.st_ino)
