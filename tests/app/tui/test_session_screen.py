"""What the tabs of a session promise: the truth of git, of checkpoints, and of the clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from textual.widgets import Input

from app.tui.app import ProdigyApp
from app.tui.backend import Backend
from app.tui.details import CheckView, Finding, PlanView, ResumeChoice
from app.tui.drawing import Line
from app.tui.screens.resume_from import ResumeFromScreen
from app.tui.screens.resume_plan import ResumePlanScreen
from app.tui.screens.session import SessionScreen
from app.tui.screens.tabs.changes import View as ChangesTab
from app.tui.widgets.detail import Detail
from app.tui.widgets.footer import Footer
from app.tui.widgets.line_list import LineList
from app.tui.widgets.log_pane import LogPane
from app.tui.widgets.painted import Painted
from app.tui.widgets.text_view import TextView
from store.home import Home
from store.states import SessionStatus, State
from tests.app.tui.driving import dashboard, press, running, settled, until
from tests.app.tui.prepared_store import NOW, PreparedStore, Run, Step
from tests.app.tui.sample_runs import failed_run, numbered, prepared


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Home:
    """Where the program has it, so that command lines need not say."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return Home(tmp_path / ".prodigy")


@pytest.fixture
def store(home: Home, tmp_path: Path) -> Iterator[PreparedStore]:
    with prepared(home, tmp_path / "src", (failed_run(),), with_git=True) as made:
        yield made


def tab_text(app: ProdigyApp) -> str:
    """What the painted parts of the screen in front say."""
    lines: list[Line] = []
    for painted in app.screen.query(Painted):
        lines += painted.lines
    return "\n".join(line.text for line in lines)


def shown_texts(app: ProdigyApp) -> str:
    views = app.screen.query(TextView)
    return "\n".join(one.text for view in views if view.display for one in view.texts)


async def test_changes_are_those_of_git_for_the_whole_and_for_each_step(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "d")
        tab = app.screen.query_one(ChangesTab)
        whole, uncommitted, step = tab.changes.scopes
        assert {one.path: (one.added, one.removed) for one in whole.files} == {
            "notes.txt": (1, 0), "src/api/auth.py": (5, 2), "tests/test_auth.py": (14, 0),
        }  # fmt: skip
        assert [one.is_untracked for one in whole.files] == [True, False, False]
        assert [one.subject for one in whole.commits] == [
            "Test refreshing with an expired token", "Answer 401 for an expired token",
        ]  # fmt: skip
        assert {one.path for one in uncommitted.files} == {
            "notes.txt", "src/api/auth.py", "tests/test_auth.py",
        }  # fmt: skip
        assert {one.path for one in step.files} == {"src/api/auth.py", "tests/test_auth.py"}
        await press(pilot, "j")
        assert "+        return Response(401)" in shown_texts(app)
        await press(pilot, "right", "right")
        assert tab.scope is step


async def test_of_a_worktree_that_is_gone_its_branch_is_compared(
    store: PreparedStore, tmp_path: Path
) -> None:
    run = failed_run()
    worktree = store.home.worktree(run.repo, run.id)
    worktree.rename(tmp_path / "elsewhere")
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "d")
        tab = app.screen.query_one(ChangesTab)
        assert [one.path for one in tab.changes.scopes[0].files] == [
            "src/api/auth.py", "tests/test_auth.py",
        ]  # fmt: skip


@pytest.mark.parametrize("tab", ["d", "f"])
async def test_looking_at_a_worktree_changes_nothing_in_it(
    store: PreparedStore, tmp_path: Path, tab: str
) -> None:
    worktree = store.home.worktree("api", failed_run().id)
    git = Path((worktree / ".git").read_text("utf-8").split(": ")[1].strip())
    before = {path: path.stat().st_mtime_ns for path in git.iterdir()}
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, tab)
    assert {path: path.stat().st_mtime_ns for path in git.iterdir()} == before


async def test_nothing_to_compare_is_one_sentence(home: Home, tmp_path: Path) -> None:
    with prepared(home, tmp_path / "src", (failed_run(),)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "d")
            assert "No changes to show: its worktree and repository are gone." in tab_text(app)


