"""A loaded workflow back to a plain document that says the same: one spelling for everything.

What comes from other files is written as if it stood in this one. A MapReduce file and a
sub-workflow with parameters of its own, which only a file can have, are not written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import yaml

from orchestrator.workflow.model import (
    Block,
    Foreach,
    OnFailure,
    OnIncomplete,
    Step,
    StepKind,
    Validate,
    Workflow,
    WorkflowKind,
)
from tests.orchestrator.workflow.writing_fields import (
    Document,
    capture_fields,
    check_map,
    commit_map,
    duration_text,
    env_map,
    parameter_map,
    retry_map,
    said,
    surroundings,
)


def written(workflow: Workflow) -> Document:
    """The document of a workflow, as dicts, lists and scalars."""
    assert workflow.kind is WorkflowKind.STANDARD
    writer = _Writer()
    setup, unplaced, commands = _parted(workflow.steps)
    document = {
        "name": workflow.name,
        "setup": writer.steps(setup),
        "commands": writer.steps(commands),
        **surroundings(workflow),
        "active_profile": workflow.active_profile,
        "inherit": workflow.inherit,
        "max_iterations": workflow.max_iterations,
        "parameters": {"definitions": {p.name: parameter_map(p) for p in workflow.parameters}},
        "timeout": duration_text(workflow.timeout),
    }
    if workflow.merge is not None:
        document["merge"] = {
            "commands": writer.steps(workflow.merge.steps),
            "timeout": duration_text(workflow.merge.timeout),
        }
    for step in unplaced:
        for block in step.blocks:
            writer.sub_workflow(block)
    document["templates"] = writer.templates
    document["sub_workflows"] = writer.sub_workflows
    return said(document)


def as_json(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def as_yaml(document: Document, style: str) -> bytes:
    """The document in YAML, its texts in one of the styles ``'``, ``"``, ``|`` and ``>``."""

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    def text(dumper: Dumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    def number(dumper: Dumper, value: float) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:float", repr(value))

    every_number = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$")  # of YAML 1.2
    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", every_number, list("-0123456789"))
    Dumper.add_representer(str, text)
    Dumper.add_representer(float, number)
    dumped = yaml.dump(
        document, Dumper=Dumper, allow_unicode=True, sort_keys=False, encoding="utf-8"
    )
    assert isinstance(dumped, bytes)
    return dumped


def _parted(steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], ...]:
    """``setup``, the sub-workflows nobody placed, ``commands``.

    Several in one step are only ever made of unplaced ones, which stand between the two.
    """
    several = [index for index, step in enumerate(steps) if len(step.blocks) > 1]
    if not several:
        return (), (), steps
    first, last = several[0], several[-1] + 1
    return steps[:first], steps[first:last], steps[last:]


