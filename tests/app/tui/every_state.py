"""A home with one session in every state there is, and what of it lies on the disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from store.home import Home
from store.owner import read_owner, write_owner
from store.states import SessionStatus as S
from store.states import State
from store.times import to_text
from tests.app.tui.prepared_store import NOW, PreparedStore, Run, Step
from tests.app.tui.sample_runs import numbered

NEWER = "newer"
"""Stands for the session a newer version wrote, beside the states."""
_MINUTE, _HOUR = 60.0, 3600.0


def _run(number: int, status: S, at: int = 2, **about: Any) -> Run:
    return Run(number, f"work-{number}", "api", numbered(4), at, _HOUR, status, **about)


def _live(number: int, status: S = S.RUNNING, **about: Any) -> Run:
    return _run(number, status, **{"owner": "live", "silent": 1.0, **about})


def _waiting(kind: str) -> dict[str, Any]:
    return {"kind": kind, "reason": "a question", "since": to_text(NOW)}


def _runs() -> dict[State | str, Run]:
    failing = Step("shell: pytest -q", (61.0,), output="E  it broke\n1 failed\n")
    failed = _run(1, S.FAILED, failure={"exit_code": 1}, error="exit 1")
    failed.steps = (*numbered(2), failing, *numbered(1))
    return {
        State.FAILED: failed,
        State.MERGE_FAILED: _run(2, S.COMPLETED, 4, merge="failed",
                                 merge_about={"error": "conflict in go.sum"}),
        State.UNREADABLE: _run(3, S.PAUSED, stop={"kind": "pause"}),
        State.NO_RECORD: _run(4, S.PAUSED, stop={"kind": "pause"}),
        State.INTERRUPTED: _run(5, S.RUNNING),
        State.STALLED: _live(6, silent=18 * _MINUTE),
        State.UNKNOWN: _run(7, S.RUNNING, owner="elsewhere"),
        State.NEEDS_ANSWER: _live(8, waiting=_waiting("person")),
        State.WAITING: _live(9, waiting=_waiting("clock")),
        State.RUNNING: _live(10),
        State.STARTING: _live(11, S.INITIALIZING, at=0),
        State.PAUSING: _live(12, asked=("pause",)),
        State.CANCELLING: _live(13, asked=("cancel",)),
        State.MERGING: _live(14, S.COMPLETED, at=4, merge="pending", command="merge"),
        State.RESUMING: _live(15, S.FAILED, command="resume", failure={"exit_code": 1}),
        State.PAUSED: _run(16, S.PAUSED, stop={"kind": "pause"}),
        State.UNMERGED: _run(17, S.COMPLETED, 4, merge="pending", commits=2, files_changed=3),
        State.MERGED: _run(18, S.COMPLETED, 4, merge="merged",
                           merge_about={"commit": "a91f3c2f" * 5}),
        State.COMPLETED: _run(19, S.COMPLETED, 4),
        State.CANCELLED: _run(20, S.CANCELLED, stop={"kind": "cancel"}),
        NEWER: _run(21, S.FAILED, failure={"exit_code": 1}, error="exit 1"),
    }  # fmt: skip


@contextmanager
def one_of_each(home: Home, projects: Path) -> Iterator[dict[State | str, str]]:
    """A home with these sessions; their ids by state."""
    store = PreparedStore(home, projects)
    try:
        ids = {state: store.add(run) for state, run in _runs().items()}
        for number, run_id in enumerate(ids.values(), 1):
            home.worktree("api", run_id).mkdir(parents=True)
            workflow = projects / "api" / f"work-{number}.yml"
            workflow.parent.mkdir(parents=True, exist_ok=True)
            workflow.write_text("- shell: one\n- shell: two\n- shell: three\n", encoding="utf-8")
        home.session_file(ids[State.UNREADABLE]).write_text('{"id": "session-', encoding="utf-8")
        home.session_file(ids[State.NO_RECORD]).unlink()
        _not_begun(home, ids[State.RESUMING])
        _from_the_future(home.session_file(ids[NEWER]))
        yield ids
    finally:
        store.close()


def _not_begun(home: Home, run_id: str) -> None:
    """Its owner is about to begin an attempt the record does not know yet."""
    owner = read_owner(home, run_id)
    assert owner is not None
    write_owner(home, run_id, replace(owner, attempt=2))


def _from_the_future(record: Path) -> None:
    document = json.loads(record.read_text("utf-8"))
    document["metadata"]["x_prodigy"]["format"] = 99
    record.write_text(json.dumps(document), encoding="utf-8")


def tree(home: Home) -> dict[str, bytes]:
    """Everything in a home, but for the index, which every reader may write."""
    return {
        str(path.relative_to(home.root)): path.read_bytes()
        for path in sorted(home.root.rglob("*"))
        if path.is_file() and not path.name.startswith("index.db")
    }
