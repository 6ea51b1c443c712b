"""Filters with quotes, and what a filter is on the command line."""

from __future__ import annotations

import pytest

from app.status_style import Chip
from app.tui.listed import list_words
from app.tui.listing import Choices
from app.tui.query import parse
from store.row import SessionRow
from store.states import State
from tests.app.tui.prepared_store import NOW

ONE = SessionRow(
    "session-7c1e4f02", State.FAILED, workflow="fix issue", repo="api", error="no file"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('workflow:"fix issue"', True),
        ('workflow:"fix"', False),
        ('workflow:"fix', True),
        ("workflow:fix", True),
        ('workflow:"lint",issue', True),
        ('"no file"', True),
        ('"file no"', False),
        ("file no", True),
        ('repo:"API"', True),
        ('status:"needs you"', True),
        ('"status:paused"', False),
        ('"', True),
    ],
)
def test_what_stands_between_quotes_is_meant_as_a_whole(text: str, shown: bool) -> None:
    assert parse(text, NOW).matches(ONE) is shown


@pytest.mark.parametrize(
    "text",
    [
        'fix "no such file"',
        'workflow:"fix issue",lint cost>1',
        '"repo:x" @night',
        "it's a: b",
        "x=y",
    ],
)
def test_a_filter_written_out_asks_the_same(text: str) -> None:
    query = parse(text, NOW, {"night": 'status:failed "a b"'})
    again = parse(query.plain, NOW)
    assert not query.problems
    assert (again.words, again.keys) == (query.words, query.keys)
    assert [one.text for one in again.terms] == [one.text for one in query.terms]
    assert again.plain == query.plain


def test_what_is_shown_is_an_option_of_the_command_line() -> None:
    assert list_words(Choices()) == {"shown": "--filter TEXT --limit 0", "group": "--limit 0"}
    chosen = Choices(Chip.PAUSED, parse("it's cost>1 status:nonsense", NOW), "my repo")
    assert list_words(chosen) == {
        "shown": "--status paused --repo 'my repo' --filter 'it'\"'\"'s cost>1' --limit 0",
        "group": "--status paused --limit 0",
    }
