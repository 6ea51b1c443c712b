"""YAML text to positioned nodes, from the event stream of PyYAML (its C parser where there is one).

Composing from events and not with PyYAML's own composer keeps what that one loses: the place of an
alias, both places of a duplicate key, the depth before it becomes a recursion.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from orchestrator.workflow.nodes import (
    MAX_DEPTH,
    MAX_NODES,
    ListNode,
    MapNode,
    Node,
    Pair,
    Scalar,
    UnreadableDocument,
    used_from,
)
from orchestrator.workflow.problems import Position, Problems

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str, file: str, problems: Problems) -> Node | None:
    """The root node, or None for a file without content.

    Raises:
        UnreadableDocument: the syntax is broken, a limit is exceeded, or there are two documents.
    """
    try:
        return _Composer(text, file, problems).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, file) from None
    except yaml.YAMLError as error:
        raise UnreadableDocument(Position(file), "syntax", f"invalid YAML: {error}") from None


def _syntax_error(error: yaml.MarkedYAMLError, text: str, file: str) -> UnreadableDocument:
    mark = error.problem_mark or error.context_mark
    position = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
    at = text[mark.index : mark.index + 1] if mark else ""
    if at == "\t":
        return UnreadableDocument(
            position, "tab_indentation", "a tab is used for indentation; YAML needs blanks there"
        )
    said = error.problem or "broken syntax"
    if "mapping values are not allowed" in said:
        said = "a ': ' in an unquoted text; put the whole text into quotes or into a '|' block"
    elif "cannot start any token" in said:
        said = f"a text cannot begin with {at!r}; quote it"
    elif error.context:
        said = f"{said} ({error.context})"
    return UnreadableDocument(position, "syntax", f"invalid YAML: {said}")


class _Composer:
    """Builds the node of one document; recursion is bounded by the depth limit."""

    def __init__(self, text: str, file: str, problems: Problems) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_Loader))
        self._file = file
        self._problems = problems
        self._count = 0
        self._anchors: dict[str, tuple[Node, int, int] | None] = {}
        """By name: node, number of nodes, height; None while the node is being composed."""

    def document(self) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(
                        self._at(event), "several_documents", "the file has more than one document"
                    )
                root, _ = self._node(next(self._events), 0)
        return root

    def _at(self, event: Any) -> Position:
        return Position(self._file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _stop(self, position: Position, code: str, message: str) -> NoReturn:
        raise UnreadableDocument(position, code, message)

    def _counted(self, position: Position, nodes: int) -> None:
        self._count += nodes
        if self._count > MAX_NODES:
            self._stop(
                position,
                "too_many_nodes",
                f"the file has more than {MAX_NODES} nodes, aliases expanded",
            )

    def _node(self, event: Any, depth: int) -> tuple[Node, int]:
        """The node that begins with the event, and its height (0 for a scalar)."""
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        position = self._at(event)
        tag = self._local_tag(event, position)
        if tag is not None or not isinstance(event, yaml.ScalarEvent):
            depth += 1
        if depth > MAX_DEPTH:
            self._stop(position, "too_deep", f"the file is nested more than {MAX_DEPTH} deep")
        before = self._count
        self._counted(position, 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node: Node
        height = 0
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, position)
        elif isinstance(event, yaml.SequenceStartEvent):
            node, height = self._list(position, depth)
        else:
            node, height = self._map(position, depth)
        if tag is not None:
            self._counted(position, 1)
            node = MapNode(position, (Pair(Scalar(position, tag), node),))
            height += 1
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, self._count - before, height)
        return node, height

    def _scalar(self, event: Any, position: Position) -> Scalar:
        # the non-specific tag `!` makes a text of whatever follows
        plain = event.style in (None, "") and event.tag != "!"
        start, end = event.start_mark, event.end_mark
        offset = None
        if start.line == end.line:
            quotes = end.column - start.column - len(event.value)
            offset = {0: 0, 2: 1}.get(quotes)
        return Scalar(position, event.value, plain, offset)

    def _local_tag(self, event: Any, position: Position) -> str | None:
        tag = event.tag
        if tag is None or tag == "!":
            return None
        if tag.startswith("!") and not tag.startswith("!!"):
            return str(tag[1:])
        shown = tag.replace("tag:yaml.org,2002:", "!!")
        self._problems.error(
            position, "unknown_tag", f"the tag '{shown}' is not supported; write the plain value"
        )
        return None

    def _alias(self, event: Any, depth: int) -> tuple[Node, int]:
        position = self._at(event)
        name = event.anchor
        if name not in self._anchors:
            self._stop(position, "unknown_alias", f"nothing is named '&{name}' before this alias")
        known = self._anchors[name]
        if known is None:
            self._stop(position, "alias_cycle", f"the alias '*{name}' contains itself")
        node, size, height = known
        if depth + height > MAX_DEPTH:
            self._stop(position, "too_deep", f"the file is nested more than {MAX_DEPTH} deep")
        self._counted(position, size)
        return used_from(node, position.line), height

    def _list(self, position: Position, depth: int) -> tuple[ListNode, int]:
        items: list[Node] = []
        height = 0
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            item, item_height = self._node(event, depth)
            items.append(item)
            height = max(height, item_height)
        return ListNode(position, tuple(items)), height + 1

    def _map(self, position: Position, depth: int) -> tuple[MapNode, int]:
        pairs: dict[str, Pair] = {}
        merged: list[Node] = []
        height = 0
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key, _ = self._node(event, depth)
            value, value_height = self._node(next(self._events), depth)
            height = max(height, value_height)
            if not isinstance(key, Scalar):
                self._problems.error(key.position, "bad_key", "a key must be a plain text")
            elif key.plain and key.text == "<<" and not merged:
                merged.append(value)
            else:
                self._add(pairs, Pair(key, value))
        for value in merged:
            self._merge(pairs, value)
        return MapNode(position, tuple(pairs.values())), height + 1

    def _add(self, pairs: dict[str, Pair], pair: Pair) -> None:
        first = pairs.setdefault(pair.key.text, pair)
        if first is not pair:
            there = first.key.position
            self._problems.error(
                pair.key.position,
                "duplicate_key",
                f"duplicate key '{pair.key.text}'; the first one is at line {there.line}, "
                f"column {there.column}",
            )

    def _merge(self, pairs: dict[str, Pair], value: Node) -> None:
        """Keys written in the map win over merged ones, earlier merged ones over later."""
        sources = value.items if isinstance(value, ListNode) else (value,)
        for source in sources:
            if not isinstance(source, MapNode):
                self._problems.error(
                    source.position, "wrong_type", "'<<' merges a map or a list of maps"
                )
                continue
            for pair in source.pairs:
                pairs.setdefault(pair.key.text, pair)
