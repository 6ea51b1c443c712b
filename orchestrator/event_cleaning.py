"""Thinning out the timelines of runs that are at rest: by age, by number, by size."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from store.atomic import replace_file
from store.events import event_files, parse_event
from store.home import Home
from store.locks import Liveness, RunLock, probe
from store.times import from_text


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept: events since a moment, so many of the newest, so many bytes of the newest."""

    since: datetime | None = None
    max_events: int | None = None
    max_bytes: int | None = None


@dataclass(slots=True)
class Thinned:
    """What goes from one timeline, file by file."""

    run_id: str
    dropped: list[bytes] = field(default_factory=list)
    kept_lines: dict[Path, list[bytes]] = field(default_factory=dict)
    """Of the files that change: the lines that stay."""


def plan(directory: Path, limits: Limits) -> Thinned:
    """Say what of a timeline goes; looks only. Lines that are no event stay with their file."""
    lines = [(path, line) for path in event_files(directory) for line in _lines(path)]
    goes = _beyond(lines, limits)
    thinned = Thinned(directory.name)
    for place, (path, line) in enumerate(lines):
        if place in goes:
            thinned.dropped.append(line)
            thinned.kept_lines.setdefault(path, [])
    for place, (path, line) in enumerate(lines):
        if place not in goes and path in thinned.kept_lines:
            thinned.kept_lines[path].append(line)
    return thinned


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines(keepends=True)
    except OSError:
        return []


def _beyond(lines: list[tuple[Path, bytes]], limits: Limits) -> set[int]:
    events = [place for place, (_, line) in enumerate(lines) if parse_event(line) is not None]
    goes: set[int] = set()
    if limits.since is not None:
        goes |= {place for place in events if _is_before(lines[place][1], limits.since)}
    if limits.max_events is not None:
        goes |= set(events[: max(0, len(events) - limits.max_events)])
    if limits.max_bytes is not None:
        left = limits.max_bytes
        for place in reversed(events):
            left -= len(lines[place][1])
            if left < 0:
                goes.add(place)
    return goes


def _is_before(line: bytes, moment: datetime) -> bool:
    event = parse_event(line)
    try:
        return event is not None and from_text(event.timestamp) < moment
    except ValueError:
        return False


def is_live(home: Home, run_id: str) -> bool:
    """Whether somebody is, or may be, writing to the timeline of a run."""
    return probe(home, run_id, says_active=True).liveness is not Liveness.DEAD


def carry_out(home: Home, thinned: Thinned, archive: Path | None) -> None:
    """Rewrite the files of a timeline without what goes, which may first go into an archive.

    Raises:
        Busy: somebody holds the run.
        StoreError: a file cannot be written.
        OSError: the archive cannot be written.
    """
    with ExitStack() as held:
        if home.run_directory(thinned.run_id).is_dir():
            held.enter_context(RunLock.acquire(home, thinned.run_id))
        if archive is not None:
            _archive(archive, thinned.dropped)
        for path, lines in thinned.kept_lines.items():
            if lines:
                replace_file(path, b"".join(lines))
            else:
                path.unlink(missing_ok=True)


def _archive(path: Path, lines: Iterable[bytes]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with gzip.open(path, "ab") as file:
        for line in lines:
            file.write(line if line.endswith(b"\n") else line + b"\n")
