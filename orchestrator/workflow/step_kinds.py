"""Which kind a step is, and the texts of its short and old forms."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.workflow.fields import Fields, as_boolean, read_string, read_strings
from orchestrator.workflow.model import StepKind
from orchestrator.workflow.nodes import MapNode, Pair, Scalar, is_null
from orchestrator.workflow.problems import Problems
from orchestrator.workflow.suggest import nearest

KINDS = {
    "shell": StepKind.SHELL,
    "claude": StepKind.CLAUDE,
    "test": StepKind.SHELL,
    "foreach": StepKind.FOREACH,
    "write_file": StepKind.WRITE_FILE,
    "workflow": StepKind.WORKFLOW,
    "template": StepKind.TEMPLATE,
    "use": StepKind.TEMPLATE,
    "analyze": StepKind.ANALYZE,
}
_GONE = {
    "goal_seek": "'goal_seek' no longer exists; say 'validate' with 'on_incomplete'",
    "handler": "'handler' no longer exists; say 'shell'",
}
_COMMITS_BY_DEFAULT = frozenset(
    {
        "prodigy-code-review",
        "prodigy-implement-spec",
        "prodigy-product-enhance",
        "prodigy-cleanup-tech-debt",
    }
)


def _under(home: str, words: str) -> dict[str, str]:
    return dict.fromkeys(words.split(), home)


BELONGS_ELSEWHERE = {
    **_under("under 'validate'", "threshold result_file expected_schema on_incomplete"),
    **_under("under 'on_failure'", "strategy handler_failure_fatal retry_original max_retries"),
    **_under(
        "under 'retry'",
        "attempts backoff initial_delay max_delay jitter jitter_factor retry_on retry_budget",
    ),
    **_under(
        "under 'commit_config'",
        "message_template message_pattern sign include_files exclude_files squash",
    ),
    **_under("under 'foreach'", "do parallel max_items items"),
    **_under("under 'write_file'", "path content create_dirs mode format"),
    **_under("under 'step_validate'", "success_criteria retry_delay expect_output"),
    **_under("under 'outputs'", "file_pattern"),
    **_under("under 'map'", "agent_template json_path sort_by filter max_parallel"),
    **_under(
        "at the top level",
        "secrets env_files profiles active_profile merge setup commands steps parameters "
        "retry_defaults max_iterations strict_variables imports extends inherit",
    ),
}


@dataclass(frozen=True, slots=True)
class KindFound:
    """The kind of a step and how it is written.

    ``named`` steps are a ``name`` or ``command`` that is itself the prompt.
    """

    kind: StepKind
    key: str = ""
    named: bool = False


def find_kind(fields: Fields) -> KindFound | None:
    """The one kind of a step; none and several are reported."""
    for word, message in _GONE.items():
        if word in fields.names():
            fields.ignore(word)
            fields.problems.error(fields.key_position(word), "gone", message)
            return None
    present = [key for key in KINDS if key in fields.names()]
    if len(present) > 1:
        fields.ignore(*present)
        lines = " and ".join(f"'{key}' (line {fields.key_position(key).line})" for key in present)
        fields.problems.error(
            fields.position, "several_kinds", f"a step has exactly one kind; found {lines}"
        )
        return None
    if present:
        return _kind_of(present[0], fields)
    if "command" in fields:
        return _named("command", fields)
    if "validate" in fields and "args" not in fields and "options" not in fields:
        return KindFound(StepKind.VALIDATE, "validate")
    if "name" in fields:
        return _named("name", fields)
    _report_no_kind(fields)
    return None


def _named(key: str, fields: Fields) -> KindFound | None:
    """A ``name`` or ``command`` that is itself the prompt."""
    node = fields.node(key)
    if isinstance(node, Scalar) and not node.text.strip():
        fields.problems.error(fields.key_position(key), "empty_step", f"'{key}' is empty")
        return None
    return KindFound(StepKind.CLAUDE, key, named=True)


def flat_test(node: MapNode, problems: Problems) -> MapNode:
    """``test: {command, on_failure?}`` as ``test: command`` with the handler beside it."""
    body = node.get("test")
    if not isinstance(body, MapNode):
        return node
    inner = Fields(body, problems, "'test'")
    command, handler = inner.node("command"), inner.node("on_failure")
    inner.finish()
    if command is None:
        problems.error(body.position, "missing_key", "'test' needs 'command'")
        command = Scalar(body.position, "missing")
    pairs = [Pair(pair.key, command) if pair.key.text == "test" else pair for pair in node.pairs]
    if handler is not None and node.has("on_failure"):
        problems.error(
            inner.key_position("on_failure"),
            "same_twice",
            "'on_failure' is written both in 'test' and beside it; keep one",
        )
    elif handler is not None:
        pairs.append(Pair(Scalar(inner.key_position("on_failure"), "on_failure"), handler))
    return MapNode(node.position, tuple(pairs))


def _report_no_kind(fields: Fields) -> None:
    for name in fields.names():
        meant = nearest(name, KINDS)
        if meant is not None:
            fields.ignore(name)
            fields.problems.error(
                fields.key_position(name), "no_kind", f"a step has no kind '{name}'", meant
            )
            return
    known = ", ".join(KINDS)
    fields.problems.error(fields.position, "no_kind", f"a step needs a kind, one of {known}")


def _kind_of(key: str, fields: Fields) -> KindFound | None:
    kind = KINDS[key]
    problems = fields.problems
    node = fields.node(key)
    if kind is StepKind.ANALYZE:
        problems.warning(
            fields.key_position(key), "gone", "'analyze' no longer exists; the step is skipped"
        )
        return KindFound(kind, key)
    if node is None or (isinstance(node, Scalar) and not node.text.strip()):
        problems.error(fields.key_position(key), "empty_step", f"'{key}' is empty")
        return None
    if key == "test":
        problems.warning(
            fields.key_position(key), "deprecated", "'test' is deprecated; say 'shell'"
        )
    return KindFound(kind, key)


def split_text(text: str) -> tuple[StepKind | None, str]:
    """The kind a text names with ``shell:`` or ``claude:``, and the rest without outer blanks."""
    text = text.strip()
    for kind in (StepKind.SHELL, StepKind.CLAUDE):
        prefix = f"{kind}:"
        if text.startswith(prefix):
            return kind, text.removeprefix(prefix).strip()
    return None, text


def prompt_of(text: str) -> str:
    return text if text.startswith("/") else f"/{text}"


def commits_by_default(prompt: str) -> bool:
    """Whether a built-in command makes a commit unless the step says otherwise."""
    words = prompt.split(maxsplit=1)
    return bool(words) and words[0].removeprefix("/") in _COMMITS_BY_DEFAULT


def command_text(fields: Fields, found: KindFound) -> str:
    """The prompt of a ``name`` or ``command`` step: name, arguments, options."""
    text = (fields.string(found.key) or "").strip()
    if found.key == "name":
        text = prompt_of(text)
    parts = [text]
    arguments = fields.node("args")
    if arguments is not None:
        parts.extend(read_strings(arguments, "args", fields.problems) or ())
    options = fields.mapping("options")
    for pair in options.pairs if options is not None else ():
        if is_null(pair.value) or as_boolean(pair.value) is False:
            continue
        parts.append(f"--{pair.key.text}")
        if as_boolean(pair.value) is None:
            parts.append(read_string(pair.value, pair.key.text, fields.problems) or "")
    return " ".join(part for part in parts if part)
