"""The timeline: appended whatever happens, read whatever is in it."""

from __future__ import annotations

import json
import os
import threading
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from store.errors import StoreError
from store.events import (
    MAX_LINE_BYTES,
    Event,
    EventLog,
    EventReader,
    event_files,
    follow_events,
    last_events,
    parse_event,
    read_events,
)
from store.home import Home
from store.times import utc_now

RUN = "session-a"


def written(home: Home) -> list[Path]:
    return event_files(home.events_directory("webapp", RUN))


def test_an_event_comes_back_as_it_was_written(home: Home) -> None:
    EventLog(home, "webapp", RUN, 2).append("step_started", step_index=1, label="größe ❯")
    (event,) = read_events(home, "webapp", RUN)
    assert (event.type, event.run_id) == ("step_started", RUN)
    assert event.fields == {"step_index": 1, "label": "größe ❯", "session_id": RUN}
    assert event.metadata["attempt"] == 2
    (path,) = written(home)
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text(encoding="utf-8"))["correlation_id"] == RUN


def test_the_session_of_an_agent_is_not_overwritten(home: Home) -> None:
    EventLog(home, "webapp", RUN, 1).append("claude_session_started", session_id="its-own")
    (event,) = read_events(home, None, RUN)
    assert event.fields["session_id"] == "its-own"


def test_a_line_never_gets_longer_than_its_limit(home: Home) -> None:
    log = EventLog(home, "webapp", RUN, 1)
    log.append("step_failed", error="x" * 1_000_000, step_index=1)
    log.append("step_completed", captured=["y" * 100] * 5_000)
    log.append("odd", deep={"list": [{"text": "ü" * 40_000}] * 3})
    lines = written(home)[0].read_bytes().splitlines()
    assert all(len(line) <= MAX_LINE_BYTES for line in lines)
    events = list(read_events(home, "webapp", RUN))
    assert [event.fields["truncated"] for event in events] == [True] * 3
    assert events[0].fields["step_index"] == 1


def test_a_file_that_is_full_is_followed_by_another_and_order_stays(home: Home) -> None:
    moment = utc_now()
    ticks = iter(moment + timedelta(seconds=number) for number in range(100))
    log = EventLog(home, "webapp", RUN, 1, clock=lambda: next(ticks), max_file_bytes=1_000)
    for number in range(12):
        log.append("odd", number=number)
    assert len(written(home)) > 2
    assert [event.fields["number"] for event in read_events(home, "webapp", RUN)] == list(range(12))


def test_a_clock_that_goes_back_does_not_change_the_order(home: Home) -> None:
    now = utc_now()
    EventLog(home, "webapp", RUN, 1, clock=lambda: now).append("odd", number=1)
    before = now - timedelta(hours=1)
    EventLog(home, "webapp", RUN, 2, clock=lambda: before).append("odd", number=2)
    assert [event.fields["number"] for event in read_events(home, "webapp", RUN)] == [1, 2]


def test_an_event_that_cannot_be_written_is_told_and_never_raised(home: Home) -> None:
    problems: list[StoreError] = []
    (home.root / "events").parent.mkdir(parents=True)
    (home.root / "events").write_text("in the way", encoding="utf-8")
    log = EventLog(home, "webapp", RUN, 1, on_problem=problems.append)
    log.append("step_started")
    log.append("odd", value=object())
    assert len(problems) == 2


