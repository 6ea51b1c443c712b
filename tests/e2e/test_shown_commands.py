"""The command line shown for an action, typed in another terminal, does what the key does.

Home, repository, workflow and worktree have blanks, quotes and dollars in their names, and the
terminal has nothing but a PATH and the user's home.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.tui.actions import ACTIONS
from app.tui.app import ProdigyApp
from app.tui.screens.trends import TrendsScreen
from store.home import Home
from tests.app.tui.driving import settled, until
from tests.conftest import make_repository
from tests.e2e.another_terminal import FAILS, ODD, WAITS, Terminal
from tests.program import wait_until
from tests.world import World

MAKES = "- shell: echo made > made.txt && git add . && git commit -qm made\n"
WITHOUT = {
    "back", "copy", "next_field", "find_workflow", "copy_command", "close_form", "sort_trends",
    "sort", "group", "group_trends", "mark", "mark_range", "mark_all", "next_attention",
    "tab_number", "next_session", "previous_session", "zoom", "reload", "theme", "help",
    "palette", "quit",
}  # fmt: skip
"""What only arranges the screen has no command."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(tmp_path / f"home {ODD}")
    monkeypatch.setenv("PRODIGY_HOME", str(home.root))
    return home


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "pro ject $x"
    make_repository(path)
    return path


@pytest.fixture
def terminal(world: World, tmp_path: Path) -> Terminal:
    return Terminal(world, tmp_path)


def test_every_action_has_a_line_or_only_arranges_the_screen() -> None:
    assert {one.name for one in ACTIONS if not one.command} == WITHOUT
    tried = {name for names in TRIED.values() for name in names}
    assert tried | WITHOUT == {one.name for one in ACTIONS}


# -- looking


def test_lines_that_look_show_what_the_key_shows(terminal: Terminal) -> None:
    run_id = terminal.run(FAILS, code=1)
    for name, words in {
        "open_session": (run_id, "failed"),
        "show_failure": ("step 2 of 3", "exit      1", "it is not open"),
        "show_output": ("it is not open",),
        "show_changes": ("+made", "made.txt"),
        "show_checkpoints": ("#000003", "← resume uses this"),
    }.items():
        told = terminal.types(terminal.shown(name, run_id)).stdout
        for word in words:
            assert word in told, f"{name}: {told}"


def test_a_session_is_named_as_long_as_it_is_clear(terminal: Terminal) -> None:
    run_id = terminal.run(MAKES)
    other = f"{run_id[:20]}{'0' if run_id[20] != '0' else '1'}{run_id[21:]}"
    document = terminal.world.record(run_id) | {"id": other}
    terminal.world.home.session_file(other).write_text(json.dumps(document), encoding="utf-8")
    assert run_id in terminal.types(terminal.shown("open_session", run_id)).stdout


def test_a_shell_opens_in_the_worktree(terminal: Terminal) -> None:
    run_id = terminal.run(FAILS, code=1)
    said = terminal.types(terminal.shown("shell", run_id), more={"SHELL": "/bin/pwd"}).stdout
    assert said.strip() == str(terminal.world.worktree(run_id))


@pytest.mark.parametrize("variable", ["EDITOR", "VISUAL", ""])
def test_the_workflow_is_edited(
    terminal: Terminal, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = terminal.run(FAILS, code=1)
    editor = terminal.place / "bin" / "vi"
    editor.parent.mkdir()
    editor.write_text(f'#!/bin/sh\nfor one; do echo "$one"; done > "{terminal.trace}"\n')
    editor.chmod(0o755)
    if variable == "VISUAL":
        monkeypatch.setenv("VISUAL", "emacs -nw")
    elif not variable:
        monkeypatch.setenv("EDITOR", "")
    line = terminal.shown("edit_workflow", run_id)
    known = {variable: str(editor)} if variable else {}
    terminal.types(line, more={**known, "PATH": f"{editor.parent}:/usr/bin:/bin"})
    assert terminal.trace.read_text().splitlines() == [str(terminal.place / f"work {ODD}.yml")]


# -- asking


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [("pause", "Paused", "pause"), ("pause_now", "Paused", "pause_now"),
     ("cancel", "Cancelled", "cancel")],
)  # fmt: skip
def test_a_run_is_asked_to_stop(terminal: Terminal, name: str, status: str, kind: str) -> None:
    started = terminal.world.start(terminal.text(WAITS))
    run_id = terminal.world.wait_for_step(1)
    line = terminal.shown(name, run_id)
    terminal.types(line)
    terminal.open.touch()
    started.finish()
    assert terminal.status(run_id) == status
    assert terminal.world.record(run_id)["metadata"]["x_prodigy"]["stop"]["kind"] == kind


