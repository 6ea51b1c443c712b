"""Loops: their items, how many run at once, what a failed item means, and what is remembered."""

from __future__ import annotations

import json

import pytest

from tests.orchestrator.engine.runs import RunWorkflow


@pytest.mark.parametrize(
    ("source", "items"),
    [
        ("foreach: \"printf 'a b\\\\n\\\\n  \\\\nc\\\\n'\"", ["a b", "c"]),
        ("foreach: ['${x}', 2, true]", ["one", "2", "true"]),
        ("foreach: {command: 'echo a; echo b'}", ["a", "b"]),
        ("foreach: {list: [a, b]}", ["a", "b"]),
        ("foreach: {items: [{k: v}, '$x'], do: *body}", ['{"k":"v"}', "one"]),
        ("foreach: '${rows}'", ["r1", "r2"]),
        ("foreach: '${doc.names}'", ["n1", "n2"]),
        ("foreach: 'echo ${x} ${rows:csv}'", ["one r1,r2"]),
        ("foreach: 'pwd | xargs basename'\n  working_dir: sub", ["sub"]),
        ("foreach: 'seq 9'\n  max_items: 2", ["1", "2"]),
        ("foreach: 'true'", []),
    ],
)
def test_items_come_from_a_command_a_list_or_a_reference(
    run_workflow: RunWorkflow, source: str, items: list[str]
) -> None:
    body = "" if "*body" in source else "  do: *body\n"
    ran = run_workflow(
        "x-body: &body\n"
        "  - write_file: {path: 'made/${index}', content: '${item}', create_dirs: true}\n"
        "commands:\n"
        "- {shell: 'mkdir sub; echo one', capture: x}\n"
        "- {shell: 'echo r1; echo r2', capture: rows, capture_format: lines}\n"
        '- {shell: \'echo "{\\"names\\": [\\"n1\\", \\"n2\\"]}"\', capture: doc,'
        " capture_format: json}\n"
        f"- {source}\n{body}"
    ).completed()
    made = ran.worktree / "made"
    files = sorted(made.iterdir()) if made.exists() else []
    assert [path.read_text() for path in files] == items
    count = len(items)
    assert ran.step(3)["output"] == (
        f"Foreach completed: {count} total, {count} successful, 0 failed"
    )


def test_a_body_knows_its_item_and_keeps_what_it_captures(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - {shell: "echo outer", capture: kept}
        - foreach: [{name: a, deep: {n: 1}}, {name: b, deep: {n: 2}}]
          do:
            - {shell: "echo got-${item.name}", capture: kept}
            - shell: >-
                echo "${item.deep.n} ${index}/${total} ${foreach.item.name} ${foreach.index}
                ${kept} ${last.output}" >>trace
        - shell: "echo ${kept} ${item:-gone} >>trace"
        """
    ).completed()
    assert ran.lines() == ["1 0/2 a 0 got-a got-a", "2 1/2 b 1 got-b got-b", "outer gone"]


def test_a_name_that_the_script_of_a_body_sets_is_its_own(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - foreach: [a]
          do:
            - shell: 'for item in x y; do echo "$item ${item}" >>trace; done'
            - shell: 'echo "$item ${item}" >>trace'
        """
    ).completed()
    assert ran.lines() == ["x x", "y y", "a a"]


@pytest.mark.parametrize(
    ("options", "started", "summary"),
    [
        ("", 2, "5 total, 1 successful, 1 failed"),
        ("continue_on_error: true", 5, "5 total, 4 successful, 1 failed"),
        ("parallel: 3\n  continue_on_error: true", 5, "5 total, 4 successful, 1 failed"),
    ],
)
def test_a_failed_item_fails_the_loop_and_starts_no_other(
    run_workflow: RunWorkflow, options: str, started: int, summary: str
) -> None:
    ran = run_workflow(
        "- foreach: 'seq 5'\n"
        f"  {options}\n"
        "  id: loop\n"
        "  on_failure: true\n"
        "  do:\n"
        "    - shell: 'echo ${item} >>trace; test ${item} != 2 || { echo bad two >&2; exit 7; }'\n"
        "    - shell: 'echo second >>other'\n"
        "- shell: \"echo '${loop.output} ${loop.exit_code}' >summary\"\n"
        "- foreach: [2]\n"
        "  do: ['shell: echo why >&2; exit 7']\n"
    ).failed("item 1 (2)", "why", "failed with exit code 1")
    assert len(ran.lines()) == started
    assert ran.text("summary") == f"Foreach completed: {summary} 1"
    failed_ones = 1
    assert len(ran.lines("other")) == started - failed_ones


