"""A session with a real repository and a real worktree: two commits made, two files uncommitted."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from store.home import Home
from tests.app.tui.prepared_store import Run

MOMENT = "2026-01-15T09:00:00Z"
AUTH = """\
from api import tokens


def refresh(token):
    payload = tokens.decode(token)
    if payload.expired:
        raise TokenError("expired")
    return tokens.issue(payload.user)
"""
AUTH_FIXED = AUTH.replace('        raise TokenError("expired")\n', "        return Response(401)\n")
AUTH_EDITED = AUTH_FIXED.replace(
    "    payload = tokens.decode(token)\n",
    "    try:\n        payload = tokens.decode(token)\n    except TokenError:\n"
    "        return Response(401)\n",
)
TESTS = "def test_refresh_expired(client):\n    assert client.post('/refresh').status_code == 401\n"
MORE_TESTS = "".join(f"\n\ndef test_case_{number}(client):\n    pass\n" for number in range(3))
VARIABLES = {
    "ARG": "214",
    "BASE_URL": "https://api.example.org/v2",
    "issue": "Refreshing an expired token answers 500.\nIt should answer 401, with a hint.",
    "plan": "decode, catch, answer; call it with ***API_TOKEN***",
    "changed_files": ["src/api/auth.py", "tests/test_auth.py"],
    "shell.exit_code": 0,
    "shell.output": "",
}


class _Tree:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def git(self, *arguments: str) -> str:
        # set here, so that commits have the same ids on every machine
        fixed = {
            "GIT_AUTHOR_NAME": "Ana", "GIT_AUTHOR_EMAIL": "ana@localhost",
            "GIT_COMMITTER_NAME": "Ana", "GIT_COMMITTER_EMAIL": "ana@localhost",
            "GIT_AUTHOR_DATE": MOMENT, "GIT_COMMITTER_DATE": MOMENT,
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
        }  # fmt: skip
        done = subprocess.run(
            ["git", *arguments], cwd=self.directory, env={**os.environ, **fixed},
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")


_PATH = os.environ["PATH"]


def program_path(directory: Path) -> str:
    """A PATH on which there is a ``claude``, whatever machine this is: plans name what is missing.

    Args:
        directory: where it is put.
    """
    directory.mkdir(parents=True, exist_ok=True)
    claude = directory / "claude"
    claude.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    claude.chmod(0o755)
    return f"{directory}{os.pathsep}{_PATH}"


def with_worktree(run: Run, home: Home, projects: Path) -> Run:
    """A run with its repository and worktree made, and its first two steps' commits in it."""
    project = _Tree(projects / run.repo)
    project.directory.mkdir(parents=True)
    project.git("init", "--quiet", "--initial-branch=main")
    project.write("src/api/auth.py", AUTH)
    project.write("README.md", "# api\n")
    base = project.commit("Begin")
    worktree = _Tree(home.worktree(run.repo, run.id))
    worktree.directory.parent.mkdir(parents=True)
    project.git("worktree", "add", "--quiet", "-b", f"prodigy-{run.id}", str(worktree.directory))
    worktree.write("src/api/auth.py", AUTH_FIXED)
    worktree.commit("Answer 401 for an expired token")
    worktree.write("tests/test_auth.py", TESTS)
    head = worktree.commit("Test refreshing with an expired token")
    worktree.write("src/api/auth.py", AUTH_EDITED)
    worktree.write("tests/test_auth.py", TESTS + MORE_TESTS)
    worktree.write("notes.txt", "look at tokens.decode\n")
    build, fix, *rest = run.steps
    steps = (replace(build, heads=(base, base)), replace(fix, heads=(base, head)), *rest)
    return replace(
        run, steps=steps, base=base, variables=VARIABLES, secrets=("API_TOKEN",), commits=2
    )


def move_on(project: Path) -> None:
    """Let ``main`` get a commit that a merge of :func:`with_worktree`'s branch conflicts with."""
    checkout = _Tree(project)
    checkout.write("src/api/auth.py", AUTH.replace('"expired"', '"too old"'))
    checkout.commit("Say it otherwise")
