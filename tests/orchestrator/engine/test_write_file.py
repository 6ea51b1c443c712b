"""``write_file``: content, format, place and mode."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.refusal import Refused
from tests.orchestrator.engine.runs import RunWorkflow


def test_a_file_is_written_whole_with_its_mode(run_workflow: RunWorkflow, tmp_path: Path) -> None:
    ran = run_workflow(
        f"""
        - shell: "echo a value; echo old and longer >old.txt; chmod 400 old.txt"
        - write_file: {{path: "${{name}}.txt", content: "${{last.output}} 65\\n"}}
          env: {{name: new}}
        - write_file: {{path: old.txt, content: new}}
        - write_file: {{path: run.sh, content: "#!/bin/sh", mode: 0755}}
        - write_file: {{path: deep/a..b/x, content: "", create_dirs: true}}
        - write_file: {{path: "{tmp_path}/outside", content: "absolute"}}
        - shell: "echo ${{write_file.output}}"
        """
    ).completed()
    assert (ran.worktree / "new.txt").read_text() == "a value 65\n"
    assert (ran.worktree / "old.txt").read_text() == "new"
    modes = [(ran.worktree / name).stat().st_mode & 0o777 for name in ("old.txt", "run.sh")]
    assert modes == [0o644, 0o755]
    assert (tmp_path / "outside").read_text() == "absolute"
    assert ran.step(1)["output"] == "Wrote 11 bytes to new.txt"
    assert not list(ran.worktree.glob(".*.txt.*")), "no temporary file is left"


def test_structured_content_is_written_in_its_format(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - {shell: "echo é$", capture: x}
        - write_file: {path: a.json, content: {k: ["${x}", 1, true], empty: {}}}
        - write_file: {path: b.json, format: json, content: '{"b":1,"a":[]}'}
        - write_file: {path: c.yml, format: yaml, content: {k: "${x}", l: [1]}}
        """
    ).completed()
    assert (ran.worktree / "b.json").read_text() == '{\n  "b": 1,\n  "a": []\n}'
    assert '"é$"' in (ran.worktree / "a.json").read_text()
    assert (ran.worktree / "c.yml").read_text().startswith("k: é$\nl:\n")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("path: '${up}/x', content: ''", "Invalid path"),
        ("path: a.json, content: '{', format: json", "Invalid JSON"),
        ("path: a.yml, content: 'a: [', format: yaml", "Invalid YAML"),
        ("path: no/such/x, content: ''", "No such file or directory"),
        ("path: sub, content: ''", "sub"),
    ],
)
def test_what_cannot_be_written_is_a_command_failure(
    run_workflow: RunWorkflow, fields: str, words: str
) -> None:
    ran = run_workflow(
        f"""
        - shell: "mkdir sub"
        - write_file: {{{fields}}}
          env: {{up: ".."}}
          on_failure: "echo ${{error.exit_code}} >>trace"
        - write_file: {{{fields}}}
          env: {{up: ".."}}
        """
    ).failed(words)
    assert ran.lines() == ["1"]


def test_a_path_that_leads_out_is_refused_before_anything_runs(run_workflow: RunWorkflow) -> None:
    with pytest.raises(Refused):
        run_workflow("- write_file: {path: '../x', content: ''}")
