"""No text and no number makes a line wider than it is, or brings a control character."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from app import format as form
from app.tui.drawing import Line, bar, rule
from app.tui.log_text import LONGEST_SHOWN, shown
from app.tui.theme import Ink
from app.tui.widgets.log_rows import rows_of
from app.tui.widgets.text_view import wrapped
from tests.app.tui.hostile_store import TEXTS

CONTROLS = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufe00-\ufe0f"
    "\ud800-\udfff]"
)
LEFT_TO_RIGHT = "\u200e"
texts = st.one_of(
    st.text(st.characters(codec=None), max_size=60),
    st.lists(
        st.sampled_from([*"ab \t\n\0\x1b\u202e漢あé👍🏽⚠️א", "👩‍👩‍👧", "\ud800", "\u0301"]),
        max_size=60,
    ).map("".join),
    st.sampled_from(list(TEXTS.values())),
)
cells = st.integers(0, 40)
INK = Ink({}, reverses=False, plain=True)


@given(texts)
def test_text_from_outside_has_no_controls_left_and_stays_as_it_is_then(text: str) -> None:
    for made in (form.one_line(text), form.visible(text)):
        assert not CONTROLS.search(made)
        assert form.visible(made) == made
        assert form.width(made) >= cell_len(made), "a column is never narrower than its text"
    assert form.one_line(form.one_line(text)) == form.one_line(text)


@given(texts, cells)
def test_a_cut_text_is_never_too_wide_and_never_half_a_character(text: str, room: int) -> None:
    made = form.visible(text)
    cut, middle = form.cut(made, room), form.cut_middle(made, room)
    for one in (cut, middle):
        assert cell_len(one) <= form.width(one) <= room
    assert form.cut(cut, room) == cut
    assert made == cut or made.startswith(cut.removesuffix(form.ELLIPSIS))
    assert form.width(form.pad(cut, room)) == room
    assert "".join(wrapped(made, max(2, room))) == made
    assert all(cell_len(piece) <= max(2, room) for piece in wrapped(made, max(2, room)))


@given(st.binary(max_size=200) | texts.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_a_line_of_output_is_safe_and_of_bounded_width(line: bytes) -> None:
    made = shown(line.replace(b"\n", b""))
    assert not CONTROLS.search(made)
    assert cell_len(made) <= LONGEST_SHOWN + 40


@pytest.mark.parametrize("line", [b"x" * 10**6, "漢".encode() * 10**5, b"\x1b[" * 10**5])
def test_a_line_of_a_megabyte_says_that_it_is_cut(line: bytes) -> None:
    made = shown(line)
    assert cell_len(made) <= LONGEST_SHOWN + 40
    assert made.endswith("(line cut at 4 096 cells)")


@given(
    st.integers(1, 120),
    st.lists(st.tuples(st.integers(-5, 130), texts, st.booleans()), max_size=8),
    st.booleans(),
)
def test_a_line_is_as_wide_as_the_screen_whatever_is_put_on_it(
    width: int, pieces: list[tuple[int, str, bool]], ascii_only: bool
) -> None:
    line = Line()
    for x, text, from_right in pieces:
        line.right(x, text) if from_right else line.put(x, text, limit=max(0, x))
    bar(line, 3, 0.5, "live")
    strip = line.strip(INK, width, ascii_only=ascii_only)
    assert strip.cell_length == width == cell_len(strip.text)
    assert not CONTROLS.search(strip.text.replace(LEFT_TO_RIGHT, ""))


@given(st.integers(1, 200), texts, texts, st.booleans())
def test_a_rule_is_as_wide_as_its_pane(width: int, title: str, more: str, focused: bool) -> None:
    line = rule(width, form.one_line(title), form.one_line(more), focused=focused,
                right=lambda one, end: one.right(end, more))  # fmt: skip
    assert line.strip(INK, width).cell_length == width


def test_right_to_left_text_stands_between_marks_so_that_columns_keep_their_place() -> None:
    line = Line()
    line.put(2, "שלום")
    line.put(10, "3/5")
    strip = line.strip(INK, 20)
    assert strip.text == f"  {LEFT_TO_RIGHT}שלום{LEFT_TO_RIGHT}    3/5       "


numbers = st.one_of(st.floats(), st.integers(), st.integers(-(10**30), 10**30))


@given(numbers)
def test_every_number_has_a_form_of_its_reserved_width(value: float) -> None:
    for made, room in (
        (form.duration(value), 7),
        (form.duration(value, finished=True), 7),
        (form.age(value), 4),
        (form.ago(value), 8),
        (form.cost(value), 7),
    ):
        assert len(made) <= room, made
    assert form.estimate(value) or not 0 <= value < math.inf or value > 3e10
    if math.isfinite(value) and value >= 0:
        assert len(form.amount(value)) <= 5
        assert len(form.steps(int(value), int(value))) <= 11


def test_control_characters_are_faint_in_whatever_colour_the_text_is() -> None:
    line = Line()
    assert line.put(0, "a\x1b[b\0^", "error", limit=20) == 8
    line.right(20, "\x7fend", "error")
    told = [(piece.text, piece.token) for piece in line.pieces]
    assert told == [
        ("a", "error"), ("^[", "faint"), ("[b", "error"), ("^@", "faint"), ("^", "error"),
        ("^?", "faint"), ("end", "error"),
    ]  # fmt: skip


def test_of_a_log_only_lines_that_have_controls_are_drawn_so() -> None:
    def drawn(data: bytes) -> list[tuple[str, str]]:
        (row,) = rows_of(0, data, 0)
        line = Line()
        row.draw(line, 0, 80, "fg", "", strong=False)
        return [(piece.text, piece.token) for piece in line.pieces]

    assert drawn(b"bell \x07!") == [("bell ", "fg"), ("^G", "faint"), ("!", "fg")]
    assert drawn(b"\x1b[31m^^^^ and ^E\x1b[0m") == [("^^^^ and ^E", "fg")]
