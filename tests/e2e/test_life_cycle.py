"""Every run has one session record that tells the truth, from its first instant to its end."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

from tests.program import wait_until
from tests.world import World, read

THREE_STEPS = """\
    name: three
    commands:
      - shell: echo one > one.txt
        auto_commit: true
      - name: second
        shell: echo two
        capture: said
      - shell: test "${said}" = two
    """
WRITTEN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")


def test_one_id_names_everything_of_a_run(world: World) -> None:
    world.run(THREE_STEPS).expect(0)
    run_id = world.only_id
    assert run_id.startswith("session-")
    assert world.record()["id"] == run_id
    assert world.worktree().is_dir()
    assert world.metadata()["session_id"] == run_id
    assert world.home.run_directory(run_id).is_dir()
    assert world.events()
    assert world.git("branch", "--list", f"prodigy-{run_id}")


def test_the_record_is_running_when_the_first_step_starts(world: World) -> None:
    copy = world.repository.parent / "seen.json"
    text = f"""\
        name: looking
        commands:
          - shell: cp "{world.home.sessions}/$PRODIGY_SESSION_ID.json" "{copy}"
          - shell: "true"
        """
    world.run(text).expect(0)
    seen = read(copy)
    assert seen["session_type"] == "Workflow"
    assert seen["status"] == "Running"
    assert seen["workflow_data"]["workflow_id"] == world.checkpoint()["workflow_id"]
    assert seen["workflow_data"]["workflow_name"] == "looking"
    assert seen["workflow_data"]["total_steps"] == 2
    assert seen["workflow_data"]["current_step"] == 0
    assert seen["metadata"]["execution_start_time"] == seen["started_at"]


def test_the_first_version_of_the_record_is_initializing(world: World) -> None:
    # Killed right after the record was created, nothing later can have rewritten it.
    done = world.run(THREE_STEPS, env={"PRODIGY_FAULT": "record.created=kill"})
    assert done.exit_code == -9, done
    record = world.record()
    assert record["status"] == "Initializing"
    assert record["workflow_data"]["workflow_name"] == "three"
    assert record["workflow_data"]["total_steps"] == 3


def test_a_finished_run_is_completed(world: World) -> None:
    done = world.run(THREE_STEPS).expect(0)
    record = world.record()
    assert record["status"] == "Completed"
    assert record["error"] is None
    assert record["completed_at"] is not None
    assert record["workflow_data"]["current_step"] == 3
    assert record["workflow_data"]["completed_steps"] == [0, 1, 2]
    assert record["metadata"]["merge"] == "pending"
    assert world.state() == "unmerged"
    assert "Session complete" in done.stdout
    world.assert_agrees()
    world.assert_nothing_is_held(world.only_id)


def test_a_run_without_commits_has_nothing_to_merge(world: World) -> None:
    world.run("commands: ['shell: true']").expect(0)
    assert "merge" not in world.record()["metadata"]
    assert world.state() == "completed"


def test_a_failed_step_is_told_with_its_number_and_exit_code(world: World) -> None:
    text = """\
        - shell: echo fine
        - name: the tests
          shell: echo broken >&2; exit 7
        - shell: touch never
        """
    done = world.run(text).expect(1)
    record = world.record()
    assert record["status"] == "Failed"
    assert record["completed_at"] is not None
    assert "the tests" in record["error"]
    assert "7" in record["error"]
    assert record["workflow_data"]["current_step"] == 1
    assert record["metadata"]["x_prodigy"]["failure"]["exit_code"] == 7
    assert world.checkpoint()["execution_state"]["status"] == "Failed"
    assert world.checkpoint()["execution_state"]["current_step_index"] == 1
    assert not (world.worktree() / "never").exists()
    assert "broken" in world.log(1)
    assert "prodigy resume" in done.stdout + done.stderr
    world.assert_agrees()
    world.assert_nothing_is_held(world.only_id)


def test_progress_type_and_timings_are_recorded(world: World) -> None:
    # The record follows its checkpoint without holding a step up, so the step waits for it.
    record = f"{world.home.sessions}/$PRODIGY_SESSION_ID.json"
    text = f"""\
        - shell: sleep 0.1
        - shell: |
            until grep -q '"current_step": 1' "{record}"; do sleep 0.01; done
            cp "{record}" "{world.repository.parent}/at"
          timeout: 10s
        - shell: "true"
        """
    world.run(text).expect(0)
    during, after = read(world.repository.parent / "at"), world.record()
    assert during["workflow_data"]["current_step"] == 1
    assert during["metadata"]["current_step"] == 1
    metadata = after["metadata"]
    assert metadata["workflow_type"] == "standard"
    assert metadata["total_steps"] == metadata["current_step"] == 3
    (attempt,) = metadata["x_prodigy"]["attempts"]
    assert attempt["outcome"] == "completed"
    assert attempt["exit_code"] == 0
    names = list(after["timings"])
    assert sum(name.startswith("step ") for name in names) == 3
    assert "total" in names
    first = next(value for name, value in after["timings"].items() if name.startswith("step 000"))
    assert first["secs"] + first["nanos"] / 1e9 >= 0.1


def test_record_and_checkpoint_agree_at_every_boundary(world: World) -> None:
    # Each step copies both files as the step before it left them.
    place = world.repository.parent / "boundaries"
    place.mkdir()
    copying = (
        f'cp "{world.home.sessions}/$PRODIGY_SESSION_ID.json" "{place}/record-$N.json"; '
        f'cp "{world.home.state}/$PRODIGY_SESSION_ID"/checkpoints/*.json "{place}/check-$N.json"'
    )
    steps = [{"shell": f"N={number}; {copying}"} for number in range(6)]
    world.run(json.dumps({"commands": steps})).expect(0)
    for number in range(6):
        checkpoint = read(place / f"check-{number}.json")
        record = read(place / f"record-{number}.json")
        assert checkpoint["execution_state"]["current_step_index"] == number
        behind = number - record["workflow_data"]["current_step"]
        assert behind in (0, 1), f"at step {number} the record was {behind} steps behind"
    world.assert_agrees()


def test_times_are_written_in_one_form(world: World) -> None:
    world.run(THREE_STEPS).expect(0)

    def times(value: object) -> list[str]:
        match value:
            case dict():
                named = [v for k, v in value.items() if k.endswith("_at") and isinstance(v, str)]
                return named + [t for v in value.values() for t in times(v)]
            case list():
                return [t for v in value for t in times(v)]
        return []

    found = times(world.record()) + times(world.checkpoint()) + times(world.metadata())
    assert len(found) > 8
    assert all(WRITTEN_TIME.match(time) for time in found), found


def test_nobody_else_can_read_what_a_run_writes(world: World) -> None:
    world.prodigy.start("run", world.workflow(THREE_STEPS)).finish().expect(0)
    worktree = world.worktree()
    for path in [world.home.root, *world.home.root.rglob("*")]:
        if worktree == path or worktree in path.parents or path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = 0o700 if path.is_dir() else 0o600
        assert mode == wanted, f"{path} has mode {mode:o}"


def test_a_dry_run_writes_nothing(world: World) -> None:
    done = world.run(THREE_STEPS, "--dry-run").expect(0)
    assert "[DRY RUN]" in done.stdout
    assert not world.records
    assert world.git("worktree", "list").count("\n") == 0


def test_the_run_works_on_its_own_worktree(world: World) -> None:
    before = world.git("rev-parse", "main")
    world.run("- {shell: echo changed > README.md, auto_commit: true}").expect(0)
    assert world.git("rev-parse", "main") == before
    assert world.git("status", "--porcelain") == ""
    assert (world.worktree() / "README.md").read_text() == "changed\n"


def test_yes_merges_what_was_committed(world: World) -> None:
    world.run("- {shell: echo changed > README.md, auto_commit: true}", "-y").expect(0)
    assert world.record()["metadata"]["merge"] == "merged"
    assert (world.repository / "README.md").read_text() == "changed\n"
    assert world.state() == "merged"


def test_json_is_one_document_on_stdout(world: World) -> None:
    done = world.run(THREE_STEPS, "--json").expect(0)
    session = json.loads(done.stdout)
    assert session["id"] == world.only_id
    assert session["state"] == "unmerged"
    assert len(session["steps"]) == 3


def test_piped_output_has_neither_escapes_nor_carriage_returns(world: World) -> None:
    done = world.run(THREE_STEPS).expect(0)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr
    assert "Executing step 1/3:" in done.stdout
    assert "[Step 3/3]" in done.stdout


def test_uncommitted_files_are_said_to_be_no_part_of_the_run(world: World) -> None:
    (world.repository / "draft.txt").write_text("not committed\n", encoding="utf-8")
    done = world.run("- shell: test ! -e draft.txt").expect(0)
    assert "1 " in done.stdout
    assert "uncommitted" in done.stdout or "untracked" in done.stdout


def test_a_detached_run_says_its_id_and_goes_on_alone(world: World) -> None:
    gate = world.repository.parent / "gate"
    text = f"- shell: while [ ! -e '{gate}' ]; do sleep 0.05; done"
    done = world.run(text, "--detach").expect(0)
    run_id = world.only_id
    assert run_id in done.stdout
    assert world.state(run_id) == "running"
    Path(gate).touch()
    wait_until(lambda: world.record(run_id)["status"] == "Completed", "the run completes")


def test_a_detached_run_that_cannot_start_passes_its_error_on(world: World) -> None:
    done = world.run("commands: {nothing: here}", "--detach").expect(2)
    assert "work.yml" in done.stderr
    assert not world.records
