"""Look-ups: whatever id somebody has at hand leads to its run, or says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.errors import AmbiguousId, InvalidId, NotFound, StoreError
from store.home import Home
from store.lookup import resolve
from store.states import SessionStatus
from store.times import to_text
from tests.store.runs import LATER, metadata, record, saved_checkpoint, session, write

S = SessionStatus
ONE = "session-3f1c9a52-7d0e-4b57-9e0a-5c1f2b8d6e40"
TWO = "session-3f1cffff-0000-4b57-9e0a-5c1f2b8d6e40"
JOB = "mapreduce-20260102_091530-9c4e"


@pytest.fixture
def stocked(home: Home) -> Home:
    session(home, ONE, S.FAILED, workflow_id="workflow-1767225600001")
    session(home, TWO, S.PAUSED, workflow_id="workflow-1767225600002", repo="api")
    metadata(home, TWO)
    return home


@pytest.mark.parametrize(
    "text",
    [
        ONE,
        f"  {ONE}\n",
        "3f1c9a52",
        "session-3f1c9",
        "3f1c9",
        f"prodigy-{ONE}",
        "prodigy-3f1c9a52",
        "workflow-1767225600001",
    ],
)
def test_every_form_of_an_id_leads_to_the_run(stocked: Home, text: str) -> None:
    assert resolve(stocked, text) == ONE


def test_the_path_of_a_state_file_counts_as_its_id(stocked: Home) -> None:
    saved_checkpoint(stocked, ONE, 1)
    main = next(stocked.checkpoints_directory(ONE).glob("*.json"))
    for path in (stocked.session_file(ONE), stocked.run_log(ONE), main):
        assert resolve(stocked, str(path)) == ONE
    assert resolve(stocked, str(stocked.metadata_file("webapp", TWO))) == TWO
    assert resolve(stocked, str(stocked.worktree("webapp", TWO) / "src")) == TWO


def test_a_beginning_that_several_share_names_them(stocked: Home) -> None:
    with pytest.raises(AmbiguousId) as caught:
        resolve(stocked, "3f1c")
    assert caught.value.candidates == (ONE, TWO)


def test_one_workflow_id_in_two_runs_is_ambiguous(stocked: Home) -> None:
    session(stocked, "session-other", workflow_id="workflow-1767225600001")
    with pytest.raises(AmbiguousId):
        resolve(stocked, "workflow-1767225600001")


def test_a_beginning_must_be_long_enough(stocked: Home) -> None:
    for text in ("3f1", "session-", "session-3f", "s"):
        with pytest.raises(NotFound):
            resolve(stocked, text)


def test_what_is_not_there_names_near_ones(stocked: Home) -> None:
    with pytest.raises(NotFound) as caught:
        resolve(stocked, "3f1c9a53")
    assert ONE in caught.value.hint
    assert "prodigy sessions list" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["../x", "", "x" * 300, "a\nb", "-rf", "a/b", "\0", "..", "/etc/passwd", "ü"]
)
def test_what_cannot_be_an_id_is_refused(stocked: Home, text: str) -> None:
    with pytest.raises(InvalidId):
        resolve(stocked, text)


def test_a_home_that_does_not_exist_has_no_runs(home: Home) -> None:
    with pytest.raises(NotFound):
        resolve(home, "session-3f1c")
    with pytest.raises(NotFound):
        resolve(home, "latest")


def test_a_run_without_a_record_is_found_by_id_checkpoint_and_beginning(home: Home) -> None:
    made = saved_checkpoint(home, "session-91d0c2aa", 1)
    for text in ("session-91d0c2aa", "91d0", made.workflow_id):
        assert resolve(home, text) == "session-91d0c2aa"


def test_a_run_known_only_by_its_worktree_is_found(home: Home) -> None:
    metadata(home, "session-91d0c2aa")
    home.worktree("api", "session-77777777").mkdir(parents=True)
    assert resolve(home, "session-91d0c2aa") == "session-91d0c2aa"
    assert resolve(home, "prodigy-session-91d0c2aa") == "session-91d0c2aa"
    assert resolve(home, "session-77777777") == "session-77777777"


def test_a_branch_or_worktree_of_another_name_is_found(home: Home) -> None:
    document = record(ONE)
    document["metadata"]["x_prodigy"]["branch"] = "topic-of-the-day"
    document["metadata"]["worktree_name"] = "old-worktree"
    write(home, document)
    assert resolve(home, "topic-of-the-day") == ONE


def job(home: Home) -> None:
    document: dict[str, Any] = record(ONE)
    document["session_type"] = "MapReduce"
    document["workflow_data"] = None
    document["mapreduce_data"] = {"job_id": JOB}
    write(home, document)


@pytest.mark.parametrize(
    "text",
    [
        JOB,
        f"{JOB}_agent_3",
        f"mapreduce-agent-{JOB}_agent_3",
        f"prodigy-mapreduce-agent-{JOB}_agent_12",
        "mapreduce-20260102",
    ],
)
def test_a_job_and_its_agents_lead_to_the_run(home: Home, text: str) -> None:
    job(home)
    assert resolve(home, text) == ONE


def test_a_job_is_found_by_its_mapping(home: Home) -> None:
    session(home, ONE)
    mapping = home.state / "webapp" / "mappings" / f"{JOB}.json"
    mapping.parent.mkdir(parents=True)
    mapping.write_text(json.dumps({"session_id": ONE, "job_id": JOB}), encoding="utf-8")
    assert resolve(home, JOB) == ONE


def test_the_id_of_a_session_checkpoint_leads_to_its_run(home: Home) -> None:
    document = record(ONE)
    checkpoint_id = "checkpoint-5b0f7f0e-2a57-4c0e-9a7e-0d8f5d6f2b11"
    document["checkpoints"] = [{"id": checkpoint_id, "state": {}}]
    write(home, document)
    session(home, TWO, error=f"mentions {checkpoint_id}")
    assert resolve(home, checkpoint_id) == ONE


def test_of_two_records_the_one_that_owns_the_directory_wins(home: Home) -> None:
    saved_checkpoint(home, "workflow-1767225600999", 1)
    document = record("session-random", workflow_id="workflow-1767225600999")
    home.sessions.mkdir(parents=True)
    home.session_file("session-random").write_text(json.dumps(document), encoding="utf-8")
    assert resolve(home, "session-random") == "workflow-1767225600999"
    assert resolve(home, "rand") == "workflow-1767225600999"


def test_latest_is_the_newest_start_here(stocked: Home) -> None:
    newer = record("session-new", S.PAUSED, repo="webapp")
    newer["started_at"] = to_text(LATER)
    write(stocked, newer)
    assert resolve(stocked, "latest") == "session-new"
    assert resolve(stocked, "latest", repo="api") == TWO
    assert resolve(stocked, "latest-failed") == ONE
    assert resolve(stocked, "latest-failed", repo="webapp") == ONE
    with pytest.raises(NotFound, match="no failed session in api"):
        resolve(stocked, "latest-failed", repo="api")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=30))
def test_no_text_does_worse_than_a_refusal(stocked: Home, text: str) -> None:
    try:
        found = resolve(stocked, text)
    except StoreError:
        return
    assert found in (ONE, TWO)


def test_a_look_up_writes_nothing_but_the_index(stocked: Home) -> None:
    def files() -> dict[Path, int]:
        everything = (path for path in stocked.root.rglob("*") if path.is_file())
        return {
            path: path.stat().st_mtime_ns
            for path in everything
            if not path.name.startswith("index.db")
        }

    before = files()
    resolve(stocked, "3f1c9")
    with pytest.raises(NotFound):
        resolve(stocked, "session-nowhere")
    assert files() == before
