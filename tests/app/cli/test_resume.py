"""``prodigy resume``: the plan first, then carrying it out; refusals by kind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.app.cli.calling import CommandLine


@pytest.fixture
def mended(failed: str) -> str:
    """A failed run whose cause is gone: a resume completes it."""
    Path(os.environ["STOP_FILE"]).unlink()
    return failed


def test_the_plan_says_what_is_kept_and_what_runs(call: CommandLine, failed: str) -> None:
    done = call("resume", failed, "--plan").expect(0)
    assert done.stdout.startswith(f"Resuming session: {failed} (failed at step 3/3, checkpoint ")
    assert "✓ 1 shell: echo one   kept" in done.stdout
    assert "► 3 the last one   run again" in done.stdout
    document = call("resume", failed, "--plan", "--json").expect(0).document
    assert [step["action"] for step in document["steps"]] == ["keep", "keep", "run_again"]
    assert document["start_step"] == 3
    assert document["possible"] is True


def test_a_plan_changes_nothing(call: CommandLine, failed: str) -> None:
    before = call("sessions", "show", failed, "--json").document
    call("resume", failed, "--plan").expect(0)
    assert call("sessions", "show", failed, "--json").document == before


def test_a_resume_goes_on_where_it_stopped(call: CommandLine, mended: str) -> None:
    done = call("resume", mended, "--no-merge").expect(0)
    assert "Executing step 3/3: the last one" in done.stdout
    assert "Executing step 1/3" not in done.stdout
    assert "Resumed session completed successfully" in done.stdout
    assert call("sessions", "show", mended, "--json").document["state"] == "unmerged"


def test_run_with_resume_is_resume(call: CommandLine, mended: str) -> None:
    assert "Resumed session completed" in call("run", "--resume", mended).expect(0).stdout


def test_json_of_a_resume_is_one_document(call: CommandLine, mended: str) -> None:
    document = call("resume", mended, "--json", "-vv").expect(0).document
    assert document["state"] == "unmerged"
    assert [step["state"] for step in document["steps"]] == ["done"] * 3


def test_a_step_may_be_chosen_counted_from_one(call: CommandLine, mended: str) -> None:
    document = call("resume", mended, "--plan", "--json", "--from-step", "2").document
    assert [step["action"] for step in document["steps"]] == ["keep", "run_again", "run_again"]
    assert call("resume", mended, "--from-step", "0").expect(2).stderr
    assert call("resume", mended, "--plan", "--restart").expect(0).stdout.count("run again") >= 2


def test_a_workflow_can_be_named(call: CommandLine, mended: str, here: Path) -> None:
    assert "nowhere.yml" in call("resume", mended, "--workflow", "nowhere.yml").expect(3).stderr
    steps = ["echo one", "echo two", "echo other"]
    (here / "other.yml").write_text("".join(f'- shell: "{step}"\n' for step in steps))
    done = call("resume", mended, "--workflow", "other.yml", "--plan").expect(1)
    assert "3 shell: echo other" in done.stdout
    assert "--force passes: finished steps differ" in done.stdout


def test_two_beginnings_contradict_each_other(call: CommandLine, failed: str) -> None:
    call("resume", failed, "--restart", "--from-step", "2").expect(2)


def test_without_an_id_the_resumable_runs_are_named(call: CommandLine, failed: str) -> None:
    done = call("resume").expect(2)
    assert "No session ID provided" in done.stderr
    assert failed.removeprefix("session-")[:8] in done.stderr


def test_a_completed_run_offers_its_merge(call: CommandLine, completed: str, here: Path) -> None:
    left_open = call("resume", completed).expect(0)
    assert "the merge is open" in left_open.stdout
    assert not (here / "kept.txt").exists()
    call("resume", completed, "--yes").expect(0)
    assert (here / "kept.txt").exists()


def test_a_merged_run_is_already_complete(call: CommandLine, completed: str) -> None:
    call("merge", completed, "--yes").expect(0)
    assert "already complete" in call("resume", completed).expect(1).stderr


def test_a_cancelled_run_is_refused(call: CommandLine, failed: str) -> None:
    call("cancel", failed, "--force").expect(0)
    done = call("resume", failed, "--json").expect(1)
    assert done.stdout == ""
    assert done.error["exit_code"] == 1
    assert "cancelled" in done.error["message"]


def test_an_unknown_run_is_not_found(call: CommandLine) -> None:
    call("resume", "session-00000000-0000-4000-8000-000000000000").expect(3)


def test_a_changed_workflow_uses_the_saved_copy_and_says_so(
    call: CommandLine, mended: str, here: Path
) -> None:
    path = here.parent / "work.yml"
    path.write_text(path.read_text().replace("echo one", "echo other"))
    done = call("resume", mended, "--no-merge").expect(0)
    assert "the saved copy is used" in done.stderr
