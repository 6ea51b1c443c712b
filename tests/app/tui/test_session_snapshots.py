"""The screens of one session as pictures, at 80×24 and 120×40, in every state that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from app.tui.backend import Backend, Refused
from app.tui.details import CheckView, Finding, PlannedStepView, PlanView, StepFate
from app.tui.screens.resume_plan import ResumePlanScreen
from store.home import Home
from store.states import SessionStatus
from tests.app.tui.driving import as_long_everywhere, dashboard, press, settled
from tests.app.tui.prepared_store import NOW, Run, Step
from tests.app.tui.sample_runs import PYTEST_OUTPUT, failed_run, numbered, prepared
from tests.app.tui.test_logs import HOSTILE
from tests.app.tui.worked_tree import move_on, program_path

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
LONG = "".join(f"test_{number:03} {'.' * (number % 40)} ok\n" for number in range(300))


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    return as_long_everywhere(tmp_path)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Home:
    """At a path that is shown the same on every machine, as is what its processes do."""
    monkeypatch.setattr("store.locks.process_state", lambda _pid: "running")
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


LOOKS: dict[str, tuple[str, ...]] = {
    "changes": ("d", "j"),
    "changes_of_a_step": ("d", "right", "right"),
    "a_commit": ("d", "G"),
    "difference_alone": ("d", "j", "tab", "z"),
    "output_of_failure_alone": ("f", "z"),
    "checkpoint": ("c", "j"),
    "event_as_written": ("enter", "6", "enter"),
    "variables": ("enter", "7", "G", "k", "k", "k"),
    "secret": ("enter", "7"),
    "failure": ("f",),
    "failure_tab": ("enter", "3"),
    "next_mark": ("f", "n"),
    "all_output": ("l", "a"),
    "search": ("l", "slash", "type test_refresh", "enter", "n"),
    "not_found": ("l", "slash", "type absent", "enter"),
    "typing_a_search": ("l", "slash", "type tok"),
    "step_closed": ("enter", "left"),
    "attempt": ("enter", "j", "j", "j"),
    "resume_from": ("R",),
    "plan_from_step_2": ("R", "k", "enter"),
    "plan_skips": ("S",),
}


@SIZES
@pytest.mark.parametrize("name", LOOKS)
def test_session(name: str, size: tuple[int, int], worked: Home, snap_compare: Any) -> None:
    assert compare(snap_compare, worked, size, LOOKS[name])


def failing(*steps: Step, at: int = 0, **more: Any) -> Run:
    return Run(1, "nightly", "api", steps, at, 60, SessionStatus.FAILED,
               **{"failure": {"exit_code": 1}, "error": "exit 1", **more})  # fmt: skip


TESTED = Step(
    "shell: make test", (264.0, 241.0), night=8 * 3600.0, output=PYTEST_OUTPUT,
    outputs=("ld: cannot find -lssl\nmake: *** [test] Error 1\n",),
)  # fmt: skip
PORTED = (
    Step("shell: make deps", (38.0,)),
    Step("claude: /port ${ARG}", (250.0,), cost=0.21, commits=2, output="porting the parser\n"),
    Step("shell: make test", (64.0, 41.0), handler="claude: /debug", handler_commits=1,
         output="211 passed\n", outputs=(PYTEST_OUTPUT,)),
)  # fmt: skip
PASSES = Run(
    1, "port-release", "api", PORTED, 1, 1, SessionStatus.RUNNING, owner="live", silent=2,
    inputs=("v2.4", "v2.5", "v2.6"), pass_number=1,
)  # fmt: skip
LONG_COMMAND = "shell: pytest -q " + " ".join(f"tests/test_{n}.py" for n in range(20))
AGENT = Step(
    "claude: /fix-issue 214 --budget 5 --only src/api/auth.py,src/api/tokens.py,tests/test_auth.py",
    (83.0, 61.0), handler="shell: git stash list", output=PYTEST_OUTPUT, outputs=(PYTEST_OUTPUT,),
    conversation="3f2a9c14-6c1e-4a7b-9a55-0d6f1d2b7e90",
)  # fmt: skip

RUNS: dict[str, tuple[Run, tuple[str, ...]]] = {
    "hostile_output": (failing(Step("shell: cat noise", (3.0,), output=HOSTILE)), ("l", "g")),
    "hostile_wrapped": (failing(Step("shell: cat noise", (3.0,), output=HOSTILE)), ("l", "w")),
    "long_output": (failing(Step("shell: pytest", (3.0,), output=LONG)), ("l", "pageup")),
    "long_command": (
        failing(Step(LONG_COMMAND, (3.0,), output="E   assert 1 == 2\n")), ("f",),
    ),
    "agent": (failing(AGENT), ("f",)),
    "no_output": (failing(Step("shell: true", (3.0,))), ("l",)),
    "no_changes": (failing(Step("shell: true", (3.0,))), ("d",)),
    "no_variables": (failing(Step("shell: true", (3.0,))), ("enter", "7")),
    "running": (
        Run(1, "nightly", "api", (*numbered(2), Step("shell: make", (125.0,), output="cc a.c\n"),
            *numbered(2)), 2, 1, SessionStatus.RUNNING, owner="live", silent=3), ("enter",),
    ),
    "interrupted": (
        Run(1, "nightly", "api", numbered(3), 1, 60, SessionStatus.RUNNING, silent=50), ("enter",),
    ),
    "interrupted_failure": (
        Run(1, "nightly", "api", numbered(3), 1, 60, SessionStatus.RUNNING, silent=50), ("f",),
    ),
    "stalled": (
        Run(1, "migrate", "api", (*numbered(2), Step("shell: tsc --watch", (1120.0,),
            output="src/api.ts:12:5 checked\nwaiting for the language server\n"), *numbered(2)),
            2, 1, SessionStatus.RUNNING, owner="live", silent=18 * 60), ("f",),
    ),
    "perhaps_running": (
        Run(1, "backport", "api", numbered(5), 2, 3240, SessionStatus.RUNNING, owner="elsewhere"),
        ("f",),
    ),
    "many_steps": (
        failing(*numbered(60), at=40), ("enter",),
    ),
    "nothing_failed": (
        Run(1, "nightly", "api", numbered(3), 3, 60, SessionStatus.COMPLETED, merge="merged",
            merge_about={"commit": "a91f3c2f" * 5}), ("enter",),
    ),
    "passes": (PASSES, ("enter",)),
    "an_earlier_pass": (PASSES, ("enter", "g", "right")),
    "resumed_after_a_night": (failing(*PORTED[:2], TESTED, *numbered(1), at=2), ("enter",)),
    "different_errors": (failing(*PORTED[:2], TESTED, *numbered(1), at=2), ("f",)),
    "skipped_and_tolerated": (
        failing(Step("shell: make deps", skipped="when ${ci} is false"),
                Step("shell: make lint", (12.0,), tolerated=2), Step("shell: make", (95.0,)),
                at=2), ("enter", "g", "j"),
    ),
    "timeout": (
        failing(Step("claude: /draft-notes", (600.0,), output="drafting\n"), *numbered(2),
                failure={"timed_out": True}, error="timeout after 10m"), ("f",),
    ),
    "not_set_up": (
        failing(*numbered(3), failure=None,
                error="the run could not be set up: no space left on device"), ("f",),
    ),
    "usage_limit": (
        Run(1, "nightly", "api", (*numbered(1), Step("claude: /fix-issue 214", (30.0,),
            output="usage limit reached\n"), *numbered(2)), 1, 600, SessionStatus.PAUSED,
            stop={"kind": "usage_limit"}), ("enter", "3"),
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


@SIZES
def test_merge_that_failed(
    size: tuple[int, int], home: Home, tmp_path: Path, snap_compare: Any
) -> None:
    run = Run(1, "bump-go", "api", numbered(3), 3, 600, SessionStatus.COMPLETED, merge="failed",
              merge_about={"error": "conflict in src/api/auth.py"})  # fmt: skip
    with prepared(home, tmp_path / "src", (run,), with_git=True):
        move_on(tmp_path / "src" / "api")
        assert compare(snap_compare, home, size, ("f",))


@SIZES
def test_output_that_is_gone(size: tuple[int, int], worked: Home, snap_compare: Any) -> None:
    for log in worked.root.rglob("002-*.log"):
        log.unlink()
    assert compare(snap_compare, worked, size, ("f",))


@SIZES
def test_worktree_that_is_gone(
    size: tuple[int, int], worked: Home, tmp_path: Path, snap_compare: Any
) -> None:
    run = failed_run()
    worked.worktree(run.repo, run.id).rename(tmp_path / "elsewhere")
    assert compare(snap_compare, worked, size, ("d",))


@SIZES
def test_record_that_cannot_be_read(
    size: tuple[int, int], home: Home, tmp_path: Path, snap_compare: Any
) -> None:
    with prepared(home, tmp_path / "src", ()) as store:
        store.spoil(0x91D0C2AA)
        assert compare(snap_compare, home, size, ("f",))


@pytest.mark.parametrize("keys", [("f",), ("enter", "3")], ids=["alone", "tab"])
def test_failure_in_the_size_it_was_drawn_for(
    keys: tuple[str, ...], worked: Home, snap_compare: Any
) -> None:
    assert compare(snap_compare, worked, (100, 30), keys)


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


def _again(screen: ResumePlanScreen) -> None:
    screen.body.made_again = True


def _starting(screen: ResumePlanScreen) -> None:
    screen.body.starting = "Starting its process…"


def _as_it_is(_screen: ResumePlanScreen) -> None:
    pass


Change = Callable[[ResumePlanScreen], None]
PLANS: dict[str, tuple[PlanView | Refused, Change]] = {
    "made_again": (PLAN, _again),
    "starting": (PLAN, _starting),
    "refused": (Refused("no usable checkpoint; prodigy checkpoints validate 7c1e"), _as_it_is),
}


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
    plan, change = PLANS[name]

    def make(*_arguments: object) -> PlanView:
        if isinstance(plan, Refused):
            raise plan
        return plan

    monkeypatch.setattr(Backend, "plan", make)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "r")
        screen = pilot.app.screen
        assert isinstance(screen, ResumePlanScreen)
        change(screen)
        screen._show()
        await pilot.pause()

    with prepared(home, tmp_path / "src", (failed_run(),)):
        app = dashboard(home, tmp_path, clock=lambda: NOW)
        assert snap_compare(app, terminal_size=size, run_before=drive)
