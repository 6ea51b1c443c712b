"""The one error commands raise, and how every other error becomes one."""

from __future__ import annotations

import errno
import os
import sys

import click

from store.errors import AmbiguousId, Busy, InvalidId, NotFound, StoreError

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_FOUND = 3
EXIT_BUSY = 4
EXIT_INTERRUPTED = 130


class CommandFailed(Exception):
    """A command cannot do what was asked.

    Args:
        message: what is so and where, one sentence without a full stop.
        code: a stable word for programs.
        exit_code: by the kind of failure.
        hint: what to type, or what to do.
        facts: further lines, each a label and its text.
        session: the run concerned, if one is.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "failed",
        exit_code: int = EXIT_FAILED,
        hint: str = "",
        facts: tuple[tuple[str, str], ...] = (),
        session: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.exit_code = exit_code
        self.hint = hint
        self.facts = facts
        self.session = session

    def document(self) -> dict[str, object]:
        """The error as an object for ``--json``."""
        error: dict[str, object] = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint or None,
            "exit_code": self.exit_code,
            "session": self.session,
        }
        if self.facts:
            error["facts"] = [{"label": label, "text": text} for label, text in self.facts]
        return {"error": error}


def usage_error(message: str, hint: str = "") -> CommandFailed:
    """The command line itself is wrong."""
    return CommandFailed(message, code="usage", exit_code=EXIT_USAGE, hint=hint)


def not_found(message: str, hint: str = "") -> CommandFailed:
    """What was named is not there."""
    return CommandFailed(message, code="not_found", exit_code=EXIT_NOT_FOUND, hint=hint)


def failure_of(error: BaseException) -> CommandFailed | None:
    """What a known error means to the person; None for one that is a mistake of ours."""
    if isinstance(error, CommandFailed):
        return error
    if isinstance(error, click.UsageError):
        return _of_usage(error)
    if isinstance(error, click.ClickException):
        return CommandFailed(error.format_message())
    if isinstance(error, StoreError):
        return _of_store(error)
    if isinstance(error, RecursionError | MemoryError):
        return None
    if isinstance(error, OSError):
        return _of_system(error)
    return _of_orchestrator(error)


def _of_usage(error: click.UsageError) -> CommandFailed:
    facts: list[tuple[str, str]] = []
    if error.ctx is not None:
        facts.append(("help", f"{error.ctx.command_path} --help"))
    if isinstance(error, click.NoSuchOption):
        near = list(error.possibilities or ())
        meant = f"; did you mean {' or '.join(near[:3])}?" if near else ""
        message = f"unknown option {error.option_name}{meant}"
    else:
        message = error.format_message().rstrip(".")
        message = message[:1].lower() + message[1:]
    return CommandFailed(message, code="usage", exit_code=EXIT_USAGE, facts=tuple(facts))


def _of_store(error: StoreError) -> CommandFailed:
    exit_code = EXIT_FAILED
    facts: tuple[tuple[str, str], ...] = ()
    if isinstance(error, InvalidId):
        exit_code = EXIT_USAGE
    elif isinstance(error, AmbiguousId):
        exit_code = EXIT_USAGE
        facts = tuple(("could be", candidate) for candidate in error.candidates)
    elif isinstance(error, NotFound):
        exit_code = EXIT_NOT_FOUND
    elif isinstance(error, Busy):
        exit_code = EXIT_BUSY
    return CommandFailed(
        str(error), code=error.kind, exit_code=exit_code, hint=error.hint, facts=facts
    )


def _of_system(error: OSError) -> CommandFailed:
    words = os.strerror(error.errno) if error.errno else str(error)
    where = f"{error.filename}: " if error.filename else ""
    return CommandFailed(f"{where}{words}", code=errno.errorcode.get(error.errno or 0, "os_error"))


def _of_orchestrator(error: BaseException) -> CommandFailed | None:
    """Errors of parts that only some commands load: looked for only if they are loaded."""
    refusals = sys.modules.get("orchestrator.refusal")
    if refusals is not None and isinstance(error, refusals.Refused):
        return CommandFailed(
            error.message, code=error.code, exit_code=error.exit_code, hint=error.hint
        )
    git = sys.modules.get("orchestrator.git.command")
    if git is not None and isinstance(error, git.GitError):
        return CommandFailed(str(error), code="git")
    return None
