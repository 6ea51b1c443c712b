"""Resuming and merging from the dashboard, for real: runs complete, commits arrive."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from app.tui.screens.confirm import Confirm
from app.tui.screens.resume_from import ResumeFromScreen, _Places
from app.tui.screens.resume_plan import ResumePlanScreen
from app.tui.widgets.toast import Toast
from store.owner import read_owner, write_owner
from store.states import State
from store.times import utc_now
from tests.app.tui.action_effects import Cell
from tests.app.tui.driving import dashboard, running
from tests.program import wait_until
from tests.world import World

STEPS = """\
- shell: echo one >> {trace}
- shell: echo two >> {trace}; test -e {open}
- shell: echo three >> {trace} && cp {trace} made.txt && git add . && git commit -qm made
"""
WAITS = STEPS.replace("test -e {open}", "while ! test -e {open}; do sleep 0.02; done")


class Ground:
    """A world with a run that stopped in its second step, which goes on once ``open`` exists."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.trace = world.repository.parent / "trace"
        self.open = world.repository.parent / "open"
        self.run_id = ""

    def _text(self, text: str) -> str:
        return text.format(trace=self.trace, open=self.open)

    def fails(self) -> None:
        self.world.run(self._text(STEPS)).expect(1)
        self.run_id = self.world.only_id

    def is_killed(self) -> None:
        started = self.world.start(self._text(WAITS))
        self.run_id = self.world.wait_for_step(1)
        wait_until(lambda: "two" in self.trace.read_text("utf-8"), "the second step is at work")
        started.signal(signal.SIGKILL)
        started.finish()

    def pauses(self) -> None:
        started = self.world.start(self._text(WAITS))
        self.run_id = self.world.wait_for_step(1)
        self.world.prodigy("pause", self.run_id, "--now", "--wait").expect(0)
        started.finish()

    def loses_its_record(self) -> None:
        self.fails()
        self.world.home.session_file(self.run_id).unlink()

    def is_damaged(self) -> None:
        self.fails()
        self.world.home.session_file(self.run_id).write_text('{"id": "session-', "utf-8")

    def is_elsewhere(self) -> None:
        """Its owner is on another machine, as far as anybody can tell."""
        self.is_killed()
        home = self.world.home
        owner = read_owner(home, self.run_id)
        assert owner is not None
        write_owner(home, self.run_id, replace(owner, host="orion"))

    @asynccontextmanager
    async def shown(self, state: State) -> AsyncIterator[Cell]:
        """The dashboard, the cursor on the run, which is in that state."""
        app = dashboard(self.world.home, self.world.repository, clock=utc_now, live=True)
        async with running(app) as pilot:
            cell = Cell(app, pilot, self.world.home)
            cell.select(self.run_id, state)
            assert app.listing.rows[self.run_id].state is state
            yield cell

    async def goes_on(self, cell: Cell, *keys: str) -> None:
        """The plan is ready: press the keys, and see the run end."""
        await cell.until(lambda: isinstance(cell.app.screen, ResumePlanScreen), "the plan is open")
        plan = cell.app.screen
        assert isinstance(plan, ResumePlanScreen)
        await cell.until(lambda: plan._ready, "the plan is made")
        self.open.touch()
        await cell.press(*keys)
        rows = cell.app.listing.rows
        await cell.until(lambda: rows[self.run_id].state is State.UNMERGED, "it has completed")

    @property
    def traced(self) -> list[str]:
        return self.trace.read_text("utf-8").split()


@pytest.fixture
def ground(world: World) -> Ground:
    return Ground(world)


RESUMED: dict[State, tuple[Callable[[Ground], None], str]] = {
    State.FAILED: (Ground.fails, "enter"),
    State.INTERRUPTED: (Ground.is_killed, "enter"),
    State.PAUSED: (Ground.pauses, "enter"),
    State.NO_RECORD: (Ground.loses_its_record, "enter"),
    State.UNREADABLE: (Ground.is_damaged, "enter"),
    State.UNKNOWN: (Ground.is_elsewhere, "F"),
}