def test_a_session_at_rest_is_cancelled(terminal: Terminal) -> None:
    started = terminal.world.start(terminal.text(WAITS))
    run_id = terminal.world.wait_for_step(1)
    terminal.world.prodigy("pause", run_id, "--now", "--wait").expect(0)
    started.finish()
    terminal.types(terminal.shown("cancel", run_id))
    assert terminal.status(run_id) == "Cancelled"


@pytest.mark.parametrize(
    ("name", "filled", "steps"),
    [("resume", {}, "one two two three"), ("skip_step", {}, "one two three"),
     ("resume_from", {"N": "1"}, "one two one two three")],
)  # fmt: skip
def test_a_run_is_resumed(
    terminal: Terminal, name: str, filled: dict[str, str], steps: str
) -> None:
    run_id = terminal.run(FAILS.replace("echo made > made.txt", "cp {trace} made.txt"), code=1)
    terminal.open.touch()
    line = terminal.shown(name, run_id)
    for word, value in filled.items():
        line = re.sub(rf"\b{word}\b", value, line)
    terminal.types(line)
    assert terminal.status(run_id) == "Completed"
    assert terminal.trace.read_text().split() == steps.split()


def test_a_session_is_merged(terminal: Terminal) -> None:
    run_id = terminal.run(MAKES)
    terminal.types(terminal.shown("merge", run_id))
    assert (terminal.world.repository / "made.txt").exists()
    assert terminal.world.state(run_id) == "merged"


def test_a_session_is_archived_and_brought_back(terminal: Terminal) -> None:
    run_id, other = terminal.run("- shell: 'true'\n"), terminal.run(MAKES)
    terminal.types(terminal.shown("archive", run_id))
    assert terminal.world.listed("--archived")[0]["id"] == run_id
    terminal.world.prodigy("sessions", "restore", run_id).expect(0)
    line = terminal.shown("restore", run_id, "D")  # the cursor is on the other one now
    assert [one["id"] for one in terminal.world.listed()] == [other]
    terminal.types(line)
    assert {one["id"] for one in terminal.world.listed()} == {run_id, other}


@pytest.mark.parametrize("name", ["resume", "merge", "archive"])
def test_marked_sessions_are_all_meant(terminal: Terminal, name: str) -> None:
    code, text = (1, FAILS) if name == "resume" else (0, MAKES.replace("made", "made-$$"))
    runs = [terminal.run(text, code=code) for _ in range(2)]
    able = list(runs)
    if name != "archive":
        runs.append(terminal.run("- shell: 'true'\n"))
    terminal.open.touch()
    terminal.types(terminal.shown(name, marked=runs))
    if name == "archive":
        assert {one["id"] for one in terminal.world.listed("--archived")} == set(able)
    wanted = {"resume": "unmerged", "merge": "merged"}.get(name)
    for run_id in able if wanted else ():
        wait_until(lambda run_id=run_id: terminal.world.state(run_id) == wanted, f"{wanted}")  # type: ignore[misc]


# -- starting


async def _fill(app: ProdigyApp, pilot: Any) -> None:
    from app.tui.widgets.run_form import RunForm

    await until(pilot, lambda: app.screen.query_one(RunForm).display, "the form is there")
    await settled(pilot)


def _project(terminal: Terminal) -> Path:
    """A workflow in the repository, with a parameter."""
    file = terminal.world.repository / "workflows" / f"go {ODD}.yml"
    file.parent.mkdir()
    file.write_text(terminal.text("- shell: echo went >> {trace}\n"), encoding="utf-8")
    terminal.world.git("add", ".")
    terminal.world.git("commit", "-qm", "a workflow")
    return file


@pytest.mark.parametrize("name", ["start_run", "dry_run", "edit_file"])
def test_a_chosen_workflow_is_started_tried_and_edited(terminal: Terminal, name: str) -> None:
    file = _project(terminal)
    line = terminal.shown(name, None, "n", then=_fill)
    told = terminal.types(line, cwd=terminal.world.repository, more={"EDITOR": "echo"}).stdout
    if name == "edit_file":
        assert told == f"{file}\n"
    assert [path.name for path in (terminal.trace,) if path.exists()] == (
        ["trace"] if name == "start_run" else []
    )
    assert len(terminal.world.records) == int(name == "start_run")


