"""The orders and groupings of the session list, each a key that sorts ascending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from store.row import SessionRow

Key = tuple[Any, ...]


class Sort(StrEnum):
    """Orders of the list; the value is what the screen calls them."""

    ATTENTION = "attention first"
    RECENT = "newest change"
    STARTED = "newest start"
    WORKFLOW = "workflow"
    REPOSITORY = "repository"
    PROGRESS = "most done"
    TIME = "longest time"


class Grouping(StrEnum):
    """By what sessions stand together under headings."""

    NONE = "not grouped"
    REPOSITORY = "by repository"
    WORKFLOW = "by workflow"

    def of(self, row: SessionRow) -> str:
        """The name of a session's group."""
        return row.repo if self is Grouping.REPOSITORY else row.workflow


class Backwards(str):
    """A text that sorts from the end of the alphabet."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)


def changed_us(row: SessionRow) -> int:
    """When a session last changed its state, as lists sort it."""
    return row.state_since_us or row.updated_us


def _done(row: SessionRow) -> float:
    return row.step_index / row.total_steps if row.total_steps > 0 else 0.0


_NUMBERS: Mapping[Sort, Callable[[SessionRow], float]] = {
    Sort.RECENT: lambda row: -changed_us(row),
    Sort.STARTED: lambda row: -row.started_us,
    Sort.PROGRESS: lambda row: -_done(row),
    Sort.TIME: lambda row: -row.active_seconds,
}
_NAMES: Mapping[Sort, Callable[[SessionRow], str]] = {
    Sort.WORKFLOW: lambda row: row.workflow.casefold(),
    Sort.REPOSITORY: lambda row: row.repo.casefold(),
}


def sort_key(sort: Sort, *, backwards: bool, grouping: Grouping) -> Callable[[SessionRow], Key]:
    """The key of an order: unique for each session, its id comes last."""

    def attention(row: SessionRow) -> Key:
        return (row.state.order, -(row.state_since_us or row.updated_us), row.id)

    key: Callable[[SessionRow], Key] = attention
    if sort is Sort.ATTENTION and backwards:

        def key(row: SessionRow) -> Key:
            return (-row.state.order, changed_us(row), row.id)

    elif sort in _NUMBERS:
        number, sign = _NUMBERS[sort], -1 if backwards else 1

        def key(row: SessionRow) -> Key:
            return (sign * number(row), row.id)

    elif sort in _NAMES:
        name = _NAMES[sort]

        def key(row: SessionRow) -> Key:
            text = name(row)
            return (Backwards(text) if backwards else text, *attention(row))

    if grouping is Grouping.NONE:
        return key
    return lambda row: (*group_key(grouping.of(row)), 1, *key(row))


def group_key(name: str) -> Key:
    """Where a group stands among the others."""
    return (name.casefold(), name)
