"""Archiving sessions and bringing them back; merging what they made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app import format as form
from app.tui.backend import Refused
from app.tui.bulk import carry_out, command_of, meant, touched
from app.tui.notes import name_of
from app.tui.subject import Where
from store.row import SessionRow
from store.states import State

if TYPE_CHECKING:
    from app.tui.details import MergeView
    from app.tui.screens.action_screen import ActionScreen
    from orchestrator.launch import Launched

UNDO_SECONDS = 30.0
AGAIN_SECONDS = 10.0
"""So long a second ``D`` on an unmerged session means it."""
_LOOK_EVERY_SECONDS = 0.1
_OPEN = frozenset({State.UNMERGED, State.MERGE_FAILED})


# -- archive


def archive(screen: ActionScreen, _key: str) -> None:
    able, others = meant(screen, "archive")
    if len(able) + len(others) > 1:
        _archive_several(screen, able, others)
        return
    row, board, now = able[0], screen.board, time.monotonic()
    asked, board.archive_asked = board.archive_asked, None
    if row.state in _OPEN and not (asked and asked[0] == row.id and asked[1] > now):
        board.archive_asked = (row.id, now + AGAIN_SECONDS)
        what = form.count(row.commits, "commit") if row.commits else "commits"
        verb = "is" if row.commits == 1 else "are"
        target = row.merge_target or row.base_branch or "its target"
        screen.say(f"Not archived: {what} {verb} not merged into {target}. "
                   "m merges, D again archives and keeps the branch.")  # fmt: skip
        return
    _archive(screen, able, [])


def _archive_several(
    screen: ActionScreen, able: list[SessionRow], others: list[tuple[SessionRow, str]]
) -> None:
    from app.tui.screens.confirm import Choice, Confirm, Question

    def words(row: SessionRow) -> str:
        if row.state in _OPEN:
            what = form.count(row.commits, "commit") if row.commits else "commits"
            return f"{what} not merged; the branch stays"
        return "hidden from the list"

    question = Question(
        title=f"Archive {form.count(len(able), 'session')}?",
        touched=touched(able, others, words),
        sentences=("Records, worktrees, branches and logs stay. u brings them back for 30s.",),
        command=command_of(screen, "archive"),
        safe="keep them",
        choices=(Choice("D", f"Archive all {len(able)}", "archive"),),
        loses=False,
        enter="archive",
    )

    def answered(answer: str | None) -> None:
        if answer:
            _archive(screen, able, others)

    screen.app.push_screen(Confirm(question), answered)


def _archive(
    screen: ActionScreen, able: list[SessionRow], others: list[tuple[SessionRow, str]]
) -> None:
    board = screen.board

    def after(done: Sequence[SessionRow]) -> None:
        if done:
            board.archived = (tuple(done), time.monotonic() + UNDO_SECONDS)
            if len(able) + len(others) == 1:
                board.toast(f"Archived {name_of(done[0])}; worktree and branch are kept. "
                            f"u brings it back for {UNDO_SECONDS:.0f}s.")  # fmt: skip
            if screen.where is not Where.SESSIONS:
                board.pop_screen()

    def said(done: Sequence[SessionRow]) -> str:
        if len(able) + len(others) == 1:
            return ""
        return f"{len(done)} archived, u brings them back for {UNDO_SECONDS:.0f}s"

    carry_out(
        screen, able, lambda row: board.backend.archive(row.id), said, others=others, after=after
    )


def restore(screen: ActionScreen, _key: str) -> None:
    board = screen.board
    rows, _ = board.archived
    board.archived = ((), 0.0)

    def said(done: Sequence[SessionRow]) -> str:
        if len(rows) > 1:
            return f"{len(done)} brought back"
        return f"Brought back {name_of(done[0])}."

    def after(done: Sequence[SessionRow]) -> None:
        if done:
            board.listing.selected = done[0].id

    carry_out(screen, rows, lambda row: board.backend.restore(row.id), said, after=after)


# -- merge


def merge(screen: ActionScreen, _key: str) -> None:
    """Look what would be merged, then ask."""
    able, others = meant(screen, "merge")
    board = screen.board

    def look() -> None:
        looked: list[tuple[SessionRow, MergeView | str]] = []
        for row in able:
            try:
                looked.append((row, board.backend.merge_check(row.id)))
            except Refused as refused:
                looked.append((row, str(refused)))
        board.call_from_thread(_ask_merge, screen, looked, others)

    screen.say("Looking what would be merged…")
    screen.run_worker(look, thread=True, group="act", exit_on_error=False)


def _ask_merge(
    screen: ActionScreen,
    looked: list[tuple[SessionRow, MergeView | str]],
    others: list[tuple[SessionRow, str]],
) -> None:
    from app.tui.screens.confirm import Choice, Confirm, Question

    screen.say("")
    known = {row.id: found for row, found in looked if not isinstance(found, str)}
    rows = [row for row, _ in looked if row.id in known]
    refused = [(row, found) for row, found in looked if isinstance(found, str)]
    if not rows:
        screen.say(refused[0][1], "error")
        return
    views = list(known.values())
    sentences = ["Branch and worktree go when it is merged; a conflict changes nothing in "
                 f"{views[0].target}."]  # fmt: skip
    conflicts = [path for view in views for path in view.conflicts]
    if conflicts:
        more = f" and {len(conflicts) - 3} more" if len(conflicts) > 3 else ""
        moved = f"{views[0].target} has moved by {views[0].behind}: " if views[0].behind else ""
        sentences.insert(0, f"{moved}it will conflict in {', '.join(conflicts[:3])}{more}.")
    many = len(rows) > 1
    question = Question(
        title=f"Merge {len(rows)} sessions?" if many else f"Merge into {views[0].target}?",
        touched=touched(rows, [*refused, *others], lambda row: _what(known[row.id])),
        sentences=tuple(sentences),
        command=command_of(screen, "merge"),
        safe="not now",
        choices=(Choice("enter", f"Merge all {len(rows)}" if many else "Merge", "merge"),),
        loses=False,
        enter="merge",
    )

    def answered(answer: str | None) -> None:
        if answer == "merge":
            for row in rows:
                screen.board.run_worker(
                    _merge(screen, row), group=f"merge-{row.id}", exit_on_error=False
                )

    screen.app.push_screen(Confirm(question), answered)


def _what(view: MergeView) -> str:
    made = f"{form.count(view.commits, 'commit')}, {form.count(view.files, 'file')}"
    return f"{made}  +{view.insertions} −{view.deletions}"


async def _merge(screen: ActionScreen, row: SessionRow) -> None:
    """Start the merge as a process of its own and follow it; quitting leaves it at work."""
    board = screen.board
    try:
        launched: Launched = await asyncio.to_thread(board.backend.start_merge, row.id)
    except Refused as refused:
        screen.say(str(refused), "error")
        return
    while launched.poll() is None:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
    found = await asyncio.to_thread(board.backend.look, [row.id])
    board.take(found.rows, found.removed)
    if launched.poll() == 0:
        now = next(iter(found.rows), row)
        board.toast(f"Merged {name_of(row)} into {now.merge_target or row.base_branch}.", "done")
        return
    said = launched.said().strip().splitlines()
    reason = next((line for line in said if line.startswith("error")), said[-1] if said else "")
    words = reason.removeprefix("error:").strip() or "it ended without a word"
    board.toast(f"Not merged: {name_of(row)}. {words}", "error")
