"""Everything the store refuses or cannot do, each with what a person needs to know."""

from __future__ import annotations

from pathlib import Path


class StoreError(Exception):
    """A file of the state home could not be read or written as asked.

    Args:
        reason: what is so, in words for a person (errno text included where there is one).
        path: the file or directory concerned, if one is.
        operation: what was being done to it, such as ``write`` or ``lock``.
        hint: what to do about it, a sentence or a command; empty when there is nothing to add.
    """

    kind = "store_error"

    def __init__(
        self, reason: str, *, path: Path | None = None, operation: str = "", hint: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path
        self.operation = operation
        self.hint = hint

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path is not None else ""
        return f"{where}{self.reason}"


class NotFound(StoreError):
    """No run, record, checkpoint or file of that name."""

    kind = "not_found"


class AlreadyExists(StoreError):
    """A record of that id is there already."""

    kind = "already_exists"


class InvalidId(StoreError):
    """The text cannot be an id, so no path is made of it."""

    kind = "invalid_id"


class AmbiguousId(StoreError):
    """The text names several runs."""

    kind = "ambiguous_id"

    def __init__(self, reason: str, candidates: tuple[str, ...]) -> None:
        super().__init__(reason)
        self.candidates = candidates


class InvalidTransition(StoreError):
    """The session cannot go from one status to the other."""

    kind = "invalid_transition"

    def __init__(self, before: str, after: str) -> None:
        super().__init__(f"a session that is {before} cannot become {after}")
        self.before = before
        self.after = after


class Busy(StoreError):
    """Another process holds the run."""

    kind = "busy"


class Unreadable(StoreError):
    """The file cannot be parsed or lacks what a reader needs."""

    kind = "unreadable"

    def __init__(self, reason: str, *, path: Path | None = None, offset: int | None = None) -> None:
        super().__init__(reason, path=path, operation="read")
        self.offset = offset


class ReadOnly(StoreError):
    """The file was written by a newer version, or says a word unknown to this one."""

    kind = "read_only"
