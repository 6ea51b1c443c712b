"""The schema knows what the loader knows: the same keys everywhere, and no misspelt ones."""

from __future__ import annotations

import copy
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from orchestrator.workflow.field_tables import TABLES
from orchestrator.workflow.fields import Fields
from orchestrator.workflow.load import load_workflow
from orchestrator.workflow.mapreduce_tables import GONE, MAPREDUCE_TABLES
from orchestrator.workflow.schema import workflow_schema
from tests.orchestrator.workflow import test_mapreduce_shape
from tests.program import ROOT

STANDARD = """\
mode: standard
env: {A: {command: x}, B: {condition: "1", when_true: a}, C: {value: 1}, D: {default: {value: x}}}
env_files: [{path: x}]
secrets: {K: {provider: {custom: x}}}
profiles: {a: {b: 1}}
parameters: {required: [{name: x}]}
merge: {commands: [{shell: a}], timeout: 1}
setup: {commands: [{shell: a}]}
imports: [{path: lib.yml}]
template: {source: {file: lib.yml}, with: {a: 1}}
templates: {t: {commands: [{shell: a}]}}
sub_workflows: {s: {commands: [{shell: a}]}}
retry_defaults: {attempts: 2}
commands:
- use: t
- shell: x
  retry: {backoff: {type: custom, delays: [1]}, on_failure: {fallback: {command: x}}}
- shell: x
  retry: {backoff: {type: linear}}
  outputs: {a: {file_pattern: x}}
  commit_config: {sign: no}
  on_failure: {commands: [shell: x], capture: {a: b}}
  on_success: {shell: a}
  validate: {shell: x, on_incomplete: {commands: [shell: a]}}
  step_validate: {commands: [{command: x}], success_criteria: {at_least: 1}}
- shell: x
  retry: {backoff: {type: exponential, base: 2}}
  on_failure: {shell: a}
- test: {command: x}
- foreach: {items: {command: a}, do: [shell: a]}
- write_file: {path: a, content: b}
- name: x
  metadata: {retries: 1}
- foreach: a
  do: [shell: x]
"""
JOB = """\
name: x
map: {input: {command: x}, agent_template: {commands: [shell: a]}, timeout_config: {default: 1},
      variables: {a: {type: count}}, error_policy: {circuit_breaker: {timeout: 1}},
      validation: {schema: {id_field: x}, on_failure: skip}}
setup: {commands: [shell: a], capture_outputs: {a: {command_index: 0}}}
reduce: {commands: [shell: a]}
agent_merge: {commands: [shell: a]}
error_policy: {max_failures: 1}
checkpoint: {interval_items: 5}
"""
PLACES = {
    "a step": "step",
    "'retry'": "retry_map",
    "'retry_defaults'": "retry_map",
    "'backoff'": "backoff_map",
    "'validate'": "validate_map",
    "'on_incomplete'": "on_incomplete_map",
    "'step_validate'": "step_validate_map",
    "a command of 'step_validate'": "check_command_map",
    "'foreach'": "foreach_map",
    "'write_file'": "write_file",
    "'commit_config'": "commit_config",
    "the parameter 'x'": "parameter_map",
    "the sub-workflow 's'": "sub_workflow_map",
    "an import": "import_map",
    "'template'": "template_use_map",
    "the template 't'": "local_template_map",
    "an entry of 'env_files'": "env_file_map",
    "'merge'": "merge_map",
    "'reduce'": "merge_map",
    "'map'": "map_phase",
    "'error_policy'": "error_policy",
    "'setup'": "setup_map",
    "'validation'": "item_validation",
    "'schema'": "item_schema",
    "'timeout_config'": "timeout_config",
    "the aggregation 'a'": "aggregation_map",
    "'agent_merge'": "agent_merge_map",
    "'circuit_breaker'": "circuit_breaker",
    "'checkpoint'": "checkpoint",
    "'input'": "input_map",
}
"""Maps as messages call them, and their tables. Others belong to several tables, see below."""


@cache
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(workflow_schema())


