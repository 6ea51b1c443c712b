"""Worktrees are made side by side, whole, and again after any crash; nothing unsaved is removed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from orchestrator.git.command import GitError
from orchestrator.git.repository import discover, read_head
from orchestrator.git.worktrees import (
    branch_commit,
    clear_dead_locks,
    dirty_fingerprint,
    ignored_count,
    in_progress_operation,
    is_dirty,
    is_worktree,
    list_worktrees,
    make,
    make_anew,
    remake_from_branch,
    remove,
)
from orchestrator.steps.process_end import Wanted, kill
from tests.orchestrator.git.repositories import BRANCH, commit, git, write
from tests.orchestrator.git.test_command import hook


def test_a_worktree_is_whole_on_its_branch_at_its_base(repository: Path, worktree: Path) -> None:
    assert git(worktree, "status", "--porcelain=v1", "--branch") == f"## {BRANCH}"
    assert (worktree / "README.md").read_text() == "# Project\n"
    assert read_head(worktree) == read_head(repository)
    assert is_worktree(worktree) and not is_dirty(worktree)


def test_it_may_begin_at_an_older_commit_and_never_tracks(repository: Path, tmp_path: Path) -> None:
    old = read_head(repository)
    commit(repository, {"new": "x"})
    git(repository, "config", "branch.autoSetupMerge", "always")
    make(discover(repository), tmp_path / "w", "prodigy-w", old)
    assert not (tmp_path / "w" / "new").exists()
    assert git(repository, "config", "branch.prodigy-w.remote", check=False) == ""


def test_making_and_removing_run_no_hooks(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for name in ("post-checkout", "post-index-change", "reference-transaction"):
        hook(repository, name, f"touch {ran}")
    found = discover(repository)
    make(found, tmp_path / "w", "prodigy-w", read_head(repository))
    remove(found, tmp_path / "w", branch="prodigy-w")
    assert not ran.exists()


def test_eight_at_once_all_succeed_while_others_are_removed(
    repository: Path, tmp_path: Path
) -> None:
    commit(repository, {f"d{n}/file": "x" for n in range(50)})
    found = discover(repository)
    base = read_head(repository)
    errors: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(4):
                path, branch = tmp_path / f"session-{number}-{turn}", f"prodigy-{number}-{turn}"
                make(found, path, branch, base)
                assert not is_dirty(path)
                commit(path, {"mine": str(number)})
                if turn % 2:
                    remove(found, path, branch=branch)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(list_worktrees(found)) == 1 + 8 * 2


def test_worktrees_are_listed_with_their_branches(repository: Path, worktree: Path) -> None:
    main, linked = list_worktrees(discover(repository))
    assert (main.path, main.branch) == (repository, "main")
    assert (linked.path, linked.branch, linked.head) == (worktree, BRANCH, read_head(repository))
    git(worktree, "checkout", "-q", "--detach")
    shutil.rmtree(worktree)
    linked = list_worktrees(discover(repository))[1]
    assert (linked.branch, linked.prunable) == (None, True)


DAMAGES = ("nothing", "HEAD", "commondir", "gitdir", "index", ".git", "tree", "registration")


def damage(repository: Path, worktree: Path, what: str) -> None:
    """Leave what a kill at some instant of ``worktree add`` leaves."""
    registration = repository / ".git" / "worktrees" / worktree.name
    match what:
        case "HEAD" | "commondir" | "gitdir":
            (registration / what).unlink()
        case "index":
            (registration / "index.lock").touch()
            (worktree / "README.md").unlink()
        case ".git":
            (worktree / ".git").unlink()
        case "tree":
            shutil.rmtree(worktree)
        case "registration":
            shutil.rmtree(registration)
            (repository / ".git" / "refs" / "heads" / f"{BRANCH}.lock").touch()


@pytest.mark.parametrize("what", DAMAGES)
def test_a_half_made_worktree_is_made_anew(repository: Path, worktree: Path, what: str) -> None:
    write(worktree, {"half": "x"})
    damage(repository, worktree, what)
    make_anew(discover(repository), worktree, BRANCH, read_head(repository))
    assert git(worktree, "status", "--porcelain=v1", "--branch") == f"## {BRANCH}"
    assert not (worktree / "half").exists()
    assert len(list_worktrees(discover(repository))) == 2


@pytest.mark.parametrize("what", DAMAGES)
def test_what_one_killed_start_left_never_stops_another(
    repository: Path, worktree: Path, tmp_path: Path, what: str
) -> None:
    damage(repository, worktree, what)
    found = discover(repository)
    make(found, tmp_path / "session-2", "prodigy-session-2", read_head(repository))
    assert is_worktree(tmp_path / "session-2")
    assert git(repository, "worktree", "list") != ""


def test_kills_at_random_instants_of_making_leave_nothing_in_the_way(
    repository: Path, tmp_path: Path
) -> None:
    commit(repository, {f"d{n}/file{m}": "x" * 1000 for n in range(20) for m in range(10)})
    found = discover(repository)
    base = read_head(repository)
    program = (
        "import sys; from pathlib import Path\n"
        "from orchestrator.git.repository import discover\n"
        "from orchestrator.git.worktrees import make\n"
        "found = discover(Path(sys.argv[1]))\n"
        "print(flush=True)\n"
        "make(found, Path(sys.argv[2]), sys.argv[3], sys.argv[4])\n"
    )
    chance = random.Random(20260)
    for number in range(12):
        path, branch = tmp_path / f"session-{number}", f"prodigy-session-{number}"
        owner = subprocess.Popen(
            [sys.executable, "-c", program, str(repository), str(path), branch, base],
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[3]),
                "PRODIGY_SESSION_ID": path.name,
            },
        )
        assert owner.stdout is not None
        owner.stdout.readline()
        time.sleep(chance.uniform(0, 0.05))
        owner.kill()
        kill(Wanted(path.name))
        owner.wait()
        make_anew(found, path, branch, base)
        assert git(path, "status", "--porcelain=v1", "--branch") == f"## {branch}"
    assert git(repository, "fsck", "--connectivity-only") == ""
    assert len(list_worktrees(found)) == 13


def test_a_lost_worktree_comes_back_from_its_branch(repository: Path, worktree: Path) -> None:
    new = commit(worktree, {"work": "x"})
    shutil.rmtree(worktree)
    assert remake_from_branch(discover(repository), worktree, BRANCH) is None
    assert (read_head(worktree), is_dirty(worktree)) == (new, False)


def test_files_in_the_place_of_a_lost_worktree_are_moved_aside(
    repository: Path, worktree: Path
) -> None:
    (worktree / ".git").unlink()
    write(worktree, {"precious": "x"})
    moved = remake_from_branch(discover(repository), worktree, BRANCH)
    assert moved is not None and (moved / "precious").read_text() == "x"
    assert not is_dirty(worktree)


def test_a_worktree_without_its_branch_cannot_come_back(repository: Path, worktree: Path) -> None:
    remove(discover(repository), worktree, branch=BRANCH)
    with pytest.raises(GitError, match="worktree add"):
        remake_from_branch(discover(repository), worktree, BRANCH)


def test_a_worktree_with_unsaved_work_is_removed_only_by_force(
    repository: Path, worktree: Path
) -> None:
    found = discover(repository)
    write(worktree, {"new": "x"})
    with pytest.raises(GitError, match="worktree remove"):
        remove(found, worktree, branch=BRANCH)
    assert (worktree / "new").exists() and branch_commit(found, BRANCH) is not None
    remove(found, worktree, force=True)
    assert not worktree.exists()
    assert branch_commit(found, BRANCH) is not None
    remove(found, worktree, branch=BRANCH)
    assert branch_commit(found, BRANCH) is None


def test_what_is_uncommitted_is_known_and_ignored_files_are_counted(worktree: Path) -> None:
    commit(worktree, {".gitignore": "build/\n*.log\n"})
    write(worktree, {"build/x": "", "a.log": ""})
    assert not is_dirty(worktree)
    assert ignored_count(worktree) == 2
    write(worktree, {"new": ""})
    assert is_dirty(worktree)


def test_the_fingerprint_changes_with_content_and_only_with_content(worktree: Path) -> None:
    clean = dirty_fingerprint(worktree)
    assert dirty_fingerprint(worktree) == clean
    write(worktree, {"README.md": "edited\n", "new": "1"})
    edited = dirty_fingerprint(worktree)
    assert edited != clean
    git(worktree, "add", "--all")
    os.utime(worktree / "new")
    assert dirty_fingerprint(worktree) == edited
    write(worktree, {"new": "2"})
    assert dirty_fingerprint(worktree) not in (edited, clean)
    assert git(worktree, "status", "--porcelain=v1") == "M  README.md\nAM new"


def test_an_operation_in_progress_is_named(repository: Path, worktree: Path) -> None:
    assert in_progress_operation(worktree) is None
    commit(worktree, {"README.md": "ours\n"})
    commit(repository, {"README.md": "theirs\n"})
    git(worktree, "merge", "main", check=False)
    assert in_progress_operation(worktree) == "merge"
    git(worktree, "merge", "--abort")
    git(worktree, "rebase", "main", check=False)
    assert in_progress_operation(worktree) == "rebase"


def test_only_the_locks_of_the_run_itself_are_cleared(repository: Path, worktree: Path) -> None:
    common = repository / ".git"
    own = [
        common / "refs" / "heads" / f"{BRANCH}.lock",
        common / "worktrees" / worktree.name / "index.lock",
        common / "worktrees" / worktree.name / "HEAD.lock",
    ]
    others = [common / "index.lock", common / "packed-refs.lock", common / "config.lock"]
    for lock in (*own, *others):
        lock.touch()
    assert sorted(clear_dead_locks(discover(repository), worktree, BRANCH)) == sorted(own)
    assert not any(lock.exists() for lock in own)
    assert all(lock.exists() for lock in others)
    commit(worktree, {"work": "x"})
    assert clear_dead_locks(discover(repository), worktree.parent / "gone", BRANCH) == []
