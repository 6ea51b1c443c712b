"""``prodigy worktree`` and ``prodigy merge``: nothing that is nowhere else is ever removed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from app.tui.notes import note
from app.tui.widgets.detail import state_words
from store.catalog import Catalog
from store.home import Home
from store.times import from_text, to_text, utc_now
from tests.app.cli.calling import CommandLine
from tests.store.runs import Holder


def git(directory: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=directory, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def worktree_of(home: Home, run_id: str) -> Path:
    return home.worktree("project", run_id)


def test_no_worktrees_is_one_sentence(call: CommandLine) -> None:
    assert call("worktree", "ls").expect(0).stdout == "No active Prodigy worktrees found.\n"


def test_the_list_has_names_branches_and_details(
    call: CommandLine, completed: str, home: Home
) -> None:
    lines = call("worktree", "list").expect(0).stdout.splitlines()
    assert lines[0].split() == ["NAME", "BRANCH", "CREATED"]
    assert lines[1].split()[:2] == [completed, f"prodigy-{completed}"]
    (worktree_of(home, completed) / "edit.txt").write_text("x")
    (one,) = call("worktree", "list", "-d", "--json").expect(0).document["worktrees"]
    assert (one["ahead"], one["dirty"], one["state"]) == (1, True, "unmerged")
    assert "yes" in call("worktree", "list", "--detailed").expect(0).stdout


def test_of_a_live_run_is_not_told_what_nobody_looked_at(
    call: CommandLine, completed: str, home: Home
) -> None:
    with Holder(home, completed):
        (one,) = call("worktree", "list", "-d", "--json").expect(0).document["worktrees"]
        _, line = call("worktree", "list", "-d").expect(0).stdout.splitlines()
    assert (one["ahead"], one["dirty"], one["keeps"]) == (None, None, "running")
    assert line.split().count("–") == 2


def test_path_prints_just_the_path(call: CommandLine, completed: str, home: Home) -> None:
    assert call("worktree", "path", completed).expect(0).stdout == (
        f"{worktree_of(home, completed)}\n"
    )
    call("merge", completed, "--yes").expect(0)
    assert "no worktree any more" in call("worktree", "path", completed).expect(3).stderr


def test_merge_check_only_looks(call: CommandLine, completed: str, here: Path) -> None:
    done = call("merge", completed, "--check").expect(0)
    assert done.stdout == "1 commit, 1 file, +1 −0 onto main: merges cleanly\n"
    assert not (here / "kept.txt").exists()


def test_merge_brings_the_work_in_and_cleans_up(
    call: CommandLine, completed: str, here: Path, home: Home
) -> None:
    done = call("merge", completed, "--yes", "--json").expect(0).document
    assert done["merges"][0]["state"] == "merged"
    assert (here / "kept.txt").read_text() == "kept\n"
    assert not worktree_of(home, completed).exists()
    assert f"prodigy-{completed}" not in git(here, "branch", "--list")


def test_a_conflict_leaves_the_checkout_alone_and_names_the_file(
    call: CommandLine, completed: str, here: Path
) -> None:
    (here / "kept.txt").write_text("other\n")
    git(here, "add", "."), git(here, "commit", "-q", "-m", "other")
    assert "conflicts in kept.txt" in call("merge", completed, "--check").expect(0).stdout
    done = call("merge", completed, "--yes").expect(1)
    assert "kept.txt" in done.stderr
    assert (here / "kept.txt").read_text() == "other\n"


@pytest.mark.parametrize("conflicts", [False, True])
def test_every_list_says_when_it_was_merged_or_could_not_be(
    call: CommandLine, completed: str, here: Path, home: Home, conflicts: bool
) -> None:
    path = home.session_file(completed)
    document = json.loads(path.read_text())
    hour_ago = to_text(utc_now() - timedelta(hours=1))
    path.write_text(json.dumps(document | {"completed_at": hour_ago, "updated_at": hour_ago}))
    if conflicts:
        (here / "kept.txt").write_text("other\n")
        git(here, "add", "."), git(here, "commit", "-q", "-m", "other")
    call("merge", completed, "--yes").expect(int(conflicts))
    catalog = Catalog(home, use_index=False)
    catalog.refresh()
    (row,) = catalog.rows()
    now_us = int(utc_now().timestamp() * 1_000_000)
    assert now_us - row.state_since_us < 60_000_000
    assert " just now" in state_words(row, row.state_since_us)
    told = call("sessions", "list", "--json").document["sessions"][0]
    shown = call("sessions", "show", completed, "--json").document
    assert from_text(told["state_since"]).timestamp() * 1e6 == pytest.approx(row.state_since_us)
    wanted = "conflict in kept.txt · main moved by 1" if conflicts else None
    assert told["error"] == shown["error"] == row.merge_error == wanted
    assert note(row, now_us) == wanted or not conflicts
    listed = call("sessions", "list").stdout
    assert "1h" not in listed and (wanted or "") in listed


def test_merge_without_anybody_to_ask_stays_open(call: CommandLine, completed: str) -> None:
    done = call("merge", completed).expect(0)
    assert "stays unmerged" in done.stderr
    assert call("sessions", "show", completed, "--json").document["state"] == "unmerged"


def test_merge_all_means_this_repository(call: CommandLine, completed: str, here: Path) -> None:
    call("merge").expect(2)
    call("merge", "--all", "--yes").expect(0)
    assert (here / "kept.txt").exists()
    assert "No session here" in call("merge", "--all", "--yes").expect(0).stdout
    assert "Name a worktree" in call("worktree", "merge").expect(0).stdout


def test_clean_keeps_unmerged_dirty_and_resumable_ones_and_says_why(
    call: CommandLine, completed: str, failed: str, home: Home
) -> None:
    (worktree_of(home, completed) / "edit.txt").write_text("x")
    done = call("worktree", "clean", "--all").expect(0)
    assert "removed 0" in done.stdout
    assert f"{completed} (1 unmerged commit, uncommitted files)" in done.stdout
    assert f"{failed} (failed, can be resumed, 1 unmerged commit)" in done.stdout
    call("worktree", "clean", completed).expect(1)
    assert worktree_of(home, completed).exists()


def test_force_saves_edits_and_keeps_the_branch(
    call: CommandLine, completed: str, home: Home, here: Path
) -> None:
    (worktree_of(home, completed) / "edit.txt").write_text("precious")
    done = call("worktree", "clean", completed, "--force", "--json").expect(0).document
    (removed,) = done["removed"]
    assert removed["branch_kept"] == f"prodigy-{completed}"
    assert git(here, "show", f"{removed['backup']}:edit.txt") == "precious"
    assert git(here, "show", f"prodigy-{completed}:kept.txt") == "kept"
    assert not worktree_of(home, completed).exists()


def test_a_merged_and_clean_one_goes(
    call: CommandLine, completed: str, home: Home, here: Path
) -> None:
    git(here, "merge", "-q", f"prodigy-{completed}")
    dry = call("worktree", "clean", "--all", "--dry-run").expect(0)
    assert f"  {completed}" in dry.stdout
    assert worktree_of(home, completed).exists()
    call("worktree", "clean", "--merged-only", "--older-than", "1d", "--force").expect(0)
    assert worktree_of(home, completed).exists(), "it is too young"
    call("worktree", "cleanup", "--all", "--force").expect(0)
    assert not worktree_of(home, completed).exists()
    assert call("sessions", "show", completed, "--json").document["state"] == "merged"


def test_nothing_named_is_a_hint(call: CommandLine) -> None:
    assert "Name a worktree" in call("worktree", "clean").expect(0).stdout


def test_ids_of_several_kinds_name_the_same_run(
    call: CommandLine, completed: str, home: Home
) -> None:
    record = call("sessions", "show", completed, "--json").document
    short = completed.removeprefix("session-")[:6]
    for name in (completed, short, record["workflow_id"], record["branch"], "latest"):
        assert call("sessions", "show", name, "--json").expect(0).document["id"] == completed


def test_a_prefix_of_several_runs_names_the_candidates(
    call: CommandLine, make_session: Callable[..., str]
) -> None:
    make_session("session-abcd1111", end="paused")
    make_session("session-abcd2222", end="paused")
    done = call("sessions", "show", "abcd").expect(2)
    assert "session-abcd1111" in done.stderr
    assert "session-abcd2222" in done.stderr


def test_an_id_is_checked_before_it_touches_a_path(call: CommandLine) -> None:
    for text in ("../x", "a/b", "", "x" * 300, "a\nb"):
        done = call("sessions", "show", "--json", "--", text)
        assert done.exit_code in (2, 3)
        assert done.stdout == ""


def test_an_unknown_id_names_the_nearest(
    call: CommandLine, make_session: Callable[..., str]
) -> None:
    make_session("session-7c1e4f02", end="paused")
    done = call("sessions", "show", "session-7c1e4f03").expect(3)
    assert "7c1e4f02" in done.stderr


def test_latest_failed_is_of_this_repository(call: CommandLine, failed: str) -> None:
    assert call("sessions", "show", "latest-failed", "--json").document["id"] == failed
