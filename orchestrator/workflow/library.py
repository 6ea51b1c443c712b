"""What a step can insert by name: local templates, imported steps and sub-workflows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.workflow.fields import Fields
from orchestrator.workflow.model import Block, Step, StepKind
from orchestrator.workflow.nodes import MapNode, Node, is_null
from orchestrator.workflow.problems import Position, Problems
from orchestrator.workflow.reading import Place, StepReader
from orchestrator.workflow.retry_fields import GivenRetry
from orchestrator.workflow.step_kinds import KindFound
from orchestrator.workflow.sub_workflows import SubWorkflows
from orchestrator.workflow.suggest import nearest
from orchestrator.workflow.template_arguments import (
    body_of,
    given_values,
    read_arguments,
    with_inputs,
)


@dataclass(frozen=True, slots=True)
class Insertion:
    """What a name stands for: steps of the file itself, or a sub-workflow, which runs apart."""

    name: str
    steps: tuple[Step, ...] = ()
    sub_workflow: Block | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """A file imported under an alias."""

    steps: tuple[Step, ...]
    sub_workflows: SubWorkflows


@dataclass
class Library:
    """The names one file can use in its steps."""

    problems: Problems
    templates: dict[str, Node] = field(default_factory=dict)
    imported: dict[str, Imported] = field(default_factory=dict)
    sub_workflows: SubWorkflows = field(default_factory=SubWorkflows)
    retry_defaults: GivenRetry | None = None
    """Of the file; sub-workflows written in it have them too."""
    _open: list[str] = field(default_factory=list)
    """Templates that are being inserted, to notice one that uses itself."""

    def find(
        self, fields: Fields, found: KindFound, reader: StepReader, place: Place
    ) -> Insertion | None:
        """What a ``use``, ``template`` or ``workflow`` step stands for, with its ``with``."""
        name = fields.string(found.key)
        given = fields.mapping("with")
        if name is None:
            return None
        here = fields.key_position(found.key)
        if found.kind is StepKind.TEMPLATE:
            return self._template(name, here, given, reader, place)
        insertion = self.from_import(name, here)
        if insertion is None or given is None:
            return insertion
        if insertion.sub_workflow is not None:
            block = with_inputs(insertion.sub_workflow, given)
            return replace(insertion, sub_workflow=block)
        return Insertion(name, _with_arguments(insertion.steps, given_values(given)))

    def _template(
        self,
        name: str,
        here: Position,
        given: MapNode | None,
        reader: StepReader,
        place: Place,
    ) -> Insertion | None:
        node = self.templates.get(name)
        if node is None:
            self._unknown(here, "unknown_template", f"there is no template '{name}'", name,
                          self.templates)  # fmt: skip
            return None
        if name in self._open:
            chain = " → ".join((*self._open, name))
            self.problems.error(here, "cycle", f"the template contains itself: {chain}")
            return None
        steps_node, parameters, defaults = body_of(name, node, self.problems)
        values = read_arguments(name, here, given, parameters, defaults, self.problems)
        self._open.append(name)
        try:
            steps = reader.steps(steps_node, place)
        finally:
            self._open.pop()
        return Insertion(name, _with_arguments(steps, values))

    def from_import(self, name: str, here: Position) -> Insertion | None:
        """A sub-workflow, the steps of ``ALIAS``, or ``ALIAS.NAME``: one step or sub-workflow."""
        block = self.sub_workflows.block(name, here)
        if block is not None or name in self.sub_workflows:
            return None if block is None else Insertion(name, sub_workflow=block)
        alias, dot, wanted = name.partition(".")
        imported = self.imported.get(alias)
        if imported is None:
            known = [*self.sub_workflows.names(), *self.imported]
            said = f"there is no sub-workflow '{alias}', and nothing is imported as that"
            self._unknown(here, "unknown_workflow", said, alias, known)
            return None
        if not dot:
            return Insertion(name, imported.steps)
        chosen = tuple(step for step in imported.steps if wanted in (step.id, step.name))
        if chosen:
            return Insertion(name, chosen)
        if wanted in imported.sub_workflows:
            block = imported.sub_workflows.block(wanted, here)
            return None if block is None else Insertion(name, sub_workflow=block)
        names = [word for step in imported.steps for word in (step.id, step.name) if word]
        names += imported.sub_workflows.names()
        self._unknown(here, "unknown_workflow", f"'{alias}' has no step '{wanted}'", wanted, names)
        return None

    def text_reference(self, text: str) -> str | None:
        """``ALIAS.NAME`` of a string step ``${ALIAS.NAME}``, if that alias is known."""
        if not (text.startswith("${") and text.endswith("}")):
            return None
        name = text[2:-1].strip()
        return name if name.partition(".")[0] in self.imported else None

    def _unknown(
        self, here: Position, code: str, message: str, word: str, valid: Iterable[str]
    ) -> None:
        self.problems.error(here, code, message, nearest(word, valid))


def _with_arguments(steps: tuple[Step, ...], values: Mapping[str, object]) -> tuple[Step, ...]:
    if not values:
        return steps
    return tuple(replace(step, arguments=(values, *step.arguments)) for step in steps)


def local_templates(node: Node | None, problems: Problems) -> dict[str, Node]:
    """The ``templates`` of a file, by name."""
    if node is None or is_null(node):
        return {}
    if not isinstance(node, MapNode):
        problems.error(node.position, "wrong_type", "'templates' expects a map of step lists")
        return {}
    return {pair.key.text: pair.value for pair in node.pairs if not is_null(pair.value)}