async def test_variables_show_no_secret_and_not_how_long_it_is(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "enter", "7")
        drawn = app.export_screenshot()
        assert "API_TOKEN***" not in drawn
        backend = app.backend
        found = {one.name: one for one in backend.variables(app.listing.rows[failed_run().id])}
        assert found["API_TOKEN"].value == "••••••" and found["API_TOKEN"].is_secret
        assert found["plan"].value == "decode, catch, answer; call it with ••••••"
        assert found["changed_files"].value == '["src/api/auth.py", "tests/test_auth.py"]'


async def test_a_running_step_ticks_in_list_detail_and_timeline(home: Home, tmp_path: Path) -> None:
    clock = [NOW]
    steps = (Step("shell: sleep 600", (5.0,)),)
    run = Run(1, "work", "api", steps, 0, 0, SessionStatus.RUNNING, owner="live", silent=0)
    with prepared(home, tmp_path / "src", (run,)):
        app = dashboard(home, tmp_path, clock=lambda: clock[0])
        async with running(app) as pilot:
            await settled(pilot)

            def shown(seconds: int) -> str:
                clock[0] = NOW + timedelta(seconds=seconds)
                detail = app.screen.query_one(Detail)
                detail.repaint()
                return "\n".join(line.text for line in detail.lines)

            assert " 15s" in shown(10)
            assert " 1m 05s" in shown(60)
            await press(pilot, "enter")
            clock[0] = NOW + timedelta(seconds=115)
            assert isinstance(app.screen, SessionScreen)
            app.screen.tick(full_minute=False)
            await settled(pilot)
            assert "2m 00s" in app.export_screenshot().replace("&#160;", " ")


async def test_a_merged_session_does_not_promise_to_make_its_worktree_again(
    home: Home, tmp_path: Path
) -> None:
    run = Run(1, "work", "api", numbered(2), 2, 60, SessionStatus.COMPLETED, merge="merged",
              merge_about={"commit": "a91f3c2f" * 5})  # fmt: skip
    with prepared(home, tmp_path / "src", (run,)):
        app = dashboard(home, tmp_path)
        async with running(app):
            detail = app.backend.detail(app.listing.rows[run.id])
            assert detail.row.state is State.MERGED
            assert detail.worktree_words == "removed after the merge"


async def test_a_checkpoint_shows_what_it_holds_and_a_resume_from_it_is_planned(
    store: PreparedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ResumeChoice] = []

    def plan(_backend: Backend, _run_id: str, choice: ResumeChoice) -> PlanView:
        asked.append(choice)
        return PLAN

    monkeypatch.setattr(Backend, "plan", plan)
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "c", "j", "j")
        texts = shown_texts(app)
        assert "1 of 5 steps" in texts and "make build  12s" in texts
        await press(pilot, "enter")
        assert isinstance(app.screen, ResumePlanScreen)
        assert asked == [ResumeChoice(from_checkpoint="2")]


async def test_an_event_is_shown_as_it_was_written(store: PreparedStore, tmp_path: Path) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "enter", "6", "g", "enter")
        written = json.loads(shown_texts(app))
        assert written["event_type"] == "session_created"


async def test_the_event_under_the_cursor_stays_in_view_beside_how_it_was_written(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app, (80, 24)) as pilot:
        await press(pilot, "enter", "6", "enter")
        shown = app.screen.query("LineList").results(LineList)
        events = next(one for one in shown if one.has_focus)
        assert 0 <= events.cursor - events.scroll_offset.y < events.size.height


# -- resuming otherwise


def plan_of(app: ProdigyApp) -> ResumePlanScreen:
    """The plan in front."""
    screen = app.screen
    assert isinstance(screen, ResumePlanScreen)
    return screen


PLAN = PlanView(
    sentence="Nothing has run yet.",
    steps=(),
    checks=(CheckView("Workflow", Finding.WARN, "changed on disk"),),
    command="prodigy resume 7c1e4f02",
    workflow_changed=True,
    can_restore=True,
)


async def test_the_plan_follows_what_is_chosen_and_so_does_its_command(
    store: PreparedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ResumeChoice] = []
    started: list[tuple[str, ...]] = []

    def plan(_backend: Backend, _run_id: str, choice: ResumeChoice) -> PlanView:
        asked.append(choice)
        return PLAN

    monkeypatch.setattr(Backend, "plan", plan)
    monkeypatch.setattr(Backend, "resume", lambda _backend, _id, given: started.append(given))
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "S", "u", "t")
        screen = plan_of(app)
        assert asked[-1] == ResumeChoice(skip_step=3, use_file=True, restore=True)
        told = "prodigy resume 7c1e4f02 --skip-step 3 --use-file --restore"
        assert screen.body.command() == told
        await press(pilot, "enter")
        assert started == [("--skip-step", "3", "--use-file", "--restore")]


