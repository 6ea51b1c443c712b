"""New run: what is wrong is said where it is, nothing typed is lost, and what is shown is run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from app.tui.app import ProdigyApp
from app.tui.editing import CONFIGURED, editor_command, editor_word
from app.tui.new_run_views import BeginsAt
from app.tui.past_runs import past_words
from app.tui.screens.dry_run import DryRun
from app.tui.screens.help import HelpScreen
from app.tui.screens.new_run import NewRunScreen
from app.tui.screens.sessions import SessionsScreen
from app.tui.settings import load_settings
from app.tui.trying_out import said_against
from app.tui.widgets.footer import Footer
from app.tui.widgets.problem_list import ProblemList
from app.tui.widgets.run_foot import RunFoot, Verdict
from app.tui.widgets.run_form import RunForm
from app.tui.widgets.workflow_list import WorkflowList
from store.home import Home
from store.row import SessionRow
from store.states import State
from store.times import utc_now
from tests.app.tui.driving import dashboard, press, running, settled, until
from tests.app.tui.sample_runs import prepared
from tests.app.tui.workflow_files import make_project
from tests.world import World

BOTH_SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
CHOOSE = {"broken": (), "hello": ("j",), "release-notes": ("j", "j")}
"""Keys from the first workflow to each."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with workflows, the same on every machine."""
    for variable in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(variable, "2026-01-15T09:00:00Z")
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "webapp"
    make_project(path)
    return path


