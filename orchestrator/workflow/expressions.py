"""Expressions of ``when``, of env ``condition`` and of parameter ``validation``: grammar, parser.

::

    or   := and { ("||" | "or") and }
    and  := not { ("&&" | "and") not }
    not  := ("!" | "not") not | cmp
    cmp  := atom [ OP atom ]                             one comparison, no chains
    OP   := == != < <= > >= =~ contains in
    atom := "(" or ")" | "${" reference-body "}" | "${" or "}" | $path | path
          | 'str' | "str" | number | true | false | null | "[" [ atom { "," atom } ] "]"
          | matches('re') | in([...])

``${…}`` is a reference if it reads as one, else an expression. In a string a backslash before its
quote gives the quote; every other backslash stays, for patterns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from orchestrator.workflow import comparing
from orchestrator.workflow.expression_nodes import (
    AllOf,
    AnyOf,
    Comparison,
    Elements,
    Literal,
    Name,
    Node,
    Not,
    Setting,
    Text,
)
from orchestrator.workflow.references import (
    Braces,
    Reference,
    VariablePath,
    parse_path,
    parse_reference,
)
from orchestrator.workflow.resolution import Scope

_DEEPEST = 60

_BLANKS = re.compile(r"\s*")
_OR = re.compile(r"\|\||or(?![\w.-])")
_AND = re.compile(r"&&|and(?![\w.-])")
_NOT = re.compile(r"!(?!=)|not(?![\w.-])")
_SIGN = re.compile(r"==|!=|<=|>=|=~|<|>|(?:contains|in)(?![\w.-])")
_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.])")
_CONSTANT = re.compile(r"(true|false|null)(?![\w.\[-])", re.IGNORECASE)
_MATCHES = re.compile(r"matches\s*\(")
_IN = re.compile(r"in\s*\(")
_STRING = re.compile(r"'((?:[^'\\]|\\.)*+)'|\"((?:[^\"\\]|\\.)*+)\"", re.DOTALL)
_CONSTANTS = {"true": True, "false": False, "null": None}

_NOTHING_GIVEN: Mapping[str, object] = MappingProxyType({})
_VALUE = Name(Reference(VariablePath(("value",))), "value")


class ExpressionError(Exception):
    """A text is no expression.

    Attributes:
        message: what is wrong.
        offset: where in the text, in characters from 0.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message, offset)
        self.message = message
        self.offset = offset

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression. ``text`` is as written."""

    text: str
    root: Node

    def evaluate(
        self,
        scope: Scope,
        *,
        given: Mapping[str, object] = _NOTHING_GIVEN,
        warn: Callable[[str], None] | None = None,
    ) -> object:
        """Its value.

        Args:
            scope: where names come from: variables, then the declared and the process environment.
            given: names below the variables: ``branch`` and ``profile``, or ``value``.
            warn: hears of comparisons that make no sense and of invalid patterns.

        Raises:
            InterpolationError: a computed value without default failed.
        """
        return self.root.value(Setting(scope, given, warn or _ignore))

    def is_true(
        self,
        scope: Scope,
        *,
        given: Mapping[str, object] = _NOTHING_GIVEN,
        warn: Callable[[str], None] | None = None,
    ) -> bool:
        """Whether its value counts as true; arguments and errors as for ``evaluate``."""
        return comparing.is_true(self.evaluate(scope, given=given, warn=warn))

    def names(self) -> frozenset[str]:
        """Every name it refers to, with dots."""
        return self.root.names()


def parse_expression(text: str) -> Expression:
    """Parses an expression.

    Raises:
        ExpressionError: it is none.
    """
    parser = _Parser(text)
    return Expression(text, parser.whole())


def _ignore(_warning: str) -> None:
    pass


class _Parser:
    """Recursive descent over one text; ``_at`` is the place of the next token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._braces = Braces(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        self._skip_blanks()
        if self._at == len(self._text):
            raise ExpressionError("the expression is empty", 0)
        node = self._or()
        if self._at < len(self._text):
            raise self._unexpected("an operator or the end")
        return node

    # -- levels -----------------------------------------------------------------------------------

    def _or(self) -> Node:
        parts = [self._and()]
        while self._take(_OR):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _and(self) -> Node:
        parts = [self._not()]
        while self._take(_AND):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _not(self) -> Node:
        negations = 0
        while self._take(_NOT):
            negations += 1
        node = self._comparison()
        if negations == 0:
            return node
        return Not(node) if negations % 2 else Not(Not(node))

    def _comparison(self) -> Node:
        left = self._atom()
        sign = self._take(_SIGN)
        if sign is None:
            return left
        node = self._compared(left, sign[0])
        if chained := _SIGN.match(self._text, self._at):
            raise ExpressionError(
                f"a second comparison ('{chained[0]}') must be joined with 'and' or 'or'",
                self._at,
            )
        return node

    def _compared(self, left: Node, sign: str) -> Comparison:
        start = self._at
        right = self._atom()
        return Comparison(left, sign, self._pattern(right, start) if sign == "=~" else right)

    # -- atoms ------------------------------------------------------------------------------------

    def _atom(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExpressionError(f"nested more than {_DEEPEST} deep", self._at)
        node = self._one_atom()
        self._depth -= 1
        return node

    def _one_atom(self) -> Node:
        character = self._text[self._at : self._at + 1]
        if character == "(":
            self._advance(1)
            return self._closed(self._or(), ")")
        if character == "[":
            return self._list()
        if character in ("'", '"') and character:
            return self._string()
        if character == "$":
            return self._dollar()
        if self._take(_MATCHES):
            start = self._at
            return self._closed(Comparison(_VALUE, "=~", self._pattern(self._atom(), start)), ")")
        if self._take(_IN):
            return self._closed(Comparison(_VALUE, "in", self._atom()), ")")
        if number := self._take(_NUMBER):
            return Literal(comparing.read_number(number[0]))
        if constant := self._take(_CONSTANT):
            return Literal(_CONSTANTS[constant[1].lower()])
        return self._path()

    def _list(self) -> Node:
        self._advance(1)
        elements: list[Node] = []
        while not (self._text.startswith("]", self._at) and not elements):
            elements.append(self._atom())
            if not self._text.startswith(",", self._at):
                break
            self._advance(1)
        return self._closed(Elements(tuple(elements)), "]")

    def _string(self) -> Node:
        string = _STRING.match(self._text, self._at)
        if string is None:
            raise ExpressionError("the text has no closing quote", self._at)
        quote = string[0][0]
        content = (string[1] if quote == "'" else string[2]).replace("\\" + quote, quote)
        self._advance(len(string[0]))
        return Text(content) if "$" in content else Literal(content)

    def _dollar(self) -> Node:
        start = self._at
        if self._text.startswith("${", start):
            end = self._braces.end(start + 1)
            reference = parse_reference(self._text, start + 2, end) if end >= 0 else None
            if reference is not None:
                self._advance(end + 1 - start)
                return Name(reference, self._text[start + 2 : end])
            self._advance(2)
            return self._closed(self._or(), "}")
        self._at += 1
        return self._path()

    def _path(self) -> Node:
        start = self._at
        parsed = parse_path(self._text, start)
        if parsed is None:
            raise self._unexpected("a name, a value or '('")
        path, end = parsed
        self._advance(end - start)
        return Name(Reference(path), self._text[start:end])

    def _pattern(self, node: Node, start: int) -> Node:
        """A text in the place of a regular expression, checked if it can be."""
        if isinstance(node, Text):
            node = Text(node.text, is_pattern=True)
            if node.names():
                return node
            source = node.text
        elif isinstance(node, Literal) and isinstance(node.constant, str):
            source = node.constant
        else:
            return node
        try:
            re.compile(source)
        except (re.error, RecursionError, OverflowError) as error:
            raise ExpressionError(f"not a valid regular expression: {error}", start) from error
        return node

    # -- tokens -----------------------------------------------------------------------------------

    def _skip_blanks(self) -> None:
        blanks = _BLANKS.match(self._text, self._at)
        if blanks is not None:
            self._at = blanks.end()

    def _advance(self, length: int) -> None:
        self._at += length
        self._skip_blanks()

    def _take(self, token: re.Pattern[str]) -> re.Match[str] | None:
        match = token.match(self._text, self._at)
        if match is not None:
            self._advance(len(match[0]))
        return match

    def _closed(self, node: Node, closing: str) -> Node:
        if not self._text.startswith(closing, self._at):
            raise self._unexpected(f"'{closing}'")
        self._advance(len(closing))
        return node

    def _unexpected(self, wanted: str) -> ExpressionError:
        rest = self._text[self._at : self._at + 20].split("\n")[0]
        found = f"'{rest}'" if rest else "the end"
        hint = "; compare with '=='" if re.match(r"=(?![=~])", self._text[self._at :]) else ""
        return ExpressionError(f"expected {wanted}, found {found}{hint}", self._at)
