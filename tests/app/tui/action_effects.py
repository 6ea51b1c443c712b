"""What each action is possible for, and what "it happened" means: one table for the tests."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from textual.pilot import Pilot

from app.tui.actions import ACTIONS, Where, action
from app.tui.app import ProdigyApp
from app.tui.screens.confirm import Confirm
from app.tui.screens.copy_choice import CopyChoice
from app.tui.screens.help import HelpScreen
from app.tui.screens.new_run import NewRunScreen
from app.tui.screens.palette import Palette
from app.tui.screens.resume_from import ResumeFromScreen
from app.tui.screens.resume_plan import ResumePlanScreen
from app.tui.screens.session import SessionScreen
from app.tui.screens.sessions import SessionsScreen
from app.tui.screens.trends import TrendsScreen
from app.tui.widgets.filter_box import FilterBox
from app.tui.widgets.footer import Footer
from app.tui.widgets.session_list import SessionList
from store.home import Home
from store.requests import pending
from store.states import State
from tests.app.tui.driving import until

ALL = frozenset(State)
AT_WORK = frozenset(
    {State.STALLED, State.NEEDS_ANSWER, State.WAITING, State.RUNNING, State.STARTING}
)
RESUMABLE = frozenset(
    {State.FAILED, State.INTERRUPTED, State.PAUSED, State.UNKNOWN, State.NO_RECORD,
     State.UNREADABLE}
)  # fmt: skip
WITHOUT_FACTS = frozenset({State.NO_RECORD, State.UNREADABLE})
"""The samples of these have only a checkpoint, so their worktree is not known."""

POSSIBLE: Mapping[str, frozenset[State]] = {
    **{one.name: ALL for one in ACTIONS},
    "show_failure": frozenset(state for state in State if state.needs_attention)
    | {State.RESUMING},
    "resume": RESUMABLE,
    "resume_from": RESUMABLE,
    "skip_step": frozenset({State.FAILED, State.INTERRUPTED}),
    "pause": AT_WORK,
    "pause_now": AT_WORK | {State.PAUSING},
    "cancel": AT_WORK | {State.PAUSING, State.PAUSED, State.INTERRUPTED},
    "merge": frozenset({State.UNMERGED, State.MERGE_FAILED}),
    "archive": frozenset({State.FAILED, State.MERGE_FAILED, State.INTERRUPTED, State.PAUSED,
                          State.UNMERGED, State.MERGED, State.COMPLETED, State.CANCELLED}),
    "restore": frozenset({State.FAILED, State.INTERRUPTED, State.PAUSED, State.MERGED,
                          State.COMPLETED, State.CANCELLED}),
    "shell": ALL - WITHOUT_FACTS,
    "show_changes": ALL - WITHOUT_FACTS,
}  # fmt: skip
"""For which sessions an action of the list is possible; what is not told about is for all."""

WRITING = frozenset(
    {"resume", "resume_from", "skip_step", "pause", "pause_now", "cancel", "merge", "archive"}
)
"""What is not done to a session that a newer version wrote."""
BLOCKABLE = WRITING | {"restore", "new_run"}
"""What is not done while nothing may be written."""


@dataclass
class Cell:
    """One action on one session: what is needed to do it and to look at what became of it."""

    app: ProdigyApp
    pilot: Pilot[Any]
    home: Home
    run_id: str = ""
    state: State | str = ""
    lent: list[tuple[str, ...]] = field(default_factory=list)
    """Commands the terminal was given to."""
    exits: list[int] = field(default_factory=list)
    """What the dashboard was left with."""
    before: Any = None

    async def press(self, *keys: str) -> None:
        """Press keys, each handled before the next."""
        for key in keys:
            self.app.simulate_key(key)
            await self.pilot.pause()

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        await until(self.pilot, holds, f"{what}, of {self.state}")

    async def go_back(self, to: type[Any] = SessionsScreen) -> None:
        """Close what was opened over a screen."""
        while not isinstance(self.app.screen, to):
            self.app.pop_screen()
            await self.pilot.pause()

    def select(self, run_id: str, state: State | str) -> None:
        """Put the cursor on a session of the list."""
        self.run_id, self.state = run_id, state
        place = self.app.listing.line_of(run_id)
        assert place is not None, f"{state} is not shown"
        self.app.screen.query_one(SessionList).place_cursor(place)

    def look(self) -> None:
        """Take the session as it is on the disk now."""
        found = self.app.backend.look([self.run_id])
        self.app.take(found.rows, found.removed)

    @property
    def said(self) -> str:
        return self.app.action_screens()[-1].query_one(Footer).said

    @property
    def asked(self) -> list[str]:
        return [request.action for request in pending(self.home, self.run_id)]

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.home.session_file(self.run_id).read_text("utf-8"))
        return found

    @property
    def is_archived(self) -> bool:
        return "archived_at" in self.record["metadata"]["x_prodigy"]


Check = Callable[[Cell], Awaitable[None]]


@dataclass(frozen=True)
class Effect:
    """How to see that an action happened; it is undone where others come after it."""

    check: Check
    before: Callable[[ProdigyApp], Any] = lambda app: None
    """What to look at before the key, kept in ``Cell.before``."""
    setup: Callable[[Cell], None] = lambda cell: None


def shows(tab: str) -> Effect:
    async def check(cell: Cell) -> None:
        def is_shown() -> bool:
            screen = cell.app.screen
            shown = isinstance(screen, SessionScreen) and (screen.run_id, screen._tab)
            return shown == (cell.run_id, tab)

        await cell.until(is_shown, f"the tab {tab} is shown")

    return Effect(check)


def opens(kind: type) -> Effect:
    async def check(cell: Cell) -> None:
        await cell.until(lambda: isinstance(cell.app.screen, kind), f"{kind.__name__} is open")

    return Effect(check)


async def _plan_without_the_step(cell: Cell) -> None:
    screen = cell.app.screen
    assert isinstance(screen, ResumePlanScreen), cell.said
    assert screen._choice.skip_step == cell.app.listing.rows[cell.run_id].step_index + 1


def requested(request: str, *, then: State) -> Effect:
    async def check(cell: Cell) -> None:
        await cell.until(lambda: request in cell.asked, f"{request} lies before the owner")
        await cell.until(lambda: cell.app.listing.rows[cell.run_id].state is then, f"shows {then}")
        cell.home.request_file(cell.run_id, request).unlink()
        cell.look()

    return Effect(check)


async def _asked_to_pause_now(cell: Cell) -> None:
    row = cell.app.listing.rows[cell.run_id]
    is_long = cell.app.now_us() - (row.step_started_us or cell.app.now_us()) > 60_000_000
    assert isinstance(cell.app.screen, Confirm) == is_long, "it asks after a minute"
    if is_long:
        assert "pause_now" not in cell.asked
        await cell.press("P")
    await requested("pause_now", then=State.PAUSING).check(cell)


async def _cancelled(cell: Cell) -> None:
    assert isinstance(cell.app.screen, Confirm), cell.said
    at_rest = not cell.app.listing.rows[cell.run_id].state.is_live
    before = cell.record
    await cell.press("enter")
    assert cell.record == before and "cancel" not in cell.asked, "enter keeps it"
    await cell.press("x", "x")
    if at_rest:
        await cell.until(lambda: cell.record["status"] == "Cancelled", "it is cancelled")
    else:
        await requested("cancel", then=State.CANCELLING).check(cell)


async def _merge_looked_at(cell: Cell) -> None:
    """The samples have no repository, so what git says is told and nothing is asked."""
    await cell.until(lambda: bool(cell.said) and "Looking" not in cell.said, "git has answered")
    assert "repository" in cell.said, cell.said


async def _archived(cell: Cell) -> None:
    if cell.state in (State.UNMERGED, State.MERGE_FAILED):
        assert not cell.is_archived and "not merged into main" in cell.said
        await cell.press("D")
    await cell.until(lambda: cell.run_id not in cell.app.listing.rows, "it is hidden")
    assert cell.is_archived


def _archive(cell: Cell) -> None:
    row = cell.app.listing.rows[cell.run_id]
    cell.app.backend.archive(cell.run_id)
    cell.app.archived = ((row,), time.monotonic() + 30)
    cell.look()


async def _brought_back(cell: Cell) -> None:
    await cell.until(lambda: cell.run_id in cell.app.listing.rows, "it is shown again")
    assert not cell.is_archived


def lent(*words: str) -> Effect:
    async def check(cell: Cell) -> None:
        await cell.until(lambda: bool(cell.lent), "the terminal was lent")
        told = " ".join(cell.lent.pop())
        assert all(word.format(id=cell.run_id) in told for word in words), told

    return Effect(check)


def changes(read: Callable[[ProdigyApp], Any], *back: str) -> Effect:
    """Something of the list is another after the key; ``back`` are keys that undo it."""

    async def check(cell: Cell) -> None:
        assert read(cell.app) != cell.before, f"still {cell.before}"
        await cell.press(*back)

    return Effect(check, before=read)


def moves(*, by: int) -> Effect:
    """The cursor goes to the next row, or the footer says that there is none."""

    async def check(cell: Cell) -> None:
        listing = cell.app.listing
        place = listing.line_of(cell.run_id)
        assert place is not None
        there = listing.at(place + by) if place + by >= 0 else None
        if there is None:
            assert cell.said.startswith("no session ")
        else:
            assert listing.selected == there.id

    return Effect(check)


async def _read_again(cell: Cell) -> None:
    assert cell.said == "Reading the store again."
    await cell.until(lambda: not cell.app.workers, "it was read")


async def _next_that_needs_you(cell: Cell) -> None:
    row = cell.app.listing.current
    assert row is not None and row.state.needs_attention


async def _all_marked(cell: Cell) -> None:
    assert set(cell.app.listing.marked) == set(cell.app.listing.rows)


async def _left(cell: Cell) -> None:
    assert cell.app.sessions_screen is not None
    assert cell.exits.pop() == 0


def _marked(app: ProdigyApp) -> tuple[str, ...]:
    return tuple(app.listing.marked)


ON_THE_LIST: Mapping[str, Effect] = {
    "open_session": shows("steps"),
    "show_failure": shows("failure"),
    "show_output": shows("output"),
    "show_changes": shows("changes"),
    "show_checkpoints": shows("checkpoints"),
    "resume": opens(ResumePlanScreen),
    "resume_from": opens(ResumeFromScreen),
    "skip_step": Effect(_plan_without_the_step),
    "pause": requested("pause", then=State.PAUSING),
    "pause_now": Effect(_asked_to_pause_now),
    "cancel": Effect(_cancelled),
    "merge": Effect(_merge_looked_at),
    "archive": Effect(_archived),
    "restore": Effect(_brought_back, setup=_archive),
    "shell": lent("/bin/sh", "in", "{id}"),
    "edit_workflow": lent("vi", "/api/work-"),
    "copy": opens(CopyChoice),
    "new_run": opens(NewRunScreen),
    "trends": opens(TrendsScreen),
    "filter": changes(lambda app: app.screen.query_one(FilterBox).has_class("-open"), "escape"),
    "sort": changes(lambda app: app.listing.sort),
    "group": changes(lambda app: app.listing.choices.grouping),
    "here": changes(lambda app: app.listing.choices.repository),
    "mark": changes(_marked),
    "mark_range": changes(_marked),
    "mark_all": Effect(_all_marked),
    "chip": changes(lambda app: app.listing.chip, "1"),
    "next_attention": Effect(_next_that_needs_you),
    "next_session": moves(by=1),
    "previous_session": moves(by=-1),
    "zoom": changes(lambda app: dict(app.zoomed)),
    "reload": Effect(_read_again),
    "theme": changes(lambda app: app.theme),
    "help": opens(HelpScreen),
    "palette": opens(Palette),
    "quit": Effect(_left),
}
"""What "it happened" means on the session list."""

LASTING = {
    "archive", "restore", "cancel", "next_attention", "next_session", "previous_session", "quit",
}  # fmt: skip
"""In a session these end with another one, or with none."""

IN_A_SESSION: Mapping[str, Effect] = {
    name: effect
    for name, effect in ON_THE_LIST.items()
    if name not in LASTING and Where.SESSION in action(name).where
} | {
    "show_failure": shows("failure"),
    "tab_number": shows("output"),
}
"""The same in one session; the rest leads back or changes the session for good."""
