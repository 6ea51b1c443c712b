"""Typed readers for the values of keys, and the reading of a mapping key by key.

A reader returns None when the value is absent or wrong; what is wrong it reports itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from orchestrator.workflow.durations import parse_duration
from orchestrator.workflow.expressions import Expression, ExpressionError, parse_expression
from orchestrator.workflow.model import Duration
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Scalar, describe, is_null
from orchestrator.workflow.problems import Position, Problems
from orchestrator.workflow.suggest import nearest, plain_word

T = TypeVar("T")

_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_MODE = re.compile(r"(?:0[oO])?([0-7]{1,6})\Z")


class Fields:
    """The keys of one mapping, each asked for by its names; the rest is reported by ``finish``.

    Args:
        node: the mapping.
        problems: receives what is wrong.
        place: what the mapping is, as in "unknown key 'x' in a step".
    """

    def __init__(self, node: MapNode, problems: Problems, place: str) -> None:
        self.position = node.position
        self.place = place
        self.problems = problems
        self._keys = {pair.key.text: pair for pair in node.pairs}
        self._asked: dict[str, None] = {}

    def __contains__(self, name: str) -> bool:
        """Whether a key is there and not null."""
        return name in self._keys and not is_null(self._keys[name].value)

    def names(self) -> tuple[str, ...]:
        return tuple(self._keys)

    def key_position(self, name: str) -> Position:
        """Where a key is written, or where its mapping begins."""
        pair = self._keys.get(name)
        return self.position if pair is None else pair.key.position

    def node(self, *names: str) -> Node | None:
        """The value under the first of the names that is there; two of them are an error."""
        found: str | None = None
        for name in names:
            self._asked[name] = None
            if name not in self:
                continue
            if found is None:
                found = name
                continue
            self.problems.error(
                self.key_position(name),
                "same_twice",
                f"'{found}' and '{name}' mean the same; keep one",
            )
        return None if found is None else self._keys[found].value

    def written(self, *names: str) -> str:
        """The name that is used for a field in this file, for messages."""
        return next((name for name in names if name in self), names[0])

    def _read(
        self, names: tuple[str, ...], reader: Callable[[Node, str, Problems], T | None]
    ) -> T | None:
        node = self.node(*names)
        return None if node is None else reader(node, self.written(*names), self.problems)

    def string(self, *names: str) -> str | None:
        return self._read(names, read_string)

    def boolean(self, *names: str) -> bool | None:
        return self._read(names, read_boolean)

    def flag(self, *names: str, default: bool = False) -> bool:
        value = self.boolean(*names)
        return default if value is None else value

    def integer(self, *names: str, minimum: int = 0) -> int | None:
        return self._read(names, lambda n, name, p: read_integer(n, name, p, minimum))

    def number(
        self, *names: str, minimum: float = 0.0, maximum: float | None = None
    ) -> float | None:
        return self._read(names, lambda n, name, p: read_number(n, name, p, minimum, maximum))

    def duration(self, *names: str) -> Duration | None:
        return self._read(names, read_duration)

    def mode(self, *names: str) -> int | None:
        return self._read(names, read_mode)

    def expression(self, *names: str) -> Expression | None:
        return self._read(names, read_expression)

    def word(self, *names: str, valid: Mapping[str, T]) -> T | None:
        return self._read(names, lambda n, name, p: read_word(n, name, p, valid))

    def strings(self, *names: str) -> tuple[str, ...] | None:
        return self._read(names, read_strings)

    def mapping(self, *names: str) -> MapNode | None:
        return self._read(names, read_map)

    def text_map(self, *names: str) -> dict[str, str] | None:
        """A mapping of names to texts; null values are left out."""
        node = self.mapping(*names)
        if node is None:
            return None
        texts: dict[str, str] = {}
        for pair in node.pairs:
            if is_null(pair.value):
                continue
            text = read_string(pair.value, pair.key.text, self.problems)
            if text is not None:
                texts[pair.key.text] = text
        return texts

    def ignore(self, *names: str) -> None:
        """These keys are known and of no interest."""
        self._asked.update(dict.fromkeys(names))

    def ignore_all(self) -> None:
        self.ignore(*self._keys)

    def without_effect(self, *names: str, why: str) -> None:
        """These keys are known but do nothing here."""
        for name in names:
            self._asked[name] = None
            if name in self._keys:
                self.problems.warning(
                    self.key_position(name), "no_effect", f"'{name}' has no effect here: {why}"
                )

    def finish(self, elsewhere: Mapping[str, str] | None = None) -> None:
        """Warn of every key nobody asked for.

        Args:
            elsewhere: keys that are valid near by, with their place ("under 'validate'").
        """
        for name, pair in self._keys.items():
            if name in self._asked:
                continue
            message = f"unknown key '{name}' in {self.place}, ignored"
            meant = nearest(name, self._asked)
            home = (elsewhere or {}).get(name)
            if home is not None:
                message, meant = f"{message}; '{name}' belongs {home}", None
            self.problems.warning(pair.key.position, "unknown_key", message, meant)


def wrong_type(node: Node, name: str, expected: str, problems: Problems) -> None:
    problems.error(
        node.position, "wrong_type", f"'{name}' expects {expected}, got {describe(node)}"
    )


def read_string(node: Node, name: str, problems: Problems) -> str | None:
    """Any scalar, as written."""
    if isinstance(node, Scalar):
        return node.text
    wrong_type(node, name, "a text", problems)
    return None


def as_boolean(node: Node) -> bool | None:
    """A boolean if the node reads as one; nothing is reported."""
    if isinstance(node, Scalar):
        word = node.text.strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
    return None


def read_boolean(node: Node, name: str, problems: Problems) -> bool | None:
    value = as_boolean(node)
    if value is None:
        wrong_type(node, name, "true or false", problems)
    return value


def read_integer(node: Node, name: str, problems: Problems, minimum: int = 0) -> int | None:
    value = as_integer(node)
    if value is None:
        wrong_type(node, name, "a whole number", problems)
        return None
    if value < minimum:
        wrong_type(node, name, f"a whole number of at least {minimum}", problems)
        return None
    return value


def as_integer(node: Node) -> int | None:
    """A whole number if the node reads as one; nothing is reported."""
    if not isinstance(node, Scalar):
        return None
    text = node.text.strip()
    if re.fullmatch(r"[-+]?[0-9]{1,18}", text, re.ASCII) is None:
        return None
    return int(text)


def read_number(
    node: Node,
    name: str,
    problems: Problems,
    minimum: float = 0.0,
    maximum: float | None = None,
) -> float | None:
    expected = "a number" if maximum is None else f"a number from {minimum:g} to {maximum:g}"
    text = node.text.strip() if isinstance(node, Scalar) else ""
    if re.fullmatch(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", text) is None:
        wrong_type(node, name, expected, problems)
        return None
    value = float(text)
    if not math.isfinite(value):
        wrong_type(node, name, expected, problems)
        return None
    if value < minimum or (maximum is not None and value > maximum):
        at_least = f"a number of at least {minimum:g}" if maximum is None else expected
        wrong_type(node, name, at_least, problems)
        return None
    return value


def read_duration(node: Node, name: str, problems: Problems) -> Duration | None:
    """Seconds, units, ``{secs, nanos}`` or a text with a reference."""
    if isinstance(node, Scalar):
        text = node.text.strip()
        if "$" in text:
            return Duration(text=text)
        try:
            return Duration(parse_duration(text))
        except ValueError:
            wrong_type(node, name, "a duration", problems)
            return None
    parts: list[int | None] = [None]
    if isinstance(node, MapNode):
        given = {pair.key.text: as_integer(pair.value) for pair in node.pairs}
        if given and set(given) <= {"secs", "nanos"}:
            parts = [given.get("secs", 0), given.get("nanos", 0)]
    elif isinstance(node, ListNode) and len(node.items) == 2:
        parts = [as_integer(item) for item in node.items]
    if any(part is None or part < 0 for part in parts):
        wrong_type(node, name, "a duration", problems)
        return None
    seconds, nanos = (part or 0 for part in parts)
    return Duration(seconds + nanos / 1e9)


def read_mode(node: Node, name: str, problems: Problems) -> int | None:
    """The permission bits of a file, in octal digits."""
    match = _MODE.match(node.text.strip()) if isinstance(node, Scalar) else None
    value = int(match.group(1), 8) if match else None
    if value is None or value > 0o7777:
        wrong_type(node, name, "file permissions in octal digits such as 0644", problems)
        return None
    return value


def read_expression(node: Node, name: str, problems: Problems) -> Expression | None:
    if not isinstance(node, Scalar):
        wrong_type(node, name, "an expression", problems)
        return None
    try:
        return parse_expression(node.text)
    except ExpressionError as error:
        problems.error(
            node.position_of(error.offset), "bad_expression", f"'{name}' cannot be read: {error}"
        )
        return None


def read_word(node: Node, name: str, problems: Problems, valid: Mapping[str, T]) -> T | None:
    """One of a closed set of words, in snake_case, CamelCase or with hyphens."""
    word = word_of(node)
    if word is not None:
        for known, value in valid.items():
            if plain_word(known) == plain_word(word):
                return value
    shown = describe(node) if word is None else f"'{word}'"
    problems.error(
        node.position,
        "unknown_word",
        f"'{name}' expects one of {listed(valid)}; got {shown}",
        None if word is None else nearest(word, valid),
    )
    return None


def word_of(node: Node) -> str | None:
    """The word of an enum value: a text, or ``!word`` and ``{word: }`` without a value."""
    if isinstance(node, Scalar):
        return node.text.strip()
    if isinstance(node, MapNode) and len(node.pairs) == 1 and is_null(node.pairs[0].value):
        return node.pairs[0].key.text
    return None


def listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def read_strings(node: Node, name: str, problems: Problems) -> tuple[str, ...] | None:
    """A list of texts, or one text."""
    if isinstance(node, Scalar):
        return (node.text,)
    if not isinstance(node, ListNode):
        wrong_type(node, name, "a text or a list of texts", problems)
        return None
    texts = (read_string(item, name, problems) for item in node.items if not is_null(item))
    return tuple(text for text in texts if text is not None)


def read_map(node: Node, name: str, problems: Problems) -> MapNode | None:
    if isinstance(node, MapNode):
        return node
    wrong_type(node, name, "a map", problems)
    return None
