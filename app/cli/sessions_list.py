"""``prodigy sessions list``: every run of every repository, those that need somebody first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import click

from app.cli.arguments import COUNT, moment
from app.cli.command import command, flag, nearest_word, option
from app.cli.failure import usage_error
from app.cli.invocation import Invocation
from app.cli.output import Cell, Column
from app.cli.session_object import session_object, step_number
from app.format import age, moment_from_microseconds, short_id, steps
from app.status_style import Role, Weight, style_of
from store.catalog import Order, SessionFilter
from store.row import SessionRow
from store.states import SessionStatus, State
from store.times import utc_now

if TYPE_CHECKING:
    from store.catalog import Catalog

_COLUMNS = (
    Column("ID"),
    Column("STATE"),
    Column("WORKFLOW", flexible=True),
    Column("REPO", flexible=True),
    Column("STEP", right=True),
    Column("AGE", right=True),
    Column("ERROR", flexible=True),
)


@command(
    "list",
    help="""List sessions of all repositories, those that need attention first.

    A state is a word of the STATE column (with _ for blanks) or a stored status such as Paused.""",
    examples=(
        "prodigy sessions list --status failed,interrupted --repo api",
        "prodigy sessions list --resumable --limit 0",
        "prodigy sessions list --filter 'status:failed cost>1'",
    ),
)
@option("--status", metavar="S,…", help="Only sessions in these states.")
@option("--repo", metavar="R", help="Only sessions of this repository.")
@flag("--here", help="Only sessions of the repository of this directory.")
@option("--workflow", metavar="W", help="Only sessions of this workflow.")
@option("--since", type=moment("m"), metavar="T", help="Only sessions started since then.")
@option("--search", metavar="TEXT", help="Only sessions that mention the text.")
@option("--filter", "question", metavar="TEXT", help="Only what the dashboard's filter TEXT shows.")
@flag("--resumable", help="Only sessions that can be resumed.")
@flag("--archived", help="Only archived sessions, which are hidden otherwise.")
@option(
    "--sort",
    type=click.Choice([str(order) for order in Order]),
    default="attention",
    metavar="BY",
    help="By attention, changed, started, workflow or repository.",
)
@option("--limit", type=COUNT, default=50, metavar="N", help="At most so many; 0 for all (50).")
@flag("--watch", help="Show the list anew whenever something changes, until Ctrl-C.")
def sessions_list(
    invocation: Invocation,
    *,
    status: str | None,
    repo: str | None,
    here: bool,
    workflow: str | None,
    since: datetime | None,
    search: str | None,
    question: str | None,
    resumable: bool,
    archived: bool,
    sort: str,
    limit: int,
    watch: bool,
) -> int | None:
    if here:
        from app.cli.runs import repository_here

        repo = repository_here()
    states, statuses = _wanted(status)
    wanted = SessionFilter(
        states=states,
        statuses=statuses,
        repo=repo,
        workflow=workflow,
        since=since,
        text=search,
        resumable=resumable,
        archived=archived,
        limit=limit,
        order=Order(sort),
    )
    if watch:
        from app.cli.watching import watch_sessions

        return watch_sessions(
            invocation, lambda catalog: _show(invocation, catalog, wanted, question)
        )
    from app.cli.runs import open_catalog

    _show(invocation, open_catalog(invocation), wanted, question)
    return None


def _show(
    invocation: Invocation, catalog: Catalog, wanted: SessionFilter, question: str | None
) -> None:
    if question is None:
        rows, total = catalog.select(wanted)
    else:
        rows, total = _answers(invocation, catalog, wanted, question)
    out = invocation.out
    if out.settings.json:
        now = utc_now()
        out.json({"sessions": [session_object(row, now) for row in rows], "total": total})
        return
    if not rows:
        plain = SessionFilter(limit=wanted.limit, order=wanted.order)
        unfiltered = wanted == plain and question is None
        out.line("No sessions yet: prodigy run WORKFLOW starts one." if unfiltered
                 else "No session matches.")  # fmt: skip
        return
    now_us = int(utc_now().timestamp() * 1_000_000)
    ids = frozenset(row.id for row in rows)
    out.table(_COLUMNS, [_cells(invocation, row, ids, now_us) for row in rows])
    if len(rows) < total:
        out.notice(f"{len(rows)} of {total} (--limit 0 for all)")


def _answers(
    invocation: Invocation, catalog: Catalog, wanted: SessionFilter, question: str
) -> tuple[list[SessionRow], int]:
    """What a filter of the dashboard shows of these sessions, and how many without the limit."""
    from app.tui.query import parse

    saved: Mapping[str, str] = {}
    if "@" in question:
        saved = {
            str(name): str(text) for name, text in invocation.config().dashboard_filters.items()
        }
    query = parse(question, utc_now(), saved)
    if query.problems:
        raise usage_error(f"--filter: {'; '.join(query.problems)}")
    rows = [row for row in catalog.rows(wanted._replace(limit=0)) if query.matches(row)]
    return rows[: wanted.limit or None], len(rows)


def _cells(invocation: Invocation, row: SessionRow, ids: frozenset[str], now_us: int) -> list[Cell]:
    style = style_of(row.state)
    grey = Role.FAINT if style.weight is Weight.GREY else None
    changed = row.updated_us or row.started_us
    where = steps(step_number(row), row.total_steps) if row.total_steps else ""
    return [
        Cell(short_id(row.id, ids), grey),
        invocation.out.status(style),
        Cell(row.workflow, grey, bold=style.weight is Weight.BOLD),
        Cell(row.repo, grey),
        Cell(where, grey),
        Cell(age((now_us - changed) / 1e6) if changed else "", grey),
        Cell(_note(row), grey),
    ]


def _note(row: SessionRow) -> str:
    """The one fact about what went wrong, most important word first."""
    if row.problem:
        return row.problem
    if row.state is State.MERGE_FAILED:
        return row.merge_error or ""
    if row.state is State.FAILED:
        return failure_note(row)
    if row.state is State.UNKNOWN:
        return row.live_reason or ""
    if row.state is State.WAITING:
        return row.waiting_reason or ""
    return ""


def failure_note(row: SessionRow) -> str:
    """``exit 101 · pytest -q``: how the step that failed ended, and which it was."""
    if how := row.how_it_failed:
        return f"{how} · {row.failure_label}" if row.failure_label else how
    return row.error or ""


def _wanted(text: str | None) -> tuple[frozenset[State] | None, frozenset[str] | None]:
    """States and stored statuses of ``--status``; an unknown word is an error."""
    if text is None:
        return None, None
    states: set[State] = set()
    statuses: set[str] = set()
    known = {str(state): state for state in State}
    stored = {str(status).lower(): str(status) for status in SessionStatus}
    for word in filter(None, (part.strip() for part in text.split(","))):
        plain = word.lower().replace(" ", "_").replace("-", "_").rstrip("?….")
        if word in stored.values() or (plain in stored and plain not in known):
            statuses.add(stored[plain])
        elif plain in known:
            states.add(known[plain])
        else:
            near = nearest_word(plain, (*known, *stored.values()))
            meant = f"; did you mean '{near}'?" if near else ""
            raise usage_error(f"unknown state '{word}'{meant}", "the words are " + ", ".join(known))
    return frozenset(states) or None, frozenset(statuses) or None


def started(row: SessionRow) -> datetime | None:
    """When the session was created."""
    return moment_from_microseconds(row.started_us)