async def test_another_step_is_chosen_from_a_list(store: PreparedStore, tmp_path: Path) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "R")
        assert isinstance(app.screen, ResumeFromScreen)
        await press(pilot, "k", "enter")
        screen = plan_of(app)
        assert screen.body.command() == "prodigy resume 7c1e4f02 --from-step 2"
        plan = screen.body.plan
        assert plan is not None and [step.fate.value for step in plan.steps] == [
            "keep", "run again", "run again", "run", "run",
        ]  # fmt: skip


async def test_a_session_that_changes_meanwhile_is_planned_again_and_enter_is_dead_at_first(
    store: PreparedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    monkeypatch.setattr(Backend, "plan", lambda *_arguments: PLAN)
    monkeypatch.setattr(Backend, "resume", lambda *given: started.append(given))
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "r")
        screen = plan_of(app)
        row = app.listing.rows[failed_run().id]
        app.take((row._replace(step_index=3),))
        await until(pilot, lambda: screen.body.made_again, "the plan is made again")
        await pilot.press("enter")
        assert started == []
        await until(pilot, lambda: not screen.body.dead, "enter lives again")
        await press(pilot, "enter")
        assert started


async def test_enter_does_nothing_while_checks_are_being_made(
    store: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "r")
        screen = plan_of(app)
        screen.body.pending = True
        await press(pilot, "enter")
        assert plan_of(app) is screen
        assert not screen._started
        assert {check.finding for check in screen.body.checks()} == {Finding.PENDING}


# -- failure


async def test_failure_goes_from_one_failed_session_to_the_next(home: Home, tmp_path: Path) -> None:
    with prepared(home, tmp_path / "src"):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "f")
            screen = app.screen
            assert isinstance(screen, SessionScreen)
            first = screen.run_id
            await press(pilot, "right_square_bracket")
            assert screen.run_id != first and screen.tab is not None
            assert app.listing.selected == screen.run_id
            assert screen.footer_position() == ("2", "of 6 failed")
            await press(pilot, "left_square_bracket", "left_square_bracket")
            assert screen.run_id == first
            assert screen.query_one(Footer).said == "none failed before this one"


@pytest.mark.parametrize("size", [(100, 30), (80, 24)])
async def test_failure_has_its_six_actions_and_eight_lines_of_output_in_view(
    store: PreparedStore, tmp_path: Path, size: tuple[int, int]
) -> None:
    app = dashboard(store.home, tmp_path)
    async with running(app, size) as pilot:
        await press(pilot, "f")
        view = app.screen.query_one(LogPane).view
        assert len(view.visible_rows()) >= 8
        text = tab_text(app)
        for line in (
            "prodigy resume 7c1e4f02",
            "prodigy resume 7c1e4f02 --from-step N",
            "prodigy resume 7c1e4f02 --skip-step 3",
            'cd "$(prodigy worktree path 7c1e4f02)" && $SHELL',
            "$EDITOR +4 ",
            "prodigy sessions show 7c1e4f02 --failure",
        ):
            assert line in text
        assert app.screen.query_one("WhatYouCanDo").region.bottom <= size[1] - 1


async def test_failure_shows_the_last_fifty_lines_and_with_l_all(
    home: Home, tmp_path: Path
) -> None:
    output = "".join(f"line {number}\n" for number in range(1, 612)) + "E   it broke\n"
    step = Step("shell: make test", (3.0,), output=output)
    run = Run(1, "work", "api", (step,), 0, 60, SessionStatus.FAILED, failure={"exit_code": 1},
              error="exit 1")  # fmt: skip
    with prepared(home, tmp_path / "src", (run,)):
        app = dashboard(home, tmp_path)
        async with running(app, (100, 30)) as pilot:
            await press(pilot, "f")
            pane = app.screen.query_one(LogPane)
            assert pane.view.count == 50 and pane.title.more == "last 50 of 612 lines"
            await press(pilot, "l")
            assert pane.view.count == 612 and pane.title.more == "612 lines"
            await press(pilot, "slash", *"line 7")
            assert app.screen.query_one(Input).value == "line 7"
            await press(pilot, "enter")
            assert pane.view.hits[:2] == [6, 69]
