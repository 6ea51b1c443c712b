"""An owner that has noticed a request is not called silent, however long it takes to obey."""

from __future__ import annotations

from store.events import EventLog
from store.home import Home
from store.noticed import was_noticed
from store.requests import Request, pending, requester, write_request

ID = "session-00000000-0000-4000-8000-000000000001"


def asked(home: Home, action: str = "pause") -> Request:
    write_request(home, ID, action, "token", requester("prodigy"))
    return next(one for one in pending(home, ID) if one.action == action)


def notice(log: EventLog, request: Request) -> None:
    log.append("control_received", action=request.action, requested_at=request.requested_at)


def test_a_request_is_noticed_once_its_owner_says_so_whatever_else_it_says(home: Home) -> None:
    log, request = EventLog(home, "api", ID, 1), asked(home)
    log.append("step_started", step_index=0)
    assert not was_noticed(home, ID, request)
    notice(log, request)
    for number in range(300):
        log.append("step_output_ref", step_index=0, to=number)
    assert was_noticed(home, ID, request)


def test_each_request_is_noticed_for_itself(home: Home) -> None:
    log, pause = EventLog(home, "api", ID, 1), asked(home)
    notice(log, pause)
    now = asked(home, "pause_now")
    again = asked(home)
    assert was_noticed(home, ID, pause)
    assert not was_noticed(home, ID, now) and not was_noticed(home, ID, again)


def test_a_run_without_a_timeline_has_noticed_nothing(home: Home) -> None:
    assert not was_noticed(home, ID, asked(home))
