"""The commands of ``prodigy events`` that only look."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from app.cli.arguments import COUNT, moment
from app.cli.command import Decorator, argument, command, option
from app.cli.event_reading import (
    Choice,
    chosen_events,
    directories,
    event_cells,
    event_object,
    snake_case,
)
from app.cli.failure import usage_error
from app.cli.invocation import Invocation
from app.cli.output import Cell, Column
from app.cli.runs import resolve_run
from store.events import Event, EventReader
from store.locks import Liveness, probe

_LOOK_SECONDS = 0.2
_ONLY_PROGRESS = frozenset({"step_output_ref"})
"""They say once a second that output goes on: left out of lists for people."""
_JOB = option("--job-id", metavar="ID", help="Only events of this run.")
_TYPE = option("--event-type", "--type", "event_type", metavar="T", help="Only of this type.")
_SINCE = option("--since", type=moment("m"), metavar="MIN", help="Only since then.")
_FILE = option("--file", metavar="F", help="Read this file instead.")


def choosing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose events."""
    decorators: list[Decorator[Any]] = [
        _JOB,
        _TYPE,
        option("--agent-id", metavar="A", help="Only events of this agent."),
        _SINCE,
        _FILE,
    ]
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def choice_of(
    job_id: str | None,
    event_type: str | None,
    agent_id: str | None = None,
    since: datetime | None = None,
    file: str | None = None,
) -> Choice:
    """The choice the options make."""
    path = Path(file).expanduser() if file is not None else None
    return Choice(job_id, snake_case(event_type), agent_id, since, path)


@command(
    "list",
    help="List the newest events of a run, or of all runs.",
    examples=(
        "prodigy events list --job-id 7c1e --limit 20",
        "prodigy events list --event-type StepFailed --since 60",
    ),
)
@choosing
@option("--limit", type=COUNT, default=100, metavar="N", help="At most so many; 0 for all (100).")
def events_list(
    invocation: Invocation,
    *,
    job_id: str | None,
    event_type: str | None,
    agent_id: str | None,
    since: datetime | None,
    file: str | None,
    limit: int,
) -> None:
    choice = choice_of(job_id, event_type, agent_id, since, file)
    events = chosen_events(invocation, choice)
    if event_type is None and not invocation.settings.json:
        events = [event for event in events if event.type not in _ONLY_PROGRESS]
    _show(invocation, events, limit, with_run=job_id is None)


@command(
    "show",
    help="Show every event of a run.",
    examples=("prodigy events show 7c1e", "prodigy events 7c1e --json"),
)
@argument("run_id", metavar="ID")
def events_show(invocation: Invocation, *, run_id: str) -> None:
    piped = not invocation.out.is_terminal and not invocation.out.settings.plain
    if piped:
        invocation.settings.json = True
    _show(invocation, chosen_events(invocation, Choice(job_id=run_id)), 0, with_run=False)


def _show(invocation: Invocation, events: list[Event], limit: int, *, with_run: bool) -> None:
    out, total = invocation.out, len(events)
    shown = events[-limit:] if limit else events
    if out.settings.json:
        out.json({"events": [event_object(event) for event in shown], "total": total})
        return
    if not shown:
        out.line("No events.")
        return
    heads = ["TIME", "ID", "EVENT", "WHAT"] if with_run else ["TIME", "EVENT", "WHAT"]
    columns = [Column(head, flexible=head == "WHAT") for head in heads]
    out.table(columns, [event_cells(event, with_run=with_run) for event in shown])
    if len(shown) < total:
        out.notice(f"{len(shown)} of {total} (--limit 0 for all)")


@command(
    "stats",
    help="Count events by type, run or agent.",
    examples=("prodigy events stats --job-id 7c1e", "prodigy events stats --group-by job_id"),
)
@choosing
@option(
    "--group-by",
    type=click.Choice(["event_type", "job_id", "agent_id"]),
    default="event_type",
    metavar="BY",
    help="By event_type, job_id or agent_id (event_type).",
)
def events_stats(
    invocation: Invocation,
    *,
    job_id: str | None,
    event_type: str | None,
    agent_id: str | None,
    since: datetime | None,
    file: str | None,
    group_by: str,
) -> None:
    events = chosen_events(invocation, choice_of(job_id, event_type, agent_id, since, file))
    keys: dict[str, Callable[[Event], str]] = {
        "event_type": lambda event: event.type,
        "job_id": lambda event: event.run_id or str(event.fields.get("job_id", "")),
        "agent_id": lambda event: str(event.fields.get("agent_id") or "-"),
    }
    counted = Counter(keys[group_by](event) for event in events)
    out = invocation.out
    if out.settings.json:
        stats = [{group_by: key, "count": times} for key, times in counted.most_common()]
        out.json({"stats": stats, "total": len(events)})
        return
    if not counted:
        out.line("No events.")
        return
    out.table(
        [Column(group_by.upper()), Column("COUNT", right=True)],
        [[Cell(key), Cell(str(times))] for key, times in counted.most_common()],
    )


@command(
    "search",
    help="Find events whose text matches a regular expression.",
    examples=(
        "prodigy events search 'exit 1' --job-id 7c1e",
        "prodigy events search pytest --fields label,error",
    ),
)
@argument("pattern", metavar="REGEX")
@choosing
@option("--fields", metavar="F,…", help="Look only into these fields.")
def events_search(
    invocation: Invocation,
    *,
    pattern: str,
    job_id: str | None,
    event_type: str | None,
    agent_id: str | None,
    since: datetime | None,
    file: str | None,
    fields: str | None,
) -> None:
    try:
        expression = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise usage_error(f"'{pattern}' is no regular expression: {error}") from None
    wanted = [name.strip() for name in fields.split(",")] if fields else []

    def text_of(event: Event) -> str:
        if wanted:
            return "\n".join(str(event.fields.get(name, "")) for name in wanted)
        return f"{event.type}\n{json.dumps(event.fields, ensure_ascii=False)}"

    events = chosen_events(invocation, choice_of(job_id, event_type, agent_id, since, file))
    found = [event for event in events if expression.search(text_of(event))]
    _show(invocation, found, 0, with_run=job_id is None)


@command(
    "follow",
    help="""Show events as they happen, until the run ends or Ctrl-C.

    Without --job-id: those of every run, until Ctrl-C.""",
    examples=("prodigy events follow --job-id latest", "prodigy events follow --json"),
)
@_JOB
@_TYPE
def events_follow(invocation: Invocation, *, job_id: str | None, event_type: str | None) -> None:
    choice = choice_of(job_id, event_type)
    run_id = resolve_run(invocation, job_id) if job_id is not None else None
    reader = EventReader(directories(invocation, run_id))
    if run_id is None:
        for _ in reader:  # of all runs only what happens from now on
            pass
    while True:
        over = (
            run_id is not None
            and probe(invocation.home, run_id, says_active=True).liveness is Liveness.DEAD
        )
        if run_id is None or not reader._directories:
            reader._directories[:] = directories(invocation, run_id)
        for event in reader:
            if choice.holds(event):
                _tell(invocation, event, with_run=run_id is None)
        if over:
            return
        time.sleep(_LOOK_SECONDS)


def _tell(invocation: Invocation, event: Event, *, with_run: bool) -> None:
    out = invocation.out
    if out.settings.json:
        out.json_line(event_object(event))
        return
    cells = event_cells(event, with_run=with_run)
    out.line("  ".join(out.own(cell.text) for cell in cells).rstrip())
    out.stdout.flush()
