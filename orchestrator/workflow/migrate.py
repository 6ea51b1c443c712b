"""Old forms of workflow files rewritten in their text, so that comments and order stay.

Every change is an edit of some lines or characters at the place a YAML node stands; nothing else of
the file is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

_GONE_IN_A_JOB = (
    "timeout_per_agent",
    "retry_on_failure",
    "convergence",
    "enable_checkpoints",
    "batch_size",
)


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters ``start`` to ``end`` become ``text``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """The new text, and in words what was changed, in the order of the file."""

    text: str
    changes: tuple[str, ...]


class CannotMigrate(Exception):
    """The file is no YAML that can be edited."""


def migrate(text: str) -> Migrated:
    """Rewrite nested ``commands`` and deprecated keys.

    Raises:
        CannotMigrate: the text is not one YAML document.
    """
    changes: dict[int, str] = {}
    # each pass makes the edits that do not touch each other; the next sees what they made
    for _ in range(20):
        edits: list[Edit] = []
        free = 0
        for edit, words in sorted(_edits(text), key=lambda found: found[0].start):
            if edit.start < free:
                continue
            edits.append(edit)
            free = edit.end
            line = text.count("\n", 0, edit.start) + 1
            changes[len(changes)] = f"line {line}: {words}"
        if not edits:
            break
        for edit in reversed(edits):
            text = text[: edit.start] + edit.text + text[edit.end :]
    return Migrated(text, tuple(changes.values()))


def _edits(text: str) -> Iterator[tuple[Edit, str]]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise CannotMigrate(str(error).replace("\n", " ")) from None
    if not isinstance(root, yaml.Node):
        return
    editor = _Editor(text)
    seen: set[int] = set()
    for node in _every_node(root, seen):
        if isinstance(node, yaml.MappingNode):
            yield from editor.map_edits(node, is_root=node is root)


def _every_node(node: yaml.Node, seen: set[int]) -> Iterator[yaml.Node]:
    if id(node) in seen:
        return
    seen.add(id(node))
    yield node
    if isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from _every_node(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _every_node(item, seen)


Pair = tuple[yaml.ScalarNode, yaml.Node]


class _Editor:
    """Finds what is old in one map at a time."""

    def __init__(self, text: str) -> None:
        self._text = text

    def map_edits(self, node: yaml.MappingNode, *, is_root: bool) -> Iterator[tuple[Edit, str]]:
        pairs = {key.value: (key, value) for key, value in node.value
                 if isinstance(key, yaml.ScalarNode)}  # fmt: skip
        if is_root and "map" in pairs:
            yield from self._job(node, pairs)
        is_test = "test" in pairs and not {"shell", "claude"} & set(pairs)
        if is_test and "${test." not in self._text:  # a 'shell' step would not set those
            yield from self._test(node, pairs)
        if "retry_original" in pairs:
            yield from self._retry_original(node, pairs)
        yield from self._retries(pairs)

    def _job(self, root: yaml.MappingNode, pairs: dict[str, Pair]) -> Iterator[tuple[Edit, str]]:
        holder = pairs["map"][1]
        inside: dict[str, Pair] = {}
        if isinstance(holder, yaml.MappingNode):
            inside = {key.value: (key, value) for key, value in holder.value}
            yield from self._gone(holder, inside)
        yield from self._gone(root, pairs)
        for name, pair in (("agent_template", inside.get("agent_template")),
                           ("reduce", pairs.get("reduce"))):  # fmt: skip
            if pair is not None:
                yield from self._unnest(name, pair)

    def _gone(self, node: yaml.MappingNode, pairs: dict[str, Pair]) -> Iterator[tuple[Edit, str]]:
        for name in _GONE_IN_A_JOB:
            if name in pairs and not node.flow_style and len(node.value) > 1:
                yield self._without(pairs[name]), f"'{name}' has no effect: removed"

    def _unnest(self, name: str, pair: Pair) -> Iterator[tuple[Edit, str]]:
        """``NAME: {commands: [...]}`` as ``NAME: [...]``, when nothing else is in the map."""
        key, value = pair
        if not isinstance(value, yaml.MappingNode) or len(value.value) != 1:
            return
        inner_key, steps = value.value[0]
        if inner_key.value not in ("commands", "steps"):
            return
        if not isinstance(steps, yaml.SequenceNode):
            return
        words = f"'{inner_key.value}' under '{name}': its steps are written there"
        if value.flow_style:
            start, end = value.start_mark.index, value.end_mark.index
            yield Edit(start, end, self._text[steps.start_mark.index : steps.end_mark.index]), words
            return
        if steps.flow_style:
            # the list goes to the line of the outer key
            start, end = inner_key.start_mark.index, steps.start_mark.index
            yield Edit(start, end, ""), words
            return
        yield self._dedented(key, inner_key, steps), words

    def _dedented(
        self, key: yaml.ScalarNode, inner_key: yaml.ScalarNode, steps: yaml.SequenceNode
    ) -> Edit:
        """The lines of a list as far to the right as they are below its key, without that key."""
        start = self._line_start(inner_key.start_mark.index)
        after_key = self._line_end(inner_key.end_mark.index)
        end = self._end_of_block(steps)
        depth = steps.start_mark.column - inner_key.start_mark.column
        wanted = key.start_mark.column + depth + (2 if depth == 0 else 0)
        less = max(0, steps.start_mark.column - wanted)
        comment = self._text[inner_key.end_mark.index : after_key].partition("#")
        kept = f"{' ' * wanted}#{comment[2]}" if comment[1] else ""
        lines = self._text[after_key:end].splitlines(keepends=True)
        return Edit(start, end, kept + "".join(_moved_left(line, less) for line in lines))

    def _test(self, node: yaml.MappingNode, pairs: dict[str, Pair]) -> Iterator[tuple[Edit, str]]:
        """``test: TEXT`` and ``test: {command, on_failure?}`` as ``shell``."""
        key, value = pairs["test"]
        if not isinstance(value, yaml.MappingNode):
            if isinstance(value, yaml.ScalarNode) and value.value.strip():
                yield self._renamed(key, "shell"), "'test' is 'shell'"
            return
        body = {inner.value: (inner, below) for inner, below in value.value}
        if "command" not in body or not set(body) <= {"command", "on_failure"}:
            return
        words = "'test' with 'command' is 'shell'"
        if "on_failure" in body and "on_failure" in pairs:
            return
        if value.flow_style or node.flow_style:
            parts = [self._source(*body["command"], name="shell")]
            if "on_failure" in body:
                parts.append(self._source(*body["on_failure"], name="on_failure"))
            between = ", " if node.flow_style else "\n" + " " * key.start_mark.column
            end = value.end_mark.index
            yield Edit(key.start_mark.index, end, between.join(parts)), words
            return
        first = value.value[0][0]
        start, end = key.start_mark.index, self._end_of_block(value)
        less = first.start_mark.column - key.start_mark.column
        lines = self._text[first.start_mark.index : end].splitlines(keepends=True)
        text = "".join([lines[0], *(_moved_left(line, less) for line in lines[1:])])
        at = body["command"][0].start_mark.index - first.start_mark.index
        if at == 0:
            text = re.sub(r"\Acommand\b", "shell", text)
        else:
            text = re.sub(r"(?m)^(\s*)command(\s*:)", r"\1shell\2", text, count=1)
        yield Edit(start, end, text), words

    def _retry_original(
        self, node: yaml.MappingNode, pairs: dict[str, Pair]
    ) -> Iterator[tuple[Edit, str]]:
        """``retry_original: true`` means two runs where nothing says how many."""
        key, value = pairs["retry_original"]
        wanted = isinstance(value, yaml.ScalarNode) and value.value.lower() in ("true", "yes", "on")
        counted = next((pairs[n] for n in ("max_attempts", "max_retries") if n in pairs), None)
        alone = not {"shell", "claude"} & set(pairs)
        words = "'retry_original' is 'max_attempts'"
        if wanted and counted is None and alone:
            yield Edit(key.start_mark.index, value.end_mark.index, "max_attempts: 2"), words
        elif wanted and counted is not None and getattr(counted[1], "value", "") == "1":
            yield Edit(counted[1].start_mark.index, counted[1].end_mark.index, "2"), words
        elif len(node.value) > 1:
            yield self._without(pairs["retry_original"]), "'retry_original' has no effect: removed"

    def _retries(self, pairs: dict[str, Pair]) -> Iterator[tuple[Edit, str]]:
        """``retries: N`` of a step are N runs after the first."""
        if "retries" not in pairs or {"retry", "retry_config", "max_attempts"} & set(pairs):
            return
        key, value = pairs["retries"]
        if not {"shell", "claude", "test"} & set(pairs) or not isinstance(value, yaml.ScalarNode):
            return
        if value.value.isdecimal() and int(value.value) > 0:
            runs = int(value.value) + 1
            yield (
                Edit(key.start_mark.index, value.end_mark.index, f"retry: {runs}"),
                f"'retries: {value.value}' is 'retry: {runs}'",
            )

    # -- places -----------------------------------------------------------------------------------

    def _renamed(self, key: yaml.ScalarNode, name: str) -> Edit:
        return Edit(key.start_mark.index, key.end_mark.index, name)

    def _source(self, key: yaml.ScalarNode, value: yaml.Node, *, name: str) -> str:
        end = value.end_mark.index
        return f"{name}: {self._text[value.start_mark.index : end].rstrip()}"

    def _without(self, pair: Pair) -> Edit:
        """Leave a key and its value out: whole lines in a block, up to the comma in a flow map."""
        key, value = pair
        start, end = key.start_mark.index, value.end_mark.index
        line_start = self._line_start(start)
        if self._text[line_start:start].strip():
            rest = re.compile(r"\s*,\s*").match(self._text, end)
            if rest is not None:
                return Edit(start, rest.end(), "")
            before = self._text[:start].rstrip()
            if before.endswith(","):
                return Edit(len(before) - 1, end, "")
            # the first key of a map in a list: the next key takes its place
            following = re.compile(r"[^\n]*\n\s*").match(self._text, end)
            return Edit(start, end if following is None else following.end(), "")
        stop = end if isinstance(value, yaml.ScalarNode) else self._end_of_block(value)
        if stop == end:
            stop = self._line_end(end)
        return Edit(line_start, stop, "")

    def _line_start(self, index: int) -> int:
        return self._text.rfind("\n", 0, index) + 1

    def _line_end(self, index: int) -> int:
        """After the newline that ends the line of a character."""
        found = self._text.find("\n", index)
        return len(self._text) if found < 0 else found + 1

    def _end_of_block(self, node: yaml.Node) -> int:
        """After the last line of a node; blank lines and comments behind it are not its own."""
        end = node.end_mark.index
        if getattr(node, "flow_style", True) is True:
            return self._line_end(end)
        last = _last_scalar_end(node)
        # a block scalar ends at the start of the next line already
        return last if last and self._text[last - 1] == "\n" else self._line_end(last)


def _moved_left(line: str, columns: int) -> str:
    """A line without so many leading blanks; fewer where it has not as many."""
    blanks = len(line) - len(line.lstrip(" "))
    return line[min(columns, blanks) :]


def _last_scalar_end(node: yaml.Node) -> int:
    """Where the last thing written inside a node ends."""
    while True:
        if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
            node = node.value[-1][1]
        elif isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
            node = node.value[-1]
        else:
            return int(node.end_mark.index)
