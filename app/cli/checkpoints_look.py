"""The commands of ``prodigy checkpoints`` that only look."""

from __future__ import annotations

import json
import os
from pathlib import Path

from app.cli.arguments import COUNT
from app.cli.command import argument, command, option, repository_option
from app.cli.failure import not_found
from app.cli.invocation import Invocation
from app.cli.output import Cell, Column
from app.cli.places import tilde
from app.cli.runs import open_catalog, resolve_run
from app.format import age, clock, duration, one_line, short_id, size, steps
from store.atomic import dump_json
from store.catalog import SessionFilter
from store.checkpoint import WorkflowCheckpoint
from store.checkpoints import HistoryEntry, history, load_seq, newest
from store.errors import StoreError
from store.times import from_text, utc_now

_NOTHING = "No checkpoints found."
_MARK = "← resume uses this"


@command(
    "list",
    help="List the kept checkpoints of runs that can be resumed, or of one run, newest first.",
    examples=("prodigy checkpoints list", "prodigy checkpoints list --workflow-id 7c1e"),
)
@option("--workflow-id", metavar="ID", help="Only of this run; any id of it.")
@option("--limit", type=COUNT, default=50, metavar="N", help="At most so many; 0 for all (50).")
@repository_option
def checkpoints_list(invocation: Invocation, *, workflow_id: str | None, limit: int) -> None:
    catalog = open_catalog(invocation)
    if workflow_id is not None:
        runs = [resolve_run(invocation, workflow_id)]
    else:
        runs = [row.id for row in catalog.rows(SessionFilter(resumable=True))]
    found = [(run_id, entry) for run_id in runs for entry in _history(invocation, run_id)]
    found.sort(key=lambda one: (one[1].timestamp, one[1].seq), reverse=True)
    shown = found[:limit] if limit else found
    out = invocation.out
    if out.settings.json:
        entries = [entry_object(run_id, entry) for run_id, entry in shown]
        out.json({"checkpoints": entries, "total": len(found)})
        return
    if not shown:
        out.line(_NOTHING)
        return
    several = workflow_id is None
    columns = [Column("CHECKPOINT"), Column("STEP", right=True), Column("STATUS"), Column("WHEN"),
               Column("SIZE", right=True), Column("")]  # fmt: skip
    known = [one for run_id in runs if (one := catalog.row(run_id)) is not None]
    over = {one.id for one in known if one.state.is_over}
    rows = [_cells(entry, is_used=run_id not in over) for run_id, entry in shown]
    if several:
        columns.insert(0, Column("ID"))
        for row, (run_id, _) in zip(rows, shown, strict=True):
            row.insert(0, Cell(short_id(run_id)))
    out.table(columns, rows)
    if len(shown) < len(found):
        out.notice(f"{len(shown)} of {len(found)} (--limit 0 for all)")


def _history(invocation: Invocation, run_id: str) -> list[HistoryEntry]:
    try:
        return history(invocation.home, run_id)
    except StoreError as error:
        invocation.out.warning(str(error))
        return []


def _cells(entry: HistoryEntry, *, is_used: bool) -> list[Cell]:
    when = ""
    if entry.timestamp:
        now, moment = utc_now(), from_text(entry.timestamp)
        when = f"{clock(moment, now)} {age((now - moment).total_seconds())}"
    done = min(entry.index + 1, entry.total) if entry.total else 0
    mark = _MARK if entry.is_newest and is_used else ""
    return [
        Cell(f"#{entry.seq:06}"),
        Cell(steps(done, entry.total) if entry.total else ""),
        Cell(str(entry.status or "unreadable")),
        Cell(when),
        Cell(size(entry.size)),
        Cell(entry.problem or mark),
    ]


def entry_object(run_id: str, entry: HistoryEntry) -> dict[str, object]:
    """A kept checkpoint as machines get it."""
    return {
        "session": run_id,
        "seq": entry.seq,
        "kind": str(entry.kind) if entry.kind is not None else None,
        "status": str(entry.status) if entry.status is not None else None,
        "step": entry.index + 1,
        "step_index": entry.index,
        "total_steps": entry.total,
        "timestamp": entry.timestamp or None,
        "bytes": entry.size,
        "newest": entry.is_newest,
        "path": str(entry.path),
        "problem": entry.problem,
    }


