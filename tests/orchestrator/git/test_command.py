"""git is called without what would lead it astray, and its failures are told to people."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from orchestrator.git.command import (
    LOCATION_VARIABLES,
    Git,
    GitError,
    find_git,
    identity_fallback,
    without_locations,
)
from tests.orchestrator.git.repositories import commit, git


def hook(repository: Path, name: str, text: str) -> None:
    path = repository / ".git" / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_inherited_locations_do_not_lead_it_elsewhere(
    repository: Path, worktree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in LOCATION_VARIABLES - {"GIT_PREFIX", "GIT_NAMESPACE"}:
        monkeypatch.setenv(name, str(repository / ".git"))
    assert Git(worktree).look("rev-parse", "--show-toplevel").text == str(worktree)
    assert without_locations({"GIT_DIR": "x", "PATH": "y"}) == {"PATH": "y"}


def test_a_failure_says_what_git_said(repository: Path) -> None:
    with pytest.raises(GitError, match=r"git checkout failed: .*no-such") as caught:
        Git(repository).run("checkout", "no-such-branch")
    assert caught.value.exit_code == 1
    assert not Git(repository).run("checkout", "no-such-branch", check=False).ok


def test_a_missing_git_and_a_missing_directory_are_told(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a directory"):
        Git(tmp_path / "gone").run("status")
    with pytest.raises(GitError, match="not installed"):
        Git(tmp_path, {"PATH": str(tmp_path)}).run("status")
    assert find_git({"PATH": str(tmp_path)}) is None
    assert find_git() is not None


def test_a_background_child_of_a_hook_does_not_hold_us(repository: Path) -> None:
    hook(repository, "post-commit", "sleep 40 &")
    started = time.monotonic()
    Git(repository).run("commit", "--allow-empty", "-m", "x")
    assert time.monotonic() - started < 20


def test_hooks_run_only_where_they_should(repository: Path) -> None:
    hook(repository, "post-commit", "touch ran")
    Git(repository).run("commit", "--allow-empty", "-m", "x", hooks=False)
    assert not (repository / "ran").exists()
    Git(repository).run("commit", "--allow-empty", "-m", "x")
    assert (repository / "ran").exists()


def test_nothing_waits_for_an_answer(repository: Path) -> None:
    hook(repository, "pre-commit", "read answer </dev/tty || exit 0")
    Git(repository).run("commit", "--allow-empty", "-m", "x")
    assert Git(repository).run("hash-object", "--stdin").stdout != ""


def test_input_and_odd_names_survive(repository: Path) -> None:
    name = "a\udcff b\tñ"
    (repository / name).write_text("x")
    listed = Git(repository).look("ls-files", "--others", "-z").fields
    assert listed == [name]
    Git(repository).run("add", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=f"{name}\0")
    assert Git(repository).look("ls-files", "-z").fields == ["README.md", name]


def test_looking_takes_no_locks(repository: Path) -> None:
    commit(repository, {f"file{n}": "x" for n in range(20)})
    for n in range(20):
        os.utime(repository / f"file{n}")
    (repository / ".git" / "index.lock").touch()
    assert Git(repository).look("status", "--porcelain").text == ""


def test_an_identity_is_lent_only_where_there_is_none(
    repository: Path, no_git_identity: None
) -> None:
    lent = identity_fallback(Git(repository))
    assert lent["GIT_COMMITTER_EMAIL"] == "prodigy@localhost"
    Git(repository, {**os.environ, **lent}).run("commit", "--allow-empty", "-m", "x")
    assert git(repository, "log", "-1", "--format=%an %ae") == "Prodigy prodigy@localhost"
    git(repository, "config", "user.name", "Somebody")
    git(repository, "config", "user.email", "somebody@localhost")
    assert identity_fallback(Git(repository)) == {}
