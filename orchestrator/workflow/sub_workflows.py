"""``sub_workflows``: workflows inside a workflow, each made once, where it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from orchestrator.workflow.fields import Fields
from orchestrator.workflow.model import Block, Step, StepKind, Workflow, WorkflowKind
from orchestrator.workflow.nodes import (
    ListNode,
    MapNode,
    Node,
    Pair,
    Scalar,
    is_null,
    plain_data,
)
from orchestrator.workflow.problems import Position, Problems
from orchestrator.workflow.template_arguments import checked_values

KEYS = ("sub_workflows", "workflows")
BODY = (
    "commands",
    "steps",
    "extends",
    "setup",
    "env",
    "env_files",
    "secrets",
    "profiles",
    "defaults",
    "retry_defaults",
    "max_parallel",
    "strict_variables",
)
"""What an entry without ``source`` may say of itself, as a file could."""

Compose = Callable[[str, Scalar | MapNode], Workflow | None]
"""Makes the workflow of an entry: of the file its source names, or of the entry's own body."""


@dataclass
class Entry:
    """One sub-workflow; ``placed`` when a step runs it, so that it does not run by itself."""

    name: str
    position: Position
    node: MapNode
    compose: Compose
    problems: Problems
    open: list[str]
    """The names being made at present, to notice one that needs itself."""
    placed: bool = False
    _made: bool = False
    _block: Block | None = None

    def block(self, here: Position) -> Block | None:
        """The sub-workflow, or None when something is wrong with it, which is reported once."""
        if self.name in self.open:
            chain = " → ".join((*self.open, self.name))
            self.problems.error(here, "cycle", f"the sub-workflow contains itself: {chain}")
            return None
        if not self._made:
            self._made = True
            self.open.append(self.name)
            try:
                self._block = self._read()
            finally:
                self.open.pop()
        return self._block

    def _read(self) -> Block | None:
        fields = Fields(self.node, self.problems, f"the sub-workflow '{self.name}'")
        fields.ignore("name", "description", *BODY)
        source = fields.node("source")
        given = fields.mapping("parameters")
        block = Block(
            name=self.name,
            position=self.position,
            steps=(),
            inputs=fields.text_map("inputs") or {},
            outputs=fields.strings("outputs") or (),
            parallel=fields.flag("parallel"),
            continue_on_error=fields.flag("continue_on_error"),
            timeout=fields.duration("timeout"),
            working_dir=fields.string("working_dir"),
        )
        fields.finish()
        workflow = self._composed(source)
        if workflow is None:
            return None
        values = plain_data(given) if given is not None else {}
        checked = checked_values(
            f"the sub-workflow '{self.name}'",
            self.position if given is None else given.position,
            values if isinstance(values, dict) else {},
            workflow.parameters,
            workflow.defaults,
            frozenset(block.inputs),
            self.problems,
        )
        settings = replace(workflow, steps=(), sources=(), merge=None)
        return replace(
            block,
            steps=workflow.steps,
            settings=settings,
            values=checked,
            timeout=block.timeout or workflow.timeout,
        )

    def _composed(self, source: Node | None) -> Workflow | None:
        own = [name for name in ("commands", "steps", "extends") if self.node.has(name)]
        if source is not None and own:
            self.problems.error(
                source.position, "same_twice", f"'source' and '{own[0]}' exclude each other"
            )
            return None
        if source is None and not own:
            self.problems.error(
                self.position,
                "missing_key",
                f"the sub-workflow '{self.name}' needs 'source' or 'commands'",
            )
            return None
        own_keys = tuple(pair for pair in self.node.pairs if pair.key.text in BODY)
        body: Node = MapNode(self.node.position, own_keys) if source is None else source
        if isinstance(body, ListNode):
            self.problems.error(body.position, "wrong_type", "'source' expects a path")
            return None
        workflow = self.compose(self.name, body)
        if workflow is None:
            return None
        if workflow.kind is WorkflowKind.MAPREDUCE:
            self.problems.error(
                self.position, "wrong_kind", f"'{self.name}' is a MapReduce file; it has no steps"
            )
            return None
        if not workflow.steps and not self.problems.has_errors:
            self.problems.error(
                self.position, "no_steps", f"the sub-workflow '{self.name}' has no steps"
            )
        return workflow


@dataclass
class SubWorkflows:
    """The sub-workflows one file knows: its own and those of imported files."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def names(self) -> tuple[str, ...]:
        return tuple(self.entries)

    def adopt(self, others: SubWorkflows, names: frozenset[str] | None) -> None:
        """Take over those of an imported file, before the own ones, which win."""
        taken = {
            name: entry for name, entry in others.entries.items() if names is None or name in names
        }
        self.entries = {**taken, **self.entries}

    def block(self, name: str, here: Position) -> Block | None:
        """The sub-workflow of that name, for a step that places it."""
        entry = self.entries.get(name)
        if entry is None:
            return None
        entry.placed = True
        return entry.block(here)

    def unplaced(self, *, only_main: bool) -> tuple[Step, ...]:
        """Steps for what no step places: in order, neighbours that are parallel together.

        Args:
            only_main: the file has no steps of its own, so ``main`` alone is what it runs.
        """
        entries = [entry for entry in self.entries.values() if not entry.placed]
        if only_main and "main" in self.entries:
            entries = [entry for entry in entries if entry.name == "main"]
        blocks = [entry.block(entry.position) for entry in entries]
        # making one may have placed another
        free = [block for block in blocks if block and not self.entries[block.name].placed]
        return tuple(_step_of(group) for group in _grouped(free))


def _grouped(blocks: list[Block]) -> Iterator[list[Block]]:
    group: list[Block] = []
    for block in blocks:
        if group and not (block.parallel and group[-1].parallel):
            yield group
            group = []
        group.append(block)
    if group:
        yield group


def _step_of(blocks: list[Block]) -> Step:
    return Step(
        StepKind.WORKFLOW,
        blocks[0].position,
        ", ".join(block.name for block in blocks),
        blocks=tuple(blocks),
    )


def read_sub_workflows(
    root: MapNode, compose: Compose, problems: Problems, being_made: list[str]
) -> SubWorkflows:
    """The entries under ``sub_workflows`` or ``workflows``: a map, or a list with names."""
    found = SubWorkflows()
    for key in KEYS:
        node = root.get(key)
        if node is None or is_null(node):
            continue
        for name, position, value in _named(key, node, problems):
            if name in found:
                problems.error(position, "same_twice", f"two sub-workflows are named '{name}'")
                continue
            if isinstance(value, ListNode):
                value = MapNode(value.position, _as_commands(value))
            elif isinstance(value, Scalar):
                what = f"'{name}' expects a map with 'source' or 'commands'"
                problems.error(value.position, "wrong_type", what)
                continue
            found.entries[name] = Entry(name, position, value, compose, problems, being_made)
    return found


def _as_commands(node: ListNode) -> tuple[Pair, ...]:
    return (Pair(Scalar(node.position, "commands"), node),)


def _named(key: str, node: Node, problems: Problems) -> Iterator[tuple[str, Position, Node]]:
    if isinstance(node, MapNode):
        for pair in node.pairs:
            yield pair.key.text, pair.key.position, pair.value
        return
    if isinstance(node, Scalar):
        problems.error(node.position, "wrong_type", f"'{key}' expects a map of sub-workflows")
        return
    for item in node.items:
        name = item.get("name") if isinstance(item, MapNode) else None
        if isinstance(name, Scalar) and not name.is_null:
            yield name.text, item.position, item
        else:
            problems.error(item.position, "missing_key", "a sub-workflow in a list needs 'name'")
