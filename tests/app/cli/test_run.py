"""``prodigy run``: refusals before anything exists, the narrative, the end, dry runs, detaching."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from store.home import Home
from tests.app.cli.calling import CommandLine
from tests.program import Program, command, wait_until
from tests.world import World

Write = Callable[..., str]


def test_a_run_tells_each_step_and_what_is_so_at_the_end(
    call: CommandLine, workflow: Write
) -> None:
    done = call("run", workflow()).expect(0)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Session session-")
    assert ", from main at " in lines[0]
    assert lines[1] == "Executing step 1/3: shell: echo one"
    assert lines[2].startswith("[Step 1/3] ok ")
    assert lines[4].endswith(", 1 commit")
    assert lines[7].startswith("Session complete: 3 steps, 1 commit, ")
    assert lines[8].split()[0] == "unmerged"
    assert lines[9].split()[:3] == ["next", "prodigy", "merge"]
    assert "\x1b" not in done.stdout


def test_a_failed_run_shows_its_output_the_log_and_what_to_type(
    call: CommandLine, workflow: Write
) -> None:
    text = "- shell: echo fine\n- name: tests\n  shell: echo 'E  assert 3 == 4'; exit 101\n"
    done = call("run", workflow(text)).expect(1)
    assert "E  assert 3 == 4\n[Step 2/2] failed" in done.stdout
    lines = done.stderr.splitlines()
    assert lines[0].startswith('error: step 2 "tests" failed (exit 101) in session-')
    assert any(line.split()[0] == "log" and "001-1.log" in line for line in lines)
    assert any(line.split()[:3] == ["next", "prodigy", "resume"] for line in lines)


def test_quiet_leaves_only_errors(call: CommandLine, workflow: Write) -> None:
    assert call("run", workflow(), "-q", "--no-merge").expect(0).stdout.count("Executing") == 0
    assert call("run", workflow("- shell: exit 3"), "-q").expect(1).stderr.startswith("error:")


def test_files_the_run_will_not_see_are_said(
    call: CommandLine, workflow: Write, here: Path
) -> None:
    (here / "new.txt").write_text("x")
    (here / "README.md").write_text("changed")
    first = call("run", workflow("- shell: 'true'")).expect(0).stdout.splitlines()[0]
    assert "(without 1 uncommitted and 1 untracked files)" in first


@pytest.mark.parametrize("flags", [(), ("-vv",), ("-q",)], ids=str)
def test_json_is_the_session_with_its_steps(
    call: CommandLine, workflow: Write, flags: tuple[str, ...]
) -> None:
    document = call("run", workflow(), "--json", *flags).expect(0).document
    assert document["state"] == "unmerged"
    assert [step["state"] for step in document["steps"]] == ["done"] * 3
    assert document["merge"]["target"] == "main"


def test_json_of_a_failed_run_has_the_error_on_stderr(call: CommandLine, workflow: Write) -> None:
    done = call("run", workflow("- shell: exit 7"), "--json").expect(1)
    assert done.document["state"] == "failed"
    assert done.error["code"] == "step_failed"
    assert done.error["session"] == done.document["id"]


def test_a_missing_file_is_not_found_and_names_a_near_one(call: CommandLine, here: Path) -> None:
    (here / "workflows").mkdir()
    (here / "workflows" / "fix.yml").write_text("- shell: 'true'\n")
    done = call("run", "fix.yml").expect(3)
    assert "prodigy run workflows/fix.yml" in done.stderr


def test_every_problem_of_a_file_is_told_at_once_and_nothing_is_created(
    call: CommandLine, workflow: Write, home: Home
) -> None:
    path = workflow("commands:\n  - shell: a\n    timeout: soon\n  - {}\n")
    done = call("run", path).expect(2)
    assert "work.yml:3:" in done.stderr
    assert "work.yml:4:" in done.stderr
    assert not home.sessions.exists()
    as_json = call("run", path, "--json").expect(2)
    assert as_json.stdout == ""
    assert len(as_json.error["problems"]) >= 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--yes", "--no-merge"),
        ("--param", "novalue"),
        ("--param", "a=1", "--param", "a=2"),
        ("-n", "0"),
        ("stray",),
        ("--resume", "session-1"),
    ],
    ids=" ".join,
)
def test_contradictions_are_usage_errors(
    call: CommandLine, workflow: Write, arguments: tuple[str, ...], home: Home
) -> None:
    call("run", workflow(), *arguments).expect(2)
    assert not home.sessions.exists()


def test_without_a_workflow_it_says_what_is_missing(call: CommandLine, here: Path) -> None:
    assert "WORKFLOW is missing" in call("run").expect(2).stderr


def test_the_directory_decides_the_repository(
    call: CommandLine, workflow: Write, here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = workflow("- shell: 'true'")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert "git repository" in call("run", path).expect(1).stderr
    call("run", path, "--path", str(here)).expect(0)
    assert call("run", path, "-p", "nowhere").expect(1).stderr


def test_values_run_the_steps_once_each(call: CommandLine, workflow: Write) -> None:
    path = workflow("- shell: echo got ${ARG}\n")
    done = call("run", path, "--args", "alpha", "beta").expect(0)
    assert "Pass 1/2: alpha" in done.stdout
    assert "Pass 2/2: beta" in done.stdout


def test_a_dry_run_says_what_would_run_and_writes_nothing(
    call: CommandLine, workflow: Write, home: Home, here: Path
) -> None:
    done = call("run", workflow(), "--dry-run").expect(0)
    assert "[DRY RUN] Would execute step 1/3: shell: echo one" in done.stdout
    assert all(line.startswith("[DRY RUN]") for line in done.stdout.splitlines())
    assert not home.root.exists()
    assert not (here / "kept.txt").exists()
    document = call("run", workflow(), "--dry-run", "--json").expect(0).document
    assert [step["step"] for step in document["steps"]] == [1, 2, 3]


def test_a_dry_run_fills_in_what_is_known_and_nothing_else(
    call: CommandLine, workflow: Write
) -> None:
    text = (
        "- shell: echo ${ARG} ${greeting} $HOME\n- shell: echo ${later:-none}\n  capture: later\n"
    )
    words = ("--args", "v2", "--param", "greeting=hi", "--json")
    document = call("run", workflow(text), "--dry-run", *words).expect(0).document
    texts = [step["text"] for step in document["steps"]]
    assert texts == ["echo v2 hi $HOME", "echo ${later:-none}"]


def test_yes_merges_at_the_end(call: CommandLine, workflow: Write, here: Path) -> None:
    document = call("run", workflow(), "--yes", "--json").expect(0).document
    assert document["state"] == "merged"
    assert (here / "kept.txt").exists()


def test_without_a_terminal_the_merge_stays_open(
    call: CommandLine, workflow: Write, here: Path
) -> None:
    done = call("run", workflow()).expect(0)
    assert "prodigy merge" in done.stdout
    assert not (here / "kept.txt").exists()


# -- real processes


def test_a_reader_that_goes_away_does_not_stop_a_run(world: World) -> None:
    path = world.workflow("- shell: 'true'\n" * 5)
    process = subprocess.Popen(
        [*command(), "run", str(path)],
        cwd=world.repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(30) == 0, process.stderr.read() if process.stderr else ""
    assert world.record()["status"] == "Completed"


def test_a_reader_that_goes_away_ends_a_list_quietly(prodigy: Program) -> None:
    line = " ".join([*command(), "--help", "|", "head", "-1"])
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_detach_prints_the_id_once_the_record_exists(world: World) -> None:
    go = world.repository.parent / "go"
    text = f"- shell: until test -e {go}; do sleep 0.05; done\n"
    done = world.prodigy("run", world.workflow(text), "--detach").expect(0)
    run_id = done.stdout.strip()
    assert world.home.session_file(run_id).exists()
    go.touch()
    log = world.home.run_log(run_id)
    wait_until(lambda: "Session complete" in log.read_text(), "the run tells its end in its log")
    assert world.record(run_id)["status"] == "Completed"


def test_detach_passes_on_the_error_and_code_of_a_run_that_ends_at_once(world: World) -> None:
    path = world.workflow("- shell: a\n  timeout: soon\n")
    done = world.prodigy("run", path, "--detach").expect(2)
    assert "work.yml:2:" in done.stderr
    assert not world.records
    assert not list(world.home.state.glob("session-*"))


def test_detach_with_json_is_one_document(world: World) -> None:
    path = world.workflow("- shell: 'true'\n")
    done = world.prodigy("run", path, "--detach", "--json").expect(0)
    assert set(json.loads(done.stdout)) == {"id", "pid"}
