"""The head of a session and what its other tabs promise: output, search, changes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.tui.app import ProdigyApp
from app.tui.details import SessionDetail
from app.tui.log_search import lines_with
from app.tui.screens.session import SessionScreen
from app.tui.screens.tabs.changes import View as ChangesTab
from app.tui.screens.tabs.checkpoints import View as CheckpointsTab
from app.tui.screens.tabs.output import View as OutputTab
from app.tui.widgets.line_list import LineList
from app.tui.widgets.log_pane import LogPane
from app.tui.widgets.log_rows import LogRow
from app.tui.widgets.painted import Painted
from app.tui.widgets.session_head import StateLine, TabBar
from app.tui.widgets.text_view import TextView
from store.home import Home
from store.states import SessionStatus
from tests.app.tui.driving import dashboard, press, running
from tests.app.tui.prepared_store import Run, Step
from tests.app.tui.sample_runs import failed_run, numbered, prepared
from tests.app.tui.worked_tree import program_path


def painted(app: ProdigyApp) -> str:
    lines = [line.text for one in app.screen.query(Painted) for line in one.lines]
    return "\n".join(lines)


def shown(app: ProdigyApp) -> str:
    return "\n".join(one.text for view in app.screen.query(TextView) for one in view.texts)


@pytest.mark.parametrize("status", [SessionStatus.PAUSED, SessionStatus.COMPLETED])
async def test_a_checkpoint_is_marked_only_where_a_resume_would_use_it(
    status: SessionStatus, home: Home, tmp_path: Path
) -> None:
    merged = {"merge": "merged", "merge_about": {"commit": "a91f3c2f" * 5}}
    stop: dict[str, Any] = {"stop": {"kind": "pause"}}
    is_over = status is SessionStatus.COMPLETED
    run = Run(1, "work", "api", numbered(2), 2 if is_over else 1, 60, status,
              **(merged if is_over else stop))  # fmt: skip
    with prepared(home, tmp_path / "src", (run,)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "c")
            shown = app.screen.query_one(CheckpointsTab).query_one(LineList)
            lines = [shown.line_at(y, 120, False).text for y in range(shown.line_count())]
    assert lines
    assert any("resume uses this" in line for line in lines) is not is_over


# -- the head


async def test_tabs_lose_their_counts_then_their_blanks_and_never_touch(
    home: Home, tmp_path: Path
) -> None:
    with prepared(home, tmp_path / "src", (failed_run(),)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "enter")
            bar = app.screen.query_one(TabBar)
            bar.know({"changes": 11, "checkpoints": 50, "events": 12_345})
            told = {width: bar.paint(width, 2)[0].text for width in (120, 100, 80, 74)}
    assert "4 Changes 11   5 Checkpoints 50   6 Events 12345   7 Variables" in told[120]
    assert "4 Changes   5 Checkpoints   6 Events   7 Variables" in told[100]
    assert "4 Changes  5 Checkpoints  6 Events  7 Variables" in told[80]
    assert "4 Changes 5 Checkpoints 6 Events 7 Variables" in told[74]
    assert all(len(text) <= width for width, text in told.items())


@pytest.mark.parametrize("width", [80, 96, 120])
async def test_facts_in_the_head_give_way_before_they_touch_the_state(
    width: int, home: Home, tmp_path: Path
) -> None:
    run = Run(1, "work", "api", numbered(3), 1, 60, SessionStatus.PAUSED, stop={"kind": "sigterm"},
              inputs=("a title that is rather long, as titles of issues are", "b"))  # fmt: skip
    with prepared(home, tmp_path / "src", (run,)):
        app = dashboard(home, tmp_path)
        async with running(app, (width, 30)) as pilot:
            await press(pilot, "enter")
            (line,) = app.screen.query_one(StateLine).lines
            pieces = sorted(line.pieces, key=lambda piece: piece.x)
            ends = [piece.x + len(piece.text) for piece in pieces]
            assert all(end <= piece.x for end, piece in zip(ends, pieces[1:], strict=False))
            assert "1m ago at step 2 of 3" in line.text


async def test_another_session_has_nothing_of_the_one_before(home: Home, tmp_path: Path) -> None:
    runs = (failed_run(), Run(1, "short", "api", numbered(1), 0, 60, SessionStatus.FAILED,
                              failure={"exit_code": 1}))  # fmt: skip
    with prepared(home, tmp_path / "src", runs):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "enter")
            screen = app.screen
            assert isinstance(screen, SessionScreen)
            first = screen.footer_position()
            await press(pilot, "right_square_bracket")
            positions = {first, screen.footer_position()}
            assert positions == {("step 3", "of 5"), ("step 1", "of 1")}
            detail = screen.detail
            assert isinstance(detail, SessionDetail)
            assert screen.query_one(TabBar).counts["events"] == detail.counts["events"]


# -- output


async def test_the_output_of_an_attempt_and_of_a_handler_is_one_key_away(
    home: Home, tmp_path: Path
) -> None:
    step = Step("shell: make", (5.0, 6.0), outputs=("first\n",), output="second\n",
                handler="claude: /debug", handler_output="thinking\n")  # fmt: skip
    run = Run(1, "work", "api", (step,), 0, 60, SessionStatus.FAILED, failure={"exit_code": 1})
    with prepared(home, tmp_path / "src", (run,)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "enter", "j", "j", "l")
            screen = app.screen
            assert isinstance(screen, SessionScreen)
            tab = screen.tab
            assert isinstance(tab, OutputTab)
            view = tab.pane.view
            assert view.reel is not None and list(view.reel.lines(0, 1)) == [b"thinking"]
            assert tab.pane.title.name_words == "1 make"
            assert tab.pane.title.more == "on_failure claude /debug"
            await press(pilot, "left")
            assert tab.pane.title.more == "attempt 1"
            await press(pilot, "a")
            marks = [row.text for row in view.visible_rows() if row.is_mark]
            assert [mark.rpartition("  ")[0] for mark in marks] == [
                "1 make  attempt 1", "1 make  on_failure claude /debug", "1 make  attempt 2",
            ]  # fmt: skip


# -- search


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("test_login failed", [1]),
        ("Test_login", []),
        ("TEST_LOGIN", []),
        ("failed", [1, 2]),
        ("ärger", [3]),
        ("Ärger", [3]),
        ("[31m", []),
    ],
)
def test_a_search_finds_what_is_seen_whatever_colours_are_in_it(
    text: str, lines: list[int], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_bytes(
        b"plain\n\x1b[1mtest\x1b[0m_login \x1b[31mFAI\x1b[32mLED\x1b[0m\n"
        b"\x1b]8;;http://x\x07failed\x1b]8;;\x07\n" + "Ärger\n".encode()
    )
    found = [number for piece in lines_with(log, text, lambda: False) for number in piece]
    assert found == lines


def test_the_hit_that_was_gone_to_is_seen_also_beyond_the_edge() -> None:
    from app.tui.drawing import Line

    row = LogRow(0, f"{'x' * 500} needle {'y' * 500}")
    seen, passed = Line(), Line()
    row.draw(seen, 0, 60, "fg", "needle", strong=True)
    row.draw(passed, 0, 60, "fg", "needle", strong=False)
    assert "needle" in seen.text and seen.text.startswith("…")
    assert any(piece.text == "needle" and piece.on == "accent" for piece in seen.pieces)
    assert "needle" not in passed.text
    assert len(seen.text) <= 60


async def test_a_failure_without_marked_lines_does_not_claim_news(
    home: Home, tmp_path: Path
) -> None:
    run = Run(1, "work", "api", (Step("shell: make", (5.0,), output="all quiet\n"),), 0, 60,
              SessionStatus.FAILED, failure={"exit_code": 1})  # fmt: skip
    with prepared(home, tmp_path / "src", (run,)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "f")
            assert app.screen.query_one(LogPane).title.lines[0].text.rstrip("━ ").endswith("1 line")


# -- changes


async def test_renames_binaries_and_long_lines_are_readable_in_changes(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", program_path(tmp_path / "bin"))
    run = failed_run()
    with prepared(home, tmp_path / "src", (run,), with_git=True):
        worktree = home.worktree(run.repo, run.id)
        subprocess.run(["git", "mv", "README.md", "READ ME.md"], cwd=worktree, check=True)
        (worktree / "logo.png").write_bytes(b"\x89PNG\0\0")
        (worktree / "wide.txt").write_text("x" * 400 + "end\n")
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "d")
            tab = app.screen.query_one(ChangesTab)
            files = {one.path: one for one in tab.changes.scopes[0].files}
            assert "README.md" not in files
            assert files["READ ME.md"].was == "README.md"
            assert (files["logo.png"].added, files["wide.txt"].added) == (None, 1)
            await press(pilot, "g")
            assert shown(app) == "Renamed from README.md, otherwise as it was."
            await press(pilot, "j")
            assert shown(app) == "A file that is not text, not yet added."
            await press(pilot, "G", "k", "k")
            view = app.screen.query_one(TextView)
            assert view.virtual_size.height == 1
            await press(pilot, "w")
            assert view.virtual_size.height > 1


async def test_a_worktree_that_is_gone_is_said_above_what_its_branch_has(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", program_path(tmp_path / "bin"))
    run = failed_run()
    with prepared(home, tmp_path / "src", (run,), with_git=True):
        home.worktree(run.repo, run.id).rename(tmp_path / "elsewhere")
        app = dashboard(home, tmp_path)
        async with running(app, (80, 24)) as pilot:
            await press(pilot, "d")
            assert "worktree gone, its branch" in painted(app)
