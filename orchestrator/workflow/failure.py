"""``on_failure``: what happens when the command of a step fails, in all its spellings."""

from __future__ import annotations

from orchestrator.workflow.fields import Fields, as_boolean, read_string, wrong_type
from orchestrator.workflow.model import FailureStrategy, OnFailure, Step
from orchestrator.workflow.nodes import ListNode, MapNode, Scalar, is_null
from orchestrator.workflow.reading import Place, StepReader
from orchestrator.workflow.step_results import read_capture_name

_STRATEGIES = {str(strategy): strategy for strategy in FailureStrategy}
_OPTIONS = frozenset(
    {
        "max_attempts",
        "max_retries",
        "fail_workflow",
        "commit_required",
        "strategy",
        "handler_failure_fatal",
        "retry_original",
    }
)
"""Keys that never belong to the handler step itself."""
_HANDLER_KINDS = [
    "shell",
    "claude",
    "test",
    "foreach",
    "write_file",
    "workflow",
    "template",
    "use",
    "analyze",
    "name",
    "command",
    "validate",
]


def read_on_failure(
    fields: Fields, reader: StepReader, beside: tuple[int | None, bool | None]
) -> OnFailure | None:
    """The handling of a failure, or None for ``false`` and when there is none.

    Args:
        fields: the step.
        reader: makes the handler steps.
        beside: ``max_attempts`` and ``fail_workflow`` of the step; they hold for a map that does
            not say them itself.
    """
    node = fields.node("on_failure")
    if node is None:
        return None
    problems = reader.problems
    wanted = as_boolean(node)
    if wanted is not None:
        return OnFailure(node.position, forgive=True) if wanted else None
    if isinstance(node, Scalar):
        return OnFailure(node.position, reader.command(node))
    if isinstance(node, MapNode):
        return _from_map(node, reader, beside)
    if not node.items:
        wrong_type(node, "on_failure", "at least one handler", problems)
        return None
    return OnFailure(node.position, _handlers(node, reader))


def _handlers(node: ListNode, reader: StepReader) -> tuple[Step, ...]:
    steps: list[Step] = []
    for item in node.items:
        if isinstance(item, Scalar) and not item.is_null:
            steps.extend(reader.command(item))
        elif isinstance(item, MapNode) and item.has("shell") and item.has("claude"):
            steps.extend(reader.shell_and_claude(item, Place.HANDLER))
        else:
            steps.extend(reader.steps(item, Place.HANDLER))
    return tuple(steps)


def _from_map(
    node: MapNode, reader: StepReader, beside: tuple[int | None, bool | None]
) -> OnFailure:
    fields = Fields(node, reader.problems, "'on_failure'")
    attempts = fields.integer("max_attempts", "max_retries", minimum=1) or beside[0]
    fail_workflow = fields.boolean("fail_workflow")
    if fail_workflow is None:
        fail_workflow = bool(beside[1])
    strategy = fields.word("strategy", valid=_STRATEGIES)
    commit_required = fields.flag("commit_required")
    fatal = fields.flag("handler_failure_fatal")
    original = fields.boolean("retry_original")
    if original is not None:
        reader.problems.warning(
            fields.key_position("retry_original"),
            "deprecated",
            "'retry_original' is deprecated; say 'max_attempts'",
        )
    capture, options = _capture(fields)
    # beside 'foreach' they are the steps of its loop
    commands = None if node.has("foreach") else fields.node("commands")
    timeout = None
    if commands is not None:
        timeout = fields.duration("timeout", "timeout_secs", "timeout_seconds")
        steps = (
            _handlers(commands, reader)
            if isinstance(commands, ListNode)
            else reader.steps(commands, Place.HANDLER)
        )
        default = 2 if strategy is FailureStrategy.RECOVERY else 1
        fields.finish(dict.fromkeys(_HANDLER_KINDS, "under 'commands'"))
    else:
        if strategy is not None:
            fields.without_effect("strategy", why="it belongs to the form with 'commands'")
        handler = node.without(_OPTIONS | options)
        has_handler = any(handler.has(kind) for kind in _HANDLER_KINDS)
        steps = ()
        default = 1
        if has_handler or (handler.pairs and not _only_options(handler)):
            steps = reader.shell_and_claude(handler, Place.HANDLER)
            if handler.has("shell") or handler.has("claude"):
                default = 3
        else:
            timeout = fields.duration("timeout")
    attempts = attempts or default
    if original and attempts == 1:
        attempts = 2
    return OnFailure(
        position=node.position,
        steps=steps,
        max_attempts=attempts,
        fail_workflow=fail_workflow,
        commit_required=commit_required,
        strategy=strategy if strategy and commands is not None else FailureStrategy.RECOVERY,
        timeout=timeout,
        handler_failure_fatal=fatal,
        capture=capture,
    )


def _only_options(handler: MapNode) -> bool:
    return all(pair.key.text in ("timeout", "continue_on_error") for pair in handler.pairs)


def _capture(fields: Fields) -> tuple[dict[str, str], frozenset[str]]:
    """``capture`` as a map belongs to the handling; as a name it belongs to the handler step."""
    node = fields.node("capture")
    if not isinstance(node, MapNode):
        return {}, frozenset()
    texts: dict[str, str] = {}
    for pair in node.pairs:
        name = read_capture_name(pair.key, "capture", fields.problems)
        if name is None:
            continue
        text = (
            "" if is_null(pair.value) else read_string(pair.value, pair.key.text, fields.problems)
        )
        if text is not None:
            texts[name] = text
    return texts, frozenset({"capture"})
