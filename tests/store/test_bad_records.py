"""Lists: every session is a row, whatever its files are like, and says what is wrong with them."""

from __future__ import annotations

import os
import shutil

import pytest

from store import atomic
from store.catalog import Catalog, SessionFilter
from store.home import Home
from store.states import CheckpointStatus, SessionStatus, State
from tests.store.runs import (
    metadata,
    only,
    record,
    saved_checkpoint,
    seen,
    session,
    write,
)

S, C = SessionStatus, CheckpointStatus
RUN = "session-a"
WHOLE = atomic.dump_json(record(RUN))


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"{", b"\0" * 500, b"\xff\xfe{\0}\0", b"[" * 3000, WHOLE[:-2]]
    + [WHOLE[: len(WHOLE) // 2], b'{"status": "Running"}', b"hello"],
)
def test_one_bad_record_is_one_row_with_a_reason_and_hides_no_other(
    home: Home, catalog: Catalog, content: bytes
) -> None:
    session(home, "session-good", S.FAILED)
    session(home, RUN).write_bytes(content)
    assert seen(catalog) == [("session-good", State.FAILED), (RUN, State.UNREADABLE)]
    row = catalog.row(RUN)
    assert row is not None
    assert row.problem


def test_the_reason_says_where_the_record_is_bad(home: Home, catalog: Catalog) -> None:
    session(home, RUN).write_bytes(WHOLE[:1] + b"\n oops" + WHOLE[1:])
    assert "(byte 3)" in (only(catalog).problem or "")


def test_things_that_are_no_files_are_rows_too(home: Home, catalog: Catalog) -> None:
    session(home, "session-good")
    home.session_file("session-directory").mkdir()
    os.mkfifo(home.session_file("session-fifo"))
    home.session_file("session-dangling").symlink_to(home.root / "nowhere")
    (home.sessions / "notes.txt").write_text("hello", encoding="utf-8")
    (home.sessions / ".session-x.json.tmp").write_text("{", encoding="utf-8")
    (home.sessions / "..json").write_text("{", encoding="utf-8")
    assert seen(catalog) == [
        ("session-dangling", State.UNREADABLE),
        ("session-directory", State.UNREADABLE),
        ("session-fifo", State.UNREADABLE),
        ("session-good", State.COMPLETED),
    ]


def test_a_bad_record_shows_what_its_checkpoint_says(home: Home, catalog: Catalog) -> None:
    saved_checkpoint(home, RUN, 2)
    home.sessions.mkdir(parents=True)
    home.session_file(RUN).write_text("{", encoding="utf-8")
    row = only(catalog)
    assert (row.state, row.workflow, row.repo, row.step_index) == (
        State.UNREADABLE,
        "release-notes",
        "webapp",
        2,
    )


def test_a_run_without_a_record_is_a_row_from_its_checkpoint(home: Home, catalog: Catalog) -> None:
    saved_checkpoint(home, RUN, 2)
    row = only(catalog)
    assert (row.state, row.workflow, row.step_index, row.total_steps) == (
        State.NO_RECORD,
        "release-notes",
        2,
        3,
    )
    assert row.problem == "only its checkpoint is known"
    assert row.branch == f"prodigy-{RUN}"
    assert [one.id for one in catalog.rows(SessionFilter(repo="webapp"))] == [RUN]
    session(home, RUN, S.PAUSED)
    assert only(catalog).state is State.PAUSED
    home.session_file(RUN).unlink()
    assert only(catalog).state is State.NO_RECORD


def test_a_run_known_only_by_its_worktree_is_a_row_until_that_is_cleaned_up(
    home: Home, catalog: Catalog
) -> None:
    metadata(home, RUN)
    metadata(home, "mapreduce-agent-job_agent_1")
    row = only(catalog)
    assert (row.state, row.problem, row.repo) == (
        State.NO_RECORD,
        "only its worktree is known",
        "webapp",
    )
    metadata(home, RUN, "cleaned_up", merged=True)
    assert catalog.refresh().removed == {RUN}
    assert catalog.rows() == []


def test_directories_that_are_no_runs_are_no_rows(home: Home, catalog: Catalog) -> None:
    home.run_lock("session-never-began").parent.mkdir(parents=True)
    home.run_lock("session-never-began").touch()
    other = home.state / "webapp" / "checkpoints"
    other.mkdir(parents=True)
    (other / "merge-workflow-1.checkpoint.json").write_text("{}", encoding="utf-8")
    assert seen(catalog) == []


def test_an_unknown_status_is_shown_as_it_is_and_marked(home: Home, catalog: Catalog) -> None:
    write(home, record(RUN) | {"status": "Active"})
    row = only(catalog)
    assert (row.state, row.status, row.newer_format) == (State.UNREADABLE, "Active", True)


def test_a_second_record_of_a_run_says_whose_it_is(home: Home, catalog: Catalog) -> None:
    session(home, "workflow-1767225600999", S.PAUSED)
    path = session(home, "session-double", S.PAUSED, workflow_id="workflow-1767225600999")
    shutil.rmtree(home.run_directory("session-double"))
    catalog.refresh()
    rows = {row.id: row.problem for row in catalog.rows()}
    assert rows["session-double"] == "duplicate record of workflow-1767225600999"
    assert rows["workflow-1767225600999"] is None
    path.unlink()
    assert catalog.refresh().removed == {"session-double"}


def test_an_unusable_checkpoint_leaves_the_record_to_speak(home: Home, catalog: Catalog) -> None:
    session(home, RUN, S.RUNNING)
    saved_checkpoint(home, RUN, 2)
    for path in home.checkpoints_directory(RUN).rglob("*.json"):
        path.write_text("{", encoding="utf-8")
    row = only(catalog)
    assert (row.state, row.step_index) == (State.INTERRUPTED, 1)
