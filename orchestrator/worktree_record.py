"""The metadata file of a run's worktree, as its owner keeps it."""

from __future__ import annotations

from typing import Any

from store import worktree_metadata
from store.errors import StoreError
from store.events import EventLog
from store.home import Home
from store.states import StopKind
from store.times import utc_now
from store.worktree_metadata import WorktreeStatus


class WorktreeRecord:
    """Keeps the document and writes it whole; a write that fails is an event, nothing more."""

    def __init__(
        self, home: Home, repo: str, run_id: str, document: dict[str, Any], events: EventLog
    ) -> None:
        self._home = home
        self._repo = repo
        self._run_id = run_id
        self._document = document
        self._events = events

    def set_status(
        self,
        status: WorktreeStatus,
        *,
        stop: StopKind | None = None,
        error: str | None = None,
        numbers: dict[str, Any] | None = None,
    ) -> None:
        """Say what became of the worktree, and what the run did to it."""
        worktree_metadata.set_status(self._document, status, now=utc_now(), stop=stop, error=error)
        if numbers is not None:
            worktree_metadata.set_numbers(self._document, **numbers)
        self.write()

    def answered(self, answer: str) -> None:
        """Remember what a person answered when asked whether to merge."""
        worktree_metadata.set_merge_answer(self._document, answer, now=utc_now())
        self.write()

    def write(self) -> None:
        try:
            worktree_metadata.write(self._home, self._repo, self._run_id, self._document)
        except StoreError as error:
            self._events.append(
                "store_warning",
                path=str(self._home.metadata_file(self._repo, self._run_id)),
                problem=str(error),
                moved_to=None,
            )