def test_what_has_no_session_is_a_template(terminal: Terminal) -> None:
    file = _project(terminal)
    line = terminal.shown("new_run").replace("FILE", f'"{file.name[:2]}"*')
    terminal.types(line, cwd=file.parent)
    assert terminal.trace.read_text() == "went\n"


# -- listing


def test_lists_are_the_lists_on_the_screen(terminal: Terminal) -> None:
    for number in range(2):
        terminal.run("name: tidy\ncommands:\n- shell: 'true'\n", f"tidy-{number}.yml")
    terminal.run("name: tidy up\ncommands:\n- shell: 'true'\n", "up.yml")
    terminal.run(MAKES)
    terminal.run(FAILS, code=1)

    for name, text, keys, count in (
        ("filter", "status:completed workflow:tidy", (), 3),
        ("filter", 'workflow:"tidy"', (), 2),
        ("filter", '"tidy up" since:2d', (), 1),
        ("filter", "it's $home", (), 1),
        ("filter", "cost>1 nonsense:x status:nonsense", (), 0),
        ("filter", "tidy", ("5",), 3),
        ("filter", "", ("full_stop",), 5),
        ("chip", "", ("2",), 1),
        ("chip", "", ("5",), 4),
        ("here", "", (), 5),
    ):
        shown: set[str] = set()

        async def look(app: ProdigyApp, _pilot: Any, text: str = text) -> None:
            app.listing.choose_query(text)
            shown.update(app.listing.view)  # noqa: B023  the run is over before it is another

        listed = terminal.lists(terminal.shown(name, None, *keys, then=look))
        assert listed == shown, f"{name} {text}"
        assert len(listed) == count, f"{name} {text}"
    assert len(terminal.lists(terminal.shown("filter").replace("TEXT", "tidy"))) == 3


def test_trends_are_those_of_the_command_line(terminal: Terminal) -> None:
    for name in ("tidy", "tidy", "tidy up"):
        terminal.run(f"name: {name}\ncommands:\n- shell: 'true'\n")

    async def shown(app: ProdigyApp, _pilot: Any) -> None:
        assert isinstance(app.screen, TrendsScreen)
        trends = app.screen._trends
        assert trends is not None
        counted.update({one.name: one.totals.runs for one in trends.groups})

    counted: dict[str, int] = {}
    assert terminal.shown("trends").endswith("--since 30d")
    for keys in (("t",), ("t", "1"), ("t", "4")):
        line = terminal.shown("period", None, *keys, then=shown)
        document = json.loads(terminal.types(f"{line} --json").stdout)
        told = {one["workflow"]: one["runs"] for one in document["workflows"]}
        assert told == counted == {"tidy": 2, "tidy up": 1}
    terminal.types(terminal.shown("export_trends", None, "t", "X"))
    (by_key,) = terminal.world.repository.glob("*.csv")
    typed = terminal.place / "elsewhere" / by_key.name
    assert typed.read_bytes() == by_key.read_bytes()
    listed = terminal.lists(terminal.shown("its_sessions", None, "t"))
    assert len(listed) == 2
    gone: set[str] = set()

    async def view(app: ProdigyApp, _pilot: Any) -> None:
        gone.update(app.listing.view)

    terminal.shown("filter", None, "t", "enter", then=view)
    assert gone == listed


TRIED: dict[Any, tuple[str, ...]] = {
    test_lines_that_look_show_what_the_key_shows: (
        "open_session", "show_failure", "show_output", "show_changes", "show_checkpoints",
    ),
    test_a_shell_opens_in_the_worktree: ("shell",),
    test_the_workflow_is_edited: ("edit_workflow",),
    test_a_run_is_asked_to_stop: ("pause", "pause_now", "cancel"),
    test_a_run_is_resumed: ("resume", "resume_from", "skip_step"),
    test_a_session_is_merged: ("merge",),
    test_a_session_is_archived_and_brought_back: ("archive", "restore"),
    test_a_chosen_workflow_is_started_tried_and_edited: ("start_run", "dry_run", "edit_file"),
    test_what_has_no_session_is_a_template: ("new_run",),
    test_lists_are_the_lists_on_the_screen: ("filter", "chip", "here"),
    test_trends_are_those_of_the_command_line: (
        "trends", "period", "its_sessions", "export_trends",
    ),
}  # fmt: skip
"""Where the line of each action is typed."""
