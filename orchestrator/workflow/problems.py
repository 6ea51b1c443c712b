"""Problems of a workflow file: values that are collected, sorted and shown together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file. Line and column count from 1, in characters; the file is as given."""

    file: str
    line: int = 1
    column: int = 1
    used_at: int | None = field(default=None, compare=False)
    """The line of the alias that brought this place in, when it is not read where it is written."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file.

    ``code`` is a stable word for programs (``unknown_key``); ``suggestion`` the nearest valid word.
    """

    position: Position
    severity: Severity
    code: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        meant = f"; did you mean '{self.suggestion}'?" if self.suggestion else ""
        used = f" (used at line {self.position.used_at})" if self.position.used_at else ""
        return f"{self.position}: {self.severity}: {self.message}{meant}{used}"


class Problems:
    """A growing collection of problems, handed through the loading of a file."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def error(
        self, position: Position, code: str, message: str, suggestion: str | None = None
    ) -> None:
        self._found.append(Problem(position, Severity.ERROR, code, message, suggestion))

    def warning(
        self, position: Position, code: str, message: str, suggestion: str | None = None
    ) -> None:
        self._found.append(Problem(position, Severity.WARNING, code, message, suggestion))

    def extend(self, problems: Iterable[Problem]) -> None:
        self._found.extend(problems)

    @property
    def sorted(self) -> tuple[Problem, ...]:
        """All problems by position, each once."""
        return tuple(sorted(dict.fromkeys(self._found), key=lambda p: (p.position, p.code)))

    @property
    def has_errors(self) -> bool:
        return any(problem.severity is Severity.ERROR for problem in self._found)
