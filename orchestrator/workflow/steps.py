"""The one reader of steps: every kind, every field, in every context."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.workflow.bodies import read_foreach, read_write_file
from orchestrator.workflow.checks import read_step_check, read_validate
from orchestrator.workflow.declarations import read_env
from orchestrator.workflow.failure import read_on_failure
from orchestrator.workflow.fields import Fields, as_integer, wrong_type
from orchestrator.workflow.library import Insertion, Library
from orchestrator.workflow.model import Block, OnFailure, Retry, Step, StepKind
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Scalar, is_null
from orchestrator.workflow.problems import Position, Problems
from orchestrator.workflow.reading import Place
from orchestrator.workflow.retry_fields import (
    GivenRetry,
    attempts_for_retries,
    complete_retry,
    read_retry,
)
from orchestrator.workflow.step_kinds import (
    BELONGS_ELSEWHERE,
    KINDS,
    KindFound,
    command_text,
    commits_by_default,
    find_kind,
    flat_test,
    prompt_of,
    split_text,
)
from orchestrator.workflow.step_results import read_capture, read_commit_config, read_outputs

_ONLY_LAST = frozenset({"id", "on_success", "on_exit_code", "validate", "outputs", "capture"})
"""Fields that go with the second step when a map holds both shell and claude."""


@dataclass
class StepBuilder:
    """Reads the steps of one file; see ``StepReader``."""

    problems: Problems
    library: Library
    retry_defaults: GivenRetry | None = None
    places_sub_workflows: bool = False
    """Whether the sub-workflows that no step places run before the steps of this file."""
    _ids: dict[str, Position] = field(default_factory=dict)

    # -- lists ------------------------------------------------------------------------------------

    def steps(self, node: Node, place: Place) -> tuple[Step, ...]:
        """The steps of a step list; nested lists are flattened, one step is a list of one."""
        if isinstance(node, ListNode):
            return tuple(step for item in node.items for step in self.steps(item, place))
        if isinstance(node, Scalar):
            return self._text_step(node, place)
        return self._map_step(node, place)

    def shell_and_claude(self, node: Node, place: Place) -> tuple[Step, ...]:
        """The steps of a map that may hold both ``shell`` and ``claude``: shell, then claude."""
        if not (isinstance(node, MapNode) and node.has("shell") and node.has("claude")):
            return self.steps(node, place)
        first = node.without(_ONLY_LAST | {"claude"})
        return (
            *self.steps(first, place),
            *self.steps(node.without(frozenset({"shell"})), place),
        )

    def command(self, node: Node) -> tuple[Step, ...]:
        """A short form: a text with a leading ``/`` is a prompt, any other is shell text."""
        if not isinstance(node, Scalar):
            return self.steps(node, Place.HANDLER)
        kind, text = split_text(node.text)
        if not text:
            self.problems.error(node.position, "empty_step", "a command is empty")
            return ()
        if kind is None:
            kind = StepKind.CLAUDE if text.startswith("/") else StepKind.SHELL
        return (Step(kind, node.position, text),)

    # -- one step ---------------------------------------------------------------------------------

    def _text_step(self, node: Scalar, place: Place) -> tuple[Step, ...]:
        kind, text = split_text(node.text)
        if node.is_null or not text:
            self.problems.error(node.position, "empty_step", "a step is empty")
            return ()
        if kind is not None:
            return (Step(kind, node.position, text, retry=self._default_retry(kind, place)),)
        reference = self.library.text_reference(text)
        if reference is not None:
            inserted = self.library.from_import(reference, node.position)
            step = Step(StepKind.WORKFLOW, node.position, reference)
            return _inserted(inserted, step, is_plain=True)
        prompt = prompt_of(text)
        required = commits_by_default(prompt)
        retry = self._default_retry(StepKind.CLAUDE, place)
        return (
            Step(StepKind.CLAUDE, node.position, prompt, commit_required=required, retry=retry),
        )

    def _map_step(self, node: MapNode, place: Place) -> tuple[Step, ...]:
        fields = Fields(flat_test(node, self.problems), self.problems, "a step")
        found = find_kind(fields)
        if found is None:
            # the other keys are looked at all the same, so that every problem is told at once
            self._fields_of(fields, KindFound(StepKind.SHELL), place)
            fields.finish(BELONGS_ELSEWHERE)
            return ()
        is_plain = set(fields.names()) <= {found.key, "with"}
        step = self._fields_of(fields, found, place)
        if found.kind in (StepKind.TEMPLATE, StepKind.WORKFLOW):
            inserted = self.library.find(fields, found, self, place)
            fields.finish(BELONGS_ELSEWHERE)
            return _inserted(inserted, step, is_plain=is_plain)
        fields.finish(BELONGS_ELSEWHERE)
        return (step,)

    def _fields_of(self, fields: Fields, found: KindFound, place: Place) -> Step:
        """Every field of section "Fields of a step", whatever the kind."""
        text, commit_default = self._text(fields, found)
        foreach = read_foreach(fields, self) if found.kind is StepKind.FOREACH else None
        write_file = read_write_file(fields) if found.kind is StepKind.WRITE_FILE else None
        if foreach is not None:
            text = foreach.command or f"{len(foreach.items or ())} items"
        if write_file is not None:
            text = write_file.path
        extra = self._metadata(fields, found)
        on_failure, go_on = self._on_failure(fields, found, place, extra)
        validate = fields.node("validate")
        commit_required = fields.boolean("commit_required")
        if commit_required is None:
            commit_required = extra.get("commit_required", commit_default)
        env = fields.node("env")
        step = Step(
            kind=found.kind,
            position=fields.position,
            text=text,
            is_test=found.key == "test",
            id=self._id(fields),
            name=None if found.named else fields.string("name"),
            description=fields.string("description"),
            when=fields.expression("when", "condition"),
            timeout=fields.duration("timeout", "timeout_secs", "timeout_seconds")
            or extra.get("timeout"),
            env=read_env(env, self.problems) if env is not None else extra.get("env", ()),
            clear_env=fields.flag("clear_env"),
            working_dir=fields.string("working_dir", "cwd"),
            capture=read_capture(fields),
            output_file=fields.string("output_file"),
            outputs=read_outputs(fields),
            commit_required=commit_required,
            auto_commit=fields.flag("auto_commit"),
            commit_config=read_commit_config(fields),
            retry=self._retry(fields, found, place, extra),
            on_failure=on_failure,
            on_success=self._follow_up(fields.node("on_success")),
            on_exit_code=self._on_exit_code(fields),
            validate=None if validate is None else read_validate(validate, self),
            step_check=read_step_check(fields),
            continue_on_error=go_on,
            foreach=foreach,
            write_file=write_file,
        )
        fields.boolean("temporary")
        fields.without_effect("analysis", why="the feature no longer exists")
        if not found.named:
            fields.without_effect("args", "options", why="they belong to a step with 'name' only")
        if found.kind not in (StepKind.TEMPLATE, StepKind.WORKFLOW):
            fields.without_effect("with", why="it belongs to 'use', 'template' and 'workflow'")
        return step

    def _text(self, fields: Fields, found: KindFound) -> tuple[str, bool]:
        """The text of a step and whether it must commit unless it says otherwise."""
        if found.named:
            text = command_text(fields, found)
            return text, commits_by_default(text)
        if found.key in ("", "foreach", "write_file", "validate", "analyze"):
            if found.key:
                fields.node(found.key)
            return "", False
        return fields.string(found.key) or "", False

    def _id(self, fields: Fields) -> str | None:
        step_id = fields.string("id")
        if step_id is None:
            return None
        here = fields.key_position("id")
        first = self._ids.setdefault(step_id, here)
        if first != here:
            self.problems.warning(
                here,
                "duplicate_id",
                f"the id '{step_id}' is used by another step at line {first.line}",
            )
        return step_id

    def _metadata(self, fields: Fields, found: KindFound) -> dict[str, Any]:
        """``metadata`` of a ``name`` step: old places of some fields."""
        node = fields.mapping("metadata")
        if node is None:
            return {}
        if not found.named:
            fields.without_effect("metadata", why="it belongs to a step that is only a 'name'")
            return {}
        inner = Fields(node, self.problems, "'metadata'")
        retries, env = inner.node("retries"), inner.node("env")
        values: dict[str, Any] = {
            "timeout": inner.duration("timeout"),
            "commit_required": inner.boolean("commit_required"),
            "continue_on_error": inner.boolean("continue_on_error"),
            "env": None if env is None else read_env(env, self.problems),
            "retry": None
            if retries is None
            else attempts_for_retries(retries, "retries", self.problems),
        }
        inner.ignore_all()
        return {key: value for key, value in values.items() if value is not None}

    # -- failure and repetition -------------------------------------------------------------------

    def _on_failure(
        self, fields: Fields, found: KindFound, place: Place, extra: dict[str, Any]
    ) -> tuple[OnFailure | None, bool]:
        """The handling of a failure, and whether a handler lets the next one run after it."""
        beside = (
            fields.integer("max_attempts", minimum=1),
            fields.boolean("fail_workflow"),
        )
        handling = read_on_failure(fields, self, beside)
        forgiven = fields.flag("allow_failure") or fields.flag("ignore_errors")
        go_on = False
        if found.kind is not StepKind.FOREACH:
            go_on = fields.flag("continue_on_error", default=extra.get("continue_on_error", False))
        if go_on and place is not Place.HANDLER:
            forgiven, go_on = True, False
        if beside[1] is False and not isinstance(fields.node("on_failure"), MapNode):
            forgiven = True
        if forgiven and handling is None:
            handling = OnFailure(fields.position, forgive=True)
        elif forgiven and handling is not None and handling.fail_workflow:
            self.problems.warning(
                handling.position,
                "contradiction",
                "'fail_workflow: true' wins over the key that tolerates the failure",
            )
        return handling, go_on

    def _retry(
        self, fields: Fields, found: KindFound, place: Place, extra: dict[str, Any]
    ) -> Retry | None:
        given: GivenRetry | None = extra.get("retry")
        retries = fields.node("retries")
        if retries is not None:
            given = attempts_for_retries(retries, "retries", self.problems)
        attempts = fields.node("max_attempts")
        if attempts is not None and not isinstance(fields.node("on_failure"), MapNode):
            number = as_integer(attempts)
            given = {"attempts": number} if number is not None and number >= 1 else given
        node = fields.node("retry", "retry_config")
        if node is not None:
            name = fields.written("retry", "retry_config")
            given = {**(given or {}), **read_retry(node, name, self.problems)}
        return complete_retry(given, self._defaults_for(found.kind, place))

    def _default_retry(self, kind: StepKind, place: Place) -> Retry | None:
        return complete_retry(None, self._defaults_for(kind, place))

    def _defaults_for(self, kind: StepKind, place: Place) -> GivenRetry | None:
        repeatable = kind in (StepKind.SHELL, StepKind.CLAUDE)
        return self.retry_defaults if place is Place.BODY and repeatable else None

    # -- what follows -----------------------------------------------------------------------------

    def _follow_up(self, node: Node | None) -> tuple[Step, ...]:
        if node is None:
            return ()
        if isinstance(node, Scalar):
            return self.command(node)
        if isinstance(node, ListNode):
            return tuple(step for item in node.items for step in self._follow_up(item))
        if node.has("commands") and not any(node.has(kind) for kind in KINDS):
            inner = Fields(node, self.problems, "'on_success'")
            commands = inner.node("commands")
            inner.finish()
            return self._follow_up(commands)
        return self.shell_and_claude(node, Place.OTHER)

    def _on_exit_code(self, fields: Fields) -> dict[int, tuple[Step, ...]]:
        node = fields.mapping("on_exit_code")
        steps: dict[int, tuple[Step, ...]] = {}
        for pair in node.pairs if node is not None else ():
            code = as_integer(pair.key)
            if code is None or not 0 <= code <= 255:
                wrong_type(pair.key, "on_exit_code", "exit codes from 0 to 255", self.problems)
            elif not is_null(pair.value):
                steps[code] = self._follow_up(pair.value)
        return steps


def _inserted(inserted: Insertion | None, step: Step, *, is_plain: bool) -> tuple[Step, ...]:
    """The steps in place of one that names others.

    With fields of its own it stays one step, to which they belong, and runs the others inside.
    """
    if inserted is None:
        return ()
    if inserted.sub_workflow is not None:
        return (replace(step, blocks=(inserted.sub_workflow,)),)
    if is_plain:
        return inserted.steps
    return (replace(step, blocks=(Block(inserted.name, step.position, inserted.steps),)),)
