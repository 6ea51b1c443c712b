"""Making a record anew: from the checkpoint, from the worktree, never over a good one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from store import atomic
from store.catalog import Catalog
from store.checkpoint import CheckpointKind
from store.checkpoints import newest
from store.errors import AlreadyExists, NotFound
from store.home import Home
from store.reconcile import RecordFacts, reconcile
from store.repair import make_record, record_from_evidence, runs_without_record
from store.session import UnifiedSession
from store.states import CheckpointStatus, SessionStatus, State
from store.times import from_text
from tests.store.runs import metadata, saved_checkpoint, session

S, C = SessionStatus, CheckpointStatus
RUN = "session-91d0c2aa"
REQUIRED = {
    *("id", "session_type", "status", "started_at", "updated_at", "metadata", "checkpoints"),
    *("timings", "workflow_data"),
}


@pytest.mark.parametrize(
    ("status", "kind", "stop", "expected"),
    [
        (C.RUNNING, CheckpointKind.STEP, None, S.PAUSED),
        (C.PAUSED, CheckpointKind.STOP, {"kind": "pause"}, S.PAUSED),
        (C.INTERRUPTED, CheckpointKind.STOP, {"kind": "sigterm"}, S.PAUSED),
        (C.INTERRUPTED, CheckpointKind.STOP, {"kind": "cancel"}, S.CANCELLED),
        (C.FAILED, CheckpointKind.FAILURE, None, S.FAILED),
        (C.COMPLETED, CheckpointKind.FINAL, None, S.COMPLETED),
    ],
)
def test_the_record_says_what_its_checkpoint_says(
    home: Home,
    status: CheckpointStatus,
    kind: CheckpointKind,
    stop: dict[str, Any] | None,
    expected: SessionStatus,
) -> None:
    failure = {"step_index": 2, "label": "shell: make", "message": "exit 2"}
    index = 3 if status is C.COMPLETED else 2
    parts = {"failure": failure} if status is C.FAILED else {"stop": stop}
    made = saved_checkpoint(home, RUN, index, status, kind, **parts)
    document = record_from_evidence(home, RUN)
    found = UnifiedSession.parse(document, RUN)
    assert document.keys() >= REQUIRED
    assert (found.status, found.current_step, found.total_steps) == (expected, index, 3)
    assert found.completed_steps == list(range(index))
    assert found.workflow_id == made.workflow_id
    assert found.metadata["started_by"] == "resume"
    assert found.metadata["tags"] == ["migrated"]
    assert found.x["migration"]["from"] == "checkpoint"
    assert found.x["branch"] == f"prodigy-{RUN}"
    assert found.x["base"] == {"branch": "main", "commit": "d" * 40}
    assert (found.repo_name, found.worktree_name) == ("webapp", RUN)
    assert (found.completed_at is not None) == (expected not in (S.PAUSED,))
    if expected is S.FAILED:
        assert found.error == "exit 2"
    if status is C.RUNNING:
        assert found.x["stop"]["kind"] == "crash"
    if stop is not None:
        assert found.x["stop"]["kind"] == stop["kind"]


def test_nothing_is_left_to_correct(home: Home) -> None:
    saved_checkpoint(home, RUN, 2)
    document = make_record(home, RUN).document
    from store import checkpoints
    from store.reconcile import CheckpointFacts

    found = checkpoints.newest(home, RUN)
    assert found is not None
    truth = reconcile(RecordFacts.of(document), CheckpointFacts.of(found.checkpoint))
    assert truth.corrections == ()
    with Catalog(home) as catalog:
        catalog.refresh()
        assert [(row.id, row.state) for row in catalog.rows()] == [(RUN, State.PAUSED)]


def test_it_began_at_the_earliest_moment_anything_speaks_of(home: Home) -> None:
    saved_checkpoint(home, RUN, 1)
    # workflow-1767225600123, the id of the checkpoint, is a moment too, after midnight.
    assert record_from_evidence(home, RUN)["started_at"].startswith("2026-01-01T00:00:00.0000")
    metadata(home, RUN, created_at="2025-12-31T23:00:00Z")
    assert record_from_evidence(home, RUN)["started_at"] == "2025-12-31T23:00:00.000000Z"


@pytest.mark.parametrize("status", [C.RUNNING, C.PAUSED, C.FAILED, C.COMPLETED])
def test_the_time_between_its_end_and_the_repair_is_not_its_own(
    home: Home, status: CheckpointStatus
) -> None:
    saved_checkpoint(home, RUN, 3 if status is C.COMPLETED else 2, status)
    found = newest(home, RUN)
    assert found is not None
    wrote = from_text(found.checkpoint.timestamp)
    document = record_from_evidence(home, RUN, now=wrote + timedelta(days=3))
    (attempt,) = document["metadata"]["x_prodigy"]["attempts"]
    assert from_text(attempt["ended_at"]) == pytest.approx(wrote, abs=timedelta(milliseconds=1))


def test_completed_work_that_is_not_merged_waits_for_its_merge(home: Home) -> None:
    def merge(head: str) -> object:
        saved_checkpoint(home, RUN, 3, C.COMPLETED, CheckpointKind.FINAL, head_last=head)
        return record_from_evidence(home, RUN)["metadata"].get("merge")

    assert merge("a" * 40) == "pending"
    assert merge("d" * 40) is None
    metadata(home, RUN, "merged", merged=True)
    assert merge("a" * 40) == "merged"


def test_inputs_come_back_and_captures_do_not(home: Home) -> None:
    made = saved_checkpoint(home, RUN, 1, invocation={"params": {"level": "info"}})
    made.variables = {"ARG": "v2", "ARG_1": "v2", "level": "info", "secret_capture": "x", "n": 3}
    from store import checkpoints

    checkpoints.save(home, made)
    variables = record_from_evidence(home, RUN)["workflow_data"]["variables"]
    assert variables == {"ARG": "v2", "ARG_1": "v2", "level": "info"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("in_progress", S.PAUSED),
        ("interrupted", S.PAUSED),
        ("failed", S.FAILED),
        ("completed", S.COMPLETED),
        ("merged", S.COMPLETED),
        ("abandoned", S.CANCELLED),
    ],
)
def test_a_worktree_alone_gives_a_record_that_says_so(
    home: Home, word: str, expected: SessionStatus
) -> None:
    metadata(home, RUN, word)
    document = record_from_evidence(home, RUN, started_by="migrated")
    found = UnifiedSession.parse(document, RUN)
    assert found.status is expected
    assert found.metadata["started_by"] == "migrated"
    assert found.x["migration"] == found.x["migration"] | {
        "from": "metadata",
        "notes": ["no workflow source was recorded"],
    }
    assert found.workflow_id == "workflow-1767261540000"


def test_a_bad_record_is_moved_aside_and_kept(home: Home) -> None:
    saved_checkpoint(home, RUN, 1)
    home.sessions.mkdir(parents=True)
    home.session_file(RUN).write_text('{"half": ', encoding="utf-8")
    repaired = make_record(home, RUN)
    assert repaired.set_aside is not None
    assert repaired.set_aside.read_text(encoding="utf-8") == '{"half": '
    assert atomic.read_json_object(home.session_file(RUN)) == repaired.document
    assert home.session_file(RUN).stat().st_mode & 0o777 == 0o600


def test_a_record_that_can_be_read_is_never_made_anew(home: Home) -> None:
    path = session(home, RUN, S.PAUSED)
    saved_checkpoint(home, RUN, 1)
    before = path.read_bytes()
    with pytest.raises(AlreadyExists):
        make_record(home, RUN)
    assert path.read_bytes() == before


def test_a_bad_record_of_which_nothing_else_is_known_is_left_alone(home: Home) -> None:
    home.sessions.mkdir(parents=True)
    home.session_file(RUN).write_text("{", encoding="utf-8")
    with pytest.raises(NotFound):
        make_record(home, RUN)
    assert [path.name for path in home.sessions.iterdir()] == [f"{RUN}.json"]


def test_the_runs_without_a_record_are_those_with_something_to_go_by(home: Home) -> None:
    session(home, "session-fine")
    saved_checkpoint(home, "session-1", 1)
    metadata(home, "session-2")
    metadata(home, "session-3", "cleaned_up")
    metadata(home, "session-4", x_prodigy={"agent_id": "job_agent_1"})
    home.run_lock("session-5").parent.mkdir(parents=True)
    assert runs_without_record(home) == ["session-1", "session-2"]
