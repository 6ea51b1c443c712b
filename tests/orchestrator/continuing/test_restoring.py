"""A resumed run has what it had: variables, arguments, parameters, secrets, workflow, worktree."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.refusal import Refused
from store.home import Home
from tests.orchestrator.continuing.stage import Stage
from tests.program import wait_until

SECRET = "hunter2-hunter2"


def stopped(stage: Stage, *more: dict[str, Any], **request: Any) -> str:
    """A run that failed in its second of three steps; the first one committed."""
    first = {"shell": f"{stage.note('one')}; echo one > one.txt", "auto_commit": True}
    stage.run([first, stage.failing(), {"shell": stage.note("three")}, *more], **request)
    assert stage.record["status"] == "Failed"
    return stage.id


def finish(stage: Stage, **options: Any) -> None:
    """Resume to the end; no finished step ran twice."""
    stage.repair()
    result = stage.resume(**options)
    assert result.exit_code == 0, result
    assert stage.noted == ["one", "bad", "bad", "three"]
    stage.assert_complete()


# -- records and checkpoints


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"id": "ses', b"\0" * 300, b"[1, 2]"])
def test_a_missing_or_unreadable_record_is_made_anew(stage: Stage, content: bytes | None) -> None:
    run_id = stopped(stage)
    record = stage.world.home.session_file(run_id)
    record.unlink()
    if content is not None:
        record.write_bytes(content)
    finish(stage)
    aside = list(stage.world.home.sessions.glob(f"{run_id}.json.corrupt-*"))
    assert [path.read_bytes() for path in aside] == ([content] if content is not None else [])
    assert stage.id == run_id


def test_an_unreadable_newest_checkpoint_is_passed_over(stage: Stage) -> None:
    stopped(stage)
    main = stage.main_checkpoint
    newest = sorted(stage.world.home.history_directory(stage.id).glob("*.json"))[-1]
    newest.write_bytes(main.read_bytes()[:200])
    assert main.read_bytes() == newest.read_bytes(), "they are one file"
    (check,) = (check for check in stage.plan().checks if check.name == "Checkpoint")
    assert "not used" in check.words
    finish(stage)


def test_the_history_alone_is_enough(stage: Stage) -> None:
    run_id = stopped(stage)
    stage.main_checkpoint.unlink()
    stage.world.home.session_file(run_id).unlink()
    finish(stage)


def test_no_checkpoint_at_all_starts_over_from_the_saved_workflow(stage: Stage) -> None:
    stopped(stage)
    shutil.rmtree(stage.world.home.checkpoints_directory(stage.id))
    stage.repair()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "bad", "one", "bad", "three"]


def test_without_checkpoint_and_workflow_it_says_so_with_the_error_it_had(stage: Stage) -> None:
    stopped(stage)
    shutil.rmtree(stage.world.home.checkpoints_directory(stage.id))
    shutil.rmtree(stage.world.home.workflow_copies(stage.id))
    (stage.place / "work.yml").unlink()
    refused = stage.refusal()
    assert refused.exit_code == 1
    assert "no checkpoints found" in refused.message.lower()
    assert "failed with exit" in refused.message


def test_metadata_alone_is_not_resumable(stage: Stage) -> None:
    run_id = stopped(stage)
    stage.world.home.session_file(run_id).unlink()
    shutil.rmtree(stage.world.home.run_directory(run_id))
    refused = stage.refusal(run_id=run_id)
    assert refused.exit_code == 1
    assert "No workflow" in refused.message or "no workflow" in refused.message
    assert not stage.world.records


def test_nothing_is_not_found_and_nothing_is_made_of_it(stage: Stage) -> None:
    run_id = "session-00000000-0000-4000-8000-000000000000"
    with pytest.raises(Refused) as refused:
        stage.resume(run_id=run_id)
    assert refused.value.exit_code == 3
    assert not stage.world.home.run_directory(run_id).exists()


@pytest.mark.parametrize(
    "change", [{"status": "Active"}, {"metadata": {"x_prodigy": {"format": 2}}}]
)
def test_a_record_of_a_newer_version_is_not_written(stage: Stage, change: dict[str, Any]) -> None:
    run_id = stopped(stage)
    path = stage.world.home.session_file(run_id)
    path.write_text(json.dumps(stage.record | change))
    before = path.read_bytes()
    refused = stage.refusal(force=True)
    assert refused.exit_code == 1
    assert "Active" in refused.message or "format 2" in refused.message
    assert path.read_bytes() == before


def test_unknown_fields_and_checkpoints_of_others_survive_a_resume(stage: Stage) -> None:
    run_id = stopped(stage)
    document = stage.record
    theirs = {"id": "checkpoint-1", "created_at": "2025-01-01T00:00:00.123456789Z", "state": 7,
              "metadata": {"x": 1}}  # fmt: skip
    document["checkpoints"].insert(0, theirs)
    document["unknown"] = {"deep": [1, 2]}
    document["metadata"]["mine"] = "kept"
    stage.world.home.session_file(run_id).write_text(json.dumps(document))
    finish(stage)
    assert stage.record["checkpoints"][0] == theirs
    assert stage.record["unknown"] == {"deep": [1, 2]}
    assert stage.record["metadata"]["mine"] == "kept"
    assert stage.record["started_at"] == document["started_at"]


# -- where it is started


def test_it_is_resumed_from_another_directory_through_a_symlink_and_a_relative_home(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = stopped(stage)
    stage.repair()
    link = stage.place / "link"
    link.symlink_to(stage.world.home.root)
    elsewhere = stage.place / "elsewhere"
    elsewhere.mkdir()
    done = stage.world.prodigy(
        "resume", run_id, "--no-merge", cwd=elsewhere, env={"PRODIGY_HOME": "../link"}
    )
    done.expect(0)
    assert stage.noted == ["one", "bad", "bad", "three"]
    stage.assert_complete()
    assert Home(link).root.is_symlink()


# -- worktree


def test_a_lost_worktree_is_made_again_from_its_branch(stage: Stage) -> None:
    stopped(stage)
    shutil.rmtree(stage.worktree)
    finish(stage)
    assert (stage.worktree / "one.txt").exists()


def test_without_worktree_and_branch_it_is_refused(stage: Stage) -> None:
    run_id = stopped(stage)
    stage.git("worktree", "remove", "--force", str(stage.worktree))
    stage.git("branch", "-D", f"prodigy-{run_id}")
    before = stage.record
    refused = stage.refusal(force=True)
    assert refused.exit_code == 1
    assert "worktree and its branch are gone" in refused.message
    assert stage.record == before


def test_a_moved_worktree_is_found_by_its_branch(stage: Stage) -> None:
    stopped(stage)
    moved = stage.place / "moved"
    stage.git("worktree", "move", str(stage.worktree), str(moved))
    finish(stage)
    assert not stage.worktree.exists()
    assert stage.checkpoint["x_prodigy"]["worktree"]["path"] == str(moved)


def test_uncommitted_files_are_kept(stage: Stage) -> None:
    stopped(stage)
    (stage.worktree / "mine.txt").write_text("precious")
    (stage.worktree / "README.md").write_text("edited")
    (check,) = (check for check in stage.plan().checks if check.name == "Worktree")
    assert "2 files uncommitted, kept" in check.words
    finish(stage)
    assert (stage.worktree / "mine.txt").read_text() == "precious"
    assert (stage.worktree / "README.md").read_text() == "edited"


def test_commits_made_meanwhile_are_kept(stage: Stage) -> None:
    stopped(stage)
    stage.git("commit", "-q", "--allow-empty", "-m", "mine", cwd=stage.worktree)
    finish(stage)
    assert stage.git("log", "-1", "--format=%s", cwd=stage.worktree) == "mine"


def test_a_head_that_moved_away_needs_force(stage: Stage) -> None:
    stopped(stage)
    stage.git("reset", "-q", "--hard", "main", cwd=stage.worktree)
    refused = stage.refusal()
    assert refused.code == "needs_force"
    assert "moved away" in refused.message
    assert stage.noted == ["one", "bad"]
    finish(stage, force=True)


def test_restore_puts_the_worktree_back_and_saves_what_was_there(stage: Stage) -> None:
    run_id = stopped(stage)
    at = stage.git("rev-parse", "HEAD", cwd=stage.worktree)
    (stage.worktree / "mine.txt").write_text("precious")
    stage.git("add", "-A", cwd=stage.worktree)
    stage.git("commit", "-q", "-m", "mine", cwd=stage.worktree)
    (stage.worktree / "one.txt").write_text("edited")
    (stage.worktree / "untracked.txt").write_text("new")
    finish(stage, restore=True)
    assert stage.git("rev-parse", "HEAD", cwd=stage.worktree) == at
    assert stage.git("status", "--porcelain", cwd=stage.worktree) == ""
    reference = f"refs/prodigy/backup/{run_id}/1"
    assert stage.git("show", f"{reference}:untracked.txt") == "new"
    assert stage.git("show", f"{reference}:one.txt") == "edited"
    assert stage.git("show", f"{reference}:mine.txt") == "precious"
    assert reference in stage.warnings


def test_restore_leaves_another_branch_that_was_checked_out_alone(stage: Stage) -> None:
    run_id = stopped(stage)
    stage.git("checkout", "-q", "-b", "mine", cwd=stage.worktree)
    stage.git("commit", "-q", "--allow-empty", "-m", "mine", cwd=stage.worktree)
    tip = stage.git("rev-parse", "mine")
    finish(stage, restore=True)
    assert stage.git("rev-parse", "mine") == tip
    assert stage.git("symbolic-ref", "--short", "HEAD", cwd=stage.worktree) == f"prodigy-{run_id}"


# -- workflow


def test_an_edited_workflow_is_not_used(stage: Stage) -> None:
    stopped(stage)
    stage.workflow([{"shell": "echo other"}])
    plan = stage.plan()
    assert plan.changed_on_disk
    finish(stage)


def test_a_workflow_that_was_deleted_or_moved_is_not_needed(stage: Stage) -> None:
    stopped(stage)
    (stage.place / "work.yml").rename(stage.place / "moved.yml")
    finish(stage)


def test_the_file_on_disk_is_used_when_asked_for(stage: Stage) -> None:
    stopped(stage)
    first = {"shell": f"{stage.note('one')}; echo one > one.txt", "auto_commit": True}
    stage.workflow([first, {"shell": stage.note("mended")}, {"shell": stage.note("three")}])
    assert stage.resume(use_file=True).exit_code == 0
    assert stage.noted == ["one", "bad", "mended", "three"]


def test_the_file_that_was_chosen_once_is_used_from_then_on(stage: Stage) -> None:
    stopped(stage)
    first = {"shell": f"{stage.note('one')}; echo one > one.txt", "auto_commit": True}
    other = {"shell": f"{stage.note('other')}; test -e '{stage.mark('repaired')}'"}
    stage.workflow([first, other, {"shell": stage.note("four")}])
    assert stage.resume(use_file=True).exit_code == 1
    (stage.place / "work.yml").unlink()
    stage.repair()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "bad", "other", "other", "four"]


def test_a_done_step_that_differs_in_the_file_on_disk_needs_force(stage: Stage) -> None:
    stopped(stage)
    stage.workflow([{"shell": stage.note("other")}, {"shell": stage.note("mended")}])
    refused = stage.refusal(use_file=True)
    assert refused.code == "needs_force"
    assert "finished steps differ in the file on disk: 1" in refused.message
    assert stage.resume(use_file=True, force=True).exit_code == 0
    assert stage.noted == ["one", "bad", "mended"]
    assert stage.record["workflow_data"]["total_steps"] == 2


# -- values


def test_every_kind_of_variable_is_restored_exactly(stage: Stage) -> None:
    long = "x" * (300 * 1024)
    show = (
        'printf "%s|%s|%s|%s|%s|%s|%s" "$(printf %s "${lines}" | tr "\\n" ";")" "${data.a.b}" '
        '"${number}" "${flag}" "${text}" "${unicode}" "${kept.output}"'
    )
    steps: list[dict[str, Any]] = [
        {"shell": "printf 'a b\\nc\\n'", "capture": "lines", "capture_format": "lines"},
        {"shell": """printf '{"a": {"b": [1, 2.5, null]}}'""", "capture": "data",
         "capture_format": "json"},
        {"shell": "echo 42", "capture": "number", "capture_format": "number"},
        {"shell": "echo true", "capture": "flag", "capture_format": "boolean"},
        {"shell": "printf '  two\\nlines '", "capture": "text"},
        {"shell": "printf 'Grüße ✓'", "capture": "unicode"},
        {"shell": "echo kept", "id": "kept"},
        {"shell": "head -c 307200 /dev/zero | tr '\\0' x", "capture": "long"},
        {"shell": f"{show} > '{stage.mark('seen-1')}'"},
        stage.failing(),
        {"shell": f"{show} > '{stage.mark('seen-2')}'"},
        {"write_file": {"path": "long.txt", "content": "${long}"}},
    ]  # fmt: skip
    stage.run(steps)
    assert stage.checkpoint["x_prodigy"]["spilled"]["long"]["bytes"] == len(long)
    stage.repair()
    result = stage.resume()
    assert result.exit_code == 0, result
    assert stage.mark("seen-2").read_text() == stage.mark("seen-1").read_text()
    assert "a b;c" in stage.mark("seen-2").read_text()
    assert "[1,2.5,null]" in stage.mark("seen-2").read_text()
    assert (stage.worktree / "long.txt").read_text().strip() == long


def test_a_long_capture_whose_file_is_gone_needs_force(stage: Stage) -> None:
    steps = [
        {"shell": "head -c 307200 /dev/zero | tr '\\0' x", "capture": "long"},
        stage.failing(),
    ]
    stage.run(steps)
    shutil.rmtree(stage.world.home.captures_directory(stage.id))
    stage.repair()
    refused = stage.refusal()
    assert "long" in refused.message
    assert refused.code == "needs_force"
    assert stage.resume(force=True).exit_code == 0


def test_a_capture_with_a_secret_is_masked_on_disk_and_whole_again_after_a_resume(
    stage: Stage,
) -> None:
    path = stage.workflow(
        [
            {"shell": "echo pre-$TOKEN-post", "capture": "said"},
            stage.failing(),
            {"shell": f"echo '${{said}}' > '{stage.mark('seen')}'"},
        ],
        secrets={"TOKEN": "${env:THE_TOKEN}"},
    )
    stage.run(path, env={"THE_TOKEN": SECRET})
    run = stage.world.home.root
    leaks = [file for file in run.rglob("*") if file.is_file() and SECRET in _text(file)]
    assert not leaks, f"the secret is in {leaks}"
    stage.repair()
    missing = stage.refusal()
    assert "TOKEN" in missing.message
    assert stage.noted == ["bad"]
    assert stage.resume(env={"THE_TOKEN": SECRET}).exit_code == 0
    assert stage.mark("seen").read_text() == f"pre-{SECRET}-post\n"


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def test_arguments_and_parameters_are_restored(stage: Stage) -> None:
    show = f"echo \"$ARG|${{tone}}|${{depth}}|${{shade}}\" >> '{stage.notes}'"
    file = stage.mark("params.json")
    file.write_text(json.dumps({"depth": [1, 2.5], "shade": "dark"}))
    path = stage.workflow([{"shell": show}, stage.failing(), {"shell": show}])
    stage.run(path, args=("v2 x",), parameters={"tone": "red"}, parameter_file=file)
    file.write_text(json.dumps({"depth": [], "shade": "light"}))
    stage.repair()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["v2 x|red|[1,2.5]|dark", "bad", "bad", "v2 x|red|[1,2.5]|dark"]


def test_a_secret_parameter_must_be_given_again(stage: Stage) -> None:
    show = f"echo \"${{api_token}}\" >> '{stage.notes}'"
    path = stage.workflow([stage.failing(), {"shell": show}])
    stage.run(path, parameters={"api_token": SECRET})
    assert SECRET not in _text(stage.world.home.session_file(stage.id))
    stage.repair()
    refused = stage.refusal()
    assert "api_token" in refused.message
    assert "***" not in "".join(stage.noted)
    assert stage.resume(env={"api_token": SECRET}).exit_code == 0
    assert stage.noted == ["bad", "bad", SECRET]


def test_a_capture_named_like_the_argument_does_not_become_an_input(stage: Stage) -> None:
    steps = [{"shell": "echo x", "capture": "ARG"}, stage.failing(), {"shell": stage.note("end")}]
    stage.run(steps)
    stage.repair()
    assert stage.resume().exit_code == 0
    assert stage.record["metadata"]["workflow_type"] == "standard"
    assert stage.noted == ["bad", "bad", "end"]


# -- choosing where


def test_a_chosen_checkpoint_brings_back_its_whole_state(stage: Stage) -> None:
    steps = [
        {"shell": f"{stage.note('one')}; echo 1", "capture": "said"},
        {"shell": f"{stage.note('two-${said}')}; echo 2", "capture": "said"},
        stage.failing(),
    ]
    stage.run(steps)
    stage.repair()
    before = stage.checkpoint["x_prodigy"]["seq"]
    assert stage.resume(from_checkpoint="2").exit_code == 0
    assert stage.noted == ["one", "two-1", "bad", "two-1", "bad"]
    stage.assert_complete()
    history = stage.world.home.history_directory(stage.id)
    rewind = json.loads((history / f"{before + 1:06}.json").read_text())
    assert rewind["x_prodigy"]["kind"] == "rewind"
    assert (history / f"{before:06}.json").exists(), "later checkpoints stay"


def test_an_unknown_checkpoint_is_not_found(stage: Stage) -> None:
    stopped(stage)
    with pytest.raises(Refused) as refused:
        stage.resume(from_checkpoint="99")
    assert refused.value.exit_code == 3


def test_a_step_that_is_repeated_by_choice_measures_its_commits_from_here(stage: Stage) -> None:
    stopped(stage)
    refused = stage.resume(from_step=2)
    assert refused.exit_code == 1
    head = stage.git("rev-parse", "HEAD", cwd=stage.worktree)
    assert stage.checkpoint["x_prodigy"]["head"]["last"] == head


def test_a_step_can_be_left_out(stage: Stage) -> None:
    stopped(stage)
    assert stage.resume(skip_step=2).exit_code == 0
    assert stage.noted == ["one", "bad", "three"]
    assert stage.checkpoint["completed_steps"][1]["x_prodigy"]["skipped"]


def test_a_rewind_that_crashes_goes_on_from_where_it_was(stage: Stage) -> None:
    stopped(stage)
    stage.repair()
    stage.killed_resume("S5@1", restart=True)
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "bad", "one", "bad", "three"]
    stage.assert_complete()


def test_a_completed_run_is_reopened_by_force(stage: Stage) -> None:
    stopped(stage)
    finish(stage)
    assert stage.refusal(restart=True).code == "already_complete"
    assert stage.resume(from_step=3, force=True).exit_code == 0
    assert stage.noted == ["one", "bad", "bad", "three", "three"]
    assert stage.record["metadata"]["merge"] == "pending"
    stage.assert_complete()


# -- who may


def test_an_owner_on_another_machine_needs_force(stage: Stage) -> None:
    run_id = stopped(stage)
    stage.repair()
    owner = {"format": 1, "pid": 1, "host": "orion", "command": "run", "attempt": 1, "token": "t",
             "started_at": "2026-01-01T00:00:00.000000Z", "tool_version": "1"}  # fmt: skip
    stage.world.home.owner_file(run_id).write_text(json.dumps(owner))
    assert "orion" in stage.plan().needs_force[0]
    for _ in range(2):
        assert "orion" in stage.refusal().message, "the first refusal forgot the other owner"
    finish(stage, force=True)


def test_a_live_run_is_not_resumed(stage: Stage) -> None:
    child = stage.started([stage.waiting()])
    for force in (False, True):
        refused = stage.refusal(force=force)
        assert refused.exit_code == 4
        assert str(child.pid) in refused.message
    stage.world.prodigy("resume", stage.id).expect(4)
    stage.open_gate()
    assert child.finish() == 0


def test_of_three_resumes_one_runs_and_the_others_are_told_to_wait(stage: Stage) -> None:
    repaired, waiting = stage.mark("repaired"), stage.mark("waiting")
    gate = stage.mark("gate")
    wait = f"touch '{waiting}'; while [ ! -e '{gate}' ]; do sleep 0.02; done"
    stage.run([{"shell": f"test ! -e '{repaired}' || {{ {wait}; }}; test -e '{gate}.done'"}])
    stage.repair()
    for round_ in range(10):
        waiting.unlink(missing_ok=True)
        gate.unlink(missing_ok=True)
        racing = [stage.child(stage.resume) for _ in range(3)]
        wait_until(lambda: sum(child.has_ended for child in racing) == 2, "two are refused")  # noqa: B023
        gate.touch()
        codes = sorted(child.finish() for child in racing)
        assert codes == [1, 4, 4], f"round {round_}: {stage.child_error}"
    assert len(stage.record["metadata"]["x_prodigy"]["attempts"]) == 11


# -- stopping by signal


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signalled_run_goes_on_in_the_step_it_was_in(
    stage: Stage, number: signal.Signals, code: int
) -> None:
    child = stage.started([{"shell": stage.note("one")}, stage.waiting(), {"shell": "true"}])
    child.signal(number)
    assert child.finish() == code
    stage.world.assert_agrees(stage.id)
    stage.world.assert_nothing_is_held(stage.id)
    stage.open_gate()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["one", "waiting", "waiting"]
