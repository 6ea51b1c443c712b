"""Passes over the step list: iterations until nothing changes, and one for each input."""

from __future__ import annotations

import pytest

from orchestrator.refusal import Refused
from orchestrator.reporting import PassStarted
from tests.orchestrator.engine.runs import Runner, RunWorkflow


@pytest.mark.parametrize(
    ("command", "iterations", "passes"),
    [
        ("true", 3, 1),
        ("echo x >>f", 3, 3),
        ("test ${ITERATION} -gt 2 || echo x >>f", 9, 3),
        ("test ${ITERATION} -gt 1 || git commit -q --allow-empty -m x", 9, 2),
        ("echo same >f", 9, 2),
    ],
)
def test_passes_go_on_while_one_changes_something(
    run_workflow: RunWorkflow, command: str, iterations: int, passes: int
) -> None:
    ran = run_workflow(
        f"""
        - shell: "echo ${{workflow.iteration}} >>../iterations"
        - shell: "{command}"
        """,
        max_iterations=iterations,
    ).completed()
    log = (ran.worktree.parent / "iterations").read_text().split()
    assert log == [str(number + 1) for number in range(passes)]
    assert ran.record["workflow_data"]["iterations_completed"] == passes
    assert ran.metadata["iterations"]["completed"] == passes
    assert any("No changes were made" in words for words in ran.warnings) is (passes < iterations)
    assert len(ran.events("pass_completed")) == passes
    assert [event.number for event in ran.of(PassStarted)] == [n + 1 for n in range(passes)]


def test_the_file_may_say_how_many_iterations(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        max_iterations: 2
        commands: ["shell: echo x >>trace"]
        """
    ).completed()
    assert len(ran.lines()) == 2


def test_no_pass_at_all_is_refused(run_workflow: RunWorkflow) -> None:
    with pytest.raises(Refused) as refused:
        run_workflow("['shell: echo x']", max_iterations=0)
    assert refused.value.exit_code == 2


def test_every_input_is_a_pass_of_its_own(run_workflow: Runner) -> None:
    specs = run_workflow.repository / "specs"
    specs.mkdir()
    for name in ("65-cook.md", "my-file.md", "plain.md"):
        (specs / name).touch()
    ran = run_workflow(
        """
        - shell: "echo ${ARG} ${ARG_1} ${INDEX}/${TOTAL} ${ITERATION} $PRODIGY_ARG >>trace"
        - {shell: "echo ${ARG}", capture: last_arg}
        """,
        args=("a b", "c"),
        map_patterns=("specs/*.md",),
        max_iterations=7,
    ).completed()
    assert ran.lines() == [
        "65 65 1/5 1 65",
        "my my 2/5 1 my",
        "plain plain 3/5 1 plain",
        "a b a b 4/5 1 a b",
        "c c 5/5 1 c",
    ]
    assert "-n is ignored: the steps run once for each input" in ran.warnings
    assert ran.record["metadata"]["workflow_type"] == "iterative"
    passes = ran.checkpoint["x_prodigy"]["passes"]
    assert [one["pass"]["input"] for one in passes] == ["65", "my", "plain", "a b"]


def test_the_first_failing_input_stops_the_run(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo ${ARG} >>trace; test ${ARG} != b"
        - shell: "echo second >>trace"
        """,
        args=("a", "b", "c"),
    ).failed()
    assert ran.lines() == ["a", "second", "b"]
    assert ran.checkpoint["x_prodigy"]["pass"]["input"] == "b"
    assert ran.checkpoint["completed_steps"] == []


def test_an_input_may_come_from_the_environment(run_workflow: RunWorkflow) -> None:
    ran = run_workflow('["shell: echo ${ARG} >>trace"]', env={"PRODIGY_ARG": "given"}).completed()
    assert ran.lines() == ["given"]
    assert ran.warnings == []


@pytest.mark.parametrize(
    ("text", "warns"), [("echo ${ARG}", True), ("echo $ARG", True), ("echo ${ARG:-none}", False)]
)
def test_a_missing_input_is_said_at_the_start(
    run_workflow: RunWorkflow, text: str, warns: bool
) -> None:
    ran = run_workflow(f"[{{shell: '{text}'}}]").completed()
    assert any("uses ARG" in words for words in ran.warnings) is warns


def test_no_input_for_a_pattern_is_refused(run_workflow: RunWorkflow) -> None:
    with pytest.raises(Refused, match="No inputs found"):
        run_workflow('["shell: echo"]', map_patterns=("nothing-*",))


def test_variables_live_across_passes(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo ${seen:-none} ${a.output:-none} >>trace"
        - {shell: "echo pass-${ITERATION}", capture: seen, id: a}
        """,
        max_iterations=2,
    ).completed()
    assert ran.lines() == ["none none", "pass-1 pass-1"]
