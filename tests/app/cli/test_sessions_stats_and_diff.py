"""``prodigy sessions stats`` and ``diff``: they tell what runs did, and change nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from store.home import Home
from tests.app.cli.calling import CommandLine

MakeSession = Callable[..., str]


def test_no_runs_are_one_sentence(call: CommandLine) -> None:
    assert call("sessions", "stats").expect(0).stdout == "No runs to tell about.\n"
    document = call("sessions", "stats", "--json").expect(0).document
    assert document["workflows"] == [] and document["total"]["runs"] == 0


def test_runs_are_counted_by_workflow_and_day(call: CommandLine, make_session: MakeSession) -> None:
    make_session("session-1", name="fix", end="completed")
    make_session("session-2", name="fix", end="failed")
    make_session("session-3", name="lint", end="completed", repo="web")
    document = call("sessions", "stats", "--json").expect(0).document
    assert [
        (one["workflow"], one["runs"], one["success_rate"]) for one in document["workflows"]
    ] == [("fix", 2, 0.5), ("lint", 1, 1.0)]
    assert sum(day["runs"] for day in document["days"]) == 3
    assert document["steps"] is None
    only = call("sessions", "stats", "--json", "--repo", "web").document
    assert only["total"]["runs"] == 1


def test_the_period_leaves_out_what_began_before(
    call: CommandLine, make_session: MakeSession
) -> None:
    make_session("session-1", end="completed")
    assert call("sessions", "stats", "--since", "2099-01-01").stdout == "No runs to tell about.\n"
    assert "1 run, 100 % done" in call("sessions", "stats", "--since", "1h").stdout


def test_one_workflow_has_its_steps(call: CommandLine, failed: str) -> None:
    done = call("sessions", "stats", "--workflow", "three").expect(0)
    table = done.stdout.split("STEP", 1)[1]
    assert "3 the last one" in table and "100 %" in table
    steps = call("sessions", "stats", "--workflow", "three", "--json").document["steps"]
    assert [(step["step"], step["failed"]) for step in steps] == [(1, 0), (2, 0), (3, 1)]


def test_runs_are_taken_together_by_repository_and_as_csv(
    call: CommandLine, make_session: MakeSession
) -> None:
    make_session("session-1", name="fix", end="completed", repo="api")
    make_session("session-2", name="lint", end="failed", repo="api")
    make_session("session-3", name="lint", end="completed", repo="web")
    document = call("sessions", "stats", "--by", "repository", "--json").expect(0).document
    assert [(one["repository"], one["runs"]) for one in document["repositories"]] == [
        ("api", 2),
        ("web", 1),
    ]
    lines = call("sessions", "stats", "--by", "repository", "--csv").expect(0).stdout.splitlines()
    assert lines[0].startswith("repository,runs,completed,failed,success_rate,p50_seconds")
    assert [line.split(",")[:5] for line in lines[1:]] == [
        ["api", "2", "1", "1", "0.5"],
        ["web", "1", "1", "0", "1.0"],
    ]
    assert call("sessions", "stats", "--csv", "--since", "2099-01-01").stdout.count("\n") == 1


def test_a_difference_has_commits_and_what_is_not_committed(
    call: CommandLine, home: Home, here: Path, failed: str
) -> None:
    (worktree,) = (home.root / "worktrees").glob("*/session-*")
    (worktree / "new.txt").write_text("new\n", encoding="utf-8")
    before = subprocess.run(["git", "status"], cwd=worktree, capture_output=True).stdout
    text = call("sessions", "diff", failed).expect(0).stdout
    assert "+kept" in text and "+new" in text
    document = call("sessions", "diff", failed, "--json").document
    assert [(one["path"], one["added"], one["untracked"]) for one in document["files"]] == [
        ("kept.txt", 1, False),
        ("new.txt", 1, True),
    ]
    assert subprocess.run(["git", "status"], cwd=worktree, capture_output=True).stdout == before


def test_a_difference_of_one_step(call: CommandLine, failed: str) -> None:
    stat = call("sessions", "diff", failed, "--step", "2", "--stat").expect(0)
    assert stat.stdout.splitlines()[1].split() == ["kept.txt", "+1", "−0"]
    assert call("sessions", "diff", failed, "--step", "1").stdout == "Step 1 changed nothing.\n"
    assert call("sessions", "diff", failed, "--step", "3").stdout == "Step 3 changed nothing.\n"
    call("sessions", "diff", failed, "--step", "4").expect(2)


def test_without_its_worktree_the_branch_is_compared(
    call: CommandLine, home: Home, here: Path, completed: str
) -> None:
    (worktree,) = (home.root / "worktrees").glob("*/session-*")
    subprocess.run(["git", "worktree", "remove", "--force", worktree], cwd=here, check=True)
    assert "+kept" in call("sessions", "diff", completed).expect(0).stdout
    subprocess.run(["git", "branch", "-D", f"prodigy-{completed}"], cwd=here, check=True)
    subprocess.run(["git", "reflog", "expire", "--expire=now", "--all"], cwd=here, check=True)
    subprocess.run(["git", "gc", "--quiet", "--prune=now"], cwd=here, check=True)
    done = call("sessions", "diff", completed).expect(1)
    assert "its worktree and its branch are gone" in done.stderr
