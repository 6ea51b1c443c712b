"""``prodigy sessions archive`` and ``restore``: hidden from lists, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from orchestrator.archiving import archive
from store.home import Home
from store.manager import SessionManager
from store.states import SessionStatus
from tests.app.cli.calling import CommandLine
from tests.store.runs import Holder, saved_checkpoint, session

MakeSession = Callable[..., str]


def listed(call: CommandLine, *arguments: str) -> list[str]:
    found = call("sessions", "list", "--json", *arguments).expect(0).document["sessions"]
    return [row["id"] for row in found]


def test_an_archived_session_is_hidden_and_comes_back_as_it_was(
    call: CommandLine, home: Home, make_session: MakeSession
) -> None:
    first = make_session("session-one", end="failed")
    second = make_session("session-two", end="completed")
    before = json.loads(home.session_file(first).read_text())
    done = call("sessions", "archive", first, second).expect(0)
    assert done.stdout.splitlines() == [f"{first}  archived", f"{second}  archived"]
    assert listed(call) == []
    assert sorted(listed(call, "--archived")) == [first, second]
    call("sessions", "restore", first).expect(0)
    assert listed(call) == [first]
    assert json.loads(home.session_file(first).read_text()) == before


def test_what_is_so_already_is_said_and_is_no_error(
    call: CommandLine, make_session: MakeSession
) -> None:
    one = make_session("session-one", end="paused")
    assert call("sessions", "restore", one).expect(0).stdout == f"{one}  not archived\n"
    call("sessions", "archive", one).expect(0)
    assert call("sessions", "archive", one).expect(0).stdout == f"{one}  archived already\n"


def test_a_live_session_cannot_be_archived(call: CommandLine, home: Home) -> None:
    session(home, "session-live", SessionStatus.RUNNING)
    with Holder(home, "session-live"):
        failed = call("sessions", "archive", "session-live").expect(4)
        assert "is running" in failed.stderr
        assert listed(call) == ["session-live"]


def test_without_a_readable_record_the_command_that_makes_one_is_named(
    call: CommandLine, home: Home
) -> None:
    saved_checkpoint(home, "session-lost")
    home.sessions.mkdir(parents=True, exist_ok=True)
    home.session_file("session-bad").write_text("{")
    for run_id in ("session-lost", "session-bad"):
        failed = call("sessions", "archive", run_id).expect(1)
        assert f"prodigy resume {run_id}" in failed.stderr


def test_of_several_each_is_told_and_the_others_go_on(
    call: CommandLine, home: Home, make_session: MakeSession
) -> None:
    one = make_session("session-one", end="paused")
    done = call("sessions", "archive", "session-none", one).expect(1)
    assert done.stdout == f"{one}  archived\n"
    assert "session-none" in done.stderr
    assert call("sessions", "archive").expect(2).stderr
    assert home.session_file(one).exists()


def test_a_run_that_goes_on_is_shown_again(home: Home, make_session: MakeSession) -> None:
    one = make_session("session-one", end="paused")
    archive(home, one)
    manager = SessionManager(home)
    manager.resume_session(one)
    assert [row.id for row in manager.list_sessions()] == [one]


@pytest.mark.parametrize("command", ["archive", "restore"])
def test_json_is_one_document(call: CommandLine, make_session: MakeSession, command: str) -> None:
    one = make_session("session-one", end="paused")
    found = call("sessions", command, one, "--json").expect(0).document
    assert found["total"] == 1 and found["sessions"][0]["id"] == one
