"""The resume plan in every hard state, each made for real: git, processes and files as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from textual.pilot import Pilot

from app.tui.backend import Backend
from app.tui.details import Finding, PlanView, ResumeChoice
from app.tui.screens.resume_plan import ResumePlanScreen
from app.tui.screens.session import SessionScreen
from app.tui.widgets.plan_pane import PlanPane
from orchestrator import resume_facts
from store import checkpoints
from store.checkpoint import WorkflowCheckpoint
from store.home import Home
from store.states import SessionStatus
from tests.app.tui.driving import dashboard, press, running, settled, until
from tests.app.tui.prepared_store import NOW, Run, Step
from tests.app.tui.sample_runs import failed_run, numbered, prepared
from tests.app.tui.worked_tree import program_path

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
RUN = failed_run()


def surroundings(monkeypatch: pytest.MonkeyPatch, there: Path) -> None:
    """A home directory that is shown the same on every machine, claude, and a secret."""
    monkeypatch.setenv("HOME", str(there))
    monkeypatch.setenv("PATH", program_path(there / "bin"))
    monkeypatch.setenv("API_TOKEN", "hunter2hunter2")


class Stopped:
    """A session that has stopped, with its repository and its worktree, to be made worse."""

    patch: pytest.MonkeyPatch

    def __init__(self, home: Home, projects: Path) -> None:
        self.home, self.project = home, projects / RUN.repo
        self.worktree = home.worktree(RUN.repo, RUN.id)

    def git(self, *words: str, at: Path | None = None) -> None:
        subprocess.run(["git", *words], cwd=at or self.project, check=True, capture_output=True)

    @property
    def copy(self) -> Path:
        """The saved copy of its workflow."""
        (path,) = self.home.workflow_copies(RUN.id).iterdir()
        return path

    def write_workflow(self, change: Callable[[str], str] = str) -> None:
        """Put its workflow beside the repository's files, changed or not."""
        text = change(self.copy.read_text("utf-8"))
        (self.project / f"{RUN.workflow}.yml").write_text(text, encoding="utf-8")

    def write_checkpoint(self, change: Callable[[WorkflowCheckpoint], None]) -> None:
        found = checkpoints.newest(self.home, RUN.id)
        assert found is not None
        change(found.checkpoint)
        with mock.patch.object(checkpoints, "utc_now", lambda: NOW):
            checkpoints.save(self.home, found.checkpoint)


def earlier(place: int) -> Run:
    """A run of the same workflow some days before, that came to its end."""
    steps = tuple(
        replace(step, attempts=(60.0 + 30 * index + place,), cost=0.1 if index == 3 else None)
        for index, step in enumerate(RUN.steps)
    )
    return Run(0x700 + place, RUN.workflow, RUN.repo, steps, len(steps), 86_400.0 * (place + 1),
               SessionStatus.COMPLETED)  # fmt: skip


SECRETS = "secrets:\n  API_TOKEN:\n    provider: env\n    key: API_TOKEN\n"


@contextmanager
def stopping(home: Home, projects: Path, run: Run = RUN) -> Iterator[Stopped]:
    """A session in git, with three runs before it; its workflow has changed since, in step 4."""
    with prepared(home, projects, (run, *map(earlier, range(3))), with_git=True):
        stopped = Stopped(home, projects)
        stopped.copy.write_text(SECRETS + stopped.copy.read_text("utf-8"), encoding="utf-8")
        stopped.write_workflow(lambda text: text.replace("/write-summary", "/sum-up --short"))
        yield stopped