def test_threads_do_not_tear_each_others_lines(home: Home) -> None:
    log = EventLog(home, "webapp", RUN, 1)

    def fifty() -> None:
        for _ in range(50):
            log.append("odd", text="z" * 500)

    threads = [threading.Thread(target=fifty) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = read_events(home, "webapp", RUN)
    assert len(list(reader)) == 200
    assert reader.damaged == 0


def test_damaged_lines_are_skipped_and_counted(home: Home) -> None:
    log = EventLog(home, "webapp", RUN, 1)
    log.append("odd", number=1)
    (path,) = written(home)
    with path.open("ab") as file:
        file.write(b'{"half": \n\0\0\0\0\n\xff\xfe\n"text"\n{"event": {"event_type": 7}}\n\n')
    log.append("odd", number=2)
    reader = read_events(home, "webapp", RUN)
    assert [event.fields["number"] for event in reader] == [1, 2]
    assert reader.damaged == 5


def test_a_torn_last_line_costs_only_itself(home: Home) -> None:
    log = EventLog(home, "webapp", RUN, 1)
    log.append("odd", number=1)
    (path,) = written(home)
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole + whole[:cut].rstrip(b"\n"))
        reader = read_events(home, "webapp", RUN)
        complete = cut >= len(whole) - 1
        assert len(list(reader)) == (2 if complete else 1)
        assert reader.damaged == (0 if complete else 1)
    path.write_bytes(whole + whole[:50])
    log.append("odd", number=2)
    assert [event.fields["number"] for event in read_events(home, "webapp", RUN)] == [1, 2]


def test_a_reader_goes_on_where_it_was(home: Home) -> None:
    log = EventLog(home, "webapp", RUN, 1)
    log.append("odd", number=1)
    reader = read_events(home, "webapp", RUN)
    assert [event.fields["number"] for event in reader] == [1]
    assert list(reader) == []
    log.append("odd", number=2)
    assert [event.fields["number"] for event in reader] == [2]


def test_an_unfinished_line_is_read_when_it_is_finished(home: Home) -> None:
    log = EventLog(home, "webapp", RUN, 1)
    log.append("odd", number=1)
    (path,) = written(home)
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    reader = read_events(home, "webapp", RUN)
    assert list(reader) == []
    assert reader.damaged == 1
    path.write_bytes(whole)
    assert len(list(reader)) == 1
    assert reader.damaged == 0


def test_following_yields_the_last_events_of_a_run_that_ended(home: Home) -> None:
    log = EventLog(home, "webapp", RUN, 1)
    log.append("odd", number=1)
    waits: list[int] = []

    def wait() -> None:
        waits.append(len(waits))
        log.append("odd", number=2 + len(waits))

    seen = follow_events(read_events(home, None, RUN), lambda: len(waits) == 2, wait)
    assert [event.fields["number"] for event in seen] == [1, 3, 4]


def test_the_newest_events_are_found_from_the_end(home: Home) -> None:
    moment = utc_now()
    ticks = iter(moment + timedelta(seconds=number) for number in range(600))
    log = EventLog(home, "webapp", RUN, 1, clock=lambda: next(ticks), max_file_bytes=40_000)
    for number in range(500):
        log.append("odd", number=number, text="t" * 300)
    with written(home)[-1].open("ab") as file:
        file.write(b"{torn")
    newest = last_events(home, "webapp", RUN, 7)
    assert [event.fields["number"] for event in newest] == list(range(493, 500))
    assert len(last_events(home, None, RUN, 10_000)) == 500


def test_files_that_are_no_timeline_do_no_harm(home: Home) -> None:
    EventLog(home, "webapp", RUN, 1).append("odd", number=1)
    directory = home.events_directory("webapp", RUN)
    (directory / "events-20200101_000000.jsonl").touch()
    (directory / "events-20200101_000001.jsonl").mkdir()
    (directory / "notes.txt").write_text("hello", encoding="utf-8")
    os.rename(written(home)[-1], directory / "events-20210101_000000.jsonl.gz")
    reader = read_events(home, None, RUN)
    assert [event.fields["number"] for event in reader] == [1]


def test_a_run_without_events_has_none(home: Home) -> None:
    assert list(read_events(home, None, RUN)) == []
    assert last_events(home, "webapp", RUN, 5) == []
    assert list(EventReader([])) == []


def test_both_spellings_of_the_dead_letter_events_are_read() -> None:
    event = parse_event(b'{"event": {"event_type": "dlq_item_added", "item_id": "item_3"}}')
    assert event == Event("", "", "", "d_l_q_item_added", {"item_id": "item_3"}, {})


@given(st.binary(max_size=200))
def test_no_line_is_too_odd_to_be_looked_at(line: bytes) -> None:
    assert parse_event(line) is None or parse_event(line) is not None
