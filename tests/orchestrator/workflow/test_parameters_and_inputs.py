"""Parameters get their values by precedence and type; inputs come from files and arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.refusal import Refused
from orchestrator.workflow.inputs import resolve_inputs
from orchestrator.workflow.parameters import read_parameter_file, resolve_parameters
from tests.orchestrator.workflow.loading import problems, workflow

STEP = "commands: [{shell: x}]\n"


@pytest.mark.parametrize(
    "written",
    [
        "{required: [a], optional: [{name: b, default: 2}]}",
        "{definitions: {a: {required: true}, b: {default: 2}}}",
        "{a: {required: true}, b: 2}",
        "{a: {required: true}, b: {type: Number, default: 2}}",
    ],
)
def test_every_form_of_declaring_parameters(written: str) -> None:
    loaded = workflow(f"parameters: {written}\n{STEP}")
    values, found = resolve_parameters(loaded, {"a": "x"})
    assert (values, found) == ({"a": "x", "b": 2}, ())
    _, (problem,) = resolve_parameters(loaded, {})
    assert "the parameter 'a' is required" in problem.message


def test_the_first_source_with_a_value_wins() -> None:
    loaded = workflow(f"parameters: {{p: {{default: own}}}}\ndefaults: {{p: defaults}}\n{STEP}")
    assert resolve_parameters(loaded, {"p": "given"}, {"p": "file"})[0]["p"] == "given"
    assert resolve_parameters(loaded, {}, {"p": "file"})[0]["p"] == "file"
    assert resolve_parameters(loaded, {})[0]["p"] == "defaults"
    assert resolve_parameters(workflow(f"parameters: {{p: {{default: own}}}}\n{STEP}"), {})[0] == {
        "p": "own"
    }


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "5", "5"),
        ("number", "5", 5),
        ("Number", "1.5", 1.5),
        ("integer", "4.0", 4),
        ("boolean", "True", True),
        ("array", "[1, 2]", [1, 2]),
        ("object", '{"a": 1}', {"a": 1}),
        ("any", "7", 7),
        ("any", "1.10", "1.10"),
    ],
)
def test_values_get_the_declared_type(kind: str, text: str, value: object) -> None:
    loaded = workflow(f"parameters: {{p: {{type: {kind}}}}}\n{STEP}")
    assert resolve_parameters(loaded, {"p": text}) == ({"p": value}, ())


@pytest.mark.parametrize(
    ("kind", "text"),
    [("number", "x"), ("integer", "1.5"), ("boolean", "1"), ("array", "{}"), ("object", "no"),
     ("number", "1e999")],
)  # fmt: skip
def test_all_values_of_a_wrong_type_are_reported_together(kind: str, text: str) -> None:
    loaded = workflow(f"parameters: {{p: {{type: {kind}}}, q: {{type: number}}}}\n{STEP}")
    _, found = resolve_parameters(loaded, {"p": text, "q": "no"})
    assert [problem.code for problem in found] == ["wrong_type", "wrong_type"]


def test_undeclared_values_are_typed_variables_that_show_as_written() -> None:
    values, _ = resolve_parameters(workflow(STEP), {"a": "1", "b": "1.5", "c": "true", "d": "007"})
    assert values == {"a": 1, "b": 1.5, "c": True, "d": "007"}


def test_validation_expressions_see_the_value() -> None:
    loaded = workflow(
        "parameters: {e: {validation: \"value in ['stage', 'live']\"}, "
        f'n: {{type: number, validation: "n > 2"}}}}\n{STEP}'
    )
    assert resolve_parameters(loaded, {"e": "live", "n": "3"})[1] == ()
    _, found = resolve_parameters(loaded, {"e": "prod", "n": "1"})
    assert [problem.code for problem in found] == ["invalid_parameter", "invalid_parameter"]


def test_mistakes_in_declarations_have_places() -> None:
    assert problems(f"parameters: {{p: {{type: nmber}}}}\n{STEP}") == [
        "1:24: error: 'type' expects one of string, number, integer, int, float, boolean, bool, "
        "array, list, object, map, any; got 'nmber'; did you mean 'number'?"
    ]
    assert problems(f"parameters: {{required: [a, a]}}\n{STEP}")[0].startswith("1:28: error: the p")


def test_a_parameter_file_is_a_map_in_yaml_or_json(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"a": [1, {"b": true}]}')
    (tmp_path / "p.yml").write_text("a: 1.10\nb: 3\n")
    (tmp_path / "bad.yml").write_text("- 1\n")
    assert read_parameter_file(tmp_path / "p.json") == {"a": [1, {"b": True}]}
    assert read_parameter_file(tmp_path / "p.yml") == {"a": "1.10", "b": 3}
    for name in ("bad.yml", "none.yml"):
        with pytest.raises(Refused) as caught:
            read_parameter_file(tmp_path / name)
        assert caught.value.exit_code == 2


def test_inputs_are_the_stems_of_matching_files_then_the_arguments(tmp_path: Path) -> None:
    for name in ("specs/65-cook.md", "specs/my-file.md", "specs/plain.md", "specs/deep/7.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert resolve_inputs(["specs/*.md"], ["x", "y"], tmp_path) == ("65", "my", "plain", "x", "y")
    assert resolve_inputs(["specs/**/*.md", "specs/*.md"], [], tmp_path) == (
        "65", "7", "my", "plain",
    )  # fmt: skip
    assert resolve_inputs(["no/*.md"], [], tmp_path) == ()
