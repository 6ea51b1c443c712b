"""The program ``prodigy``: its commands, one call of it, and how it ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

import click

from app.cli.command import Entry, LazyGroup
from app.cli.failure import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, CommandFailed, failure_of
from app.cli.invocation import Invocation
from store.version import VERSION

_READER_IS_GONE = frozenset({errno.EPIPE, errno.EIO})

COMMANDS = {
    "run": Entry("app.cli.run:run", "Run a workflow in a worktree of its own."),
    "resume": Entry("app.cli.resume:resume", "Show what is left of a run and continue it."),
    "pause": Entry("app.cli.control:pause", "Pause runs after their current step, or now."),
    "cancel": Entry("app.cli.control:cancel", "End runs for good."),
    "merge": Entry("app.cli.merge:merge", "Merge what runs made into their branch."),
    "sessions": Entry("app.cli.sessions:sessions", "List, show and clean sessions."),
    "logs": Entry("app.cli.logs:logs", "Show the output of a run."),
    "events": Entry("app.cli.events:events", "Show what happened in a run, as it happened."),
    "checkpoints": Entry("app.cli.checkpoints:checkpoints", "Look at what a resume would use."),
    "worktree": Entry("app.cli.worktree:worktree", "List, find, merge and clean worktrees."),
    "validate": Entry("app.cli.validate:validate", "Find every problem of workflow files."),
    "schema": Entry("app.cli.schema:schema", "Print the JSON Schema of workflow files."),
    "migrate-yaml": Entry("app.cli.migrate_yaml:migrate_yaml", "Rewrite old forms of workflows."),
    "init": Entry("app.cli.init:init", "Install slash commands and an example workflow."),
    "config": Entry("app.cli.config:config", "Show, trace, check and set the configuration."),
    "completion": Entry("app.cli.completion:completion", "Print completion for a shell."),
    "tui": Entry("app.cli.tui:tui", "Open the dashboard."),
}
_REPLACED = {"cook": "prodigy run WORKFLOW does it"}
_HIDDEN = {"_complete": Entry("app.cli.complete_words:complete_words", "")}


def _show_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"prodigy {VERSION}")
        ctx.exit()


class Root(LazyGroup):
    """All commands, and those that only completion scripts call."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _HIDDEN:
            return LazyGroup("hidden", _HIDDEN, help="").get_command(ctx, cmd_name)
        return super().get_command(ctx, cmd_name)


def root() -> Root:
    """The command ``prodigy`` with everything below it."""
    version = click.Option(
        ["-V", "--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_version,
        help="Show the version.",
    )
    return Root(
        "prodigy",
        COMMANDS,
        help="Run workflows in git worktrees, remember every run, resume any of them.",
        examples=("prodigy run examples/hello.yml", "prodigy resume latest --plan"),
        replaced=_REPLACED,
        params=[version],
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def main(arguments: Sequence[str]) -> int:
    """Run one command line.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    invocation = Invocation()
    try:
        code = _run(arguments, invocation)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        if error.errno in _READER_IS_GONE and error.filename is None:
            _stop_writing()
            return EXIT_DONE
        return _failed(error, invocation, arguments)
    except Exception as error:  # the one place that turns every error into words
        return _failed(error, invocation, arguments)


def _run(arguments: Sequence[str], invocation: Invocation) -> int:
    try:
        command = root()
        with command.make_context("prodigy", list(arguments), obj=invocation) as ctx:
            result = command.invoke(ctx)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    return result if isinstance(result, int) else EXIT_DONE


def _failed(error: Exception, invocation: Invocation, arguments: Sequence[str]) -> int:
    settings = invocation.settings
    settings.json = settings.json or _has_flag(arguments, "--json")
    settings.debug = settings.debug or _has_flag(arguments, "--debug")
    failure = failure_of(error)
    if settings.debug:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    if failure is None:
        hint = "" if settings.debug else "the same command with --debug shows where"
        failure = CommandFailed(
            f"{type(error).__name__}: {error}", code="internal_error", hint=hint
        )
    problems = getattr(error, "problems", ())
    try:
        sys.stdout.flush()
        if problems:
            from app.cli.problems import print_problems

            print_problems(invocation.out, problems, failure)
        else:
            invocation.out.error(failure)
        if settings.verbose and not settings.json:
            _print_chain(invocation, error)
    except OSError:
        _stop_writing()
    return failure.exit_code or EXIT_FAILED


def _print_chain(invocation: Invocation, error: BaseException) -> None:
    causes: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < 10:
        causes.append(f"  {type(cause).__name__}: {cause}")
        cause = cause.__cause__ or cause.__context__
    if causes:
        invocation.out.notice("\n".join(["Error chain:", *causes]))


def _has_flag(arguments: Sequence[str], flag: str) -> bool:
    """Whether a flag stands before ``--``: for a line that could not be read to its end."""
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return flag in before


def _stop_writing() -> None:
    """Let the interpreter flush into nothing at its end, instead of failing there."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nothing, descriptor)
