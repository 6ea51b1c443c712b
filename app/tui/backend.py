"""The dashboard's only door to the store and the orchestrator.

Everything here may block and is called from worker threads, except what only returns a value.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app import format as form
from app.stalling import stall_after_seconds
from app.status_style import Chip, chip_of
from app.tui.doing import Doer
from app.tui.doing import Refused as Refused
from app.tui.session_reader import SessionReader
from app.tui.typed import prodigy_word, tilde
from store.errors import NotFound, StoreError
from store.home import Home
from store.row import SessionRow
from store.states import State
from store.times import utc_now

if TYPE_CHECKING:
    from app.tui.new_run_views import BeginsAt, WorkflowChoice, WorkflowView
    from store.catalog import Catalog
    from store.watch import ChangeFeed

NO_ANSWER_SECONDS = 10.0
FIRST_ROWS = 200
"""So many sessions are shown before the rest of them is read."""


@dataclass(frozen=True, slots=True)
class First:
    """The first sessions of the list, and the counts of all."""

    rows: tuple[SessionRow, ...]
    counts: Mapping[Chip, int]


@dataclass(frozen=True, slots=True)
class Refresh:
    """What changed in the store since the last look."""

    rows: tuple[SessionRow, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pulse:
    """Sessions at work, looked at again: rows, when their output grew, who does not answer."""

    rows: tuple[SessionRow, ...]
    output_us: dict[str, int]
    silent: dict[str, str]
    removed: tuple[str, ...] = ()


class Backend(SessionReader, Doer):
    """Reads sessions, and asks for things to be done.

    Args:
        home: the state home.
        directory: where new runs start; the current directory.
        clock: the present moment.
        read_only: no action writes.
        use_index: whether lists may come from the index.
    """

    def __init__(
        self,
        home: Home,
        directory: Path,
        *,
        clock: Callable[[], datetime] = utc_now,
        read_only: bool = False,
        use_index: bool = True,
    ) -> None:
        super().__init__(home, clock)
        self.directory = directory
        self.read_only = read_only
        self._use_index = use_index
        self._lock = threading.Lock()
        self._catalog: Catalog | None = None
        self._feed: ChangeFeed | None = None
        self._noticed: set[tuple[str, str, str]] = set()
        """Requests their owners have noticed: run, action, moment."""

    @property
    def home_words(self) -> str:
        """The home as people write it."""
        return tilde(self.home.root)

    @property
    def prodigy_word(self) -> str:
        """How the program is typed in a fresh terminal, so that it acts on this home."""
        return prodigy_word(self.home)

    @property
    def workflows_words(self) -> str:
        """How many workflows the current repository offers."""
        found = len(self.workflow_files())
        return f"{form.count(found, 'workflow')} in this repository" if found else ""

    def repository_name(self) -> str | None:
        """The name of the repository the dashboard was opened in, or None."""
        from app.tui.workflow_reading import repository_root

        root = repository_root(self.directory)
        if root is None:
            return None
        from orchestrator.git.command import GitError
        from orchestrator.git.repository import NoCommits, NotARepository, discover

        try:
            return discover(root).name
        except (GitError, NotARepository, NoCommits, OSError):
            return None

    def line_of_step(self, path: Path, index: int) -> int | None:
        """The line of a workflow file a step begins at, or None."""
        from orchestrator.workflow.load import load_workflow

        try:
            workflow = load_workflow(path).workflow
        except OSError:
            return None
        if workflow is None or not 0 <= index < len(workflow.steps):
            return None
        return workflow.steps[index].position.line

    # -- the list

    def _open_catalog(self) -> Catalog:
        from store.catalog import Catalog

        if self._catalog is None:
            self._catalog = Catalog(
                self.home,
                use_index=self._use_index,
                stall_after_seconds=stall_after_seconds(self.home, os.environ),
                clock_ns=lambda: int(self.clock().timestamp() * 1e9),
            )
        return self._catalog

    def trouble(self, error: BaseException) -> tuple[str, str]:
        """Why the store could not be read: in a few words, and in a sentence."""
        if isinstance(error, NotFound) and error.path == self.home.root:
            gone = f"{self.home_words} is gone"
            return gone, f"{gone}. Waiting for it to come back."
        reason = error.reason if isinstance(error, StoreError) else f"{error}"
        return "store not readable", f"store not readable: {form.one_line(reason)}"

    @property
    def is_writable(self) -> bool:
        """Whether something can be written into the home; one that is not there yet can be made."""
        root = self.home.root
        return not root.exists() or os.access(root, os.W_OK)

    @property
    def records_read(self) -> int:
        """How many sessions were read so far; never waits."""
        catalog = self._catalog
        return 0 if catalog is None else catalog.records_read

    def first(self, count: int = FIRST_ROWS) -> First:
        """The sessions that need somebody most, and how many there are of each group.

        Of a hundred thousand they are there long before all of them are.
        """
        from store.catalog import SessionFilter

        with self._lock:
            catalog = self._open_catalog()
            catalog.refresh()
            rows = catalog.rows(SessionFilter(limit=count))
            counts: Counter[Chip] = Counter()
            for state, number in catalog.counts().items():
                counts[chip_of(state)] += number
        return First(tuple(rows), counts)

    def load(self) -> list[SessionRow]:
        """Every session, as :meth:`first` found them."""
        with self._lock:
            return list(self._open_catalog().rows(None))

    def every_run(self) -> list[SessionRow]:
        """Every session as the last look found it, archived ones too."""
        from store.catalog import SessionFilter

        with self._lock:
            return list(self._open_catalog().rows(SessionFilter(archived=None)))

    def refresh(self, ids: Collection[str] | None = None) -> Refresh:
        """Look again at these sessions, or at the whole home; what is different since.

        Raises:
            StoreError: the home cannot be read.
        """
        with self._lock:
            catalog = self._open_catalog()
            changed = catalog.refresh(ids)
            return self._told(changed.ids, changed.removed)

    def _told(self, ids: Iterable[str], removed: Iterable[str] = ()) -> Refresh:
        """What became of these sessions: an archived one is gone from the list."""
        catalog = self._open_catalog()
        rows, gone = [], list(removed)
        for run_id in ids:
            row = catalog.row(run_id)
            if row is None or row.archived:
                gone.append(run_id)
            else:
                rows.append(row)
        return Refresh(tuple(rows), tuple(gone))

    def row(self, run_id: str) -> SessionRow | None:
        """One session as it is now."""
        with self._lock:
            self._open_catalog().refresh((run_id,))
            return next(iter(self._told((run_id,)).rows), None)

    def look(self, ids: Collection[str]) -> Refresh:
        """Look again at these sessions, and tell of each, changed or not."""
        with self._lock:
            changed = self._open_catalog().refresh(ids)
            return self._told(changed.ids.union(ids) - changed.removed, changed.removed)

    def pulse(self, ids: Sequence[str]) -> Pulse:
        """Look again at sessions at work: whether they still are, and whether they say anything."""
        found = self.look(ids)
        rows = found.rows
        now = self.clock()
        output: dict[str, int] = {}
        silent: dict[str, str] = {}
        for row in rows:
            grew = self._output_grew_us(row)
            if grew is not None:
                output[row.id] = grew
            if row.state in (State.PAUSING, State.CANCELLING):
                words = self._no_answer(row, now)
                if words:
                    silent[row.id] = words
        return Pulse(rows, output, silent, found.removed)

    def _output_grew_us(self, row: SessionRow) -> int | None:
        if not row.step_log or not row.state.is_live:
            return None
        try:
            log = self.home.run_directory(row.id) / row.step_log
            return log.stat().st_mtime_ns // 1000
        except OSError:
            return None

    def _no_answer(self, row: SessionRow, now: datetime) -> str:
        """Who has not even noticed a request, and what may be done about it; empty when it has."""
        from store.locks import process_state
        from store.owner import read_owner, this_host

        asked_us = self._unnoticed_since(row.id)
        if asked_us is None:
            return ""
        waited = now.timestamp() - asked_us / 1e6
        owner = read_owner(self.home, row.id)
        if waited < NO_ANSWER_SECONDS or owner is None or owner.host != this_host():
            return ""
        state = process_state(owner.pid) or "gone"
        return f"no answer in {int(waited)}s · process {owner.pid} {state} · kill -9 is safe"

    def owner_words(self, row: SessionRow) -> str:
        """What the owner of a session is doing, as the system says; empty when it is elsewhere."""
        from store.locks import process_state
        from store.owner import this_host

        if row.owner_pid is None or row.owner_host != this_host():
            return ""
        return process_state(row.owner_pid) or "gone"

    def _unnoticed_since(self, run_id: str) -> int | None:
        """When the first request was made that the owner has not noticed."""
        from store.noticed import was_noticed
        from store.requests import pending
        from store.rows import microseconds

        unnoticed = []
        for request in pending(self.home, run_id):
            one = (run_id, request.action, request.requested_at)
            if one not in self._noticed and was_noticed(self.home, run_id, request):
                self._noticed.add(one)
            moment = microseconds(request.requested_at)
            if one not in self._noticed and moment is not None:
                unnoticed.append(moment)
        return min(unnoticed, default=None)

    def follow(self, changed: Callable[[set[str]], None]) -> None:
        """Call ``changed`` (from some thread) with the ids of sessions whose files change."""
        from store.watch import ChangeFeed

        feed = ChangeFeed(self.home)
        feed.start(changed)
        self._feed = feed

    def close(self) -> None:
        """Stop following, and write what was learned to the index."""
        self.stop()
        with self._lock:
            if self._catalog is not None:
                self._catalog.close()
                self._catalog = None

    def stop(self) -> None:
        """Stop following."""
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.stop()

    # -- new runs

    def workflow_files(self) -> list[WorkflowChoice]:
        """The workflow files the current repository offers."""
        from app.tui.workflow_reading import find_workflows

        return find_workflows(self.directory)

    def inspect(self, path: Path) -> WorkflowView:
        """A workflow file: steps, parameters and problems with their positions."""
        from app.tui.workflow_reading import read_workflow

        return read_workflow(path)

    def begins_at(self, choice: WorkflowChoice) -> BeginsAt:
        """Where a run started here begins, and which files it does not see."""
        from app.tui.workflow_reading import begins_at

        return begins_at(choice)
