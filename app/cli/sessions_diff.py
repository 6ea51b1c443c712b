"""``prodigy sessions diff``: what a session changed, against the commit it began at."""

from __future__ import annotations

from app.cli.arguments import STEP_NUMBER
from app.cli.command import argument, command, flag, option
from app.cli.invocation import Invocation
from app.cli.log_text import on_terminal
from app.cli.output import Cell, Column
from app.cli.runs import resolve_run, row_of
from app.cli.session_steps import checkpoint_of
from app.format import count, one_line, visible
from app.status_style import Role
from orchestrator.session_diff import Comparison, FileChange, changed_files, compare, difference

_COLUMNS = (
    Column("FILE", flexible=True),
    Column("ADDED", right=True),
    Column("REMOVED", right=True),
)


@command(
    "diff",
    help="""Show what a session changed: its worktree against the commit it began at.

    What is not committed, and files git does not know yet, are part of it. Without a worktree its
    branch is compared.""",
    examples=("prodigy sessions diff 7c1e", "prodigy sessions diff latest --step 2 --stat"),
)
@argument("run_id", metavar="ID")
@option("--step", type=STEP_NUMBER, metavar="N", help="Only what this step changed.")
@flag("--stat", help="Only the files, with the number of lines.")
def sessions_diff(invocation: Invocation, *, run_id: str, step: int | None, stat: bool) -> None:
    row = row_of(invocation, resolve_run(invocation, run_id))
    comparison = compare(row, checkpoint_of(invocation.home, row.id), step)
    files = changed_files(comparison)
    out = invocation.out
    if out.settings.json:
        text = "" if stat else difference(comparison)
        out.json(_document(row.id, step, comparison, files, text))
    elif not files:
        what = f"Step {step}" if step is not None else "It"
        out.line(f"{what} changed nothing.")
    elif stat:
        out.table(_COLUMNS, [_cells(one) for one in files])
        out.notice(_summary(files))
    else:
        shown = difference(comparison, color=out.color)
        out.raw(on_terminal(shown) if out.color else visible(shown, keep="\n\t"))
        out.notice(_summary(files))


def _cells(one: FileChange) -> list[Cell]:
    binary = one.added is None
    return [
        Cell(one_line(one.path)),
        Cell("not text" if binary else f"+{one.added}", None if binary else Role.DONE),
        Cell("" if binary else f"−{one.removed}", Role.ERROR if one.removed else None),
    ]


def _summary(files: list[FileChange]) -> str:
    added = sum(one.added or 0 for one in files)
    removed = sum(one.removed or 0 for one in files)
    return f"{count(len(files), 'file')}, +{added} −{removed}"


def _document(
    run_id: str, step: int | None, comparison: Comparison, files: list[FileChange], text: str
) -> dict[str, object]:
    return {
        "session": run_id,
        "step": step,
        "since": comparison.since,
        "until": comparison.until,
        "files": [
            {
                "path": one.path,
                "added": one.added,
                "removed": one.removed,
                "untracked": one.untracked,
            }
            for one in files
        ],
        "diff": text or None,
    }
