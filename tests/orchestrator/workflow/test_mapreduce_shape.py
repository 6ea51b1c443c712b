"""MapReduce files load and explain themselves, whatever their spelling."""

from __future__ import annotations

import pytest

from orchestrator.workflow.model import WorkflowKind
from tests.orchestrator.workflow.loading import load, problems, workflow

FULL = """\
name: job
mode: mapreduce
env: {MAX: 5, T: 90s}
setup:
  commands: [{shell: make-items}]
  timeout: "$T"
  capture_outputs:
    count: 0
    total: {command_index: 0, source: both, pattern: "[0-9]+", multiline: first_line}
map:
  input: items.json
  json_path: "$.items[*]"
  filter: "score > 3"
  sort_by: "score DESC"
  max_items: 5
  offset: 1
  max_parallel: $MAX
  agent_timeout_secs: 5m
  timeout_config: {timeout_policy: PerAgent, command_timeouts: {claude: 300}}
  variables: {n: {type: count}}
  shared_files: ["*.json"]
  keep_failed_worktrees: all
  agent_template:
    - claude: "/fix ${item.path}"
      commit_required: true
      on_failure: {claude: /again}
reduce:
  - shell: "echo ${map.total}"
agent_merge: {commands: [{shell: x}], on_conflict: retry, verify: [{shell: y}]}
merge: {commands: [{shell: z}], timeout: 60}
error_policy:
  on_item_failure: !custom notify
  handlers: {notify: [{shell: tell}]}
  failure_threshold: "20%"
  circuit_breaker: {failure_threshold: 3, recovery_timeout: 30s}
  retry_config: {attempts: 2, backoff: !exponential {multiplier: 3}}
  error_collection: "batched:5"
checkpoint: {interval_items: 5}
"""


def test_a_file_with_every_setting_loads_without_a_word() -> None:
    loaded = workflow(FULL)
    assert loaded.kind is WorkflowKind.MAPREDUCE
    assert (loaded.name, [entry.name for entry in loaded.env]) == ("job", ["MAX", "T"])
    assert loaded.merge is not None and len(loaded.merge.steps) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("name: job\n", ""), "1:1: warning: the file has no 'name'"),
        (("  input: items.json\n", ""), "11:3: error: 'map' needs 'input'"),
        (("timeout: 60", "timeout: soon"), "30:42: error: 'timeout' expects a duration"),
        (("$MAX", "0"), "17:17: error: 'max_parallel' expects a whole number of at least 1"),
        (("keep_failed_worktrees: all", "keep_failed_worktrees: al"), "22:26: error:"),
        (('"20%"', '"120%"'), "34:22: error: 'failure_threshold' expects a number from 0 to 100"),
        (("type: count", "type: cout"), "20:25: error: 'type' expects one of count"),
        (("    - claude:", "    - clade:"), "24:7: error: a step has no kind 'clade'; did you"),
        (("  json_path", "  jsonpath"), "12:3: warning: unknown key 'jsonpath' in 'map', ignored; "
         "did you mean 'json_path'?"),
        (("checkpoint:", "extends: x\ncheckpoint:"), "38:1: warning: unknown key 'extends'"),
        (("reduce:\n  -", "reduce:\n  commands:\n  -"), "28:3: warning: 'commands' under 'reduce'"),
    ],
)  # fmt: skip
def test_mistakes_in_a_mapreduce_file(change: tuple[str, str], expected: str) -> None:
    assert change[0] in FULL
    (problem,) = problems(FULL.replace(*change, 1))
    assert problem.startswith(expected), problem


def test_a_map_without_steps_or_of_a_wrong_kind_is_an_error() -> None:
    assert problems("name: a\nmode: mapreduce\n") == [
        "1:1: error: a MapReduce workflow needs 'map'"
    ]
    assert problems("name: a\nmap: {input: x, agent_template: []}\n") == [
        "2:33: error: 'agent_template' has no steps"
    ]


def test_nested_commands_of_the_template_are_deprecated() -> None:
    text = "name: a\nmap: {input: x, agent_template: {commands: [{shell: y}]}}\n"
    assert load(text).workflow is not None
    assert problems(text) == [
        "2:33: warning: 'commands' under 'agent_template' is deprecated; write the steps there"
    ]