def load(invocation: Invocation, run_id: str, version: int | None) -> WorkflowCheckpoint:
    """A checkpoint of a run: the newest, or the one with that number.

    Raises:
        CommandFailed: there is none.
    """
    if version is not None:
        return load_seq(invocation.home, run_id, version)
    found = newest(invocation.home, run_id)
    if found is None:
        raise not_found(
            f"no usable checkpoint of {run_id}", f"prodigy checkpoints validate {run_id}"
        )
    for skipped in found.skipped:
        invocation.out.warning(f"passed over: {skipped}")
    return found.checkpoint


@command(
    "show",
    help="Show a checkpoint of a run, the newest unless --version says another.",
    examples=("prodigy checkpoints show 7c1e", "prodigy checkpoints show 7c1e --version 3 -v"),
)
@argument("run_id", metavar="ID")
@option("--version", type=COUNT, metavar="N", help="The checkpoint of this number.")
@repository_option
def checkpoints_show(invocation: Invocation, *, run_id: str, version: int | None) -> None:
    checkpoint = load(invocation, resolve_run(invocation, run_id), version)
    out = invocation.out
    if out.settings.json:
        out.json(_shown_document(checkpoint))
        return
    now = utc_now()
    moment = from_text(checkpoint.timestamp) if checkpoint.timestamp else None
    done = f"{checkpoint.index} of {checkpoint.total_steps} steps done"
    failure = checkpoint.x.failure or {}
    groups: list[list[tuple[str, str]]] = [
        [
            ("checkpoint", f"#{checkpoint.seq:06} {checkpoint.kind}"),
            ("session", checkpoint.x.session_id),
            ("workflow", f"{checkpoint.workflow_name or ''}  {checkpoint.workflow_id}"),
            ("status", f"{checkpoint.status}, {done}"),
            ("written", clock(moment, now, seconds=True)),
            ("head", str(checkpoint.x.head_last or "")),
            ("failure", str(failure.get("message") or checkpoint.error_message or "")),
        ],
        [
            (f"step {step.index + 1}", _step_words(step.label or step.command,
             step.duration_seconds, step.skipped, step.commits))
            for step in checkpoint.completed_steps
        ],
    ]  # fmt: skip
    if out.settings.verbose:
        groups.append([(name, _value(text)) for name, text in checkpoint.variables.items()])
    else:
        groups.append([("variables", ", ".join(checkpoint.variables) or "none")])
    out.record(groups)


def _step_words(label: str, seconds: float, skipped: str | None, commits: int) -> str:
    if skipped is not None:
        return f"{one_line(label)}  skipped: {skipped}"
    made = f"  {commits} commits" if commits > 1 else "  1 commit" if commits else ""
    return f"{one_line(label)}  {duration(seconds, finished=True)}{made}"


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return one_line(text)[:500]


def _shown_document(checkpoint: WorkflowCheckpoint) -> dict[str, object]:
    document = checkpoint.to_document()
    document["step"] = checkpoint.index + 1
    return document


@command(
    "export",
    help="Write a checkpoint of a run as JSON, to stdout or a file.",
    examples=(
        "prodigy checkpoints export 7c1e",
        "prodigy checkpoints export 7c1e --output cp.json",
    ),
)
@argument("run_id", metavar="ID")
@option("--version", type=COUNT, metavar="N", help="The checkpoint of this number.")
@option("--output", metavar="F", help="Write to this file.")
@repository_option
def checkpoints_export(
    invocation: Invocation, *, run_id: str, version: int | None, output: str | None
) -> None:
    checkpoint = load(invocation, resolve_run(invocation, run_id), version)
    data = dump_json(checkpoint.to_document())
    if output is None or output == "-":
        invocation.out.json(checkpoint.to_document())
        return
    path = Path(os.path.abspath(Path(output).expanduser()))
    path.write_bytes(data + b"\n")
    if invocation.settings.json:
        invocation.out.json({"output": str(path), "bytes": len(data) + 1})
    else:
        invocation.out.line(f"Wrote {tilde(path)}, {size(len(data) + 1)}")