@pytest.fixture(scope="module")
def as_made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Where a stopped session is, and a copy of it: making one takes a while."""
    place = tmp_path_factory.mktemp("stopped")
    there = place / "user"
    with stopping(Home(there / ".prodigy"), there / "src"):
        shutil.copytree(there, place / "copy", symlinks=True)
    yield there, place / "copy"


@pytest.fixture
def stopped(as_made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Stopped:
    """The session as it was made, whatever a test before did to it."""
    there, copy = as_made
    shutil.rmtree(there)
    shutil.copytree(copy, there, symlinks=True)
    surroundings(monkeypatch, there)
    return Stopped(Home(there / ".prodigy"), there / "src")


# -- ways to make it worse


def as_it_is(_stopped: Stopped) -> None:
    """Changed on disk in step 4, three files uncommitted."""


def worktree_gone(stopped: Stopped) -> None:
    stopped.git("worktree", "remove", "--force", str(stopped.worktree))


def all_gone(stopped: Stopped) -> None:
    worktree_gone(stopped)
    stopped.git("branch", "-D", f"prodigy-{RUN.id}")


def branch_gone(stopped: Stopped) -> None:
    stopped.git("update-ref", "-d", f"refs/heads/prodigy-{RUN.id}")


def moved_away(stopped: Stopped) -> None:
    stopped.git("reset", "--hard", "--quiet", "main", at=stopped.worktree)


def lacking(stopped: Stopped) -> None:
    """What its values were made of is not here: a variable, a file of variables."""

    def change(checkpoint: WorkflowCheckpoint) -> None:
        checkpoint.x.env = {**checkpoint.x.env, "inherited": ["TEAM_HOST"],
                            "files": [{"path": "team.env"}]}  # fmt: skip

    stopped.write_workflow()
    stopped.write_checkpoint(change)


def secret_missing(stopped: Stopped) -> None:
    stopped.write_workflow()
    del os.environ["API_TOKEN"]


def survivors(stopped: Stopped) -> None:
    """Processes of a step that outlived its owner; their numbers are the same every time."""
    stopped.patch.setattr(
        resume_facts, "survivors", lambda _id: [(41907, "node", None), (41911, "tee", None)]
    )


def no_workflow(stopped: Stopped) -> None:
    stopped.copy.unlink()
    (stopped.project / f"{RUN.workflow}.yml").unlink()


def repository_gone(stopped: Stopped) -> None:
    all_gone(stopped)
    stopped.project.rename(stopped.project.with_name("elsewhere"))


WORSE: dict[str, tuple[Callable[[Stopped], None], tuple[str, ...]]] = {
    "as_it_is": (as_it_is, ()),
    "put_back_with_the_file": (as_it_is, ("u", "t")),
    "difference": (as_it_is, ("v",)),
    "worktree_gone": (worktree_gone, ()),
    "all_gone": (all_gone, ()),
    "branch_gone": (branch_gone, ()),
    "moved_away": (moved_away, ()),
    "lacking": (lacking, ()),
    "secret_missing": (secret_missing, ()),
    "survivors": (survivors, ()),
    "no_workflow": (no_workflow, ()),
    "repository_gone": (repository_gone, ()),
}


@SIZES
@pytest.mark.parametrize("name", WORSE)
def test_plan(
    name: str,
    size: tuple[int, int],
    stopped: Stopped,
    monkeypatch: pytest.MonkeyPatch,
    snap_compare: Any,
) -> None:
    make_worse, keys = WORSE[name]
    stopped.patch = monkeypatch
    make_worse(stopped)
    app = dashboard(stopped.home, stopped.project)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "r", *keys)

    assert snap_compare(app, terminal_size=size, run_before=drive)


ELSEWHERE: dict[str, Run] = {
    "live": replace(RUN, status=SessionStatus.RUNNING, failure=None, error=None, owner="live",
                    silent=2),
    "owner_elsewhere": replace(RUN, status=SessionStatus.RUNNING, failure=None, error=None,
                               owner="elsewhere"),
    "interrupted": replace(RUN, status=SessionStatus.RUNNING, failure=None, error=None),
    "merged": replace(RUN, status=SessionStatus.COMPLETED, failure=None, error=None, at=5,
                      merge="merged", merge_about={"commit": "a91f3c2f" * 5}),
    "cancelled": replace(RUN, status=SessionStatus.CANCELLED, failure=None, error=None,
                         stop={"kind": "cancel"}),
}  # fmt: skip


@SIZES
@pytest.mark.parametrize("name", ELSEWHERE)
def test_plan_of_a_session_that(
    name: str,
    size: tuple[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    snap_compare: Any,
) -> None:
    """Where the key gives no plan, its reason is what is shown; the plan is opened all the same."""
    surroundings(monkeypatch, tmp_path)
    with stopping(Home(tmp_path / ".prodigy"), tmp_path / "src", ELSEWHERE[name]) as stopped:
        app = dashboard(stopped.home, stopped.project)

        async def drive(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            app.push_screen(ResumePlanScreen(app.listing.rows[RUN.id]))
            await settled(pilot)

        assert snap_compare(app, terminal_size=size, run_before=drive)


@SIZES
def test_long_plan(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snap_compare: Any
) -> None:
    """Sixty steps, of which the twentieth failed: those before it are one line."""
    many = replace(RUN, steps=(*RUN.steps[:2], *numbered(57), Step("shell: make end")), at=19)
    surroundings(monkeypatch, tmp_path)
    with stopping(Home(tmp_path / ".prodigy"), tmp_path / "src", many) as stopped:
        app = dashboard(stopped.home, stopped.project)

        async def drive(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            await press(pilot, "r", "j", "j")

        assert snap_compare(app, terminal_size=size, run_before=drive)


@SIZES
def test_plan_that_is_being_made(
    size: tuple[int, int], stopped: Stopped, monkeypatch: pytest.MonkeyPatch, snap_compare: Any
) -> None:
    """Git takes its time: every line is there, and enter waits."""
    app = dashboard(stopped.home, stopped.project)
    made = Backend.plan

    def slowly(self: Backend, *given: Any) -> Any:
        while not app._exit:
            time.sleep(0.01)
        return made(self, *given)

    monkeypatch.setattr(Backend, "plan", slowly)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.press("r")
        screen = app.screen
        assert isinstance(screen, ResumePlanScreen)
        await until(pilot, lambda: bool(screen.body.steps), "its steps are known")
        await until(pilot, lambda: screen.query_one("#box").visible, "it is shown meanwhile")
        await pilot.press("enter")
        assert screen.body.pending and app.screen is screen

    assert snap_compare(app, terminal_size=size, run_before=drive)


def check(plan: PlanView, name: str) -> tuple[Finding, str]:
    found = next(one for one in plan.checks if one.name == name)
    return found.finding, found.words


def test_a_plan_uses_the_settings_of_the_repository(stopped: Stopped) -> None:
    settings = stopped.project / ".prodigy" / "config.yml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text("claude:\n  program: no-such-agent\n", encoding="utf-8")
    plan = Backend(stopped.home, stopped.project).plan(RUN.id, ResumeChoice())
    assert check(plan, "Environment") == (Finding.WARN, "missing here: programs no-such-agent")


def test_processes_that_outlived_the_owner_are_named(stopped: Stopped) -> None:
    marked = {**os.environ, "PRODIGY_SESSION_ID": RUN.id}
    with subprocess.Popen(["sleep", "60"], env=marked) as left:
        try:
            plan = Backend(stopped.home, stopped.project).plan(RUN.id, ResumeChoice())
        finally:
            left.kill()
    told = f"still alive, ended first: {left.pid} sleep"
    assert check(plan, "Process") == (Finding.WARN, told)


def test_a_run_that_cannot_go_on_is_started_again_as_it_was_started(stopped: Stopped) -> None:
    def change(checkpoint: WorkflowCheckpoint) -> None:
        checkpoint.x.invocation = {
            "cwd": str(stopped.project), "args": ["214", "a b"],
            "params": {"key": "***API_TOKEN***"}, "max_iterations": 3, "profile": "ci",
        }  # fmt: skip
        checkpoint.x.head_last = "0" * 40  # git has thrown it away

    stopped.write_checkpoint(change)
    all_gone(stopped)
    plan = Backend(stopped.home, stopped.project).plan(RUN.id, ResumeChoice())
    assert plan.instead == (
        "cd ~/src/api && prodigy run fix-flaky-tests.yml --args 214 --args 'a b' "
        '--param "key=$API_TOKEN" -n 3 --profile ci'
    )


async def test_look_leaves_the_plan_for_what_is_uncommitted(stopped: Stopped) -> None:
    app = dashboard(stopped.home, stopped.project)
    async with running(app) as pilot:
        await press(pilot, "r", "d")
        assert isinstance(app.screen, SessionScreen)
        assert app.screen.tab is not None and app.screen.tab.id == "tab-changes"


async def test_of_a_long_home_the_command_stays_whole(stopped: Stopped, tmp_path: Path) -> None:
    app = dashboard(stopped.home, tmp_path)
    far = f"/{'a-long-way/' * 12}"
    with mock.patch.object(Backend, "prodigy_word", f"PRODIGY_HOME={far} prodigy"):
        async with running(app, (80, 24)) as pilot:
            await press(pilot, "r")
            shown = "\n".join(line.text for line in app.screen.query_one(PlanPane).lines)
            assert f"$ PRODIGY_HOME=… prodigy resume {RUN.id[8:16]}" in shown


async def test_nothing_is_estimated_where_no_run_got_so_far(tmp_path: Path, home: Home) -> None:
    with prepared(home, tmp_path / "src", (RUN, replace(RUN, number=0x700)), with_git=True):
        app = dashboard(home, tmp_path)
        async with running(app) as pilot:
            app.push_screen(ResumePlanScreen(app.listing.rows[RUN.id]))
            await settled(pilot)
            screen = app.screen
            assert isinstance(screen, ResumePlanScreen)
            assert screen.body.plan is not None and screen.body.estimate == ""
