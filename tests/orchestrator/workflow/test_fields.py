"""Values keep the text they were written with and are converted by the field that gets them."""

from __future__ import annotations

import pytest

from tests.orchestrator.workflow.loading import load, problems, step, workflow

TEXTS = {
    "PORT": "8080",
    "V": "1.10",
    "F": "no",
    "D": "2024-01-31",
    "T": "22:22",
    "O": "0755",
    "H": "0x1F",
    "B": "true",
}


@pytest.mark.parametrize("where", ["env", "step", "profile", "flat profile"])
def test_env_values_are_exported_as_written(where: str) -> None:
    body = "{" + ", ".join(f"{name}: {text}" for name, text in TEXTS.items()) + ", E: , N: ~}"
    match where:
        case "env":
            entries = workflow(f"env: {body}\ncommands: [{{shell: x}}]").env
        case "step":
            entries = step(f"- shell: x\n  env: {body}").env
        case "profile":
            text = f"profiles: {{p: {{env: {body}}}}}\ncommands: [{{shell: x}}]"
            entries = workflow(text).profiles["p"].env
        case _:
            text = f"profiles: {{p: {body}}}\ncommands: [{{shell: x}}]"
            entries = workflow(text).profiles["p"].env
    assert {entry.name: entry.text for entry in entries} == {**TEXTS, "E": "", "N": ""}


def test_a_number_is_a_text_where_a_text_is_meant_and_a_list_is_not() -> None:
    assert step("- shell: 5").text == "5"
    assert problems("- shell: [a]") == ["1:10: error: 'shell' expects a text, got a list"]
    assert problems("- shell: {a: b}") == ["1:10: error: 'shell' expects a text, got a map"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ('"true"', True),
        ("On", True),
        ("TRUE", True),
        ("no", False),
        ("off", False),
        ("False", False),
        ("'off'", False),
    ],
)
def test_booleans_in_every_spelling(text: str, value: bool) -> None:
    assert step(f"- shell: x\n  commit_required: {text}").commit_required is value


@pytest.mark.parametrize("text", ["1", "0", "y", "maybe", "[]"])
def test_what_is_no_boolean(text: str) -> None:
    (problem,) = problems(f"- shell: x\n  commit_required: {text}")
    assert problem.startswith("2:20: error: 'commit_required' expects true or false, got")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0),
        ('"30"', 30.0),
        ("30s", 30.0),
        ("1h30m", 5400.0),
        ("1.5", 1.5),
        ("500ms", 0.5),
        ("2d", 172800.0),
        ("0", 0.0),
        ("{secs: 2, nanos: 500000000}", 2.5),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    timeout = step(f"- shell: x\n  timeout: {text}").timeout
    assert timeout is not None and timeout.seconds == seconds


@pytest.mark.parametrize("text", ["${T}", "$T"])
def test_a_duration_may_be_a_reference(text: str) -> None:
    timeout = step(f"- shell: x\n  timeout: {text}").timeout
    assert timeout is not None and timeout.text == text and timeout.seconds is None


@pytest.mark.parametrize("text", ["-1", "soon", "5x", "[1]", "{secs: -1}", "{hours: 1}", "''"])
def test_what_is_no_duration(text: str) -> None:
    (problem,) = problems(f"- shell: x\n  timeout: {text}")
    assert problem.startswith("2:12: error: 'timeout' expects a duration, got"), problem


@pytest.mark.parametrize(
    ("text", "mode"), [("0755", 0o755), ("755", 0o755), ('"0755"', 0o755), ("0o755", 0o755)]
)
def test_modes(text: str, mode: int) -> None:
    written = step(f"- write_file: {{path: a, content: b, mode: {text}}}").write_file
    assert written is not None and written.mode == mode


@pytest.mark.parametrize("text", ["0999", "rwx", "-755", "77777"])
def test_what_is_no_mode(text: str) -> None:
    (problem,) = problems(f"- write_file:\n    path: a\n    content: b\n    mode: {text}")
    assert problem.startswith("4:11: error: 'mode' expects file permissions in octal digits")


@pytest.mark.parametrize(("text", "value"), [("90", 90.0), ('"90"', 90.0), ("99.5", 99.5)])
def test_numbers_quoted_or_not(text: str, value: float) -> None:
    validate = step(f"- shell: x\n  validate: {{shell: y, threshold: {text}}}").validate
    assert validate is not None and validate.threshold == value


@pytest.mark.parametrize("text", ["101", "-1", "many", "1_0"])
def test_a_threshold_outside_its_range(text: str) -> None:
    (problem,) = problems(f"- shell: x\n  validate: {{shell: y, threshold: {text}}}")
    assert "2:35: error: 'threshold' expects a number from 0 to 100, got" in problem


def test_a_list_of_one_may_be_written_without_brackets() -> None:
    assert [f.path for f in workflow("env_files: .env\ncommands: {shell: x}").env_files] == [".env"]
    assert step("- shell: x\n  retry: {retry_on: network}").retry is not None


def test_a_null_counts_as_an_absent_key() -> None:
    loaded = step("- shell: x\n  timeout: ~\n  id:\n  retry: null\n  on_failure:\n")
    assert (loaded.timeout, loaded.id, loaded.retry, loaded.on_failure) == (None,) * 4


@pytest.mark.parametrize(
    ("keys", "pair"),
    [
        ("timeout: 1\n  timeout_secs: 2", ("timeout", "timeout_secs")),
        ("when: a\n  condition: b", ("when", "condition")),
        ("cwd: a\n  working_dir: b", ("working_dir", "cwd")),
        ("retry: 1\n  retry_config: 2", ("retry", "retry_config")),
    ],
)
def test_two_spellings_of_one_field_are_an_error(keys: str, pair: tuple[str, str]) -> None:
    (problem,) = problems(f"- shell: x\n  {keys}")
    assert f"'{pair[0]}' and '{pair[1]}' mean the same; keep one" in problem


def test_an_expression_is_checked_at_load_with_the_place_inside_it() -> None:
    (problem,) = problems('- shell: x\n  when: "1 < 2 < 3"\n')
    assert problem.startswith("2:16: error: 'when' cannot be read:"), problem
    assert step("- shell: x\n  when: true").when is not None
    assert load("- shell: x\n  when: ${a == 'x' && b} and (${c:-0} > 1)").workflow is not None


def test_what_is_not_written_is_not_there() -> None:
    loaded = workflow(
        "secrets: {A: '${vault:}'}\n"
        "profiles: {p: {description: null, env: {X: 1}}}\n"
        "commands: [{shell: a}]\n"
    )
    assert loaded.secrets[0].key == "A"
    assert loaded.profiles["p"].description is None


@pytest.mark.parametrize(
    ("written", "said"),
    [("What it does", "What it does"), ("1.10", "1.10"), ("null", None), ("[a]", None)],
)
def test_a_description_is_for_people_and_never_wrong(written: str, said: str | None) -> None:
    loaded = workflow(f"description: {written}\ncommands: [{{shell: a}}]\n")
    assert loaded.description == said


def test_a_number_that_is_too_large_is_an_error() -> None:
    text = "- shell: a\n  retry: {backoff: {type: exponential, base: 1e999}}\n"
    assert problems(text) == ["2:46: error: 'base' expects a number, got '1e999'"]
