"""SessionManager: create, change, load, list and delete session records."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store import atomic, checkpoints, fields
from store.errors import AlreadyExists, Busy, NotFound, StoreError
from store.home import Home, check_id, new_session_id
from store.locks import Liveness, RunLock, probe
from store.session import (
    SessionConfig,
    UnifiedSession,
    new_document,
    transition,
)
from store.states import SessionStatus, StopKind
from store.times import utc_now
from store.updates import SessionUpdate, apply_update, this_process

if TYPE_CHECKING:
    from store.catalog import SessionFilter
    from store.row import SessionRow


__all__ = ["SessionManager", "SessionUpdate"]

_ACTIVE = frozenset({SessionStatus.INITIALIZING, SessionStatus.RUNNING})


class SessionManager:
    """The sessions of one state home.

    A call that writes takes the run's lock for as long as it lasts, unless the manager was given
    it. Calls raise the errors of ``store.errors``.

    Args:
        storage: the state home; it is opened now, its directories made if missing.
        lock: the lock of the run this manager changes, held by the caller.

    Raises:
        StoreError: the home cannot be opened.
    """

    def __init__(self, storage: Home | Path | str, *, lock: RunLock | None = None) -> None:
        self.home = storage if isinstance(storage, Home) else Home(Path(os.path.abspath(storage)))
        self._lock = lock
        _open_store(self.home)

    def holding(self, lock: RunLock) -> SessionManager:
        """This manager for the holder of a run's lock."""
        return SessionManager(self.home, lock=lock)

    # -- creating and changing status

    def create_session(self, config: SessionConfig) -> str:
        """Create the record of a session, Initializing, and return its id.

        Creating a session again that was created the same way, has not begun and belongs to
        nobody, returns its id and changes nothing.

        Raises:
            AlreadyExists: the id is taken.
            Busy: another process is creating it.
            StoreError: the configuration lacks something, or the record cannot be written.
        """
        session_id = check_id(config.id) if config.id is not None else new_session_id()
        document = new_document(config, session_id, utc_now())
        path = self.home.session_file(session_id)
        try:
            with self._locked(session_id) as lock:
                self._create(path, document, config, lock)
        except Busy as error:
            if path.exists():
                raise _taken(path) from error
            raise
        return session_id

    def _create(
        self, path: Path, document: Mapping[str, Any], config: SessionConfig, lock: RunLock
    ) -> None:
        try:
            atomic.create_file(path, atomic.dump_json(document), fault="record")
        except AlreadyExists as error:
            if not self._is_same(document["id"], config):
                raise _taken(path) from error
        except StoreError:
            if lock is not self._lock:
                lock.delete()
            raise

    def start_session(self, session_id: str) -> UnifiedSession:
        """The session is Running."""
        return self._transition(session_id, SessionStatus.RUNNING, attempt=this_process())

    def resume_session(self, session_id: str) -> UnifiedSession:
        """The session is Running again; one that still says so was interrupted by a crash."""

        def edit(document: dict[str, Any]) -> None:
            if document.get("status") == SessionStatus.RUNNING:
                crash = {"kind": str(StopKind.CRASH)}
                transition(document, SessionStatus.PAUSED, now=utc_now(), stop=crash)
            attempt = this_process() | {"kind": "resume"}
            transition(document, SessionStatus.RUNNING, now=utc_now(), attempt=attempt)

        return self._edit(session_id, edit)

    def pause_session(
        self, session_id: str, stop: Mapping[str, Any] | None = None
    ) -> UnifiedSession:
        """The session is Paused, for the reason given."""
        return self._transition(session_id, SessionStatus.PAUSED, stop=stop)

    def complete_session(
        self, session_id: str, success: bool, error: str | None = None
    ) -> UnifiedSession:
        """The session is Completed, or Failed with the error."""
        if success:
            return self._transition(session_id, SessionStatus.COMPLETED, exit_code=0)
        return self._transition(session_id, SessionStatus.FAILED, error=error, exit_code=1)

    def cancel_session(
        self, session_id: str, by: Mapping[str, Any] | None = None
    ) -> UnifiedSession:
        """A session at rest is Cancelled; a live one is asked by a request instead.

        Raises:
            Busy: somebody is running it.
        """
        stop = {"kind": str(StopKind.CANCEL)} | ({"by": dict(by)} if by is not None else {})
        return self._transition(session_id, SessionStatus.CANCELLED, stop=stop)

    def update_session(self, session_id: str, update: SessionUpdate) -> UnifiedSession:
        """Change a session.

        Raises:
            InvalidTransition: the status cannot be reached; nothing is changed.
            StoreError: the progress makes no sense; nothing is changed.
        """
        return self._edit(session_id, lambda document: apply_update(document, update))

    # -- reading

    def load_session(self, session_id: str) -> UnifiedSession:
        """Read a session from disk.

        Raises:
            NotFound: it has no record.
            Unreadable: its record cannot be used.
        """
        return UnifiedSession.parse(self._read(session_id), session_id)

    def list_sessions(self, session_filter: SessionFilter | None = None) -> list[SessionRow]:
        """All sessions the filter lets through; one bad file is one row with a problem."""
        from store.catalog import Catalog

        with Catalog(self.home) as catalog:
            catalog.refresh()
            return catalog.rows(session_filter)

    def live_sessions(self) -> list[SessionRow]:
        """The sessions an owner is at work on."""
        return [row for row in self.list_sessions() if row.state.is_live]

    def list_checkpoints(self, session_id: str) -> list[checkpoints.HistoryEntry]:
        """The saved checkpoints of a session, oldest first."""
        return checkpoints.history(self.home, session_id)

    # -- deleting

    def delete_session(self, session_id: str, purge: bool = False, *, force: bool = False) -> None:
        """Delete a session's record; one that does not exist is fine.

        Args:
            session_id: the session.
            purge: also delete its state, events, worktree metadata and mappings; never a worktree
                or a branch.
            force: also when one cannot tell whether somebody is running it.

        Raises:
            Busy: somebody is running it, or might be.
            StoreError: something could not be deleted.
        """
        self._refuse_unknown(session_id, force=force)
        record = self.home.session_file(session_id)
        run_existed = self.home.run_directory(session_id).exists()
        with self._locked(session_id) as lock:
            if purge:
                for path in _traces(self.home, session_id):
                    _delete(path)
            with atomic.reporting("delete", record):
                existed = record.is_symlink() or record.exists()
                if existed:
                    record.unlink()
            if existed:
                atomic.sync_directory(record.parent)
            if purge or not run_existed:
                lock.delete()

    # -- how it is done

    def _transition(
        self,
        session_id: str,
        to: SessionStatus,
        *,
        error: str | None = None,
        stop: Mapping[str, Any] | None = None,
        attempt: Mapping[str, Any] | None = None,
        exit_code: int | None = None,
    ) -> UnifiedSession:
        def edit(document: dict[str, Any]) -> None:
            transition(
                document,
                to,
                now=utc_now(),
                error=error,
                stop=stop,
                attempt=attempt,
                exit_code=exit_code,
            )

        return self._edit(session_id, edit)

    def _edit(self, session_id: str, edit: Callable[[dict[str, Any]], None]) -> UnifiedSession:
        if not self.home.session_file(session_id).exists():
            self._read(session_id)  # says what is wrong, without leaving a lock file behind
        with self._locked(session_id):
            document = self._read(session_id)
            session = UnifiedSession.parse(document, session_id)
            edit(document)
            is_final = session.completed_at is not None
            atomic.replace_file(
                self.home.session_file(session_id),
                atomic.dump_json(document),
                sync=True,
                sync_directory=is_final,
                fault="record",
            )
            return session

    def _read(self, session_id: str) -> dict[str, Any]:
        try:
            return atomic.read_json_object(self.home.session_file(session_id))
        except NotFound as error:
            raise NotFound(
                f"no session {session_id}",
                operation="read",
                hint="prodigy sessions list shows the ids",
            ) from error

    def _refuse_unknown(self, session_id: str, *, force: bool) -> None:
        try:
            active = self._read(session_id).get("status") in _ACTIVE
        except StoreError:
            active = False
        verdict = probe(self.home, session_id, says_active=active)
        if verdict.liveness is Liveness.UNKNOWN and not force:
            raise Busy(f"session {session_id} may be running: {verdict.reason}", operation="delete")

    def _holds(self, session_id: str) -> bool:
        return self._lock is not None and self._lock.held and self._lock.run_id == session_id

    @contextlib.contextmanager
    def _locked(self, session_id: str) -> Iterator[RunLock]:
        if self._lock is not None and self._holds(session_id):
            yield self._lock
            return
        with RunLock.acquire(self.home, session_id) as lock:
            yield lock

    def _is_same(self, session_id: str, config: SessionConfig) -> bool:
        """Whether a record that exists already is the one that would be created."""
        try:
            found = self.load_session(session_id)
        except StoreError:
            return False
        return (
            found.session_type is config.session_type
            and found.status is SessionStatus.INITIALIZING
            and found.workflow_id == (config.workflow_id or "")
            and found.job_id == config.job_id
        )


