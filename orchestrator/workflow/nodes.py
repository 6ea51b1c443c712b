"""Positioned nodes: what a workflow file says before anybody asks what it means.

Scalars keep the text they were written with; the field that receives one converts it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.workflow.problems import Position

MAX_BYTES = 4 * 1024 * 1024
MAX_NODES = 200_000
"""Counted after alias expansion."""
MAX_DEPTH = 64

_NULL_TEXTS = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text as written. ``plain`` ones (not quoted, no block) may be null.

    ``text_offset`` is the distance in columns from the position to the first character of the
    text when both are on one line and characters correspond one to one, else None.
    """

    position: Position
    text: str
    plain: bool = True
    text_offset: int | None = None

    @property
    def is_null(self) -> bool:
        return self.plain and self.text in _NULL_TEXTS

    def position_of(self, offset: int) -> Position:
        """The place of the character at ``offset`` of the text, as well as it is known."""
        if self.text_offset is None:
            return self.position
        here = self.position
        return Position(here.file, here.line, here.column + self.text_offset + offset, here.used_at)


@dataclass(frozen=True, slots=True)
class Pair:
    key: Scalar
    value: Node


@dataclass(frozen=True, slots=True)
class ListNode:
    position: Position
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapNode:
    """Keys are unique and in the order of the file."""

    position: Position
    pairs: tuple[Pair, ...]

    def get(self, name: str) -> Node | None:
        """The value of a key, null ones too; None when the key is absent."""
        for pair in self.pairs:
            if pair.key.text == name:
                return pair.value
        return None

    def has(self, name: str) -> bool:
        """Whether the key is there with a value that is not null."""
        value = self.get(name)
        return value is not None and not is_null(value)

    def without(self, names: frozenset[str]) -> MapNode:
        """The same mapping with some keys left out."""
        kept = tuple(pair for pair in self.pairs if pair.key.text not in names)
        return MapNode(self.position, kept)


Node = Scalar | ListNode | MapNode


class UnreadableDocument(Exception):
    """The text ends the reading of its file: broken syntax, or a limit exceeded."""

    def __init__(self, position: Position, code: str, message: str) -> None:
        super().__init__(message)
        self.position = position
        self.code = code
        self.message = message


def is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_null


def describe(node: Node) -> str:
    """What a person calls this node in "expects a string, got …"."""
    if isinstance(node, ListNode):
        return "a list"
    if isinstance(node, MapNode):
        return "a map"
    if node.is_null:
        return "nothing"
    shown = node.text if len(node.text) <= 40 else node.text[:39] + "…"
    return f"'{shown}'"


def plain_data(node: Node, *, as_json: bool = False) -> object:
    """The node as strings, numbers, booleans, None, lists and dicts.

    An unquoted scalar becomes a number or boolean only when showing that gives the same text
    again, so ``1.10``, ``0755`` and ``no`` stay what was written. ``2.0`` is a number only
    ``as_json``: in a text it would show as ``2``.
    """
    if isinstance(node, MapNode):
        return {pair.key.text: plain_data(pair.value, as_json=as_json) for pair in node.pairs}
    if isinstance(node, ListNode):
        return [plain_data(item, as_json=as_json) for item in node.items]
    return _plain_scalar(node, as_json)


def _plain_scalar(node: Scalar, as_json: bool) -> object:
    text = node.text
    if not node.plain:
        return text
    if node.is_null:
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.match(text) is not None and len(text) <= 4000:
        return int(text) if text != "-0" else text
    if _NUMBER.match(text) is not None:
        number = float(text)
        if repr(number) == text and (as_json or not number.is_integer()):
            return number
    return text


def used_from(node: Node, line: int) -> Node:
    """A copy of the node that says it was brought in by an alias on ``line``."""
    here = node.position
    position = Position(here.file, here.line, here.column, line)
    if isinstance(node, Scalar):
        return Scalar(position, node.text, node.plain, node.text_offset)
    if isinstance(node, ListNode):
        return ListNode(position, tuple(used_from(item, line) for item in node.items))
    return MapNode(
        position, tuple(Pair(_used_key(p.key, line), used_from(p.value, line)) for p in node.pairs)
    )


def _used_key(key: Scalar, line: int) -> Scalar:
    here = key.position
    return Scalar(
        Position(here.file, here.line, here.column, line), key.text, key.plain, key.text_offset
    )
