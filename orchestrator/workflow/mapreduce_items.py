"""What a job works on: ``input`` and the choice, order and check of its items, as written."""

from __future__ import annotations

import re

from orchestrator.workflow import mapreduce_words as words
from orchestrator.workflow.fields import Fields, read_integer, read_map, read_word, wrong_type
from orchestrator.workflow.item_filter import FilterError, parse_filter
from orchestrator.workflow.item_paths import compiled_jsonpath, is_path, parse_order
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Pair, Scalar, is_null
from orchestrator.workflow.problems import Problems

_CONSTRAINTS = ("range", "min_length", "max_length", "pattern", "one_of")


def read_items(fields: Fields) -> None:
    """Checks the keys of ``map`` that say what its items are."""
    problems = fields.problems
    if "input" not in fields:
        problems.error(fields.position, "missing_key", "'map' needs 'input': what to work on")
    _input(fields.node("input"), problems)
    check_jsonpath(fields, "json_path")
    check_filter(fields, "filter")
    check_order(fields, "sort_by")
    text, node = fields.string("distinct"), fields.node("distinct")
    if node is not None and text is not None and "${" not in text and not is_path(text):
        wrong_type(node, "distinct", "a path such as item.name", problems)
    fields.integer("offset")
    fields.integer("max_items", "limit")
    _validation(fields)


def _input(node: Node | None, problems: Problems) -> None:
    if isinstance(node, Scalar) and not node.text.strip():
        wrong_type(node, "input", "a file, a command or a list", problems)
    if not isinstance(node, MapNode):
        return
    fields = Fields(node, problems, "'input'")
    given = [name for name in ("file", "command", "list") if fields.node(name) is not None]
    if len(given) != 1:
        problems.error(node.position, "missing_key", "'input' is one of 'file', 'command', 'list'")
    fields.duration("timeout")
    fields.finish()


def check_filter(fields: Fields, name: str) -> None:
    """A filter must parse, unless it holds a reference and is complete only later."""
    text, node = fields.string(name), fields.node(name)
    if text is None or not isinstance(node, Scalar) or "${" in text:
        return
    try:
        parse_filter(text)
    except FilterError as error:
        fields.problems.error(
            node.position_of(error.offset), "bad_filter", f"'{name}' cannot be read: {error}"
        )


def check_jsonpath(fields: Fields, name: str) -> None:
    """A JSONPath must compile; an empty one is the root."""
    text, node = fields.string(name), fields.node(name)
    if text is None or node is None or not text.strip() or "${" in text:
        return
    try:
        compiled_jsonpath(text)
    except ValueError as error:
        fields.problems.error(node.position, "bad_jsonpath", f"'{name}' is not a JSONPath: {error}")


def check_order(fields: Fields, name: str) -> None:
    """``sort_by`` must be paths with directions."""
    text, node = fields.string(name), fields.node(name)
    if text is None or node is None or "${" in text:
        return
    try:
        parse_order(text)
    except ValueError as error:
        fields.problems.error(node.position, "bad_order", f"'{name}' cannot be read: {error}")


def check_pattern(fields: Fields, name: str) -> None:
    """A regular expression must compile."""
    text, node = fields.string(name), fields.node(name)
    if text is None or node is None or is_null(node):
        return
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        fields.problems.error(
            node.position, "bad_pattern", f"'{name}' is not a regular expression: {error}"
        )


def _validation(fields: Fields) -> None:
    node = fields.mapping("validation")
    if node is None:
        return
    inner = Fields(node, fields.problems, "'validation'")
    inner.word("on_failure", valid=words.INVALID_ITEM)
    schema = inner.mapping("schema")
    inner.finish()
    if schema is None:
        return
    shape = Fields(schema, fields.problems, "'schema'")
    shape.strings("required_fields")
    shape.string("id_field")
    types = shape.mapping("field_types")
    for pair in types.pairs if types is not None else ():
        read_word(pair.value, pair.key.text, fields.problems, words.FIELD_TYPE)
    constraints = shape.mapping("constraints")
    for pair in constraints.pairs if constraints is not None else ():
        _constraints(pair, fields.problems)
    shape.finish()


def _constraints(pair: Pair, problems: Problems) -> None:
    """One constraint, or a list of them, each a map with one key."""
    items = pair.value.items if isinstance(pair.value, ListNode) else (pair.value,)
    for item in items:
        mapping = read_map(item, pair.key.text, problems)
        if mapping is None:
            continue
        inner = Fields(mapping, problems, f"a constraint of '{pair.key.text}'")
        bounds = inner.node("range")
        if bounds is not None and not (isinstance(bounds, ListNode) and len(bounds.items) == 2):
            wrong_type(bounds, "range", "two numbers", problems)
        for name in ("min_length", "max_length"):
            length = inner.node(name)
            if length is not None:
                read_integer(length, name, problems)
        check_pattern(inner, "pattern")
        inner.node("one_of")
        inner.finish()
