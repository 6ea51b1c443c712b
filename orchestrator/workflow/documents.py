"""The bytes of one file to one positioned node: encoding, limits, YAML or JSON."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.workflow.json_nodes import parse_json
from orchestrator.workflow.nodes import MAX_BYTES, Node, Scalar, UnreadableDocument
from orchestrator.workflow.problems import Position, Problems
from orchestrator.workflow.yaml_nodes import parse_yaml

_NOT_TEXT = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # c-printable of YAML
)


def parse_document(data: bytes, file: str, problems: Problems) -> Node | None:
    """The root node of a file, or None when it could not be read; problems say why.

    Args:
        data: the file as it is on disk.
        file: its name as positions show it; ``.json`` selects JSON.
        problems: receives everything that is wrong with the text.
    """
    try:
        return _parse(data, file, problems)
    except UnreadableDocument as unreadable:
        problems.error(unreadable.position, unreadable.code, unreadable.message)
        return None


def read_bounded(path: Path) -> bytes:
    """The content of a file, at most one byte more than a workflow file may have.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _parse(data: bytes, file: str, problems: Problems) -> Node:
    start = Position(file)
    if len(data) > MAX_BYTES:
        raise UnreadableDocument(
            start, "too_large", f"the file is too large; the limit is {MAX_BYTES} bytes (4 MiB)"
        )
    text = _decoded(data, file)
    strange = _NOT_TEXT.search(text)
    if strange is not None:
        raise UnreadableDocument(
            position_of_offset(text, strange.start(), file),
            "bad_character",
            f"the character U+{ord(strange.group()):04X} is not allowed in a workflow file",
        )
    is_json = file.lower().endswith(".json")
    root = parse_json(text, file, problems) if is_json else parse_yaml(text, file, problems)
    if root is None or (isinstance(root, Scalar) and root.is_null):
        raise UnreadableDocument(start, "empty_file", "the file is empty: it has no steps")
    if isinstance(root, Scalar):
        raise UnreadableDocument(
            root.position,
            "wrong_type",
            "a workflow file is a list of steps or a map with 'commands', not a single text",
        )
    return root


def _decoded(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        raise UnreadableDocument(
            position_of_offset(before, len(before), file),
            "not_utf8",
            f"the file is not UTF-8: byte 0x{data[error.start]:02X} at offset {error.start}",
        ) from None


def position_of_offset(text: str, offset: int, file: str) -> Position:
    """The line and column of a character."""
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    line = before.count("\n") + 1
    return Position(file, line, len(before) - (before.rfind("\n") + 1) + 1)
