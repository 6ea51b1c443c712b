"""Requests to an owner: each action its own file, none lost, bad ones visible."""

from __future__ import annotations

import pytest

from store.errors import InvalidId
from store.home import Home
from store.requests import discard, drop, pending, requester, strongest, write_request

RUN = "session-a"


def ask(home: Home, action: str, to: str = "token") -> None:
    write_request(home, RUN, action, to, requester("prodigy"), "lunch")


def test_a_request_says_who_asks_whom_for_what(home: Home) -> None:
    ask(home, "pause")
    (request,) = pending(home, RUN)
    assert (request.action, request.to, request.reason) == ("pause", "token", "lunch")
    assert request.by["tool"] == "prodigy"
    assert request.by["pid"] > 0
    assert request.problem is None
    assert request.path.stat().st_mode & 0o777 == 0o600


def test_no_request_overwrites_another_and_the_strongest_counts(home: Home) -> None:
    for action in ("cancel", "set_parallel", "pause_now", "pause"):
        ask(home, action)
    found = pending(home, RUN)
    assert [one.action for one in found] == ["set_parallel", "pause", "pause_now", "cancel"]
    chosen = strongest(found, "token")
    assert chosen is not None
    assert chosen.action == "cancel"
    drop(home, RUN, "cancel")
    drop(home, RUN, "cancel")
    chosen = strongest(pending(home, RUN), "token")
    assert chosen is not None
    assert chosen.action == "pause_now"


def test_requests_for_another_owner_are_not_obeyed(home: Home) -> None:
    ask(home, "cancel", to="somebody else")
    assert strongest(pending(home, RUN), "token") is None


def test_what_is_no_request_is_shown_and_hurts_no_other(home: Home) -> None:
    ask(home, "pause")
    directory = home.control_directory(RUN)
    (directory / "cancel.json").write_text("{", encoding="utf-8")
    (directory / "pause_now.json").write_text('{"format": 1}', encoding="utf-8")
    (directory / "dance.json").write_text("{}", encoding="utf-8")
    (directory / "set_parallel.json").mkdir()
    (directory / ".pause.json.tmp").touch()
    found = pending(home, RUN)
    assert {one.action for one in found if one.problem} == {
        "cancel",
        "pause_now",
        "dance",
        "set_parallel",
    }
    chosen = strongest(found, "token")
    assert chosen is not None
    assert chosen.action == "pause"
    discard(directory / "dance.json")
    assert "dance" not in {one.action for one in pending(home, RUN)}


def test_the_number_of_agents_asked_for_comes_along(home: Home) -> None:
    write_request(home, RUN, "set_parallel", "token", requester("prodigy"), max_parallel=4)
    assert pending(home, RUN)[0].max_parallel == 4


def test_an_unknown_action_is_refused_before_anything_is_written(home: Home) -> None:
    with pytest.raises(InvalidId):
        ask(home, "../../sessions/x")
    assert not home.root.exists()
    assert pending(home, RUN) == []
