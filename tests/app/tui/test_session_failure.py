"""What the Failure screen promises: for every way to fail the true facts, and what helps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.tui.backend import Backend
from app.tui.details import SessionDetail
from app.tui.failure_reading import read_evidence
from app.tui.failure_words import Known, facts, sentence, step_in_question
from app.tui.screens.confirm import Confirm
from app.tui.screens.session import SessionScreen
from app.tui.widgets.log_pane import LogPane
from app.tui.widgets.painted import Painted
from app.tui.widgets.what_you_can_do import WhatYouCanDo
from store.catalog import Catalog
from store.home import Home
from store.states import SessionStatus
from tests.app.tui.driving import dashboard, press, running, settled
from tests.app.tui.prepared_store import NOW, Run, Step
from tests.app.tui.sample_runs import numbered, prepared
from tests.app.tui.worked_tree import move_on

NOW_US = int(NOW.timestamp() * 1e6)
S = SessionStatus


def detail_of(home: Home) -> SessionDetail:
    catalog = Catalog(home, use_index=False, clock_ns=lambda: NOW_US * 1000)
    catalog.refresh()
    (row,) = catalog.rows(None)
    return Backend(home, home.root, clock=lambda: NOW).detail(row)


def told(detail: SessionDetail) -> tuple[str, dict[str, str]]:
    """The sentence, and the facts by their labels."""
    known = Known(read_evidence(detail, step_in_question(detail)))
    found = facts(detail, known)
    values = {fact.label: "".join(text for text, _ in fact.pieces) for fact in found}
    return "  ".join(sentence(detail, NOW_US)), values


def failing(*steps: Step, at: int = 0, **more: Any) -> Run:
    return Run(1, "work", "api", steps, at, 60, S.FAILED,
               **{"failure": {"exit_code": 2}, "error": "exit 2", **more})  # fmt: skip


AGAIN = Step("shell: make", (3.0, 4.0), output="E   assert 3 == 4\n")
SAYINGS: dict[str, tuple[Run, str, dict[str, str]]] = {
    "an exit code": (
        failing(*numbered(1), AGAIN, *numbered(1), at=1),
        "Step 2 of 3 failed  exit 2 after 4.0s, attempt 2, 1m ago", {"Command": "make"},
    ),
    "a signal": (
        failing(Step("shell: make", (3.0,)), failure={"signal": 9}),
        "Step 1 of 1 failed  signal 9 after 3.0s, 1m ago", {"Tried": "once, 3.0s"},
    ),
    "a timeout": (
        failing(Step("shell: make", (600.0,)), failure={"timed_out": True}),
        "Step 1 of 1 failed  timeout after 10m 00s, 1m ago", {},
    ),
    "a start that failed": (
        failing(*numbered(2), failure=None, error="the run could not be set up: no space left"),
        "Failed before its first step  1m ago",
        {"Error": "the run could not be set up: no space left"},
    ),
    "a record that says no more": (
        failing(*numbered(2), failure=None, error="command exploded"),
        "Step 1 of 2 failed  1m ago", {"Error": "command exploded"},
    ),
    "a process that is gone": (
        Run(1, "work", "api", numbered(3), 1, 60, S.RUNNING, silent=60),
        "Interrupted in step 2 of 3  its process ended without a word, 2m ago",
        {"Resume": "checkpoint #2, 09:18, before step 2"},
    ),
    "a usage limit": (
        Run(1, "work", "api", numbered(3), 1, 60, S.PAUSED, stop={"kind": "usage_limit"}),
        "Stopped in step 2 of 3  its usage limit was reached, 1m ago", {},
    ),
    "an agent": (
        failing(Step("claude: /fix", (3.0,), conversation="3f2a9c14-6c1e")),
        "Step 1 of 1 failed  exit 2 after 3.0s, 1m ago",
        {"Command": "claude /fix", "Agent": "claude --resume 3f2a9c14-6c1e"},
    ),
    "a merge": (
        Run(1, "work", "api", numbered(2), 2, 60, S.COMPLETED, merge="failed",
            merge_about={"error": "conflict in go.sum"}),
        "The merge into main failed  conflict in go.sum, 1m ago",
        {"Target": "nothing was changed in main"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAYINGS)
def test_of_every_failure_is_said_what_and_how(name: str, home: Home, tmp_path: Path) -> None:
    run, wanted, some = SAYINGS[name]
    with prepared(home, tmp_path / "src", (run,)):
        said, found = told(detail_of(home))
    assert said == wanted
    assert {label: found.get(label) for label in some} == some


@pytest.mark.parametrize(
    ("outputs", "last", "alike"),
    [
        (("E   assert 1 == 2\n",) * 2, "E   assert 7 == 9\n", "; the same error"),
        (("took 3s\n", "took 4s\n"), "took 12s\n", "; the same error"),
        (
            ("E   assert 1 == 2\n", "ImportError: no x\n"),
            "make: *** Error:\n",
            "; different errors",
        ),
        (("E   one\n", "E   two\n"), "E   two\n", "; 2 different errors"),
        (("", "E   one\n"), "E   one\n", ""),
    ],
)
def test_of_several_attempts_is_said_whether_their_error_was_the_same(
    outputs: tuple[str, ...], last: str, alike: str, home: Home, tmp_path: Path
) -> None:
    step = Step("shell: make", (3.0, 4.0, 5.0), outputs=outputs, output=last)
    with prepared(home, tmp_path / "src", (failing(step),)):
        _, found = told(detail_of(home))
    assert found["Tried"] == f"3 times, exit 2 each time: 3.0s, 4.0s, 5.0s{alike}"


def test_an_error_is_shown_only_where_the_output_does_not_have_it(
    home: Home, tmp_path: Path
) -> None:
    step = Step("shell: make", (3.0,), output="cc a.c\nmissing ;\n")
    said = "Step 'shell: make' failed with exit code 2\nmissing ;"
    with prepared(home, tmp_path / "src", (failing(step, error=said),)):
        detail = detail_of(home)
        assert "Error" not in told(detail)[1]
        twice = "\n".join(["the step made no commit"] * 2)
        row = detail.row._replace(error=f"{said}\n{twice}")
        assert told(replace(detail, row=row))[1]["Error"] == "the step made no commit"


def test_handlers_say_how_often_they_ran_what_they_made_and_that_it_did_not_help(
    home: Home, tmp_path: Path
) -> None:
    step = Step("shell: make", (3.0, 4.0, 5.0), handler="claude: /debug", handler_commits=1)
    with prepared(home, tmp_path / "src", (failing(step),)):
        _, found = told(detail_of(home))
    assert found["Handler"] == "on_failure claude /debug ran twice, 2 commits, did not help"


# -- on the screen


def said(screen: SessionScreen) -> str:
    lines = [line.text for painted in screen.query(Painted) for line in painted.lines]
    return "\n".join(lines)


async def test_a_merge_that_failed_names_the_conflict_and_enter_asks_to_merge_again(
    home: Home, tmp_path: Path
) -> None:
    run = Run(1, "work", "api", numbered(3), 3, 600, S.COMPLETED, merge="failed",
              merge_about={"error": "conflict"})  # fmt: skip
    with prepared(home, tmp_path / "src", (run,), with_git=True):
        move_on(tmp_path / "src" / "api")
        app = dashboard(home, tmp_path)
        async with running(app, (100, 30)) as pilot:
            await press(pilot, "f")
            screen = app.screen
            assert isinstance(screen, SessionScreen)
            text = said(screen)
            assert "Conflict  src/api/auth.py" in text
            assert "main moved by 1 since" in text
            assert screen.query_one(WhatYouCanDo).names[0] == "merge"
            await press(pilot, "enter")
            assert isinstance(app.screen, Confirm)


async def test_what_changed_in_the_worktree_is_seen_when_everything_is_read_again(
    home: Home, tmp_path: Path
) -> None:
    run = failing(*numbered(2), AGAIN, at=2)
    with prepared(home, tmp_path / "src", (run,), with_git=True):
        app = dashboard(home, tmp_path)
        async with running(app, (100, 30)) as pilot:
            await press(pilot, "f")
            screen = app.screen
            assert isinstance(screen, SessionScreen) and screen.detail is not None
            assert "3 files uncommitted" in said(screen)
            (Path(screen.detail.row.worktree) / "repaired.py").write_text("ok\n")
            await press(pilot, "ctrl+r")
            assert "4 files uncommitted" in said(screen) and "repaired.py +1" in said(screen)


@pytest.mark.parametrize(
    ("run", "first"),
    [
        (Run(1, "work", "api", numbered(3), 3, 60, S.COMPLETED, merge="unmerged"), "merge"),
        (Run(1, "work", "api", numbered(3), 1, 60, S.RUNNING, owner="live", silent=3), "pause_now"),
        (failing(AGAIN), "resume"),
    ],
    ids=["complete", "running", "failed"],
)
async def test_what_can_be_done_first_fits_the_state_it_is_in_now(
    run: Run, first: str, home: Home, tmp_path: Path
) -> None:
    with prepared(home, tmp_path / "src", (run,)):
        app = dashboard(home, tmp_path)
        async with running(app, (100, 30)) as pilot:
            app.push_screen(SessionScreen(run.id, "failure", alone=True))
            await settled(pilot)
            assert app.screen.query_one(WhatYouCanDo).names[0] == first


async def test_output_that_is_gone_is_named(home: Home, tmp_path: Path) -> None:
    with prepared(home, tmp_path / "src", (failing(AGAIN),)):
        (home.logs_directory(failing().id) / "000-2.log").unlink()
        app = dashboard(home, tmp_path)
        async with running(app, (100, 30)) as pilot:
            await press(pilot, "f")
            view = app.screen.query_one(LogPane).view
            assert view.empty_words == "Its output is gone: logs/000-2.log is not there any more."
            assert view.count == 0


@pytest.mark.parametrize("keys", [("f",), ("enter", "3")], ids=["alone", "tab"])
async def test_eight_lines_of_output_stay_in_view_whatever_else_there_is_to_say(
    keys: tuple[str, ...], home: Home, tmp_path: Path
) -> None:
    step = Step(
        f"claude: /fix {'word ' * 40}", (3.0, 4.0), handler="shell: make clean",
        output="line\n" * 40, conversation="3f2a9c14-6c1e",
    )  # fmt: skip
    with prepared(home, tmp_path / "src", (failing(step, error="a rule was broken"),)):
        app = dashboard(home, tmp_path)
        async with running(app, (100, 30)) as pilot:
            await press(pilot, *keys)
            screen = app.screen
            assert isinstance(screen, SessionScreen)
            rows = len(screen.query_one(LogPane).view.visible_rows())
            assert rows >= (8 if keys == ("f",) else 6)
            assert "Agent" in said(screen)


def test_of_a_stalled_step_it_says_how_often_it_usually_says_something(
    home: Home, tmp_path: Path
) -> None:
    run = Run(1, "migrate", "api", (Step("shell: tsc", (1120.0,), output="on\n"),), 0, 1,
              S.RUNNING, owner="live", silent=18 * 60)  # fmt: skip
    with prepared(home, tmp_path / "src", (run,)):
        said = sentence(detail_of(home), NOW_US, Known(usual_gap=40.0))
    assert said == (
        "Stalled in step 1 of 1",
        "no output for 18m; this step usually says something every 40s",
    )
