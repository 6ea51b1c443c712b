"""The shape of a MapReduce file: its phases and settings are checked, their steps read."""

from __future__ import annotations

import os
from collections.abc import Iterable

from orchestrator.workflow import mapreduce_words as words
from orchestrator.workflow.fields import Fields, as_integer, read_map, wrong_type
from orchestrator.workflow.mapreduce_items import (
    check_filter,
    check_jsonpath,
    check_pattern,
    read_items,
)
from orchestrator.workflow.mapreduce_names import warn_of_items, warn_of_results
from orchestrator.workflow.mapreduce_numbers import Numbers
from orchestrator.workflow.mapreduce_policy import Policy
from orchestrator.workflow.model import EnvEntry, Step
from orchestrator.workflow.nodes import ListNode, MapNode, Scalar
from orchestrator.workflow.reading import Place, StepReader

_WITHOUT_EFFECT = (
    "timeout_per_agent",
    "retry_on_failure",
    "convergence",
    "enable_checkpoints",
    "batch_size",
)


def read_mapreduce(
    fields: Fields, reader: StepReader, env: Iterable[EnvEntry], merge: tuple[Step, ...]
) -> None:
    """Checks everything a MapReduce file may hold beside the keys of every workflow.

    Args:
        fields: the top level.
        reader: reads the steps of the phases.
        env: what the file declares, for numbers written as ``$VAR``.
        merge: the steps of its merge block.
    """
    problems = fields.problems
    numbers = Numbers({entry.name: entry for entry in env}, os.environ)
    policy = Policy(reader)
    if "name" not in fields:
        problems.warning(fields.position, "missing_name", "the file has no 'name'")
    node = fields.node("map")
    if node is None:
        problems.error(fields.position, "missing_key", "a MapReduce workflow needs 'map'")
    elif (mapping := read_map(node, "map", problems)) is not None:
        _map(mapping, reader, numbers, policy)
    setup = _phase(fields, "setup", reader, numbers)
    reduce = _phase(fields, "reduce", reader, numbers)
    for steps, phase in ((setup, "'setup'"), (reduce, "'reduce'"), (merge, "'merge'")):
        warn_of_items(steps, phase, problems)
    warn_of_results(setup, "'setup'", problems)
    _agent_merge(fields, reader)
    policy.read(fields, in_map=False)
    policy.finish()
    _checkpoint(fields)
    for name in _WITHOUT_EFFECT:
        if name in fields.names():
            fields.without_effect(name, why="it is no setting of a job")
    fields.ignore("timeout", "max_parallel")


def _phase(fields: Fields, name: str, reader: StepReader, numbers: Numbers) -> tuple[Step, ...]:
    node = fields.node(name)
    if node is None:
        return ()
    steps: tuple[Step, ...] = ()
    if isinstance(node, MapNode) and (node.has("commands") or node.has("steps")):
        inner = Fields(node, fields.problems, f"'{name}'")
        commands = inner.node("commands", "steps")
        if commands is not None:
            steps = reader.steps(commands, Place.BODY)
        if name == "reduce":
            fields.problems.warning(
                inner.key_position("commands"),
                "deprecated",
                f"'commands' under '{name}' is deprecated; write the steps there",
            )
        numbers.duration(inner, "timeout")
        if name == "setup":
            _capture_outputs(inner)
        inner.finish()
    else:
        steps = reader.steps(node, Place.BODY)
    return steps


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
        inner.word("source", valid=words.SOURCE)
        check_pattern(inner, "pattern")
        check_jsonpath(inner, "json_path")
        inner.word("multiline", valid=words.MULTILINE)
        inner.integer("max_size")
        inner.ignore("default")
        inner.finish()


def _map(node: MapNode, reader: StepReader, numbers: Numbers, policy: Policy) -> None:
    problems = reader.problems
    fields = Fields(node, problems, "'map'")
    read_items(fields)
    _template(fields, reader)
    numbers.workers(fields, "max_parallel")
    for name in ("agent_timeout_secs", "agent_timeout"):
        numbers.duration(fields, name)
    _timeouts(fields, numbers)
    _aggregations(fields)
    fields.strings("shared_files")
    fields.word("keep_failed_worktrees", valid=words.KEPT_WORKTREES)
    _executor(fields)
    policy.read(fields, in_map=True)
    for name in _WITHOUT_EFFECT:
        if name in fields.names():
            fields.without_effect(name, why="it is no setting of a job")
    fields.finish(dict.fromkeys(("reduce", "merge", "setup", "env"), "at the top level"))


def _executor(fields: Fields) -> None:
    node = fields.node("executor")
    if not isinstance(node, Scalar):
        return
    if node.text.strip() != "local" and not node.text.strip().startswith("dask://"):
        wrong_type(node, "executor", "local or dask://HOST:PORT", fields.problems)


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
    warn_of_results(reader.steps(node, Place.BODY), "'agent_template'", problems)


def _timeouts(fields: Fields, numbers: Numbers) -> None:
    node = fields.mapping("timeout_config")
    if node is None:
        return
    inner = Fields(node, fields.problems, "'timeout_config'")
    for name in ("agent_timeout_secs", "default", "per_command", "cleanup_grace_period_secs"):
        if isinstance(inner.node(name), MapNode):
            continue
        numbers.duration(inner, name)
    inner.mapping("command_timeouts")
    inner.word("timeout_policy", valid=words.TIMEOUT_POLICY)
    inner.word("timeout_action", valid=words.TIMEOUT_ACTION)
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
        inner.word("type", valid=words.AGGREGATION)
        check_filter(inner, "filter")
        inner.ignore(
            *[
                "field",
                "initial",
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
    inner.word("on_conflict", valid=words.CONFLICT)
    inner.string("conflict_command")
    inner.duration("conflict_timeout")
    inner.finish()


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
