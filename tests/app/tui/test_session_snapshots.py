"""The screens of one session as pictures, at 80×24 and 120×40, in every state that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from app.tui.backend import Backend, Refused
from app.tui.details import CheckView, Finding, PlannedStepView, PlanView, StepFate
from app.tui.screens.resume_plan import ResumePlanScreen
from store.home import Home
from store.states import SessionStatus
from tests.app.tui.driving import dashboard, press, settled
from tests.app.tui.prepared_store import NOW, Run, Step
from tests.app.tui.sample_runs import failed_run, numbered, prepared
from tests.app.tui.test_logs import HOSTILE
from tests.app.tui.worked_tree import program_path

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
LONG = "".join(f"test_{number:03} {'.' * (number % 40)} ok\n" for number in range(300))


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Home:
    """At a path that is shown the same on every machine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", program_path(tmp_path / "bin"))
    return Home(tmp_path / ".prodigy")


@pytest.fixture
def worked(home: Home, tmp_path: Path) -> Iterator[Home]:
    with prepared(home, tmp_path / "src", (failed_run(),), with_git=True):
        yield home


def compare(snap_compare: Any, home: Home, size: tuple[int, int], keys: tuple[str, ...]) -> bool:
    app = dashboard(home, home.root.parent)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        for key in keys:
            if key.startswith("type "):
                await pilot.press(*key.removeprefix("type "))
            else:
                await press(pilot, key)

    return bool(snap_compare(app, terminal_size=size, run_before=drive))


@SIZES
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("changes", ("d", "j")),
        ("changes_of_a_step", ("d", "right", "right")),
        ("a_commit", ("d", "G")),
        ("checkpoint", ("c", "j")),
        ("event_as_written", ("enter", "6", "enter")),
        ("variables", ("enter", "7", "G", "k", "k", "k")),
        ("secret", ("enter", "7")),
        ("failure", ("f",)),
        ("failure_tab", ("enter", "3")),
        ("next_mark", ("f", "n")),
        ("all_output", ("l", "a")),
        ("search", ("l", "slash", "type test_refresh", "enter", "n")),
        ("not_found", ("l", "slash", "type absent", "enter")),
        ("typing_a_search", ("l", "slash", "type tok")),
        ("step_closed", ("enter", "left")),
        ("resume_from", ("R",)),
        ("plan_from_step_2", ("R", "k", "enter")),
        ("plan_skips", ("S",)),
    ],
)
def test_session(
    name: str, keys: tuple[str, ...], size: tuple[int, int], worked: Home, snap_compare: Any
) -> None:
    assert compare(snap_compare, worked, size, keys)


def failing(*steps: Step, at: int = 0, **more: Any) -> Run:
    return Run(1, "nightly", "api", steps, at, 60, SessionStatus.FAILED,
               failure={"exit_code": 1}, error="exit 1", **more)  # fmt: skip


RUNS: dict[str, tuple[Run, tuple[str, ...]]] = {
    "hostile_output": (failing(Step("shell: cat noise", (3.0,), output=HOSTILE)), ("l", "g")),
    "hostile_wrapped": (failing(Step("shell: cat noise", (3.0,), output=HOSTILE)), ("l", "w")),
    "long_output": (failing(Step("shell: pytest", (3.0,), output=LONG)), ("l", "pageup")),
    "long_command": (
        failing(Step("shell: pytest -q " + " ".join(f"tests/test_{n}.py" for n in range(20)),
                     (3.0,), output="E   assert 1 == 2\n")),
        ("f",),
    ),
    "no_output": (failing(Step("shell: true", (3.0,))), ("l",)),
    "no_changes": (failing(Step("shell: true", (3.0,))), ("d",)),
    "no_variables": (failing(Step("shell: true", (3.0,))), ("enter", "7")),
    "running": (
        Run(1, "nightly", "api", (*numbered(2), Step("shell: make", (125.0,), output="cc a.c\n"),
            *numbered(2)), 2, 1, SessionStatus.RUNNING, owner="live", silent=3), ("enter",),
    ),
    "interrupted": (
        Run(1, "nightly", "api", numbered(3), 1, 60, SessionStatus.RUNNING), ("enter",),
    ),
    "many_steps": (
        failing(*numbered(60), at=40), ("enter",),
    ),
    "nothing_failed": (
        Run(1, "nightly", "api", numbered(3), 3, 60, SessionStatus.COMPLETED, merge="merged",
            merge_about={"commit": "a91f3c2f" * 5}), ("enter",),
    ),
}  # fmt: skip


