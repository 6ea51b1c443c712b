"""The types of what a file declares: environment, secrets, parameters, files it is made of."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.workflow.parameter_fields import PARAMETER_TYPES
from orchestrator.workflow.schema_building import (
    SCALAR,
    Schema,
    a_list_of,
    a_map_of,
    one_of,
    ref,
    words,
)

_TEXT: Schema = {"type": SCALAR}
_PARAMETERS = one_of(
    a_list_of(ref("listed_parameter")),
    {
        "type": "object",
        "properties": {
            "required": a_list_of(ref("listed_parameter")),
            "optional": a_list_of(ref("listed_parameter")),
        },
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"definitions": a_map_of(ref("given_parameter"))},
        "required": ["definitions"],
        "additionalProperties": False,
    },
    a_map_of(ref("given_parameter")),
)
_ENV_VALUE = one_of(
    {"type": [*SCALAR, "null"]},
    {
        "type": "object",
        "properties": {"command": _TEXT, "cache": ref("boolean"), "secret": ref("boolean")},
        "required": ["command"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {
            "condition": _TEXT,
            "when_true": _TEXT,
            "when_false": _TEXT,
            "secret": ref("boolean"),
        },
        "required": ["condition"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "not": {"anyOf": [{"required": ["command"]}, {"required": ["condition"]}]},
        "additionalProperties": one_of(
            _TEXT,
            {
                "type": "object",
                "properties": {"value": _TEXT, "secret": ref("boolean")},
                "required": ["value"],
                "additionalProperties": False,
            },
        ),
    },
)

DECLARATION_TYPES: Mapping[str, tuple[str, Schema]] = {
    "env": ("map", a_map_of(ref("env_value"))),
    "env_value": ("text or map", _ENV_VALUE),
    "env_files": (
        "path or list",
        one_of(_TEXT, a_list_of(one_of(_TEXT, ref("env_file_map"))), ref("env_file_map")),
    ),
    "secrets": (
        "map",
        a_map_of(one_of({"type": [*SCALAR, "null"]}, ref("secret_map"))),
    ),
    "provider": (
        "word",
        one_of(
            _TEXT,
            {
                "type": "object",
                "properties": {"custom": _TEXT},
                "required": ["custom"],
                "additionalProperties": False,
            },
        ),
    ),
    "profiles": ("map", a_map_of(one_of({"type": "null"}, {"type": "object"}))),
    "parameters": ("list or map", _PARAMETERS),
    "parameter_type": ("word", words(PARAMETER_TYPES)),
    "listed_parameter": ("NAME or map", one_of(_TEXT, ref("parameter_map"))),
    "given_parameter": (
        "value or map",
        one_of({"type": [*SCALAR, "null", "array"]}, ref("parameter_map")),
    ),
    "imports": (
        "path or list",
        one_of(_TEXT, ref("import_map"), a_list_of(one_of(_TEXT, ref("import_map")))),
    ),
    "template_use": ("name or map", one_of(_TEXT, ref("template_use_map"))),
    "template_source": (
        "path, name or map",
        one_of(
            _TEXT,
            {
                "type": "object",
                "properties": {"file": _TEXT, "registry": _TEXT},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ),
    ),
    "templates": ("map", a_map_of(one_of(ref("local_template_map"), ref("steps")))),
    "sub_workflows": (
        "map or list",
        one_of(
            a_map_of(one_of(ref("sub_workflow_map"), a_list_of(ref("list_item")))),
            a_list_of({"allOf": [ref("sub_workflow_map"), {"required": ["name"]}]}),
        ),
    ),
}
