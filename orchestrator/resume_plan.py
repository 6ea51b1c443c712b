"""What a resume would do, and why (pure): from facts about a stopped run to a plan for people."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from orchestrator.resume_checks import (
    Check,
    DoneStep,
    RunFacts,
    Verdict,
    checks_of,
    short_commit,
)
from store.states import State

__all__ = [
    "Action",
    "Check",
    "DoneStep",
    "PlannedStep",
    "ResumeOptions",
    "ResumePlan",
    "RunFacts",
    "Verdict",
    "plan_resume",
]


class Action(StrEnum):
    KEEP = "keep"
    RUN_AGAIN = "run again"
    RUN = "run"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What will happen to one step; ``index`` counts from 0.

    ``at`` is the timestamp at which a kept one ended, ``commits`` what it made.
    """

    index: int
    label: str
    action: Action
    why: str
    at: str = ""
    commits: int = 0


@dataclass(frozen=True, slots=True)
class ResumeOptions:
    """What somebody chose for a resume. Steps count from 1."""

    from_step: int | None = None
    from_checkpoint: str | None = None
    restart: bool = False
    skip_step: int | None = None
    force: bool = False
    use_file: bool = False
    workflow: Path | None = None
    """The workflow file, for a run that did not record which it is; absolute."""
    restore: bool = False
    merge: bool | None = None
    """True merges at the end, False leaves it open, None asks."""

    @property
    def takes_file(self) -> bool:
        """Whether a file is used whatever copy was saved: the recorded one, or one named here."""
        return self.use_file or self.workflow is not None


@dataclass(frozen=True, slots=True)
class ResumePlan:
    """What a resume will do. ``start`` is the first index that runs; ``total`` the number of steps.

    ``impossible`` says why nothing can be done; ``instead`` the command that would work. Each entry
    of ``needs_force`` is a refusal that ``--force`` passes.
    """

    session_id: str
    state: State
    sentence: str
    steps: tuple[PlannedStep, ...]
    checks: tuple[Check, ...]
    start: int
    total: int
    command: str
    workflow_name: str = ""
    checkpoint_time: str = ""
    impossible: str | None = None
    instead: str | None = None
    needs_force: tuple[str, ...] = ()
    rewinds: bool = False
    changed_on_disk: bool = False
    conversation: str | None = None
    facts: RunFacts | None = field(default=None, compare=False)

    @property
    def can_go_on(self) -> bool:
        """Whether carrying it out is allowed as it is."""
        return self.impossible is None and not self.needs_force


def plan_resume(facts: RunFacts, options: ResumeOptions) -> ResumePlan:
    """Decide what happens to every step, and what stands against it."""
    start, rewinds = _start(facts, options)
    skipped = {options.skip_step - 1} if options.skip_step is not None else set()
    steps = tuple(
        _planned(facts, index, start, skipped, options) for index in range(len(facts.labels))
    )
    impossible, instead = _impossible(facts, options, start)
    refusals = () if options.force else tuple(_refusals(facts, options, start))
    return ResumePlan(
        session_id=facts.session_id,
        state=facts.state,
        sentence=_sentence(facts, steps, start, impossible),
        steps=steps,
        checks=tuple(checks_of(facts, restore=options.restore)),
        start=start,
        total=len(facts.labels),
        command=_command(facts, options),
        workflow_name=facts.workflow_name,
        checkpoint_time=facts.checkpoint_time,
        impossible=impossible,
        instead=instead,
        needs_force=refusals,
        rewinds=rewinds,
        changed_on_disk=facts.changed_on_disk,
        conversation=facts.conversation,
        facts=facts,
    )


def _start(facts: RunFacts, options: ResumeOptions) -> tuple[int, bool]:
    """The first step that runs, and whether somebody chose another one than the checkpoint's."""
    if options.restart:
        return 0, True
    if options.from_step is not None:
        return options.from_step - 1, options.from_step - 1 != facts.index
    return facts.index, options.from_checkpoint is not None


def _planned(
    facts: RunFacts, index: int, start: int, skipped: set[int], options: ResumeOptions
) -> PlannedStep:
    label = facts.labels[index]
    if index in skipped:
        return PlannedStep(index, label, Action.SKIP, "you asked for it")
    if index < start:
        done = facts.done.get(index)
        if done is None and index < facts.index:
            return PlannedStep(index, label, Action.KEEP, "done")
        if done is None:
            return PlannedStep(index, label, Action.SKIP, "not done, and left out")
        why = _kept_because(done)
        return PlannedStep(index, label, Action.KEEP, why, done.at, done.commits)
    if index == facts.index and (facts.failed or facts.in_flight):
        why = (facts.failure_words or "it failed") if facts.failed else facts.in_flight_words
        if facts.items_kept and not (options.restart or options.from_checkpoint):
            why += f"; {facts.items_kept}"
        return PlannedStep(index, label, Action.RUN_AGAIN, why)
    if index in facts.done:
        chosen = "from the beginning" if options.restart else f"from step {start + 1} on"
        return PlannedStep(index, label, Action.RUN_AGAIN, f"you asked for all {chosen}")
    return PlannedStep(index, label, Action.RUN, "not reached yet")


def _kept_because(done: DoneStep) -> str:
    if done.skipped:
        return "skipped"
    words = "failure tolerated" if done.tolerated else "done"
    if done.commits:
        words += f", {done.commits} commit" + ("s" if done.commits > 1 else "")
    return words


