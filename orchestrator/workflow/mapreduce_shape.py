"""The shape of a MapReduce file: its phases and settings are checked, their steps read."""

from __future__ import annotations

import re

from orchestrator.workflow.fields import (
    Fields,
    as_integer,
    read_duration,
    read_integer,
    read_map,
    read_number,
    wrong_type,
)
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Scalar, is_null
from orchestrator.workflow.problems import Problems
from orchestrator.workflow.reading import Place, StepReader
from orchestrator.workflow.retry_fields import read_retry

_SHORT_FORMS = (
    "on_item_failure",
    "continue_on_failure",
    "max_failures",
    "failure_threshold",
    "error_collection",
    "circuit_breaker",
    "retry_config",
)
_WITHOUT_EFFECT = (
    "timeout_per_agent",
    "retry_on_failure",
    "convergence",
    "enable_checkpoints",
    "batch_size",
)
_KEPT = {word: word for word in ("last", "all", "none")}
_LIMITS = {word: word for word in ("pause", "wait", "fail")}
_CONFLICTS = {word: word for word in ("agent", "retry", "dlq")}
_AGGREGATIONS = {
    word: word
    for word in [
        "count",
        "sum",
        "avg",
        "average",
        "mean",
        "min",
        "max",
        "median",
        "stddev",
        "variance",
        "collect",
        "unique",
        "flatten",
        "sort",
        "concat",
        "merge",
        "group_by",
    ]
}
_POLICIES = {word: word for word in ("per_agent", "per_command", "hybrid")}
_TIMEOUT_ACTIONS = {word: word for word in ("dlq", "skip", "fail", "graceful_terminate")}
_SOURCES = {word: word for word in ("stdout", "stderr", "both", "combined")}
_MULTILINE = {word: word for word in ("preserve", "join", "first_line", "last_line", "array")}


def read_mapreduce(fields: Fields, reader: StepReader) -> None:
    """Checks everything a MapReduce file may hold beside the keys of every workflow."""
    problems = fields.problems
    if "name" not in fields:
        problems.warning(fields.position, "missing_name", "the file has no 'name'")
    node = fields.node("map")
    if node is None:
        problems.error(fields.position, "missing_key", "a MapReduce workflow needs 'map'")
    elif (mapping := read_map(node, "map", problems)) is not None:
        _map(mapping, reader)
    for phase in ("setup", "reduce"):
        _phase(fields, phase, reader)
    _agent_merge(fields, reader)
    _policy(fields, reader)
    _checkpoint(fields)
    for name in _WITHOUT_EFFECT:
        if name in fields.names():
            fields.without_effect(name, why="it is no setting of a job")
    fields.ignore("timeout", "max_parallel")


def _phase(fields: Fields, name: str, reader: StepReader) -> None:
    node = fields.node(name)
    if node is None:
        return
    if isinstance(node, MapNode) and (node.has("commands") or node.has("steps")):
        inner = Fields(node, fields.problems, f"'{name}'")
        commands = inner.node("commands", "steps")
        if commands is not None:
            reader.steps(commands, Place.BODY)
        if name == "reduce":
            fields.problems.warning(
                inner.key_position("commands"),
                "deprecated",
                f"'commands' under '{name}' is deprecated; write the steps there",
            )
        _numeric(inner, "timeout", read_duration)
        if name == "setup":
            _capture_outputs(inner)
        inner.finish()
    else:
        reader.steps(node, Place.BODY)


def _capture_outputs(fields: Fields) -> None:
    node = fields.mapping("capture_outputs")
    for pair in node.pairs if node is not None else ():
        value = pair.value
        if as_integer(value) is not None:
            continue
        mapping = read_map(value, pair.key.text, fields.problems)
        if mapping is None:
            continue
        inner = Fields(mapping, fields.problems, f"the output '{pair.key.text}'")
        inner.integer("command_index")
        if "command_index" not in inner:
            fields.problems.error(
                mapping.position, "missing_key", f"'{pair.key.text}' needs 'command_index'"
            )
        inner.word("source", valid=_SOURCES)
        _pattern(inner, "pattern")
        inner.string("json_path")
        inner.word("multiline", valid=_MULTILINE)
        inner.integer("max_size")
        inner.ignore("default")
        inner.finish()


def _map(node: MapNode, reader: StepReader) -> None:
    problems = reader.problems
    fields = Fields(node, problems, "'map'")
    if "input" not in fields:
        problems.error(node.position, "missing_key", "'map' needs 'input': what to work on")
    _input(fields.node("input"), problems)
    for name in ("json_path", "filter", "sort_by", "distinct"):
        fields.string(name)
    fields.integer("offset")
    fields.integer("max_items", "limit")
    fields.mapping("validation")
    _template(fields, reader)
    _numeric(fields, "max_parallel", lambda n, name, p: read_integer(n, name, p, 1))
    _numeric(fields, "agent_timeout_secs", read_duration)
    _numeric(fields, "agent_timeout", read_duration)
    _timeouts(fields)
    _aggregations(fields)
    fields.strings("shared_files")
    fields.word("keep_failed_worktrees", valid=_KEPT)
    fields.ignore("executor")
    _policy(fields, reader)
    for name in _WITHOUT_EFFECT:
        if name in fields.names():
            fields.without_effect(name, why="it is no setting of a job")
    fields.finish(dict.fromkeys(("reduce", "merge", "setup", "env"), "at the top level"))


