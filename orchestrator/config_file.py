"""Reading ``config.yml`` with the place of every value, and changing one value in it.

Scalars keep their source text, so that a setting decides what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from orchestrator.workflow.problems import Position, Problems

MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of the file, by its dotted path."""

    path: str
    value: object
    position: Position


def read_entries(path: Path, sections: frozenset[str], problems: Problems) -> Iterator[Entry]:
    """Every value of a file; keys of the named sections are dotted. What is bad is a problem."""
    file = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            problems.error(Position(file), "too_large", f"larger than {MAX_BYTES} bytes")
            return
        text = path.read_bytes().decode("utf-8-sig")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        problems.error(Position(file), "unreadable", f"cannot be read: {error.strerror}")
        return
    except UnicodeDecodeError as error:
        problems.error(Position(file), "not_utf8", f"not UTF-8 at byte {error.start}")
        return
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
        problems.error(place, "bad_syntax", f"not YAML: {error.problem or error.context}")
        return
    except (yaml.YAMLError, RecursionError) as error:
        problems.error(Position(file), "bad_syntax", f"not YAML: {str(error).splitlines()[0]}")
        return
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        problems.error(_place(file, root), "wrong_type", "a map of settings is expected")
        return
    yield from _entries(file, root, "", sections, problems)


def _entries(
    file: str, mapping: yaml.MappingNode, prefix: str, sections: frozenset[str], problems: Problems
) -> Iterator[Entry]:
    seen: dict[str, int] = {}
    for key, value in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            problems.error(_place(file, key), "wrong_type", "a key must be a plain text")
            continue
        name = str(key.value)
        if name in seen:
            problems.error(
                _place(file, key), "duplicate_key", f"'{name}' is also on line {seen[name]}"
            )
        seen[name] = key.start_mark.line + 1
        path = f"{prefix}{name}"
        if not prefix and name in sections and isinstance(value, yaml.MappingNode):
            yield from _entries(file, value, f"{name}.", sections, problems)
        elif not _is_null(value):
            yield Entry(path, _plain(value), _place(file, key))


def _plain(node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    return str(node.value)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _place(file: str, node: yaml.Node) -> Position:
    return Position(file, node.start_mark.line + 1, node.start_mark.column + 1)


def with_value(text: str, path: str, value: str) -> str:
    """The text of a file with one scalar set; comments and every other line stay as they are.

    Args:
        text: the present content, valid YAML holding a map, or nothing.
        path: dotted, of one or two parts.
        value: YAML for the new value, on one line.

    Raises:
        ValueError: the present value is a map, a list over several lines or an alias; a person
            must edit it.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    section, dot, key = path.rpartition(".")
    if root is None:
        return _appended(text, f"{section}:\n  {key}: {value}\n" if dot else f"{key}: {value}\n")
    if not isinstance(root, yaml.MappingNode):
        raise ValueError("the file does not hold a map")
    mapping, indent = root, ""
    if dot:
        inner = _child(root, section)
        if inner is None:
            return _appended(text, f"{section}:\n  {key}: {value}\n")
        if not isinstance(inner, yaml.MappingNode) or inner.flow_style:
            if isinstance(inner, yaml.MappingNode) and _child(inner, key) is not None:
                return _replaced(text, _known(inner, key), value)
            raise ValueError(f"'{section}' is not a block of keys")
        mapping, indent = inner, " " * inner.start_mark.column
    present = _child(mapping, key)
    if present is not None:
        return _replaced(text, present, value)
    if not dot:
        return _appended(text, f"{key}: {value}\n")
    line_start = text.rfind("\n", 0, mapping.start_mark.index) + 1
    return f"{text[:line_start]}{indent}{key}: {value}\n{text[line_start:]}"


def _child(mapping: yaml.MappingNode, name: str) -> yaml.Node | None:
    for key, value in mapping.value:
        if isinstance(key, yaml.ScalarNode) and key.value == name:
            return value  # type: ignore[no-any-return]
    return None


def _known(mapping: yaml.MappingNode, name: str) -> yaml.Node:
    found = _child(mapping, name)
    if found is None:
        raise ValueError(f"no '{name}' here")
    return found


def _replaced(text: str, node: yaml.Node, value: str) -> str:
    start, end = node.start_mark, node.end_mark
    one_line = start.line == end.line
    if isinstance(node, yaml.MappingNode) or not one_line:
        raise ValueError("the present value is spread over several lines; edit the file instead")
    between = "" if text[: start.index].endswith((" ", "\t")) else " "
    return f"{text[: start.index]}{between}{value}{text[end.index :]}"


def _appended(text: str, addition: str) -> str:
    return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{addition}"
