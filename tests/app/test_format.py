"""Numbers, times and outside text as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import format as f

NOW = datetime(2025, 11, 12, 14, 2, 30, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"), (-1, "–"), (0, "0s"), (38.9, "38s"), (60, "1m 00s"), (291, "4m 51s"),
        (3599.9, "59m 59s"), (3840, "1h 04m"), (97_800, "27h 10m"), (356_400, "4d 03h"),
    ],
)  # fmt: skip
def test_a_duration_has_at_most_two_units(seconds: float | None, words: str) -> None:
    assert f.duration(seconds) == words


@pytest.mark.parametrize(("seconds", "words"), [(0.44, "0.4s"), (9.94, "9.9s"), (9.96, "9s")])
def test_a_finished_duration_under_ten_seconds_has_a_tenth(seconds: float, words: str) -> None:
    assert f.duration(seconds, finished=True) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"), (-1, "–"), (0, "now"), (1.9, "now"), (12, "12s"), (59.9, "59s"),
        (2400, "40m"), (86_399, "23h"), (6.9 * 86_400, "6d"), (15 * 604_800, "15w"),
        (3 * 365 * 86_400, "3y"),
    ],
)  # fmt: skip
def test_an_age_is_never_rounded_up(seconds: float | None, words: str) -> None:
    assert f.age(seconds) == words


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW - timedelta(hours=5), "09:02"),
        (NOW - timedelta(days=1), "Tue 14:02"),
        (NOW + timedelta(days=1), "Thu 14:02"),
        (NOW - timedelta(days=30), "13 Oct 14:02"),
        (NOW - timedelta(days=400), "8 Oct 2024"),
        (datetime(2025, 11, 12, 8, 13, tzinfo=UTC), "09:13"),
    ],
)
def test_a_clock_time_is_as_short_as_is_clear(moment: datetime, words: str) -> None:
    assert f.clock(moment, NOW) == words


def test_a_clock_time_may_have_seconds() -> None:
    assert f.clock(NOW, NOW, seconds=True) == "14:02:30"
    assert f.clock(None, NOW) == "–"


@pytest.mark.parametrize(
    ("dollars", "words"),
    [(None, "–"), (0, "$0.00"), (0.001, "<$0.01"), (0.42, "$0.42"), (12.1, "$12.10"),
     (1234.0, "$1.2k")],
)  # fmt: skip
def test_a_cost_is_zero_only_when_it_was(dollars: float | None, words: str) -> None:
    assert f.cost(dollars) == words


def test_a_cost_that_is_partly_unknown_says_so() -> None:
    assert f.cost(0.42, partly=True) == "$0.42+"


@pytest.mark.parametrize(
    ("count", "words"),
    [(999, "999"), (1000, "1k"), (1234, "1.2k"), (18_230, "18.2k"), (120_400, "120k"),
     (999_999, "1M"), (2_500_000_000, "2.5G")],
)  # fmt: skip
def test_a_count_has_one_decimal_below_a_hundred(count: int, words: str) -> None:
    assert f.amount(count) == words


def test_steps_and_tokens() -> None:
    assert f.steps(3, 5) == "3/5"
    assert f.steps(1234, 4000) == "1.2k/4k"
    assert f.steps(1, 0) == "1/?"
    assert f.tokens(18_230, 2304) == "18.2k in 2.3k out"


@pytest.mark.parametrize(
    ("count", "words"),
    [(None, "–"), (0, "0 B"), (1023, "1023 B"), (38 * 1024, "38 KB"), (1_258_291, "1.2 MB"),
     (1024**3 - 1, "1 GB")],
)  # fmt: skip
def test_a_size_counts_1024_bytes_to_the_kilobyte(count: int | None, words: str) -> None:
    assert f.size(count) == words


def test_a_hundred_percent_is_all_of_it() -> None:
    assert f.percent(999, 1000) == "99 %"
    assert f.percent(1000, 1000) == "100 %"
    assert f.percent(1, 0) == "–"


def test_a_short_id_grows_until_it_is_unique() -> None:
    one, other = "session-7c1e4f02-aaaa", "session-7c1e4f02-aabb"
    assert f.short_id(one) == "7c1e4f02"
    assert f.short_id(one, {one, other}) == "7c1e4f02-aaa"
    assert f.short_id("workflow-1767225600123") == "17672256"
    assert f.short_id("made") == "made"


def test_a_cut_text_keeps_its_beginning_and_never_half_a_character() -> None:
    assert f.cut("pytest -q", 20) == "pytest -q"
    assert f.cut("pytest -q", 7) == "pytest…"
    assert f.cut("日本語", 4) == "日…"
    assert f.cut("日本語", 0) == ""


def test_a_path_is_cut_in_its_middle() -> None:
    assert f.cut_middle("prodigy-session-7c1e4f02", 16) == "prodigy-se…1e4f02"[:10] + "…e4f02"


@given(st.text(), st.integers(min_value=0, max_value=40))
def test_no_cut_is_wider_than_asked(text: str, cells: int) -> None:
    assert f.width(f.cut(text, cells)) <= cells
    assert f.width(f.cut_middle(text, cells)) <= cells


@given(st.text(), st.integers(min_value=0, max_value=40))
def test_padding_fills_to_the_cell(text: str, cells: int) -> None:
    assert f.width(f.pad(text, cells)) == max(cells, f.width(text))


@given(st.text())
def test_outside_text_has_no_control_characters_left(text: str) -> None:
    shown = f.one_line(text)
    assert not any(ord(character) < 0x20 or ord(character) == 0x7F for character in shown)
    shown.encode()


def test_controls_are_shown_and_lines_joined() -> None:
    assert f.visible("a\x1b[31mb\x07") == "a^[[31mb^G"
    assert f.one_line("first\n\n  second\t!") == "first / second    !"
    assert f.one_line("\u202eevil\u200b") == "·evil·"


@given(st.floats(min_value=0, max_value=1e12))
def test_every_width_is_kept(value: float) -> None:
    assert len(f.age(value)) <= 4 or value > 1e10
    assert len(f.duration(value)) <= 7 or value > 8e6
