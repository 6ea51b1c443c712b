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
