"""What is true after a crash: four rules, for every combination of what files can say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from store.reconcile import (
    CheckpointFacts,
    MetadataFacts,
    RecordFacts,
    reconcile,
    status_of_checkpoint,
)
from store.states import CheckpointStatus, SessionStatus, State

S, C = SessionStatus, CheckpointStatus

counts = st.integers(0, 6)
records = st.builds(
    RecordFacts,
    status=st.one_of(st.none(), st.sampled_from(S)),
    checkpoint_seq=counts,
    step_index=counts,
    total_steps=counts,
    merge=st.sampled_from([None, "pending", "merged", "declined", "failed", "odd"]),
    stop_kind=st.sampled_from([None, "sigint", "cancel"]),
)
checkpoints = st.builds(
    CheckpointFacts,
    status=st.sampled_from(C),
    step_index=counts,
    total_steps=counts,
    seq=counts,
    stop_kind=st.sampled_from([None, "sigint", "cancel", "crash"]),
    error=st.sampled_from([None, "boom"]),
)
metadatas = st.builds(
    MetadataFacts,
    status=st.sampled_from(
        ["in_progress", "interrupted", "failed", "completed", "merged", "cleaned_up"]
        + ["abandoned", "odd"]
    ),
    merged=st.booleans(),
    total_steps=counts,
)


@given(st.one_of(st.none(), checkpoints), st.one_of(st.none(), metadatas))
def test_without_a_record_the_checkpoint_speaks_else_the_metadata(
    checkpoint: CheckpointFacts | None, metadata: MetadataFacts | None
) -> None:
    truth = reconcile(None, checkpoint, metadata)
    if checkpoint is not None:
        assert truth.source == "checkpoint"
        assert truth.status is status_of_checkpoint(checkpoint)
        assert truth.not_resumable is None
    elif metadata is not None:
        assert truth.source == "metadata"
        assert truth.not_resumable
    else:
        assert truth.source == "nothing"
        assert truth.status is None


@given(records, st.one_of(st.none(), checkpoints), st.one_of(st.none(), metadatas))
def test_completed_and_cancelled_stand_whatever_the_checkpoint_says(
    record: RecordFacts, checkpoint: CheckpointFacts | None, metadata: MetadataFacts | None
) -> None:
    truth = reconcile(record, checkpoint, metadata)
    if record.status in (S.COMPLETED, S.CANCELLED):
        assert truth.status is record.status
        assert truth.source == "record"


@given(records, checkpoints)
def test_an_unfinished_or_lagging_record_takes_the_status_of_its_checkpoint(
    record: RecordFacts, checkpoint: CheckpointFacts
) -> None:
    truth = reconcile(record, checkpoint)
    lags = record.status in (S.INITIALIZING, S.RUNNING) or (
        record.status in (S.PAUSED, S.FAILED) and checkpoint.seq > record.checkpoint_seq
    )
    assert truth.status is (status_of_checkpoint(checkpoint) if lags else record.status)


@given(records, checkpoints)
def test_progress_comes_from_the_checkpoint_when_its_total_can_be_used(
    record: RecordFacts, checkpoint: CheckpointFacts
) -> None:
    truth = reconcile(record, checkpoint)
    if checkpoint.total_steps > 0 and checkpoint.total_steps >= checkpoint.step_index:
        assert truth.total_steps == checkpoint.total_steps
        finished = truth.status is S.COMPLETED
        assert truth.step_index == (checkpoint.total_steps if finished else checkpoint.step_index)


@given(records, st.one_of(st.none(), checkpoints), st.one_of(st.none(), metadatas))
def test_applying_the_corrections_leaves_nothing_to_correct(
    record: RecordFacts, checkpoint: CheckpointFacts | None, metadata: MetadataFacts | None
) -> None:
    truth = reconcile(record, checkpoint, metadata)
    if truth.status is None:
        return
    corrected = RecordFacts(
        status=truth.status,
        checkpoint_seq=max(record.checkpoint_seq, checkpoint.seq if checkpoint else 0),
        step_index=truth.step_index,
        total_steps=truth.total_steps,
        merge=truth.merge,
        stop_kind=truth.stop_kind,
    )
    again = reconcile(corrected, checkpoint, metadata)
    assert (again.status, again.step_index, again.total_steps, again.merge) == (
        truth.status,
        truth.step_index,
        truth.total_steps,
        truth.merge,
    )
    assert again.corrections == ()


@given(
    st.one_of(st.none(), records),
    st.one_of(st.none(), checkpoints),
    st.one_of(st.none(), metadatas),
)
def test_nothing_at_rest_is_ever_live(
    record: RecordFacts | None, checkpoint: CheckpointFacts | None, metadata: MetadataFacts | None
) -> None:
    state = reconcile(record, checkpoint, metadata).state_if_at_rest
    assert state is None or not state.is_live


def test_a_checkpoint_stopped_by_cancel_is_a_cancelled_run() -> None:
    truth = reconcile(
        RecordFacts(S.RUNNING), CheckpointFacts(C.INTERRUPTED, 1, 3, 4, stop_kind="cancel")
    )
    assert truth.state_if_at_rest is State.CANCELLED


def test_a_record_ahead_of_its_checkpoint_is_pulled_back_and_says_so() -> None:
    truth = reconcile(
        RecordFacts(S.RUNNING, checkpoint_seq=5, step_index=3, total_steps=3),
        CheckpointFacts(C.RUNNING, 2, 3, seq=5),
    )
    assert truth.step_index == 2
    assert ("current_step", 3, 2, "the record is ahead of checkpoint 5") in [
        (one.field, one.found, one.true, one.because) for one in truth.corrections
    ]


def test_a_failed_checkpoint_gives_a_running_record_its_error() -> None:
    truth = reconcile(RecordFacts(S.RUNNING), CheckpointFacts(C.FAILED, 1, 3, 2, error="exit 2"))
    assert truth.status is S.FAILED
    assert truth.error == "exit 2"


def test_a_record_of_the_original_without_progress_takes_it_from_the_checkpoint() -> None:
    truth = reconcile(
        RecordFacts(S.PAUSED),
        CheckpointFacts(C.INTERRUPTED, step_index=2, total_steps=0),
        MetadataFacts("in_progress", total_steps=5),
    )
    assert (truth.step_index, truth.total_steps) == (2, 5)


def test_metadata_adds_that_a_completed_run_was_merged() -> None:
    truth = reconcile(
        RecordFacts(S.COMPLETED, merge="pending"), None, MetadataFacts("merged", merged=True)
    )
    assert truth.state_if_at_rest is State.MERGED
