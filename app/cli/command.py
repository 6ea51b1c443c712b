"""How commands read their line: global flags anywhere, values given once, groups that load late."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

import click

from app.cli.failure import usage_error
from app.cli.invocation import Invocation

_F = TypeVar("_F", bound=Callable[..., Any])
Decorator = Callable[[_F], _F]


class OnceOption(click.Option):
    """An option whose value may be given only once: the second one is an error, not the winner."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Have the parser collect every value, so that a second one is seen."""
        if not self._takes_one_value:
            super().add_to_parser(parser, ctx)
            return
        self.multiple = True
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.multiple = False

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> Any:
        """Take the only value out of the collection."""
        given = opts.get(self.name) if self.name is not None else None
        if self._takes_one_value and isinstance(given, list):
            if len(given) > 1:
                raise click.UsageError(f"option {self.opts[-1]} is given twice", ctx)
            opts = {**opts, str(self.name): given[0]}
        return super().handle_parse_result(ctx, opts, args)

    def get_help_extra(self, ctx: click.Context) -> Any:
        """What click adds to the help of an option, without its notation for ranges."""
        extra: dict[str, Any] = dict(super().get_help_extra(ctx))
        extra.pop("range", None)
        return extra

    @property
    def _takes_one_value(self) -> bool:
        return not (self.multiple or self.count or self.is_flag)


def option(*names: str, **attributes: Any) -> Decorator[Any]:
    """An option of ours: never abbreviated, a single value given once."""
    attributes.setdefault("cls", OnceOption)
    return click.option(*names, **attributes)


def flag(*names: str, **attributes: Any) -> Decorator[Any]:
    """An option without a value."""
    return click.option(*names, is_flag=True, **attributes)


def repository_option(function: Any) -> Any:
    """``-p, --path DIR``: the command acts as if started in that directory."""
    return option(
        "-p",
        "--path",
        metavar="DIR",
        expose_value=False,
        callback=_enter_directory,
        help="As if started in this directory.",
    )(function)


def _enter_directory(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Invocation).fix_home()
        try:
            os.chdir(os.path.expanduser(value))  # noqa: PTH111 - a text of the command line
        except OSError as error:
            raise usage_error(f"--path {value}: {error.strerror}") from None


argument = click.argument


