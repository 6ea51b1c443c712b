"""The timeline of a run: one JSON line per event, appended while it happens, read by viewers."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from store.atomic import append_line, dump_json, make_directory
from store.errors import StoreError
from store.home import Home, check_id, is_name
from store.times import to_text, utc_now

MAX_LINE_BYTES = 64 * 1024
MAX_FILE_BYTES = 64 * 1024 * 1024

_STRING_LIMITS = (16_384, 4_096, 1_024, 256, 64)
_TAIL_BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline. ``timestamp`` is text as written; ``fields`` lacks the type."""

    id: str
    timestamp: str
    run_id: str
    type: str
    fields: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)


# -- writing


class EventLog:
    """Appends the events of one attempt of a run; safe to use from several threads.

    An event that cannot be written changes nothing: the problem goes to ``on_problem`` and the run
    goes on.

    Args:
        home: the state home.
        repo: name of the repository.
        run_id: the session id.
        attempt: number of the attempt, from 1; goes into every line.
        on_problem: told of each write that failed.
        clock: the present moment.
        max_file_bytes: a file of this size is followed by a new one.
    """

    def __init__(
        self,
        home: Home,
        repo: str,
        run_id: str,
        attempt: int,
        *,
        on_problem: Callable[[StoreError], None] | None = None,
        clock: Callable[[], datetime] = utc_now,
        max_file_bytes: int = MAX_FILE_BYTES,
    ) -> None:
        self._directory = home.events_directory(repo, run_id)
        self._run_id = run_id
        self._metadata = {"pid": os.getpid(), "host": os.uname().nodename, "attempt": attempt}
        self._on_problem = on_problem
        self._clock = clock
        self._max_file_bytes = max_file_bytes
        self._file: Path | None = None
        self._size = 0
        self._lock = threading.Lock()

    def append(self, event_type: str, **fields: object) -> None:
        """Write one event; never raises. ``session_id`` is added unless the fields have one."""
        now = self._clock()
        event: dict[str, object] = {"event_type": event_type, **fields}
        event.setdefault("session_id", self._run_id)
        document = {
            "id": str(uuid4()),
            "timestamp": to_text(now),
            "correlation_id": self._run_id,
            "event": event,
            "metadata": self._metadata,
        }
        try:
            line = _line(document)
        except (TypeError, RecursionError) as problem:
            self._failed(event_type, problem)
            return
        try:
            with self._lock:
                append_line(self._file_for(len(line), now), line)
                self._size += len(line) + 1
        except (StoreError, OSError) as problem:
            self._failed(event_type, problem)

    def _failed(self, event_type: str, problem: Exception) -> None:
        if self._on_problem is not None:
            reason = f"cannot write event {event_type}: {problem}"
            self._on_problem(StoreError(reason, path=self._directory, operation="append"))

    def _file_for(self, length: int, now: datetime) -> Path:
        if self._file is None or self._size + length > self._max_file_bytes:
            make_directory(self._directory)
            stamp = now.strftime("%Y%m%d_%H%M%S")
            existing = event_files(self._directory)
            name = f"events-{stamp}.jsonl"
            # Order is by name: after a clock that went back, go on in the newest file.
            self._file = max([self._directory / name, *existing[-1:]])
            self._size = self._file.stat().st_size if self._file.exists() else 0
        return self._file


def _line(document: dict[str, Any]) -> bytes:
    line = dump_json(document, indent=None)
    if len(line) <= MAX_LINE_BYTES:
        return line
    event = document["event"]
    for limit in _STRING_LIMITS:
        shorter = {**_cut(event, limit), "truncated": True}
        line = dump_json({**document, "event": shorter}, indent=None)
        if len(line) <= MAX_LINE_BYTES:
            return line
    plain = {key: value for key, value in shorter.items() if not isinstance(value, dict | list)}
    return dump_json({**document, "event": dict(list(plain.items())[:100])}, indent=None)


def _cut(value: Any, limit: int) -> Any:
    match value:
        case str():
            return value if len(value) <= limit else value[:limit]
        case dict():
            return {key: _cut(item, limit) for key, item in value.items()}
        case list() | tuple():
            return [_cut(item, limit) for item in value]
    return value


# -- reading


def event_files(directory: Path) -> list[Path]:
    """The event files of a directory, oldest first; a missing directory has none."""
    try:
        names = [name for name in os.listdir(directory) if name.startswith("events-")]
    except OSError:
        return []
    paths = [directory / name for name in sorted(names) if ".jsonl" in name]
    return [path for path in paths if path.is_file()]  # to open a pipe would wait for its writer