def data_of(text: str) -> Any:
    """A file as an editor sees it: JSON values, keys as text."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, tag, node: {tag: _built(loader, node)})
    document = yaml.load(text, Loader)  # noqa: S506
    return json.loads(json.dumps(document, default=str))


def _built(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


def yaml_blocks() -> Iterator[str]:
    for document in sorted((ROOT / "docs").glob("*.md")):
        yield from re.findall(r"^```yaml\n(.*?)^```", document.read_text("utf-8"), re.M | re.S)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, set[str]]:
    """The keys the loader asks for in files that have everything, by the words for their map."""
    found: dict[str, set[str]] = defaultdict(set)
    finish = Fields.finish

    def note(self: Fields, elsewhere: Any = None) -> None:
        found[self.place] |= set(self._asked)
        finish(self, elsewhere)

    monkeypatch.setattr(Fields, "finish", note)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lib.yml").write_text("- shell: a\n")
    for text in (STANDARD, JOB):
        loaded = load_workflow(tmp_path / "w.yml", text=text.encode())
        assert {problem.code for problem in loaded.problems} <= {"deprecated"}
    return found


def test_every_table_has_the_keys_the_loader_asks_for(asked: dict[str, set[str]]) -> None:
    tables = {**TABLES, **MAPREDUCE_TABLES}
    mixed = {"step": {"claude", "workflow", "template", "analyze", "command"}, "setup_map": set()}
    for place, name in PLACES.items():
        missing = asked[place] - tables[name].names - set(GONE.names)
        assert not missing, f"the loader knows {missing} in {place}, the table does not"
        unknown = tables[name].names - asked[place] - mixed.get(name, set())
        if name not in ("merge_map", "backoff_map", "check_command_map"):
            assert not unknown, f"the table of {place} has {unknown}, the loader does not"
    top = TABLES["workflow"].names | MAPREDUCE_TABLES["job"].names | set(GONE.names)
    assert asked["a workflow"] <= top
    assert top - asked["a workflow"] <= set(GONE.names)
    assert asked["'on_failure'"] <= TABLES["on_failure_map"].names | {"fallback"}


def test_every_file_that_loads_fits_the_schema() -> None:
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "examples").glob("*.yml"))]
    texts += [STANDARD, JOB, test_mapreduce_shape.FULL, *yaml_blocks()]
    assert len(texts) > 10
    for text in texts:
        error = next(validator().iter_errors(data_of(text)), None)
        assert error is None, f"{error and error.message}\n{text}"


@pytest.mark.parametrize(
    "text",
    [
        "- shell: a\n  timeout: ${T}\n  on_failure: [./a, {claude: /b}]\n  on_exit_code: {2: ./c}",
        "- [{shell: a}, 'claude: b']\n- /review",
        "- shell: a\n  retry: {backoff: {fibonacci: {initial: 1s}}, retry_on: [network]}",
        "- shell: a\n  retry: {retry_on: [RateLimit, {pattern: x}, 'pattern: y']}",
        "- shell: a\n  retry: {backoff: Fibonacci, on_failure: continue}",
        "- shell: a\n  capture_streams: {stdout: false, stderr: yes}\n  capture_format: Lines",
        "- foreach: [1, {a: 2}]\n  do: [{shell: a}]\n  parallel: ${N}",
        "- foreach: {input: ls, do: {shell: a}, parallel: 3}",
        "- shell: a\n  validate: ./check\n- shell: a\n  validate: [{shell: b, threshold: 9}]",
        "- shell: a\n  step_validate: [make test, 'claude: /x']\n  skip_validation: off",
        "x-anchors: {a: &a {shell: b}}\ncommands: [*a]",
        "parameters: {a: 1, b: {type: Number, default: 2}}\ncommands: [{shell: a}]",
        "sub_workflows: [{name: a, commands: [{shell: b}]}]",
        "commands: [{shell: a}]\nprofiles: {a: {env: {X: 1}}}\nenv: {S: {default: a, live: b}}",
    ],
)
def test_every_form_of_a_value_fits(text: str) -> None:
    assert load_workflow(Path("/w.yml"), text=text.encode()).workflow is not None
    assert [error.message for error in validator().iter_errors(data_of(text))] == []


def _misspelt(value: Any) -> Iterator[Any]:
    """The document with one key misspelt, once for every key."""
    if isinstance(value, dict):
        for key in value:
            yield {(f"{key}x" if name == key else name): below for name, below in value.items()}
            for changed in _misspelt(value[key]):
                yield {**value, key: changed}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for changed in _misspelt(item):
                yield [*value[:index], changed, *value[index + 1 :]]


@pytest.mark.parametrize("text", [STANDARD, JOB], ids=["standard", "job"])
def test_a_key_the_loader_warns_of_does_not_fit(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lib.yml").write_text("- shell: a\n")
    document, tried = copy.deepcopy(data_of(text)), 0
    for wrong in _misspelt(document):
        loaded = load_workflow(tmp_path / "w.json", text=json.dumps(wrong).encode())
        if not any(problem.code == "unknown_key" for problem in loaded.problems):
            continue
        tried += 1
        assert not validator().is_valid(wrong), f"{loaded.problems}\n{json.dumps(wrong)}"
    assert tried > 15


@pytest.mark.parametrize(
    "text",
    ["- {}", "- {id: a}", "- shell: [a]", "- shell: a\n  timeout: soon", "- shell: a\n  retry: 0",
     "commands: [{shell: a}]\nmode: other", "- shell: a\n  capture_format: xml", "a text",
     "map: {input: x}", "commands: [{shell: a}]\nenv: {A: [1]}"],
)  # fmt: skip
def test_what_is_wrong_does_not_fit(text: str) -> None:
    assert load_workflow(Path("/w.yml"), text=text.encode()).workflow is None
    assert not validator().is_valid(data_of(text))
