"""A resumed run has what it had: its record, its variables, arguments, parameters, secrets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestrator.refusal import Refused
from store.home import Home
from tests.orchestrator.continuing.stage import Stage, finish, stopped

SECRET = "hunter2-hunter2"


# -- records and checkpoints


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"id": "ses', b"\0" * 300])
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
