"""What a step can insert by name: local templates and the steps of imported files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.workflow.fields import Fields
from orchestrator.workflow.model import Step, StepKind
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Scalar, is_null
from orchestrator.workflow.problems import Position, Problems
from orchestrator.workflow.reading import Place, StepReader
from orchestrator.workflow.step_kinds import KindFound
from orchestrator.workflow.suggest import nearest

_INSERTED_WITH = ("name", "description", "id")


@dataclass
class Library:
    """The names one file can use in its steps."""

    templates: dict[str, Node] = field(default_factory=dict)
    imported: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    """The steps of files imported under an alias."""
    sub_workflows: frozenset[str] = frozenset()
    _open: list[str] = field(default_factory=list)
    """Templates that are being inserted, to notice one that uses itself."""

    def insert(
        self, fields: Fields, found: KindFound, reader: StepReader, place: Place
    ) -> tuple[Step, ...]:
        """The steps a ``use``, ``template`` or ``workflow`` step stands for."""
        name = fields.string(found.key)
        given = fields.node("with")
        fields.ignore(*_INSERTED_WITH)
        for key in fields.names():
            if key not in (found.key, "with", *_INSERTED_WITH):
                fields.ignore(key)
                not_supported(
                    reader.problems, fields.key_position(key), f"'{key}' beside '{found.key}'"
                )
        if name is None:
            return ()
        here = fields.key_position(found.key)
        if found.kind is StepKind.TEMPLATE:
            if given is not None:
                not_supported(reader.problems, fields.key_position("with"), f"'with' of '{name}'")
            return self._template(name, here, reader, place)
        return self.from_import(name, here, reader.problems)

    def _template(
        self, name: str, here: Position, reader: StepReader, place: Place
    ) -> tuple[Step, ...]:
        problems = reader.problems
        node = self.templates.get(name)
        if node is None:
            problems.error(
                here,
                "unknown_template",
                f"there is no template '{name}'",
                nearest(name, self.templates),
            )
            return ()
        if name in self._open:
            chain = " → ".join((*self._open, name))
            problems.error(here, "cycle", f"the template contains itself: {chain}")
            return ()
        if isinstance(node, MapNode) and (node.has("commands") or node.has("steps")):
            body = Fields(node, problems, f"the template '{name}'")
            steps = body.node("commands", "steps")
            if "parameters" in body:
                not_supported(
                    problems, body.key_position("parameters"), f"'parameters' of '{name}'"
                )
            body.ignore("parameters", "name", "description")
            body.finish()
            node = steps if steps is not None else node
        self._open.append(name)
        try:
            return reader.steps(node, place)
        finally:
            self._open.pop()

    def from_import(self, name: str, here: Position, problems: Problems) -> tuple[Step, ...]:
        """The steps of ``ALIAS``, or the one step ``ALIAS.NAME`` by id or name."""
        alias, dot, wanted = name.partition(".")
        if alias in self.sub_workflows:
            not_supported(problems, here, f"the sub-workflow '{alias}'")
            return ()
        steps = self.imported.get(alias)
        if steps is None:
            problems.error(
                here,
                "unknown_workflow",
                f"nothing is imported as '{alias}'",
                nearest(alias, self.imported),
            )
            return ()
        if not dot:
            return steps
        chosen = tuple(step for step in steps if wanted in (step.id, step.name))
        if not chosen:
            known = [word for step in steps for word in (step.id, step.name) if word]
            problems.error(
                here,
                "unknown_workflow",
                f"'{alias}' has no step '{wanted}'",
                nearest(wanted, known),
            )
        return chosen

    def text_reference(self, text: str) -> str | None:
        """``ALIAS.NAME`` of a string step ``${ALIAS.NAME}``, if that alias is known."""
        if not (text.startswith("${") and text.endswith("}")):
            return None
        name = text[2:-1].strip()
        return name if name.partition(".")[0] in self.imported else None


def not_supported(problems: Problems, here: Position, what: str) -> None:
    problems.error(here, "not_supported", f"not supported yet: {what}")


def local_templates(node: Node | None, problems: Problems) -> dict[str, Node]:
    """The ``templates`` of a file, by name."""
    if node is None or is_null(node):
        return {}
    if not isinstance(node, MapNode):
        problems.error(node.position, "wrong_type", "'templates' expects a map of step lists")
        return {}
    return {pair.key.text: pair.value for pair in node.pairs if not is_null(pair.value)}


def sub_workflow_names(root: MapNode, problems: Problems) -> frozenset[str]:
    """The names under ``sub_workflows`` or ``workflows``, each reported as not supported."""
    names: set[str] = set()
    for key in ("sub_workflows", "workflows"):
        node = root.get(key)
        if node is None or is_null(node):
            continue
        pair = next(pair for pair in root.pairs if pair.key.text == key)
        not_supported(problems, pair.key.position, f"'{key}'")
        names.update(_names_in(node))
    return frozenset(names)


def _names_in(node: Node) -> Mapping[str, None]:
    if isinstance(node, MapNode):
        return dict.fromkeys(pair.key.text for pair in node.pairs)
    found: dict[str, None] = {}
    for item in node.items if isinstance(node, ListNode) else ():
        name = item.get("name") if isinstance(item, MapNode) else None
        if isinstance(name, Scalar):
            found[name.text] = None
    return found
