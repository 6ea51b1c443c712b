"""``retry``: how often and when a command is run again after a failure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestrator.workflow.fields import (
    Fields,
    as_integer,
    read_duration,
    read_word,
    wrong_type,
)
from orchestrator.workflow.model import Backoff, BackoffKind, Duration, Retry, RetryPattern
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Scalar, is_null
from orchestrator.workflow.problems import Problems
from orchestrator.workflow.suggest import nearest

GivenRetry = Mapping[str, Any]
"""The fields of a ``Retry`` that are written out; what is not falls back to the defaults."""

_KINDS = {str(kind): kind for kind in BackoffKind}
CAUSES = {word: word for word in ("network", "timeout", "server_error", "rate_limit")}
EXHAUSTED = {"stop": "stop", "fail": "stop", "continue": "continue"}


def complete_retry(given: GivenRetry | None, defaults: GivenRetry | None) -> Retry | None:
    """A step's own fields over the workflow's defaults; None when there are neither."""
    if given is None and defaults is None:
        return None
    return replace(Retry(), **{**(defaults or {}), **(given or {})})


def read_retry(node: Node, name: str, problems: Problems) -> GivenRetry:
    """The written fields of a retry map, or of an integer that is the number of attempts."""
    if not isinstance(node, MapNode):
        attempts = as_integer(node)
        if attempts is None or attempts < 1:
            wrong_type(node, name, "a number of attempts or a map", problems)
            return {}
        return {"attempts": attempts}
    fields = Fields(node, problems, f"'{name}'")
    given: dict[str, Any] = {
        "attempts": fields.integer("attempts", "max_attempts", minimum=1),
        "initial_delay": fields.duration("initial_delay"),
        "jitter": fields.boolean("jitter"),
        "jitter_factor": fields.number("jitter_factor", maximum=1.0),
        "budget": fields.duration("retry_budget"),
    }
    backoff = fields.node("backoff")
    if backoff is not None:
        given["backoff"], given["max_delay"] = _backoff(backoff, problems)
    given["max_delay"] = fields.duration("max_delay") or given.get("max_delay")
    causes = fields.node("retry_on")
    if causes is not None:
        given["retry_on"] = _causes(causes, problems)
    given["exhausted"], given["fallback"] = _exhausted(fields)
    fields.finish()
    return {key: value for key, value in given.items() if value is not None}


def _backoff(node: Node, problems: Problems) -> tuple[Backoff | None, Duration | None]:
    if isinstance(node, Scalar):
        kind = read_word(node, "backoff", problems, _KINDS)
        return (None if kind is None else Backoff(kind)), None
    if not isinstance(node, MapNode):
        wrong_type(node, "backoff", f"one of {', '.join(_KINDS)} or a map", problems)
        return None, None
    if node.has("type"):
        fields = Fields(node, problems, "'backoff'")
        kind = fields.word("type", valid=_KINDS)
        return (None, None) if kind is None else _backoff_map(kind, fields)
    if len(node.pairs) != 1:
        problems.error(
            node.position, "missing_key", "'backoff' needs 'type', or one kind with its values"
        )
        return None, None
    pair = node.pairs[0]
    kind = read_word(pair.key, "backoff", problems, _KINDS)
    if kind is None or is_null(pair.value):
        return (None if kind is None else Backoff(kind)), None
    if isinstance(pair.value, MapNode):
        return _backoff_map(kind, Fields(pair.value, problems, f"'{pair.key.text}'"))
    if kind is BackoffKind.CUSTOM:
        return Backoff(kind, delays=_delays(pair.value, problems)), None
    return Backoff(kind, initial=read_duration(pair.value, pair.key.text, problems)), None


def _backoff_map(kind: BackoffKind, fields: Fields) -> tuple[Backoff, Duration | None]:
    delays = fields.node("delays") if kind is BackoffKind.CUSTOM else None
    if kind is BackoffKind.CUSTOM and delays is None:
        fields.problems.error(fields.position, "missing_key", "'custom' needs 'delays'")
    backoff = Backoff(
        kind,
        initial=fields.duration("initial", "delay", "initial_delay"),
        increment=fields.duration("increment") if kind is BackoffKind.LINEAR else None,
        base=(fields.number("base", "multiplier") or 2.0)
        if kind is BackoffKind.EXPONENTIAL
        else 2.0,
        delays=() if delays is None else _delays(delays, fields.problems),
    )
    max_delay = fields.duration("max_delay")
    fields.finish()
    return backoff, max_delay


def _delays(node: Node, problems: Problems) -> tuple[Duration, ...]:
    items = node.items if isinstance(node, ListNode) else (node,)
    delays = (read_duration(item, "delays", problems) for item in items)
    return tuple(delay for delay in delays if delay is not None)


def _causes(node: Node, problems: Problems) -> tuple[RetryPattern, ...]:
    items = node.items if isinstance(node, ListNode) else (node,)
    causes = (_cause(item, problems) for item in items)
    return tuple(cause for cause in causes if cause is not None)


def _cause(node: Node, problems: Problems) -> RetryPattern | None:
    pattern: str | None = None
    if isinstance(node, MapNode) and [pair.key.text.lower() for pair in node.pairs] == ["pattern"]:
        value = node.pairs[0].value
        pattern = value.text if isinstance(value, Scalar) else None
    elif isinstance(node, Scalar) and node.text.startswith("pattern:"):
        pattern = node.text.removeprefix("pattern:").strip()
    if pattern is None:
        if isinstance(node, MapNode):
            meant = nearest(node.pairs[0].key.text, ("pattern",)) if node.pairs else None
            problems.error(
                node.position,
                "wrong_type",
                f"'retry_on' expects {', '.join(CAUSES)} or {{pattern: …}}",
                meant,
            )
            return None
        word = read_word(node, "retry_on", problems, CAUSES)
        return None if word is None else RetryPattern(word=word)
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        problems.warning(
            node.position, "bad_pattern", f"the pattern never matches, it is invalid: {error}"
        )
    return RetryPattern(pattern=pattern)


def _exhausted(fields: Fields) -> tuple[str | None, str | None]:
    node = fields.node("on_failure")
    if isinstance(node, MapNode) and node.has("fallback"):
        inner = Fields(node, fields.problems, "'on_failure'")
        fallback = inner.node("fallback")
        inner.finish()
        if isinstance(fallback, MapNode):
            command = Fields(fallback, fields.problems, "'fallback'")
            text = command.string("command", "shell")
            if text is None:
                fields.problems.error(
                    fallback.position, "missing_key", "'fallback' needs 'command'"
                )
            command.finish()
            return "fallback", text
        return "fallback", inner.string("fallback")
    return fields.word("on_failure", valid=EXHAUSTED), None


def attempts_for_retries(node: Node, name: str, problems: Problems) -> GivenRetry | None:
    """``retries: N`` are N runs after the first."""
    retries = as_integer(node)
    if retries is None or retries < 0:
        wrong_type(node, name, "a number of retries", problems)
        return None
    return {"attempts": retries + 1} if retries else None