@BOTH_SIZES
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("fields", CHOOSE["release-notes"]),
        ("typing", (*CHOOSE["release-notes"], "enter", *"v1.2", "tab")),
        ("problems", (*CHOOSE["release-notes"], "enter", "tab", *"99", "tab", "right", "tab")),
        ("options", (*CHOOSE["hello"], "enter", "0", "shift+tab")),
        ("broken", (*CHOOSE["broken"], "enter")),
        ("dry_run", (*CHOOSE["hello"], "ctrl+t")),
        ("keys", (*CHOOSE["hello"], "question_mark")),
        ("nothing_found", ("slash", *"no such")),
    ],
)
def test_screen(
    name: str,
    keys: tuple[str, ...],
    size: tuple[int, int],
    project: Path,
    snap_compare: Any,
) -> None:
    home = Home(project.parent / ".prodigy")
    with prepared(home, project.parent / "src"):
        app = dashboard(home, project)

        async def drive(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            await press(pilot, "n", *keys)

        assert snap_compare(app, terminal_size=size, run_before=drive)


def new_run(app: ProdigyApp) -> NewRunScreen:
    screen = app.screen
    assert isinstance(screen, NewRunScreen)
    return screen


def drawn(app: ProdigyApp) -> str:
    """What the form says, as text."""
    form = new_run(app).query_one(RunForm)
    return "\n".join(
        line.text
        for widget in form.query("_Help")
        for line in widget.lines  # type: ignore[attr-defined]
    )


async def test_a_problem_appears_when_the_field_is_left_and_goes_when_it_is_right(
    project: Path, home: Home
) -> None:
    app = dashboard(home, project)
    async with running(app) as pilot:
        await press(pilot, "n", *CHOOSE["release-notes"], "enter", "tab", *"9x")
        assert "expects an integer" not in drawn(app)
        assert "needs a value" in drawn(app)
        await press(pilot, "shift+tab")
        assert "× expects an integer, got '9x'" in drawn(app)
        await press(pilot, *"v1", "tab", "backspace")
        assert "×" not in drawn(app)
        assert new_run(app).against() is None


async def test_the_rule_of_a_parameter_is_told_beside_it(project: Path, home: Home) -> None:
    app = dashboard(home, project)
    async with running(app) as pilot:
        await press(pilot, "n", *CHOOSE["release-notes"], "enter", *"v1", "tab", *"99", "tab")
        assert "× must be <= 32" in drawn(app)
        assert new_run(app).against() == "Correct max_items to start"


async def test_start_tells_everything_that_is_missing_and_goes_there(
    project: Path, home: Home
) -> None:
    app = dashboard(home, project)
    async with running(app) as pilot:
        await press(pilot, "n", *CHOOSE["release-notes"], "ctrl+s")
        assert "× needs a value" in drawn(app)
        assert isinstance(app.focused, Input)
        assert app.screen.query_one(Footer).said == "ctrl+s: Fill in version to start"
        assert not app.started_here


async def test_the_command_has_everything_that_was_filled_in(project: Path) -> None:
    app = dashboard(Home(project.parent / ".prodigy"), project)
    async with running(app) as pilot:
        keys = ("enter", *"a b", "tab", *"7", "tab", "right", "tab", *"'x y' -z", "tab", *"*.md")
        await press(pilot, "n", *CHOOSE["release-notes"], *keys)
        await press(pilot, "tab", "space", "tab", "space", "tab", "3")
        assert shlex.split(new_run(app).command()) == [
            "prodigy", "run", "workflows/release-notes.yml", "--param", "version=a b",
            "--param", "max_items=7", "--param", "draft=false", "--map", "*.md",
            "--args", "x y", "--args=-z", "-n", "3", "--fail-fast", "--yes",
        ]  # fmt: skip


async def test_what_was_typed_is_kept_until_the_run_starts(project: Path, home: Home) -> None:
    app = dashboard(home, project)
    async with running(app) as pilot:
        await press(pilot, "n", *CHOOSE["release-notes"], "enter", *"v9", "tab", "tab", "right")
        await press(pilot, "escape")
        assert isinstance(app.screen, SessionsScreen)
        await press(pilot, "n", *CHOOSE["release-notes"])
        filled = new_run(app).query_one(RunForm)
        assert filled.parameters() == {"version": "v9", "draft": "false"}
        await press(pilot, "k", "j")
        assert filled.parameters() == {"version": "v9", "draft": "false"}


async def test_reading_the_file_again_keeps_the_field_somebody_is_in(
    project: Path, home: Home
) -> None:
    app = dashboard(home, project)
    async with running(app) as pilot:
        await press(pilot, "n", *CHOOSE["release-notes"], "enter", "v")
        focused = app.focused
        await press(pilot, "ctrl+r")
        assert app.focused is focused


async def test_enter_on_a_problem_opens_the_editor_at_its_line(
    project: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, int | None]] = []

    def edit(_app: object, path: Path, line: int | None, _environment: object) -> None:
        opened.append((path.name, line))
        path.write_text("commands:\n  - shell: make build\n", encoding="utf-8")

    monkeypatch.setattr("app.tui.screens.new_run.edit", edit)
    app = dashboard(home, project)
    async with running(app) as pilot:
        await press(pilot, "n", "enter")
        assert isinstance(app.focused, ProblemList)
        await press(pilot, "j", "enter")
        assert opened == [("broken.yml", 4)]
        assert new_run(app).against() is None, "the corrected file was read"


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("", ["vi", "+4", "f.yml"]),
        ("nano -w", ["nano", "-w", "+4", "f.yml"]),
        ("code --wait", ["code", "--wait", "--goto", "f.yml:4"]),
        ("/usr/bin/hx", ["/usr/bin/hx", "f.yml:4"]),
        ("ed", ["ed", "f.yml"]),
    ],
)
def test_each_editor_is_told_the_line_in_its_own_way(editor: str, command: list[str]) -> None:
    assert editor_command(Path("f.yml"), 4, {"EDITOR": editor}) == command


def test_the_editor_of_the_configuration_is_for_those_who_have_set_no_other(home: Home) -> None:
    home.root.mkdir(parents=True)
    home.config.write_text("default_editor: nano\n", encoding="utf-8")
    settings = load_settings(home, {})
    configured = {CONFIGURED: settings.editor or ""}
    assert editor_command(Path("f.yml"), 4, configured) == ["nano", "+4", "f.yml"]
    assert editor_word(configured) == "nano"
    assert editor_word({"EDITOR": "vim", **configured}) == "$EDITOR"


