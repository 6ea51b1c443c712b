"""Durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.workflow.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30), ("30s", 30), ("1h30m", 5400), ("1.5", 1.5), ("250ms", 0.25), ("1d", 86400),
        (" 2m ", 120), ("1h 30m", 5400), ("0", 0), ("0s", 0), (".5s", 0.5), ("1m500ms", 60.5),
    ],
)  # fmt: skip
def test_seconds_units_and_sums(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["-1", "soon", "", " ", "1h30", "1.", "s", "1x", "+1", "1e3", "nan", "inf", "9" * 400, "١s"],
)
def test_everything_else_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@given(st.text(max_size=12) | st.text(alphabet="0123456789.msdh -", max_size=12))
def test_no_text_is_a_crash_and_no_duration_negative(text: str) -> None:
    try:
        assert parse_duration(text) >= 0
    except ValueError:
        pass
