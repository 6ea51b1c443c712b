"""What the Failure screen says of a session: the sentence, and the facts under it (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field

from app import format as form
from app.status_style import StepSign, style_of
from app.tui.details import MergeView, SessionDetail, Span, SpanKind, StepView, WorktreeView
from app.tui.failure_reading import Evidence, attempts
from app.tui.notes import note, short_label
from app.tui.step_reading import was_not_set_up
from store.row import SessionRow
from store.states import State, StopKind

FAILED_STATES = frozenset(
    {State.FAILED, State.MERGE_FAILED, State.INTERRUPTED, State.UNREADABLE, State.NO_RECORD}
)
"""What counts as failed for going from one to the next."""
SILENT_STATES = frozenset({State.STALLED, State.UNKNOWN, State.NEEDS_ANSWER})
"""Nothing failed, yet a person is needed: the step at hand is in question."""
_STOPPED = {
    StopKind.USAGE_LIMIT: "its usage limit was reached",
    StopKind.CHECKPOINT_FAILED: "its progress could not be saved",
    StopKind.INTERNAL_ERROR: "Prodigy itself failed",
    StopKind.CRASH: "its process ended without a word",
}
_SHOWN_FILES = 4
_HANDLER_CELLS = 36
"""Of a handler; what came of it is to be seen too."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A label, and its value in pieces of text with their colours."""

    label: str
    pieces: tuple[tuple[str, str], ...]
    wraps: bool = False

    @classmethod
    def of(cls, label: str, value: str, token: str = "muted", *, wraps: bool = False) -> Fact:
        return cls(label, ((form.one_line(value), token),), wraps)


@dataclass(frozen=True, slots=True)
class Known:
    """What was found out beyond the session's detail; None while it is being asked."""

    evidence: Evidence = field(default_factory=Evidence)
    worktree: WorktreeView | None = None
    merge: MergeView | str | None = None
    """What another merge would meet, or why that cannot be told."""
    process: str = ""
    """What the owner of a silent run is doing, as the system says."""
    usual_gap: float | None = None
    """Seconds between two outputs of a silent step, when it was not."""


def step_in_question(detail: SessionDetail) -> StepView | None:
    """The step that failed, at which it stopped, or that says nothing."""
    if detail.row.state in SILENT_STATES:
        at = detail.row.step_index
        return detail.steps[at] if at < len(detail.steps) else None
    for step in detail.steps:
        if step.sign in (StepSign.FAILED, StepSign.INTERRUPTED):
            return step
    if detail.row.state is State.MERGE_FAILED:
        return None
    begun = [step for one in detail.passes for step in one.steps] or detail.steps
    failed = [step for step in begun if any(span.failed for span in step.spans)]
    return failed[-1] if failed else None


def sentence(detail: SessionDetail, now_us: int, known: Known | None = None) -> tuple[str, str]:
    """What failed or is in question, and how."""
    row, step = detail.row, step_in_question(detail)
    ago = form.ago((now_us - row.state_since_us) / 1e6) if row.state_since_us else ""
    of = f" of {row.total_steps}" if row.total_steps else ""
    match row.state:
        case State.FAILED if step is not None:
            return f"Step {step.number}{of} failed", _joined(_ended(step), step.tries_words, ago)
        case State.FAILED if was_not_set_up(row):
            return "Failed before its first step", ago
        case State.FAILED:
            return f"Failed at step {row.step_index + 1}{of}", ago
        case State.INTERRUPTED:
            return f"Interrupted in step {row.step_index + 1}{of}", _joined(
                f"process {row.owner_pid} ended without a word"
                if row.owner_pid
                else "its process ended without a word",
                step.tries_words if step else "",
                ago,
            )
        case State.MERGE_FAILED:
            return f"The merge into {_target(row)} failed", _joined(_merge_error(row), ago)
        case State.STALLED:
            return f"Stalled in step {row.step_index + 1}{of}", _silence(row, now_us, known)
        case State.UNKNOWN:
            return f"Perhaps running step {row.step_index + 1}{of}", note(row, now_us)
        case State.NEEDS_ANSWER:
            return f"Waiting for you in step {row.step_index + 1}{of}", note(row, now_us)
        case State.UNREADABLE | State.NO_RECORD:
            return style_of(row.state).word.capitalize(), note(row, now_us)
        case State.PAUSED if row.stop_kind in _STOPPED:
            return f"Stopped in step {row.step_index + 1}{of}", _joined(
                next(words for kind, words in _STOPPED.items() if kind == row.stop_kind), ago
            )
    if step is not None and step.sign is StepSign.INTERRUPTED:
        return f"Stopped in step {step.number}{of}", _joined(step.outcome, ago)
    if step is not None:
        failed = [span for span in attempts(step) if span.failed]
        if failed and failed[-1].is_cut_off:
            return f"Step {step.number} was interrupted before it went on", failed[-1].outcome
        how = failed[-1].outcome if failed else step.outcome
        return f"Step {step.number} failed before it went on", how
    return "Nothing failed", ""