def _impossible(
    facts: RunFacts, options: ResumeOptions, start: int
) -> tuple[str | None, str | None]:
    short = facts.session_id
    if facts.live_holder is not None:
        return f"It is {facts.live_holder}.", f"prodigy pause {short}"
    if facts.cancelled:
        return "It was cancelled, which is final.", facts.start_again
    chosen = options.restart or options.from_step is not None or options.from_checkpoint is not None
    if facts.finished and not (options.force and chosen and not facts.merged):
        if facts.merge_open:
            return "Every step is done; the merge is open.", f"prodigy merge {short}"
        merged = ", and its work is merged" if facts.merged else ""
        return f"It is already complete{merged}.", f"prodigy sessions show {short}"
    if facts.read_only is not None:
        return f"This version cannot write it: {facts.read_only}.", f"prodigy sessions show {short}"
    if facts.repository_gone is not None:
        return f"Its repository is gone: {facts.repository_gone}.", f"prodigy sessions show {short}"
    if facts.workflow_missing is not None:
        return _sentence_of(facts.workflow_missing), facts.instead
    if not facts.worktree_present and not facts.branch_present:
        gone = "Its branch is" if facts.worktree_is_left else "Its worktree and its branch are"
        if facts.branch_again is None:
            return f"{gone} gone.", facts.start_again
        again = f"{facts.branch_again} && prodigy resume {short}"
        return f"{gone} gone; commit {short_commit(facts.recorded_head)} is still there.", again
    if facts.unresolved is not None:
        return _sentence_of(facts.unresolved), facts.instead
    total = len(facts.labels)
    wanted = next(
        (number for number in (options.from_step, options.skip_step) if number is not None), 1
    )
    if not 1 <= wanted <= total or start > total:
        number = wanted if start <= total else start + 1
        return f"There is no step {number}; it has {total}.", None
    return None, None


def _sentence_of(reason: str) -> str:
    return reason if reason.endswith(".") else f"{reason}."


def _refusals(facts: RunFacts, options: ResumeOptions, start: int) -> list[str]:
    found = []
    if facts.owner_unknown is not None:
        found.append(f"its owner cannot be checked: {facts.owner_unknown}")
    if facts.head_moved_away and not options.restore:
        found.append(
            f"the worktree has moved away from {short_commit(facts.recorded_head)}, "
            "where the last finished step left it"
        )
    if facts.lost_variables:
        found.append(f"variables are not whole any more: {', '.join(facts.lost_variables)}")
    gap = [index for index in range(facts.index, start) if index not in facts.done]
    if gap:
        found.append(f"step {gap[0] + 1} is not done and would be left out")
    if options.takes_file and facts.changed_done_steps:
        numbers = ", ".join(str(index + 1) for index in facts.changed_done_steps)
        found.append(f"finished steps differ in the file on disk: {numbers}")
    return found


def _sentence(
    facts: RunFacts, steps: Sequence[PlannedStep], start: int, impossible: str | None
) -> str:
    if impossible is not None:
        return f"This cannot be resumed: {impossible[0].lower()}{impossible[1:]}"
    kept = [step for step in steps if step.action is Action.KEEP]
    runs = [step for step in steps if step.action in (Action.RUN, Action.RUN_AGAIN)]
    skipped = _also([step for step in steps if step.action is Action.SKIP], "skipped")
    if not runs and facts.passes_left > 0:
        done = (
            "No other step of this pass is left." if skipped else "Every step of this pass is done."
        )
        more = f" {_capital(facts.passes_after)} to go." if facts.passes_after else ""
        return f"{done} The next pass begins at step 1.{skipped}{more}"
    if not runs:
        done = "No other step is left." if skipped else "Every step is done."
        return f"{done} Nothing runs again; the session is completed.{skipped}"
    first = runs[0]
    again = "again" if first.action is Action.RUN_AGAIN else ""
    sentence = f"Step {first.index + 1} runs {again}".rstrip()
    if len(runs) > 1:
        sentence += f", then {_numbers(runs[1:])}"
    after = f" Then all steps run for {facts.passes_after}." if facts.passes_after else ""
    return f"{sentence}.{_also(kept, 'kept')}{skipped}{after}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _also(steps: Sequence[PlannedStep], what: str) -> str:
    """`` Steps 1 and 2 are kept.``; nothing without steps."""
    if not steps:
        return ""
    noun, verb = ("Step", "is") if len(steps) == 1 else ("Steps", "are")
    return f" {noun} {_numbers(steps)} {verb} {what}."


def _numbers(steps: Sequence[PlannedStep]) -> str:
    numbers = [step.index + 1 for step in steps]
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}–{numbers[-1]}"
    if len(numbers) == 1:
        return str(numbers[0])
    return ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"


def _command(facts: RunFacts, options: ResumeOptions) -> str:
    words = ["prodigy resume", facts.session_id]
    if options.restart:
        words.append("--restart")
    if options.from_step is not None:
        words.append(f"--from-step {options.from_step}")
    if options.from_checkpoint is not None:
        words.append(f"--from-checkpoint {options.from_checkpoint}")
    if options.skip_step is not None:
        words.append(f"--skip-step {options.skip_step}")
    if options.workflow is not None:
        words.append(f"--workflow {shlex.quote(str(options.workflow))}")
    for flag, given in (
        ("--use-file", options.use_file),
        ("--restore", options.restore),
        ("--force", options.force),
        ("--yes", options.merge is True),
        ("--no-merge", options.merge is False),
    ):
        if given:
            words.append(flag)
    return " ".join(words)
