"""The filter language of work items: text to a tree, or the place where it stops making sense.

    or   := and (("||" | OR) and)*        and := not (("&&" | AND) not)*
    not  := ("!" | NOT) not | cmp         cmp := term (OP term | IN list)?
    OP   := == = != < <= > >= CONTAINS STARTS_WITH ENDS_WITH MATCHES
    term := "(" or ")" | func "(" term ("," term)* ")" | path "." method "(" term ")" | path
          | literal
    path := ["item." | "@." | "$."] name ("." name | "[" int "]" | "['" text "']")*

Words are case-insensitive. A bare word on the right of an operator is a string.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FUNCTIONS = {
    "contains": 2,
    "starts_with": 2,
    "ends_with": 2,
    "matches": 2,
    "is_null": 1,
    "is_not_null": 1,
    "is_number": 1,
    "is_string": 1,
    "is_bool": 1,
    "is_array": 1,
    "is_object": 1,
    "length": 1,
}
"""By name the number of arguments; ``length`` may have a second one, to compare with."""
METHODS = {
    "startswith": "starts_with",
    "endswith": "ends_with",
    "includes": "contains",
    "contains": "contains",
    "matches": "matches",
}
_SYMBOLS = {"==", "=", "!=", "<", "<=", ">", ">="}
_WORD_OPERATORS = {"contains", "starts_with", "ends_with", "matches"}
_RESERVED = {"and", "or", "not", "in"} | _WORD_OPERATORS
_LITERALS: dict[str, object] = {"true": True, "false": False, "null": None}
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)(?![A-Za-z_])
    | (?P<word>[@$]|[A-Za-z_][A-Za-z0-9_-]*)
    | (?P<symbol>\|\||&&|==|!=|<=|>=|[=<>!().,\[\]])
    )""",
    re.X | re.S,
)


