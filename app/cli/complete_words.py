"""The hidden ``prodigy _complete``: what may stand where the cursor is, a word a line."""

from __future__ import annotations

from collections.abc import Iterable

import click

from app.cli.command import LazyGroup, argument, command
from app.cli.invocation import Invocation
from app.cli.runs import open_catalog
from app.format import short_id
from store.catalog import SessionFilter

FILES = "<files>"
_MOST = 200
_OF_RUNS = {"run_id", "ids", "resume_id", "job_id", "workflow_id"}
_OF_FILES = {"workflow", "workflows", "param_file", "path", "file", "output", "archive_path"}


@command("_complete", help="Complete a command line.", hidden=True)
@argument("words", nargs=-1, type=click.UNPROCESSED)
def complete_words(invocation: Invocation, *, words: tuple[str, ...]) -> None:
    """Print the words that may stand in the place of the last one."""
    *before, current = words or ("",)
    root = click.get_current_context().find_root().command
    found = candidates(invocation, root, before, current)
    for word in list(found)[:_MOST]:
        invocation.out.line(word)


def candidates(
    invocation: Invocation, root: click.Command, before: list[str], current: str
) -> Iterable[str]:
    """What may stand after these words and begins with the current one."""
    ctx = click.Context(root, info_name="prodigy", obj=invocation, resilient_parsing=True)
    ctx.help_option_names = ["-h", "--help"]
    command = root
    waiting: click.Option | None = None
    arguments_seen = 0
    for word in before:
        options = _options(command, ctx)
        if waiting is not None:
            waiting = None
        elif word.startswith("-"):
            option = options.get(word)
            waiting = option if option is not None and not _is_flag(option) else None
        elif isinstance(command, LazyGroup):
            following = command.get_command(ctx, word)
            if following is None:
                return []
            command = following
            ctx = click.Context(command, info_name=word, parent=ctx, resilient_parsing=True)
        else:
            arguments_seen += 1
    if waiting is not None:
        return _values(invocation, waiting, current)
    if current.startswith("-"):
        return sorted(name for name in _options(command, ctx) if name.startswith(current))
    if isinstance(command, LazyGroup):
        return [name for name in command.list_commands(ctx) if name.startswith(current)]
    takes = [one for one in command.params if isinstance(one, click.Argument)]
    if not takes:
        return []
    place = min(arguments_seen, len(takes) - 1)
    if arguments_seen > place and takes[place].nargs == 1:
        return []
    return _values(invocation, takes[place], current)


def _options(command: click.Command, ctx: click.Context) -> dict[str, click.Option]:
    return {
        name: parameter
        for parameter in command.get_params(ctx)
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in parameter.opts
    }


def _is_flag(option: click.Option) -> bool:
    return option.is_flag or option.count


def _values(invocation: Invocation, parameter: click.Parameter, current: str) -> Iterable[str]:
    """Values of one option or argument that begin so."""
    if isinstance(parameter.type, click.Choice):
        return [str(word) for word in parameter.type.choices if str(word).startswith(current)]
    name = parameter.name or ""
    if name in _OF_RUNS:
        return _runs(invocation, current)
    if name in _OF_FILES:
        if parameter.opts == ["path"] and isinstance(parameter, click.Argument):
            from orchestrator.config import paths

            return [path for path in paths() if path.startswith(current)]
        return [FILES]
    if name == "repo":
        rows = open_catalog(invocation).rows(SessionFilter())
        return sorted({row.repo for row in rows if row.repo.startswith(current)})
    return []


def _runs(invocation: Invocation, current: str) -> list[str]:
    rows = open_catalog(invocation).rows(SessionFilter(limit=0 if current else _MOST))
    ids = frozenset(row.id for row in rows)
    words = ["latest", "latest-failed"]
    words += [row.id if current.startswith("session-") else short_id(row.id, ids) for row in rows]
    return [word for word in words if word.startswith(current)]