def _silence(row: SessionRow, now_us: int, known: Known | None) -> str:
    since = row.output_us or row.step_started_us or row.updated_us
    words = f"no output for {_roughly((now_us - since) / 1e6)}"
    gap = known.usual_gap if known is not None else None
    if gap is None:
        return words
    return f"{words}; this step usually says something every {_roughly(max(1, gap))}"


def _roughly(seconds: float) -> str:
    return form.duration(max(0, seconds)).split(" ")[0]


def _joined(*facts: str) -> str:
    return ", ".join(fact for fact in facts if fact)


def _ended(step: StepView) -> str:
    last = attempts(step)[-1:]
    known = bool(last) and not last[0].is_cut_off
    took = f" after {form.duration(last[0].seconds, finished=True)}" if known else ""
    return f"{step.outcome}{took}".strip()


def _target(row: SessionRow) -> str:
    return form.one_line(row.merge_target or row.base_branch or "its target")


def _merge_error(row: SessionRow) -> str:
    error = form.one_line(row.merge_error or "").replace(" · ", ", ")
    return error.replace(row.branch, "its branch") if row.branch else error


def facts(detail: SessionDetail, known: Known) -> list[Fact]:
    """Command, Tried, Handler, Error, Worktree, Resume, Agent: those that there are."""
    row, step = detail.row, step_in_question(detail)
    if row.state is State.MERGE_FAILED:
        return [*_of_merge(row, known.merge), _worktree(detail, known.worktree)]
    if row.state in SILENT_STATES:
        return [*_of_silence(detail, step, known), _worktree(detail, known.worktree)]
    found: list[Fact] = []
    if step is not None:
        command = short_label(step.command or step.label)
        found.append(Fact.of("Command", command, "fg", wraps=True))
        found.append(Fact.of("Tried", _tried(step, known.evidence)))
        if step.handlers:
            found.append(Fact.of("Handler", _handlers(step)))
    if known.evidence.message:
        found.append(Fact.of("Error", known.evidence.message, "fg", wraps=step is None))
    found.append(_worktree(detail, known.worktree))
    found.append(Fact.of("Resume", _resume(detail, known.worktree)))
    if detail.claude_session:
        found.append(Fact.of("Agent", f"claude --resume {detail.claude_session}"))
    return found


# -- each of them ----------------------------------------------------------------------------------


def _tried(step: StepView, evidence: Evidence) -> str:
    runs = [span for span in attempts(step) if not span.running]
    if not runs:
        return form.count(max(1, step.attempts), "time")
    if len(runs) == 1:
        return _tried_once(runs[0], step.plan.timeout if step.plan is not None else None)
    times = ", ".join(form.duration(span.took, finished=True) for span in runs[-6:])
    shown = "…, " if len(runs) > 6 else ""
    alike = f"; {evidence.alike}" if evidence.alike else ""
    return f"{form.count(len(runs), 'time')}{_endings(runs)}: {shown}{times}{alike}"


def _tried_once(span: Span, limit: float | None) -> str:
    if span.took is None:
        return "once"
    least = "at least " if span.is_cut_off else ""
    of = f", timeout {form.duration(limit).removesuffix(' 00s')}" if limit else ""
    return f"once, {least}{form.duration(span.took, finished=True)}{of}"


