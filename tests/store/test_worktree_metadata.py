"""Worktree metadata: what the original reads of it, and what survives a rewrite."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from store.errors import NotFound, ReadOnly, Unreadable
from store.home import Home
from store.states import StopKind
from store.times import from_text, to_text
from store.worktree_metadata import (
    WorktreeStatus,
    find_metadata,
    new_document,
    read,
    read_if_any,
    set_merge_answer,
    set_numbers,
    set_status,
    write,
)

RUN = "session-a"
NOW = from_text("2026-01-01T10:00:00Z")
REQUIRED = {
    *("session_id", "worktree_name", "branch", "created_at", "updated_at", "status"),
    *("iterations", "stats", "merged", "merge_prompt_shown", "resumable"),
}


def fresh(branch: str | None = "main") -> dict[str, Any]:
    return new_document(
        session_id=RUN,
        branch=f"prodigy-{RUN}",
        original_branch=branch,
        path=Path("/w/session-a"),
        repo_path=Path("/src/webapp"),
        base_commit="d" * 40,
        now=NOW,
    )


def test_new_metadata_has_all_the_original_needs(home: Home) -> None:
    write(home, "webapp", RUN, fresh())
    found = read(home, "webapp", RUN)
    assert found.document.keys() >= REQUIRED
    assert (found.status, found.original_branch, found.path) == (
        "in_progress",
        "main",
        "/w/session-a",
    )
    assert fresh(None)["original_branch"] == ""
    path = home.metadata_file("webapp", RUN)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("stop", "word"),
    [
        (StopKind.SIGINT, "user_interrupt"),
        (StopKind.PAUSE_NOW, "user_interrupt"),
        (StopKind.SIGTERM, "termination"),
        (StopKind.SIGHUP, "termination"),
        (StopKind.CRASH, "process_kill"),
        (StopKind.INTERNAL_ERROR, "unknown"),
    ],
)
def test_an_interruption_says_how(stop: StopKind, word: str) -> None:
    document = fresh()
    set_status(document, WorktreeStatus.INTERRUPTED, now=NOW, stop=stop)
    assert document["interruption_type"] == word
    assert document["resumable"]
    set_status(document, WorktreeStatus.IN_PROGRESS, now=NOW)
    assert document["interruption_type"] is None


def test_what_is_over_is_not_resumable_and_merged_keeps_its_moment() -> None:
    document = fresh()
    for status in (WorktreeStatus.COMPLETED, WorktreeStatus.MERGED):
        set_status(document, status, now=NOW)
        assert not document["resumable"]
    merged_at = document["merged_at"]
    set_status(document, WorktreeStatus.CLEANED_UP, now=NOW + timedelta(hours=1))
    assert document["merged"]
    assert document["merged_at"] == merged_at
    set_status(document, WorktreeStatus.FAILED, now=NOW, error="exit 2")
    assert document["error"] == "exit 2"


def test_time_never_goes_back() -> None:
    document = fresh()
    set_status(document, WorktreeStatus.COMPLETED, now=NOW - timedelta(hours=1))
    assert document["updated_at"] > to_text(NOW)


def test_unknown_fields_survive_every_change(home: Home) -> None:
    document = fresh() | {"from_the_future": [1], "stats": {"new": 7}}
    write(home, "webapp", RUN, document)
    changed = read(home, "webapp", RUN).document
    set_status(changed, WorktreeStatus.COMPLETED, now=NOW)
    set_numbers(changed, files_changed=3, commits=2, last_commit="a" * 40, iterations_completed=1)
    set_merge_answer(changed, "yes", now=NOW)
    write(home, "webapp", RUN, changed)
    after = read(home, "webapp", RUN).document
    assert after["from_the_future"] == [1]
    assert after["stats"] == {
        "new": 7,
        "files_changed": 3,
        "commits": 2,
        "last_commit_sha": "a" * 40,
    }
    assert after["merge_prompt_response"] == "yes"


def test_a_newer_format_is_not_written_over(home: Home) -> None:
    document = fresh()
    document["x_prodigy"]["format"] = 2
    with pytest.raises(ReadOnly):
        write(home, "webapp", RUN, document)


def test_it_is_found_without_knowing_the_repository(home: Home, tmp_path: Path) -> None:
    assert find_metadata(home, RUN) is None
    assert read_if_any(home, RUN) is None
    elsewhere = tmp_path / "user" / ".prodigy" / "worktrees" / "api" / ".metadata"
    elsewhere.mkdir(parents=True)
    (elsewhere / f"{RUN}.json").write_text(json.dumps(fresh()), encoding="utf-8")
    assert find_metadata(home, RUN) is None
    assert find_metadata(home, RUN, user_home=tmp_path / "user") == elsewhere / f"{RUN}.json"
    write(home, "session-x", RUN, fresh())
    found = find_metadata(home, RUN, user_home=tmp_path / "user")
    assert found == home.root / "worktrees" / "session-x_repo" / ".metadata" / f"{RUN}.json"


def test_bad_metadata_is_told_apart_from_none(home: Home) -> None:
    with pytest.raises(NotFound):
        read(home, "webapp", RUN)
    path = home.metadata_file("webapp", RUN)
    path.parent.mkdir(parents=True)
    for odd in ("", "{", "[]", '{"status": 3}'):
        path.write_text(odd, encoding="utf-8")
        with pytest.raises(Unreadable):
            read(home, "webapp", RUN)
        assert read_if_any(home, RUN) is None
