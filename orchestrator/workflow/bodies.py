"""The kinds with a body of their own: ``foreach`` and ``write_file``."""

from __future__ import annotations

from orchestrator.workflow.fields import (
    Fields,
    as_boolean,
    as_integer,
    read_map,
    wrong_type,
)
from orchestrator.workflow.model import Foreach, Step, WriteFile
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Scalar, describe, plain_data
from orchestrator.workflow.problems import Problems
from orchestrator.workflow.reading import Place, StepReader

_SOURCES = frozenset({"command", "list"})
_FORMATS = {word: word for word in ("text", "json", "yaml")}


def read_foreach(step: Fields, reader: StepReader) -> Foreach | None:
    """The loop of a step, nested (all in the map) or flat (options beside ``foreach``)."""
    node = step.node("foreach")
    if node is None:
        return None
    nested = isinstance(node, MapNode) and not {pair.key.text for pair in node.pairs} <= _SOURCES
    if isinstance(node, MapNode) and nested:
        fields = Fields(node, reader.problems, "'foreach'")
        source = fields.node("foreach", "items", "input")
        if source is None:
            reader.problems.error(
                node.position, "missing_key", "'foreach' needs 'items': what to loop over"
            )
    else:
        fields, source = step, node
    loop = _loop(fields, source, step, reader)
    if nested:
        fields.finish()
    return loop


def _loop(fields: Fields, source: Node | None, step: Fields, reader: StepReader) -> Foreach:
    body = fields.node("do", "commands")
    if body is None:
        reader.problems.error(
            fields.key_position("foreach"), "missing_key", "'foreach' needs 'do': its steps"
        )
    steps = () if body is None else reader.steps(body, Place.BODY)
    if isinstance(body, ListNode) and not body.items:
        reader.problems.error(body.position, "no_steps", "'do' has no steps")
    command, items = _source(source, reader.problems)
    parallel = _parallel(fields)
    go_on = fields.boolean("continue_on_error")
    if go_on is None and fields is not step:
        go_on = step.boolean("continue_on_error")
    if parallel is not False and parallel != 1:
        _warn_of_commits(steps, reader.problems)
    return Foreach(
        position=fields.position,
        steps=steps,
        command=command,
        items=items,
        parallel=parallel,
        max_items=fields.integer("max_items"),
        continue_on_error=bool(go_on),
    )


def _source(node: Node | None, problems: Problems) -> tuple[str | None, tuple[object, ...] | None]:
    """Command or items; a reference to a list is told from a command when the loop starts."""
    if node is None:
        return None, None
    if isinstance(node, ListNode):
        return None, tuple(plain_data(item) for item in node.items)
    if isinstance(node, Scalar):
        if not node.text.strip():
            wrong_type(node, "foreach", "a command, a list or a reference", problems)
        return node.text, None
    fields = Fields(node, problems, "the source of 'foreach'")
    written = fields.node("command")
    listed = fields.node("list")
    fields.finish()
    if (written is None) == (listed is None):
        problems.error(
            node.position, "missing_key", "the source of 'foreach' is one of 'command' and 'list'"
        )
        return None, None
    if written is not None and not isinstance(written, Scalar):
        wrong_type(written, "command", "a text", problems)
        return None, None
    if isinstance(listed, MapNode):
        wrong_type(listed, "list", "a list or a reference to one", problems)
        return None, None
    return _source(written if listed is None else listed, problems)


def _parallel(fields: Fields) -> int | str | bool:
    node = fields.node("parallel")
    if node is None:
        return False
    value = as_boolean(node)
    if value is not None:
        return value
    number = as_integer(node)
    if number is not None and number >= 1:
        return number
    if isinstance(node, Scalar) and "$" in node.text:
        return node.text.strip()
    fields.problems.error(
        node.position,
        "wrong_type",
        f"'parallel' expects true, false or a number of at least 1, got {describe(node)}",
    )
    return False


def _warn_of_commits(steps: tuple[Step, ...], problems: Problems) -> None:
    for step in steps:
        for name, on in (
            ("commit_required", step.commit_required),
            ("auto_commit", step.auto_commit),
        ):
            if on:
                problems.warning(
                    step.position,
                    "parallel_commits",
                    f"'{name}' in a parallel 'foreach': the items commit into one worktree",
                )


def read_write_file(step: Fields) -> WriteFile | None:
    """The file a ``write_file`` step writes."""
    node = step.node("write_file")
    if node is None:
        return None
    problems = step.problems
    mapping = read_map(node, "write_file", problems)
    if mapping is None:
        return None
    fields = Fields(mapping, problems, "'write_file'")
    path = fields.string("path")
    content = fields.node("content")
    for name, value in (("path", path), ("content", content)):
        if value is None and name not in fields:
            problems.error(mapping.position, "missing_key", f"'write_file' needs '{name}'")
    if path is not None and ".." in path.split("/"):
        _bad_path(fields, path)
    structured = isinstance(content, MapNode | ListNode)
    written = fields.word("format", valid=_FORMATS)
    if structured and written == "text" and content is not None:
        problems.error(
            content.position, "wrong_type", "a map or list as 'content' needs format json or yaml"
        )
    mode = fields.mode("mode")
    built = WriteFile(
        path=path or "",
        content="" if content is None else _content(content),
        format=written or ("json" if structured else "text"),
        mode=0o644 if mode is None else mode,
        create_dirs=fields.flag("create_dirs"),
    )
    fields.finish()
    return built


def _content(node: Node) -> object:
    return node.text if isinstance(node, Scalar) else plain_data(node, as_json=True)


def _bad_path(fields: Fields, path: str) -> None:
    node = fields.node("path")
    if node is not None:
        fields.problems.error(
            node.position, "bad_path", f"Invalid path: '{path}' has a component '..'"
        )