def _input(node: Node | None, problems: Problems) -> None:
    if not isinstance(node, MapNode):
        return
    fields = Fields(node, problems, "'input'")
    given = [name for name in ("file", "command", "list") if fields.node(name) is not None]
    if len(given) != 1:
        problems.error(node.position, "missing_key", "'input' is one of 'file', 'command', 'list'")
    fields.duration("timeout")
    fields.finish()


def _template(fields: Fields, reader: StepReader) -> None:
    node = fields.node("agent_template")
    problems = fields.problems
    if node is None:
        problems.error(fields.position, "missing_key", "'map' needs 'agent_template': its steps")
        return
    if isinstance(node, MapNode) and node.has("commands"):
        problems.warning(
            node.position,
            "deprecated",
            "'commands' under 'agent_template' is deprecated; write the steps there",
        )
        inner = Fields(node, problems, "'agent_template'")
        commands = inner.node("commands")
        inner.finish()
        node = commands if commands is not None else node
    if isinstance(node, ListNode) and not node.items:
        problems.error(node.position, "no_steps", "'agent_template' has no steps")
        return
    reader.steps(node, Place.BODY)


def _timeouts(fields: Fields) -> None:
    node = fields.mapping("timeout_config")
    if node is None:
        return
    inner = Fields(node, fields.problems, "'timeout_config'")
    for name in ("agent_timeout_secs", "default", "per_command", "cleanup_grace_period_secs"):
        if isinstance(inner.node(name), MapNode):
            continue
        _numeric(inner, name, read_duration)
    inner.mapping("command_timeouts")
    inner.word("timeout_policy", valid=_POLICIES)
    inner.word("timeout_action", valid=_TIMEOUT_ACTIONS)
    inner.boolean("enable_monitoring")
    inner.finish()


def _aggregations(fields: Fields) -> None:
    node = fields.mapping("variables", "aggregations")
    for pair in node.pairs if node is not None else ():
        mapping = read_map(pair.value, pair.key.text, fields.problems)
        if mapping is None:
            continue
        inner = Fields(mapping, fields.problems, f"the aggregation '{pair.key.text}'")
        if "type" not in inner:
            fields.problems.error(
                mapping.position, "missing_key", f"'{pair.key.text}' needs 'type'"
            )
        inner.word("type", valid=_AGGREGATIONS)
        inner.ignore(
            *[
                "field",
                "initial",
                "filter",
                "separator",
                "key",
                "order",
                "depth",
                "on_mismatch",
                "sample",
                "prefer",
            ]
        )
        inner.finish()


def _agent_merge(fields: Fields, reader: StepReader) -> None:
    node = fields.node("agent_merge")
    if node is None:
        return
    if not isinstance(node, MapNode):
        reader.steps(node, Place.OTHER)
        return
    inner = Fields(node, fields.problems, "'agent_merge'")
    for name in ("commands", "verify"):
        steps = inner.node(name)
        if steps is not None:
            reader.steps(steps, Place.OTHER)
    inner.duration("timeout")
    inner.word("on_conflict", valid=_CONFLICTS)
    inner.string("conflict_command")
    inner.duration("conflict_timeout")
    inner.finish()


def _policy(fields: Fields, reader: StepReader) -> None:
    """``error_policy`` and its short forms beside it."""
    _short_forms(fields, reader)
    node = fields.mapping("error_policy")
    if node is None:
        return
    inner = Fields(node, fields.problems, "'error_policy'")
    _short_forms(inner, reader)
    handlers = inner.mapping("handlers")
    for pair in handlers.pairs if handlers is not None else ():
        reader.steps(pair.value, Place.HANDLER)
    inner.word("on_usage_limit", valid=_LIMITS)
    inner.finish()


def _short_forms(fields: Fields, reader: StepReader) -> None:
    problems = fields.problems
    fields.ignore(*_SHORT_FORMS)
    fields.boolean("continue_on_failure")
    fields.integer("max_failures")
    threshold = fields.node("failure_threshold")
    if isinstance(threshold, Scalar) and threshold.text.strip().endswith("%"):
        percent = Scalar(threshold.position, threshold.text.strip()[:-1])
        read_number(percent, "failure_threshold", problems, 0.0, 100.0)
    else:
        fields.number("failure_threshold", maximum=1.0)
    breaker = fields.mapping("circuit_breaker")
    if breaker is not None:
        inner = Fields(breaker, problems, "'circuit_breaker'")
        for name in ("failure_threshold", "success_threshold", "half_open_requests"):
            inner.integer(name, minimum=1)
        inner.duration("timeout", "recovery_timeout")
        inner.integer("recovery_timeout_ms")
        inner.finish()
    retry = fields.node("retry_config")
    if retry is not None:
        read_retry(retry, "retry_config", problems)


def _checkpoint(fields: Fields) -> None:
    node = fields.mapping("checkpoint")
    if node is None:
        return
    inner = Fields(node, fields.problems, "'checkpoint'")
    inner.integer("interval_items")
    inner.integer("max_checkpoints")
    inner.duration("interval_duration")
    inner.duration("max_age")
    inner.finish()


def _numeric(fields: Fields, name: str, reader: object) -> None:
    """A number or duration that may also be ``$VAR``, resolved when the job starts."""
    node = fields.node(name)
    if node is None or (isinstance(node, Scalar) and "$" in node.text):
        return
    if callable(reader):
        reader(node, name, fields.problems)


def _pattern(fields: Fields, name: str) -> None:
    text, node = fields.string(name), fields.node(name)
    if text is None or node is None or is_null(node):
        return
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        wrong_type(node, name, "a regular expression", fields.problems)
