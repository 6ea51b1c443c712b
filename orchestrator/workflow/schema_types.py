"""The types of fields: how they are called, and their JSON Schema (pure data)."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.workflow.mapreduce_words import WORDS
from orchestrator.workflow.model import BackoffKind, CaptureFormat, FailureStrategy
from orchestrator.workflow.retry_fields import CAUSES, EXHAUSTED
from orchestrator.workflow.schema_building import (
    SCALAR,
    Schema,
    a_list_of,
    a_map_of,
    any_of,
    one_of,
    ref,
    valued,
    words,
)
from orchestrator.workflow.schema_declarations import DECLARATION_TYPES
from orchestrator.workflow.step_results import STREAMS

BACKOFF_KEYS = (
    "initial",
    "delay",
    "initial_delay",
    "increment",
    "base",
    "multiplier",
    "delays",
    "max_delay",
)
_DURATION = r"^\s*([0-9]+(\.[0-9]*)?|\.[0-9]+|([0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)\s*)+)\s*$"
_REFERENCE = r"\$"


_TEXT: Schema = {"type": SCALAR}
_BOOLEAN = one_of(
    {"type": "boolean"},
    {"type": "string", "pattern": any_of(("true", "false", "yes", "no", "on", "off"))},
)
_COUNT = one_of(
    {"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\s*\+?[0-9]+\s*$"}
)
_POSITIVE = one_of(
    {"type": "integer", "minimum": 1},
    {"type": "string", "pattern": r"^\s*\+?0*[1-9][0-9]*\s*$"},
)
_NUMBER = one_of(
    {"type": "number"}, {"type": "string", "pattern": r"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*$"}
)
_DURATIONS = one_of(
    {"type": "number", "minimum": 0},
    {"type": "string", "pattern": _DURATION},
    {"type": "string", "pattern": _REFERENCE},
    {
        "type": "object",
        "properties": {"secs": ref("count"), "nanos": ref("count")},
        "additionalProperties": False,
        "minProperties": 1,
    },
    {"type": "array", "items": ref("count"), "minItems": 2, "maxItems": 2},
)
_STEP_LIST = one_of(a_list_of(ref("list_item")), ref("step"), _TEXT)
TYPES: Mapping[str, tuple[str, Schema]] = {
    "any": ("any", {}),
    "text": ("text", _TEXT),
    "texts": ("text or list", one_of(_TEXT, a_list_of(_TEXT))),
    "text_map": ("map of texts", a_map_of(_TEXT)),
    "map": ("map", {"type": "object"}),
    "boolean": ("boolean", _BOOLEAN),
    "count": ("integer", _COUNT),
    "positive": ("integer ≥ 1", _POSITIVE),
    "number": ("number", _NUMBER),
    "fraction": ("number 0–1", _NUMBER),
    "percent": ("number 0–100", _NUMBER),
    "share": (
        '0–1 or `"20%"`',
        one_of(_NUMBER, {"type": "string", "pattern": r"^\s*[0-9.]+\s*%\s*$"}),
    ),
    "count_or_name": (
        "integer or `$VAR`",
        one_of(_POSITIVE, {"type": "string", "pattern": _REFERENCE}),
    ),
    "duration": ("duration", _DURATIONS),
    "durations": ("list of durations", one_of(ref("duration"), a_list_of(ref("duration")))),
    "octal": (
        "octal digits",
        one_of(
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": "^(0[oO])?[0-7]{1,6}$"},
        ),
    ),
    "expression": ("expression", _TEXT),
    "schema": ("map or path", one_of(_TEXT, {"type": "object"})),
    "mode_word": ("word", words(("mapreduce", "standard", "sequential", "workflow"))),
    # -- steps
    "list_item": ("step", one_of(_TEXT, ref("step"), a_list_of(ref("list_item")))),
    "steps": ("step-list", _STEP_LIST),
    "handlers": ("steps", _STEP_LIST),
    "named_steps": ("map of step-lists", a_map_of(ref("steps"))),
    "setup": ("step-list", one_of(ref("steps"), ref("setup_map"))),
    "merge": ("step-list or map", one_of(ref("steps"), ref("merge_map"))),
    "phase": ("step-list or map", one_of(ref("steps"), ref("merge_map"))),
    "template_steps": (
        "step-list",
        one_of(
            ref("steps"),
            {
                "type": "object",
                "properties": {"commands": {**ref("steps"), "deprecated": True}},
                "required": ["commands"],
                "additionalProperties": False,
            },
        ),
    ),
    "exit_codes": (
        "map of steps",
        {
            "type": "object",
            "patternProperties": {"^[0-9]+$": ref("handlers")},
            "additionalProperties": False,
        },
    ),
    "test": (
        "text",
        one_of(
            _TEXT,
            {
                "type": "object",
                "properties": {"command": _TEXT, "on_failure": ref("on_failure")},
                "required": ["command"],
                "additionalProperties": False,
            },
        ),
    ),
    "capture": ("boolean or NAME", _TEXT),
    "capture_format": ("word", words([*(str(word) for word in CaptureFormat), "text"])),
    "streams": (
        "word, list or map",
        one_of(
            {"type": "string", "pattern": "^[A-Za-z_, -]+$"},
            a_list_of(words(STREAMS)),
            {
                "type": "object",
                "properties": dict.fromkeys(STREAMS, ref("boolean")),
                "additionalProperties": False,
            },
        ),
    ),
    "outputs": (
        "map NAME → pattern",
        a_map_of(
            one_of(
                _TEXT,
                {
                    "type": "object",
                    "properties": {"file_pattern": _TEXT, "pattern": _TEXT},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            )
        ),
    ),
    "parallel": (
        "boolean, integer or `${VAR}`",
        one_of(ref("boolean"), _POSITIVE, {"type": "string", "pattern": _REFERENCE}),
    ),
    "items": ("text, list or map", ref("foreach_items")),
    "foreach_items": (
        "text, list or map",
        one_of(
            _TEXT,
            {"type": "array"},
            {
                "type": "object",
                "properties": {"command": _TEXT, "list": {"type": "array"}},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ),
    ),
    "foreach_source": ("text, list or map", one_of(ref("foreach_items"), ref("foreach_map"))),
    "file_format": ("word", words(("text", "json", "yaml"))),
    "retry": ("map or integer", one_of(_POSITIVE, ref("retry_map"))),
    "backoff_word": ("word", words(str(kind) for kind in BackoffKind)),
    "backoff": (
        "word or map",
        one_of(
            ref("backoff_word"),
            ref("backoff_map"),
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "propertyNames": ref("backoff_word"),
                "additionalProperties": one_of(
                    {"type": "null"},
                    ref("durations"),
                    {
                        "type": "object",
                        "propertyNames": {"enum": list(BACKOFF_KEYS)},
                    },
                ),
            },
        ),
    ),
    "causes": (
        "list of words or `{pattern}`",
        one_of(ref("cause"), a_list_of(ref("cause"))),
    ),
    "cause": ("word or `{pattern}`", one_of(words(CAUSES), valued("pattern"))),
    "exhausted": (
        "word or `{fallback}`",
        one_of(
            words(EXHAUSTED),
            {
                "type": "object",
                "properties": {
                    "fallback": one_of(
                        _TEXT,
                        {
                            "type": "object",
                            "properties": {"command": _TEXT, "shell": _TEXT},
                            "additionalProperties": False,
                        },
                    )
                },
                "required": ["fallback"],
                "additionalProperties": False,
            },
        ),
    ),
    "on_failure": ("boolean, text, list or map", {}),
    "strategy": ("word", words(str(word) for word in FailureStrategy)),
    "validate": ("text, list or map", {}),
    "on_incomplete": ("text, list or map", {}),
    "step_validate": (
        "text, list or map",
        one_of(ref("check_commands"), ref("step_validate_map")),
    ),
    "check_commands": (
        "list of texts or maps",
        one_of(_TEXT, a_list_of(one_of(_TEXT, ref("check_command_map")))),
    ),
    "criteria": (
        "`all`, `any`, `{at_least: N}`",
        one_of(
            words(("all", "any")),
            {"type": "string", "pattern": "^at_?least:"},
            {
                "type": "object",
                "properties": dict.fromkeys(("at_least", "atleast", "AtLeast"), _POSITIVE),
                "additionalProperties": False,
                "minProperties": 1,
            },
        ),
    ),
    "check_type": ("word", words(("shell", "claude"))),
    **DECLARATION_TYPES,
    "standard_policy": (
        "map",
        {"type": "object", "properties": {"retry_config": ref("retry")}},
    ),
    # -- MapReduce
    "item_action": (
        "word or handler",
        one_of(words(("dlq", "retry", "skip", "stop")), _TEXT, valued("custom")),
    ),
    "collection": (
        "word",
        one_of(words(("aggregate", "immediate")), valued("batched")),
    ),
    "input": ("text, list or map", one_of(_TEXT, {"type": "array"}, ref("input_map"))),
    "capture_outputs": ("map", a_map_of(one_of(_COUNT, ref("captured_map")))),
    "aggregations": ("map", a_map_of(ref("aggregation_map"))),
    "agent_merge": ("step-list or map", one_of(ref("agent_merge_map"), ref("steps"))),
    **{name: ("word", words(valid)) for name, valid in WORDS.items()},
}
"""By name: what people call the type, and its definition in the schema."""
