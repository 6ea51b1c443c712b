"""How a run stands whose record alone cannot say: is it live, how far did it really get?

Asked for records that say Initializing or Running, runs with an owner's notice or a resume lock of
the original, and runs whose record is missing or unreadable; all others are as their record says.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from store.cards import About, Card
from store.home import Home, is_id
from store.locks import Liveness, Verdict, probe
from store.reconcile import (
    CheckpointFacts,
    MetadataFacts,
    RecordFacts,
    Truth,
    reconcile,
)
from store.resting import session_status
from store.row import SessionRow
from store.rows import RowValues, microseconds, row_from, with_worktree
from store.states import CheckpointStatus, SessionStatus, State
from store.status import ORIGINAL, RecordCondition, Situation, state_of

if TYPE_CHECKING:
    from store.known_runs import KnownRuns
    from store.remembered import Stamp

_UNFINISHED = frozenset({SessionStatus.INITIALIZING, SessionStatus.RUNNING})


class Standing(NamedTuple):
    """What was found out about one run; equal ones look the same."""

    state: State
    verdict: Verdict
    stamp: Stamp | None = None
    """Of the checkpoint; only when the record's word is not enough."""
    metadata: MetadataFacts | None = None
    output_us: int | None = None


def facts_from_values(values: RowValues) -> RecordFacts:
    """What the rules need of a record, from what lists keep of it."""
    return RecordFacts(
        status=session_status(values.get("status")),
        checkpoint_seq=values.get("checkpoint_seq", 0),
        step_index=values.get("step_index", 0),
        total_steps=values.get("total_steps", 0),
        merge=values.get("merge_state"),
        stop_kind=values.get("stop_kind"),
        attempt=values.get("attempts", 0),
        waiting_kind=values.get("waiting_kind"),
    )


def assess(
    home: Home, card: Card, known: KnownRuns, *, stall_after_seconds: float, now_us: int
) -> Standing:
    """Find out how a run stands.

    Args:
        home: the state home.
        card: the run.
        known: what its files say.
        stall_after_seconds: from when on a silent step counts as stalled.
        now_us: the present moment in microseconds since the epoch.
    """
    if not is_id(card.id):  # a file that somebody put there; nothing else can belong to it
        return Standing(State.UNREADABLE, Verdict(Liveness.DEAD))
    recorded = session_status(card.status)
    verdict = probe(home, card.id, says_active=recorded in _UNFINISHED)
    if not card.has_record:
        return _without_record(home, card, known, verdict)
    if verdict.liveness is Liveness.LIVE:
        return _live(home, card, verdict, known.values(card.id), stall_after_seconds, now_us)
    if recorded not in _UNFINISHED:
        return Standing(_quiet_state(recorded, card.merge, verdict.liveness), verdict)
    newest = known.newest_checkpoint(card.id)
    state = _quiet_state(recorded, card.merge, verdict.liveness, newest.status, newest.stop_kind)
    return Standing(state, verdict, newest.stamp)


@lru_cache(maxsize=256)
def _quiet_state(
    recorded: SessionStatus | None,
    merge: str | None,
    liveness: Liveness,
    status: CheckpointStatus | None = None,
    stop_kind: str | None = None,
) -> State:
    """The state of a run that is not live; of a thousand crashed runs most are alike."""
    checkpoint = CheckpointFacts(status, stop_kind=stop_kind) if status is not None else None
    truth = reconcile(RecordFacts(recorded, merge=merge), checkpoint)
    return state_of(Situation(truth, liveness=liveness))


def _live(
    home: Home,
    card: Card,
    verdict: Verdict,
    values: RowValues,
    stall_after_seconds: float,
    now_us: int,
) -> Standing:
    from store import requests

    facts = facts_from_values(values)
    output_us = last_output_us(home, card.id, values.get("step_log"))
    since_us = max(output_us or 0, values.get("step_started_us") or 0)
    owner = verdict.owner
    command = owner.command if owner is not None else None
    if owner is None and verdict.reason is not None:
        command = ORIGINAL
    asked = requests.pending(home, card.id) if owner is not None else []
    situation = Situation(
        reconcile(facts, None),
        liveness=Liveness.LIVE,
        owner_command=command,
        owner_attempt=owner.attempt if owner is not None else 0,
        attempt=facts.attempt,
        recorded=facts.status,
        waiting_kind=facts.waiting_kind,
        asked=frozenset(
            one.action for one in asked if owner and one.to == owner.token and not one.problem
        ),
        silent_seconds=(now_us - since_us) / 1e6 if since_us else None,
        stall_after_seconds=stall_after_seconds,
    )
    return Standing(state_of(situation), verdict, output_us=output_us)