@SIZES
@pytest.mark.parametrize("name", RUNS)
def test_state(
    name: str, size: tuple[int, int], home: Home, tmp_path: Path, snap_compare: Any
) -> None:
    run, keys = RUNS[name]
    with prepared(home, tmp_path / "src", (run,)):
        assert compare(snap_compare, home, size, keys)


PLAN = PlanView(
    sentence="Nothing has run yet. Step 3 runs again, then 4 and 5. Steps 1 and 2 are kept.",
    steps=(
        PlannedStepView(1, "shell: make build", StepFate.KEEP, "done"),
        PlannedStepView(2, "claude: /fix-issue 214", StepFate.KEEP, "done, 2 commits"),
        PlannedStepView(3, "shell: pytest -q --maxfail=1", StepFate.AGAIN, "it failed: exit 101"),
        PlannedStepView(4, "claude: /write-summary", StepFate.RUN, "not run yet"),
        PlannedStepView(5, "shell: make lint", StepFate.RUN, "not run yet"),
    ),
    checks=(
        CheckView("Checkpoint", Finding.GOOD, "#4 before step 3"),
        CheckView("Workflow", Finding.WARN, "changed on disk since the run began, in step 4"),
        CheckView("Worktree", Finding.WARN, "3 files uncommitted, kept as they are"),
        CheckView("Variables", Finding.GOOD, "restored"),
        CheckView("Process", Finding.GOOD, "none left"),
    ),
    command="prodigy resume 7c1e4f02",
    workflow_changed=True,
    can_restore=True,
)
LONG_PLAN = replace(
    PLAN,
    sentence="Nothing has run yet. Step 41 runs again, then 42–60. Steps 1–40 are kept.",
    steps=tuple(
        PlannedStepView(
            number, f"shell: make part-{number}",
            StepFate.KEEP if number < 41 else StepFate.AGAIN if number == 41 else StepFate.RUN,
            "done" if number < 41 else "it failed: exit 1" if number == 41 else "not run yet",
        )
        for number in range(1, 61)
    ),
)  # fmt: skip


def _checking(screen: ResumePlanScreen) -> None:
    screen.body.plan, screen.body.pending = None, True


def _again(screen: ResumePlanScreen) -> None:
    screen.body.made_again = True


def _starting(screen: ResumePlanScreen) -> None:
    screen.body.starting = "Starting its process…"


def _as_it_is(_screen: ResumePlanScreen) -> None:
    pass


Change = Callable[[ResumePlanScreen], None]
PLANS: dict[str, tuple[PlanView | Refused, tuple[str, ...], Change]] = {
    "file_on_disk": (PLAN, ("u",), _as_it_is),
    "put_back": (PLAN, ("t",), _as_it_is),
    "checking": (PLAN, (), _checking),
    "made_again": (PLAN, (), _again),
    "starting": (PLAN, (), _starting),
    "long": (LONG_PLAN, (), _as_it_is),
    "moved_away": (
        replace(PLAN, needs_force=("the worktree has moved away from 9f1c2d3",)), (), _as_it_is,
    ),
    "live": (
        replace(PLAN, impossible="It is live: process 41822 on orion.", steps=(), checks=(),
                instead="prodigy pause 7c1e4f02"), (), _as_it_is,
    ),
    "gone": (
        replace(PLAN, impossible="Its worktree and its branch are gone.", workflow_changed=False,
                can_restore=False, instead="prodigy run WORKFLOW",
                checks=(CheckView("Worktree", Finding.BAD, "gone, and its branch too"),)),
        (), _as_it_is,
    ),
    "refused": (Refused("no usable checkpoint; prodigy checkpoints validate 7c1e"), (), _as_it_is),
}  # fmt: skip


@SIZES
@pytest.mark.parametrize("name", PLANS)
def test_plan(
    name: str,
    size: tuple[int, int],
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    snap_compare: Any,
) -> None:
    plan, keys, change = PLANS[name]

    def make(*_arguments: object) -> PlanView:
        if isinstance(plan, Refused):
            raise plan
        return plan

    monkeypatch.setattr(Backend, "plan", make)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "r", *keys)
        screen = pilot.app.screen
        assert isinstance(screen, ResumePlanScreen)
        change(screen)
        screen._show()
        await pilot.pause()

    with prepared(home, tmp_path / "src", (failed_run(),)):
        app = dashboard(home, tmp_path, clock=lambda: NOW)
        assert snap_compare(app, terminal_size=size, run_before=drive)
