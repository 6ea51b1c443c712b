"""Mistakes are told with their exact places, all at once, with what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.workflow.load import load_workflow
from tests.orchestrator.workflow.loading import load, problems

MALFORMED = [
    ("commands: {}\n", ["1:11: error: a step needs a kind"]),
    ("commands: 5x\nname: [a]\n", ["2:7: error: 'name' expects a text, got a list"]),
    ("- {}\n", ["1:3: error: a step needs a kind"]),
    ("- frob: x\n", ["1:3: error: a step needs a kind", "1:3: warning: unknown key 'frob'"]),
    ("- Shell: x\n", ["1:3: error: a step has no kind 'Shell'; did you mean 'shell'?"]),
    ("- shel: x\n", ["1:3: error: a step has no kind 'shel'; did you mean 'shell'?"]),
    (
        "- shell: a\n  claude: b\n",
        ["1:3: error: a step has exactly one kind; found 'shell' (line 1) and 'claude' (line 2)"],
    ),
    ("- shell: x\n  timeout: soon\n", ["2:12: error: 'timeout' expects a duration, got 'soon'"]),
    ("- shell: x\n  timeout: -1\n", ["2:12: error: 'timeout' expects a duration, got '-1'"]),
    (
        "- shell: x\n  commit_requird: yes\n",
        [
            "2:3: warning: unknown key 'commit_requird' in a step, ignored; "
            "did you mean 'commit_required'?"
        ],
    ),
    (
        "- shell: x\n  threshold: 3\n",
        ["2:3: warning: unknown key 'threshold' in a step, ignored; "
         "'threshold' belongs under 'validate'"],
    ),
    (
        "- shell: x\n  validate: {shell: y, max_attempts: 3}\n",
        ["2:24: warning: unknown key 'max_attempts' in 'validate', ignored; "
         "'max_attempts' belongs under 'on_incomplete'"],
    ),
    ("- shell: x\n  backoff: fixed\n", ["2:3: warning: unknown key 'backoff' in a step, ignored; "
                                        "'backoff' belongs under 'retry'"]),
    ("- shell: x\n  wombat: 1\n", ["2:3: warning: unknown key 'wombat' in a step, ignored"]),
    ("shell: x\ncommands: [{shell: y}]\n", ["1:1: warning: unknown key 'shell' in a workflow, "
                                            "ignored; 'shell' belongs in a step"]),
    ("secret: {}\ncommands: [{shell: y}]\n", ["1:1: warning: unknown key 'secret' in a workflow, "
                                              "ignored; did you mean 'secrets'?"]),
    ("- shell: x\n  capture_format: jsn\n", ["2:19: error: 'capture_format' expects one of string,"
                                             " json, lines, number, boolean, text; got 'jsn'; did "
                                             "you mean 'json'?"]),
    ("- shell: x\n  when: '${a} =='\n", ["2:"]),
    ("- shell: x\n  retry: 0\n", ["2:10: error: 'retry' expects a number of attempts or a map"]),
    ("- shell: x\n  retry: {backoff: wild}\n", ["2:20: error: 'backoff' expects one of fixed"]),
    ("- shell: x\n  retry: {retry_on: [weather]}\n", ["2:22: error: 'retry_on' expects one of"]),
    ("- shell: x\n  on_failure: []\n", ["2:15: error: 'on_failure' expects at least one handler"]),
    (
        "- shell: x\n  on_failure: {claude: /f, max_attempts: 0}\n",
        ["2:42: error: 'max_attempts' expects a whole number of at least 1, got '0'"],
    ),
    (
        "- shell: x\n  on_failure: {commands: [a], strategy: pray}\n",
        ["2:41: error: 'strategy' expects one of recovery, fallback, cleanup, custom; got 'pray'"],
    ),
    ("mode: parallel\ncommands: [{shell: x}]\n", ["1:7: error: 'mode' expects one of mapreduce"]),
    (
        "commands: [{shell: a}]\nsteps: [{shell: b}]\n",
        ["2:1: error: the steps are given more than once: 'commands' (line 1) and 'steps' "
         "(line 2); keep one"],
    ),
    (
        "profiles: {live: {A: 1}}\nactive_profile: liv\ncommands: [{shell: a}]\n",
        ["2:17: error: unknown profile 'liv'; there is live; did you mean 'live'?"],
    ),
    ("env: [A]\ncommands: [{shell: a}]\n", ["1:6: error: 'env' expects a map, got a list"]),
    ("env:\n  A: [1]\ncommands: [{shell: a}]\n", ["2:6: error: 'A' expects a text or a map"]),
    ("max_iterations: 0\ncommands: [{shell: a}]\n", ["1:17: error: 'max_iterations' expects a "
                                                     "whole number of at least 1, got '0'"]),
    ("? [a]\n: b\ncommands: [{shell: a}]\n", ["1:3: error: a key must be a plain text"]),
    ("- shell: 'unclosed\n", ["2:1: error: invalid YAML: found unexpected end of stream"]),
    ("commands:\n  - shell: a\n - shell: b\n", ["3:2: error: invalid YAML:"]),
    (
        "- {shell: a, id: one}\n- {shell: b, id: one}\n",
        ["2:14: warning: the id 'one' is used by another step at line 1"],
    ),
    ("- shell: a\n  capture: 'two words'\n", ["2:12: error: 'capture' expects the name"]),
    (
        "- shell: a\n  commit_config: {message_pattern: '('}\n",
        ["2:36: error: 'message_pattern' is not a regular expression"],
    ),
    (
        "- shell: a\n  step_validate: {commands: [{expect_exit_code: 1}]}\n",
        ["2:30: error: a command of 'step_validate' needs 'command'"],
    ),
    ("sub_workflows: {a: {commands: []}}\ncommands: [{shell: x}]\n",
     ["1:17: error: the sub-workflow 'a' has no steps"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MALFORMED, ids=[repr(t)[:60] for t, _ in MALFORMED])
def test_each_mistake_is_told_at_its_place(text: str, expected: list[str]) -> None:
    found = problems(text)
    assert len(found) == len(expected), found
    for problem, start in zip(found, expected, strict=True):
        assert problem.startswith(start), problem


TWELVE = """\
imports: [other.yml]
env: {A: [1]}
retrry_defaults: {}
max_parallel: 0
commands:
  - shell: a
    claude: b
  - shell: c
    timeout: soon
  - Shell: d
  - ""
  - shell: e
    when: "a =="
  - write_file: {path: ../x, content: y}
  - foreach: ls
    parallel: 0
    do: [{shell: f, shell: g}]
  - shell: h
    commit_requird: yes
