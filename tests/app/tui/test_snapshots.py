"""Every screen as a picture, at 80×24 and 120×40, from a store in every state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from app.tui import theme
from app.tui.backend import Backend
from app.tui.details import CheckView, Finding, PlannedStepView, PlanView, StepFate
from store.home import Home
from tests.app.tui.driving import dashboard, press, settled
from tests.app.tui.sample_runs import prepared

SMALL, NORMAL, WIDE = (80, 24), (120, 40), (180, 48)
SIZES = pytest.mark.parametrize("size", [SMALL, NORMAL], ids=["80x24", "120x40"])


@pytest.fixture
def store_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Home]:
    """A home at a path that is the same on every machine, as the header shows it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    home = Home(tmp_path / ".prodigy")
    with prepared(home, tmp_path / "src"):
        yield home


@SIZES
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("sessions", ()),
        ("needs_you", ("2",)),
        ("sorted", ("s",)),
        ("filtered", ("slash", *"api")),
        ("no_match", ("slash", *"status:failed", "space", *"repo:apu")),
        ("zoomed", ("z",)),
        ("steps", ("enter",)),
        ("output", ("l",)),
        ("failure", ("f",)),
        ("failure_tab", ("enter", "3")),
        ("checkpoints", ("c",)),
        ("events", ("enter", "6")),
        ("help", ("question_mark",)),
        ("palette", ("ctrl+p", "p", "a")),
        ("copy", ("y",)),
        ("cancel", ("3", "j", "j", "x")),
        ("says_why", ("p",)),
    ],
)
def test_screen(
    name: str, keys: tuple[str, ...], size: tuple[int, int], store_home: Home, snap_compare: Any
) -> None:
    app = dashboard(store_home, store_home.root.parent)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, *keys)

    assert snap_compare(app, terminal_size=size, run_before=drive)


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
        CheckView("Checkpoint", Finding.GOOD, "#4, written 09:08 before step 3"),
        CheckView("Workflow", Finding.WARN, "changed on disk since the run began, in step 4"),
        CheckView("Worktree", Finding.WARN, "present; 2 files uncommitted, kept as they are"),
        CheckView("Variables", Finding.GOOD, "3 restored: ARG, BASE_URL, API_TOKEN (masked)"),
        CheckView("Process", Finding.GOOD, "no one else runs this session"),
    ),
    command="prodigy resume 7c1e4f02",
    workflow_changed=True,
)
PLANS = {
    "resume_plan": PLAN,
    "needs_force": replace(PLAN, needs_force=("HEAD moved from 9f1c2d3, which is not in it",)),
    "impossible": replace(
        PLAN, steps=(), impossible="the worktree and its branch are gone",
        instead="prodigy run fix-flaky-tests.yml --args 214",
    ),
}  # fmt: skip


@SIZES
@pytest.mark.parametrize("name", PLANS)
def test_plan(
    name: str,
    size: tuple[int, int],
    store_home: Home,
    monkeypatch: pytest.MonkeyPatch,
    snap_compare: Any,
) -> None:
    monkeypatch.setattr(Backend, "plan", lambda *_args, **_choices: PLANS[name])
    app = dashboard(store_home, store_home.root.parent)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "r")

    assert snap_compare(app, terminal_size=size, run_before=drive)


@SIZES
def test_empty(size: tuple[int, int], monkeypatch: Any, tmp_path: Path, snap_compare: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    app = dashboard(Home(tmp_path / ".prodigy"), tmp_path)
    assert snap_compare(app, terminal_size=size, run_before=settled)


def test_wide(store_home: Home, snap_compare: Any) -> None:
    app = dashboard(store_home, store_home.root.parent)
    assert snap_compare(app, terminal_size=WIDE, run_before=settled)


@pytest.mark.parametrize("name", [theme.LIGHT, theme.DARK_16, theme.LIGHT_16, "nord"])
def test_theme(name: str, store_home: Home, snap_compare: Any) -> None:
    app = dashboard(store_home, store_home.root.parent, theme=name)
    assert snap_compare(app, terminal_size=NORMAL, run_before=settled)


def test_no_colour(store_home: Home, monkeypatch: pytest.MonkeyPatch, snap_compare: Any) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = dashboard(store_home, store_home.root.parent)
    assert snap_compare(app, terminal_size=SMALL, run_before=settled)


def test_ascii(store_home: Home, snap_compare: Any) -> None:
    app = dashboard(store_home, store_home.root.parent, ascii_only=True)
    assert snap_compare(app, terminal_size=NORMAL, run_before=settled)
