"""Numbers of a job that may be ``$VAR``: from the file's ``env``, then the process environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestrator.workflow.durations import parse_duration
from orchestrator.workflow.fields import Fields, read_duration, read_integer
from orchestrator.workflow.model import EnvEntry, EnvForm
from orchestrator.workflow.nodes import Scalar

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))\Z")
_MANY_WORKERS = 50


@dataclass(frozen=True, slots=True)
class Numbers:
    """Reads numbers and looks up those that are the name of a variable."""

    declared: Mapping[str, EnvEntry]
    process: Mapping[str, str]

    def workers(self, fields: Fields, name: str) -> None:
        """A number of workers, at least 1."""
        node = fields.node(name)
        if node is None:
            return
        if isinstance(node, Scalar) and "$" in node.text:
            self._check(fields, node, name, _is_positive, "a whole number of at least 1")
            return
        wanted = read_integer(node, name, fields.problems, 1)
        if wanted is not None and wanted > _MANY_WORKERS:
            fields.problems.warning(
                node.position, "many_workers", f"'{name}' is {wanted}: more than the machine needs"
            )

    def duration(self, fields: Fields, name: str) -> None:
        """A duration."""
        node = fields.node(name)
        if node is None:
            return
        if isinstance(node, Scalar) and "$" in node.text:
            self._check(fields, node, name, _is_duration, "a duration")
            return
        read_duration(node, name, fields.problems)

    def _check(
        self, fields: Fields, node: Scalar, name: str, fits: Callable[[str], bool], expected: str
    ) -> None:
        text = node.text.strip()
        match = _VARIABLE.match(text)
        if match is None:
            return  # a longer text is known when the job starts
        variable = match.group(1) or match.group(2)
        value = self._value(variable)
        if value is None:
            fields.problems.error(
                node.position,
                "unset_variable",
                f"'{name}' is {text}, but {variable} is neither in 'env' of this file "
                "nor in the environment",
            )
        elif "$" not in value and not fits(value):
            fields.problems.error(
                node.position,
                "wrong_type",
                f"'{name}' expects {expected}, but {variable} is '{value}'",
            )

    def _value(self, variable: str) -> str | None:
        """The value as far as it is known before the start; ``$`` where it is not."""
        entry = self.declared.get(variable)
        if entry is None:
            return self.process.get(variable)
        return entry.text if entry.form is EnvForm.TEXT else "$"


def _is_positive(text: str) -> bool:
    return text.strip().isdecimal() and int(text) >= 1


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except ValueError:
        return False
    return True
