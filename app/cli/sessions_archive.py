"""``prodigy sessions archive`` and ``restore``: hiding sessions from lists, and showing them."""

from __future__ import annotations

from collections.abc import Callable

from app.cli.command import argument, command
from app.cli.failure import usage_error
from app.cli.invocation import Invocation
from app.cli.runs import for_each_run
from store.home import Home


@command(
    "archive",
    help="""Hide sessions from lists. Records, branches, worktrees and logs stay.

    A running session cannot be archived; one that is resumed is shown again.""",
    examples=("prodigy sessions archive 7c1e 0b77", "prodigy sessions list --archived"),
)
@argument("ids", metavar="ID…", nargs=-1)
def sessions_archive(invocation: Invocation, *, ids: tuple[str, ...]) -> int:
    from orchestrator.archiving import archive

    return _each(invocation, ids, archive, "archived", "archived already")


@command(
    "restore",
    help="Show archived sessions in lists again.",
    examples=("prodigy sessions restore 7c1e", "prodigy sessions restore 7c1e 0b77"),
)
@argument("ids", metavar="ID…", nargs=-1)
def sessions_restore(invocation: Invocation, *, ids: tuple[str, ...]) -> int:
    from orchestrator.archiving import restore

    return _each(invocation, ids, restore, "restored", "not archived")


def _each(
    invocation: Invocation,
    ids: tuple[str, ...],
    act: Callable[[Home, str], bool],
    done: str,
    nothing_to_do: str,
) -> int:
    if not ids:
        raise usage_error("name the sessions")
    out = invocation.out
    reports: list[dict[str, object]] = []

    def one(run_id: str) -> None:
        words = done if act(invocation.home, run_id) else nothing_to_do
        reports.append({"id": run_id, "archived": done == "archived", "message": words})
        if not out.settings.json:
            out.line(out.own(f"{run_id}  {words}"))

    try:
        return for_each_run(invocation, ids, one)
    finally:
        if out.settings.json and reports:
            out.json({"sessions": reports, "total": len(reports)})