def _taken(path: Path) -> AlreadyExists:
    return AlreadyExists("a session of that id exists already", path=path, operation="create")


def _open_store(home: Home) -> None:
    for directory in (home.root, home.sessions, home.state):
        atomic.make_directory(directory)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise StoreError("cannot be written to", path=directory, operation="open")


def _traces(home: Home, session_id: str) -> Iterator[Path]:
    """What a run left in the state home besides its record, its lock and its worktree."""
    for repository in _subdirectories(home.root / "events"):
        yield repository / session_id
    for repository in _subdirectories(home.worktrees):
        yield repository / ".metadata" / f"{session_id}.json"
    for repository in _subdirectories(home.state):
        mapping = repository / "mappings" / f"{session_id}.json"
        if mapping.exists():
            with contextlib.suppress(StoreError):
                job_id = fields.text(atomic.read_json_object(mapping).get("job_id"))
                yield mapping.with_name(f"{check_id(job_id)}.json")
            yield mapping
    run = home.run_directory(session_id)
    lock = home.run_lock(session_id)
    yield from (path for path in sorted(run.iterdir()) if path != lock)


def _subdirectories(directory: Path) -> list[Path]:
    try:
        return [path for path in directory.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []


def _delete(path: Path) -> None:
    with atomic.reporting("delete", path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
