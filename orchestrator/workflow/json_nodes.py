"""JSON text to positioned nodes, with the place of every key and value."""

from __future__ import annotations

import json
import re
from bisect import bisect_right

from orchestrator.workflow.nodes import (
    MAX_DEPTH,
    MAX_NODES,
    ListNode,
    MapNode,
    Node,
    Pair,
    Scalar,
    UnreadableDocument,
)
from orchestrator.workflow.problems import Position, Problems

_BLANKS = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")
_DECODER = json.JSONDecoder()
_LINE_END = re.compile(r"\r\n|\r|\n")


def parse_json(text: str, file: str, problems: Problems) -> Node | None:
    """The root node, or None for a file without content.

    Raises:
        UnreadableDocument: the text is not JSON, or a limit is exceeded.
    """
    return _Parser(text, file, problems).document()


class _Parser:
    def __init__(self, text: str, file: str, problems: Problems) -> None:
        self._text = text
        self._file = file
        self._problems = problems
        self._line_starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        self._offset = 0
        self._count = 0

    def document(self) -> Node | None:
        self._skip_blanks()
        if self._offset == len(self._text):
            return None
        root = self._value(0)
        self._skip_blanks()
        if self._offset < len(self._text):
            raise self._error(self._offset, "nothing may follow the first value")
        return root

    def _at(self, offset: int) -> Position:
        line = bisect_right(self._line_starts, offset)
        return Position(self._file, line, offset - self._line_starts[line - 1] + 1)

    def _error(self, offset: int, said: str, code: str = "syntax") -> UnreadableDocument:
        prefix = "invalid JSON: " if code == "syntax" else ""
        return UnreadableDocument(self._at(offset), code, prefix + said)

    def _skip_blanks(self) -> None:
        match = _BLANKS.match(self._text, self._offset)
        self._offset = match.end() if match else self._offset

    def _next(self) -> str:
        self._skip_blanks()
        return self._text[self._offset : self._offset + 1]

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise self._error(self._offset, f"expected '{character}'")
        self._offset += 1

    def _value(self, depth: int) -> Node:
        start = self._next()
        self._count += 1
        if self._count > MAX_NODES:
            raise self._error(
                self._offset, f"the file has more than {MAX_NODES} nodes", "too_many_nodes"
            )
        if start in ("{", "[") and start:
            if depth >= MAX_DEPTH:
                raise self._error(
                    self._offset, f"the file is nested more than {MAX_DEPTH} deep", "too_deep"
                )
            return self._map(depth + 1) if start == "{" else self._list(depth + 1)
        if start == '"':
            return self._string()
        word = _WORD.match(self._text, self._offset)
        if word is None:
            raise self._error(self._offset, "expected a value")
        position = self._at(self._offset)
        self._offset = word.end()
        return Scalar(position, word.group(), True, 0)

    def _string(self) -> Scalar:
        start = self._offset
        try:
            text, self._offset = _DECODER.raw_decode(self._text, start)
        except json.JSONDecodeError as error:
            raise self._error(error.pos, error.msg.lower()) from None
        exact = self._offset - start == len(text) + 2
        # half a surrogate pair is no text
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return Scalar(self._at(start), text, False, 1 if exact else None)

    def _list(self, depth: int) -> ListNode:
        position = self._at(self._offset)
        self._offset += 1
        items: list[Node] = []
        if self._next() == "]":
            self._offset += 1
            return ListNode(position, ())
        while True:
            items.append(self._value(depth))
            if self._next() == ",":
                self._offset += 1
                continue
            self._expect("]")
            return ListNode(position, tuple(items))

    def _map(self, depth: int) -> MapNode:
        position = self._at(self._offset)
        self._offset += 1
        pairs: dict[str, Pair] = {}
        if self._next() == "}":
            self._offset += 1
            return MapNode(position, ())
        while True:
            if self._next() != '"':
                raise self._error(self._offset, "expected a key in double quotes")
            key = self._string()
            self._count += 1
            self._expect(":")
            value = self._value(depth)
            first = pairs.setdefault(key.text, Pair(key, value))
            if first.key is not key:
                there = first.key.position
                self._problems.error(
                    key.position,
                    "duplicate_key",
                    f"duplicate key '{key.text}'; the first one is at line {there.line}, "
                    f"column {there.column}",
                )
            if self._next() == ",":
                self._offset += 1
                continue
            self._expect("}")
            return MapNode(position, tuple(pairs.values()))
