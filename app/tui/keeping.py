"""Archiving sessions and bringing them back; merging what they made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app import format as form
from app.tui.actions import action
from app.tui.backend import Refused
from app.tui.bulk import carry_out, command_of, meant, report, tell, touched
from app.tui.notes import name_of
from app.tui.subject import Where
from store.row import SessionRow
from store.states import State

if TYPE_CHECKING:
    from app.tui.board import Board
    from app.tui.details import MergeView
    from app.tui.screens.action_screen import ActionScreen
    from orchestrator.launch import Launched

UNDO_SECONDS = 30.0
AGAIN_SECONDS = 10.0
"""So long a second ``D`` on an unmerged session means it."""
_LOOK_EVERY_SECONDS = 0.1
_OPEN = frozenset({State.UNMERGED, State.MERGE_FAILED})
_NOTHING_OPEN = frozenset({State.MERGED, State.COMPLETED})


# -- archive


def _is_unmerged(row: SessionRow) -> bool:
    """Whether it has commits its target has not, as far as its record knows."""
    return row.state in _OPEN or bool(row.commits and row.state not in _NOTHING_OPEN)


def _commits(row: SessionRow) -> str:
    return form.count(row.commits, "commit") if row.commits else "commits"


def archive(screen: ActionScreen, _key: str) -> None:
    able, others = meant(screen, "archive")
    if len(able) + len(others) > 1:
        _archive_several(screen, able, others)
        return
    row, board, now = able[0], screen.board, time.monotonic()
    asked, board.archive_asked = board.archive_asked, None
    if _is_unmerged(row) and not (asked and asked[0] == row.id and asked[1] > now):
        board.archive_asked = (row.id, now + AGAIN_SECONDS)
        verb = "is" if row.commits == 1 else "are"
        target = row.merge_target or row.base_branch or "its target"
        cannot_merge = action("merge").why_not(screen.subject().alone(row))
        instead = "" if cannot_merge else "m merges, "
        screen.say(f"Not archived: {_commits(row)} {verb} not merged into {target}. "
                   f"{instead}D again archives and keeps the branch.")  # fmt: skip
        return
    _archive(screen, able, [])


def _archive_several(
    screen: ActionScreen, able: list[SessionRow], others: list[tuple[SessionRow, str]]
) -> None:
    from app.tui.screens.confirm import Choice, Confirm, Question

    def words(row: SessionRow) -> str:
        if _is_unmerged(row):
            return f"{_commits(row)} not merged; the branch stays"
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
    found = {row.id: view for row, view in looked if not isinstance(view, str)}
    rows = [row for row, _ in looked if row.id in found]
    others = [*((row, view) for row, view in looked if isinstance(view, str)), *others]
    if not rows:
        if len(others) == 1:
            screen.say(others[0][1], "error")
        else:
            screen.board.toast(report("", others), "error")
        return
    views = list(found.values())
    many = len(rows) > 1
    words = _what_in_short if many else _what
    question = Question(
        title=f"Merge {len(rows)} sessions?" if many else f"Merge into {views[0].target}?",
        touched=touched(rows, others, lambda row: words(found[row.id])),
        sentences=tuple(filter(None, (_conflicts(views), _uncommitted(views), _goes(views)))),
        command=command_of(screen, "merge"),
        safe="not now",
        choices=(Choice("enter", f"Merge all {len(rows)}" if many else "Merge", "merge"),),
        loses=False,
        enter="merge",
    )

    def answered(answer: str | None) -> None:
        if answer == "merge":
            screen.board.run_worker(
                _merge(screen.board, rows, others), group="merge", exit_on_error=False
            )

    screen.app.push_screen(Confirm(question), answered)


def _what(view: MergeView) -> str:
    made = f"{form.count(view.commits, 'commit')}, {form.count(view.files, 'file')}"
    return f"{made}  +{view.insertions} −{view.deletions}"


def _what_in_short(view: MergeView) -> str:
    """Of one among several: what stands against it first."""
    conflict = f"conflict in {', '.join(map(form.one_line, view.conflicts))}"
    left = f"{view.uncommitted} uncommitted"
    facts = (conflict if view.conflicts else "", left if view.uncommitted else "", _what(view))
    return " · ".join(filter(None, facts))


def _conflicts(views: Sequence[MergeView]) -> str:
    conflicting = [view for view in views if view.conflicts]
    if not conflicting:
        return ""
    if len(views) > 1:
        return f"{len(conflicting)} of {len(views)} will conflict."
    (view,) = views
    more = f" and {len(view.conflicts) - 3} more" if len(view.conflicts) > 3 else ""
    moved = f"{view.target} has moved by {view.behind}: " if view.behind else ""
    names = ", ".join(map(form.one_line, view.conflicts[:3]))
    return f"{moved}it will conflict in {names}{more}."


def _uncommitted(views: Sequence[MergeView]) -> str:
    """What a merge leaves out, and what stays for it."""
    number = sum(view.uncommitted for view in views)
    if not number:
        return ""
    verb, them = ("is", "it") if number == 1 else ("are", "them")
    kept = "branch and worktree stay"
    if sum(bool(view.uncommitted) for view in views) > 1:
        kept = "branches and worktrees stay"
    return f"{form.count(number, 'uncommitted file')} {verb} not merged; {kept} for {them}."


def _goes(views: Sequence[MergeView]) -> str:
    """What is gone after a merge, and what a conflict does."""
    targets = {view.target for view in views}
    safe = f"conflict changes nothing in {targets.pop() if len(targets) == 1 else 'its target'}."
    clean = sum(not view.uncommitted for view in views)
    if not clean:
        return f"A {safe}"
    if len(views) == 1:
        return f"Branch and worktree go when it is merged; a {safe}"
    whose = "" if clean == len(views) else " of the others"
    return f"Branches and worktrees{whose} go when they are merged; a {safe}"


async def _merge(
    board: Board, rows: Sequence[SessionRow], others: Sequence[tuple[SessionRow, str]]
) -> None:
    """Merge sessions, and say what became of each; quitting leaves the merges at work."""
    ended = await asyncio.gather(*(_merge_one(board, row) for row in rows))
    done = [now for now, why in ended if not why]
    failed = [(now, why) for now, why in ended if why]
    targets = {now.merge_target or now.base_branch for now in done}
    if len(rows) + len(others) > 1:
        into = f" into {targets.pop()}" if len(targets) == 1 else ""
        refused = [(now, _briefly(now, why)) for now, why in failed]
        tell(board, done, f"{len(done)} merged{into}", refused, others)
    elif done:
        board.toast(f"Merged {name_of(done[0])} into {targets.pop()}.", "done")
    else:
        board.toast(f"Not merged: {name_of(failed[0][0])}. {failed[0][1]}", "error")


async def _merge_one(board: Board, row: SessionRow) -> tuple[SessionRow, str]:
    """Merge by a process of its own: the session afterwards, and why it is not merged, if so."""
    try:
        launched: Launched = await asyncio.to_thread(board.backend.start_merge, row.id)
    except Refused as refused:
        return row, str(refused)
    while launched.poll() is None:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
    found = await asyncio.to_thread(board.backend.look, [row.id])
    board.take(found.rows, found.removed)
    now = next(iter(found.rows), row)
    if launched.poll() == 0:
        return now, ""
    said = launched.said().strip().splitlines()
    reason = next((line for line in said if line.startswith("error")), said[-1] if said else "")
    return now, reason.removeprefix("error:").strip() or "it ended without a word"


def _briefly(row: SessionRow, why: str) -> str:
    """A reason as several may have it: ``conflict in go.sum``, whatever the target moved by."""
    target = row.merge_target or row.base_branch
    return why.removeprefix("merge failed: ").partition(f" · {target} moved by ")[0]
