"""``validate`` with its gap filling, and ``step_validate``: the checks after a command."""

from __future__ import annotations

from orchestrator.workflow.fields import Fields, read_string, word_of, wrong_type
from orchestrator.workflow.model import (
    Duration,
    OnIncomplete,
    Step,
    StepCheck,
    StepCheckCommand,
    StepKind,
    Validate,
)
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Pair, Scalar, is_null, plain_data
from orchestrator.workflow.problems import Problems
from orchestrator.workflow.reading import Place, StepReader
from orchestrator.workflow.step_results import read_pattern

_WHOLE = ("result_file", "threshold", "on_incomplete")
"""Keys of the whole validation that may be written inside an item of its list."""
_INCOMPLETE_OPTIONS = frozenset({"max_attempts", "fail_workflow", "commit_required", "prompt"})
_ELSEWHERE = dict.fromkeys(
    ("max_attempts", "fail_workflow", "commit_required", "prompt"), "under 'on_incomplete'"
)
_CRITERIA = {"all": "all", "any": "any"}
_COMMAND_TYPES = {"shell": StepKind.SHELL, "claude": StepKind.CLAUDE}


def read_validate(node: Node, reader: StepReader) -> Validate | None:
    """``validate``: a text, a list of validators, or a map."""
    if isinstance(node, Scalar):
        return Validate(node.position, reader.steps(_shell_step(node), Place.OTHER))
    if isinstance(node, ListNode):
        node = _list_as_map(node, reader.problems)
    fields = Fields(node, reader.problems, "'validate'")
    commands = fields.node("commands")
    if commands is not None:
        steps = reader.steps(commands, Place.OTHER)
        fields.without_effect("shell", "command", "claude", why="'commands' wins")
    else:
        steps = _single_validators(node, fields, reader)
    threshold = fields.number("threshold", maximum=100.0)
    built = Validate(
        position=node.position,
        steps=steps,
        as_commands=commands is not None,
        result_file=fields.string("result_file"),
        threshold=100.0 if threshold is None else threshold,
        timeout=fields.duration("timeout", "timeout_secs", "timeout_seconds"),
        expected_schema=_schema(fields),
        on_incomplete=_on_incomplete(fields, reader),
    )
    fields.finish(_ELSEWHERE)
    if not built.steps and built.result_file is None:
        reader.problems.warning(
            node.position, "no_effect", "'validate' has no validator and no 'result_file'"
        )
    return built


def _shell_step(node: Scalar) -> Node:
    """A text is shell text unless it says ``claude:``."""
    kind, _, rest = node.text.strip().partition(":")
    if kind in ("shell", "claude") and rest.strip():
        return node
    return MapNode(node.position, (Pair(Scalar(node.position, "shell"), node),))


def _list_as_map(node: ListNode, problems: Problems) -> MapNode:
    """The map form of a list: keys of the whole are lifted out of the items."""
    lifted: dict[str, Pair] = {}
    items: list[Node] = []
    for item in node.items:
        if not isinstance(item, MapNode):
            items.append(item)
            continue
        for pair in item.pairs:
            if pair.key.text not in _WHOLE or is_null(pair.value):
                continue
            if pair.key.text in lifted:
                problems.error(
                    pair.key.position, "same_twice", f"'{pair.key.text}' is given by two items"
                )
            lifted.setdefault(pair.key.text, pair)
        rest = item.without(frozenset(_WHOLE))
        if rest.pairs or not item.pairs:
            items.append(rest)
    pairs = tuple(lifted.values())
    if items:
        key = Scalar(node.position, "commands")
        pairs = (Pair(key, ListNode(node.position, tuple(items))), *pairs)
    return MapNode(node.position, pairs)


def _single_validators(node: MapNode, fields: Fields, reader: StepReader) -> tuple[Step, ...]:
    shell = fields.node("shell", "command")
    claude = fields.node("claude")
    found: list[Step] = []
    for kind, value in (("shell", shell), ("claude", claude)):
        if value is not None:
            pair = Pair(Scalar(value.position, kind), value)
            found.extend(reader.steps(MapNode(node.position, (pair,)), Place.OTHER))
    return tuple(found)


def _schema(fields: Fields) -> object | None:
    node = fields.node("expected_schema")
    if node is None:
        return None
    if isinstance(node, ListNode):
        wrong_type(node, "expected_schema", "a map or the path of a JSON Schema", fields.problems)
        return None
    return node.text if isinstance(node, Scalar) else plain_data(node, as_json=True)


