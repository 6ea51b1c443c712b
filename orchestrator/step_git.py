"""What git says about a step: its commits and files, the commit rules, and its outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass

from orchestrator.context import Frame, RunContext
from orchestrator.git.changes import (
    Changes,
    Snapshot,
    changes,
    diff_stat,
    take_snapshot,
    worktree_status,
)
from orchestrator.git.command import GitError
from orchestrator.git.commits import auto_commit, commit_count, squash_since
from orchestrator.git.repository import read_head
from orchestrator.scopes import StepScope
from orchestrator.step_environments import environment_for
from orchestrator.texts import resolve_text
from orchestrator.variables import Layer
from orchestrator.workflow.expressions import Expression
from orchestrator.workflow.globs import has_wildcard, matches
from orchestrator.workflow.interpolation import TextKind
from orchestrator.workflow.model import Step, Workflow
from orchestrator.workflow.values import Paths

STEP_NAMES = frozenset(
    f"step.{name}"
    for name in (
        "files_added",
        "files_modified",
        "files_deleted",
        "files_changed",
        "commits",
        "commit_count",
        "insertions",
        "deletions",
    )
)
WORKFLOW_NAMES = frozenset(name.replace("step.", "workflow.") for name in STEP_NAMES)
GIT_NAMES = frozenset(
    f"git.{name}"
    for name in ("branch", "commit", "staged_files", "unstaged_files", "modified_files")
)
_EVERY_NAME = STEP_NAMES | WORKFLOW_NAMES | GIT_NAMES


class StepRuleBroken(Exception):
    """A commit or output the step was to make is not there; its step fails.

    ``words`` say it in a note, where the message is too long for one.
    """

    def __init__(self, message: str, words: str = "") -> None:
        super().__init__(message)
        self.words = words or message


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What a step did to the history: whether HEAD moved, new commits, files they changed."""

    moved: bool
    commits: int = 0
    files_changed: int = 0


def head_of(ctx: RunContext) -> str | None:
    """The commit the worktree stands at, from git's files; None when it cannot be told."""
    try:
        return read_head(ctx.worktree)
    except GitError:
        return None


def step_facts(ctx: RunContext, head_before: str | None) -> StepFacts:
    """Compare HEAD with where it was; git runs only when it moved."""
    head = head_of(ctx)
    if head is None or head_before is None or head == head_before:
        return StepFacts(moved=False)
    try:
        return StepFacts(
            True,
            commit_count(ctx.worktree, head_before),
            diff_stat(ctx.worktree, head_before).files,
        )
    except GitError:
        return StepFacts(moved=True)


def snapshot_for(ctx: RunContext, step: Step, head_before: str | None) -> Snapshot | None:
    """The worktree now, if anything will ask what this step changed.

    A step that is taken up again began at ``head_before``, whatever lies there now.
    """
    if not (ctx.git_names & STEP_NAMES or step.outputs):
        return None
    try:
        snapshot = take_snapshot(ctx.worktree)
    except GitError:
        return None
    if head_before is not None and snapshot.head != head_before:
        return Snapshot.of_commit(head_before)
    return snapshot


def note_start(ctx: RunContext, step: Step, frame: Frame) -> None:
    """Note where a step inside another one begins, as far as its own rules ask for that."""
    if frame.role == "step":
        return
    if step.commit_required or step.auto_commit:
        frame.head_before = head_of(ctx)
    if step.outputs:
        frame.snapshot = snapshot_for(ctx, step, None)


def referred_git_names(workflow: Workflow) -> frozenset[str]:
    """The git variables that any text of a workflow may refer to."""
    found: set[str] = set()
    for text in texts_of((workflow.steps, workflow.merge, workflow.env, workflow.profiles)):
        if "step." in text or "workflow." in text or "git." in text:
            found |= {name for name in _EVERY_NAME if name in text}
    return frozenset(found)


