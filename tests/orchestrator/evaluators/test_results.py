"""Validation results in every shape they come in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.workflow.results import (
    ValidationResult,
    from_claude,
    from_commands,
    from_shell,
    read_result,
)


def test_a_whole_result_is_read() -> None:
    gaps = {"G1": {"description": "no test", "severity": "high"}}
    document = {
        "completion_percentage": 80.5,
        "status": "partial",
        "implemented": ["a"],
        "missing": ["b", "c"],
        "gaps": gaps,
        "incomplete_specs": ["s"],
    }
    result = read_result(json.dumps(document))
    assert result == ValidationResult(80.5, "partial", ("a",), ("b", "c"), gaps, document)


@pytest.mark.parametrize(
    ("document", "percentage", "status"),
    [
        ({"score": 70}, 70, "incomplete"),
        ({"completion_percentage": "95%"}, 95, "incomplete"),
        ({"completion_percentage": 100}, 100, "complete"),
        ({"complete": True}, 100, "complete"),
        ({"complete": False}, 0, "incomplete"),
        ({"status": "complete"}, 100, "complete"),
        ({"status": "skipped"}, 100, "skipped"),
        ({"status": "clean"}, 0, "clean"),
        ({"status": "complete", "completion_percentage": 40}, 40, "complete"),
        ({"completion_percentage": 0, "gaps": ["x"]}, 0, "incomplete"),
    ],
)
def test_completion_without_a_number_comes_from_the_words(
    document: dict[str, object], percentage: float, status: str
) -> None:
    result = read_result(json.dumps(document))
    assert (result.percentage, result.status) == (percentage, status)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "5", '{"missing": []}', '{"completion_percentage": 101}', '{"score": -1}',
        '{"score": true}', '{"score": "most"}', '{"score": NaN}', "{}", "[" * 100_000,
    ],
)  # fmt: skip
def test_an_unreadable_result_is_incomplete_with_the_reason(text: str) -> None:
    result = read_result(text)
    assert result.percentage == 0
    assert len(result.missing) == 1


@pytest.mark.parametrize(
    ("output", "percentage"),
    [
        ("", 100),
        ("all is well\n", 100),
        ("checked\nscore: 80\n", 80),
        ("Score: 99.5 %", 99.5),
        ("score: 101", 0),
        ("score: 80\nthat was it", 100),
        ('{"completion_percentage": 80', 0),
        ('{"status": "clean"}', 0),
        ('{"completion_percentage": 101}', 0),
        ('checking…\n{\n  "completion_percentage": 80\n}\n', 80),
        ('{"level": "info"}\n{"score": 60}', 60),
        ('{"score": 60}\ndone', 60),
        ('found {"a": 1}', 100),
    ],
)
def test_a_shell_validator_is_read_from_its_output(output: str, percentage: float) -> None:
    assert from_shell(0, output).percentage == percentage


def test_a_failing_shell_validator_is_incomplete_whatever_it_prints() -> None:
    result = from_shell(3, '{"completion_percentage": 100, "missing": ["docs"]}')
    assert (result.percentage, result.missing) == (0, ("docs",))
    assert from_shell(3, "").missing == ("the validator failed with exit code 3",)


@pytest.mark.parametrize(
    ("text", "percentage"),
    [
        ('Here:\n```json\n{"completion_percentage": 60}\n```\nDone.', 60),
        ('{"score": 10} then {"score": 20}', 20),
        ('{"score": 10} and an example: {"a": 1}', 10),
        ("fn main() { } and nothing", 0),
        ("no result", 0),
        ('nested {"score": 5, "gaps": {"a": {"description": "{"}}} end', 5),
    ],
)
def test_an_agents_result_is_the_last_object_of_its_text(text: str, percentage: float) -> None:
    assert from_claude(text).percentage == percentage


def test_a_list_of_validators_is_all_or_nothing() -> None:
    assert from_commands([]).percentage == 100
    assert from_commands(["lint", "test"]).missing == ("lint", "test")


@given(st.text(alphabet='{}[]":,score:10 \nstatus\\', max_size=40), st.integers(0, 255))
def test_no_output_is_a_crash(text: str, exit_code: int) -> None:
    for result in (read_result(text), from_shell(exit_code, text), from_claude(text)):
        assert 0 <= result.percentage <= 100
