"""The top level of a workflow file: a list of steps or a mapping, to the typed workflow."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.workflow.declarations import (
    env_and_files,
    inherits,
    read_profiles,
    read_secrets,
)
from orchestrator.workflow.fields import Fields
from orchestrator.workflow.mapreduce_shape import read_mapreduce
from orchestrator.workflow.model import MergeBlock, Step, Workflow, WorkflowKind
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Pair, Scalar, is_null
from orchestrator.workflow.parameter_fields import read_parameters
from orchestrator.workflow.problems import Problems
from orchestrator.workflow.reading import Place
from orchestrator.workflow.retry_fields import GivenRetry, read_retry
from orchestrator.workflow.steps import StepBuilder
from orchestrator.workflow.suggest import nearest

STEP_LISTS = ("commands", "steps", "workflow")
_MODES = {
    "mapreduce": WorkflowKind.MAPREDUCE,
    "standard": WorkflowKind.STANDARD,
    "sequential": WorkflowKind.STANDARD,
    "workflow": WorkflowKind.STANDARD,
}
METADATA = ("description", "version", "author", "tags")
COMPOSITION = ("imports", "extends", "template", "templates", "workflows", "sub_workflows")
_IN_A_STEP = dict.fromkeys(
    [
        "shell",
        "claude",
        "test",
        "foreach",
        "write_file",
        "when",
        "id",
        "working_dir",
        "capture",
        "capture_output",
        "commit_required",
        "auto_commit",
        "on_failure",
        "on_success",
        "validate",
        "retry",
    ],
    "in a step",
)
_IN_MAP = dict.fromkeys(
    ["input", "agent_template", "json_path", "filter", "sort_by", "agent_timeout_secs"],
    "under 'map'",
)


def workflow_kind(root: Node) -> WorkflowKind:
    """The kind of a file, from its keys and never from its text."""
    if isinstance(root, MapNode):
        if root.has("map"):
            return WorkflowKind.MAPREDUCE
        mode = root.get("mode")
        mapreduce = isinstance(mode, Scalar) and mode.text.strip().lower() == "mapreduce"
        if mapreduce and not any(root.has(name) for name in STEP_LISTS):
            return WorkflowKind.MAPREDUCE
    return WorkflowKind.STANDARD


def as_mapping(root: Node) -> MapNode:
    """The mapping form of a file: a bare list means ``{commands: [...]}``."""
    if isinstance(root, MapNode):
        return root
    from_list = Scalar(root.position, "commands")
    return MapNode(root.position, (Pair(from_list, root),))


def build_workflow(root: Node, stem: str, problems: Problems, builder: StepBuilder) -> Workflow:
    """The workflow of one file, without what composition adds.

    Args:
        root: the mapping or list of the file.
        stem: its name without suffix, used when it has none.
        problems: receives what is wrong.
        builder: reads the steps; it gets the retry defaults of this file.
    """
    fields = Fields(as_mapping(root), problems, "a workflow")
    kind = workflow_kind(root)
    mode = fields.word("mode", valid=_MODES)
    if mode is WorkflowKind.MAPREDUCE and kind is WorkflowKind.STANDARD:
        problems.warning(
            fields.key_position("mode"),
            "no_effect",
            "'mode: mapreduce' without 'map': the file runs as a standard workflow",
        )
    env, env_files = env_and_files(fields)
    parameters, defaults = read_parameters(fields)
    workflow = Workflow(
        name=fields.string("name") or stem,
        position=fields.position,
        kind=kind,
        env=env,
        secrets=read_secrets(fields.node("secrets"), problems),
        env_files=env_files,
        profiles=read_profiles(fields.node("profiles"), problems),
        active_profile=_active_profile(fields),
        inherit=inherits(fields),
        merge=_merge(fields, builder),
        parameters=parameters,
        defaults=defaults,
        strict_variables=fields.flag("strict_variables"),
        description=_description(fields.node("description")),
    )
    fields.ignore(*METADATA)
    fields.ignore(*(name for name in fields.names() if name.startswith(("x-", "."))))
    if kind is WorkflowKind.MAPREDUCE:
        declared = [*env, *(e for p in workflow.profiles.values() for e in p.env)]
        merge = workflow.merge.steps if workflow.merge is not None else ()
        read_mapreduce(fields, builder, declared, merge)
        fields.finish(_IN_MAP | _IN_A_STEP)
        return workflow
    fields.ignore(*COMPOSITION)
    workflow = _standard(workflow, fields, builder)
    fields.finish(_IN_A_STEP | _IN_MAP)
    return workflow


def _description(node: Node | None) -> str | None:
    """What is said of the workflow; anything else that stands there is nobody's fault."""
    return node.text if isinstance(node, Scalar) and not is_null(node) else None


