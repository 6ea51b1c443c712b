"""``migrate-yaml`` and ``schema`` as commands: what they print, write and return."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from tests.app.cli.calling import CommandLine

OLD = "- test: make  # c\n"
NEW = "- shell: make  # c\n"


def test_a_file_is_rewritten_and_kept_beside_it(call: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "w.yml"
    file.write_text(OLD)
    done = call("migrate-yaml", str(file))
    assert done.exit_code == 0 and "Migrated: " in done.stdout and "line 1: 'test'" in done.stdout
    assert (file.read_text(), (tmp_path / "w.yml.bak").read_text()) == (NEW, OLD)
    again = call("migrate-yaml", str(file))
    assert again.exit_code == 0 and "Nothing to do: " in again.stdout
    file.write_text(OLD)
    assert call("migrate-yaml", str(file)).exit_code == 0
    assert (tmp_path / "w.yml.bak.2").read_text() == OLD


def test_a_dry_run_shows_a_diff_and_changes_nothing(call: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "w.yml"
    file.write_text(OLD)
    done = call("migrate-yaml", "--dry-run", str(file))
    assert done.exit_code == 0
    assert f"-{OLD.rstrip()}" in done.stdout and f"+{NEW.rstrip()}" in done.stdout
    assert file.read_text() == OLD and list(tmp_path.glob("*.bak")) == []


def test_force_keeps_no_backup_and_without_it_nobody_is_asked_in_vain(
    call: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "w.yml"
    file.write_text(OLD)
    done = call("migrate-yaml", "--no-backup", str(file))
    assert (done.exit_code, file.read_text()) == (0, OLD) and "nobody to ask" in done.stderr
    assert call("migrate-yaml", "-f", str(file)).exit_code == 0
    assert file.read_text() == NEW and list(tmp_path.glob("*.bak")) == []


def test_a_directory_is_taken_as_a_whole_but_not_what_is_below(
    call: CommandLine, tmp_path: Path
) -> None:
    directory = tmp_path / "workflows"
    (directory / "below").mkdir(parents=True)
    for name in ("a.yml", "b.yaml", "c.txt", "below/d.yml"):
        (directory / name).write_text(OLD)
    (directory / "bad.yml").write_text("a: [1\n")
    done = call("migrate-yaml", str(directory), "--json")
    assert done.exit_code == 1
    files = {Path(file["path"]).name: file for file in json.loads(done.stdout)["files"]}
    assert {name for name, file in files.items() if file["changed"]} == {"a.yml", "b.yaml"}
    assert files["bad.yml"]["error"] and (directory / "below" / "d.yml").read_text() == OLD


def test_a_path_that_is_not_there_is_not_found(call: CommandLine) -> None:
    assert call("migrate-yaml", "no/where").exit_code == 3


def test_the_schema_is_one_valid_document(call: CommandLine) -> None:
    done = call("schema")
    assert done.exit_code == 0
    schema = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_dry_run_shows_what_is_inserted(call: CommandLine, here: Path, tmp_path: Path) -> None:
    file = tmp_path / "w.yml"
    file.write_text(
        "templates: {t: [{shell: 'echo ${x}'}]}\n"
        "sub_workflows: {s: {commands: [{shell: inside}]}}\n"
        "commands: [{use: t, with: {x: [1, 2]}}]\n"
    )
    done = call("run", "--dry-run", str(file)).expect(0)
    assert "  s runs shell: inside" in done.stdout
    assert "  with x=[1,2]" in done.stdout
