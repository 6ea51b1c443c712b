"""The commands of ``prodigy worktree`` that look, and merging."""

from __future__ import annotations

from pathlib import Path

from app.cli.command import argument, command, flag
from app.cli.failure import not_found, usage_error
from app.cli.invocation import Invocation
from app.cli.output import Cell, Column
from app.cli.runs import open_catalog, resolve_run, row_of
from app.format import UNKNOWN, ago, clock, size
from app.status_style import style_of, word_of
from orchestrator.worktree_cleaning import (
    RunWorktree,
    Standing,
    size_of,
    standing_of,
    worktrees_of_runs,
)
from store.row import SessionRow
from store.times import from_text, utc_now

_NONE = "No active Prodigy worktrees found."


@command(
    "list",
    help="List the worktrees of runs that still exist.",
    examples=("prodigy worktree list", "prodigy worktree list --detailed --json"),
)
@flag("-d", "--detailed", help="Also state, commits ahead, uncommitted files, size.")
def worktree_list(invocation: Invocation, *, detailed: bool) -> None:
    catalog = open_catalog(invocation)
    found = [(one, catalog.row(one.session_id)) for one in worktrees_of_runs(invocation.home)]
    found.sort(key=lambda pair: pair[0].metadata.created_at, reverse=True)
    out = invocation.out
    standings = {
        one.session_id: standing_of(invocation.home, one, row) for one, row in found if detailed
    }
    if out.settings.json:
        out.json({
            "worktrees": [_object(one, row, standings.get(one.session_id)) for one, row in found],
            "total": len(found),
        })  # fmt: skip
        return
    if not found:
        out.line(_NONE)
        return
    columns = [Column("NAME"), Column("BRANCH", flexible=True), Column("CREATED")]
    if detailed:
        columns += [Column("STATE"), Column("AHEAD", right=True), Column("DIRTY"),
                    Column("SIZE", right=True)]  # fmt: skip
    rows = []
    for one, row in found:
        cells = [Cell(one.session_id), Cell(one.branch), Cell(_created(one))]
        if detailed:
            standing = standings[one.session_id]
            state = out.status(style_of(row.state)) if row is not None else Cell("")
            dirty = {None: UNKNOWN, True: "yes", False: "no"}[standing.dirty]
            ahead = UNKNOWN if standing.ahead is None else str(standing.ahead)
            cells += [state, Cell(ahead), Cell(dirty), Cell(size(size_of(one.path)))]
        rows.append(cells)
    out.table(columns, rows)


def _created(one: RunWorktree) -> str:
    try:
        moment = from_text(one.metadata.created_at)
    except ValueError:
        return ""
    now = utc_now()
    return f"{clock(moment, now)}, {ago((now - moment).total_seconds())}"


def _object(
    one: RunWorktree, row: SessionRow | None, standing: Standing | None
) -> dict[str, object]:
    return {
        "name": one.session_id,
        "session": one.session_id,
        "branch": one.branch or None,
        "target": one.metadata.original_branch or None,
        "path": str(one.path),
        "repo_path": one.metadata.repo_path or None,
        "created_at": one.metadata.created_at or None,
        "status": one.metadata.status,
        "state": str(row.state) if row is not None else None,
        "ahead": standing.ahead if standing is not None else None,
        "dirty": standing.dirty if standing is not None else None,
        "bytes": size_of(one.path) if standing is not None else None,
        "keeps": standing.keeps if standing is not None else None,
    }


@command(
    "path",
    help="Print the path of a run's worktree.",
    examples=('cd "$(prodigy worktree path latest)"', "prodigy worktree path 7c1e --json"),
)
@argument("run_id", metavar="NAME")
def worktree_path(invocation: Invocation, *, run_id: str) -> None:
    row = row_of(invocation, resolve_run(invocation, run_id))
    if not row.worktree or not Path(row.worktree).exists():
        raise not_found(
            f"{row.id} has no worktree any more ({word_of(row.state)})",
            f"prodigy sessions show {row.id}",
        )
    if invocation.settings.json:
        invocation.out.json({"session": row.id, "path": row.worktree})
    else:
        invocation.out.line(row.worktree)


@command(
    "merge",
    help="Merge runs into the branches they began on, as prodigy merge does.",
    examples=("prodigy worktree merge 7c1e --yes", "prodigy worktree merge --all"),
)
@argument("ids", metavar="[NAME]…", nargs=-1)
@flag("-a", "--all", "everything", help="Every session of this repository with an open merge.")
@flag("-y", "--yes", help="Do not ask.")
def worktree_merge(
    invocation: Invocation, *, ids: tuple[str, ...], everything: bool, yes: bool
) -> int | None:
    if not ids and not everything:
        if invocation.settings.json:
            invocation.out.json({"merges": [], "total": 0})
        else:
            invocation.out.line("Name a worktree, or give --all.")
        return None
    if ids and everything:
        raise usage_error("--all and a NAME contradict each other")
    from app.cli.merge import merge_runs

    return merge_runs(invocation, ids, everything=everything, yes=yes)