def _without_record(home: Home, card: Card, known: KnownRuns, verdict: Verdict) -> Standing:
    newest = known.newest_checkpoint(card.id)
    checkpoint, metadata = known.checkpoint_facts(card.id), None
    if checkpoint is None:
        from store import worktree_metadata

        found = worktree_metadata.read_if_any(home, card.id)
        metadata = MetadataFacts.of(found.document) if found is not None else None
    missing = card.source != "session"
    situation = Situation(
        reconcile(None, checkpoint, metadata),
        record=RecordCondition.MISSING if missing else RecordCondition.UNREADABLE,
        liveness=verdict.liveness,
    )
    return Standing(state_of(situation), verdict, newest.stamp, metadata)


def last_output_us(home: Home, run_id: str, name: str | None) -> int | None:
    """When a step last printed something, microseconds since the epoch; None if none can tell.

    Args:
        home: the state home.
        run_id: the run.
        name: of the step's log, relative to the run's state directory.
    """
    if not name or name.startswith("/") or ".." in name:
        return None
    try:
        return os.stat(home.run_directory(run_id) / name).st_mtime_ns // 1000
    except (OSError, ValueError):
        return None


# -- the row


def standing_row(home: Home, card: Card, known: KnownRuns, standing: Standing) -> SessionRow:
    """The row of a run whose record alone does not say all."""
    checkpoint = None if standing.stamp is None else known.checkpoint_facts(card.id)
    if card.has_record:
        values = known.values(card.id)
    else:
        values = _values_without_record(card, checkpoint, standing.metadata)
    row = row_from(with_worktree(home, values), standing.state)
    owner = standing.verdict.owner
    if owner is not None and standing.verdict.liveness is not Liveness.DEAD:
        row = row._replace(owner_pid=owner.pid, owner_host=owner.host, owner_command=owner.command)
    if standing.state is State.UNKNOWN:
        row = row._replace(live_reason=standing.verdict.reason)
    if standing.output_us is not None:
        row = row._replace(output_us=standing.output_us)
    if card.has_record and checkpoint is not None:
        row = _with_progress(row, values, checkpoint)
    return row if row.state.is_live else _up_to_last_output(home, row)


def _up_to_last_output(home: Home, row: SessionRow) -> SessionRow:
    """An attempt nobody wrote the end of was active at least until it last printed something."""
    if row.attempt_started_us is None:
        return row
    output_us = last_output_us(home, row.id, row.step_log) or 0
    unrecorded = max(0, output_us - row.updated_us) / 1e6
    return row._replace(active_seconds=row.active_seconds + unrecorded)


def _with_progress(row: SessionRow, values: RowValues, checkpoint: CheckpointFacts) -> SessionRow:
    truth = reconcile(facts_from_values(values), checkpoint)
    row = row._replace(step_index=truth.step_index, total_steps=truth.total_steps)
    if truth.step_index != values.get("step_index", 0) or checkpoint.step_label:
        row = row._replace(step_label=checkpoint.step_label, step_log=checkpoint.step_log)
    if truth.source != "checkpoint":
        return row
    at = microseconds(checkpoint.timestamp) or row.updated_us
    ended = at if truth.status in _ENDED else None
    return row._replace(
        error=truth.error or row.error,
        stop_kind=truth.stop_kind,
        completed_us=ended,
        state_since_us=at,
        failure_label=checkpoint.step_label if truth.status is SessionStatus.FAILED else "",
    )


_ENDED = frozenset({SessionStatus.COMPLETED, SessionStatus.FAILED, SessionStatus.CANCELLED})


def _values_without_record(
    card: Card, checkpoint: CheckpointFacts | None, metadata: MetadataFacts | None
) -> RowValues:
    source = "checkpoint" if checkpoint is not None else "worktree"
    values: RowValues = {"id": card.id, "problem": card.problem or f"only its {source} is known"}
    about = card.about or About()
    truth: Truth = reconcile(None, checkpoint, metadata)
    values.update(
        step_index=truth.step_index,
        total_steps=truth.total_steps,
        error=truth.error,
        stop_kind=truth.stop_kind,
        merge_state=truth.merge,
        repo=about.repo,
        updated_us=card.updated_us,
        state_since_us=card.updated_us,
        started_us=about.started_us,
    )
    if checkpoint is None:
        return values
    updated_us = microseconds(checkpoint.timestamp) or 0
    values.update(
        workflow=checkpoint.workflow_name,
        workflow_id=checkpoint.workflow_id,
        workflow_path=checkpoint.workflow_path,
        repo=checkpoint.repo or about.repo,
        repo_path=checkpoint.repo_path,
        branch=checkpoint.branch,
        base_branch=checkpoint.base_branch,
        base_commit=checkpoint.base_commit,
        worktree=checkpoint.worktree,
        step_label=checkpoint.step_label,
        step_log=checkpoint.step_log,
        started_us=microseconds(checkpoint.start_time) or 0,
        updated_us=updated_us,
        state_since_us=updated_us,
        checkpoint_seq=checkpoint.seq,
    )
    return values
