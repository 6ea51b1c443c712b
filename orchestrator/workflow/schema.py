"""The JSON Schema of workflow files, made from the tables of fields, for editors."""

from __future__ import annotations

from orchestrator.workflow.field_tables import TABLES, FieldTable
from orchestrator.workflow.mapreduce_tables import GONE, MAPREDUCE_TABLES
from orchestrator.workflow.schema_building import Schema, a_list_of, one_of, ref
from orchestrator.workflow.schema_types import TYPES
from orchestrator.workflow.step_kinds import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ANCHORS: Schema = {"^(x-|\\.)": {}}
"""Keys at the top level that are places for anchors."""
_HANDLER_OPTIONS = ("timeout", "commit_required", "max_attempts", "fail_workflow", "capture")


def workflow_schema() -> Schema:
    """A schema (draft 2020-12) that every file the language accepts fits, as far as schemas go.

    It knows keys, types and words; expressions, references and what files say of each other are
    the business of ``prodigy validate``.
    """
    definitions = {name: schema for name, (_, schema) in TYPES.items()}
    for name, table in {**TABLES, **MAPREDUCE_TABLES}.items():
        definitions[name] = _object(table)
    del definitions["on_incomplete_map"]  # part of "on_incomplete"
    definitions["workflow"] = _top_level()
    definitions["job"] = _job()
    definitions["step"] = _step()
    definitions["on_failure"] = _on_failure()
    definitions["on_failure_map"] = _handler()
    definitions["validate"] = one_of(
        {"type": ["string", "number"]}, a_list_of(_validator()), ref("validate_map")
    )
    definitions["on_incomplete"] = one_of(
        {"type": "string"}, a_list_of(ref("list_item")), _filling()
    )
    return {
        "$schema": DIALECT,
        "title": "Prodigy workflow",
        "description": "A list of steps, or a map with commands (or map, for MapReduce).",
        "if": {"type": "object", "required": ["map"]},
        "then": ref("job"),
        "else": one_of(a_list_of(ref("list_item")), ref("workflow")),
        "$defs": definitions,
    }


def _object(table: FieldTable) -> Schema:
    """A map with the fields of a table and no others."""
    schema: Schema = {
        "type": "object",
        "properties": _properties(table),
        "additionalProperties": False,
    }
    required = [row.names for row in table.rows if row.required]
    single = [names[0] for names in required if len(names) == 1]
    if single:
        schema["required"] = single
    choices = [one_of(*({"required": [name]} for name in n)) for n in required if len(n) > 1]
    if choices:
        schema["allOf"] = choices
    return schema


def _properties(table: FieldTable) -> Schema:
    properties: Schema = {}
    for row in table.rows:
        words = row.meaning if row.default == "–" else f"{row.meaning} (default: {row.default})"
        for name in row.names:
            said: Schema = {**ref(row.type), "description": words}
            if row.deprecated:
                said["deprecated"] = True
            properties[name] = said
    return properties


def _top_level() -> Schema:
    return {**_object(TABLES["workflow"]), "patternProperties": _ANCHORS}


def _job() -> Schema:
    """A MapReduce file: the keys every file has, without composition, and its own."""
    table = TABLES["workflow"]
    left_out = frozenset(
        {
            "commands",
            "extends",
            "imports",
            "template",
            "templates",
            "sub_workflows",
            "retry_defaults",
            "max_iterations",
            "error_policy",
            "setup",
        }
    )
    shared = tuple(row for row in table.rows if row.names[0] not in left_out)
    own = (*MAPREDUCE_TABLES["job"].rows, GONE)
    schema = _object(FieldTable(table.title, (*shared, *own)))
    schema["properties"]["setup"] = one_of(ref("steps"), ref("setup_map"))
    schema["properties"]["error_policy"] = ref("error_policy")
    return {**schema, "patternProperties": _ANCHORS}


def _step() -> Schema:
    """Any kind of step: one of the kinds must be there."""
    kinds = [{"required": [name]} for name in (*KINDS, "command", "name", "validate")]
    return {**_object(TABLES["step"]), "anyOf": kinds}


def _on_failure() -> Schema:
    scalars = {"type": ["boolean", "string"]}
    return one_of(scalars, {**a_list_of(ref("list_item")), "minItems": 1}, ref("on_failure_map"))


def _handler() -> Schema:
    """The options of ``on_failure`` together with the fields of the handler step."""
    options = _properties(TABLES["on_failure_map"])
    step = _properties(TABLES["step"])
    shared = {name: one_of(step[name], options[name]) for name in _HANDLER_OPTIONS}
    return {
        "type": "object",
        "properties": {**step, **options, **shared},
        "additionalProperties": False,
    }


def _validator() -> Schema:
    """A step in a list of validators, with keys that count for the whole."""
    whole = {
        name: said
        for name, said in _properties(TABLES["validate_map"]).items()
        if name in ("result_file", "threshold", "on_incomplete")
    }
    properties = {**_properties(TABLES["step"]), **whole}
    return one_of(
        {"type": "string"},
        {"type": "object", "properties": properties, "additionalProperties": False},
    )


def _filling() -> Schema:
    """The options of ``on_incomplete`` together with the fields of the step that fills gaps."""
    properties = {**_properties(TABLES["step"]), **_properties(TABLES["on_incomplete_map"])}
    return {"type": "object", "properties": properties, "additionalProperties": False}