def event_directories(home: Home, run_id: str) -> list[Path]:
    """Where the events of a run lie when its repository is not known."""
    check_id(run_id)
    try:
        repositories = sorted(entry.path for entry in os.scandir(home.root / "events"))
    except OSError:
        return []
    found = [Path(repository) / run_id for repository in repositories]
    return [directory for directory in found if directory.is_dir()]


class EventReader:
    """Reads a timeline from its beginning and then what is added to it.

    Iterating yields every event not yet yielded; iterate again later for the newer ones. A line
    that is no event is skipped and counted; an unfinished last line waits for its end.
    """

    def __init__(self, directories: list[Path]) -> None:
        self._directories = directories
        self._offsets: dict[Path, int] = {}
        self._damaged = 0
        self._unfinished = 0

    @property
    def damaged(self) -> int:
        """How many lines could not be read, an unfinished last one included."""
        return self._damaged + self._unfinished

    def __iter__(self) -> Iterator[Event]:
        self._unfinished = 0
        for directory in self._directories:
            for path in event_files(directory):
                yield from self._file(path)

    def _file(self, path: Path) -> Iterator[Event]:
        offset = self._offsets.get(path, 0)
        try:
            file = path.open("rb")
        except OSError:
            self._damaged += path not in self._offsets
            self._offsets[path] = offset
            return
        with file:
            if os.fstat(file.fileno()).st_size < offset:  # truncated by somebody: start again
                offset = 0
            file.seek(offset)
            for line in file:
                event = parse_event(line)
                if event is None and not line.endswith(b"\n"):
                    self._unfinished += 1
                    break
                offset += len(line)
                self._offsets[path] = offset
                if event is not None:
                    yield event
                elif line.strip():
                    self._damaged += 1


def read_events(home: Home, repo: str | None, run_id: str) -> EventReader:
    """The timeline of a run; of every repository that has one of that id when ``repo`` is None."""
    return EventReader(_directories(home, repo, run_id))


def last_events(home: Home, repo: str | None, run_id: str, count: int) -> list[Event]:
    """The newest ``count`` events in order, read from the ends of the files."""
    return list(islice(newest_events(home, run_id, repo), count))[::-1]


def newest_events(home: Home, run_id: str, repo: str | None = None) -> Iterator[Event]:
    """The events of a run from the newest back, read from the ends of the files."""
    directories = _directories(home, repo, run_id)
    for path in reversed([path for directory in directories for path in event_files(directory)]):
        for line in _lines_from_end(path):
            event = parse_event(line)
            if event is not None:
                yield event


def _directories(home: Home, repo: str | None, run_id: str) -> list[Path]:
    if repo is None or not is_name(repo):
        return event_directories(home, run_id)
    return [home.events_directory(repo, run_id)]


def follow_events(
    reader: EventReader, ended: Callable[[], bool], wait: Callable[[], object]
) -> Iterator[Event]:
    """Yield events as they come until ``ended`` says so, the last ones included.

    Args:
        reader: where they come from.
        ended: asked when there is nothing new.
        wait: called between two looks, such as ``threading.Event().wait`` with a timeout.
    """
    while True:
        over = ended()
        yield from reader
        if over:
            return
        wait()


def parse_event(line: bytes) -> Event | None:
    """Read one line, or None when it is no event."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match document:
        case {"event": {"event_type": str(kind), **fields}}:
            metadata = document.get("metadata")
            return Event(
                id=str(document.get("id", "")),
                timestamp=str(document.get("timestamp", "")),
                run_id=str(document.get("correlation_id", "")),
                # The format spells "dead letter queue" so; the other spelling is also found.
                type=f"d_l_q_{kind[4:]}" if kind.startswith("dlq_") else kind,
                fields={str(name): value for name, value in fields.items()},
                metadata=metadata if isinstance(metadata, dict) else {},
            )
    return None


def _lines_from_end(path: Path) -> Iterator[bytes]:
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        position = file.seek(0, os.SEEK_END)
        pending = b""
        while position > 0:
            start = max(0, position - _TAIL_BLOCK)
            file.seek(start)
            pending = file.read(position - start) + pending
            position = start
            head, *whole = pending.split(b"\n")
            yield from reversed(whole)
            pending = head
        yield pending
