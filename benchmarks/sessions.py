"""A store of many sessions, made at once: finished ones, and some whose owner was killed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from store.home import Home
from store.session import SessionConfig, new_document
from store.states import SessionStatus
from store.step_logs import next_log, relative_name
from store.times import to_text
from store.transitions import transition

WORKFLOWS = ("release", "nightly", "fix-tests", "review", "docs")


def fill(root: Path, count: int, *, crashed: int = 0) -> None:
    """Write ``count`` records, the last ``crashed`` of them Running; no lock is held."""
    home = Home(root)
    home.sessions.mkdir(parents=True, mode=0o700)
    began = datetime(2026, 1, 1, tzinfo=UTC)
    config = SessionConfig(workflow_id="workflow-0", workflow_name="x", total_steps=8)
    document = new_document(config, _id(0), began)
    transition(document, SessionStatus.RUNNING, now=began)
    running = copy.deepcopy(document)
    transition(document, SessionStatus.COMPLETED, now=began + timedelta(minutes=4))
    for number in range(count):
        is_crashed = number >= count - crashed
        _write(home, number, running if is_crashed else document, began)
        home.run_directory(_id(number)).mkdir(parents=True, mode=0o700)
        home.run_lock(_id(number)).touch(0o600)


def add_failed(root: Path, number: int, workflow: str, output: Iterable[bytes]) -> None:
    """Write a run that failed in its only step, which printed this."""
    home = Home(root)
    now = datetime.now(UTC)
    config = SessionConfig(workflow_id="workflow-f", workflow_name=workflow, total_steps=1)
    document = new_document(config, _id(number), now)
    transition(document, SessionStatus.RUNNING, now=now)
    log = next_log(home, _id(number), 0)
    with log.path.open("wb") as file:
        file.writelines(output)
    failure = {"step_index": 0, "label": "shell: make", "exit_code": 1, "attempt": 1,
               "log": relative_name(home, _id(number), log.path), "at": to_text(now)}  # fmt: skip
    transition(document, SessionStatus.FAILED, now=now, error="exit 1", failure=failure)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    home.session_file(_id(number)).write_text(text, encoding="utf-8")


def _id(number: int) -> str:
    return f"session-{number:08x}-0000-4000-8000-000000000000"


def _write(home: Home, number: int, like: dict[str, Any], began: datetime) -> None:
    document = copy.deepcopy(like)
    moment = (began + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    document.update(id=_id(number), started_at=moment, updated_at=moment)
    if document["completed_at"] is not None:
        document["completed_at"] = moment
    data = document["workflow_data"]
    data["workflow_id"] = f"workflow-{1_767_225_600_000 + number}"
    data["workflow_name"] = WORKFLOWS[number % len(WORKFLOWS)]
    document["metadata"]["project_name"] = f"repo-{number % 7}"
    text = json.dumps(document, indent=2, ensure_ascii=False)
    home.session_file(_id(number)).write_text(text, encoding="utf-8")
