"""New run where it is hard: nothing to choose from, nothing to run in, files nobody can read."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from app.tui.screens.new_run import NewRunScreen
from app.tui.widgets.footer import Footer
from app.tui.widgets.form_field import Choices
from app.tui.widgets.run_foot import RunFoot
from app.tui.widgets.run_form import RunForm
from app.tui.widgets.workflow_list import WorkflowList
from app.tui.workflow_reading import begins_at, find_workflows
from store.home import Home
from store.times import utc_now
from tests.app.tui.driving import dashboard, press, running, settled, until
from tests.conftest import make_repository
from tests.world import World

BOTH_SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
DEPLOY = """\
name: deploy
parameters:
  stage:
    validation: "in(['dev', 'staging', 'prod'])"
    default: dev
    description: where to
  ratio: {type: number, required: true}
  tags: {type: array, default: [a, b]}
  notify: {type: boolean, default: false}
secrets:
  DEPLOY_KEY: {provider: env, key: DEPLOY_KEY}
commands:
  - shell: "echo deploy to ${stage}"
  - shell: "echo ${ratio} of it"
    when: "${notify}"
"""


def no_workflows(_project: Path) -> None:
    pass


def no_commit(project: Path) -> None:
    subprocess.run(["git", "update-ref", "-d", "HEAD"], cwd=project, check=True)
    kinds(project)


def kinds(project: Path) -> None:
    """Parameters of every kind."""
    (project / "workflows").mkdir()
    (project / "workflows" / "deploy.yml").write_text(DEPLOY, encoding="utf-8")


def unreadable(project: Path) -> None:
    """Bytes that are no text, a file beyond the limit, one of thousands of steps."""
    workflows = project / "workflows"
    workflows.mkdir()
    (workflows / "binary.yml").write_bytes(b"commands:\n  - shell: " + bytes(range(256)))
    (workflows / "endless.yml").write_text("commands:\n- shell: ls\n#" + "x" * 5_000_000)
    (workflows / "long.yml").write_text("commands:\n" + "- shell: ls\n" * 3000)
    (workflows / "directory.yml").mkdir()
    (workflows / "nowhere.yml").symlink_to("gone.yml")


def many(project: Path) -> None:
    workflows = project / "workflows"
    workflows.mkdir()
    for number in range(260):
        (workflows / f"nightly-{number:03}.yml").write_text("- shell: ls\n", encoding="utf-8")


STATES: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "no_workflows": (no_workflows, ()),
    "no_commit": (no_commit, ("enter", "tab", "0", "tab")),
    "kinds": (kinds, ("enter", "right", "tab", *"0.5", "tab")),
    "unreadable": (unreadable, ()),
    "many": (many, ("G",)),
    "no_such_path": (many, ("slash", *"no/such.yml", "enter")),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository without workflows, the same on every machine."""
    for variable in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(variable, "2026-01-15T09:00:00Z")
    monkeypatch.setenv("HOME", str(tmp_path))
    make_repository(tmp_path / "webapp")
    return tmp_path / "webapp"


@BOTH_SIZES
@pytest.mark.parametrize("name", STATES)
def test_state(name: str, size: tuple[int, int], project: Path, snap_compare: Any) -> None:
    prepare, keys = STATES[name]
    prepare(project)
    app = dashboard(Home(project.parent / ".prodigy"), project)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.press("n")
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=drive)


def screen_of(app: Any) -> NewRunScreen:
    screen = app.screen
    assert isinstance(screen, NewRunScreen)
    return screen


async def test_a_run_that_ends_before_it_has_a_record_shows_its_own_error(world: World) -> None:
    kinds(world.repository)
    app = dashboard(world.home, world.repository, clock=utc_now, live=True)
    async with running(app) as pilot:
        await pilot.press("n")
        screen = screen_of(app)
        await until(pilot, lambda: bool(screen.query(RunForm).first().display), "it is read")
        await press(pilot, "enter", "tab", *"0.5", "ctrl+s")
        foot = screen.query_one(RunFoot)
        await until(pilot, lambda: bool(foot._verdict.trouble), "it said why")
        assert "Secret not found in environment: DEPLOY_KEY" in " ".join(foot._verdict.trouble)
        said = "\n".join(line.text for line in foot.lines)
        assert str(world.repository) not in said, "paths are as they are typed here"
        assert "× Not started" in said and "Ready" not in said
        assert world.records == [] and not app.started_here
        assert screen.query_one(RunForm).parameters() == {"ratio": "0.5"}, "nothing typed is lost"
        screen.sessions_changed(None)
        await settled(pilot)
        assert foot._verdict.trouble, "it is the same file, so it is still so"
        await press(pilot, "backspace")
        assert not foot._verdict.trouble


async def test_outside_of_a_repository_the_reason_stands_beside_start(
    tmp_path: Path, home: Home
) -> None:
    place = tmp_path / "plain"
    place.mkdir()
    (place / "work.yml").write_text("- shell: ls\n", encoding="utf-8")
    app = dashboard(home, place)
    async with running(app) as pilot:
        await press(pilot, "n", "ctrl+s")
        said = app.screen.query_one(Footer).said
        assert said.startswith("ctrl+s: ") and "is in no git repository" in said


async def test_values_a_rule_lists_are_chosen_not_typed(project: Path, home: Home) -> None:
    kinds(project)
    app = dashboard(home, project)
    async with running(app) as pilot:
        await press(pilot, "n", "enter", "right", "right")
        assert isinstance(app.focused, Choices)
        assert screen_of(app).query_one(RunForm).parameters() == {"stage": "prod"}


async def test_every_one_of_hundreds_of_workflows_is_found(project: Path, home: Home) -> None:
    many(project)
    app = dashboard(home, project)
    async with running(app) as pilot:
        await press(pilot, "n")
        await pilot.press("slash", *"nightly-259")
        await settled(pilot)
        choice = screen_of(app).query_one(WorkflowList).choice
        assert choice is not None and choice.name == "nightly-259"


def test_what_cannot_be_opened_is_not_listed(project: Path) -> None:
    unreadable(project)
    assert [one.name for one in find_workflows(project)] == ["binary", "endless", "long"]


def test_a_repository_without_a_commit_says_so(project: Path) -> None:
    no_commit(project)
    (choice,) = find_workflows(project)
    assert "has no commit to begin at" in (begins_at(choice).problem or "")
