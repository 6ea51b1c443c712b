"""Requests to the owner of a run: one small file per action, addressed to the owner's token."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from store.atomic import dump_json, make_directory, read_json_object, replace_file, reporting
from store.errors import NotFound, StoreError, Unreadable
from store.home import REQUEST_ACTIONS, Home
from store.times import to_text, utc_now


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks of a run's owner; with a ``problem`` only the file is known."""

    action: str
    path: Path
    to: str = ""
    """Token of the owner it is meant for."""
    requested_at: str = ""
    by: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    max_parallel: int | None = None
    problem: str | None = None

    @property
    def strength(self) -> int:
        """The stronger of two requests has the higher number."""
        return REQUEST_ACTIONS.index(self.action) if self.action in REQUEST_ACTIONS else -1


def requester(tool: str) -> dict[str, Any]:
    """Who asks: this process, for ``write_request``."""
    import getpass  # not needed by those who only look at requests

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = str(os.getuid())
    return {"tool": tool, "pid": os.getpid(), "host": os.uname().nodename, "user": user}


def write_request(
    home: Home,
    run_id: str,
    action: str,
    to_token: str,
    requested_by: Mapping[str, Any],
    reason: str | None = None,
    *,
    max_parallel: int | None = None,
) -> Path:
    """Ask the owner with that token to do something; a second request of an action replaces it.

    Raises:
        InvalidId: the action is unknown.
        StoreError: the file cannot be written.
    """
    path = home.request_file(run_id, action)
    document: dict[str, Any] = {
        "format": 1,
        "to": to_token,
        "requested_at": to_text(utc_now()),
        "requested_by": dict(requested_by),
        "reason": reason,
    }
    if action == "set_parallel":
        document["max_parallel"] = max_parallel
    make_directory(path.parent)
    replace_file(path, dump_json(document))
    return path


def pending(home: Home, run_id: str) -> list[Request]:
    """Every request of a run, the weakest first; files that are no request come with a problem."""
    directory = home.control_directory(run_id)
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    found = [_read(directory / name) for name in sorted(names) if not name.startswith(".")]
    return sorted((one for one in found if one is not None), key=lambda one: one.strength)


def strongest(requests: Iterable[Request], token: str) -> Request | None:
    """The request an owner with that token obeys next: of the stops, the strongest one."""
    meant = [one for one in requests if one.problem is None and one.to == token]
    return max(meant, key=lambda one: one.strength, default=None)


def drop(home: Home, run_id: str, action: str) -> None:
    """Remove a request that was obeyed or was not for this owner; a missing one is fine.

    Raises:
        StoreError: it cannot be removed.
    """
    discard(home.request_file(run_id, action))


def discard(path: Path) -> None:
    """Remove a file of the control directory, such as one that is no request.

    Raises:
        StoreError: it cannot be removed.
    """
    with reporting("remove", path):
        path.unlink(missing_ok=True)


def _read(path: Path) -> Request | None:
    action = path.name.removesuffix(".json")
    if action not in REQUEST_ACTIONS or not path.name.endswith(".json"):
        return Request(action, path, problem="unknown request")
    try:
        document = read_json_object(path)
    except NotFound:  # obeyed between the listing and now
        return None
    except Unreadable as error:
        return Request(action, path, problem=f"unreadable request: {error.reason}")
    except StoreError as error:
        return Request(action, path, problem=str(error))
    match document:
        case {"to": str(token)} if document.get("format", 1) == 1:
            by = document.get("requested_by")
            reason = document.get("reason")
            parallel = document.get("max_parallel")
            return Request(
                action,
                path,
                to=token,
                requested_at=str(document.get("requested_at", "")),
                by=by if isinstance(by, dict) else {},
                reason=reason if isinstance(reason, str) else None,
                max_parallel=parallel if isinstance(parallel, int) else None,
            )
    return Request(action, path, problem="unreadable request: not addressed to an owner")
