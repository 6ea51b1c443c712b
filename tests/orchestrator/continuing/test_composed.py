"""Composed workflows that stop and go on: their files are kept, their variables stay."""

from __future__ import annotations

import pytest

from tests.orchestrator.continuing.stage import Stage
from tests.program import wait_until


def test_a_resume_needs_none_of_the_files_it_was_composed_from(stage: Stage) -> None:
    child = stage.place / "child.yml"
    child.write_text(
        "parameters: {required: [word]}\n"
        f"commands:\n  - shell: \"printf '%s-made' ${{word}}; {stage.note('child')}\"\n"
        "    capture: made\n"
    )
    (stage.place / "lib.yml").write_text(
        f"templates: {{tell: [{{shell: \"echo ${{what}} >> '{stage.notes}'\"}}]}}\n"
        "commands: [{shell: 'true'}]\n"
    )
    path = stage.workflow(
        "imports: [lib.yml]\n"
        "sub_workflows: {c: {source: child.yml, inputs: {word: one}, outputs: [made]}}\n"
        "commands:\n"
        f"  - shell: \"test -e '{stage.mark('repaired')}'\"\n"
        "  - {use: tell, with: {what: '${c.made}'}}\n"
    )
    assert stage.run(path).exit_code == 1
    assert stage.noted == ["child"]
    for name in ("child.yml", "lib.yml"):
        (stage.place / name).unlink(missing_ok=True)
    stage.repair()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["child", "one-made"]


def test_an_interrupted_sub_workflow_is_run_again_as_a_whole(stage: Stage) -> None:
    inner = [{"shell": stage.note("first")}, stage.waiting("second")]
    child = stage.child(
        lambda: stage.run(
            stage.workflow(
                [{"shell": stage.note("before")}, {"workflow": "s"}],
                sub_workflows={"s": {"commands": inner}},
            )
        )
    )
    wait_until(stage.mark("waiting").exists, "the inner step waits")
    child.kill()
    stage.open_gate()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["before", "first", "second", "first", "second"]


@pytest.mark.parametrize("point", ["R4", "R6"])
def test_a_run_that_never_started_needs_none_of_its_files_either(stage: Stage, point: str) -> None:
    lib = stage.place / "lib.yml"
    lib.write_text(f'commands: [{{shell: "{stage.note("imported")}"}}]\n')
    path = stage.workflow(f'imports: [lib.yml]\ncommands: [{{shell: "{stage.note("own")}"}}]\n')
    stage.killed(path, point)
    lib.write_text(f'commands: [{{shell: "{stage.note("another")}"}}]\n')
    path.unlink()
    assert stage.resume().exit_code == 0
    assert stage.noted == ["imported", "own"]
    kept = stage.checkpoint["x_prodigy"]["workflow"]["files"]
    assert [file["role"] for file in kept] == ["main", "import"]