"""


def test_twelve_mistakes_and_one_in_an_imported_file_are_thirteen_messages(tmp_path: Path) -> None:
    main = tmp_path / "main.yml"
    main.write_text(TWELVE)
    (tmp_path / "other.yml").write_text("- shell: x\n  retry: none\n")
    loaded = load_workflow(main, display="main.yml")
    assert loaded.workflow is None
    places = [str(problem.position) for problem in loaded.problems]
    assert places == [
        "main.yml:2:10",
        "main.yml:3:1",
        "main.yml:4:15",
        "main.yml:6:5",
        "main.yml:9:14",
        "main.yml:10:5",
        "main.yml:11:5",
        "main.yml:13:16",
        "main.yml:14:24",
        "main.yml:16:15",
        "main.yml:17:21",
        "main.yml:19:5",
        "other.yml:2:10",
    ], "\n".join(map(str, loaded.problems))
    assert sorted(places, key=lambda p: p.split(":")[0]) == places


def test_keys_that_begin_with_x_or_a_dot_are_a_place_for_anchors() -> None:
    assert problems("x-a: {frob: 1}\n.b: [1]\ncommands: [{shell: a}]\n") == []


def test_a_suggestion_is_at_most_a_third_of_the_word_away() -> None:
    from orchestrator.workflow.suggest import nearest

    keys = ("when", "timeout", "commit_required", "capture_output", "id")
    assert nearest("timeuot", keys) == "timeout"
    assert nearest("commitRequired", keys) == "commit_required"
    assert nearest("commit-required", keys) == "commit_required"
    assert nearest("wen", keys) == "when"
    assert nearest("ie", keys) is None
    assert nearest("capture_outputting", keys) is None


def test_a_file_of_two_thousand_steps_loads() -> None:
    one = "  - shell: echo {n}\n    id: s{n}\n    timeout: 5m\n    when: ${{x}} == 'a'\n"
    text = "commands:\n" + "".join(one.format(n=n) for n in range(2000))
    loaded = load(text.encode())
    assert loaded.workflow is not None and len(loaded.workflow.steps) == 2000


def test_handlers_nested_to_the_depth_limit_are_no_trouble() -> None:
    text = "shell: x" + ", on_failure: {shell: x" * 62 + "}" * 62
    assert load("- {" + text + "}\n").workflow is not None
