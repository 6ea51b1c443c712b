"""Numbers, names and files nobody would write: each is one oddity, and none hides anything else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import atomic, fields, step_logs
from store.catalog import Catalog
from store.errors import InvalidId, NotFound, StoreError, Unreadable
from store.events import event_files, last_events, read_events
from store.home import Home, is_name, repository_directory
from store.rows import with_worktree
from store.states import State
from store.times import duration_seconds, from_text
from tests.store.building import created

anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
    | st.integers(-(10**400), 10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(anything)
def test_whatever_stands_where_a_number_is_expected_is_a_number_or_none(value: Any) -> None:
    assert 0 <= fields.whole(value) < 2**53
    assert (count := fields.optional_whole(value)) is None or 0 <= count < 2**53
    assert (code := fields.signed(value)) is None or -(2**53) < code < 2**53
    assert (number := fields.number(value)) is None or abs(number) < 2**53
    for shape in (value, {"secs": value, "nanos": value}, [value, value]):
        assert 0 <= duration_seconds(shape) < 1e13


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_moment_before_or_after_all_calendars_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a timestamp"):
        from_text(text)
    assert fields.moment(text) is None


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/", "a\0b", "\ud800", "n" * 256, "漢" * 90]
)
def test_a_name_that_is_no_part_of_a_path_leads_nowhere(name: str, home: Home) -> None:
    assert not is_name(name)
    with pytest.raises(InvalidId):
        repository_directory(name)
    run_id = created(home)
    for repo, worktree in ((name, "tree"), ("api", name)):
        values = {"repo": repo, "worktree": worktree}
        assert with_worktree(home, values) == values
    assert list(read_events(home, name, run_id)) == last_events(home, name, run_id, 5) == []


def test_a_pipe_among_logs_and_events_is_passed_over(home: Home) -> None:
    run_id = created(home)
    logs, events = home.logs_directory(run_id), home.events_directory("api", run_id)
    for directory in (logs, events):
        directory.mkdir(parents=True)
    os.mkfifo(logs / "000-1.log")
    (logs / "000-2.log").mkdir()
    (logs / "000-3.log").touch()
    os.mkfifo(events / "events-1.jsonl")
    (events / "events-2.jsonl").mkdir()
    assert [log.attempt for log in step_logs.list_logs(home, run_id)] == [3]
    assert event_files(events) == []
    assert list(read_events(home, "api", run_id)) == []


@pytest.mark.parametrize("name", ["bad name", "-rf", "n" * 240, "a\nb", "\udcff"])
def test_a_file_whose_name_is_no_id_is_one_row(name: str, home: Home) -> None:
    good = created(home)
    record = json.loads(home.session_file(good).read_bytes())
    (home.sessions / f"{name}.json").write_text(json.dumps(record | {"status": "Running"}))
    with Catalog(home) as catalog:
        for ids in (None, (name,), (good,), None):
            catalog.refresh(ids)
            rows = {row.id: row for row in catalog.rows()}
            assert rows.keys() == {good, name}
            assert rows[name].state is State.UNREADABLE
            assert (rows[name].problem or "").startswith("invalid id")


@pytest.mark.parametrize("what", ["the home", "sessions"])
def test_a_directory_that_became_a_file_has_not_lost_its_sessions(what: str, home: Home) -> None:
    run_id = created(home)
    place = home.root if what == "the home" else home.sessions
    with Catalog(home, use_index=False) as catalog:
        catalog.refresh()
        place.rename(place.with_name("elsewhere"))
        place.write_text("")
        for ids in (None, (run_id,)):
            with pytest.raises(StoreError, match="not a directory"):
                catalog.refresh(ids)
            assert [row.id for row in catalog.rows()] == [run_id]


def test_a_home_that_is_gone_is_gone_for_every_look(home: Home) -> None:
    run_id = created(home)
    with Catalog(home, use_index=False) as catalog:
        catalog.refresh()
        home.root.rename(home.root.with_name("elsewhere"))
        for ids in (None, (run_id,)):
            with pytest.raises(NotFound, match="the state home is gone"):
                catalog.refresh(ids)
            assert [row.id for row in catalog.rows()] == [run_id]
        home.root.with_name("elsewhere").rename(home.root)
        assert not catalog.refresh().removed


@pytest.mark.parametrize("text", ['{"a": "b', '{"a": 1, ', "[", '{"a"', "  "])
def test_json_that_ends_too_early_says_where(text: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=f"JSON ends at byte {len(text)}") as found:
        atomic.parse_json(text.encode(), tmp_path)
    assert found.value.offset == len(text)
