"""Fixtures for all tests: a world in a temporary directory, far from the user's own."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.home import Home
from tests.program import Program
from tests.world import World, end_marked

ROOT = Path(__file__).resolve().parent.parent
_KEPT = ("PRODIGY_CRASH_KILLS",)
_GIT_CONFIG = """\
[user]
\tname = Test Person
\temail = test@localhost
[init]
\tdefaultBranch = main
[commit]
\tgpgsign = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[advice]
\tdetachedHead = false
"""


@pytest.fixture(autouse=True)
def world_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees or touches the user's home, git configuration or Prodigy store.

    Returns the directory that stands for the user's home.
    """
    user_home = tmp_path / "user"
    user_home.mkdir()
    git_config = user_home / "gitconfig"
    git_config.write_text(_GIT_CONFIG, encoding="utf-8")
    for name in list(os.environ):
        ours = name.startswith(("PRODIGY_", "GIT_", "XDG_", "FAKE_CLAUDE"))
        if (ours and name not in _KEPT) or name in _SETTINGS_OF_THE_USER:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(user_home))
    monkeypatch.setenv("PRODIGY_HOME", str(tmp_path / "prodigy"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(git_config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "UTC")
    return user_home


_SETTINGS_OF_THE_USER = frozenset(
    {"NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CI", "COLUMNS", "LINES", "PAGER", "EDITOR"}
    | {"DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "SSH_CONNECTION", "SSH_TTY", "TMUX", "STY"}
    | {"TEXTUAL_THEME", "TEXTUAL_ANIMATIONS", "VISUAL", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The state home of this test, the one its programs use too; nothing exists yet."""
    return Home(tmp_path / "prodigy")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with one commit on ``main``."""
    path = tmp_path / "project"
    make_repository(path)
    return path


def make_repository(path: Path) -> None:
    """Make a git repository with one commit on ``main``."""
    path.mkdir(parents=True)
    (path / "README.md").write_text("# Project\n", encoding="utf-8")
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "begin"]):
        subprocess.run(["git", *words], cwd=path, check=True, capture_output=True)


@pytest.fixture
def no_git_identity(world_of_its_own: Path, repository: Path) -> None:
    """A machine on which git was never told who commits; the repository came from another one."""
    assert repository.exists()
    config = world_of_its_own / "gitconfig"
    text = _GIT_CONFIG.split("[init]", 1)[1]
    config.write_text(f"[user]\n\tuseConfigOnly = true\n[init]{text}", encoding="utf-8")


@pytest.fixture
def prodigy(repository: Path, tmp_path: Path) -> Iterator[Program]:
    """The real program, started in the repository; ``prodigy("run", file).expect(0)``."""
    program = Program(repository, tmp_path / "outputs")
    yield program
    program.end_all()


@pytest.fixture
def world(home: Home, repository: Path, prodigy: Program) -> Iterator[World]:
    """A repository, a state home and the program; no process of a run survives the test."""
    world = World(home, repository, prodigy)
    yield world
    prodigy.end_all()
    for record in world.records:
        end_marked(record.stem)


@pytest.fixture
def fake_claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``claude`` on PATH that speaks the real one's stream-json; see ``tests/fake_claude``.

    Returns the file that gets one JSON line for each of its calls.
    """
    calls = tmp_path / "claude-calls.jsonl"
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    wrapper = programs / "claude"
    wrapper.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -S -E "{ROOT / "tests" / "fake_claude"}" "$@"\n',
        encoding="utf-8",
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_CLAUDE_CALLS", str(calls))
    return calls
