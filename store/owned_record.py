"""The owner's session record: kept in memory, written by one thread, never in a step's way."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from store import atomic, fields
from store.errors import NotFound, StoreError
from store.home import Home
from store.times import later_than, utc_now

Edit = Callable[[dict[str, Any]], None]

_GATHER_SECONDS = 0.002
"""How long a change waits for company: the end of a step and the next start are one write."""
_FINAL_RETRY_SECONDS = 5.0
_RETRY_EVERY_SECONDS = 0.1

_Identity = tuple[int, int, int, int]


class OwnedRecord:
    """The record of a run under its owner's hands.

    ``change`` marks it dirty and returns; one thread writes the newest state, and a state that was
    overtaken is never written. A write that fails is reported, stays dirty, and is made with the
    next change. A file that vanished or turned unreadable is set aside and written anew.

    Args:
        home: the state home.
        document: the record as it is on disk; from now on only edited through this object.
        on_problem: called, from the writing thread, with what failed or was set aside.
    """

    def __init__(
        self, home: Home, document: dict[str, Any], *, on_problem: Callable[[StoreError], None]
    ) -> None:
        self.document = document
        self._path = home.session_file(fields.text(document.get("id")))
        self._on_problem = on_problem
        self._changed = threading.Condition()
        self._version = 0
        self._written = 0
        self._tried = 0
        self._hurry = False
        self._final = False
        self._closed = False
        self._reported: str | None = None
        self._identity = self._identify()
        self._writer = threading.Thread(target=self._write_changes, name="record", daemon=True)
        self._writer.start()

    def change(self, edit: Edit) -> None:
        """Edit the record; it is written soon. Never waits for a disk."""
        with self._changed:
            self._apply(edit)

    def write_now(self, edit: Edit, *, final: bool = False) -> bool:
        """Edit the record and wait until that is on disk; for changes of status.

        Args:
            edit: the change; what it raises is passed on and nothing is written.
            final: the last word on this run: made durable with its directory, and tried for 5 s.

        Returns:
            Whether it was written; if not, the problem was reported and the change stays dirty.
        """
        deadline = time.monotonic() + (_FINAL_RETRY_SECONDS if final else 0.0)
        with self._changed:
            self._final = self._final or final
            self._apply(edit)
            version = self._version
            while True:
                self._wait_until_tried(version)
                if self._written >= version:
                    return True
                if self._closed or time.monotonic() >= deadline:
                    return False
                self._changed.wait(_RETRY_EVERY_SECONDS)
                self._tried = min(self._tried, version - 1)
                self._changed.notify_all()

    def settle(self, timeout: float) -> bool:
        """Wait for what is being written or about to be; for the owner before a checkpoint.

        Returns:
            Whether everything is on disk now; a failed write is not waited for.
        """
        with self._changed:
            version = self._version
            self._hurry = self._tried < version
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._tried >= version, timeout)
            return self._written >= version

    def close(self) -> bool:
        """Write what is dirty, once, and end the thread.

        Returns:
            Whether everything is on disk.
        """
        with self._changed:
            if self._written < self._version:
                self._tried = min(self._tried, self._version - 1)
            self._closed = True
            self._changed.notify_all()
        self._writer.join()
        return self._written >= self._version

    # -- under self._changed

    def _apply(self, edit: Edit) -> None:
        before = self.document.get("updated_at")
        edit(self.document)
        if self.document.get("updated_at") == before:
            self.document["updated_at"] = later_than(fields.optional_text(before), utc_now())
        self._version += 1
        self._changed.notify_all()

    def _wait_until_tried(self, version: int) -> None:
        self._hurry = True
        self._changed.notify_all()
        self._changed.wait_for(lambda: self._tried >= version or not self._writer.is_alive())

    # -- the writing thread

    def _write_changes(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._tried < self._version or self._closed)
                if self._tried >= self._version:
                    return
                if not (self._hurry or self._closed):
                    self._changed.wait_for(lambda: self._hurry or self._closed, _GATHER_SECONDS)
                version, final = self._version, self._final
                data = self._dump()
            problem = data if isinstance(data, StoreError) else self._write(data, final=final)
            self._report_once(problem)
            with self._changed:
                self._tried = max(self._tried, version)
                if problem is None:
                    self._written = version
                if self._tried >= self._version:
                    self._hurry = False
                self._changed.notify_all()

    def _dump(self) -> bytes | StoreError:
        try:
            return atomic.dump_json(self.document)
        except (TypeError, ValueError, RecursionError) as error:
            return StoreError(f"cannot be written as JSON: {error}", path=self._path)

    def _write(self, data: bytes, *, final: bool) -> StoreError | None:
        try:
            changed_by_others = self._identify() != self._identity
            if changed_by_others:
                self._set_aside_what_is_bad()
            atomic.make_directory(self._path.parent)
            atomic.replace_file(
                self._path,
                data,
                sync=True,
                sync_directory=final or changed_by_others,
                fault="record",
            )
        except StoreError as error:
            return error
        finally:
            self._identity = self._identify()
        return None

    def _report_once(self, problem: StoreError | None) -> None:
        """Tell of a failure when it begins, not each time it is met again."""
        reason = None if problem is None else str(problem)
        if problem is not None and reason != self._reported:
            self._tell(problem)
        self._reported = reason

    def _tell(self, problem: StoreError) -> None:
        # Whatever the listener does wrong, the record goes on being written.
        with contextlib.suppress(Exception):
            self._on_problem(problem)

    def _set_aside_what_is_bad(self) -> None:
        """Clear the way for a new file; another readable version is simply written over."""
        try:
            atomic.read_json_object(self._path)
        except NotFound:
            self._tell(StoreError("the record vanished", path=self._path, operation="re-create"))
        except StoreError as error:
            aside = atomic.set_aside(self._path)
            reason = f"{error.reason}; moved to {aside.name}"
            self._tell(StoreError(reason, path=self._path, operation="set aside"))

    def _identify(self) -> _Identity | None:
        try:
            status = self._path.lstat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode
