"""Events as commands choose and show them: of which runs, of which kind, in which words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from app.cli.failure import not_found
from app.cli.invocation import Invocation
from app.cli.output import Cell
from app.cli.runs import resolve_run
from app.format import clock, count, duration, one_line
from app.status_style import Role
from store.events import Event, EventReader, event_directories, parse_event
from store.times import duration_seconds, from_text, utc_now

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ARCHIVE = "archive"
_FAILURES = frozenset({"step_failed", "agent_failed", "job_failed", "checkpoint_failed"})


@dataclass(frozen=True, slots=True)
class Choice:
    """Which events are meant."""

    job_id: str | None = None
    event_type: str | None = None
    agent_id: str | None = None
    since: datetime | None = None
    file: Path | None = None

    def holds(self, event: Event) -> bool:
        """Whether the event is one of them."""
        if self.event_type is not None and event.type != self.event_type:
            return False
        if self.agent_id is not None and event.fields.get("agent_id") != self.agent_id:
            return False
        if self.since is not None:
            moment = moment_of(event)
            return moment is not None and moment >= self.since
        return True


def snake_case(kind: str | None) -> str | None:
    """``StepFailed`` and ``step_failed`` are the same type."""
    return _CAPITAL.sub("_", kind).lower() if kind is not None else None


def directories(invocation: Invocation, job_id: str | None) -> list[Path]:
    """Where the events of one run, or of all, lie."""
    if job_id is not None:
        run_id = resolve_run(invocation, job_id)
        return event_directories(invocation.home, run_id)
    root = invocation.home.root / "events"
    if not root.is_dir():
        return []
    return sorted(
        path
        for repo in root.iterdir()
        if repo.is_dir() and repo.name != _ARCHIVE
        for path in repo.iterdir()
        if path.is_dir()
    )


def reader_for(invocation: Invocation, choice: Choice) -> Iterable[Event]:
    """The events of the chosen runs or file, in the order they were written."""
    if choice.file is not None:
        return _events_of_file(choice.file)
    return EventReader(directories(invocation, choice.job_id))


def chosen_events(invocation: Invocation, choice: Choice) -> list[Event]:
    """The chosen events; of several runs together by time. Damaged lines are said."""
    reader = reader_for(invocation, choice)
    found = [event for event in reader if choice.holds(event)]
    if isinstance(reader, EventReader) and reader.damaged:
        invocation.out.warning(f"{count(reader.damaged, 'damaged line')} passed over")
    if choice.job_id is None:
        found.sort(key=lambda event: event.timestamp)
    return found


def _events_of_file(path: Path) -> Iterator[Event]:
    if not path.is_file():
        raise not_found(f"no event file at {path}")
    with path.open("rb") as file:
        for line in file:
            event = parse_event(line)
            if event is not None:
                yield event


def moment_of(event: Event) -> datetime | None:
    """When it happened, if it says so."""
    try:
        return from_text(event.timestamp)
    except ValueError:
        return None


def event_object(event: Event) -> dict[str, object]:
    """An event as machines get it."""
    return {
        "id": event.id or None,
        "timestamp": event.timestamp or None,
        "session": event.run_id or None,
        "event_type": event.type,
        "fields": event.fields,
    }


def event_cells(event: Event, *, with_run: bool) -> list[Cell]:
    """An event as a row: time, type, words, and of which run where several are shown."""
    from app.format import short_id

    moment = moment_of(event)
    role = Role.ERROR if event.type in _FAILURES else None
    cells = [Cell(clock(moment, utc_now(), seconds=True)), Cell(event.type, role)]
    if with_run:
        cells.insert(1, Cell(short_id(event.run_id)))
    return [*cells, Cell(words_of(event))]


def words_of(event: Event) -> str:
    """The facts of an event, most telling first; those that repeat the run are left out."""
    fields = event.fields
    parts: list[str] = []
    if isinstance(index := fields.get("step_index"), int):
        parts.append(f"step {index + 1}")
    for name in ("label", "from", "to", "reason", "action", "role", "item_id", "agent_id", "kind"):
        if fields.get(name):
            parts.append(_plain(name, fields[name]))
    if isinstance(code := fields.get("exit_code"), int):
        parts.append(f"exit {code}")
    if "duration" in fields:
        parts.append(duration(_seconds(fields["duration"]), finished=True))
    for name in ("version", "branch", "target", "state", "error", "message", "problem"):
        if fields.get(name):
            parts.append(_plain(name, fields[name]))
    return "  ".join(part for part in parts if part)


_NAMED = frozenset({"from", "to", "version", "branch", "target", "state"})


def _plain(name: str, value: Any) -> str:
    text = one_line(str(value))[:300]
    return f"{name} {text}" if name in _NAMED else text


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else duration_seconds(value)
