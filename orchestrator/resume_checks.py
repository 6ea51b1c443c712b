"""What is looked at before a resume: the facts of a stopped run, and each as a check (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from store.states import State


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: Checkpoint, Workflow, Worktree, Variables, Process, …"""

    name: str
    verdict: Verdict
    words: str
    at: str = ""
    """When what it is about was written; a timestamp, or nothing."""


@dataclass(frozen=True, slots=True)
class DoneStep:
    """A step that the checkpoint says is done; ``at`` is the timestamp of its end."""

    commits: int = 0
    tolerated: bool = False
    skipped: bool = False
    at: str = ""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Everything a plan is made from. Indexes count from 0."""

    session_id: str
    state: State
    labels: tuple[str, ...]
    done: Mapping[int, DoneStep]
    index: int
    """The next step by the checkpoint."""
    checkpoint_seq: int = 0
    checkpoint_time: str = ""
    has_checkpoint: bool = True
    checkpoint_problems: tuple[str, ...] = ()
    passes_left: int = 0
    pass_words: str = ""
    """Which pass it is in, when there are several."""
    passes_after: str = ""
    """Which passes follow this one: ``1 more input (three)``."""
    items_kept: str = ""
    """How many items of the loop that failed are done and not repeated."""
    failed: bool = False
    failure_words: str = ""
    in_flight: bool = False
    in_flight_words: str = ""
    finished: bool = False
    cancelled: bool = False
    live_holder: str | None = None
    """How somebody has it, after "it is"."""
    owner_unknown: str | None = None
    workflow_name: str = ""
    read_only: str | None = None
    """Why this version must not write its record or its checkpoint."""
    over_unrecorded: bool = False
    """Whether it came to its end and was killed before its record said so."""
    workflow_missing: str | None = None
    """Why there is no workflow to go on with."""
    unresolved: str | None = None
    """Which secrets, parameters or files its steps need that are not to be had here."""
    instead: str = "prodigy run WORKFLOW"
    """The command that would work where one of these two stands against it."""
    start_again: str = "prodigy run WORKFLOW"
    """The command that starts the same from the beginning."""
    changed_on_disk: bool = False
    changed_steps: tuple[int, ...] = ()
    changed_done_steps: tuple[int, ...] = ()
    file_on_disk_used: bool = False
    repository_gone: str | None = None
    """Where its repository was."""
    worktree_path: str = ""
    worktree_present: bool = True
    worktree_is_left: bool = False
    """Whether its directory is there although git cannot use it as a worktree."""
    branch_present: bool = True
    branch: str = ""
    branch_again: str | None = None
    """The command that makes a branch that is gone again, as its last commit is still there."""
    head: str | None = None
    recorded_head: str | None = None
    head_moved_away: bool = False
    """Whether the recorded commit is no longer an ancestor of HEAD."""
    commits_since: int = 0
    uncommitted: int = 0
    operation: str | None = None
    merge_open: bool = False
    merged: bool = False
    variables: tuple[str, ...] = ()
    """Names of the variables that are restored."""
    lost_variables: tuple[str, ...] = ()
    missing_secrets: tuple[str, ...] = ()
    """Secrets that variables were masked with and that are not known here."""
    missing_programs: tuple[str, ...] = ()
    missing_variables: tuple[str, ...] = ()
    survivors: tuple[tuple[int, str], ...] = ()
    """Processes that outlived the owner: pid and name."""
    conversation: str | None = None
    """UUID of the agent's conversation in the step under way or failed."""


def checks_of(facts: RunFacts, *, restore: bool = False) -> list[Check]:
    """Everything that was looked at, in the order in which people read it.

    Args:
        facts: what is there.
        restore: whether the worktree is put back first.
    """
    return [
        _checkpoint_check(facts),
        _workflow_check(facts),
        _worktree_check(facts, restore=restore),
        _variables_check(facts),
        _process_check(facts),
        _environment_check(facts),
    ]


def _checkpoint_check(facts: RunFacts) -> Check:
    if not facts.has_checkpoint:
        return Check("Checkpoint", Verdict.WARN, "none: no step has run, it starts at step 1")
    words = f"#{facts.checkpoint_seq} before step {facts.index + 1}"
    if facts.index >= len(facts.labels):
        words = f"#{facts.checkpoint_seq} after the last step"
    if facts.pass_words:
        words += f", {facts.pass_words}"
    if facts.checkpoint_problems:
        words += f"; not used: {facts.checkpoint_problems[0]}"
    verdict = Verdict.WARN if facts.checkpoint_problems else Verdict.OK
    return Check("Checkpoint", verdict, words, facts.checkpoint_time)


