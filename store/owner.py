"""``owner.json``: who holds a run, for messages and for addressing requests; it never decides."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import Any

from store import atomic
from store.errors import NotFound, Unreadable
from store.home import Home
from store.times import from_text, to_text, utc_now
from store.version import VERSION

_RUNS_IT = frozenset({"run", "resume"})


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that took a run's lock; ``token`` is what requests are addressed to."""

    pid: int
    host: str
    command: str
    """What it does with the run: run, resume, merge, cancel, …"""
    attempt: int
    token: str
    started_at: str
    tool_version: str

    @property
    def holds(self) -> str:
        """How it has the run, after "it is": ``running here since 09:02 (process 41822)``."""
        where = "here" if self.host == this_host() else f"on {self.host}"
        if self.command in _RUNS_IT:
            does = f"running {where}"
        else:
            does = f"held {where} by prodigy {self.command}"
        return f"{does}{self._since} (process {self.pid})"

    @property
    def _since(self) -> str:
        try:
            began = from_text(self.started_at).astimezone()
        except ValueError:
            return ""
        is_today = began.date() == utc_now().astimezone().date()
        return f" since {began:%H:%M}" if is_today else f" since {began:%Y-%m-%d %H:%M}"


def this_host() -> str:
    """The name of this machine, as it is written into state files."""
    return os.uname().nodename


def new_owner(command: str, attempt: int) -> Owner:
    """This process as an owner, with a fresh token."""
    return Owner(
        pid=os.getpid(),
        host=this_host(),
        command=command,
        attempt=attempt,
        token=os.urandom(8).hex(),
        started_at=to_text(utc_now()),
        tool_version=VERSION,
    )


def write_owner(home: Home, run_id: str, owner: Owner) -> None:
    """Say who holds the run; only for the holder of its lock.

    Raises:
        StoreError: it could not be written.
    """
    document: dict[str, Any] = {
        "format": 1,
        "pid": owner.pid,
        "host": owner.host,
        "command": owner.command,
        "attempt": owner.attempt,
        "token": owner.token,
        "started_at": owner.started_at,
        "tool_version": owner.tool_version,
    }
    atomic.replace_file(home.owner_file(run_id), atomic.dump_json(document), fault="owner")


def read_owner(home: Home, run_id: str) -> Owner | None:
    """Who says to hold the run, or None when nobody does or it cannot be read."""
    try:
        document = atomic.read_json_object(home.owner_file(run_id))
    except (NotFound, Unreadable):
        return None
    pid, attempt = document.get("pid"), document.get("attempt", 0)
    words = [
        document.get(key, "") for key in ("host", "command", "token", "started_at", "tool_version")
    ]
    if not isinstance(pid, int) or not isinstance(attempt, int):
        return None
    if not all(isinstance(word, str) for word in words):
        return None
    host, command, token, started_at, tool_version = words
    return Owner(pid, host, command, attempt, token, started_at, tool_version)


def remove_owner(home: Home, run_id: str) -> None:
    """Take the notice away at an orderly end; that it cannot be removed does no harm."""
    with contextlib.suppress(OSError):
        home.owner_file(run_id).unlink()