def _on_incomplete(fields: Fields, reader: StepReader) -> OnIncomplete | None:
    node = fields.node("on_incomplete")
    if node is None:
        return None
    if isinstance(node, Scalar):
        return OnIncomplete(reader.command(node))
    if isinstance(node, ListNode):
        return OnIncomplete(reader.steps(node, Place.HANDLER))
    inner = Fields(node, reader.problems, "'on_incomplete'")
    attempts = inner.integer("max_attempts", minimum=1)
    commands = inner.node("commands")
    prompt = inner.string("prompt")
    fail_workflow = inner.flag("fail_workflow", default=True)
    commit_required = inner.flag("commit_required")
    if commands is not None:
        steps = reader.steps(commands, Place.HANDLER)
        inner.without_effect("shell", "claude", why="'commands' wins")
        inner.finish()
    else:
        filling = node.without(_INCOMPLETE_OPTIONS)
        steps = reader.shell_and_claude(filling, Place.HANDLER) if filling.pairs else ()
        if not filling.pairs and prompt is None:
            reader.problems.error(
                node.position,
                "missing_key",
                "'on_incomplete' needs 'shell', 'claude' or 'commands'",
            )
    return OnIncomplete(
        steps=steps,
        max_attempts=2 if attempts is None else attempts,
        fail_workflow=fail_workflow,
        commit_required=commit_required,
        prompt=prompt,
    )


def read_step_check(fields: Fields) -> StepCheck | None:
    """``step_validate`` and the keys that stand beside it; None when it is switched off."""
    node = fields.node("step_validate")
    timeout = fields.duration("validation_timeout")
    ignore = fields.flag("ignore_validation_failure")
    skip = fields.flag("skip_validation")
    if node is None:
        return None
    check = _check_of(node, fields.problems, timeout, ignore)
    return None if skip else check


def _check_of(node: Node, problems: Problems, timeout: Duration | None, ignore: bool) -> StepCheck:
    if not isinstance(node, MapNode):
        return StepCheck(_check_commands(node, problems), timeout=timeout, ignore_failure=ignore)
    fields = Fields(node, problems, "'step_validate'")
    commands = fields.node("commands")
    if commands is None:
        problems.error(node.position, "missing_key", "'step_validate' needs 'commands'")
    criteria, at_least = _criteria(fields)
    attempts = fields.integer("max_attempts", minimum=1)
    check = StepCheck(
        commands=() if commands is None else _check_commands(commands, problems),
        criteria=criteria,
        at_least=at_least,
        max_attempts=attempts or 1,
        retry_delay=fields.duration("retry_delay") or Duration(5.0),
        timeout=timeout,
        ignore_failure=ignore,
    )
    fields.finish(
        dict.fromkeys(
            ("validation_timeout", "ignore_validation_failure", "skip_validation"),
            "in the step, beside 'step_validate'",
        )
    )
    return check


def _check_commands(node: Node, problems: Problems) -> tuple[StepCheckCommand, ...]:
    items = node.items if isinstance(node, ListNode) else (node,)
    commands = (_check_command(item, problems) for item in items if not is_null(item))
    return tuple(command for command in commands if command is not None)


def _check_command(node: Node, problems: Problems) -> StepCheckCommand | None:
    if isinstance(node, ListNode):
        wrong_type(node, "step_validate", "a command", problems)
        return None
    if isinstance(node, Scalar):
        text, kind = _typed_command(node.text)
        return StepCheckCommand(text, kind)
    fields = Fields(node, problems, "a command of 'step_validate'")
    given = fields.string("command", "shell")
    claude = fields.string("claude") if given is None else None
    if given is None and claude is None:
        problems.error(node.position, "missing_key", "a command of 'step_validate' needs 'command'")
    text, kind = _typed_command(given or "")
    if claude is not None:
        text, kind = claude, StepKind.CLAUDE
    command_type = fields.word("command_type", valid=_COMMAND_TYPES)
    command = StepCheckCommand(
        text=text,
        kind=command_type or kind,
        expect_output=read_pattern(fields, "expect_output"),
        expect_exit_code=fields.integer("expect_exit_code") or 0,
    )
    fields.finish()
    return command


def _typed_command(text: str) -> tuple[str, StepKind]:
    for word, kind in _COMMAND_TYPES.items():
        if text.strip().startswith(word + ":"):
            return text.strip().removeprefix(word + ":").strip(), kind
    return text, StepKind.SHELL


def _criteria(fields: Fields) -> tuple[str, int]:
    node = fields.node("success_criteria")
    if node is None:
        return "all", 0
    if isinstance(node, MapNode) and len(node.pairs) == 1 and word_of(node) is None:
        inner = Fields(node, fields.problems, "'success_criteria'")
        number = inner.integer("at_least", "atleast", "AtLeast", minimum=1)
        inner.finish()
        return "at_least", number or 1
    if isinstance(node, Scalar) and node.text.startswith(("at_least:", "atleast:")):
        number_text = Scalar(node.position, node.text.partition(":")[2].strip())
        text = read_string(number_text, "success_criteria", fields.problems) or ""
        if text.isascii() and text.isdigit() and int(text) > 0:
            return "at_least", int(text)
    return fields.word("success_criteria", valid=_CRITERIA) or "all", 0
