"""The parts of an expression, and their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from orchestrator.workflow import comparing
from orchestrator.workflow.interpolation import Interpolator, TextKind, referred_names
from orchestrator.workflow.references import Reference, VariablePath
from orchestrator.workflow.resolution import Scope
from orchestrator.workflow.values import MISSING


class Setting:
    """What an expression is evaluated in.

    Args:
        scope: where names come from.
        given: names below the variables and above the environment, such as ``branch``.
        warn: hears of comparisons that make no sense.
    """

    def __init__(
        self, scope: Scope, given: Mapping[str, object], warn: Callable[[str], None]
    ) -> None:
        self.scope: Scope = _WithGiven(scope, given)
        self.warn = warn

    def interpolator(self, *, pattern: bool = False) -> Interpolator:
        return Interpolator(
            self.scope, TextKind.OTHER, whole_environment=True, keeps_escapes=pattern
        )


class _WithGiven:
    """A scope with some more names below its variables."""

    def __init__(self, scope: Scope, given: Mapping[str, object]) -> None:
        self._scope = scope
        self._given = given
        self.declared = scope.declared
        self.process = scope.process
        self.computed = scope.computed

    def lookup(self, name: str) -> object:
        value = self._scope.lookup(name)
        return self._given.get(name, MISSING) if value is MISSING else value

    def names(self) -> Iterable[str]:
        return (*self._scope.names(), *self._given)


class Node(Protocol):
    """A part of an expression."""

    def value(self, setting: Setting) -> object:
        """Its value; undefined is null."""

    def names(self) -> frozenset[str]:
        """The names it refers to, with dots."""


def _names_of(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset[str]().union(*(node.names() for node in nodes))


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, true, false or null, or a text without references."""

    constant: str | int | float | bool | None

    def value(self, setting: Setting) -> object:
        return self.constant

    def names(self) -> frozenset[str]:
        return frozenset()


@dataclass(frozen=True, slots=True)
class Text:
    """A text with references; as a pattern it keeps its backslashes."""

    text: str
    is_pattern: bool = False

    def value(self, setting: Setting) -> object:
        return setting.interpolator(pattern=self.is_pattern).fill(self.text)

    def names(self) -> frozenset[str]:
        return referred_names(self.text)


@dataclass(frozen=True, slots=True)
class Name:
    """A reference, with or without ``${}``."""

    reference: Reference
    body: str
    """As written, for the names inside its defaults."""

    def value(self, setting: Setting) -> object:
        interpolator = setting.interpolator()
        value = interpolator.value(self.reference)
        if value is MISSING or value is None:
            tested = self._tested_for_existence()
            return None if tested is None else interpolator.exists(tested)
        return value

    def names(self) -> frozenset[str]:
        return referred_names("${" + self.body + "}")

    def _tested_for_existence(self) -> VariablePath | None:
        """``x`` of ``x.exists``."""
        path = self.reference.path
        if path is None or self.reference.operations:
            return None
        if path.rest:
            return VariablePath(path.dotted, path.rest[:-1]) if path.rest[-1] == "exists" else None
        if path.is_plain or path.dotted[-1] != "exists":
            return None
        return VariablePath(path.dotted[:-1])


@dataclass(frozen=True, slots=True)
class Elements:
    """A list."""

    elements: tuple[Node, ...]

    def value(self, setting: Setting) -> object:
        return [element.value(setting) for element in self.elements]

    def names(self) -> frozenset[str]:
        return _names_of(self.elements)


@dataclass(frozen=True, slots=True)
class Not:
    inner: Node

    def value(self, setting: Setting) -> object:
        return not comparing.is_true(self.inner.value(setting))

    def names(self) -> frozenset[str]:
        return self.inner.names()


@dataclass(frozen=True, slots=True)
class AllOf:
    """``and``; stops at the first that is false."""

    parts: tuple[Node, ...]

    def value(self, setting: Setting) -> object:
        return all(comparing.is_true(part.value(setting)) for part in self.parts)

    def names(self) -> frozenset[str]:
        return _names_of(self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``or``; stops at the first that is true."""

    parts: tuple[Node, ...]

    def value(self, setting: Setting) -> object:
        return any(comparing.is_true(part.value(setting)) for part in self.parts)

    def names(self) -> frozenset[str]:
        return _names_of(self.parts)


@dataclass(frozen=True, slots=True)
class Comparison:
    left: Node
    sign: str
    right: Node

    def value(self, setting: Setting) -> object:
        left, right = self.left.value(setting), self.right.value(setting)
        match self.sign:
            case "==":
                return comparing.equal(left, right)
            case "!=":
                return not comparing.equal(left, right)
            case "contains":
                return comparing.contains(left, right)
            case "in":
                return comparing.contains(right, left)
            case "=~":
                found = comparing.matches(left, right)
                if found is None:
                    setting.warn(f"'{right}' is not a valid regular expression, so nothing matches")
                return bool(found)
            case _:
                ordered = comparing.in_order(self.sign, left, right)
                if ordered is None:
                    setting.warn(
                        f"'{self.sign}' compares numbers and texts, not null, lists or maps;"
                        " it counts as false"
                    )
                return bool(ordered)

    def names(self) -> frozenset[str]:
        return self.left.names() | self.right.names()
