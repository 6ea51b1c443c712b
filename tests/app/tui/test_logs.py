"""Logs of any size and with any content: opened at once, followed, searched, never misread."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.tui.app import ProdigyApp
from app.tui.log_file import LogFile
from app.tui.log_reel import LogPart, LogReel
from app.tui.log_search import lines_with, places
from app.tui.log_text import shown, whole
from app.tui.widgets.log_pane import LogPane
from app.tui.widgets.log_view import LogView
from store.home import Home
from store.states import SessionStatus
from tests.app.tui.driving import dashboard, press, running, settled, until
from tests.app.tui.prepared_store import PreparedStore, Run, Step
from tests.app.tui.sample_runs import prepared

GIGABYTE = 1 << 30
HOSTILE = (
    "\x1b[31mred\x1b[0m [red]markup[/red] \x1b]0;title\x07end\n"
    "nul \x00 bell \x07 back\x08\n"
    "\u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd zero\u200bwidth\n"
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467 wide \u6f22\u5b57\n"
    "progress 10 %\rprogress 100 %\n" + "x" * 1_000_000 + "\nthe last line"
)


def run_with(output: str, *, live: bool = False) -> Run:
    step = Step("shell: make test", (3.0,), output=output)
    if live:
        return Run(1, "work", "api", (step,), 0, 1, SessionStatus.RUNNING, owner="live", silent=0)
    return Run(1, "work", "api", (step,), 0, 60, SessionStatus.FAILED, failure={"exit_code": 1},
               error="exit 1")  # fmt: skip


@pytest.fixture
def made(home: Home, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[PreparedStore]:
    with prepared(home, tmp_path / "src", (request.param,)) as store:
        yield store


def view_of(app: ProdigyApp) -> LogView:
    return app.screen.query_one(LogPane).view


def rows(app: ProdigyApp) -> list[str]:
    return [row.text for row in view_of(app).visible_rows()]


@pytest.mark.parametrize("end", ["", "\n", "\nnext\n"])
def test_of_a_line_written_over_and_over_the_last_is_seen(end: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\r".join(f"{part} of 2000 [{'=' * 40}]" for part in range(2001)) + end)
    file = LogFile(log)
    file.look()
    assert shown(file.lines(0, 1)[0]) == f"2000 of 2000 [{'=' * 40}]"
    assert [hit for piece in lines_with(log, "7 of", lambda: False) for hit in piece] == []
    assert [hit for piece in lines_with(log, "2000 of", lambda: False) for hit in piece] == [0]


def test_a_line_cut_in_the_middle_of_a_colour_says_that_it_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\x1b[38;2;249;10;10mA\x1b[0m" * 4000 + "needle\nend\n")
    file = LogFile(log)
    file.look()
    text = shown(file.lines(0, 1)[0])
    assert text.endswith("A (line cut)") and set(text[:-11]) == {"A"}
    assert "needle" in whole(file.whole(0))
    assert file.lines(1, 1) == [b"end"] and file.whole(1) == b"end"


HUNDRED = "".join(f"line {number} of many\n" for number in range(1, 101))


@pytest.mark.parametrize("made", [run_with(HUNDRED)], indirect=True)
async def test_a_search_finds_every_line_and_n_goes_round(
    made: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(made.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "l", "g", "slash", *"line 1", "enter")
        view = view_of(app)
        assert view.hits == [0, *range(9, 19), 99]
        assert (view.hit_number, view.current) == (1, 0)
        await press(pilot, "N")
        assert (view.hit_number, view.current) == (12, 99)
        await press(pilot, "n", "n")
        assert (view.hit_number, view.current) == (2, 9)
        await press(pilot, "escape")
        assert not view.searched and app.screen.query_one(LogPane).is_attached


LETTERS = "".join(f"part {number:04} " for number in range(400))


@pytest.mark.parametrize("made", [run_with(f"{HUNDRED}{LETTERS}\n{HUNDRED}")], indirect=True)
async def test_the_row_of_a_hit_is_seen_where_lines_wrap(
    made: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(made.home, tmp_path)
    async with running(app, (80, 24)) as pilot:
        await press(pilot, "l", "g", "w", "slash", *"part 0380", "enter")
        assert any("part 0380" in row for row in rows(app))
        await press(pilot, "escape", "slash", *"part 0001", "enter")
        assert any("part 0001" in row for row in rows(app))


@pytest.mark.parametrize("made", [run_with(HUNDRED, live=True)], indirect=True)
async def test_what_was_seen_is_not_told_as_new(made: PreparedStore, tmp_path: Path) -> None:
    app = dashboard(made.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "l", "k", "k")
        view = view_of(app)
        log = view._whole.parts[0].path if view._whole is not None else Path()
        with log.open("a") as file:
            file.write("more\n" * 3)
        view.look()
        await until(pilot, lambda: view.new_below == 3, "three are new")
        await press(pilot, "j", "j", "j", "j")
        assert (view.below, view.new_below) == (1, 1)


@pytest.mark.parametrize("made", [run_with("a" * 500 + "\nshort\n" * 50)], indirect=True)
async def test_long_lines_wrap_and_the_end_stays_in_view(
    made: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(made.home, tmp_path)
    async with running(app, (80, 24)) as pilot:
        await press(pilot, "l", "w")
        assert rows(app)[-1] == "short"
        await press(pilot, "g")
        assert [len(text) for text in rows(app)[:7]] == [69] * 7
        assert "".join(rows(app)[:8]) == "a" * 500
        await press(pilot, "j", "j", "j")
        assert [row.is_first for row in view_of(app).visible_rows()][:6] == [False] * 5 + [True]
        await press(pilot, "k", "k", "k")
        assert [row.is_first for row in view_of(app).visible_rows()][:2] == [True, False]


@pytest.mark.parametrize("made", [run_with(HUNDRED, live=True)], indirect=True)
async def test_scrolling_up_pauses_following_and_new_lines_are_counted(
    made: PreparedStore, tmp_path: Path
) -> None:
    log = next(made.home.logs_directory(run_with("").id).glob("*.log"))
    app = dashboard(made.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "l")
        view = view_of(app)
        assert view.following and rows(app)[-1] == "line 100 of many"
        await press(pilot, "k", "k")
        top = view.scroll_offset.y
        with log.open("a") as file:
            file.write("more\n" * 1204)
        await until(pilot, lambda: view.new_below == 1204, "the new lines are counted")
        await settled(pilot)
        assert view.scroll_offset.y == top
        title = app.screen.query_one(LogPane).title.lines[0].text
        assert "1 204 new below" in title and "end follows" in title
        await press(pilot, "end")
        assert view.following and rows(app)[-1] == "more"


@pytest.mark.parametrize("made", [run_with(HOSTILE)], indirect=True)
async def test_hostile_output_is_text_and_long_lines_say_that_they_are_cut(
    made: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(made.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "l", "g")
        drawn = app.export_screenshot()
        assert not set("\x1b\x00\x07\u202e\u200b") & set(drawn)
        shown = rows(app)
        assert shown[0] == "red [red]markup[/red] end"
        assert shown[1] == "nul ^@ bell ^G back^H"
        assert shown[2].startswith("·right to left· ") and shown[2].endswith("zero·width")
        assert shown[4] == "progress 100 %"
        assert shown[5].endswith("… (line cut at 4 096 cells)") and len(shown[5]) < 4_200
        assert shown[6] == "the last line"
        await press(pilot, "w", "end")
        assert rows(app)[-1] == "the last line"


@pytest.mark.parametrize(
    "made",
    [
        Run(1, "work", "api", (
            Step("shell: make build", (3.0,), output="built\n"),
            Step("shell: make test", (3.0, 4.0), output="E   broken\n", handler="claude: /debug"),
        ), 1, 60, SessionStatus.FAILED, failure={"exit_code": 1}, error="exit 1"),
    ],
    indirect=True,
)  # fmt: skip
async def test_all_output_has_a_rule_before_each_attempt(
    made: PreparedStore, tmp_path: Path
) -> None:
    app = dashboard(made.home, tmp_path)
    async with running(app) as pilot:
        await press(pilot, "l", "a")
        found = view_of(app).visible_rows()
        marks = [row.text for row in found if row.is_mark]
        assert [mark.rpartition("  ")[0] for mark in marks] == [
            "1 make build", "2 make test  attempt 1", "2 make test  attempt 2",
        ]  # fmt: skip
        assert [row.text for row in found if not row.is_mark] == ["built", "E   broken"]
        await press(pilot, "a", "left", "left")
        assert rows(app) == ["built"]


async def test_the_output_of_the_step_under_the_cursor_is_shown(home: Home, tmp_path: Path) -> None:
    steps = tuple(Step(f"shell: part {n}", (3.0,), output=f"of step {n}\n") for n in range(1, 4))
    run = Run(1, "work", "api", steps, 2, 60, SessionStatus.FAILED, failure={"exit_code": 1},
              error="exit 1")  # fmt: skip
    with prepared(home, tmp_path / "src", (run,)):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "enter", "k", "l")
            assert rows(app) == ["of step 2"]


def test_lines_of_several_logs_are_read_by_number_while_they_grow(tmp_path: Path) -> None:
    first, second = tmp_path / "1.log", tmp_path / "2.log"
    first.write_text("a\nb\n")
    second.write_text("c\nd")
    reel = LogReel([LogPart(first, "first"), LogPart(second, "second")])
    assert reel.look()

    def all_lines() -> list[bytes | str]:
        return list(reel.lines(0, reel.count))

    assert all_lines() == ["first", b"a", b"b", "second", b"c", b"d"]
    assert [reel.number_of(number) for number in range(6)] == [None, 1, 2, None, 1, 2]
    before = reel.may_have_grown
    with second.open("a") as file:
        file.write("e\nf\n")
    assert (before, reel.may_have_grown, reel.look()) == (False, True, True)
    assert all_lines()[3:] == ["second", b"c", b"de", b"f"]
    found = [number for piece in reel.search("de", lambda: False) for number in piece]
    assert found == [5]


def test_a_text_is_found_across_the_pieces_a_log_is_read_in(tmp_path: Path) -> None:
    log = tmp_path / "big.log"
    line = b"x" * 99 + b"\n"
    with log.open("wb") as file:
        file.write(line * 10_485 + b"x" * 70 + b"Needle" + b"x" * 23 + b"\n" + line * 10_000)
        file.write(b"y" * 3_000_000 + b"needle\nneedle")

    def found(text: str) -> list[int]:
        return [number for piece in lines_with(log, text, lambda: False) for number in piece]

    assert found("needle") == [10_485, 20_486, 20_487]
    assert found("Needle") == [10_485]
    assert found("") == []


def test_places_in_a_line_mind_case_only_when_asked() -> None:
    assert places("Error and error", "error") == [(0, 5), (10, 15)]
    assert places("Error and error", "Error") == [(0, 5)]


@pytest.mark.parametrize("made", [run_with("x\n")], indirect=True)
async def test_a_gigabyte_opens_at_once_and_its_end_is_shown_before_it_is_counted(
    made: PreparedStore, tmp_path: Path
) -> None:
    log = next(made.home.logs_directory(run_with("").id).glob("*.log"))
    piece = b"".join(b"line %07d of a very long log\n" % number for number in range(30_000))
    with log.open("wb") as file:  # real lines at both ends, a hole between them
        file.write(piece)
        file.seek(GIGABYTE)
        file.write(b"\n" + piece + b"E   the very end\n")
    app = dashboard(made.home, tmp_path)
    async with running(app) as pilot:
        began = time.monotonic()
        # A key of the pilot waits until the processor has nothing to do, counting included.
        app.action_screens()[-1].action_do("show_output")
        await until(
            pilot,
            lambda: bool(app.screen.query(LogPane)) and rows(app)[-1:] == ["E   the very end"],
            "the end of the log is shown",
        )
        took = time.monotonic() - began
        assert took < 0.5 * SLOWER, f"it took {took:.2f} s"
        view = view_of(app)
        await until(pilot, lambda: view.is_counted, "its lines are counted")
        assert view.total == 60_002
        await press(pilot, "g")
        assert rows(app)[0] == "line 0000000 of a very long log"


SLOWER = 10
"""Other tests share the machine; alone it takes a quarter of a second."""
