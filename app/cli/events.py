"""``prodigy events``: the timeline of runs — list, show, count, search, follow, export, clean."""

from __future__ import annotations

import click

from app.cli.command import Entry, LazyGroup


class EventsGroup(LazyGroup):
    """``events JOB`` is ``events show JOB``; ``events --job-id J`` lists those of J."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._with_command(ctx, args))

    def _with_command(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {
            name: parameter
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option)
            for name in parameter.opts
        }
        place = 0
        while place < len(args):
            word = args[place]
            option = own.get(word.partition("=")[0])
            if option is None and not _is_cluster(word, own):
                break
            takes_next = option is not None and not (option.is_flag or option.count)
            place += 2 if takes_next and "=" not in word else 1
        if place >= len(args) or args[place] in self._names or args[place] == "--":
            return args
        word = args[place]
        if not word.startswith("-") and not names_a_run(ctx, word):
            raise self.unknown(ctx, word)
        return [*args[:place], "list" if word.startswith("-") else "show", *args[place:]]


def _is_cluster(word: str, own: dict[str, click.Option]) -> bool:
    """Whether the word is several short flags in one, such as ``-vv``."""
    return (
        len(word) > 2
        and word[0] == "-"
        and word[1] != "-"
        and all(f"-{letter}" in own for letter in word[1:])
    )


def names_a_run(ctx: click.Context, word: str) -> bool:
    """Whether a word is the id of a run; several runs are one too many, which is said later."""
    from app.cli.invocation import Invocation
    from app.cli.runs import resolve_run
    from store.errors import AmbiguousId, InvalidId, NotFound

    try:
        resolve_run(ctx.ensure_object(Invocation), word)
    except AmbiguousId:
        return True
    except (NotFound, InvalidId):
        return False
    return True


_MODULE = "app.cli.events_commands"
events = EventsGroup(
    "events",
    {
        "list": Entry(f"{_MODULE}:events_list", "List events of a run, or of all runs.", ("ls",)),
        "show": Entry(f"{_MODULE}:events_show", "Show every event of a run."),
        "stats": Entry(f"{_MODULE}:events_stats", "Count events by type, run or agent."),
        "search": Entry(f"{_MODULE}:events_search", "Find events by a regular expression."),
        "follow": Entry(f"{_MODULE}:events_follow", "Show events as they happen."),
        "export": Entry("app.cli.events_export:events_export", "Write events to a file."),
        "clean": Entry("app.cli.events_clean:events_clean", "Remove old events."),
    },
    help="Show what happened in a run, as it happened.",
    examples=("prodigy events 7c1e", "prodigy events list --event-type step_failed --since 60"),
)
