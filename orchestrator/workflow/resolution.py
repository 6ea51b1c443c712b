"""What a reference stands for: looking paths up and applying modifiers and filters to values."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from orchestrator.workflow import globs
from orchestrator.workflow.references import Operation, OperationKind, VariablePath
from orchestrator.workflow.values import (
    MISSING,
    CommaSeparated,
    Lines,
    Paths,
    as_json,
    parsed_container,
    render,
)


class InterpolationError(Exception):
    """A text cannot be made; the message says why, in words for a person."""


class Scope(Protocol):
    """Where the names of a text come from."""

    def lookup(self, name: str) -> object:
        """The variable of exactly this name, dots included; ``MISSING`` when there is none."""

    def names(self) -> Iterable[str]:
        """The names of all variables, for messages."""

    @property
    def declared(self) -> Mapping[str, str]:
        """The declared environment: env files, ``env``, profile, step ``env`` and secrets."""

    @property
    def process(self) -> Mapping[str, str]:
        """The environment that prodigy itself was started with."""

    def computed(self, kind: str, argument: str) -> str:
        """A computed value.

        Args:
            kind: ``file``, ``cmd``, ``json``, ``date`` or ``uuid``.
            argument: what follows the colon, interpolated; ``PATH:from:NAME`` for ``json``.

        Raises:
            InterpolationError: there is none.
        """


class Found(NamedTuple):
    """The value of a path, and whether it is null because a defined container lacks the key."""

    value: object
    lacks_key: bool = False


_UNDEFINED = Found(MISSING)
_LACKING = Found(None, lacks_key=True)


def find(path: VariablePath, lookup: Callable[[str], object]) -> Found:
    """Looks a path up: as one whole name first, then as a shorter name and a walk from there."""
    lacking = _UNDEFINED
    for length in range(len(path.dotted), 0, -1):
        value = lookup(".".join(path.dotted[:length]))
        if value is MISSING:
            continue
        found = _walk(value, (*path.dotted[length:], *path.rest))
        if found.value is not MISSING and not found.lacks_key:
            return found
        if found.lacks_key:
            lacking = found
    return lacking


def _walk(value: object, keys: tuple[str | int, ...]) -> Found:
    for key in keys:
        if isinstance(value, str):
            value = parsed_container(value)
        if value is None:
            return _LACKING
        if isinstance(value, Mapping):
            if str(key) not in value:
                return _LACKING
            value = value[str(key)]
        elif isinstance(value, list):
            if not str(key).isdecimal() or int(key) >= len(value):
                return _LACKING
            value = value[int(key)]
        else:
            return _UNDEFINED
    return Found(value)


def apply(operations: Iterable[Operation], value: object, fill: Callable[[str], str]) -> object:
    """Applies modifiers and filters, left to right.

    Args:
        operations: what stands after the path.
        value: the value of the path; ``MISSING`` stays so unless there is a ``|default:``.
        fill: interpolates the text of a ``|default:``.
    """
    for operation in operations:
        if operation.kind is OperationKind.DEFAULT:
            if value is MISSING or value is None:
                value = fill(operation.text)
        elif value is not MISSING:
            value = _apply_one(operation, value)
    return value


def _apply_one(operation: Operation, value: object) -> object:
    match operation.kind:
        case OperationKind.SELECT:
            return _select(operation.globs, value)
        case OperationKind.BASENAME:
            return _each(value, lambda element: render(element).rstrip("/").rpartition("/")[2])
        case OperationKind.LENGTH:
            return len(value if isinstance(value, (list, Mapping)) else render(value))
        case OperationKind.QUOTE:
            return shlex.quote(render(value))
        case OperationKind.JSON:
            return list(value) if isinstance(value, list) else as_json(value)
        case OperationKind.LINES:
            return Lines(value) if isinstance(value, list) else value
        case OperationKind.CSV:
            return CommaSeparated(value) if isinstance(value, list) else value
        case OperationKind.DEFAULT:
            return value


def _select(patterns: tuple[str, ...], value: object) -> object:
    """Keeps what the globs match, of a list its elements, of anything else its lines."""
    if not isinstance(value, list):
        return Lines(globs.select(patterns, render(value).splitlines()))
    return _same_kind(
        value,
        [e for e in value if any(globs.matches(pattern, render(e)) for pattern in patterns)],
    )


def _each(value: object, change: Callable[[object], object]) -> object:
    if not isinstance(value, list):
        return change(value)
    return _same_kind(value, [change(element) for element in value])


def _same_kind(like: list[object], elements: list[object]) -> list[object]:
    for kind in (Lines, Paths, CommaSeparated):
        if isinstance(like, kind):
            return kind(elements)
    return elements
