"""What the list shows, as the options of ``prodigy sessions list``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from app.status_style import Chip, chip_of
from app.tui.listing import Choices
from app.tui.query import Query
from store.states import State

ALL = "--limit 0"
"""The command line shows fifty sessions unless told otherwise; the list shows them all."""


def list_words(choices: Choices) -> Mapping[str, str]:
    """The words of the command lines for what is shown now.

    ``shown`` is everything that was chosen, ``group`` the chip alone.
    """
    chosen = [*_chip(choices.chip), *_repository(choices.repository), *_query(choices.query)]
    return {
        "shown": " ".join([*(chosen or ["--filter TEXT"]), ALL]),
        "group": " ".join([*_chip(choices.chip), ALL]),
    }


def _chip(chip: Chip | None) -> list[str]:
    if chip is None:
        return []
    return [f"--status {','.join(state for state in State if chip_of(state) is chip)}"]


def _repository(name: str | None) -> list[str]:
    return [f"--repo {shlex.quote(name)}"] if name is not None else []


def _query(query: Query) -> list[str]:
    return [f"--filter {shlex.quote(query.plain)}"] if query else []