def _standard(workflow: Workflow, fields: Fields, builder: StepBuilder) -> Workflow:
    library = builder.library
    builder.retry_defaults = _retry_defaults(fields) or library.retry_defaults
    library.retry_defaults = builder.retry_defaults
    setup = _setup(fields.node("setup"), builder)
    commands = _commands(fields, builder)
    first: tuple[Step, ...] = ()
    if builder.places_sub_workflows:
        first = library.sub_workflows.unplaced(only_main=not commands)
    return replace(
        workflow,
        steps=(*setup, *first, *commands),
        timeout=fields.duration("timeout"),
        max_parallel=fields.integer("max_parallel", minimum=1) or 10,
        max_iterations=fields.integer("max_iterations", minimum=1) or 1,
    )


def _setup(node: Node | None, builder: StepBuilder) -> tuple[Step, ...]:
    if node is None:
        return ()
    if isinstance(node, MapNode) and (node.has("commands") or node.has("steps")):
        inner = Fields(node, builder.problems, "'setup'")
        node = inner.node("commands", "steps")
        inner.without_effect(
            "timeout", "capture_outputs", why="only a MapReduce file's setup has it"
        )
        inner.finish()
    return () if node is None else builder.steps(node, Place.BODY)


def _commands(fields: Fields, builder: StepBuilder) -> tuple[Step, ...]:
    present = [name for name in STEP_LISTS if name in fields]
    if len(present) > 1:
        names = " and ".join(f"'{n}' (line {fields.key_position(n).line})" for n in present)
        builder.problems.error(
            fields.key_position(present[1]),
            "same_twice",
            f"the steps are given more than once: {names}; keep one",
        )
    steps: list[Step] = []
    for name in STEP_LISTS:
        node = fields.node(name)
        if node is not None and not is_null(node):
            steps.extend(builder.steps(node, Place.BODY))
    return tuple(steps)


def _retry_defaults(fields: Fields) -> GivenRetry | None:
    node = fields.node("retry_defaults")
    policy = fields.mapping("error_policy")
    in_policy = None
    if policy is not None:
        inner = Fields(policy, fields.problems, "'error_policy'")
        in_policy = inner.node("retry_config")
        inner.without_effect(
            *(name for name in inner.names() if name != "retry_config"),
            why="only a MapReduce file has an error policy",
        )
    if node is not None and in_policy is not None:
        fields.problems.error(
            fields.key_position("retry_defaults"),
            "same_twice",
            "'retry_defaults' and 'error_policy.retry_config' mean the same; keep one",
        )
    if node is not None:
        return read_retry(node, "retry_defaults", fields.problems)
    return None if in_policy is None else read_retry(in_policy, "retry_config", fields.problems)


def _merge(fields: Fields, builder: StepBuilder) -> MergeBlock | None:
    node = fields.node("merge")
    if node is None:
        return None
    timeout = None
    position = node.position
    if isinstance(node, MapNode) and (node.has("commands") or node.has("steps")):
        inner = Fields(node, builder.problems, "'merge'")
        commands = inner.node("commands", "steps")
        timeout = inner.duration("timeout")
        inner.finish()
        node = commands if commands is not None else ListNode(position, ())
    steps = builder.steps(node, Place.OTHER)
    return MergeBlock(position, steps, timeout) if steps else None


def _active_profile(fields: Fields) -> str | None:
    name = fields.string("active_profile")
    node, profiles = fields.node("active_profile"), fields.node("profiles")
    if name is None or node is None or "$" in name:
        return name
    known = [pair.key.text for pair in profiles.pairs] if isinstance(profiles, MapNode) else []
    if name not in known:
        among = f"; there is {', '.join(known)}" if known else "; the file has no profiles"
        fields.problems.error(
            node.position,
            "unknown_profile",
            f"unknown profile '{name}'{among}",
            nearest(name, known),
        )
    return name
