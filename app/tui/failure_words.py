"""What the Failure screen says of a session: the sentence, and the facts under it (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from app import format as form
from app.status_style import StepSign, style_of
from app.tui.details import SessionDetail, SpanKind, StepView, WorktreeView
from app.tui.notes import note, short_label
from store.row import SessionRow
from store.states import State

FAILED_STATES = frozenset(
    {State.FAILED, State.MERGE_FAILED, State.INTERRUPTED, State.UNREADABLE, State.NO_RECORD}
)
"""What counts as failed for going from one to the next."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A label, and its value in pieces of text with their colours."""

    label: str
    pieces: tuple[tuple[str, str], ...]
    wraps: bool = False

    @classmethod
    def of(cls, label: str, value: str, token: str = "muted", *, wraps: bool = False) -> Fact:
        return cls(label, ((form.one_line(value), token),), wraps)


def failed_step(detail: SessionDetail) -> StepView | None:
    """The step that failed, or at which it stopped."""
    for step in detail.steps:
        if step.sign in (StepSign.FAILED, StepSign.INTERRUPTED):
            return step
    failed = [step for step in detail.steps if any(span.failed for span in step.spans)]
    return failed[-1] if failed else None


def sentence(detail: SessionDetail, now_us: int) -> tuple[str, str]:
    """What failed, and how."""
    row, step = detail.row, failed_step(detail)
    ago = form.ago((now_us - row.state_since_us) / 1e6) if row.state_since_us else ""
    match row.state:
        case State.FAILED if step is not None:
            last = [span for span in step.spans if span.kind is SpanKind.ATTEMPT][-1:]
            took = f" after {form.duration(last[0].seconds, finished=True)}" if last else ""
            facts = [f"{step.outcome}{took}".strip(), step.tries_words, ago]
            return (
                f"Step {step.number} of {row.total_steps} failed",
                ", ".join(fact for fact in facts if fact),
            )
        case State.FAILED:
            return "Failed", ", ".join(filter(None, (form.one_line(row.error or ""), ago)))
        case State.INTERRUPTED:
            return f"Interrupted in step {row.step_index + 1} of {row.total_steps}", (
                f"its process ended without a word, {ago}"
            )
        case State.MERGE_FAILED:
            return "The merge failed", note(row, now_us)
        case State.UNREADABLE | State.NO_RECORD:
            return style_of(row.state).word.capitalize(), note(row, now_us)
    if step is not None:
        return f"Step {step.number} failed before it went on", step.outcome
    return "Nothing failed", ""


def facts(detail: SessionDetail, worktree: WorktreeView | None) -> list[Fact]:
    """Command, Tried, Handler, Error, Worktree, Resume, Agent: those that there are."""
    row, step = detail.row, failed_step(detail)
    found: list[Fact] = []
    if step is not None:
        command = short_label(step.command or step.label)
        found.append(Fact.of("Command", command, "fg", wraps=True))
        found.append(Fact.of("Tried", _tried(step)))
        if step.handlers:
            found.append(Fact.of("Handler", _handlers(step)))
    error = row.error or row.problem or ""
    if error and not (step and _says_the_same(error, step)):
        found.append(Fact.of("Error", error, "fg"))
    found.append(_worktree(detail, worktree))
    found.append(Fact.of("Resume", _resume(detail, worktree)))
    if detail.claude_session:
        found.append(Fact.of("Agent", f"claude --resume {detail.claude_session}"))
    return found


def _says_the_same(error: str, step: StepView) -> bool:
    return bool(step.outcome) and form.one_line(error).casefold().startswith(step.outcome)


def _tried(step: StepView) -> str:
    attempts = [span for span in step.spans if span.kind is SpanKind.ATTEMPT]
    if not attempts:
        return form.count(max(1, step.attempts), "time")
    times = ", ".join(form.duration(span.seconds, finished=True) for span in attempts[-6:])
    endings = {span.label.partition("  ")[2] for span in attempts}
    how = ""
    if len(attempts) == 1:
        limit = step.plan.timeout if step.plan is not None else None
        of = f", timeout {form.duration(limit).removesuffix(' 00s')}" if limit else ""
        return f"once, {times}{of}"
    if len(endings) == 1 and "" not in endings:
        how = f", {next(iter(endings))} each time"
    return f"{form.count(len(attempts), 'time')}{how}: {times}"


def _handlers(step: StepView) -> str:
    words = step.handlers[-1]
    times = step.handlers.count(words)
    ran = {1: "ran once", 2: "ran twice"}.get(times, f"ran {times} times")
    return f"{words} {ran}" + (", did not help" if step.sign is StepSign.FAILED else "")


def _worktree(detail: SessionDetail, view: WorktreeView | None) -> Fact:
    if not detail.worktree_is_present:
        return Fact.of("Worktree", detail.worktree_words or "none recorded")
    if view is None:
        return Fact.of("Worktree", "present, asking git what is in it")
    if view.problem:
        return Fact.of("Worktree", f"present; {view.problem}")
    if not view.files:
        return Fact.of("Worktree", "present, nothing is uncommitted")
    pieces = [(f"{form.count(len(view.files), 'file')} uncommitted: ", "fg")]
    for file in view.files[:4]:
        pieces.append((form.one_line(file.path), "muted"))
        if file.added:
            pieces.append((f" +{file.added}", "done"))
        if file.removed:
            pieces.append((f" −{file.removed}", "error"))
        pieces.append(("  ", "muted"))
    if len(view.files) > 4:
        pieces.append((f"and {len(view.files) - 4} more", "muted"))
    return Fact("Worktree", tuple(pieces))


def _resume(detail: SessionDetail, view: WorktreeView | None) -> str:
    words = detail.checkpoint_words
    if view is None or view.commits_there is None or not detail.commits:
        return words
    made = form.count(detail.commits, "commit")
    if view.commits_there:
        which = "its commit is" if detail.commits == 1 else f"all {made} are"
        return f"{words}; {which} in the worktree"
    return f"{words}; its {made} are no longer in the worktree"


def resume_words(row: SessionRow) -> str:
    """What a plain resume does, as the first of the actions says it."""
    at, total = row.step_index + 1, row.total_steps
    if row.state is State.FAILED:
        start = f"Resume: run step {at} again"
    else:
        start = f"Resume: go on with step {at}"
    rest = total - at
    if rest <= 0:
        return start
    if rest == 1:
        return f"{start}, then {at + 1}"
    if rest == 2:
        return f"{start}, then {at + 1} and {at + 2}"
    return f"{start}, then {at + 1} to {total}"
