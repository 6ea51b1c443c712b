"""Archiving: hiding a session at rest from lists, and bringing it back; nothing is removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.refusal import EXIT_BUSY, EXIT_FAILED, EXIT_NOT_FOUND, Refused
from store.atomic import dump_json, read_json_object, replace_file
from store.errors import Busy, NotFound, StoreError, Unreadable
from store.home import Home
from store.locks import Liveness, RunLock, probe
from store.session import UnifiedSession, check_writable
from store.states import SessionStatus
from store.times import to_text, utc_now
from store.transitions import extension_of

_ACTIVE = frozenset({SessionStatus.INITIALIZING, SessionStatus.RUNNING})
ARCHIVED_AT = "archived_at"


def archive(home: Home, run_id: str) -> bool:
    """Hide a session; record, branch, worktree and logs stay.

    Returns:
        Whether it was shown until now.

    Raises:
        Refused: it is live or may be (exit 4), or has no record that can be written (exit 1).
    """

    def hide(extension: dict[str, Any]) -> bool:
        if extension.get(ARCHIVED_AT):
            return False
        extension[ARCHIVED_AT] = to_text(utc_now())
        return True

    return _change(home, run_id, "archived", hide)


def restore(home: Home, run_id: str) -> bool:
    """Bring an archived session back into the lists.

    Returns:
        Whether it was hidden until now.

    Raises:
        Refused: it is live or may be (exit 4), or has no record that can be written (exit 1).
    """
    return _change(home, run_id, "restored", lambda extension: bool(extension.pop(ARCHIVED_AT, "")))


def _change(
    home: Home, run_id: str, participle: str, change: Callable[[dict[str, Any]], bool]
) -> bool:
    path = home.session_file(run_id)
    try:
        session = UnifiedSession.parse(read_json_object(path), run_id)  # before a lock file is made
        verdict = probe(home, run_id, says_active=session.status in _ACTIVE)
        if verdict.liveness is not Liveness.DEAD:
            raise _live(run_id, participle, verdict.liveness, verdict.reason)
        with RunLock.acquire(home, run_id):
            document = read_json_object(path)
            check_writable(document)
            changed = change(extension_of(document))
            if changed:
                replace_file(path, dump_json(document), sync=True)
            return changed
    except NotFound as error:
        raise _no_record(home, run_id, participle) from error
    except Unreadable as error:
        raise Refused(
            f"session {run_id} cannot be {participle}: its record cannot be read ({error.reason})",
            code="unreadable",
            exit_code=EXIT_FAILED,
            hint=f"prodigy resume {run_id} makes a record from its checkpoint",
        ) from error
    except Busy as error:
        raise Refused(str(error), code="busy", exit_code=EXIT_BUSY, hint=error.hint) from error
    except (StoreError, OSError) as error:
        raise Refused(
            f"session {run_id} cannot be {participle}: {error}", code="home_unusable"
        ) from error


def _live(run_id: str, participle: str, liveness: Liveness, reason: str | None) -> Refused:
    if liveness is Liveness.UNKNOWN:
        return Refused(
            f"session {run_id} may be running: {reason}", code="owner_unknown", exit_code=EXIT_BUSY
        )
    return Refused(
        f"session {run_id} is running, so it cannot be {participle}",
        code="busy",
        exit_code=EXIT_BUSY,
        hint=f"prodigy pause {run_id}",
    )


def _no_record(home: Home, run_id: str, participle: str) -> Refused:
    if not home.run_directory(run_id).exists():
        return Refused(f"no session {run_id}", code="not_found", exit_code=EXIT_NOT_FOUND)
    return Refused(
        f"session {run_id} cannot be {participle}: it has no record",
        code="no_record",
        exit_code=EXIT_FAILED,
        hint=f"prodigy resume {run_id} makes one from its checkpoint",
    )