def texts_of(value: object) -> Iterator[str]:
    """Every text inside a value made of models, lists and maps."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Expression):
        yield value.text
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_of(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from texts_of(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from texts_of(getattr(value, part.name))


def git_values(found: Changes, prefix: str) -> dict[str, object]:
    """The variables of a set of changes."""
    return {
        f"{prefix}.files_added": Paths(found.added),
        f"{prefix}.files_modified": Paths(found.modified),
        f"{prefix}.files_deleted": Paths(found.deleted),
        f"{prefix}.files_changed": Paths(found.changed),
        f"{prefix}.commits": Paths(found.commits),
        f"{prefix}.commit_count": len(found.commits),
        f"{prefix}.insertions": found.insertions,
        f"{prefix}.deletions": found.deletions,
    }


def publish_step_git(ctx: RunContext, frame: Frame) -> dict[str, object]:
    """Define ``step.*`` and ``workflow.*`` git variables, where the workflow refers to any.

    Returns:
        Those of the step, for its record.
    """
    values: dict[str, object] = {}
    try:
        if ctx.git_names & STEP_NAMES and frame.snapshot is not None:
            values.update(git_values(changes(ctx.worktree, frame.snapshot), "step"))
        if ctx.git_names & WORKFLOW_NAMES:
            base = Snapshot.of_commit(ctx.base_commit)
            values.update(git_values(changes(ctx.worktree, base), "workflow"))
    except GitError as error:
        ctx.event("store_warning", path=str(ctx.worktree), problem=str(error), moved_to=None)
    ctx.variables.set(Layer.CONTEXT, values)
    publish_git_now(ctx)
    return {name: value for name, value in values.items() if name in STEP_NAMES}


def publish_git_now(ctx: RunContext) -> None:
    """Define ``git.*``, the worktree as it is now, where the workflow refers to any."""
    if not ctx.git_names & GIT_NAMES:
        return
    try:
        status = worktree_status(ctx.worktree)
    except GitError as error:
        ctx.event("store_warning", path=str(ctx.worktree), problem=str(error), moved_to=None)
        return
    ctx.variables.set(
        Layer.CONTEXT,
        {
            "git.branch": status.branch,
            "git.commit": status.commit,
            "git.staged_files": Paths(status.staged_files),
            "git.unstaged_files": Paths(status.unstaged_files),
            "git.modified_files": Paths(status.modified_files),
        },
    )


def apply_commit_rules(ctx: RunContext, step: Step, frame: Frame) -> None:
    """Commit what is left if asked, then check that the step made a commit if it must.

    Raises:
        StepRuleBroken: no commit, or one that git or its message's pattern refuses.
        TextError: the message cannot be resolved.
    """
    if step.auto_commit:
        _auto_commit(ctx, step, frame)
    if step.commit_required and _is_checked(ctx) and head_of(ctx) == frame.head_before:
        raise StepRuleBroken(
            f"Step '{step.label}' has commit_required=true but no commits were created",
            "made no commit",
        )


def _is_checked(ctx: RunContext) -> bool:
    process = ctx.environment.process
    switched_off = ("PRODIGY_NO_COMMIT_VALIDATION", "PRODIGY_TEST_MODE")
    return not any(process.get(name, "").lower() == "true" for name in switched_off)


def _auto_commit(ctx: RunContext, step: Step, frame: Frame) -> None:
    environment, scope = environment_for(ctx, step, frame)
    template = step.commit_config.message_template
    message = f"Auto-commit: {step.label}"
    if template is not None:
        publish_step_git(ctx, frame)
        message = resolve_text(ctx, template, scope, TextKind.OTHER).text
    config = step.commit_config
    if config.message_pattern and not _fits_pattern(ctx, config.message_pattern, message, scope):
        raise StepRuleBroken(
            f"the commit message {message!r} does not match {config.message_pattern!r}"
        )
    try:
        auto_commit(ctx.worktree, config, message, environment=environment.values)
        if config.squash and frame.head_before is not None:
            squash_since(
                ctx.worktree,
                frame.head_before,
                message,
                config=config,
                environment=environment.values,
            )
    except GitError as error:
        raise StepRuleBroken(str(error)) from None


def _fits_pattern(ctx: RunContext, pattern: str, message: str, scope: StepScope) -> bool:
    if "${" in pattern:
        pattern = resolve_text(ctx, pattern, scope, TextKind.OTHER).text
    try:
        return re.search(pattern, message) is not None
    except re.error as error:
        raise StepRuleBroken(f"message_pattern {pattern!r}: {error}") from None


def find_outputs(ctx: RunContext, step: Step, frame: Frame) -> None:
    """Define ``ID.NAME`` for the files the step was to make.

    Raises:
        StepRuleBroken: no file fits a pattern.
    """
    if not step.outputs or frame.snapshot is None:
        return
    found = changes(ctx.worktree, frame.snapshot)
    candidates = [*found.added, *found.modified]
    values: dict[str, object] = {}
    for name, pattern in step.outputs.items():
        first = next((path for path in candidates if _fits(path, pattern)), None)
        if first is None:
            raise StepRuleBroken(f"No files found matching pattern '{pattern}'")
        values[f"{step.id}.{name}" if step.id else name] = first
    frame.variables.set(Layer.RESULTS, values)


def _fits(path: str, pattern: str) -> bool:
    if has_wildcard(pattern):
        return matches(pattern, path)
    return pattern in path.rsplit("/", 1)[-1]
