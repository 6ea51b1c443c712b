"""Asking the owner of a run to pause or cancel, and cancelling a run nobody owns."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.ownership import take_run
from orchestrator.refusal import EXIT_FAILED, Refused
from orchestrator.settling import is_over_unrecorded, record_cancel, record_end
from orchestrator.stopped_run import read_run
from store import repair, requests
from store.errors import StoreError
from store.home import Home
from store.locks import Liveness, probe, process_state
from store.noticed import was_noticed
from store.owner import Owner, remove_owner
from store.states import SessionStatus

_LOOK_EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that lies before an owner."""

    run_id: str
    action: str
    owner: Owner
    requested_at: str


class AnswerKind(StrEnum):
    OBEYED = "obeyed"
    RECEIVED = "received"
    """Noticed; it takes effect when the step is over."""
    GONE = "gone"
    """The owner ended without obeying: it had finished, or was killed."""
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request. A silent owner is named with its process and what that is doing."""

    kind: AnswerKind
    owner: Owner
    process_state: str | None = None

    @property
    def done(self) -> bool:
        return self.kind is not AnswerKind.SILENT

    @property
    def description(self) -> str:
        """In words, for a message."""
        if self.kind is not AnswerKind.SILENT:
            return str(self.kind)
        state = self.process_state or "gone"
        return (
            f"process {self.owner.pid} on {self.owner.host} is {state}; kill -9 {self.owner.pid} "
            "is safe: the run becomes interrupted and can be resumed"
        )


def ask(
    home: Home, run_id: str, action: str, reason: str | None = None, *, tool: str = "prodigy"
) -> Asked:
    """Ask the owner of a live run to do something.

    Args:
        home: the state home.
        run_id: the run.
        action: ``pause``, ``pause_now`` or ``cancel``.
        reason: for the record.
        tool: which program asks.

    Raises:
        Refused: nobody runs it, or its owner cannot be asked (exit 1).
    """
    verdict = probe(home, run_id, says_active=True)
    if verdict.liveness is Liveness.UNKNOWN:
        raise Refused(
            f"session {run_id} cannot be asked: {verdict.reason}",
            code="owner_unknown",
            exit_code=EXIT_FAILED,
        )
    if verdict.liveness is Liveness.DEAD:
        raise Refused(
            f"session {run_id} is not running",
            code="not_running",
            exit_code=EXIT_FAILED,
            hint=f"prodigy sessions show {run_id}",
        )
    owner = verdict.owner
    if owner is None:
        words = verdict.reason or "its owner has not said who it is"
        raise Refused(f"session {run_id} cannot be asked: {words}", code="owner_unknown")
    try:
        requests.write_request(home, run_id, action, owner.token, requests.requester(tool), reason)
    except StoreError as error:
        raise Refused(f"the request cannot be written: {error}", code="home_unusable") from error
    written = next((one for one in requests.pending(home, run_id) if one.action == action), None)
    requested_at = written.requested_at if written is not None else ""
    return Asked(run_id, action, owner, requested_at)


def wait_answer(
    home: Home,
    run_id: str,
    action: str,
    timeout_seconds: float = 10.0,
    *,
    until_obeyed: bool = False,
    silent_after_seconds: float = 10.0,
) -> Answer:
    """Wait for what becomes of a request that was just made.

    A cancel whose owner went away without obeying is carried out here.

    Args:
        home: the state home.
        run_id: the run.
        action: what was asked.
        timeout_seconds: how long to wait at most.
        until_obeyed: wait for the fact itself, not only until the owner has noticed.
        silent_after_seconds: how long an owner may take to notice, however long we would wait.
    """
    began = time.monotonic()
    noticed_by = began + min(timeout_seconds, silent_after_seconds)
    owner = _nobody()
    while True:
        verdict = probe(home, run_id, says_active=True)
        owner = verdict.owner or owner
        request = next(
            (one for one in requests.pending(home, run_id) if one.action == action), None
        )
        if request is None:
            return Answer(AnswerKind.OBEYED, owner)
        if verdict.liveness is not Liveness.LIVE or (
            verdict.owner is not None and verdict.owner.token != request.to
        ):
            return _left_behind(home, run_id, action, owner)
        now = time.monotonic()
        if was_noticed(home, run_id, request):
            if not until_obeyed or now >= began + timeout_seconds:
                return Answer(AnswerKind.RECEIVED, owner)
        elif now >= noticed_by:
            return Answer(AnswerKind.SILENT, owner, process_state(owner.pid))
        time.sleep(_LOOK_EVERY_SECONDS)


def _left_behind(home: Home, run_id: str, action: str, owner: Owner) -> Answer:
    if action == "cancel":
        try:
            cancel_at_rest(home, run_id)
        except Refused:
            requests.drop(home, run_id, action)
        else:
            return Answer(AnswerKind.OBEYED, owner)
    else:
        requests.drop(home, run_id, action)
    return Answer(AnswerKind.GONE, owner)


def _nobody() -> Owner:
    return Owner(0, "", "", 0, "", "", "")


# -- runs at rest


def cancel_at_rest(home: Home, run_id: str, *, tool: str = "prodigy") -> None:
    """Cancel a run nobody runs, or nobody can be seen to run; final.

    Raises:
        Refused: it is live (exit 4), over already, or cannot be written.
    """
    lock, owner = take_run(home, run_id, "cancel", force=True)
    try:
        _cancel(home, run_id, owner, tool)
    except (StoreError, OSError) as error:
        raise Refused(f"session {run_id} cannot be cancelled: {error}") from error
    finally:
        remove_owner(home, run_id)
        lock.release()


def _cancel(home: Home, run_id: str, owner: Owner, tool: str) -> None:
    run = read_run(home, run_id)
    if run.truth.status in (SessionStatus.COMPLETED, SessionStatus.CANCELLED):
        if is_over_unrecorded(run):
            record_end(run, owner)
        word = str(run.truth.status).lower()
        raise Refused(f"session {run_id} is {word} already", code="already_complete")
    if run.record is None:
        repair.make_record(home, run_id, started_by="resume")
        run = read_run(home, run_id)
    record_cancel(run, owner, requests.requester(tool))
    for request in requests.pending(home, run_id):
        requests.discard(request.path)
