"""Logs of steps: a new file for every execution, none ever written over."""

from __future__ import annotations

import os
import threading

import pytest

from store.errors import InvalidId, NotFound, StoreError
from store.home import Home
from store.step_logs import (
    latest_log,
    list_logs,
    next_attempt,
    next_handler_log,
    next_log,
    referred_file,
    relative_name,
)

RUN = "session-a"


def test_every_execution_gets_a_file_of_its_own(home: Home) -> None:
    first, second = next_log(home, RUN, 2), next_log(home, RUN, 2)
    assert (first.attempt, second.attempt) == (1, 2)
    assert second.path.name == "002-2.log"
    assert second.path.stat().st_mode & 0o777 == 0o600
    assert next_attempt(home, RUN, 2) == 3
    assert next_log(home, RUN, 1).attempt == 1


def test_a_log_that_exists_is_never_opened_again(home: Home) -> None:
    path = next_log(home, RUN, 0).path
    path.write_text("kept", encoding="utf-8")
    (path.parent / "000-7.log").touch()
    assert next_log(home, RUN, 0).attempt == 8
    assert path.read_text(encoding="utf-8") == "kept"


def test_two_that_ask_at_once_get_two_files(home: Home) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(next_log(home, RUN, 0).attempt))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(1, 9))


def test_the_mode_does_not_depend_on_the_umask(home: Home) -> None:
    before = os.umask(0o777)
    try:
        path = next_log(home, RUN, 0).path
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_made_says_why(home: Home) -> None:
    home.run_directory(RUN).mkdir(parents=True)
    home.logs_directory(RUN).write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreError):
        next_log(home, RUN, 0)
    assert next_attempt(home, RUN, 0) == 1


def test_handlers_and_phases_have_logs_beside_the_steps(home: Home) -> None:
    next_log(home, RUN, 1)
    names = [next_handler_log(home, RUN, 1, 1).name for _ in range(2)]
    assert names == ["001-1-1.log", "001-1-2.log"]
    assert next_log(home, RUN, 1, phase="setup").path.parent.name == "setup"
    assert [log.path.name for log in list_logs(home, RUN)] == ["001-1.log"]
    assert [log.handler for log in list_logs(home, RUN, handlers=True)] == [0, 1, 2]


def test_the_latest_log_is_that_of_the_newest_execution(home: Home) -> None:
    assert latest_log(home, RUN) is None
    for attempt in range(1, 12):
        path = next_log(home, RUN, 0).path
        os.utime(path, (attempt, attempt))
    other = next_log(home, RUN, 1).path
    os.utime(other, (5, 5))
    newest = latest_log(home, RUN, 0)
    assert newest is not None
    assert newest.attempt == 11
    written_last = latest_log(home, RUN)
    assert written_last is not None
    assert written_last.step_index == 0


def test_a_name_in_a_file_leads_to_logs_of_that_run_only(home: Home) -> None:
    path = next_log(home, RUN, 0).path
    name = relative_name(home, RUN, path)
    assert name == "logs/000-1.log"
    assert referred_file(home, RUN, name) == path
    for odd in ("../../secret", "/etc/passwd", "logs/../../x", "", "owner.json", "logs/\0"):
        with pytest.raises(InvalidId):
            referred_file(home, RUN, odd)
    with pytest.raises(NotFound):
        referred_file(home, RUN, "logs/000-9.log")
