"""Whatever directory one asks in, the answer is the main repository's; HEAD is read from files."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from orchestrator.git.command import Git, GitError
from orchestrator.git.repository import (
    NoCommits,
    NotARepository,
    current_branch,
    discover,
    has_identity,
    read_head,
    unseen_files,
)
from orchestrator.reporting import UnseenFiles
from tests.orchestrator.git.repositories import commit, git, make_run_worktree, write
from tests.orchestrator.steps.shells import wait_until


def test_every_way_in_gives_the_same_repository(
    repository: Path, worktree: Path, tmp_path: Path
) -> None:
    nested = make_run_worktree(worktree, tmp_path / "worktrees", "session-2")
    (repository / "sub").mkdir()
    (tmp_path / "link").symlink_to(repository)
    found = [discover(start) for start in (repository, repository / "sub", tmp_path / "link")]
    assert {r.checkout for r in found} == {repository}
    found += [discover(worktree), discover(nested)]
    assert {(r.name, r.path, r.common_dir) for r in found} == {
        ("project", repository, repository / ".git")
    }
    assert found[-1].checkout == nested


def test_a_worktree_of_a_bare_repository_is_named_after_it(
    repository: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "store.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    git(bare, "worktree", "add", "-q", str(tmp_path / "tree"))
    found = discover(tmp_path / "tree")
    assert (found.name, found.path, found.checkout) == ("store.git", bare, tmp_path / "tree")
    with pytest.raises(NotARepository, match="no working tree"):
        discover(bare)


def test_a_submodule_is_a_repository_of_its_own(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    git(tmp_path, "init", "-q", str(outer))
    allow = ("-c", "protocol.file.allow=always")
    git(outer, *allow, "submodule", "--quiet", "add", str(repository), "inner")
    found = discover(outer / "inner")
    assert (found.name, found.path) == ("inner", outer / "inner")
    linked = make_run_worktree(outer / "inner", tmp_path / "worktrees")
    assert discover(linked).path == outer / "inner"


def test_no_repository_and_no_commit_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotARepository, match="not inside a git repository"):
        discover(tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    with pytest.raises(NoCommits, match="has no commit yet"):
        discover(tmp_path)
    with pytest.raises(NoCommits):
        read_head(tmp_path)
    assert current_branch(tmp_path) == "main"


def test_head_is_read_wherever_git_keeps_it(repository: Path, worktree: Path) -> None:
    for place in (repository, worktree):
        assert read_head(place) == git(place, "rev-parse", "HEAD")
    new = commit(worktree, {"a": "1"})
    assert (read_head(worktree), read_head(repository) == new) == (new, False)
    git(repository, "pack-refs", "--all")
    assert read_head(worktree) == new
    git(worktree, "checkout", "-q", "--detach")
    assert (read_head(worktree), current_branch(worktree)) == (new, None)
    assert current_branch(repository) == "main"


def test_reading_head_calls_no_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("git was called")

    monkeypatch.setattr(Git, "run", refuse)
    read_head(repository)
    current_branch(repository)


def test_the_lock_is_exclusive_and_waiting_for_it_is_said(repository: Path) -> None:
    found = discover(repository)
    said = threading.Event()
    entered = threading.Event()

    def wait_for_it() -> None:
        with found.lock(said.set):
            entered.set()

    with found.lock():
        thread = threading.Thread(target=wait_for_it)
        thread.start()
        assert said.wait(10)
        assert not entered.is_set()
    thread.join(10)
    assert entered.is_set()
    assert found.lock_file.stat().st_size == 0


def test_a_git_that_runs_under_the_lock_keeps_it(repository: Path) -> None:
    found = discover(repository)
    begun = repository / "begun"
    alias = ("-c", f"alias.wait=!touch {begun}; sleep 0.5")
    with found.lock() as lock:
        git_call = found.git()
        thread = threading.Thread(target=lambda: git_call.run(*alias, "wait", lock_fd=lock))
        thread.start()
        wait_until(begun.exists, "git to run")
        started = time.monotonic()
    with found.lock():
        waited = time.monotonic() - started
    thread.join()
    assert waited > 0.1


def test_a_lock_file_that_was_replaced_is_not_believed(repository: Path) -> None:
    found = discover(repository)
    with found.lock():
        found.lock_file.unlink()
        with found.lock():
            assert found.lock_file.exists()


def test_a_repository_that_cannot_be_locked_is_told(repository: Path) -> None:
    found = discover(repository)
    found.lock_file.mkdir()
    with pytest.raises(GitError, match="cannot lock the repository"), found.lock():
        pass


def test_what_a_run_will_not_see_is_counted_and_named(repository: Path) -> None:
    assert unseen_files(repository) == UnseenFiles()
    commit(repository, {"a": "1", "b": "1", ".gitignore": "ignored.yml\n"})
    git(repository, "mv", "b", "c")
    write(repository, {"a": "2", "new/x": "", "new/y": "", ".claude/commands/fix.md": ""})
    write(repository, {"flows/work.yml": "", "ignored.yml": ""})
    found = unseen_files(repository, repository / "flows" / "work.yml")
    assert found == UnseenFiles(2, 3, (".claude/commands/fix.md", "flows/work.yml"))
    assert unseen_files(repository, repository / "ignored.yml").named[-1] == "ignored.yml"


def test_a_workflow_outside_the_checkout_is_not_looked_for(
    repository: Path, tmp_path: Path
) -> None:
    assert unseen_files(repository, tmp_path / "work.yml") == UnseenFiles()


def test_whether_commits_have_a_name_is_known(repository: Path, no_git_identity: None) -> None:
    assert not has_identity(repository)
