"""The fields of MapReduce files, as ``field_tables`` has those of every file (pure data)."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.workflow.field_tables import FieldTable, field

SHORT_FORMS = (
    field("on_item_failure", "item_action", "what becomes of an item that failed", "`dlq`"),
    field("continue_on_failure", "boolean", "false stops at the first final failure", "true"),
    field("max_failures", "count", "stop at so many final failures", "none"),
    field("failure_threshold", "share", "stop above this rate of failures", "none"),
    field("error_collection", "collection", "when failures are printed", "`aggregate`"),
    field("circuit_breaker", "circuit_breaker", "pause after failures in a row", "none"),
    field("retry_config", "retry", "runs of an item"),
)
_OF_A_JOB = (
    field("map", "map_phase", "the items and what is done with each", required=True),
    field("reduce", "phase", "steps after all items, once"),
    field("agent_merge", "agent_merge", "how the work of one item gets into the session's branch"),
    *SHORT_FORMS,
    field("checkpoint", "checkpoint", "how often progress is saved"),
)
GONE = field(
    "timeout_per_agent retry_on_failure convergence enable_checkpoints batch_size",
    "any",
    "ignored: no setting of a job",
    deprecated=True,
)
_MAP = (
    field("input", "input", "what to work on", required=True),
    field("json_path", "text", "where the items are in it"),
    field("filter", "text", "which items are worked on"),
    field("sort_by", "text", "`path [ASC|DESC] [NULLS FIRST|LAST]`, …"),
    field("distinct", "text", "one item per value of this path"),
    field("offset", "count", "items left out at the beginning", "0"),
    field("max_items limit", "count", "items at most", "all"),
    field("validation", "item_validation", "what every item must look like"),
    field("agent_template", "template_steps", "the steps for each item", required=True),
    field("max_parallel", "count_or_name", "items at once", "10"),
    field("agent_timeout_secs agent_timeout", "duration", "limit for one attempt", "none"),
    field("timeout_config", "timeout_config", "limits in detail"),
    field("variables aggregations", "aggregations", "values over all results, for `reduce`"),
    field("shared_files", "texts", "globs of untracked files to copy to the agents"),
    field("keep_failed_worktrees", "kept_worktrees", "worktrees of failed attempts", "`last`"),
    field("executor", "any", "`local`, or where else agents run", "`local`"),
    field("error_policy", "error_policy", "as at the top level"),
    *SHORT_FORMS,
)
_POLICY = (
    *SHORT_FORMS,
    field("handlers", "named_steps", "steps by the name of a custom action"),
    field("on_usage_limit", "limit_word", "when the agent program's limit is reached", "`pause`"),
)
_SETUP = (
    field("commands steps", "steps", "the steps"),
    field("timeout", "duration", "limit for the phase", "none"),
    field("capture_outputs", "capture_outputs", "NAME: a command's index, or a map"),
)
_CAPTURED = (
    field("command_index", "count", "which command, from 0", required=True),
    field("source", "source_word", "which stream", "`stdout`"),
    field("pattern", "text", "regular expression to search; its first group"),
    field("json_path", "text", "JSONPath into the output"),
    field("multiline", "multiline_word", "what becomes of lines", "`preserve`"),
    field("max_size", "count", "bytes at most", "1 MiB"),
    field("default", "any", "value when nothing is found"),
)
_VALIDATION = (
    field("schema", "item_schema", "the shape of an item"),
    field("on_failure", "invalid_item", "what becomes of the others", "`dlq`"),
)
_SCHEMA = (
    field("required_fields", "texts", "fields every item has"),
    field("field_types", "text_map", "FIELD: its type"),
    field("id_field", "text", "the field that names an item"),
    field("constraints", "map", "FIELD: list of `range` `min_length` `max_length` `pattern` …"),
)
_TIMEOUTS = (
    field("agent_timeout_secs", "duration", "limit for one attempt"),
    field("default", "duration", "limit for one command"),
    field("per_command", "any", "limits by command"),
    field("command_timeouts", "map", "limits by kind of command"),
    field("cleanup_grace_period_secs", "duration", "time to end"),
    field("timeout_policy", "timeout_policy", "what the limits are for"),
    field("timeout_action", "timeout_action", "what a time-out means"),
    field("enable_monitoring", "boolean", "accepted"),
)
_AGGREGATION = (
    field("type", "aggregation", "how results are combined", required=True),
    field("field", "text", "the field of a result", "its own name"),
    field("initial", "any", "what is combined with first"),
    field("filter", "text", "which results count"),
    field("separator", "text", "concat: between texts"),
    field("key", "text", "group_by: the field to group by"),
    field("order", "text", "sort: `asc` or `desc`", "`asc`"),
    field("depth", "count", "flatten: levels", "1"),
    field("on_mismatch", "text", "`fail` or `skip` values of another type", "`fail`"),
    field("sample", "boolean", "stddev, variance: of a sample", "false"),
    field("prefer", "text", "merge: `first` or `last` value of a key", "`first`"),
)
_AGENT_MERGE = (
    field("commands", "steps", "steps in the agent's worktree before the merge"),
    field("timeout", "duration", "limit for them", "none"),
    field("on_conflict", "conflict_word", "what solves a conflict", "`agent`"),
    field("conflict_command", "text", "prompt of the agent that solves it"),
    field("conflict_timeout", "duration", "its limit", "15m"),
    field("verify", "steps", "steps after each merge; failing undoes it"),
)
_BREAKER = (
    field("failure_threshold", "positive", "failures that open it", "5"),
    field("success_threshold", "positive", "successes that close it", "3"),
    field("timeout recovery_timeout", "duration", "how long it is open", "30s"),
    field("recovery_timeout_ms", "count", "the same in milliseconds"),
    field("half_open_requests", "positive", "items tried when half open", "3"),
)
_CHECKPOINT = (
    field("interval_items", "count", "every so many items"),
    field("interval_duration", "duration", "every so often"),
    field("max_checkpoints", "count", "how many are kept"),
    field("max_age", "duration", "how long they are kept"),
)
_INPUT = (
    field("file", "text", "a JSON or JSON Lines file"),
    field("command", "text", "a shell text that prints the items"),
    field("list", "any", "the items themselves"),
    field("timeout", "duration", "limit for the command", "300s"),
)

MAPREDUCE_TABLES: Mapping[str, FieldTable] = {
    "job": FieldTable("A MapReduce file, beside what every file has", _OF_A_JOB),
    "map_phase": FieldTable("`map`", _MAP),
    "error_policy": FieldTable("`error_policy`", _POLICY),
    "setup_map": FieldTable("`setup`", _SETUP),
    "captured_map": FieldTable("An entry of `capture_outputs`", _CAPTURED),
    "item_validation": FieldTable("`validation`", _VALIDATION),
    "item_schema": FieldTable("`schema` of `validation`", _SCHEMA),
    "timeout_config": FieldTable("`timeout_config`", _TIMEOUTS),
    "aggregation_map": FieldTable("An aggregation", _AGGREGATION),
    "agent_merge_map": FieldTable("`agent_merge`", _AGENT_MERGE),
    "circuit_breaker": FieldTable("`circuit_breaker`", _BREAKER),
    "checkpoint": FieldTable("`checkpoint`", _CHECKPOINT),
    "input_map": FieldTable("`input`", _INPUT),
}
