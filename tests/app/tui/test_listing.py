"""The list as a value: kept in step change by change, it is what arranging anew would give."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.status_style import Chip
from app.tui.listing import Grouping, Listing, Sort
from app.tui.query import parse
from store.row import SessionRow
from store.states import State

NOW = datetime(2026, 1, 15, 9, 20, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1_000_000)
HOUR_US = 3_600_000_000


def row(number: int, state: State = State.FAILED, **more: object) -> SessionRow:
    values = {"workflow": "fix", "repo": "api", "state_since_us": NOW_US - number, **more}
    return SessionRow(f"session-{number:08x}", state, **values)  # type: ignore[arg-type]


rows = st.builds(
    row,
    st.integers(0, 12),
    st.sampled_from([State.FAILED, State.RUNNING, State.PAUSED, State.MERGED]),
    workflow=st.sampled_from(["fix", "Docs", "release"]),
    repo=st.sampled_from(["api", "web"]),
    state_since_us=st.integers(1, 5),
    active_seconds=st.floats(0, 9),
)


@given(
    st.lists(rows, max_size=8),
    st.lists(st.tuples(rows, st.booleans()), max_size=12),
    st.sampled_from(Sort),
    st.booleans(),
    st.sampled_from(Grouping),
    st.sampled_from(["", "fix", "repo:api"]),
)
def test_changes_one_by_one_give_the_same_list_as_reading_it_anew(
    first: list[SessionRow],
    changes: list[tuple[SessionRow, bool]],
    sort: Sort,
    backwards: bool,
    grouping: Grouping,
    query: str,
) -> None:
    kept = Listing(lambda: NOW)
    kept.choose(sort=sort, backwards=backwards, grouping=grouping, query=parse(query, NOW))
    kept.replace_all(first)
    for changed, removed in changes:
        kept.apply(() if removed else (changed,), (changed.id,) if removed else ())
    anew = Listing(lambda: NOW)
    anew.choices = kept.choices
    anew.replace_all(kept.rows.values())
    assert kept.view == anew.view
    assert [kept.heading_at(y) for y in range(len(kept.view))] == [
        anew.heading_at(y) for y in range(len(anew.view))
    ]
    assert [kept.count(chip) for chip in (None, *Chip)] == [
        anew.count(chip) for chip in (None, *Chip)
    ]
    assert all(kept.view[kept.line_of(run_id) or 0] == run_id for run_id in kept.view[:1]
               if not run_id.startswith("\0"))  # fmt: skip
    assert (kept.current is None) == (len(kept) == 0)


@given(
    st.lists(rows, max_size=8),
    st.lists(st.tuples(rows, st.booleans()), max_size=12),
    st.sampled_from(Grouping),
    st.sampled_from(["", "fix", "repo:api"]),
    st.booleans(),
)
def test_held_rows_and_a_view_made_elsewhere_end_as_the_same_list(
    first: list[SessionRow],
    changes: list[tuple[SessionRow, bool]],
    grouping: Grouping,
    query: str,
    elsewhere: bool,
) -> None:
    kept = Listing(lambda: NOW)
    kept.choose(query=parse(query, NOW))
    kept.replace_all(first)
    made = kept.copy()
    made.choices = kept.choices = replace(kept.choices, grouping=grouping)
    made.arrange()
    if not elsewhere:
        kept.arrange()
    for changed, removed in changes:
        kept.apply(() if removed else (changed,), (changed.id,) if removed else (), hold=True)
    if elsewhere:
        kept.take_view(made)
    else:
        kept.settle()
    anew = Listing(lambda: NOW)
    anew.choices = kept.choices
    anew.replace_all(kept.rows.values())
    assert kept.view == anew.view
    for run_id in kept.rows:
        near = set(kept.ids.of(run_id))
        assert run_id in near and near <= kept.rows.keys()


def test_a_row_that_changes_while_the_list_is_used_keeps_its_place() -> None:
    listing = Listing(lambda: NOW)
    listing.replace_all([row(1, State.RUNNING), row(2, State.RUNNING)])
    before = list(listing.view)
    change = listing.apply([row(2, State.FAILED)], hold=True)
    assert (change.reordered, change.lines) == (False, (1,))
    assert listing.view == before
    assert listing.settle()
    assert listing.view == list(reversed(before))


def test_new_are_only_sessions_that_were_never_here() -> None:
    listing = Listing(lambda: NOW)
    listing.replace_all([row(1), row(2)], {Chip.NEEDS_YOU: 3})
    listing.apply([row(3)])
    assert not listing.unseen, "it is one of those that are still being read"
    listing.replace_all([row(1), row(2), row(3)])
    listing.apply([row(1, State.MERGED), row(4)], [row(2).id])
    assert listing.unseen == {row(4).id}
    listing.apply([row(2)])
    assert listing.unseen == {row(4).id}, "what was taken away comes back, and is not new"
    listing.apply((), [row(4).id])
    assert not listing.unseen


def test_marks_go_with_their_sessions() -> None:
    listing = Listing(lambda: NOW)
    listing.replace_all([row(1), row(2)])
    listing.marked |= dict.fromkeys(listing.view)
    listing.apply((), [row(1).id])
    assert list(listing.marked) == [row(2).id]


def test_until_all_are_read_the_chips_count_what_there_will_be() -> None:
    listing = Listing(lambda: NOW)
    listing.replace_all([row(1)], {Chip.NEEDS_YOU: 3, Chip.FINISHED: 90})
    assert (listing.count(None), listing.count(Chip.NEEDS_YOU), len(listing)) == (93, 3, 1)


# -- the filter language


def found(text: str, one: SessionRow) -> bool:
    return parse(text, NOW).matches(one)


def test_words_and_keys_narrow() -> None:
    one = row(1, error="exit 101: pytest", cost_usd=1.5, branch="prodigy-x", status="Failed")
    for text in ("PYTEST", "status:failed", "status:needs", "status:Failed", "repo:ap",
                 "workflow:fix", "since:2h", "since:2026-01-15", "cost>1", "cost<=1.5",
                 "status:paused,failed api", "branch:prodigy"):  # fmt: skip
        assert found(text, one), text
    for text in ("mypy", "status:paused", "repo:web", "cost>1.5", "cost<1", "id:zzz"):
        assert not found(text, one), text
    assert not found("since:1h", one._replace(state_since_us=NOW_US - 2 * HOUR_US))
    assert not found("cost>0", row(1))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("status:faild", "no status faild; did you mean failed?"),
        ("stauts:failed", "no key stauts; did you mean status?"),
        ("since:2x", "since:2x: 2d, 90m, today or 2026-01-31 is expected"),
        ("cost>much", "cost>much: a number of dollars is expected, as in cost>1"),
        ("cost:1", "cost:1 is no question; cost>1 or cost<0.5 is"),
        ("@nigt", "no saved filter @nigt; did you mean @night?"),
    ],
)
def test_what_means_nothing_is_said_and_left_out(text: str, says: str) -> None:
    query = parse(f"{text} api", NOW, {"night": "since:12h"})
    assert query.problems == (says,)
    assert query.words == ("api",)


def test_a_saved_filter_is_meant_by_its_name() -> None:
    query = parse("@night fix", NOW, {"night": "status:failed since:12h"})
    assert query.keys == ("since", "status") and query.words == ("fix",)


@given(st.text(max_size=60))
def test_no_text_breaks_the_filter(text: str) -> None:
    parse(text, NOW, {"night": "since:12h"}).matches(row(1))