def test_running_items_are_finished_after_a_failure(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - foreach: "seq 6"
          parallel: 3
          on_failure: true
          do:
            - shell: |
                case ${item} in
                  1) until test -e two -a -e three; do sleep 0.02; done; exit 1 ;;
                  2) touch two; sleep 0.4 ;;
                  3) touch three; sleep 0.4 ;;
                esac
                echo ${item} >>trace
        """
    ).completed()
    assert sorted(ran.lines()) == ["2", "3"]


@pytest.mark.parametrize(
    ("parallel", "at_once"), [("false", 1), ("3", 3), ("true", 4), ("'${N}'", 2)]
)
def test_so_many_items_run_at_once(run_workflow: RunWorkflow, parallel: str, at_once: int) -> None:
    ran = run_workflow(
        f"""
        max_parallel: 4
        env: {{N: 2}}
        commands:
          - foreach: "seq 4"
            parallel: {parallel}
            do:
              - shell: |
                  touch on-$PRODIGY_STEP; sleep 0.3
                  ls on-* | wc -l >>trace; rm on-$PRODIGY_STEP
        """
    ).completed()
    assert max(int(line) for line in ran.lines()) == at_once


def test_loops_in_loops_see_both_items(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - foreach: [a, b]
          do:
            - {shell: "echo ${item}", capture: outer}
            - foreach: ["${item}1", "${item}2"]
              do: ["shell: echo ${outer}-${item}-${index} >>trace"]
            - shell: "echo ${item} >>trace"
        """
    ).completed()
    assert ran.lines() == ["a-a1-0", "a-a2-1", "a", "b-b1-0", "b-b2-1", "b"]
    directory = ran.home.foreach_file(ran.id, 0, 0).parent
    assert [path.name for path in directory.iterdir()] == ["0-0.jsonl"]


def test_a_loop_that_cannot_list_its_items_fails(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - foreach: "echo a; echo cannot >&2; exit 4"
          on_failure: "echo ${shell.exit_code} >>trace"
          do: ["shell: echo never >>trace"]
        - foreach: ["a"]
          parallel: "${NOWHERE}"
          on_failure: true
          do: ["shell: echo never >>trace"]
        - foreach: "${file:missing}"
          do: ["shell: echo never >>trace"]
        """
    ).failed("missing")
    assert ran.lines() == ["4"]


def test_items_are_frozen_first_and_each_success_is_remembered(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "touch a.src b.src c.src"
        - foreach: "ls *.src"
          do: ["shell: echo x >new.src; test ${item} != c.src"]
          on_failure: {shell: "true", max_attempts: 2}
        """
    ).completed()
    lines = ran.home.foreach_file(ran.id, 0, 1).read_text().splitlines()
    first = json.loads(lines[0])
    assert first == {"items": ["a.src", "b.src", "c.src", "new.src"]}, "a second run lists anew"
    assert [json.loads(line) for line in lines[1:]] == [{"index": 0}, {"index": 1}]


def test_all_fields_of_a_step_work_in_a_body(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - foreach: [1, 2, 3]
          do:
            - shell: "echo run ${item} >>trace; test ${item} != 2"
              when: "${item} != 3"
              id: inner
              retry: {attempts: 2, initial_delay: 0}
              on_failure: "echo handled ${item} >>trace"
              on_success: {shell: "echo fine ${item} >>trace"}
            - shell: "echo ${inner.skipped} >>trace"
        """
    ).completed()
    assert ran.lines() == [
        *("run 1", "fine 1", "false"),
        *("run 2", "run 2", "handled 2", "fine 2", "false"),
        "true",
    ]


def test_a_commit_required_in_a_body_is_one_of_that_item(run_workflow: RunWorkflow) -> None:
    run_workflow(
        """
        - foreach: [1, 2]
          do:
            - shell: "test ${item} = 2 || git commit -q --allow-empty -m ${item}"
              commit_required: true
        """
    ).failed("item 2 (2)", "no commits were created")


def test_outputs_of_a_step_in_a_body_are_found(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - foreach: [a, b]
          do:
            - {shell: "echo x >${item}-report.txt", id: made, outputs: {report: "*-report.txt"}}
            - shell: "echo ${made.report} >>trace"
        """
    ).completed()
    assert ran.lines() == ["a-report.txt", "b-report.txt"]