def _workflow_check(facts: RunFacts) -> Check:
    if facts.workflow_missing is not None:
        return Check("Workflow", Verdict.BAD, facts.workflow_missing)
    if facts.file_on_disk_used:
        return Check("Workflow", Verdict.WARN, "the file on disk is used")
    if facts.changed_on_disk:
        where = ""
        if facts.changed_steps:
            numbers = ", ".join(str(index + 1) for index in facts.changed_steps[:5])
            where = f" (step {numbers})"
        return Check(
            "Workflow", Verdict.WARN, f"changed on disk since{where}; the saved copy is used"
        )
    return Check("Workflow", Verdict.OK, "as it was when the run began")


def _worktree_check(facts: RunFacts, *, restore: bool) -> Check:
    if facts.repository_gone is not None:
        return Check("Worktree", Verdict.BAD, f"its repository is gone: {facts.repository_gone}")
    if not facts.worktree_present:
        if facts.branch_present:
            words = "gone, its branch is there: it is made again"
            return Check("Worktree", Verdict.WARN, words)
        if facts.worktree_is_left:
            return Check("Worktree", Verdict.BAD, "there, but its branch is gone")
        return Check("Worktree", Verdict.BAD, "gone, and its branch too")
    where = [f"at {short_commit(facts.head)}"]
    verdict = Verdict.OK
    if facts.head_moved_away:
        where = [f"at {short_commit(facts.head)}, away from {short_commit(facts.recorded_head)}"]
        verdict = Verdict.WARN
    elif facts.head == facts.recorded_head:
        where[0] += " as recorded"
    elif facts.commits_since:
        noun = "commit" if facts.commits_since == 1 else "commits"
        where.append(f"the step left {facts.commits_since} {noun}")
        verdict = Verdict.WARN
    if facts.uncommitted:
        noun = "file" if facts.uncommitted == 1 else "files"
        kept = "put away" if restore else "kept"
        where.append(f"{facts.uncommitted} uncommitted {noun} {kept}")
        verdict = Verdict.WARN
    else:
        where.append("clean")
    if facts.operation is not None:
        where.append(f"a {facts.operation} is in progress")
        verdict = Verdict.WARN
    return Check("Worktree", verdict, ", ".join(where))


def _variables_check(facts: RunFacts) -> Check:
    if facts.lost_variables:
        names = ", ".join(facts.lost_variables[:5])
        return Check("Variables", Verdict.WARN, f"cannot be restored whole: {names}")
    if facts.missing_secrets:
        masked = ", ".join(facts.missing_secrets[:5])
        return Check("Variables", Verdict.WARN, f"restored, but {masked} stays masked in them")
    if not facts.variables:
        return Check("Variables", Verdict.OK, "none were set")
    names = ", ".join(facts.variables)
    return Check("Variables", Verdict.OK, f"{len(facts.variables)} restored: {names}")


def _process_check(facts: RunFacts) -> Check:
    if facts.live_holder is not None:
        return Check("Process", Verdict.BAD, f"it is {facts.live_holder}")
    if facts.survivors:
        named = ", ".join(f"{pid} {name}" for pid, name in facts.survivors[:5])
        return Check("Process", Verdict.WARN, f"still alive, ended first: {named}")
    if facts.owner_unknown is not None:
        words = f"whether somebody runs it is not known: {facts.owner_unknown}"
        return Check("Process", Verdict.WARN, words)
    return Check("Process", Verdict.OK, "nobody runs it, no step is left alive")


def _environment_check(facts: RunFacts) -> Check:
    if facts.unresolved is not None:
        return Check("Environment", Verdict.BAD, facts.unresolved)
    missing = [
        f"{kind} {', '.join(names[:5])}"
        for kind, names in (
            ("variables", facts.missing_variables),
            ("secrets", facts.missing_secrets),
            ("programs", facts.missing_programs),
        )
        if names
    ]
    if missing:
        return Check("Environment", Verdict.WARN, "missing here: " + "; ".join(missing))
    return Check("Environment", Verdict.OK, "nothing is missing")


def short_commit(commit: str | None) -> str:
    """A commit for people."""
    return commit[:8] if commit else "an unknown commit"
