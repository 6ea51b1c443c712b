"""What is drawn with a key can be clicked, and does what the key does."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from app.tui.ordering import Sort
from app.tui.screens.help import HelpScreen
from app.tui.screens.resume_plan import ResumePlanScreen
from app.tui.screens.session import SessionScreen
from app.tui.widgets.chips import Chips
from app.tui.widgets.footer import Footer
from app.tui.widgets.painted import Painted
from app.tui.widgets.plan_pane import PlanPane
from app.tui.widgets.session_head import TabBar
from app.tui.widgets.session_list import ListHead
from app.tui.widgets.what_you_can_do import WhatYouCanDo
from store.home import Home
from store.states import State
from tests.app.tui.driving import dashboard, running, settled


async def click(pilot: Pilot[int], kind: type[Painted], key: str) -> None:
    """Click where the front screen draws a key in its only widget of a kind."""
    widget = pilot.app.screen.query_one(kind)
    place = next(
        (x, y)
        for y, line in enumerate(widget.lines)
        for x in range(widget.size.width)
        if line.key_at(x) == key
    )
    await pilot.click(widget, offset=place)
    await settled(pilot)


async def test_on_the_list_chips_heads_and_hints_are_clicked(
    store_home: Home, tmp_path: Path
) -> None:
    app = dashboard(store_home, tmp_path)
    async with running(app) as pilot:
        await click(pilot, Chips, "chip(2)")
        states = {app.listing.rows[run_id].state for run_id in app.listing.view}
        assert states and all(state.needs_attention for state in states)
        before = app.listing.sort
        await click(pilot, ListHead, "WORKFLOW")
        assert app.listing.sort is Sort.WORKFLOW is not before
        await click(pilot, Footer, "help")
        assert isinstance(app.screen, HelpScreen)


async def test_in_a_session_tabs_and_what_can_be_done_are_clicked(
    store_home: Home, tmp_path: Path
) -> None:
    app = dashboard(store_home, tmp_path)
    async with running(app) as pilot:
        assert app.listing.rows[app.listing.selected or ""].state is State.FAILED
        await click(pilot, Footer, "open_session")
        await click(pilot, TabBar, "checkpoints")
        session = app.screen
        assert isinstance(session, SessionScreen)
        assert session.tab is not None and session.tab.id == "tab-checkpoints"
        await click(pilot, TabBar, "failure")
        await click(pilot, WhatYouCanDo, "resume")
        assert isinstance(app.screen, ResumePlanScreen)
        await click(pilot, PlanPane, "close")
        assert app.action_screens()[-1] is session and len(app.screen_stack) == 3
