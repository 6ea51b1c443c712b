"""A session that cannot be created stops everything, clearly, and leaves nothing behind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.world import World

TOUCHES = """\
    - shell: touch "{place}/ran"
    """


def refused(world: World, *words: str, exit_code: int = 1, **environment: str) -> str:
    """Run a workflow that must not start; returns what was said."""
    place = world.repository.parent
    done = world.run(TOUCHES.format(place=place), env=environment).expect(exit_code)
    assert "Traceback" not in done.stderr
    assert not (place / "ran").exists(), "a step ran"
    assert "\n" not in world.git("worktree", "list"), "a worktree was made"
    assert world.git("branch", "--list", "prodigy-*") == "", "a branch was made"
    for word in words:
        assert word in done.stderr, f"{word!r} is missing:\n{done}"
    return done.stderr


def test_sessions_is_a_file(world: World) -> None:
    world.home.root.mkdir()
    world.home.sessions.write_text("not a directory", encoding="utf-8")
    refused(world, str(world.home.sessions))
    assert world.home.sessions.read_text() == "not a directory"
    assert_no_run_directory(world)


def assert_no_run_directory(world: World) -> None:
    left = list(world.home.state.glob("session-*")) if world.home.state.exists() else []
    assert not left, f"a state directory was left: {left}"


@pytest.mark.parametrize("error", ["ENOSPC", "EROFS", "EIO"])
def test_the_record_cannot_be_written(world: World, error: str) -> None:
    said = refused(world, "cannot create session record", PRODIGY_FAULT=f"record.temp={error}")
    assert str(world.home.sessions) in said
    assert not world.records
    assert_no_run_directory(world)


def test_the_home_is_a_file(world: World) -> None:
    world.home.root.write_text("in the way", encoding="utf-8")
    refused(world, str(world.home.root))
    assert world.home.root.read_text() == "in the way"


def test_the_home_cannot_be_made(world: World) -> None:
    parent = world.repository.parent / "blocked"
    parent.write_text("a file", encoding="utf-8")
    refused(world, PRODIGY_HOME=str(parent / "home"))


def test_the_home_is_read_only(world: World) -> None:
    world.home.root.mkdir()
    world.home.sessions.mkdir()
    for path in (world.home.sessions, world.home.root):
        path.chmod(0o500)
    try:
        if _writable_all_the_same(world.home.root):
            pytest.skip("this user may write everywhere")
        refused(world, str(world.home.root))
    finally:
        world.home.root.chmod(0o700)
        world.home.sessions.chmod(0o700)


def _writable_all_the_same(path: Path) -> bool:
    try:
        (path / "probe").touch()
    except OSError:
        return False
    (path / "probe").unlink()
    return True


def test_outside_a_repository(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = world.prodigy("run", world.workflow("- shell: x"), cwd=elsewhere).expect(1)
    assert "git" in done.stderr
    assert not world.records


def test_a_repository_without_a_commit(world: World, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    subprocess.run(["git", "init", "-q", str(empty)], check=True)
    done = world.prodigy("run", world.workflow("- shell: x"), cwd=empty).expect(1)
    assert "commit" in done.stderr
    assert not world.records


def test_a_worktree_that_cannot_be_made_leaves_a_failed_record(world: World) -> None:
    # The directory for worktrees is taken by a file: the session exists by then, so it says why.
    world.home.root.mkdir()
    world.home.worktrees.write_text("in the way", encoding="utf-8")
    done = world.run("- shell: x")
    assert done.exit_code == 1, done
    assert "Traceback" not in done.stderr
    for record in world.records:
        assert world.record(record.stem)["status"] == "Failed"
        assert world.record(record.stem)["error"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [("S1.log", "ENOSPC"), ("events.append", "ENOSPC+"), ("record.temp@3", "ENOSPC")],
)
def test_history_that_cannot_be_written_stops_no_run(world: World, fault: str, error: str) -> None:
    text = "\n".join(f"- shell: echo {n}" for n in range(4))
    world.run(text, env={"PRODIGY_FAULT": f"{fault}={error}"}).expect(0)
    assert world.record()["status"] == "Completed"
    world.assert_agrees()


def test_a_checkpoint_that_cannot_be_written_pauses_the_run(world: World) -> None:
    place = world.repository.parent
    text = "\n".join(f"- shell: echo {n} >> '{place}/ran'" for n in range(6))
    done = world.run(text, env={"PRODIGY_FAULT": "checkpoint.temp@3=ENOSPC+"}).expect(1)
    assert "checkpoint" in done.stderr
    ran = (place / "ran").read_text().split()
    assert ran == ["0", "1"], "no step may start when the one before it is not saved"
    assert world.state() in ("paused", "interrupted")
    world.prodigy("resume", world.only_id).expect(0)
    assert (place / "ran").read_text().split() == ["0", "1", "1", "2", "3", "4", "5"]
    world.assert_agrees()
