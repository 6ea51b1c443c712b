"""Fixtures of the command line's tests: calling it, and a home with runs of every kind."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from store.home import Home
from store.manager import SessionManager
from store.session import SessionConfig
from tests.app.cli.calling import CommandLine

THREE_STEPS = """\
name: three
commands:
  - shell: echo one
  - name: keep a file
    shell: echo kept > kept.txt && git add kept.txt && git commit -q -m kept
  - name: the last one
    shell: echo three; test ! -e "$STOP_FILE"
"""


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line in this process."""
    return CommandLine(capsys)


@pytest.fixture
def here(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that is the current directory."""
    monkeypatch.chdir(repository)
    return repository


@pytest.fixture
def workflow(here: Path) -> Callable[..., str]:
    """Writes a workflow beside the repository and returns its path."""

    def write(text: str = THREE_STEPS, name: str = "work.yml") -> str:
        path = here.parent / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def completed(call: CommandLine, workflow: Callable[..., str]) -> str:
    """The id of a run that completed, its merge open."""
    text = THREE_STEPS.replace('; test ! -e "$STOP_FILE"', "")
    done = call("run", workflow(text, "good.yml"), "--json").expect(0)
    return str(done.document["id"])


@pytest.fixture
def failed(
    call: CommandLine,
    workflow: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """The id of a run that failed at its third step; removing ``$STOP_FILE`` mends it."""
    stop = tmp_path / "stop"
    stop.touch()
    monkeypatch.setenv("STOP_FILE", str(stop))
    done = call("run", workflow(THREE_STEPS), "--json").expect(1)
    return str(done.document["id"])


@pytest.fixture
def make_session(home: Home) -> Callable[..., str]:
    """Makes a session record without running anything; ``end`` completes, fails or cancels it."""

    def make(run_id: str, *, name: str = "made", repo: str = "api", end: str = "") -> str:
        manager = SessionManager(home)
        metadata = {
            "project_name": repo,
            "x_prodigy": {"repo": {"name": repo, "path": f"/src/{repo}"}, "branch": f"b-{run_id}"},
        }
        manager.create_session(
            SessionConfig(
                workflow_id=f"workflow-{abs(hash(run_id))}",
                workflow_name=name,
                id=run_id,
                total_steps=4,
                metadata=metadata,
            )
        )
        if end in ("completed", "failed", "paused", "cancelled"):
            manager.start_session(run_id)
        match end:
            case "completed":
                manager.complete_session(run_id, True)
            case "failed":
                manager.complete_session(run_id, False, "it broke")
            case "paused":
                manager.pause_session(run_id)
            case "cancelled":
                manager.cancel_session(run_id)
        return run_id

    return make