def _endings(runs: list[Span]) -> str:
    """``, exit 101 each time`` or ``, exit 1, timeout``."""
    endings = [span.outcome for span in runs]
    if len(set(endings)) == 1:
        return f", {endings[0]} each time" if endings[0] else ""
    return "".join(f", {ending or 'done'}" for ending in endings[-4:])


def _handlers(step: StepView) -> str:
    spans = [span for span in step.spans if span.kind is SpanKind.HANDLER]
    told = []
    for words in list(dict.fromkeys(step.handlers))[-2:]:
        times = step.handlers.count(words)
        words_cut = form.cut(words, _HANDLER_CELLS)
        told.append(
            f"{words_cut} {({1: 'ran once', 2: 'ran twice'}).get(times, f'ran {times} times')}"
        )
    commits = sum(span.commits for span in spans)
    made = form.count(commits, "commit") if commits else ""
    broken = [span.outcome for span in spans if span.failed and span.outcome]
    if broken:
        helped = f"failed with {broken[-1]}"
    else:
        helped = "did not help" if step.sign is StepSign.FAILED else ""
    return _joined("; ".join(told), made, helped)


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
    for file in view.files[:_SHOWN_FILES]:
        pieces.append((form.one_line(file.path), "muted"))
        if file.added:
            pieces.append((f" +{file.added}", "done"))
        if file.removed:
            pieces.append((f" −{file.removed}", "error"))
        pieces.append(("  ", "muted"))
    if len(view.files) > _SHOWN_FILES:
        pieces.append((f"and {len(view.files) - _SHOWN_FILES} more", "muted"))
    return Fact("Worktree", tuple(pieces))


def _resume(detail: SessionDetail, view: WorktreeView | None) -> str:
    words = detail.checkpoint_words
    if view is None or view.commits_there is None:
        return words
    number = detail.commits if view.ahead is None or not view.commits_there else view.ahead
    if not number:
        return words
    if view.commits_there:
        which = {1: "its commit is", 2: "both commits are"}.get(number, f"all {number} commits are")
        return f"{words}; {which} in the worktree"
    return f"{words}; its {form.count(number, 'commit')} are no longer in the worktree"


def _of_silence(detail: SessionDetail, step: StepView | None, known: Known) -> list[Fact]:
    """What is at work, and since when, as far as this machine can tell."""
    row, found = detail.row, []
    if step is not None:
        command = short_label(step.command or step.label)
        found.append(Fact.of("Command", command, "fg", wraps=True))
    if row.owner_pid is not None:
        where = (
            f" on {form.one_line(row.owner_host)}" if row.owner_host and not known.process else ""
        )
        found.append(Fact.of("Owner", _joined(f"process {row.owner_pid}{where}", known.process)))
    if detail.claude_session:
        found.append(Fact.of("Agent", f"claude --resume {detail.claude_session}"))
    return found


def _of_merge(row: SessionRow, found: MergeView | str | None) -> list[Fact]:
    """What stood against the merge, and what another one would meet now."""
    target = _target(row)
    kept = Fact.of("Target", f"nothing was changed in {target}")
    if found is None:
        asking = "asking git what stands against it"
        return [Fact.of("Conflict", asking), Fact.of("Branch", asking), kept]
    if isinstance(found, str):
        return [Fact.of("Conflict", found), kept]
    names = ", ".join(form.one_line(name) for name in found.conflicts)
    conflict = Fact.of("Conflict", names or f"none with {target} as it is now", "fg", wraps=True)
    moved = f"; {target} moved by {found.behind} since" if found.behind else ""
    branch = Fact(
        "Branch",
        (
            (f"{form.count(found.commits, 'commit')}, {form.count(found.files, 'file')} ", "muted"),
            (f"+{found.insertions}" if found.insertions else "", "done"),
            (f" −{found.deletions}" if found.deletions else "", "error"),
            (moved, "muted"),
        ),
    )
    settle = f"o, then git merge {target}, settle it, commit; m merges again"
    told = [Fact.of("Settle", settle)] if found.conflicts else []
    return [conflict, branch, kept, *told]


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