def test_what_was_said_against_a_start_wraps_and_contradicts_no_verdict(tmp_path: Path) -> None:
    why = "this step needs the Claude program, which is not installed here; " * 6
    against = said_against(f"error: {tmp_path}/flows/release.yml:11:5: {why}\n", tmp_path)
    foot = RunFoot()
    foot.show(Verdict(command="prodigy run flows/release.yml", trouble=against))
    texts = [line.text.strip() for line in foot.paint(80, 12)]
    start = next(
        y for y, text in enumerate(texts) if text.startswith("flows/release.yml:11:5: this")
    )
    assert texts[start + 2].endswith("…")
    assert texts[start + 3].startswith("× Not started")
    assert "Ready" not in " ".join(texts)


async def test_a_dry_run_shows_the_plan_and_enter_starts_it(world: World) -> None:
    workflows = world.repository / "workflows"
    workflows.mkdir()
    (workflows / "one.yml").write_text("commands:\n  - shell: echo hello\n", encoding="utf-8")
    app = dashboard(world.home, world.repository, clock=utc_now, live=True)
    async with running(app) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: new_run(app).against() is None, "it can be started")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(app.screen, DryRun), "the plan is shown")
        assert world.records == []
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.started_here), "the run has begun")
        run_id = world.only_id
        ended = (State.COMPLETED, State.UNMERGED)

        def is_over() -> bool:
            row = app.listing.rows.get(run_id)
            return row is not None and row.state in ended

        await until(pilot, is_over, "it is complete")


async def test_a_read_only_dashboard_shows_the_form_and_starts_nothing(
    project: Path, home: Home
) -> None:
    app = dashboard(home, project, read_only=True)
    async with running(app) as pilot:
        await press(pilot, "n")
        assert isinstance(app.screen, SessionsScreen)
        assert "read-only" in app.screen.query_one(Footer).said


async def test_keys_are_shown_while_typing_too(project: Path, home: Home) -> None:
    app = dashboard(home, project)
    async with running(app) as pilot:
        await press(pilot, "n", "slash", "f1")
        assert isinstance(app.screen, HelpScreen)


async def test_a_path_that_is_typed_joins_the_list(project: Path) -> None:
    (project / "elsewhere").mkdir()
    (project / "elsewhere" / "mine.yml").write_text("- shell: ls\n", encoding="utf-8")
    app = dashboard(Home(project.parent / ".prodigy"), project)
    async with running(app) as pilot:
        await press(pilot, "n", "slash", *"elsewhere/mine.yml", "enter")
        choice = new_run(app).query_one(WorkflowList).choice
        assert choice is not None and choice.name == "mine"
        assert new_run(app).command() == "prodigy run elsewhere/mine.yml"


def row(status: str, seconds: float, cost: float | None) -> SessionRow:
    return SessionRow("x", State.MERGED, status=status, workflow="fix", repo_path="/r",
                      active_seconds=seconds, cost_usd=cost)  # fmt: skip


def test_earlier_runs_are_one_line() -> None:
    rows = [row("Completed", 1860, 4.0)] * 3 + [row("Failed", 9, 4.0)]
    assert past_words(rows, "fix", "/r") == "last 4 runs: 31m 00s, 75 % done, $4.00 each"
    assert past_words(rows, "fix", "/elsewhere") == ""
    assert past_words([row("Running", 5, None)], "fix", "/r") == ""


def test_what_the_run_will_not_see_is_named_where_it_matters() -> None:
    foot = RunFoot()
    foot._verdict = Verdict(BeginsAt("main", "1977878", 2, 1, (".claude/a.md",)))
    said = [line.text for line in foot._beginning(90)]
    assert said[1].strip() == (
        "! It will not see .claude/a.md, among 2 uncommitted files and 1 untracked file."
    )
