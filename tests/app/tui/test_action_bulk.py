"""Actions on marked sessions: one question that lists them, and what became of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.tui.screens.confirm import Confirm, Question
from app.tui.widgets.toast import Toast
from store.home import Home
from store.requests import pending
from store.states import State
from store.times import utc_now
from tests.app.tui.action_effects import POSSIBLE, Cell
from tests.app.tui.driving import dashboard, running
from tests.app.tui.every_state import NEWER, one_of_each, tree
from tests.world import World


def question_of(cell: Cell) -> Question:
    assert isinstance(cell.app.screen, Confirm), cell.said
    return cell.app.screen.question


def toasted(cell: Cell) -> str:
    return " ".join(toast.words for toast in cell.app.action_screens()[-1].query(Toast))


CASES = {
    "pause": ("p", (), "{n} asked to pause"),
    "pause_now": ("P", ("P",), "{n} asked to pause now"),
    "cancel": ("x", ("x",), "{n} cancelled or asked to cancel"),
    "archive": ("D", ("enter",), "{n} archived"),
}


@pytest.mark.parametrize("name", CASES)
async def test_every_marked_session_is_acted_on_or_told_about(
    name: str, home: Home, tmp_path: Path
) -> None:
    key, answer, told = CASES[name]
    app = dashboard(home, tmp_path)
    with one_of_each(home, tmp_path / "src") as ids:
        able = {ids[state] for state in POSSIBLE[name]}
        async with running(app) as pilot:
            cell = Cell(app, pilot, home)
            kept = tree(home)
            await cell.press("asterisk", key)
            if answer:
                question = question_of(cell)
                touched = {one.row.id: one.words for one in question.touched}
                assert set(touched) == set(ids.values()), "all that is marked is listed"
                assert set(list(touched)[: len(able)]) == able, "first what it happens to"
                assert touched[ids[NEWER]] == "written by a newer version"
                assert tree(home) == kept, "nothing is done before the answer"
                await cell.press(*answer)
            words = told.format(n=len(able))
            await cell.until(lambda: words in toasted(cell), words)
        for run_id in ids.values():
            assert was_done(name, home, run_id) == (run_id in able), f"{name} of {run_id}"


def was_done(name: str, home: Home, run_id: str) -> bool:
    """Whether the disk says that it happened; what lay there before does not count."""
    requests = [one.action for one in pending(home, run_id) if one.by.get("tool") == "prodigy-tui"]
    try:
        record = json.loads(home.session_file(run_id).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    extension = record["metadata"]["x_prodigy"]
    if name == "archive":
        return "archived_at" in extension
    by_us = (extension.get("stop") or {}).get("by") or {}
    return name in requests or (name == "cancel" and by_us.get("tool") == "prodigy-tui")


async def test_esc_leaves_all_marked_sessions_as_they_are(home: Home, tmp_path: Path) -> None:
    app = dashboard(home, tmp_path)
    with one_of_each(home, tmp_path / "src"):
        async with running(app) as pilot:
            cell = Cell(app, pilot, home)
            kept = tree(home)
            for key in ("P", "x", "r", "D"):
                app.listing.marked.clear()
                await cell.press("asterisk", key)
                assert question_of(cell).touched
                await cell.press("escape")
            assert tree(home) == kept
            assert len(app.listing.marked) == len(app.listing.rows)


async def test_no_marked_session_it_is_possible_for_says_why(home: Home, tmp_path: Path) -> None:
    app = dashboard(home, tmp_path)
    with one_of_each(home, tmp_path / "src") as ids:
        async with running(app) as pilot:
            cell = Cell(app, pilot, home)
            for state in (State.MERGED, State.COMPLETED):
                app.listing.marked[ids[state]] = None
            for key, why in (("p", "not running"), ("r", "already complete"),
                             ("m", "merged already")):  # fmt: skip
                await cell.press(key)
                assert cell.said.startswith(f"{key}: ") and why in cell.said


async def test_marked_runs_are_resumed_and_then_merged_each_by_itself(world: World) -> None:
    opened = world.repository.parent / "open"
    for number in range(2):
        world.run(
            f"- shell: test -e {opened}\n"
            f"- shell: echo x > made-{number} && git add . && git commit -qm made\n"
        ).expect(1)
    world.run("- shell: 'true'\n").expect(0)
    opened.touch()
    app = dashboard(world.home, world.repository, clock=utc_now, live=True)

    def states() -> list[State]:
        return sorted(row.state for row in app.listing.rows.values())

    async with running(app) as pilot:
        cell = Cell(app, pilot, world.home)
        await cell.press("asterisk", "r")
        question = question_of(cell)
        assert [one.words for one in question.touched] == ["from step 1"] * 2 + ["already complete"]
        assert question.command.endswith("prodigy resume $id --detach; done")
        await cell.press("enter")
        await cell.until(lambda: states().count(State.UNMERGED) == 2, "both have completed")
        await cell.until(lambda: "2 resumed" in toasted(cell), "that is told")
        app.listing.marked.clear()
        await cell.press("asterisk", "m")
        await cell.until(lambda: isinstance(app.screen, Confirm), "it asks")
        assert [one.words[:8] for one in question_of(cell).touched] == ["1 commit", "1 commit",
                                                                       "it made "]  # fmt: skip
        await cell.press("enter")
        await cell.until(lambda: states().count(State.MERGED) == 2, "both are merged")
    assert all((world.repository / f"made-{number}").exists() for number in range(2))


async def test_one_message_says_what_became_of_each_merge(world: World) -> None:
    """One brings its commits, one has files left uncommitted, two meet a conflict."""
    for name in ("made", "left", "d.txt", "d.txt"):
        text = "echo more > more; echo most > most" if name == "left" else "true"
        world.run(f"- shell: echo $$ > {name} && git add . && git commit -qm made; {text}\n")
    ids = [record.stem for record in world.records]
    (world.repository / "d.txt").write_text("theirs\n", encoding="utf-8")
    world.git("add", ".")
    world.git("commit", "-qm", "theirs")
    app = dashboard(world.home, world.repository, clock=utc_now, live=True)
    async with running(app) as pilot:
        cell = Cell(app, pilot, world.home)
        await cell.press("asterisk", "m")
        await cell.until(lambda: isinstance(app.screen, Confirm), "it asks")
        question = question_of(cell)
        words = {one.row.id: one.words for one in question.touched}
        made = "1 commit, 1 file  +1 −0"
        conflict = f"conflict in d.txt · {made}"
        assert [words[run_id] for run_id in ids] == [made, f"2 uncommitted · {made}",
                                                     conflict, conflict]  # fmt: skip
        assert question.sentences == (
            "2 of 4 will conflict.",
            "2 uncommitted files are not merged; branch and worktree stay for them.",
            "Branches and worktrees of the others go when they are merged; a conflict changes "
            "nothing in main.",
        )
        await cell.press("enter")
        await cell.until(lambda: "merged" in toasted(cell), "it tells")
        assert toasted(cell) == "2 merged into main. 2: conflict in d.txt."
        assert set(app.listing.marked) == set(ids[2:]), "what is not done stays marked"
    assert [world.state(run_id) for run_id in ids] == ["merged"] * 2 + ["merge_failed"] * 2
    assert [world.worktree(run_id).exists() for run_id in ids] == [False, True, True, True]


async def test_where_none_of_several_can_be_merged_each_reason_is_told(world: World) -> None:
    for name in ("one", "two"):
        world.run(f"- shell: echo x > {name} && git add . && git commit -qm made\n")
    gone = world.records[0].stem
    world.git("worktree", "remove", "--force", str(world.worktree(gone)))
    world.git("branch", "-qD", f"prodigy-{gone}")
    world.git("branch", "-qm", "main", "trunk")
    app = dashboard(world.home, world.repository, clock=utc_now)
    async with running(app) as pilot:
        cell = Cell(app, pilot, world.home)
        await cell.press("asterisk", "m")
        await cell.until(lambda: "there is no branch" in toasted(cell), "it tells")
        assert f"there is no branch prodigy-{gone}" in toasted(cell)
        assert "there is no branch main" in toasted(cell)
