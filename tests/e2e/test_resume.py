"""Every run that stopped can be resumed, from anywhere, without repeating a completed step."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.world import World

# Each step notes that it ran; the third fails until the file `repaired` exists.
FAILS_ONCE = """\
    name: fails-once
    commands:
      - shell: echo first >> "{notes}"; echo captured value
        capture: said
      - shell: echo second >> "{notes}"; echo "$ARG" > kept.txt
        auto_commit: true
      - name: needs repair
        shell: echo third >> "{notes}"; test -e "{place}/repaired"
      - shell: echo "fourth ${{said}} $ARG" >> "{notes}"
    """


@pytest.fixture
def notes(world: World) -> Path:
    """The file in which steps note that they ran; outside the worktree."""
    return world.repository.parent / "notes.txt"


def failed_run(world: World, notes: Path) -> str:
    text = FAILS_ONCE.format(notes=notes, place=notes.parent)
    world.run(text, "--args", "v2 x").expect(1)
    return world.only_id


def repair(notes: Path) -> None:
    (notes.parent / "repaired").touch()


def test_resume_runs_the_failed_step_again_and_no_completed_one(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    repair(notes)
    done = world.prodigy("resume", run_id).expect(0)
    assert notes.read_text().splitlines() == [
        "first",
        "second",
        "third",
        "third",
        "fourth captured value v2 x",
    ]
    assert "Resuming session:" in done.stdout
    assert "Resumed session completed successfully" in done.stdout
    assert world.only_id == run_id
    record = world.record()
    assert record["status"] == "Completed"
    assert [a["outcome"] for a in record["metadata"]["x_prodigy"]["attempts"]] == [
        "failed",
        "completed",
    ]
    world.assert_agrees()
    world.assert_nothing_is_held(run_id)


def test_resume_works_from_any_directory_by_a_prefix(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    repair(notes)
    prefix = run_id.removeprefix("session-")[:8]
    world.prodigy("resume", prefix, cwd=Path("/")).expect(0)
    assert world.record()["status"] == "Completed"
    assert notes.read_text().count("first") == 1


def test_resume_needs_no_record(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    repair(notes)
    world.home.session_file(run_id).unlink()
    assert world.state(run_id) == "no_record"
    world.prodigy("resume", run_id).expect(0)
    record = world.record(run_id)
    assert record["id"] == run_id
    assert record["status"] == "Completed"
    assert notes.read_text().splitlines()[-1] == "fourth captured value v2 x"
    assert notes.read_text().count("first") == 1
    world.assert_agrees(run_id)


def test_resume_sets_an_unreadable_record_aside(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    repair(notes)
    world.home.session_file(run_id).write_text('{"id": "sess', encoding="utf-8")
    assert world.state(run_id) == "unreadable"
    world.prodigy("resume", run_id).expect(0)
    assert world.record(run_id)["status"] == "Completed"
    (aside,) = world.home.sessions.glob(f"{run_id}.json.corrupt-*")
    assert aside.read_text() == '{"id": "sess'


def test_the_plan_says_what_is_kept_and_what_will_run(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    before = notes.read_text()
    plan = world.prodigy("resume", run_id, "--plan").expect(0).stdout
    assert "kept" in plan
    assert "run again" in plan
    assert "to run" in plan
    assert "needs repair" in plan
    assert notes.read_text() == before
    assert world.record()["status"] == "Failed"
    world.assert_nothing_is_held(run_id)


def test_a_resume_uses_the_workflow_as_it_was(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    repair(notes)
    world.workflow("- shell: echo changed")
    done = world.prodigy("resume", run_id).expect(0)
    assert notes.read_text().splitlines()[-1] == "fourth captured value v2 x"
    assert "changed" in done.stdout + done.stderr


def test_a_resume_needs_no_workflow_file(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    repair(notes)
    (world.repository.parent / "work.yml").unlink()
    world.prodigy("resume", run_id).expect(0)
    assert world.record()["status"] == "Completed"


def test_the_file_on_disk_is_used_when_asked_for(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    text = FAILS_ONCE.format(notes=notes, place=notes.parent)
    world.workflow(text.replace(f'test -e "{notes.parent}/repaired"', 'echo mended >> "$NOTES"'))
    world.prodigy("resume", run_id, "--use-file", env={"NOTES": str(notes)}).expect(0)
    assert "mended" in notes.read_text()
    assert notes.read_text().count("first") == 1


def test_from_step_runs_that_step_and_all_after_it(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    repair(notes)
    world.prodigy("resume", run_id, "--from-step", "2").expect(0)
    assert notes.read_text().split("\n")[:5] == ["first", "second", "third", "second", "third"]
    assert notes.read_text().count("first") == 1


def test_restart_runs_everything_again(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    repair(notes)
    world.prodigy("resume", run_id, "--restart").expect(0)
    assert notes.read_text().count("first") == 2
    assert len(world.records) == 1


def test_a_failed_resume_can_be_resumed_again(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    world.prodigy("resume", run_id).expect(1)
    world.prodigy("resume", run_id).expect(1)
    repair(notes)
    world.prodigy("resume", run_id).expect(0)
    assert notes.read_text().splitlines().count("third") == 4
    assert notes.read_text().count("second") == 1
    assert len(world.record()["metadata"]["x_prodigy"]["attempts"]) == 4


def test_a_failed_resume_stays_in_the_same_worktree(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    repair(notes)
    world.prodigy("resume", run_id).expect(0)
    assert (world.worktree() / "kept.txt").read_text() == "v2 x\n"
    assert world.git("worktree", "list").count("\n") == 1


def test_a_worktree_that_is_gone_is_made_again_from_its_branch(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    repair(notes)
    shutil.rmtree(world.worktree())
    world.prodigy("resume", run_id).expect(0)
    assert (world.worktree() / "kept.txt").read_text() == "v2 x\n"
    assert world.record()["status"] == "Completed"


def test_worktree_and_branch_gone_is_refused(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    world.git("worktree", "remove", "--force", str(world.worktree()))
    world.git("branch", "-D", f"prodigy-{run_id}")
    done = world.prodigy("resume", run_id).expect(1)
    assert "worktree" in done.stderr
    assert world.record()["status"] == "Failed"


def test_a_completed_run_is_not_run_again(world: World) -> None:
    world.run("- shell: 'true'").expect(0)
    done = world.prodigy("resume", world.only_id).expect(1)
    assert "already complete" in done.stdout + done.stderr


def test_an_unknown_run_is_not_found(world: World) -> None:
    world.prodigy("resume", "session-00000000-0000-4000-8000-000000000000").expect(3)


@pytest.mark.parametrize("name", ["../x", "a/b", "x" * 300, "..", "bad\nid"])
def test_what_cannot_be_an_id_is_refused_before_any_file_is_touched(
    world: World, name: str
) -> None:
    assert world.prodigy("resume", name).exit_code in (2, 3)
    assert not world.home.root.exists() or not any(world.home.root.rglob("*.lock"))


def test_resume_without_an_id_lists_what_can_be_resumed(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    done = world.prodigy("resume").expect(2)
    assert "No session ID provided" in done.stderr
    assert run_id.removeprefix("session-")[:4] in done.stdout + done.stderr


def test_latest_failed_is_a_name(world: World, notes: Path) -> None:
    failed_run(world, notes)
    repair(notes)
    world.prodigy("resume", "latest-failed").expect(0)
    assert world.record()["status"] == "Completed"


def test_the_newest_unreadable_checkpoint_falls_back_to_history(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    repair(notes)
    directory = world.home.checkpoints_directory(run_id)
    (main,) = directory.glob("*.checkpoint.json")
    main.write_bytes(b"\0" * 100)
    newest = sorted(world.home.history_directory(run_id).glob("*.json"))[-1]
    if newest.stat().st_ino != main.stat().st_ino:
        newest.write_bytes(b"")
    world.prodigy("resume", run_id).expect(0)
    assert notes.read_text().count("first") == 1
    assert world.record()["status"] == "Completed"


def test_what_a_run_was_given_is_restored(world: World) -> None:
    text = """\
        name: given
        env: {COLOUR: "dark ${tone}"}
        commands:
          - shell: |
              printf '{"a": {"b": [1, 2.5]}}'
            capture: data
            capture_format: json
          - shell: test -e go
          - shell: |
              echo "${data.a.b} $COLOUR ${tone}" > result.txt
        """
    world.run(text, "--param", "tone=red").expect(1)
    (world.worktree() / "go").touch()
    world.prodigy("resume", world.only_id).expect(0)
    assert (world.worktree() / "result.txt").read_text() == "[1,2.5] dark red red\n"


def test_a_foreach_repeats_only_what_was_not_finished(world: World, notes: Path) -> None:
    text = f"""\
        - foreach: [a, b, c, d]
          do:
            - shell: |
                echo "$item" >> "{notes}"
                test "$item" != c || test -e "{notes.parent}/repaired"
        """
    world.run(text).expect(1)
    assert notes.read_text().split() == ["a", "b", "c"]
    repair(notes)
    world.prodigy("resume", world.only_id).expect(0)
    assert notes.read_text().split() == ["a", "b", "c", "c", "d"]


def test_the_second_input_is_resumed_where_it_failed(world: World, notes: Path) -> None:
    text = f"""\
        - shell: echo "first $ARG" >> "{notes}"
        - shell: |
            echo "second $ARG" >> "{notes}"
            test "$ARG" != two || test -e "{notes.parent}/repaired"
        """
    world.run(text, "--args", "one", "two", "three").expect(1)
    repair(notes)
    world.prodigy("resume", world.only_id).expect(0)
    assert notes.read_text().splitlines() == [
        "first one", "second one", "first two", "second two", "second two", "first three",
        "second three",
    ]  # fmt: skip


def test_checkpoints_are_listed_and_one_can_be_chosen(world: World, notes: Path) -> None:
    run_id = failed_run(world, notes)
    repair(notes)
    listed = world.prodigy("checkpoints", "list", "--workflow-id", run_id, "--json").expect(0)
    checkpoints = json.loads(listed.stdout)["checkpoints"]
    assert len(checkpoints) >= 4
    first = min(found["seq"] for found in checkpoints)
    world.prodigy("resume", run_id, "--from-checkpoint", str(first)).expect(0)
    assert notes.read_text().count("first") == 2
