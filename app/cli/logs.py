"""``prodigy logs``: the output of a run's steps, of one of them, or of all runs as a list."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence

from app.cli.arguments import COUNT, STEP_NUMBER
from app.cli.command import argument, command, flag, option
from app.cli.failure import not_found, usage_error
from app.cli.invocation import Invocation
from app.cli.log_showing import show_line, show_marker
from app.cli.log_text import last_lines, readable_line
from app.cli.output import Cell, Column, Output
from app.cli.run_logs import RunLogFile, logs_of_run
from app.cli.runs import open_catalog, resolve_run
from app.format import age, short_id, size
from store.catalog import SessionFilter
from store.errors import StoreError
from store.row import SessionRow
from store.step_logs import StepLogFile, list_logs
from store.times import utc_now

_NEWEST = 20
_COLUMNS = (
    Column("ID"),
    Column("WORKFLOW", flexible=True),
    Column("LOGS", right=True),
    Column("SIZE", right=True),
    Column("AGE", right=True),
)


@command(
    "logs",
    help="""Show the output of a run: all steps with markers, or one of them.

    Without ID: the newest runs that have output. Lines of an agent are shown as text, of a
    progress bar only what stood last; --raw gives the bytes of the log.""",
    examples=("prodigy logs 7c1e --step 3 --lines 50", "prodigy logs latest --follow"),
)
@argument("run_id", metavar="[ID]", required=False)
@option("--step", type=STEP_NUMBER, metavar="N", help="Only step N.")
@option("--attempt", type=STEP_NUMBER, metavar="K", help="Only attempt K of that step.")
@flag("-f", "--follow", "--tail", "follow", help="Go on showing until the run ends.")
@option("--lines", type=COUNT, metavar="N", help="Only the last N lines.")
@flag("--raw", help="The bytes of the log, without markers.")
@flag("--summary", help="Steps, tools, tokens and cost.")
@flag("--claude", help="Where the agents' transcripts are.")
@flag("--latest", help="The newest run.")
def logs(
    invocation: Invocation,
    *,
    run_id: str | None,
    step: int | None,
    attempt: int | None,
    follow: bool,
    lines: int | None,
    raw: bool,
    summary: bool,
    claude: bool,
    latest: bool,
) -> int | None:
    if latest and run_id is not None:
        raise usage_error("--latest and an ID contradict each other")
    if attempt is not None and step is None:
        raise usage_error("--attempt needs --step")
    if latest:
        run_id = _newest_run(invocation)
    elif run_id is None:
        if follow or step is not None:
            raise usage_error("ID is missing", "prodigy logs latest")
        _list_runs(invocation)
        return None
    found = resolve_run(invocation, run_id)
    if summary or claude:
        from app.cli.log_summary import show_summary, show_transcripts

        show = show_transcripts if claude else show_summary
        return show(invocation, found)
    if follow:
        from app.cli.log_following import follow_logs

        return follow_logs(invocation, found, step=step, lines=lines, raw=raw)
    chosen = [
        log
        for log in logs_of_run(invocation.home, found)
        if (step is None or (log.step == step and not log.phase))
        and (attempt is None or log.attempt == attempt)
    ]
    if not chosen:
        which = f" of step {step}" if step is not None else ""
        raise not_found(f"no log{which} in {found}", f"prodigy sessions show {short_id(found)}")
    _show(invocation, found, chosen, lines, raw)
    return None


def _show(
    invocation: Invocation, run_id: str, logs: Sequence[RunLogFile], lines: int | None, raw: bool
) -> None:
    out = invocation.out
    if out.settings.json:
        documents = []
        for log in logs:
            shown = last_lines(log.path, lines) if lines else None
            documents.append({**log.document(), "lines": shown})
        out.json({"session": run_id, "logs": documents, "total": len(documents)})
    elif raw:
        out.stdout.flush()
        for log in logs:
            with log.path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
    elif lines is not None:
        _show_last(out, logs, lines)
    else:
        for log in logs:
            show_marker(out, log)
            for line in _all_lines(log):
                show_line(out, line)


def _show_last(out: Output, logs: Sequence[RunLogFile], lines: int) -> None:
    """The last lines of all these logs together, each part below its marker."""
    parts: list[tuple[RunLogFile, list[str]]] = []
    left = lines
    for log in reversed(logs):
        if left <= 0:
            break
        shown = last_lines(log.path, left)
        left -= len(shown)
        parts.append((log, shown))
    for log, shown in reversed(parts):
        show_marker(out, log)
        for line in shown:
            show_line(out, line)


def _all_lines(log: RunLogFile) -> Iterator[str]:
    with log.path.open("rb") as file:
        for data in file:
            yield from readable_line(data.decode(errors="replace").rstrip("\r\n"))


def _newest_run(invocation: Invocation) -> str:
    rows = open_catalog(invocation).rows(SessionFilter())
    if not rows:
        raise not_found("there is no run yet", "prodigy run WORKFLOW")
    return max(rows, key=lambda row: row.started_us).id


def _list_runs(invocation: Invocation) -> None:
    """The newest runs with the size and age of their output."""
    rows = open_catalog(invocation).rows(SessionFilter())
    rows.sort(key=lambda row: row.updated_us or row.started_us, reverse=True)
    out, now_us = invocation.out, int(utc_now().timestamp() * 1e6)
    found: list[tuple[SessionRow, list[StepLogFile]]] = []
    for row in rows:
        if len(found) >= _NEWEST:
            break
        try:
            files = list_logs(invocation.home, row.id, handlers=True)
        except StoreError:
            continue
        if files:
            found.append((row, files))
    if out.settings.json:
        out.json({
            "logs": [
                {
                    "id": row.id,
                    "workflow": row.workflow or None,
                    "files": len(files),
                    "bytes": sum(file.size for file in files),
                    "directory": str(invocation.home.logs_directory(row.id)),
                }
                for row, files in found
            ],
            "total": len(found),
        })  # fmt: skip
        return
    if not found:
        out.line("No run has written any output yet.")
        return
    ids = frozenset(row.id for row, _ in found)
    out.table(
        _COLUMNS,
        [
            [
                Cell(short_id(row.id, ids)),
                Cell(row.workflow),
                Cell(str(len(files))),
                Cell(size(sum(file.size for file in files))),
                Cell(age((now_us - max(file.modified_ns for file in files) // 1000) / 1e6)),
            ]
            for row, files in found
        ],
    )