@dataclass
class _Writer:
    """Writes steps, and collects the templates and sub-workflows they name."""

    templates: Document = field(default_factory=dict)
    sub_workflows: Document = field(default_factory=dict)
    _blocks: dict[str, Block] = field(default_factory=dict)

    # -- steps ------------------------------------------------------------------------------------

    def steps(self, steps: Iterable[Step]) -> list[Document]:
        return [self.step(step) for step in steps]

    def step(self, step: Step) -> Document:
        if step.arguments:
            given, *others = step.arguments
            return {"use": self._template([_with(step, others)]), "with": dict(given)}
        return said(self._kind(step) | self._fields(step))

    def _kind(self, step: Step) -> Document:
        if step.kind in (StepKind.SHELL, StepKind.CLAUDE):
            return {"test" if step.is_test else str(step.kind): step.text}
        if step.kind is StepKind.FOREACH:
            assert step.foreach is not None
            return {"foreach": self._foreach(step.foreach)}
        if step.kind is StepKind.WRITE_FILE:
            assert step.write_file is not None
            file = step.write_file
            return {
                "write_file": {
                    "path": file.path,
                    "content": file.content,
                    "format": file.format,
                    "mode": f"{file.mode:04o}",
                    "create_dirs": file.create_dirs,
                }
            }
        if step.kind is StepKind.ANALYZE:
            return {"analyze": {}}
        if step.kind is StepKind.VALIDATE:
            return {}
        (block,) = step.blocks
        if block.settings is not None:
            self.sub_workflow(block)
            return {"workflow": block.name}
        self.templates[block.name] = {"commands": self.steps(block.steps)}
        return {"use": block.name}

    def _fields(self, step: Step) -> Document:
        validate, check = step.validate, step.step_check
        document: Document = {
            "id": step.id,
            "name": step.name,
            "description": step.description,
            "when": step.when.text if step.when is not None else None,
            "timeout": duration_text(step.timeout),
            "env": env_map(step.env),
            "clear_env": step.clear_env,
            "working_dir": step.working_dir,
            **capture_fields(step.capture),
            "output_file": step.output_file,
            "outputs": {name: {"file_pattern": glob} for name, glob in step.outputs.items()},
            "commit_required": step.commit_required,
            "auto_commit": step.auto_commit,
            "commit_config": commit_map(step.commit_config),
            "retry": None if step.retry is None else retry_map(step.retry),
            "on_failure": None if step.on_failure is None else self._on_failure(step.on_failure),
            "on_success": self.steps(step.on_success),
            "on_exit_code": {
                str(code): self.steps(steps) for code, steps in step.on_exit_code.items()
            },
            "validate": None if validate is None else self._validate(validate),
            "step_validate": None if check is None else check_map(check),
        }
        if check is not None:
            document["validation_timeout"] = duration_text(check.timeout)
            document["ignore_validation_failure"] = check.ignore_failure
        if step.continue_on_error:
            document["continue_on_error"] = True
        return document

    def _foreach(self, loop: Foreach) -> Document:
        source = {"command": loop.command} if loop.items is None else {"list": list(loop.items)}
        return said(
            {
                "items": source,
                "do": self.steps(loop.steps),
                "parallel": loop.parallel,
                "max_items": loop.max_items,
                "continue_on_error": loop.continue_on_error,
            }
        )

    def _on_failure(self, handling: OnFailure) -> object:
        if handling.forgive:
            return True
        return said(
            {
                "commands": self.steps(handling.steps),
                "max_attempts": handling.max_attempts,
                "fail_workflow": handling.fail_workflow,
                "commit_required": handling.commit_required,
                "strategy": str(handling.strategy),
                "timeout": duration_text(handling.timeout),
                "handler_failure_fatal": handling.handler_failure_fatal,
                "capture": dict(handling.capture),
            }
        )

    def _validate(self, validate: Validate) -> Document:
        gaps = validate.on_incomplete
        document = {
            "result_file": validate.result_file,
            "threshold": validate.threshold,
            "timeout": duration_text(validate.timeout),
            "expected_schema": validate.expected_schema,
            "on_incomplete": None if gaps is None else self._on_incomplete(gaps),
        }
        if validate.as_commands:
            document["commands"] = self.steps(validate.steps)
        else:
            document |= {str(step.kind): step.text for step in validate.steps}
        return said(document)

    def _on_incomplete(self, gaps: OnIncomplete) -> Document:
        return said(
            {
                "commands": self.steps(gaps.steps),
                "max_attempts": gaps.max_attempts,
                "fail_workflow": gaps.fail_workflow,
                "commit_required": gaps.commit_required,
                "prompt": gaps.prompt,
            }
        )

    # -- what steps name --------------------------------------------------------------------------

    def _template(self, steps: list[Step]) -> str:
        name = f"written {len(self.templates)}"
        self.templates[name] = None  # taken, while the steps inside may need names of their own
        self.templates[name] = {"commands": self.steps(steps)}
        return name

    def sub_workflow(self, block: Block) -> None:
        """The entry of a sub-workflow; the same one may be placed more than once."""
        if block.name in self._blocks:
            assert self._blocks[block.name] == block
            return
        self._blocks[block.name] = block
        settings = block.settings
        assert settings is not None and not settings.parameters
        self.sub_workflows[block.name] = said(
            {
                "commands": self.steps(block.steps),
                **surroundings(settings),
                # the values hold the defaults already, in their order
                "parameters": dict(block.values),
                "inputs": dict(block.inputs),
                "outputs": list(block.outputs),
                "parallel": block.parallel,
                "continue_on_error": block.continue_on_error,
                "timeout": duration_text(block.timeout),
                "working_dir": block.working_dir,
            }
        )


def _with(step: Step, arguments: list[Mapping[str, object]]) -> Step:
    return replace(step, arguments=tuple(arguments))