def in_map(line: str, rest: str = "") -> list[str]:
    """What is wrong with a job that has one more line under ``map``, without the place."""
    text = f"name: j\nmap:\n  input: x\n  agent_template: [{{shell: a}}]\n  {line}\n{rest}"
    return [problem.partition(" ")[2] for problem in problems(text)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("filter: score >", "error: 'filter' cannot be read: a value is missing"),
        ("filter: scored(x)", "error: 'filter' cannot be read: there is no function 'scored'"),
        ("filter: \"name matches '('\"", "error: 'filter' cannot be read: the regular expression"),
        ("sort_by: score DOWN", "error: 'sort_by' cannot be read: 'score DOWN' is not a path"),
        ("json_path: '$.items['", "error: 'json_path' is not a JSONPath"),
        ("distinct: 'a b'", "error: 'distinct' expects a path"),
        ("max_parallel: 80", "warning: 'max_parallel' is 80: more than the machine needs"),
        ("max_parallel: $NO_SUCH_NAME",
         "error: 'max_parallel' is $NO_SUCH_NAME, but NO_SUCH_NAME is neither in 'env' of this"),
        ("agent_timeout_secs: ${NO_SUCH_NAME}", "error: 'agent_timeout_secs' is ${NO_SUCH_NAME}"),
        ("executor: ssh", "error: 'executor' expects local or dask://HOST:PORT"),
        ("on_item_failure: dql", "error: 'on_item_failure' expects one of dlq, retry, skip, stop"),
        ("on_item_failure: 'custom:tell'", "warning: no handler is named 'tell'"),
        ("error_collection: sometimes", "error: 'error_collection' expects one of aggregate"),
        ("error_collection: 'batched:0'", "error: 'error_collection' expects batched with a size"),
        ("validation: {schema: {field_types: {a: text}}}", "error: 'a' expects one of string"),
        ("validation: {schema: {constraints: {a: [{patern: x}]}}}",
         "warning: unknown key 'patern' in a constraint of 'a', ignored; did you mean 'pattern'?"),
        ("validation: {on_failure: explode}", "error: 'on_failure' expects one of dlq"),
        ("variables: {n: {type: count, filter: 'a ='}}", "error: 'filter' cannot be read"),
        ("retry_config: {backoff: {type: custm}}", "error: 'type' expects one of fixed"),
        ("retry_config: {backoff: {custom: {}}}", "error: 'custom' needs 'delays'"),
        ("input: {command: a, file: b}", "error: 'input' is one of"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_before_anything_runs(line: str, expected: str) -> None:
    if line.startswith("input"):
        text = f"name: j\nmap:\n  {line}\n  agent_template: [{{shell: a}}]\n"
        (problem,) = [found.partition(" ")[2] for found in problems(text)]
    else:
        (problem,) = in_map(line)
    assert problem.startswith(expected), problem


def test_a_bad_filter_is_pointed_at() -> None:
    text = "name: j\nmap: {input: x, agent_template: [{shell: a}], filter: 'a == 1 && b ~ 2'}\n"
    (problem,) = problems(text)
    assert problem.startswith("2:68: error:"), problem


@pytest.mark.parametrize(
    "line",
    ["filter: 'score > ${MIN}'", "sort_by: 'a.b[0] desc nulls first, c'", "max_parallel: 7",
     "json_path: 'items[?(@.kind = open)]'", "on_item_failure: Retry", "distinct: item.name",
     "error_collection: {batched: {size: 5}}", "error_collection: !batched {size: 5}",
     "executor: dask://host:8786", "json_path: ''", "failure_threshold: 20%",
     "validation: {schema: {constraints: {n: {range: [0, 9]}}}}"],
)  # fmt: skip
def test_every_documented_spelling_is_understood(line: str) -> None:
    assert in_map(line) == []


@pytest.mark.parametrize(
    ("phase", "text", "expected"),
    [
        ("reduce", "echo ${item.path}", "'item.path' has no value in 'reduce': it is known where"),
        ("merge", "echo ${worker.id}", "'worker.id' has no value in 'merge'"),
        ("setup", "echo ${map.total}", "'map.total' has no value in 'setup': it is known in"),
        ("reduce", "echo ${map.results} ${item} $item_of_mine", None),
    ],
)
def test_a_name_of_another_phase_is_pointed_out(
    phase: str, text: str, expected: str | None
) -> None:
    found = in_map("offset: 0", f"{phase}: [{{shell: '{text}'}}]\n")
    if expected is None:
        assert found == []
    else:
        (problem,) = found
        assert problem.startswith(f"warning: {expected}")


def test_a_loop_of_reduce_has_items_of_its_own_and_agents_no_results() -> None:
    loop = "reduce: [{foreach: [1], do: [{shell: 'echo ${item.a}'}]}]\n"
    assert in_map("offset: 0", loop) == []
    text = "name: j\nmap: {input: x, agent_template: [{shell: 'echo ${map.results}'}]}\n"
    (problem,) = problems(text)
    assert "'map.results' has no value in 'agent_template'" in problem


def test_a_number_may_be_a_name_of_env_or_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert in_map("max_parallel: $MANY", "env: {MANY: 4}\n") == []
    monkeypatch.setenv("MANY", "6")
    assert in_map("max_parallel: ${MANY}") == []
    assert in_map("agent_timeout_secs: $MANY", "env: {MANY: {command: echo 5}}\n") == []
    (problem,) = in_map("max_parallel: $MANY", "env: {MANY: several}\n")
    assert problem == (
        "error: 'max_parallel' expects a whole number of at least 1, but MANY is 'several'"
    )


def test_one_setting_in_two_places_is_a_warning_that_names_the_winner() -> None:
    assert in_map("max_failures: 3", "max_failures: 4\nerror_policy: {max_failures: 3}\n") == [
        "warning: 'max_failures' at the top level has no effect: the one under 'map' at line 5 wins"
    ]
    assert in_map("max_failures: 3", "max_failures: 3\n") == []
    rest = "on_item_failure: skip\nerror_policy: {on_item_failure: dlq}\n"
    (problem,) = in_map("offset: 1", rest)
    assert "in 'error_policy' has no effect: the one at the top level at line 6 wins" in problem
