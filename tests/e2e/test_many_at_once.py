"""Runs beside each other never disturb each other, and one run has one owner."""

from __future__ import annotations

import json
from pathlib import Path

from tests.program import wait_until
from tests.world import World


def test_eight_runs_at_once_all_finish(world: World) -> None:
    text = """\
        - shell: echo "$PRODIGY_SESSION_ID" > mine.txt
          auto_commit: true
        - shell: test "$(cat mine.txt)" = "$PRODIGY_SESSION_ID"
        """
    path = world.workflow(text)
    runs = [world.prodigy.start("run", path) for _ in range(8)]
    for run in runs:
        run.finish(timeout=110).expect(0)
    assert len(world.records) == 8
    for file in world.records:
        run_id = file.stem
        assert world.record(run_id)["status"] == "Completed"
        assert (world.worktree(run_id) / "mine.txt").read_text().strip() == run_id
        world.assert_agrees(run_id)
        world.assert_nothing_is_held(run_id)
    assert world.git("worktree", "list").count("\n") == 8
    assert world.git("status", "--porcelain") == ""
    workflow_ids = {
        world.record(file.stem)["workflow_data"]["workflow_id"] for file in world.records
    }
    assert all(name.startswith("workflow-") for name in workflow_ids)


def test_of_two_resumes_one_wins_and_the_other_says_who_has_it(world: World) -> None:
    place = world.repository.parent
    world.run(f"- shell: test -e '{place}/go' && sleep 1.5").expect(1)
    run_id = world.only_id
    (place / "go").touch()
    resumes = [world.prodigy.start("resume", run_id) for _ in range(2)]
    done = [resume.finish() for resume in resumes]
    assert sorted(one.exit_code for one in done) == [0, 4], "\n".join(map(str, done))
    loser = next(one for one in done if one.exit_code == 4)
    winner = resumes[0] if done[0].exit_code == 0 else resumes[1]
    assert str(winner.pid) in loser.stderr
    assert world.record()["status"] == "Completed"
    assert len(world.record()["metadata"]["x_prodigy"]["attempts"]) == 2


def test_a_live_run_cannot_be_resumed_merged_or_archived(world: World) -> None:
    gate = world.repository.parent / "gate"
    started = world.start(f"- shell: while [ ! -e '{gate}' ]; do sleep 0.05; done")
    run_id = world.wait_for_step(0)
    done = world.prodigy("resume", run_id).expect(4)
    assert str(started.pid) in done.stderr
    as_json = world.prodigy("resume", run_id, "--json").expect(4)
    assert json.loads(as_json.stderr.splitlines()[-1])["error"]["exit_code"] == 4
    world.prodigy("merge", run_id, "-y").expect(4)
    gate.touch()
    started.finish().expect(0)


def test_two_merges_at_once_leave_a_clean_checkout(world: World) -> None:
    for name in ("a", "b", "c"):
        world.run(f"- {{shell: echo {name} > {name}.txt, auto_commit: true}}").expect(0)
    ids = [file.stem for file in world.records]
    merges = [world.prodigy.start("merge", run_id, "-y") for run_id in ids]
    for merge in merges:
        merge.finish().expect(0)
    assert world.git("status", "--porcelain") == ""
    assert all((world.repository / f"{name}.txt").exists() for name in ("a", "b", "c"))


def test_a_viewer_never_disturbs_a_run(world: World) -> None:
    commits = 12
    steps = [{"shell": f"echo {n} > {n}.txt", "auto_commit": True} for n in range(commits)]
    started = world.start(json.dumps(steps))
    wait_until(lambda: world.records, "the record exists")
    looked = 0
    while started.is_running:
        for row in world.listed():
            assert row["state"] in ("starting", "running", "unmerged"), row
        looked += 1
    started.finish().expect(0)
    assert looked > 0
    assert world.git("rev-list", "--count", f"main..prodigy-{world.only_id}") == str(commits)


def test_repositories_of_one_name_are_told_apart(world: World, tmp_path: Path) -> None:
    from tests.conftest import make_repository

    other = tmp_path / "elsewhere" / world.repository.name
    make_repository(other)
    path = world.workflow("- shell: pwd")
    world.prodigy("run", path).expect(0)
    world.prodigy("run", path, cwd=other).expect(0)
    paths = {row["path"] for row in world.listed()}
    assert paths == {str(world.repository), str(other)}
