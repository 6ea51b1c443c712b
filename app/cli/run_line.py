"""How the line of ``prodigy run`` is read: bare words after an ``--args`` value are values too."""

from __future__ import annotations

import click

from app.cli.command import PlainCommand

_VALUES = "--args"


class RunCommand(PlainCommand):
    """The command ``run``: once WORKFLOW is set, words after ``--args VALUE`` join it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, with_values_marked(args, self._options_with_value(ctx)))

    def _options_with_value(self, ctx: click.Context) -> frozenset[str]:
        return frozenset(
            name
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option) and not parameter.is_flag and not parameter.count
            for name in parameter.opts
        )


def with_values_marked(args: list[str], options_with_value: frozenset[str]) -> list[str]:
    """Put ``--args`` before every word that is a further value.

    Args:
        args: the words after ``run``.
        options_with_value: options that take the next word, such as ``--path`` and ``-p``.
    """
    marked: list[str] = []
    after_values = has_workflow = False
    words = iter(args)
    for word in words:
        if word == "--":
            rest = list(words)
            if has_workflow and after_values:
                return [*marked, *(f"{_VALUES}={value}" for value in rest)]
            return [*marked, "--", *rest]
        if word.startswith("-") and word != "-":
            name = word.partition("=")[0]
            marked.append(word)
            if word in options_with_value:
                marked += [value for value in [next(words, None)] if value is not None]
            after_values = after_values or name == _VALUES
        elif not has_workflow:
            has_workflow = True
            marked.append(word)
        elif after_values:
            marked.append(f"{_VALUES}={word}")
        else:
            marked.append(word)
    return marked
