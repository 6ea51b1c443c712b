"""Sub-workflows and templates when they run: what they see, what they leave, how they fail."""

from __future__ import annotations

import time
from pathlib import Path
from textwrap import dedent

from tests.orchestrator.engine.runs import Runner


def beside(repository: Path, name: str, text: str) -> None:
    """Write a file next to the workflow."""
    (repository.parent / name).write_text(dedent(text), encoding="utf-8")


def test_a_sub_workflow_sees_only_what_it_is_given(run_workflow: Runner, repository: Path) -> None:
    beside(
        repository,
        "build.yml",
        """\
        parameters: {required: [target], optional: [{name: copies, type: number, default: 2}]}
        env: {OWN: "of ${target}"}
        commands:
          - shell: 'echo "$OWN/${copies}/${tag}/${secretly:-unseen}/$OUTER" >>trace'
          - shell: "true"
            id: inner
          - shell: "printf made-it"
            capture: artifact
        """,
    )
    ran = run_workflow("""\
        env: {OUTER: outside}
        commands:
          - {shell: "printf v1", capture: version}
          - {shell: "printf x", capture: secretly}
          - workflow: build
            id: b
          - shell: 'echo "${build.artifact} ${build.success} ${b.output} ${artifact:-none}" >>trace'
        sub_workflows:
          build:
            source: build.yml
            parameters: {target: live}
            inputs: {tag: version}
            outputs: [artifact]
        """).completed()
    assert ran.lines() == ["of live/2/v1/unseen/outside", "made-it true made-it none"]
    assert "inner.output" not in ran.variables


def test_three_levels_of_files_compose_and_run(run_workflow: Runner, repository: Path) -> None:
    beside(
        repository,
        "middle.yml",
        """\
        sub_workflows: {low: {source: low.yml, inputs: {word: "${word}+low"}, outputs: [made]}}
        commands:
          - {shell: "printf ${low.made}", capture: made}
        """,
    )
    beside(
        repository,
        "low.yml",
        """\
        extends: base.yml
        commands: [{use: say, with: {what: "${word}"}}]
        """,
    )
    beside(
        repository,
        "base.yml",
        """\
        env: {LEVEL: base}
        templates:
          say: [{shell: 'printf "%s@%s" "${what}" "$LEVEL"', capture: made}]
        """,
    )
    ran = run_workflow("""\
        sub_workflows:
          mid: {source: middle.yml, inputs: {word: top}, outputs: [made]}
        commands: [{shell: "echo ${mid.made} >>trace"}]
        """).completed()
    assert ran.lines() == ["top+low@base"]


def test_parallel_neighbours_run_at_the_same_time(run_workflow: Runner) -> None:
    waits = "for i in $(seq 100); do [ -e {other} ] && exit 0; sleep 0.05; done; exit 1"
    ran = run_workflow(f"""\
        sub_workflows:
          a: {{parallel: true, commands: [{{shell: "touch a; {waits.format(other="b")}"}}]}}
          b: {{parallel: true, commands: [{{shell: "touch b; {waits.format(other="a")}"}}]}}
        commands: [{{shell: "echo ${{a.success}} ${{b.success}} >>trace"}}]
        """).completed()
    assert ran.lines() == ["true true"]
    assert len(ran.checkpoint["completed_steps"]) == 2


def test_a_failing_sub_workflow_fails_its_step_unless_it_may(run_workflow: Runner) -> None:
    text = """\
        sub_workflows:
          bad: {commands: [{shell: "echo why >&2; exit 7"}, {shell: "touch never"}]MAY}
        commands: [{shell: "echo ${bad.success} >>trace"}]
        """
    ran = run_workflow(text.replace("MAY", "")).failed("exit code 7", "why")
    assert ran.lines() == [] and not (ran.worktree / "never").exists()
    ran = run_workflow(text.replace("MAY", ", continue_on_error: true")).completed()
    assert ran.lines() == ["false"]
    assert any("'bad'" in warning for warning in ran.warnings)


def test_step_fields_hold_for_a_placed_sub_workflow(run_workflow: Runner) -> None:
    ran = run_workflow("""\
        sub_workflows:
          flaky:
            commands: [{shell: 'echo "$MODE" >>trace; [ "$(wc -l <trace)" -ge 2 ]'}]
        commands:
          - {workflow: flaky, retry: {attempts: 3, initial_delay: 0}, env: {MODE: quick}}
          - {workflow: flaky, when: "1 == 2", id: skipped}
          - shell: "echo ${skipped.skipped} >>trace"
        """).completed()
    assert ran.lines() == ["quick", "quick", "true"]


