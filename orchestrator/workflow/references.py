"""References in texts: their grammar and parser.

::

    reference := "${" body "}" | "$" bare
    body      := computed [ ":-" default ] | path modifier* filter* [ ":-" default ]
    path      := name { "." name | "." digits | "[" digits "]" | "['" key "']" }
    name      := [A-Za-z_][A-Za-z0-9_-]*
    modifier  := ":" ( json | lines | newline | csv | comma | globs )
    globs     := glob { "," glob }                       each with * ? or [
    filter    := "|" ( "default:" text | "pattern:" globs | basename | length | length:N
                     | quote | json | lines | csv )
    default   := text up to the closing brace, may contain references
    bare      := [A-Za-z_][A-Za-z0-9_]*
    computed  := "env." NAME | "file:" path | "cmd:" command | "json:" jsonpath ":from:" path
               | "date:" strftime | "uuid"

The closing brace is the matching one. ``:?``, ``:+`` and ``:=`` are operators of the shell, never
modifiers. ``file:``, ``cmd:`` and ``json:`` need a next character other than ``- + = ?``, a digit
or a blank, and ``date:`` a text with ``%``, so that ``${file:-x}`` and ``${date:0:4}`` are the
shell's. ``env.NAME`` and ``uuid`` have the form of a path and are parsed as one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.workflow.globs import has_wildcard

BARE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PATH = re.compile(
    r"[A-Za-z_][A-Za-z0-9_-]*"
    r"(?:\.(?:[A-Za-z_][A-Za-z0-9_-]*|[0-9]{1,9}(?![A-Za-z0-9_-]))"
    r"|\[[0-9]{1,9}\]|\['[^']*'\])*"
)

_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[([0-9]+)\]|\['([^']*)'\]")
_COMPUTED = re.compile(r"(file|cmd|json):(?=[^-+=?0-9\s])|(date):(?=[^%]*%)")
_MODIFIER = re.compile(r":(?![-?+=\s])([^:|{}$()'\"`;&<>\n]+)(?=[:|]|\Z)")
_FILTER = re.compile(
    r"\|(?:(?P<word>basename|quote|json|lines|csv|length(?::[0-9]+)?)(?=[:|]|\Z)"
    r"|(?P<default>default:)|pattern:(?P<globs>[^:|{}]+)(?=[:|]|\Z))"
)
_DEFAULT_END = re.compile(
    r"[{}]|\|(?=(?:basename|quote|json|lines|csv|length(?::[0-9]+)?)(?:[:|]|\Z)|default:|pattern:)"
)
_BRACE_OR_DEFAULT = re.compile(r"[{}]|:-")
_BRACE = re.compile(r"[{}]")


class OperationKind(StrEnum):
    """What a modifier or filter does to the value before it."""

    JSON = "json"
    LINES = "lines"
    CSV = "csv"
    SELECT = "select"
    DEFAULT = "default"
    BASENAME = "basename"
    LENGTH = "length"
    QUOTE = "quote"


_WORDS = {
    "json": OperationKind.JSON,
    "lines": OperationKind.LINES,
    "newline": OperationKind.LINES,
    "csv": OperationKind.CSV,
    "comma": OperationKind.CSV,
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One modifier or filter; ``text`` belongs to ``DEFAULT``, ``globs`` to ``SELECT``."""

    kind: OperationKind
    text: str = ""
    globs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VariablePath:
    """A path: its dotted names, which may be one name as a whole, and what follows a bracket."""

    dotted: tuple[str, ...]
    rest: tuple[str | int, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it could be a variable of the shell, with or without a bracket."""
        return len(self.dotted) == 1

    @property
    def is_one_name(self) -> bool:
        return self.is_plain and not self.rest

    @property
    def name(self) -> str:
        """All of it with dots."""
        return ".".join((*self.dotted, *map(str, self.rest)))


@dataclass(frozen=True, slots=True)
class Computed:
    """A computed value with an argument: ``file``, ``cmd``, ``json`` or ``date``."""

    kind: str
    argument: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """What stands between ``${`` and ``}``.

    ``${file:lines}`` reads both ways; then ``path`` and ``computed`` are set, and a variable of
    that name wins.
    """

    path: VariablePath | None
    operations: tuple[Operation, ...] = ()
    default: str | None = None
    computed: Computed | None = None

    @property
    def replaces_undefined(self) -> bool:
        """Whether ``|default:`` makes an undefined variable a value."""
        return any(operation.kind is OperationKind.DEFAULT for operation in self.operations)


class Braces:
    """Finds matching braces of one text, in linear time over all questions."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends: dict[int, int] | None = None
        self._none_from = len(text)

    def end(self, opening: int) -> int:
        """The place of the brace that closes the one at ``opening``, or -1."""
        if self._ends is None:
            if opening >= self._none_from:
                return -1
            end = self._text.find("}", opening + 1)
            if end < 0:
                self._none_from = opening
                return -1
            if self._text.find("{", opening + 1, end) < 0:
                return end
            self._ends = self._match_all()
        return self._ends.get(opening, -1)

    def _match_all(self) -> dict[int, int]:
        ends: dict[int, int] = {}
        opened: list[int] = []
        for brace in _BRACE.finditer(self._text):
            if brace[0] == "{":
                opened.append(brace.start())
            elif opened:
                ends[opened.pop()] = brace.start()
        return ends


def parse_path(
    text: str, start: int = 0, end: int | None = None
) -> tuple[VariablePath, int] | None:
    """Reads a path at ``start``; gives it and where it ends, or None."""
    match = PATH.match(text, start, len(text) if end is None else end)
    if match is None:
        return None
    root = re.match(r"[A-Za-z0-9_-]+", match[0])
    assert root is not None
    dotted: list[str] = [root[0]]
    rest: list[str | int] = []
    for step in _STEP.finditer(match[0], root.end()):
        name, index, key = step.groups()
        if index is not None:
            rest.append(int(index))
        elif key is not None:
            rest.append(key)
        else:
            (rest if rest else dotted).append(name)
    return VariablePath(tuple(dotted), tuple(rest)), match.end()


def parse_reference(text: str, start: int = 0, end: int | None = None) -> Reference | None:
    """Parses the body of a reference.

    Args:
        text: where it stands.
        start: the place after ``${``.
        end: the place of the closing brace.

    Returns:
        The reference; None if the body is none, so that it is left as it is.
    """
    end = len(text) if end is None else end
    path = parse_path(text, start, end)
    if path is None:
        return None
    by_path = _parse_operations(path[0], text, path[1], end)
    computed = _parse_computed(text, start, end)
    if by_path is None:
        return None if computed is None else Reference(None, computed=computed)
    if computed is None:
        return by_path
    return Reference(by_path.path, by_path.operations, by_path.default, computed)


def _parse_operations(path: VariablePath, text: str, at: int, end: int) -> Reference | None:
    operations: list[Operation] = []
    while at < end:
        if text.startswith(":-", at, end):
            return Reference(path, tuple(operations), text[at + 2 : end])
        operation: Operation | None
        if match := _FILTER.match(text, at, end):
            operation, at = _read_filter(match, text, end)
        elif match := _MODIFIER.match(text, at, end):
            operation, at = _read_modifier(match[1]), match.end()
        else:
            return None
        if operation is None:
            return None
        operations.append(operation)
    return Reference(path, tuple(operations))


def _read_modifier(text: str) -> Operation | None:
    if text in _WORDS:
        return Operation(_WORDS[text])
    globs = tuple(text.split(","))
    return Operation(OperationKind.SELECT, globs=globs) if all(map(has_wildcard, globs)) else None


def _read_filter(match: re.Match[str], text: str, end: int) -> tuple[Operation, int]:
    if match["default"]:
        stop = _default_end(text, match.end(), end)
        return Operation(OperationKind.DEFAULT, text=text[match.end() : stop]), stop
    if match["globs"]:
        globs = tuple(match["globs"].split(","))
        return Operation(OperationKind.SELECT, globs=globs), match.end()
    return Operation(OperationKind(match["word"].partition(":")[0])), match.end()


def _default_end(text: str, start: int, end: int) -> int:
    """The text of ``|default:`` goes on to the next filter that is not in inner braces."""
    depth = 0
    for match in _DEFAULT_END.finditer(text, start, end):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
        elif depth == 0:
            return match.start()
    return end


def _parse_computed(text: str, start: int, end: int) -> Computed | None:
    match = _COMPUTED.match(text, start, end)
    if match is None:
        return None
    kind = match[1] or match[2]
    argument, default, depth = text[match.end() : end], None, 0
    for found in _BRACE_OR_DEFAULT.finditer(text, match.end(), end):
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            depth -= 1
        elif depth == 0:
            argument, default = text[match.end() : found.start()], text[found.end() : end]
            break
    if (kind == "json" and ":from:" not in argument) or (kind == "date" and "%" not in argument):
        return None
    return Computed(kind, argument, default)
