"""``prodigy checkpoints``."""

from __future__ import annotations

import json
from pathlib import Path

from store.home import Home
from tests.app.cli.calling import CommandLine


def test_nothing_is_said_in_one_sentence(call: CommandLine) -> None:
    assert call("checkpoints", "list").expect(0).stdout == "No checkpoints found.\n"
    assert call("checkpoints", "list", "--json").document == {"checkpoints": [], "total": 0}


def test_the_newest_one_is_marked(call: CommandLine, failed: str) -> None:
    lines = call("checkpoints", "list", "--workflow-id", failed).expect(0).stdout.splitlines()
    assert lines[0].split() == ["CHECKPOINT", "STEP", "STATUS", "WHEN", "SIZE"]
    assert lines[1].endswith("← resume uses this")
    assert lines[1].split()[1:3] == ["3/3", "Failed"]
    assert sum("resume uses this" in line for line in lines) == 1


def test_none_is_marked_of_a_run_that_is_over(call: CommandLine, completed: str) -> None:
    shown = call("checkpoints", "list", "--workflow-id", completed).expect(0).stdout
    assert "#000001" in shown
    assert "resume uses this" not in shown


def test_the_list_is_of_runs_that_can_be_resumed(
    call: CommandLine, completed: str, failed: str
) -> None:
    found = call("checkpoints", "ls", "--json").expect(0).document["checkpoints"]
    assert {entry["session"] for entry in found} == {failed}


def test_show_tells_steps_and_names_of_variables(call: CommandLine, failed: str) -> None:
    shown = call("checkpoints", "show", failed).expect(0).stdout
    assert "keep a file" in shown
    assert "variables" in shown
    first = call("checkpoints", "show", failed, "--version", "1", "--json").expect(0).document
    assert first["x_prodigy"]["seq"] == 1
    call("checkpoints", "show", failed, "--version", "99").expect(3)


def test_export_writes_json(call: CommandLine, failed: str, tmp_path: Path) -> None:
    target = tmp_path / "checkpoint.json"
    call("checkpoints", "export", failed, "--output", str(target)).expect(0)
    assert json.loads(target.read_text())["execution_state"]["status"] == "Failed"
    assert json.loads(call("checkpoints", "export", failed).stdout) == json.loads(
        target.read_text()
    )


def test_validate_finds_a_bad_file_and_repair_takes_the_newest_good_one(
    call: CommandLine, failed: str, home: Home
) -> None:
    assert "is good" in call("checkpoints", "validate", failed).expect(0).stdout
    (main,) = home.checkpoints_directory(failed).glob("*.checkpoint.json")
    main.unlink()
    main.write_text("{")
    assert call("checkpoints", "validate", failed).expect(1).stdout
    repaired = call("checkpoints", "validate", failed, "--repair").expect(0).stdout
    assert "set aside" in repaired
    assert json.loads(main.read_text())["execution_state"]["status"] == "Failed"
    assert list(home.checkpoints_directory(failed).glob("*.corrupt-*")), "nothing is thrown away"


def test_a_resumable_run_keeps_its_checkpoints(call: CommandLine, failed: str, home: Home) -> None:
    assert "a resume needs" in call("checkpoints", "delete", failed, "--force").expect(1).stderr
    call("checkpoints", "clean", "--all", "--force").expect(0)
    assert home.checkpoints_directory(failed).is_dir()


def test_those_of_a_finished_run_can_go(call: CommandLine, completed: str, home: Home) -> None:
    assert "nobody to ask" in call("checkpoints", "delete", completed).expect(0).stderr
    assert home.checkpoints_directory(completed).is_dir()
    assert "Deleted 5 checkpoints" in call("checkpoints", "delete", completed, "-f").stdout
    assert not home.checkpoints_directory(completed).exists()
    assert call("checkpoints", "clean", "--all", "-f").expect(0).stdout == "No checkpoints found.\n"


def test_clean_needs_to_know_of_what(call: CommandLine) -> None:
    call("checkpoints", "clean").expect(2)
    call("checkpoints", "clean", "--all", "--workflow-id", "x").expect(2)
