"""``parameters`` and ``defaults`` as they are declared in a file."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.workflow.fields import Fields, wrong_type
from orchestrator.workflow.model import Parameter
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Scalar, is_null, plain_data
from orchestrator.workflow.problems import Position, Problems

PARAMETER_TYPES = {
    "string": "string",
    "number": "number",
    "integer": "integer",
    "int": "integer",
    "float": "float",
    "boolean": "boolean",
    "bool": "boolean",
    "array": "array",
    "list": "array",
    "object": "object",
    "map": "object",
    "any": "any",
}


def read_parameters(fields: Fields) -> tuple[tuple[Parameter, ...], dict[str, object]]:
    """The declared parameters and the ``defaults`` of a file."""
    node = fields.node("parameters")
    found: dict[str, Parameter] = {}
    for parameter in () if node is None else _declared(node, fields.problems):
        if parameter.name in found:
            first = found[parameter.name].position
            fields.problems.error(
                parameter.position,
                "duplicate_parameter",
                f"the parameter '{parameter.name}' is declared twice; first at line {first.line}",
            )
        found.setdefault(parameter.name, parameter)
    defaults = fields.mapping("defaults")
    data = {} if defaults is None else plain_data(defaults)
    return tuple(found.values()), data if isinstance(data, dict) else {}


def _declared(node: Node, problems: Problems) -> Iterator[Parameter]:
    if isinstance(node, ListNode):
        yield from _each(node, True, problems)
        return
    if isinstance(node, Scalar):
        wrong_type(node, "parameters", "a map", problems)
        return
    if _is_grouped(node):
        for pair in node.pairs:
            required = pair.key.text == "required"
            if isinstance(pair.value, ListNode):
                yield from _each(pair.value, required, problems)
        return
    definitions = node.get("definitions")
    if isinstance(definitions, MapNode) and len(node.pairs) == 1:
        node = definitions
    for pair in node.pairs:
        yield from _named(pair.key.text, pair.key.position, pair.value, False, problems)


def _is_grouped(node: MapNode) -> bool:
    """``{required: [...], optional: [...]}``, not parameters that happen to have these names."""
    return bool(node.pairs) and all(
        pair.key.text in ("required", "optional")
        and (isinstance(pair.value, ListNode) or is_null(pair.value))
        for pair in node.pairs
    )


def _each(node: ListNode, required: bool, problems: Problems) -> Iterator[Parameter]:
    for item in node.items:
        if isinstance(item, Scalar) and not item.is_null:
            yield Parameter(item.text, item.position, required=required)
        elif isinstance(item, MapNode):
            name = item.get("name")
            if isinstance(name, Scalar) and not name.is_null:
                yield from _named(name.text, item.position, item, required, problems)
            else:
                problems.error(item.position, "missing_key", "a parameter needs 'name'")
        else:
            wrong_type(item, "parameters", "a name or a map", problems)


def _named(
    name: str, position: Position, node: Node, required: bool, problems: Problems
) -> Iterator[Parameter]:
    if not isinstance(node, MapNode):
        # the map form with a plain value: NAME is that value unless another one is given
        yield Parameter(
            name,
            position,
            default=plain_data(node),
            has_default=not is_null(node),
            required=is_null(node) and required,
        )
        return
    fields = Fields(node, problems, f"the parameter '{name}'")
    fields.ignore("name")
    default = fields.node("default")
    says_required = fields.boolean("required")
    yield Parameter(
        name=name,
        position=position,
        type=fields.word("type", valid=PARAMETER_TYPES) or "any",
        required=required if says_required is None else says_required,
        default=None if default is None else plain_data(default),
        has_default=default is not None,
        description=fields.string("description"),
        validation=fields.expression("validation"),
    )
    fields.finish()
