"""Old forms are rewritten in place: same meaning, same comments, same order, nothing else."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.workflow.load import load_workflow
from orchestrator.workflow.migrate import CannotMigrate, migrate
from orchestrator.workflow.problems import Position

JOB = """\
# a job
name: job
timeout_per_agent: 5m   # of no use
map:
  input: items.json     # what
  agent_template:
    commands:           # for each
      # first
      - claude: "/fix ${item}"

      - shell: |
          echo one
            echo deeper
  # after the template
  max_parallel: 3
  batch_size: 7
reduce:
  commands:
  - shell: done
# the end
"""
NEW_JOB = """\
# a job
name: job
map:
  input: items.json     # what
  agent_template:
    # for each
    # first
    - claude: "/fix ${item}"

    - shell: |
        echo one
          echo deeper
  # after the template
  max_parallel: 3
reduce:
  - shell: done
# the end
"""


def meaning(text: str) -> object:
    """The loaded workflow without the places of its parts, and without how a step is spelt."""
    loaded = load_workflow(Path("/nowhere/w.yml"), text=text.encode())
    assert loaded.workflow is not None, "\n".join(map(str, loaded.problems))
    return _placeless(loaded.workflow)


def _placeless(value: object) -> object:
    if isinstance(value, tuple | list):
        return [_placeless(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _placeless(getattr(value, field.name))
            for field in fields(value)
            if not isinstance(getattr(value, field.name), Position)
            and field.name not in ("sources", "is_test")
        }
    return str(value) if type(value).__name__ == "Expression" else value


def codes(text: str) -> set[str]:
    loaded = load_workflow(Path("/nowhere/w.yml"), text=text.encode())
    return {problem.code for problem in loaded.problems}


def test_nested_commands_move_up_with_their_comments() -> None:
    migrated = migrate(JOB)
    assert migrated.text == NEW_JOB
    assert codes(JOB) == {"deprecated", "no_effect"} and not codes(NEW_JOB)
    assert meaning(JOB) == meaning(NEW_JOB)
    assert [change.partition(": ")[2] for change in migrated.changes] == [
        "'timeout_per_agent' has no effect: removed",
        "'commands' under 'agent_template': its steps are written there",
        "'batch_size' has no effect: removed",
        "'commands' under 'reduce': its steps are written there",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- test: make check  # c\n", "- shell: make check  # c\n"),
        ("- {test: make, id: a}\n", "- {shell: make, id: a}\n"),
        ("- test:\n    command: make # c\n    on_failure: {claude: /fix}\n  id: a\n",
         "- shell: make # c\n  on_failure: {claude: /fix}\n  id: a\n"),
        ("- test: {command: make, on_failure: ./fix}\n  id: a\n",
         "- shell: make\n  on_failure: ./fix\n  id: a\n"),
        ("- {test: {command: make, on_failure: ./fix}, id: a}\n",
         "- {shell: make, on_failure: ./fix, id: a}\n"),
        ("- shell: a\n  on_failure:\n    commands: [{shell: b}]\n    retry_original: true\n",
         "- shell: a\n  on_failure:\n    commands: [{shell: b}]\n    max_attempts: 2\n"),
        ("- shell: a\n  on_failure:\n    shell: b\n    retry_original: false\n    timeout: 5\n",
         "- shell: a\n  on_failure:\n    shell: b\n    timeout: 5\n"),
        ("- shell: a\n  on_failure: {shell: b, max_attempts: 1, retry_original: true}\n",
         "- shell: a\n  on_failure: {shell: b, max_attempts: 2}\n"),
        ("- shell: a\n  on_failure: {retry_original: yes, shell: b}\n",
         "- shell: a\n  on_failure: {shell: b}\n"),
        ("- shell: a\n  retries: 2\n", "- shell: a\n  retry: 3\n"),
        ("name: m\nmap: {input: x, agent_template: {commands: [{shell: a}]}, batch_size: 3}\n",
         "name: m\nmap: {input: x, agent_template: [{shell: a}], batch_size: 3}\n"),
        ("name: m\nmap:\n  input: x\n  agent_template:\n    commands: [{shell: a}]\n",
         "name: m\nmap:\n  input: x\n  agent_template:\n    [{shell: a}]\n"),
    ],
)  # fmt: skip
def test_each_old_form_keeps_its_meaning(old: str, new: str) -> None:
    assert migrate(old).text == new
    assert meaning(old) == meaning(new)
    assert "deprecated" not in codes(new)
    assert migrate(new).changes == ()


@pytest.mark.parametrize(
    "text",
    [
        "- shell: a\n",
        "# only a comment\n",
        "",
        "merge:\n  commands: [{shell: a}]\n  timeout: 5\ncommands: [{shell: b}]\n",
        "name: m\nmap: {input: x, agent_template: [{shell: a}]}\n"
        "reduce: {commands: [{shell: b}], timeout: 5}\n",
        "- test: {command: a, other: b}\n",
        "- shell: 'test: x'\n- shell: |\n    test: y\n",
    ],
)
def test_what_is_not_old_stays_byte_for_byte(text: str) -> None:
    migrated = migrate(text)
    assert (migrated.text, migrated.changes) == (text, ())


def test_every_step_of_a_long_file_is_rewritten_at_once() -> None:
    old = "".join(f"- test: echo {number}  # {number}\n" for number in range(300))
    migrated = migrate(old)
    assert migrated.text == old.replace("test:", "shell:")
    assert len(migrated.changes) == 300


def test_windows_line_ends_stay() -> None:
    old = dedent(JOB).replace("\n", "\r\n")
    assert migrate(old).text == NEW_JOB.replace("\n", "\r\n")


def test_a_file_that_is_no_yaml_is_left_alone() -> None:
    with pytest.raises(CannotMigrate, match="line 1"):
        migrate("a: [1\n")


OLD_STEPS = st.sampled_from(
    [
        "- test: make\n",
        "- test:\n    command: |\n      a: b\n      c\n    on_failure:\n      shell: d\n  id: x\n",
        "- shell: a\n  retries: 2   # why\n\n",
        "# between\n- shell: |-\n    test: no\n    retries: 3\n",
        "- {test: {command: a, on_failure: ./b}}\n",
        "- shell: a\n  on_failure:\n    retry_original: true # old\n    commands: [{shell: b}]\n",
        "- foreach: [1]\n  do:\n    - test: inner\n    - shell: x\n      on_failure: {shell: y, "
        "retry_original: no}\n",
    ]
)


@given(st.lists(OLD_STEPS, min_size=1, max_size=8), st.integers(0, 6), st.booleans())
def test_any_mix_of_old_forms_keeps_its_meaning(steps: list[str], depth: int, job: bool) -> None:
    blank = " " * depth
    body = "".join(steps)
    text = "commands:\n" + "".join(f"{blank}{line}\n" for line in body.splitlines())
    if job:
        nested = "".join(f"{blank}      {line}\n" for line in text.splitlines())
        text = f"name: j\nmap:\n  input: x\n  agent_template:\n{nested}  max_items: 3\n"
    migrated = migrate(text)
    assert "deprecated" not in codes(migrated.text), migrated.text
    assert meaning(migrated.text) == meaning(text)
    assert migrate(migrated.text).changes == ()
    for word in ("# between", "# why", "# old"):
        assert migrated.text.count(word) == text.count(word) or word == "# old"


@given(st.text(alphabet="abtes: -\n#{}[],'\"|>&*!\t\r", max_size=60))
def test_no_text_breaks_the_rewriting(text: str) -> None:
    try:
        migrated = migrate(text)
    except CannotMigrate:
        return
    migrate(migrated.text)


def test_a_test_step_stays_where_its_results_are_used() -> None:
    text = '- test: make check\n- shell: "echo ${test.output}"\n'
    assert migrate(text).text == text
