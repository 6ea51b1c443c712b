"""The values of parameters: from the command line, a file, or what the workflow declares."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

from orchestrator.refusal import EXIT_USAGE, Refused
from orchestrator.workflow.documents import parse_document, read_bounded
from orchestrator.workflow.environment import StartScope
from orchestrator.workflow.interpolation import InterpolationError
from orchestrator.workflow.model import Parameter, Workflow
from orchestrator.workflow.nodes import MapNode, plain_data
from orchestrator.workflow.problems import Problem, Problems, Severity
from orchestrator.workflow.values import render


def read_parameter_file(path: Path) -> dict[str, object]:
    """The map in a JSON or YAML file.

    Raises:
        Refused: it cannot be read, or holds no map (exit 2), with every problem of it.
    """
    problems = Problems()
    try:
        data = read_bounded(path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise Refused(
            f"the parameter file {path} cannot be read: {reason}",
            code="bad_parameter_file",
            exit_code=EXIT_USAGE,
        ) from None
    root = parse_document(data, str(path), problems)
    if root is not None and not isinstance(root, MapNode):
        problems.error(root.position, "wrong_type", "a parameter file is a map of values")
    if problems.has_errors or root is None:
        raise Refused(
            f"the parameter file {path} cannot be used",
            code="bad_parameter_file",
            exit_code=EXIT_USAGE,
            problems=problems.sorted,
        )
    values = plain_data(root)
    return values if isinstance(values, dict) else {}


def resolve_parameters(
    workflow: Workflow,
    given: Mapping[str, str],
    from_file: Mapping[str, object] | None = None,
) -> tuple[dict[str, object], tuple[Problem, ...]]:
    """The value of every parameter, and what is missing or wrong about them, all at once.

    The first that has a value wins: ``given`` (``--param``), the file, ``defaults`` of the
    workflow, the parameter's own default. Values nobody declared are variables too.
    """
    declared = {parameter.name: parameter for parameter in workflow.parameters}
    values: dict[str, object] = dict(workflow.defaults)
    for parameter in workflow.parameters:
        if parameter.has_default:
            values.setdefault(parameter.name, parameter.default)
    values.update(from_file or {})
    for name, text in given.items():
        values[name] = text if name in declared else typed(text)
    problems: list[Problem] = []
    for parameter in workflow.parameters:
        name = parameter.name
        if values.get(name) is None:
            if parameter.required:
                problems.append(
                    _problem(
                        parameter,
                        "missing_parameter",
                        f"the parameter '{name}' is required; give it with --param {name}=…",
                    )
                )
            elif name not in values:
                values[name] = None
            continue
        fits, value = converted(values[name], parameter.type)
        if fits:
            values[name] = value
        else:
            problems.append(
                _problem(
                    parameter,
                    "wrong_type",
                    f"the parameter '{name}' expects {_article(parameter.type)}, "
                    f"got '{render(values[name])}'",
                )
            )
    if not problems:
        problems += _invalid(workflow, values)
    return values, tuple(problems)


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _problem(parameter: Parameter, code: str, message: str) -> Problem:
    return Problem(parameter.position, Severity.ERROR, code, message)


def _invalid(workflow: Workflow, values: Mapping[str, object]) -> list[Problem]:
    """The parameters whose ``validation`` is false."""
    found: list[Problem] = []
    for parameter in workflow.parameters:
        if parameter.validation is None or values.get(parameter.name) is None:
            continue
        value = values[parameter.name]
        scope = StartScope({**values, "value": value}, os.environ)
        try:
            if parameter.validation.is_true(scope):
                continue
            message = (
                f"the parameter '{parameter.name}' is '{render(value)}', "
                f"which is not {parameter.validation.text}"
            )
        except InterpolationError as error:
            message = f"the validation of '{parameter.name}' failed: {error}"
        found.append(_problem(parameter, "invalid_parameter", message))
    return found


def typed(text: str) -> object:
    """A value of the command line: integer, float, boolean, else text.

    It becomes a number only when showing that gives the same text again: ``1.10`` stays.
    """
    for kind in ("integer", "float", "boolean"):
        fits, value = converted(text, kind)
        if fits and render(value) == text:
            return value
    return text


def converted(value: object, kind: str) -> tuple[bool, object]:
    """Whether a value can be of a parameter type, and the value as one."""
    if kind == "any":
        return True, typed(value) if isinstance(value, str) else value
    if kind == "string":
        return (True, render(value)) if not isinstance(value, list | dict) else (False, value)
    if kind == "array":
        return _container(value, list)
    if kind == "object":
        return _container(value, dict)
    if kind == "boolean":
        return _boolean(value)
    return _number(value, kind)


def _container(value: object, kind: type) -> tuple[bool, object]:
    if isinstance(value, str):
        import json

        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return False, value
    return isinstance(value, kind), value


def _boolean(value: object) -> tuple[bool, object]:
    if isinstance(value, bool):
        return True, value
    word = value.strip().lower() if isinstance(value, str) else ""
    return word in ("true", "false"), word == "true"


def _number(value: object, kind: str) -> tuple[bool, object]:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False, value
    if isinstance(value, str):
        text = value.strip()
        if not text or text[0] not in "+-.0123456789" or "_" in text:
            return False, value
        try:
            value = int(text)
        except ValueError:
            try:
                value = float(text)
            except ValueError:
                return False, value
    if isinstance(value, float) and not math.isfinite(value):
        return False, value
    if kind == "integer" and isinstance(value, float):
        return value.is_integer(), int(value) if value.is_integer() else value
    return True, value