def _set(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def note(ctx: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value:
            settings = ctx.ensure_object(Invocation).settings
            if name == "verbose":
                value += settings.verbose
            elif name == "color" and settings.color == "never":
                return
            setattr(settings, name, value)

    return note


def _never_color(ctx: click.Context, _parameter: click.Parameter, value: Any) -> None:
    if value:
        ctx.ensure_object(Invocation).settings.color = "never"


@cache
def _global_options() -> tuple[click.Parameter, ...]:
    def one(names: Sequence[str], note: Any, text: str, **attributes: Any) -> click.Parameter:
        return OnceOption(names, callback=note, help=text, expose_value=False, **attributes)

    return (
        one(["-v", "--verbose"], _set("verbose"), "Say more on stderr; -vv, -vvv still more.",
            count=True),
        one(["-q", "--quiet"], _set("quiet"), "Only results and errors.", is_flag=True),
        one(["--json"], _set("json"), "One JSON document on stdout.", is_flag=True),
        one(["--plain"], _set("plain"), "No colour, no glyphs, no live display.", is_flag=True),
        one(["--no-color"], _never_color, "No colour.", is_flag=True),
        one(["--color"], _set("color"), "Colour when: auto, always, never.",
            type=click.Choice(["auto", "always", "never"]), metavar="WHEN"),
        one(["--debug"], _set("debug"), "Show tracebacks.", is_flag=True),
    )  # fmt: skip


class _Shared(click.Command):
    """What commands and groups have in common: the global flags and the form of help."""

    examples: tuple[str, ...] = ()

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Own parameters, then the global flags this command does not itself define."""
        own = list(self.params)
        taken = {name for parameter in own for name in parameter.opts}
        more: list[click.Parameter] = [
            parameter for parameter in _global_options() if not taken & set(parameter.opts)
        ]
        help_option = self.get_help_option(ctx)
        return own + more + ([help_option] if help_option is not None else [])

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line, usage, what it takes, options, examples."""
        first, _, rest = (self.help or "").strip().partition("\n")
        formatter.write(f"{first}\n\n")
        self.format_usage(ctx, formatter)
        if rest.strip():
            formatter.write_paragraph()
            for paragraph in rest.strip().split("\n\n"):
                with formatter.indentation():
                    formatter.write_text(" ".join(paragraph.split()))
        self.format_options(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = {id(parameter) for parameter in self.params}
        sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Global options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                mine = id(parameter) in own
                sections["Options" if mine else "Global options"].append(record)
        if isinstance(self, LazyGroup):
            self.format_commands(ctx, formatter)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class PlainCommand(_Shared):
    """A command."""


class Entry(NamedTuple):
    """A command of a group: where it is, and its line in the help of the group."""

    target: str
    """``module:attribute``."""
    summary: str
    aliases: tuple[str, ...] = ()


class LazyGroup(_Shared, click.Group):
    """A group that knows its commands by name and imports the one that is chosen."""

    def __init__(
        self,
        name: str,
        entries: Mapping[str, Entry],
        *,
        help: str,  # noqa: A002 - click's own name
        examples: Sequence[str] = (),
        replaced: Mapping[str, str] | None = None,
        params: list[click.Parameter] | None = None,
        context_settings: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            name,
            help=help,
            params=params,
            callback=_help_without_a_command,
            invoke_without_command=True,
            context_settings=context_settings,
        )
        self.entries = entries
        self.examples = tuple(examples)
        self.replaced = replaced or {}
        self._names = {name: name for name in entries}
        for canonical, entry in entries.items():
            self._names.update(dict.fromkeys(entry.aliases, canonical))

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(self.entries)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        canonical = self._names.get(cmd_name)
        if canonical is None:
            return None
        module, _, attribute = self.entries[canonical].target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is answered with what does it, or the nearest."""
        word = args[0]
        command = self.get_command(ctx, word)
        if command is None:
            raise self.unknown(ctx, word)
        return self._names.get(word, word), command, args[1:]

    def unknown(self, ctx: click.Context, word: str) -> Exception:
        """The error for a word that is no command of this group."""
        instead = self.replaced.get(word)
        if instead is not None:
            return usage_error(f"'{word}' is not a command of this version", instead)
        if word.startswith("-"):
            return click.NoSuchOption(word, ctx=ctx)
        near = nearest_word(word, self._names)
        meant = f"; did you mean '{near}'?" if near else ""
        return usage_error(f"unknown command '{word[:80]}'{meant}", f"{ctx.command_path} --help")

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (", ".join((name, *entry.aliases)), entry.summary)
                    for name, entry in self.entries.items()
                ]
            )


@click.pass_context
def _help_without_a_command(ctx: click.Context, /) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def command(
    name: str,
    *,
    help: str,  # noqa: A002 - click's own name
    examples: Sequence[str] = (),
    cls: type[PlainCommand] = PlainCommand,
    hidden: bool = False,
) -> Callable[[Callable[..., int | None]], PlainCommand]:
    """Make a function a command; it is given the invocation first and returns its exit code."""

    def make(function: Callable[..., int | None]) -> PlainCommand:
        made = click.command(name, cls=cls, help=help, hidden=hidden)(_given_invocation(function))
        made.examples = tuple(examples)
        return made

    return make


def _given_invocation(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """The function, called with what this call of the program has at hand."""

    def called(*arguments: Any, **named: Any) -> int | None:
        invocation = click.get_current_context().ensure_object(Invocation)
        return function(invocation, *arguments, **named)

    called.__doc__ = function.__doc__
    called.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    return called


def nearest_word(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None."""
    from orchestrator.workflow.suggest import nearest

    return nearest(word, tuple(known))
