"""The values a template or sub-workflow is given: ``with``, against the parameters it declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.workflow.fields import Fields
from orchestrator.workflow.model import Block, Parameter, Workflow
from orchestrator.workflow.nodes import MapNode, Node, Scalar, is_null, plain_data
from orchestrator.workflow.parameter_fields import read_parameters
from orchestrator.workflow.parameters import resolve_parameters
from orchestrator.workflow.problems import Position, Problems
from orchestrator.workflow.suggest import nearest


def body_of(
    name: str, node: Node, problems: Problems
) -> tuple[Node, tuple[Parameter, ...], dict[str, object]]:
    """The steps of a local template, and the parameters and ``defaults`` it declares."""
    if not (isinstance(node, MapNode) and (node.has("commands") or node.has("steps"))):
        return node, (), {}
    body = Fields(node, problems, f"the template '{name}'")
    steps = body.node("commands", "steps")
    parameters, defaults = read_parameters(body)
    body.ignore("name", "description")
    body.finish()
    return (node if steps is None else steps), parameters, defaults


def given_values(given: MapNode) -> dict[str, object]:
    """The values of a ``with`` map; texts with references are resolved when a step starts."""
    return {pair.key.text: plain_data(pair.value) for pair in given.pairs}


def read_arguments(
    name: str,
    here: Position,
    given: MapNode | None,
    parameters: tuple[Parameter, ...],
    defaults: Mapping[str, object],
    problems: Problems,
) -> dict[str, object]:
    """What the steps of a template see: what it is given over its defaults, checked."""
    values = {} if given is None else given_values(given)
    if given is not None and parameters:
        known = {parameter.name for parameter in parameters} | set(defaults)
        for pair in given.pairs:
            if pair.key.text not in known:
                problems.warning(
                    pair.key.position,
                    "unknown_parameter",
                    f"'{name}' has no parameter '{pair.key.text}'",
                    nearest(pair.key.text, known),
                )
    return checked_values(
        f"the template '{name}'", here, values, parameters, defaults, frozenset(), problems
    )


def checked_values(
    what: str,
    here: Position,
    values: Mapping[str, object],
    parameters: tuple[Parameter, ...],
    defaults: Mapping[str, object],
    elsewhere: frozenset[str],
    problems: Problems,
) -> dict[str, object]:
    """Values over defaults, of the types their parameters say.

    Args:
        what: who takes them, for messages.
        here: where they are given.
        values: what is given; texts with a reference are not checked, as nobody knows them yet.
        parameters: what is declared.
        defaults: values below those.
        elsewhere: names that get their value in another way.
        problems: receives what is missing or wrong.
    """
    later = {name: value for name, value in values.items() if has_reference(value)}
    known = {name: value for name, value in values.items() if name not in later}
    usable: list[Parameter] = []
    for parameter in parameters:
        name = parameter.name
        if name in later or name in elsewhere:
            continue
        has_value = known.get(name) is not None or parameter.has_default
        if parameter.required and not has_value and defaults.get(name) is None:
            problems.error(here, "missing_parameter", f"{what} needs the parameter '{name}'")
            continue
        usable.append(parameter)
    nobody = Workflow("", here, parameters=tuple(usable), defaults=defaults)
    resolved, found = resolve_parameters(nobody, {}, known)
    problems.extend(replace(problem, position=here) for problem in found)
    return {**resolved, **later}


def has_reference(value: object) -> bool:
    """Whether a value is, or holds, a text that is filled in when its step starts."""
    if isinstance(value, str):
        return "$" in value
    if isinstance(value, Mapping):
        return any(has_reference(item) for item in value.values())
    return isinstance(value, list) and any(has_reference(item) for item in value)


def with_inputs(block: Block, given: MapNode) -> Block:
    """A sub-workflow with more inputs: texts, or the names of variables outside."""
    inputs = dict(block.inputs)
    values = dict(block.values)
    for pair in given.pairs:
        if isinstance(pair.value, Scalar) and not is_null(pair.value):
            inputs[pair.key.text] = pair.value.text
        else:
            values[pair.key.text] = plain_data(pair.value)
    return replace(block, inputs=inputs, values=values)
