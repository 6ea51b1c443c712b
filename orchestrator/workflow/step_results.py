"""What a step leaves behind: captures, named output files, commits."""

from __future__ import annotations

import re

from orchestrator.workflow.fields import Fields, as_boolean, read_boolean, read_word, wrong_type
from orchestrator.workflow.model import Capture, CaptureFormat, CommitConfig
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Pair, Scalar, is_null
from orchestrator.workflow.problems import Problems

_CAPTURE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*\Z")
_RESERVED = frozenset(
    {"item", "map", "merge", "step", "workflow", "validation", "env", "last", "error", "git"}
)
_FORMATS = {**{str(word): word for word in CaptureFormat}, "text": CaptureFormat.STRING}
STREAMS = {word: word for word in ("stdout", "stderr", "both", "exit_code", "success", "duration")}
_METADATA = frozenset({"stdout", "stderr", "exit_code", "success", "duration"})


def read_capture(fields: Fields) -> Capture:
    """The capture of a step from its ``capture…`` keys."""
    names: list[str] = []
    kept = True
    for key in ("capture_output", "capture"):
        node = fields.node(key)
        if node is None:
            continue
        wanted = as_boolean(node)
        if wanted is not None:
            kept = kept and wanted
            continue
        name = read_capture_name(node, key, fields.problems)
        if name is not None and name not in names:
            names.append(name)
    format_word = fields.word("capture_format", valid=_FORMATS)
    streams, dropped = _streams(fields)
    return Capture(
        names=tuple(names),
        format=format_word or CaptureFormat.STRING,
        streams=streams,
        dropped=dropped,
        kept=kept or bool(names),
    )


def read_capture_name(node: Node, key: str, problems: Problems) -> str | None:
    """The name of a variable; dots are allowed, reserved first words are warned of."""
    if not isinstance(node, Scalar):
        wrong_type(node, key, "true, false or the name of a variable", problems)
        return None
    name = node.text.strip()
    if _CAPTURE_NAME.match(name) is None:
        wrong_type(node, key, "the name of a variable (letters, digits, '_', '-', '.')", problems)
        return None
    first = name.partition(".")[0]
    if first in _RESERVED:
        problems.warning(
            node.position, "reserved_name", f"'{name}' is captured into the reserved name '{first}'"
        )
    return name


def _streams(fields: Fields) -> tuple[tuple[str, ...], frozenset[str]]:
    node = fields.node("capture_streams")
    problems = fields.problems
    if node is None:
        return ("stdout",), frozenset()
    if isinstance(node, MapNode):
        return _stream_map(node.pairs, problems)
    items: list[Node] = []
    if isinstance(node, ListNode):
        items = list(node.items)
    else:
        items = [
            Scalar(node.position, word.strip()) for word in node.text.split(",") if word.strip()
        ]
    words = (read_word(item, "capture_streams", problems, STREAMS) for item in items)
    streams = tuple(dict.fromkeys(word for word in words if word is not None))
    return streams or ("stdout",), frozenset()


def _stream_map(
    pairs: tuple[Pair, ...], problems: Problems
) -> tuple[tuple[str, ...], frozenset[str]]:
    """In a map stdout is on unless switched off; ``false`` drops metadata."""
    wanted = {"stdout": True}
    for pair in pairs:
        word = read_word(pair.key, "capture_streams", problems, STREAMS)
        if word is None or is_null(pair.value):
            continue
        value = read_boolean(pair.value, pair.key.text, problems)
        if value is not None:
            wanted[word] = value
    streams = tuple(word for word, on in wanted.items() if on)
    return streams, frozenset(word for word, on in wanted.items() if not on) & _METADATA


def read_outputs(fields: Fields) -> dict[str, str]:
    """``outputs``: the pattern of a file by name."""
    node = fields.mapping("outputs")
    patterns: dict[str, str] = {}
    for pair in node.pairs if node is not None else ():
        value = pair.value
        pattern: str | None = None
        if isinstance(value, Scalar) and not value.is_null:
            pattern = value.text
        elif isinstance(value, MapNode):
            inner = Fields(value, fields.problems, f"the output '{pair.key.text}'")
            pattern = inner.string("file_pattern", "pattern")
            if pattern is None and "file_pattern" not in inner:
                fields.problems.error(
                    value.position,
                    "missing_key",
                    f"the output '{pair.key.text}' needs 'file_pattern'",
                )
            inner.finish()
        else:
            wrong_type(value, pair.key.text, "a pattern or {file_pattern: …}", fields.problems)
        if pattern is not None:
            patterns[pair.key.text] = pattern
    return patterns


def read_commit_config(fields: Fields) -> CommitConfig:
    node = fields.mapping("commit_config")
    if node is None:
        return CommitConfig()
    config = Fields(node, fields.problems, "'commit_config'")
    built = CommitConfig(
        message_template=config.string("message_template"),
        message_pattern=read_pattern(config, "message_pattern"),
        author=config.string("author"),
        sign=config.flag("sign"),
        include_files=config.strings("include_files") or (),
        exclude_files=config.strings("exclude_files") or (),
        squash=config.flag("squash"),
    )
    config.finish()
    return built


def read_pattern(fields: Fields, name: str) -> str | None:
    """A regular expression that must compile, unless it holds a reference."""
    text = fields.string(name)
    node = fields.node(name)
    if text is None or node is None or "${" in text:
        return text
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        fields.problems.error(
            node.position, "bad_pattern", f"'{name}' is not a regular expression: {error}"
        )
        return None
    return text