@pytest.mark.parametrize("state", RESUMED)
async def test_a_resume_goes_on_and_completes(ground: Ground, state: State) -> None:
    begin, key = RESUMED[state]
    begin(ground)
    async with ground.shown(state) as cell:
        await cell.press("r")
        await ground.goes_on(cell, key)
    assert ground.traced == ["one", "two", "two", "three"]
    assert ground.world.record(ground.run_id)["status"] == "Completed"


@pytest.mark.parametrize("state", [State.FAILED, State.INTERRUPTED])
async def test_a_skipped_step_is_left_out(ground: Ground, state: State) -> None:
    RESUMED[state][0](ground)
    async with ground.shown(state) as cell:
        await cell.press("S")
        await ground.goes_on(cell, "enter")
    assert ground.traced == ["one", "two", "three"]


async def test_a_resume_from_an_earlier_step_runs_it_again(ground: Ground) -> None:
    ground.fails()
    async with ground.shown(State.FAILED) as cell:
        await cell.press("R")
        chooser = cell.app.screen
        assert isinstance(chooser, ResumeFromScreen)
        places = chooser.query_one(_Places)
        await cell.until(lambda: bool(places.items), "its places are read")
        await cell.press("k", "enter")
        await ground.goes_on(cell, "enter")
    assert ground.traced == ["one", "two", "one", "two", "three"]


MAKES = "- shell: echo {words} > made.txt && git add . && git commit -qm made\n"


@pytest.mark.parametrize("state", [State.UNMERGED, State.MERGE_FAILED])
async def test_a_merge_brings_the_commits(ground: Ground, state: State) -> None:
    world = ground.world
    world.run(MAKES.format(words="ours")).expect(0)
    ground.run_id = world.only_id
    if state is State.MERGE_FAILED:
        made = world.repository / "made.txt"
        made.write_text("theirs\n", encoding="utf-8")
        world.git("add", ".")
        world.git("commit", "-qm", "theirs")
        world.prodigy("merge", ground.run_id, "--yes").expect(1)
        world.git("rm", "-q", "made.txt")
        world.git("commit", "-qm", "make room")
        world.git("reset", "-q", "--hard", "HEAD~2")
    async with ground.shown(state) as cell:
        await cell.press("m")
        await cell.until(lambda: isinstance(cell.app.screen, Confirm), "it asks")
        await cell.press("enter")
        rows = cell.app.listing.rows
        await cell.until(lambda: rows[ground.run_id].state is State.MERGED, "it is merged")
    assert (world.repository / "made.txt").read_text("utf-8") == "ours\n"


@pytest.mark.parametrize(
    ("left", "told"),
    [
        ((), "Branch and worktree go when it is merged; a conflict changes nothing in main."),
        (("a",), "1 uncommitted file is not merged; branch and worktree stay for it. "
                 "A conflict changes nothing in main."),
        (("a", "b/c"), "2 uncommitted files are not merged; branch and worktree stay for them. "
                       "A conflict changes nothing in main."),
    ],
    ids=["clean", "one", "two"],
)  # fmt: skip
async def test_a_merge_says_what_it_leaves_out_and_what_stays(
    ground: Ground, left: tuple[str, ...], told: str
) -> None:
    world = ground.world
    world.run(MAKES.format(words="ours")).expect(0)
    ground.run_id = world.only_id
    worktree = world.worktree()
    for name in left:
        (worktree / name).parent.mkdir(exist_ok=True)
        (worktree / name).write_text("mine\n", encoding="utf-8")
    async with ground.shown(State.UNMERGED) as cell:
        await cell.press("m")
        await cell.until(lambda: isinstance(cell.app.screen, Confirm), "it asks")
        assert isinstance(cell.app.screen, Confirm)
        assert " ".join(cell.app.screen.question.sentences) == told
        await cell.press("enter")

        def toasted() -> str:
            return " ".join(toast.words for toast in cell.app.screen.query(Toast))

        await cell.until(lambda: bool(toasted()), "it tells")
        assert toasted() == "Merged work into main."
    assert worktree.exists() == bool(left)
    assert all((worktree / name).is_file() for name in left)
    assert not any((world.repository / name).exists() for name in left)
