"""Composition: ``extends``, ``imports`` and ``template`` make one workflow of several files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from orchestrator.workflow.composed_files import ComposedFiles, FoundFile, merged, undotted
from orchestrator.workflow.documents import parse_document
from orchestrator.workflow.fields import Fields, wrong_type
from orchestrator.workflow.library import Imported, Library, local_templates
from orchestrator.workflow.model import (
    EnvEntry,
    Parameter,
    SecretEntry,
    SourceFile,
    Step,
    Workflow,
    WorkflowKind,
)
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Scalar, is_null, plain_data
from orchestrator.workflow.problems import Position, Problems
from orchestrator.workflow.steps import StepBuilder
from orchestrator.workflow.sub_workflows import read_sub_workflows
from orchestrator.workflow.top_level import STEP_LISTS, as_mapping, build_workflow, workflow_kind

Named = TypeVar("Named", EnvEntry, SecretEntry, Parameter)


@dataclass
class _File:
    """One file on its way: where it is, how it is called, and which files led to it."""

    path: Path
    shown: str
    chain: tuple[Path, ...]


@dataclass
class Composer:
    """Composes a workflow and keeps note of every file it read."""

    problems: Problems
    files: ComposedFiles
    sources: list[SourceFile] = field(default_factory=list)
    _places: dict[str, Path] = field(default_factory=dict)
    """Where each file is, by its name in problems."""
    _being_made: list[str] = field(default_factory=list)
    """The sub-workflows that are being made, from the outermost."""

    def workflow(self, path: Path, shown: str, content: bytes) -> Workflow | None:
        """The whole workflow of a file, or None when it cannot even be parsed."""
        found = FoundFile(path, shown, content)
        composed = self._file(found, "main", ())
        return None if composed is None else composed[0]

    def _file(
        self, found: FoundFile, role: str, chain: tuple[Path, ...], *, whole: bool = True
    ) -> tuple[Workflow, Library] | None:
        root = self._parsed(found, role)
        if root is None:
            return None
        file = _File(found.path, found.shown, (*chain, _real(found.path)))
        return self._composed(as_mapping(root), file, whole=whole)

    def _composed(
        self, root: MapNode, file: _File, *, whole: bool = True
    ) -> tuple[Workflow, Library]:
        """A file as a workflow; one that is not ``whole`` leaves its sub-workflows to others."""
        library = Library(self.problems)
        builder = StepBuilder(self.problems, library, places_sub_workflows=whole)
        stem = file.path.stem
        if workflow_kind(root) is WorkflowKind.MAPREDUCE:
            return build_workflow(root, stem, self.problems, builder), library
        root = self._extended(root, file)
        library.templates.update(local_templates(root.get("templates"), self.problems))
        inner: list[Workflow] = []

        def compose(name: str, body: Scalar | MapNode) -> Workflow | None:
            made = self._sub_workflow(name, body, file, library)
            if made is not None:
                inner.append(made)
            return made

        library.sub_workflows = read_sub_workflows(root, compose, self.problems, self._being_made)
        added = self._imports(root, file, library)
        workflow = build_workflow(root, stem, self.problems, builder)
        for imported in added:
            workflow = _filled(workflow, imported, steps_first=True)
        template = self._template(root, file)
        if template is not None:
            workflow = _filled(workflow, template, steps_first=False)
        for made in inner:
            secrets = _union(made.secrets, workflow.secrets)
            env_files = tuple(dict.fromkeys((*made.env_files, *workflow.env_files)))
            workflow = replace(workflow, secrets=secrets, env_files=env_files)
        return workflow, library

    def _sub_workflow(
        self, name: str, body: Scalar | MapNode, file: _File, library: Library
    ) -> Workflow | None:
        """The workflow of one entry: the file that ``body`` names, or ``body`` itself."""
        if isinstance(body, MapNode):
            own = replace(library, retry_defaults=library.retry_defaults)
            root = self._extended(body, file)
            return build_workflow(root, name, self.problems, StepBuilder(self.problems, own))
        found = self._usable(
            self.files.named(body.text, *self._named_by(body, file)),
            body.position,
            f"the sub-workflow '{name}'",
            file.chain,
        )
        composed = None if found is None else self._file(found, "sub_workflow", file.chain)
        return None if composed is None else composed[0]

    def _parsed(self, found: FoundFile, role: str) -> Node | None:
        self.sources.append(SourceFile(str(found.path), role, found.content))
        self._places[found.shown] = found.path
        return parse_document(found.content, found.shown, self.problems)

    def _named_by(self, node: Node, file: _File) -> tuple[Path, str]:
        """The file a node is written in, which after ``extends`` may be a base."""
        shown = node.position.file
        return self._places.get(shown, file.path), shown

    # -- extends ----------------------------------------------------------------------------------

    def _extended(self, root: MapNode, file: _File) -> MapNode:
        node = root.get("extends")
        if node is None or is_null(node):
            return root
        if not isinstance(node, Scalar):
            wrong_type(node, "extends", "a path or a name", self.problems)
            return root
        found = self._usable(
            self.files.base(node.text, *self._named_by(node, file)),
            node.position,
            f"the base '{node.text}'",
            file.chain,
        )
        if found is None:
            return root
        parsed = self._parsed(found, "base")
        if parsed is None:
            return root
        chain = (*file.chain, _real(found.path))
        base = self._extended(as_mapping(parsed), _File(found.path, found.shown, chain))
        own = frozenset(name for name in STEP_LISTS if _has_steps(root.get(name)))
        if own:
            base = base.without(frozenset(STEP_LISTS))
        kept = root.without(frozenset({"extends"}) | (frozenset(STEP_LISTS) - own))
        return merged(base.without(frozenset({"extends"})), kept)

    def _usable(
        self, found: FoundFile | None, here: Position, what: str, chain: tuple[Path, ...]
    ) -> FoundFile | None:
        """The file, unless it is missing or leads back to itself."""
        if found is None:
            self.problems.error(here, "missing_file", f"there is no file for {what}")
        elif _real(found.path) in chain:
            names = " → ".join(path.name for path in (*chain, _real(found.path)))
            self.problems.error(here, "cycle", f"files that need each other: {names}")
            return None
        return found

    # -- imports ----------------------------------------------------------------------------------

    def _imports(self, root: MapNode, file: _File, library: Library) -> list[Workflow]:
        """The imported workflows to add, in order; those with an alias go to the library."""
        node = root.get("imports")
        if node is None or is_null(node):
            return []
        added: list[Workflow] = []
        for item in node.items if isinstance(node, ListNode) else (node,):
            imported = self._import(item, file, library)
            if imported is not None:
                added.insert(0, imported)
        return added

    def _import(self, item: Node, file: _File, library: Library) -> Workflow | None:
        alias: str | None = None
        selective: tuple[str, ...] | None = None
        reference: str | None = None
        if isinstance(item, Scalar) and not item.is_null:
            reference = item.text
        elif isinstance(item, MapNode):
            fields = Fields(item, self.problems, "an import")
            reference = fields.string("path")
            alias = fields.string("alias", "as")
            selective = fields.strings("selective")
            if "path" not in fields:
                self.problems.error(item.position, "missing_key", "an import needs 'path'")
            fields.finish()
        else:
            wrong_type(item, "imports", "a path or {path, alias?, selective?}", self.problems)
        if reference is None:
            return None
        found = self._usable(
            self.files.named(reference, *self._named_by(item, file)),
            item.position,
            f"the import '{reference}'",
            file.chain,
        )
        if found is None:
            return None
        composed = self._file(found, "import", file.chain, whole=alias is not None)
        if composed is None:
            return None
        workflow, inner = composed
        if workflow.kind is WorkflowKind.MAPREDUCE:
            self.problems.error(
                item.position, "wrong_kind", f"'{reference}' is a MapReduce file; it has no steps"
            )
            return None
        if alias is not None:
            library.imported[alias] = Imported(workflow.steps, inner.sub_workflows)
            return None
        names = None if selective is None else frozenset(selective)
        library.sub_workflows.adopt(inner.sub_workflows, names)
        for name, template in inner.templates.items():
            if names is None or name in names:
                library.templates.setdefault(name, template)
        return workflow if names is None else self._selected(workflow, inner, names, item.position)

    def _selected(
        self, workflow: Workflow, inner: Library, names: frozenset[str], here: Position
    ) -> Workflow:
        steps = tuple(step for step in workflow.steps if {step.id, step.name} & names)
        parameters = tuple(p for p in workflow.parameters if p.name in names)
        known = {name for step in steps for name in (step.id, step.name)}
        known |= {parameter.name for parameter in parameters} | set(inner.templates)
        known |= set(inner.sub_workflows.names())
        for name in sorted(names - known):
            self.problems.error(here, "unknown_name", f"the import has nothing named '{name}'")
        return Workflow(workflow.name, workflow.position, steps=steps, parameters=parameters)

    # -- template ---------------------------------------------------------------------------------

    def _template(self, root: MapNode, file: _File) -> Workflow | None:
        node = root.get("template")
        if node is None or is_null(node):
            return None
        found, given, override = self._template_file(node, file)
        if found is None:
            return None
        parsed = self._parsed(found, "template")
        if parsed is None:
            return None
        body = as_mapping(parsed)
        if override is not None:
            body = merged(body, undotted(override))
        chain = (*file.chain, _real(found.path))
        workflow, _ = self._composed(body, _File(found.path, found.shown, chain))
        values = {} if given is None else plain_data(given)
        defaults = {**workflow.defaults, **(values if isinstance(values, dict) else {})}
        return replace(workflow, defaults=defaults)

    def _template_file(
        self, node: Node, file: _File
    ) -> tuple[FoundFile | None, MapNode | None, MapNode | None]:
        given = override = None
        source: Node | None = node
        if isinstance(node, MapNode):
            fields = Fields(node, self.problems, "'template'")
            label = fields.node("name")
            source = fields.node("source") or label
            given = fields.mapping("with")
            override = fields.mapping("override")
            fields.finish()
        registry_only = False
        if isinstance(source, MapNode):
            inner = Fields(source, self.problems, "'source'")
            by_file, by_name = inner.node("file"), inner.node("registry")
            inner.finish()
            registry_only = by_file is None
            source = by_file or by_name
        if not isinstance(source, Scalar) or source.is_null:
            self.problems.error(node.position, "missing_key", "'template' needs 'source'")
            return None, None, None
        if "://" in source.text:
            self.problems.error(source.position, "bad_source", "a template cannot be a URL")
            return None, None, None
        found = None
        if not registry_only:
            found = self.files.named(source.text, *self._named_by(source, file))
        found = found or self.files.registered(source.text, file.path, file.shown)
        what = f"the template '{source.text}'"
        return self._usable(found, source.position, what, file.chain), given, override


def _real(path: Path) -> Path:
    return path.resolve()


def _has_steps(node: Node | None) -> bool:
    return (
        node is not None
        and not is_null(node)
        and not (isinstance(node, ListNode) and not node.items)
    )


def _filled(workflow: Workflow, other: Workflow, *, steps_first: bool) -> Workflow:
    """The workflow with the steps of another and whatever it lacks itself."""
    steps: tuple[Step, ...] = (
        (*other.steps, *workflow.steps) if steps_first else (*workflow.steps, *other.steps)
    )
    return replace(
        workflow,
        steps=steps,
        env=_union(other.env, workflow.env),
        secrets=_union(other.secrets, workflow.secrets),
        parameters=_union(other.parameters, workflow.parameters),
        defaults={**other.defaults, **workflow.defaults},
        env_files=(*other.env_files, *workflow.env_files),
        profiles={**other.profiles, **workflow.profiles},
        merge=workflow.merge or other.merge,
    )


def _union(first: Iterable[Named], second: Iterable[Named]) -> tuple[Named, ...]:
    """Both, in order; of two with one name the second one, at the place of the first."""
    by_name: dict[str, Named] = {}
    for items in (first, second):
        for item in items:
            by_name[item.name] = item
    return tuple(by_name.values())