def test_a_sub_workflow_ends_at_its_time_limit(run_workflow: Runner) -> None:
    began = time.monotonic()
    run_workflow("""\
        sub_workflows:
          slow: {timeout: 0.3, commands: [{shell: "sleep 60"}, {shell: "touch never"}]}
        commands: [{shell: "touch never"}]
        """).failed("timed out")
    assert time.monotonic() - began < 20


def test_its_directories_begin_where_it_says(run_workflow: Runner) -> None:
    ran = run_workflow("""\
        setup: [{shell: "mkdir -p sub/deep"}]
        sub_workflows:
          inside:
            working_dir: sub
            commands:
              - shell: 'basename "$PWD" >>"${PROJECT_ROOT}/trace"'
              - {shell: 'basename "$PWD" >>"${PROJECT_ROOT}/trace"', working_dir: deep}
        commands: [{shell: 'test "$PWD" = "${PROJECT_ROOT}"'}]
        """).completed()
    assert ran.lines() == ["sub", "deep"]


def test_an_input_of_a_wrong_type_fails_the_step(run_workflow: Runner, repository: Path) -> None:
    beside(
        repository,
        "n.yml",
        """\
        parameters: {required: [{name: n, type: number}]}
        commands: [{shell: "echo ${n} >>trace"}]
        """,
    )
    run_workflow("""\
        commands:
          - {shell: "printf many", capture: count}
          - workflow: n
        sub_workflows: {n: {source: n.yml, inputs: {n: count}}}
        """).failed("the parameter 'n' of 'n' expects number, got 'many'")


def test_a_commit_rule_inside_holds_for_its_own_step(run_workflow: Runner) -> None:
    ran = run_workflow("""\
        sub_workflows:
          made:
            commands:
              - {shell: "echo 1 >one", auto_commit: true, commit_required: true}
              - {shell: "true", name: idle, commit_required: true}
        commands: [{shell: "true"}]
        """)
    ran.failed("idle", "no commits were created")


def test_the_values_of_a_template_hold_where_it_is_used(run_workflow: Runner) -> None:
    ran = run_workflow("""\
        templates:
          greet:
            parameters: {required: [who], optional: [{name: mark, default: "!"}]}
            commands:
              - shell: 'printf "%s%s\\n" "${who}" "${mark}" >>trace'
                on_failure: "echo never ${who}"
              - foreach: [1]
                do: [{shell: "echo ${item} ${who} >>trace"}]
              - shell: "printf ${who}"
                capture: greeted
        commands:
          - {shell: "printf world", capture: name}
          - {use: greet, with: {who: "${name}"}}
          - {template: greet, with: {who: moon, mark: "?"}, when: "${greeted} == 'world'"}
          - shell: "echo ${greeted} ${who:-nobody} >>trace"
        """).completed()
    assert ran.lines() == ["world!", "1 world", "moon?", "1 moon", "moon nobody"]
    assert len(ran.checkpoint["completed_steps"]) == 6


def test_values_that_cannot_be_had_fail_the_step_and_can_be_handled(run_workflow: Runner) -> None:
    ran = run_workflow("""\
        templates: {t: [{shell: "echo ${x} >>trace", on_failure: "echo handled >>trace"}]}
        commands: [{use: t, with: {x: "${file:missing}"}}]
        """).completed()
    assert ran.lines() == ["handled"]


def test_secrets_and_masking_reach_into_sub_workflows(
    run_workflow: Runner, repository: Path
) -> None:
    beside(
        repository,
        "child.yml",
        """\
        secrets: {TOKEN: CHILD_TOKEN}
        env: {HIDDEN: {value: hide-this-value, secret: true}}
        commands: [{shell: 'echo "$TOKEN and $HIDDEN"'}]
        """,
    )
    ran = run_workflow(
        "sub_workflows: {c: {source: child.yml}}\ncommands: [{shell: 'true'}]\n",
        env={"CHILD_TOKEN": "very-secret-token"},
    ).completed()
    assert "*** and ***" in ran.log(0)
    stored = [path for path in ran.home.root.rglob("*") if path.is_file()]
    for path in stored:
        data = path.read_bytes() if "worktrees" not in path.parts else b""
        assert b"very-secret-token" not in data and b"hide-this-value" not in data, path
