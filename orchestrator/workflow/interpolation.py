"""Interpolation: replacing the references of a text, once, left to right.

Inserted values are not scanned again. What is no reference, or does not resolve, is copied byte for
byte. In shell text braces are ours and the rest is the shell's; a name that the script sets itself
is the script's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from orchestrator.workflow import resolution
from orchestrator.workflow.references import (
    BARE_NAME,
    Braces,
    Computed,
    Reference,
    VariablePath,
    parse_path,
    parse_reference,
)
from orchestrator.workflow.resolution import InterpolationError, Scope
from orchestrator.workflow.shell_names import exports_for, names_set_by
from orchestrator.workflow.values import MISSING, is_blank, render

__all__ = [
    "InterpolationError",
    "Interpolator",
    "Rendered",
    "Scope",
    "TextKind",
    "interpolate",
    "referred_names",
    "sole_value",
]

_DEEPEST = 40
"""References inside references beyond this depth are left as they are."""

_NO_EXPORTS: Mapping[str, str] = MappingProxyType({})


class TextKind(StrEnum):
    """What a text is for, which decides what in it is a reference."""

    SHELL = "shell"
    PROMPT = "prompt"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Rendered:
    """An interpolated text.

    ``exports`` are environment entries for a shell step. ``unresolved`` are the references left as
    they are, each once, as written: in shell text only those with a dotted path. ``warnings`` is
    whatever else a person should hear.
    """

    text: str
    exports: Mapping[str, str] = field(default_factory=lambda: _NO_EXPORTS)
    unresolved: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def interpolate(text: str, scope: Scope, kind: TextKind, *, strict: bool = False) -> Rendered:
    """Replaces the references of a text.

    Args:
        text: as written in the workflow file.
        scope: where names come from.
        kind: what the text is for.
        strict: an unresolved ``${…}`` outside shell text, or with a dotted path anywhere, is an
            error (``strict_variables``).

    Raises:
        InterpolationError: a computed value without default failed, or ``strict`` found something.
    """
    interpolator = Interpolator(scope, kind)
    result = interpolator.fill(text)
    unresolved, warnings = tuple(interpolator.unresolved), list(interpolator.warnings)
    if strict and unresolved:
        available = ", ".join(sorted(scope.names())) or "none"
        raise InterpolationError(f"not defined: {', '.join(unresolved)}; available: {available}")
    exports = _NO_EXPORTS
    if kind is TextKind.SHELL and "$" in text:
        exports, problems = exports_for(text, scope.lookup, replaced_at=interpolator.replaced_at)
        warnings += problems
    return Rendered(result, exports, unresolved, tuple(warnings))


def sole_value(text: str, scope: Scope) -> object:
    """The value, not the text, of a text that is exactly one reference; else ``MISSING``.

    Raises:
        InterpolationError: a computed value without default failed.
    """
    trimmed = text.strip()
    interpolator = Interpolator(scope, TextKind.OTHER)
    if trimmed.startswith("${") and Braces(trimmed).end(1) == len(trimmed) - 1:
        reference = parse_reference(trimmed, 2, len(trimmed) - 1)
        return MISSING if reference is None else interpolator.value(reference)
    if trimmed.startswith("$") and BARE_NAME.fullmatch(trimmed, 1):
        return interpolator.bare(trimmed[1:])
    return MISSING


def referred_names(text: str) -> frozenset[str]:
    """Every name a text may refer to, with dots; rather one too many than one too few."""
    names: set[str] = set()
    at = text.find("$")
    while at >= 0:
        start = at + 1
        while text[start : start + 1] in ("{", "#", "!") and start < at + 3:
            start += 1
        if path := parse_path(text, start):
            names.add(path[0].name)
        at = text.find("$", at + 1)
    at = text.find(":from:")
    while at >= 0:
        if path := parse_path(text, at + len(":from:")):
            names.add(path[0].name)
        at = text.find(":from:", at + 1)
    return frozenset(names)


class Interpolator:
    """Resolves the references of one text.

    Args:
        scope: where names come from.
        kind: what the text is for.
        whole_environment: plain names reach the process environment too, as in expressions.
        keeps_escapes: ``\\$`` and ``$$`` stay as they are, as in shell text; for the regular
            expressions of expressions.
    """

    def __init__(
        self,
        scope: Scope,
        kind: TextKind,
        *,
        whole_environment: bool = False,
        keeps_escapes: bool = False,
    ) -> None:
        self._scope = scope
        self._kind = kind
        self._whole_environment = whole_environment
        self._keeps_escapes = keeps_escapes or kind is TextKind.SHELL
        self._script_names: frozenset[str] | None = None
        self._text = ""
        self._depth = 0
        self.unresolved: dict[str, None] = {}
        self.warnings: dict[str, None] = {}
        self.replaced_at: set[int] = set()

    # -- texts ------------------------------------------------------------------------------------

    def fill(self, text: str) -> str:
        """The text with its references replaced."""
        at = text.find("$")
        if at < 0:
            return text
        if self._depth == 0:
            self._text = text
            self._script_names = None
        braces = Braces(text)
        pieces: list[str] = []
        copied = 0
        shells: list[int] = []  # ends of the ${…} around us that are left to the shell
        while at >= 0:
            following = text[at + 1 : at + 2]
            if _is_escaped(text, at):
                if not self._keeps_escapes:
                    pieces.append(text[copied : at - 1])
                    copied = at
                at += 1
            elif following == "$":
                if not self._keeps_escapes:
                    pieces.append(text[copied : at + 1])
                    copied = at + 2
                at += 2
            elif following == "{":
                while shells and shells[-1] < at:
                    shells.pop()
                end = braces.end(at + 1)
                value = self._replacement(text, at, end, inside=len(shells))
                if value is None:
                    if end >= 0:
                        shells.append(end)
                    at += 2
                else:
                    pieces += (text[copied:at], value)
                    at = copied = end + 1
            elif self._kind is not TextKind.SHELL and (name := BARE_NAME.match(text, at + 1)):
                found = self.bare(name[0])
                at = name.end()
                if found is not MISSING:
                    pieces += (text[copied : name.start() - 1], render(found))
                    copied = at
            else:
                at += 1
            at = text.find("$", at)
        pieces.append(text[copied:])
        return "".join(pieces)

    def _replacement(self, text: str, at: int, end: int, *, inside: int) -> str | None:
        """What takes the place of the ``${…}`` from ``at`` to ``end``; None leaves it."""
        if end < 0 or inside + self._depth >= _DEEPEST:
            return None
        reference = parse_reference(text, at + 2, end)
        if reference is None:
            return None
        if inside and self._kind is TextKind.SHELL and _is_simple(reference):
            return None  # the shell reads the braces around it, so it reads this name as well
        value = self.value(reference)
        if value is MISSING:
            path = reference.path
            if self._kind is not TextKind.SHELL or (path is not None and not path.is_plain):
                self.unresolved[text[at : end + 1]] = None
            return None
        if self._depth == 0:
            self.replaced_at.add(at)
        return render(value)

    def _inner(self, text: str) -> str:
        """A text inside a reference: a default."""
        self._depth += 1
        try:
            return self.fill(text)
        finally:
            self._depth -= 1

    # -- values -----------------------------------------------------------------------------------

    def bare(self, name: str) -> object:
        """The value of ``$name``: a variable, else from the environment."""
        value = self._scope.lookup(name)
        return self._environment(name) if value is MISSING else value

    def value(self, reference: Reference) -> object:
        """The value of a reference, defaults applied; ``MISSING`` when it does not resolve.

        Raises:
            InterpolationError: a computed value without default failed.
        """
        path, computed = reference.path, reference.computed
        if path is None:
            return MISSING if computed is None else self._compute(computed)
        if self._is_the_scripts(path):
            return MISSING if computed is None else self._compute(computed)
        value = self._variable(path, reference)
        if value is MISSING:
            if computed is not None:
                return self._compute(computed)
            if self._kind is TextKind.SHELL and path.is_plain and not reference.replaces_undefined:
                return MISSING
        if reference.default is not None and is_blank(value) and path.is_one_name:
            scope = self._scope
            value = scope.declared.get(path.name, scope.process.get(path.name, value))
        value = resolution.apply(reference.operations, value, self._inner)
        if reference.default is not None and is_blank(value):
            return self._inner(reference.default)
        return value

    def exists(self, path: VariablePath) -> bool:
        """Whether a path leads to a value that is not null."""
        if _is_environment(path) and resolution.find(path, self._scope.lookup).value is MISSING:
            return path.dotted[1] in self._scope.declared or path.dotted[1] in self._scope.process
        return self.value(Reference(path)) not in (MISSING, None)

    def _variable(self, path: VariablePath, reference: Reference) -> object:
        found = resolution.find(path, self._scope.lookup)
        has_default = reference.default is not None or reference.replaces_undefined
        if found.lacks_key and self._kind is TextKind.PROMPT and not has_default:
            self.warnings[f"'{path.name}' is empty: there is no such key"] = None
        if found.value is not MISSING:
            return found.value
        if _is_environment(path):
            name = path.dotted[1]
            return self._scope.declared.get(name, self._scope.process.get(name, ""))
        if not path.is_one_name:
            return MISSING
        return self._outside_the_variables(path.name, reference)

    def _outside_the_variables(self, name: str, reference: Reference) -> object:
        scope = self._scope
        value: object = MISSING
        if self._kind is not TextKind.SHELL:
            value = self._environment(name)
        elif reference.replaces_undefined:  # the shell cannot read a filter, so it is ours
            value = scope.declared.get(name, scope.process.get(name, MISSING))
        known = name in scope.declared or name in scope.process
        is_the_shells = self._kind is TextKind.SHELL and known
        if value is MISSING and name == "uuid" and not is_the_shells:
            return scope.computed("uuid", "")
        return value

    def _environment(self, name: str) -> object:
        value: object = self._scope.declared.get(name, MISSING)
        if value is MISSING and self._whole_environment:
            return self._scope.process.get(name, MISSING)
        return value

    def _compute(self, computed: Computed) -> object:
        # A command is a script: what has no braces in it is its own.
        kind = TextKind.SHELL if computed.kind == "cmd" else TextKind.OTHER
        argument = Interpolator(self._scope, kind)
        argument._depth = self._depth + 1
        argument._text = computed.argument
        text = argument.fill(computed.argument)
        self.unresolved |= argument.unresolved
        self.warnings |= argument.warnings
        try:
            value: object = self._scope.computed(computed.kind, text)
        except InterpolationError:
            if computed.default is None:
                raise
            value = MISSING
        if computed.default is not None and is_blank(value):
            return self._inner(computed.default)
        return value

    def _is_the_scripts(self, path: VariablePath) -> bool:
        if self._kind is not TextKind.SHELL or not path.is_plain:
            return False
        if self._script_names is None:
            self._script_names = names_set_by(self._text)
        return path.dotted[0] in self._script_names


def _is_simple(reference: Reference) -> bool:
    """Whether the shell reads the reference as well as we do."""
    path = reference.path
    return (
        path is not None
        and path.is_one_name
        and not reference.operations
        and reference.computed is None
    )


def _is_environment(path: VariablePath) -> bool:
    return path.dotted[0] == "env" and len(path.dotted) == 2 and not path.rest


def _is_escaped(text: str, at: int) -> bool:
    start = at
    while start > 0 and text[start - 1] == "\\":
        start -= 1
    return (at - start) % 2 == 1