class FilterError(ValueError):
    """A filter that cannot be read; ``offset`` is where, in characters."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value is in an item: keys and positions, without a leading ``item``."""

    keys: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    value: object


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator over terms: ``and``, ``or``, ``not``, ``==``, ``in``, ``length`` …"""

    name: str
    arguments: tuple[Term, ...]


Term = Path | Literal | Call


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


def parse_filter(text: str) -> Term:
    """The tree of a filter.

    Raises:
        FilterError: it cannot be read.
    """
    parser = _Parser(_tokens(text), len(text))
    try:
        term = parser.either()
    except RecursionError:
        raise FilterError("the filter is nested too deeply", 0) from None
    if parser.next is not None:
        raise FilterError(f"'{parser.next.text}' is not expected here", parser.next.start)
    return term


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            what = "a quote is not closed" if text[at] in "'\"" else f"'{text[at]}' is not expected"
            raise FilterError(what, at)
        kind = match.lastgroup or ""
        tokens.append(_Token(kind, match.group(kind), match.start(kind)))
        at = match.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[_Token], length: int) -> None:
        self._tokens = tokens
        self._at = 0
        self._length = length

    @property
    def next(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def either(self) -> Term:
        term = self._both()
        while self._take_word("or") or self._take("||"):
            term = Call("or", (term, self._both()))
        return term

    def _both(self) -> Term:
        term = self._not()
        while self._take_word("and") or self._take("&&"):
            term = Call("and", (term, self._not()))
        return term

    def _not(self) -> Term:
        if self._take("!") or self._take_word("not"):
            return Call("not", (self._not(),))
        return self._comparison()

    def _comparison(self) -> Term:
        left = self._term(is_right=False)
        if self._take_word("in"):
            return Call("in", (left, *self._list()))
        token = self.next
        if token is None:
            return left
        if token.text in _SYMBOLS and token.kind == "symbol":
            self._at += 1
            name = "==" if token.text == "=" else token.text
            return Call(name, (left, self._term(is_right=True)))
        if token.kind == "word" and token.text.lower() in _WORD_OPERATORS:
            self._at += 1
            right_at = self._offset
            return self._call(token.text.lower(), (left, self._term(is_right=True)), right_at)
        return left

    def _list(self) -> tuple[Term, ...]:
        self._expect("[")
        items: list[Term] = []
        while not self._take("]"):
            if items:
                self._expect(",")
            item = self._term(is_right=True)
            if not isinstance(item, Literal):
                raise FilterError("a list holds plain values only", self._offset)
            items.append(item)
        return tuple(items)

    def _term(self, *, is_right: bool) -> Term:
        token = self.next
        if token is None:
            raise FilterError("a value is missing", self._length)
        self._at += 1
        if token.text == "(" and token.kind == "symbol":
            inner = self.either()
            self._expect(")")
            return inner
        if token.kind == "string":
            return Literal(re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.S))
        if token.kind == "number":
            number = float(token.text)
            return Literal(int(token.text) if token.text.lstrip("-").isdecimal() else number)
        if token.kind == "symbol":
            raise FilterError(f"'{token.text}' is not expected here", token.start)
        return self._name(token, is_right=is_right)

    def _name(self, token: _Token, *, is_right: bool) -> Term:
        word = token.text.lower()
        follows = self.next.text if self.next is not None else ""
        if follows == "(":
            if word not in FUNCTIONS:
                known = ", ".join(FUNCTIONS)
                raise FilterError(
                    f"there is no function '{token.text}'; there are {known}", token.start
                )
            at = self._tokens[self._at].start + 1
            return self._call(word, self._arguments(), at)
        if word in _RESERVED:
            raise FilterError(f"'{token.text}' is not expected here", token.start)
        if word in _LITERALS:
            return Literal(_LITERALS[word])
        path = self._path(token)
        if is_right and isinstance(path, Path) and len(path.keys) == 1:
            return Literal(token.text)
        return path

    def _path(self, first: _Token) -> Term:
        keys: list[str | int] = [] if first.text in "@$" else [first.text]
        while True:
            if self._take("."):
                token = self.next
                if token is None or token.kind not in ("word", "number"):
                    raise FilterError("a name is missing after '.'", self._offset)
                self._at += 1
                if self.next is not None and self.next.text == "(":
                    return self._method(tuple(keys), token)
                keys.append(token.text)
            elif self._take("["):
                keys.append(self._key())
                self._expect("]")
            else:
                break
        if len(keys) > 1 and first.text == "item":
            keys = keys[1:]
        return Path(tuple(keys))

    def _method(self, keys: tuple[str | int, ...], token: _Token) -> Term:
        name = METHODS.get(token.text.replace("_", "").lower())
        if name is None:
            raise FilterError(f"there is no method '{token.text}'", token.start)
        path = Path(keys[1:] if len(keys) > 1 and keys[0] == "item" else keys)
        at = self._offset + 1
        return self._call(name, (path, *self._arguments()), at)

    def _key(self) -> str | int:
        token = self.next
        if token is None or token.kind not in ("number", "string"):
            raise FilterError("an index or a quoted name is missing after '['", self._offset)
        self._at += 1
        if token.kind == "string":
            return token.text[1:-1]
        if not token.text.lstrip("-").isdecimal():
            raise FilterError(f"'{token.text}' is no index", token.start)
        return int(token.text)

    def _arguments(self) -> tuple[Term, ...]:
        self._expect("(")
        arguments: list[Term] = []
        while not self._take(")"):
            if arguments:
                self._expect(",")
            arguments.append(self._term(is_right=bool(arguments)))
        return tuple(arguments)

    def _call(self, name: str, arguments: tuple[Term, ...], at: int) -> Call:
        wanted = FUNCTIONS[name]
        most = 2 if name == "length" else wanted
        if not wanted <= len(arguments) <= most:
            raise FilterError(f"'{name}' takes {wanted} argument(s), not {len(arguments)}", at)
        last = arguments[-1]
        if name == "matches" and isinstance(last, Literal) and isinstance(last.value, str):
            try:
                re.compile(last.value)
            except (re.error, OverflowError, RecursionError) as error:
                raise FilterError(f"the regular expression is invalid: {error}", at) from None
        return Call(name, arguments)

    @property
    def _offset(self) -> int:
        return self.next.start if self.next is not None else self._length

    def _take(self, symbol: str) -> bool:
        token = self.next
        if token is None or token.kind != "symbol" or token.text != symbol:
            return False
        self._at += 1
        return True

    def _take_word(self, word: str) -> bool:
        token = self.next
        if token is None or token.kind != "word" or token.text.lower() != word:
            return False
        self._at += 1
        return True

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise FilterError(f"'{symbol}' is missing", self._offset)
