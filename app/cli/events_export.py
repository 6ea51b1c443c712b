"""``prodigy events export``: events as JSON, CSV or Markdown."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import datetime
from pathlib import Path

import click

from app.cli.command import command, option
from app.cli.event_reading import chosen_events, event_object, words_of
from app.cli.events_commands import choice_of, choosing
from app.cli.invocation import Invocation
from app.cli.places import tilde
from app.format import count
from store.events import Event


@command(
    "export",
    help="Write events as JSON, CSV or Markdown, to stdout or a file.",
    examples=(
        "prodigy events export --job-id 7c1e --output events.json",
        "prodigy events export --format csv --since 60",
    ),
)
@choosing
@option(
    "--format",
    "form",
    type=click.Choice(["json", "csv", "markdown"]),
    default="json",
    metavar="F",
    help="json, csv or markdown (json).",
)
@option("--output", metavar="F", help="Write to this file.")
def events_export(
    invocation: Invocation,
    *,
    job_id: str | None,
    event_type: str | None,
    agent_id: str | None,
    since: datetime | None,
    file: str | None,
    form: str,
    output: str | None,
) -> None:
    events = chosen_events(invocation, choice_of(job_id, event_type, agent_id, since, file))
    out = invocation.out
    if output is None or output == "-":
        if form == "json" or out.settings.json:
            out.json(_document(events))
        else:
            out.raw(_text(events, form))
        return
    path = Path(os.path.abspath(Path(output).expanduser()))
    path.write_text(_text(events, form))
    if out.settings.json:
        out.json({"output": str(path), "total": len(events)})
    else:
        out.line(f"Wrote {count(len(events), 'event')} to {tilde(path)}")


def _document(events: list[Event]) -> dict[str, object]:
    return {"events": [event_object(event) for event in events], "total": len(events)}


def _text(events: list[Event], form: str) -> str:
    if form == "json":
        return json.dumps(_document(events), indent=2, ensure_ascii=False) + "\n"
    if form == "csv":
        return _csv(events)
    return _markdown(events)


def _csv(events: list[Event]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["timestamp", "session", "event_type", "fields"])
    for event in events:
        fields = json.dumps(event.fields, ensure_ascii=False)
        writer.writerow([event.timestamp, event.run_id, event.type, fields])
    return buffer.getvalue()


def _markdown(events: list[Event]) -> str:
    lines = ["| time | session | event | what |", "|---|---|---|---|"]
    for event in events:
        words = words_of(event).replace("|", "\\|")
        lines.append(f"| {event.timestamp} | {event.run_id} | {event.type} | {words} |")
    return "\n".join(lines) + "\n"
