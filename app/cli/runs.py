"""Which run is meant: ids, prefixes, ``latest``; and where the command line stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.failure import EXIT_FAILED, CommandFailed, failure_of
from app.cli.invocation import Invocation

if TYPE_CHECKING:
    from store.catalog import Catalog
    from store.row import SessionRow

_RELATIVE_TO_HERE = ("latest", "latest-failed")


def resolve_run(invocation: Invocation, text: str) -> str:
    """The session id somebody means.

    Raises:
        NotFound, AmbiguousId, InvalidId: none, several, or no id at all.
        CommandFailed: ``latest`` outside a repository.
    """
    from store.lookup import resolve

    repo = repository_here() if text in _RELATIVE_TO_HERE else None
    return resolve(invocation.home, text, repo=repo)


def for_each_run(
    invocation: Invocation, texts: Sequence[str], act: Callable[[str], int | None]
) -> int:
    """Act on several runs; a failure of one is told and the others go on.

    Returns:
        The exit code of the only run, or 1 when any of several failed.
    """
    if len(texts) == 1:
        return act(resolve_run(invocation, texts[0])) or 0
    failed = False
    for text in texts:
        try:
            failed = bool(act(resolve_run(invocation, text))) or failed
        except Exception as error:  # each run is told on its own
            failure = failure_of(error)
            if failure is None:
                raise
            invocation.out.error(_about(text, failure))
            failed = True
    return EXIT_FAILED if failed else 0


def _about(text: str, failure: CommandFailed) -> CommandFailed:
    if text in failure.message:
        return failure
    return CommandFailed(
        f"{text}: {failure.message}",
        code=failure.code,
        exit_code=failure.exit_code,
        hint=failure.hint,
        facts=failure.facts,
        session=failure.session,
    )


def repository_here() -> str:
    """The name of the repository of the current directory.

    Raises:
        CommandFailed: there is none.
    """
    from orchestrator.git.command import GitError
    from orchestrator.git.repository import NoCommits, NotARepository, discover

    try:
        return discover(Path.cwd()).name
    except (NotARepository, NoCommits, GitError):
        raise CommandFailed(
            "the current directory is not inside a git repository", code="no_repository"
        ) from None


def open_catalog(invocation: Invocation) -> Catalog:
    """The catalog of every run, brought up to date; it is closed when the command is done."""
    from app.stalling import stall_after_seconds
    from store.catalog import Catalog

    catalog = Catalog(
        invocation.home,
        stall_after_seconds=stall_after_seconds(invocation.home, invocation.environment),
    )
    click.get_current_context().call_on_close(catalog.close)
    catalog.refresh()
    return catalog


def row_of(invocation: Invocation, run_id: str) -> SessionRow:
    """One run as a row.

    Raises:
        NotFound: it went away in this moment.
    """
    from store.errors import NotFound

    row = open_catalog(invocation).row(run_id)
    if row is None:
        raise NotFound(f"no run {run_id}", hint="prodigy sessions list")
    return row
