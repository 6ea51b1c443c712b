"""Becoming the owner of a run that exists already."""

from __future__ import annotations

from orchestrator.refusal import EXIT_BUSY, EXIT_FAILED, Refused
from orchestrator.stopped_run import StoppedRun, read_run
from store import fields
from store.errors import Busy, StoreError
from store.faults import point
from store.home import Home
from store.locks import Liveness, RunLock
from store.owner import Owner, new_owner, write_owner


def take_run(
    home: Home, run_id: str, command: str, *, force: bool = False
) -> tuple[RunLock, Owner]:
    """Become the owner of an existing run.

    Args:
        home: the state home.
        run_id: the run.
        command: what is going to be done with it, for those who ask who holds it.
        force: also when one cannot tell whether somebody else does.

    Raises:
        Refused: somebody else owns it, or may (exit 4); the lock cannot be taken (exit 1); or
            nothing is known of it (exit 3), and then nothing of it is made.
    """
    # Before the lock is taken and says that we are the owner.
    _refuse_unknown(read_run(home, run_id), force=force)
    try:
        lock = RunLock.acquire(home, run_id)
    except Busy as error:
        raise Refused(str(error), code="busy", exit_code=EXIT_BUSY, hint=error.hint) from error
    except (StoreError, OSError) as error:
        raise Refused(str(error), code="home_unusable", exit_code=EXIT_FAILED) from error
    try:
        owner = new_owner(command, _next_attempt(home, run_id))
        write_owner(home, run_id, owner)
    except BaseException as error:
        lock.release()
        if isinstance(error, StoreError | OSError):
            raise Refused(str(error), code="home_unusable", exit_code=EXIT_FAILED) from error
        raise
    point("U1")
    return lock, owner


def _refuse_unknown(run: StoppedRun, *, force: bool) -> None:
    if run.verdict.liveness is Liveness.UNKNOWN and not force:
        raise Refused(
            f"session {run.session_id} may be running: {run.verdict.reason}",
            code="owner_unknown",
            exit_code=EXIT_BUSY,
            hint=f"prodigy resume {run.session_id} --force",
        )


def _next_attempt(home: Home, run_id: str) -> int:
    record = read_run(home, run_id).record
    attempts = record.attempts if record is not None else []
    return max((fields.whole(one.get("n")) for one in attempts), default=0) + 1
