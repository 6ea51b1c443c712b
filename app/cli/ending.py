"""The last thing a run says: what is so now, and what to type next."""

from __future__ import annotations

from app.cli.failure import CommandFailed
from app.cli.invocation import Invocation
from app.cli.places import tilde
from app.cli.progress import Progress
from app.format import cost, count, duration, visible
from app.status_style import to_ascii, word_of
from orchestrator.reporting import RunResult
from store.errors import StoreError
from store.states import State

_COMPLETE = frozenset({State.COMPLETED, State.UNMERGED, State.MERGED, State.MERGE_FAILED})
_HANG_UP = 129


def tell_ending(
    invocation: Invocation, progress: Progress, result: RunResult, *, resumed: bool = False
) -> int:
    """Show how a run or resume ended, in words or as one JSON document.

    Returns:
        The exit code.
    """
    progress.stop()
    if result.exit_code == _HANG_UP:
        progress.silence()
    if progress.is_silent:
        return result.exit_code
    if invocation.out.settings.json:
        _tell_document(invocation, result)
    elif result.state in _COMPLETE and result.failed_step is None:
        _tell_complete(invocation, progress, result, resumed)
    elif result.state == State.FAILED or result.exit_code == 1:
        _tell_failure(invocation, progress, result)
    else:
        _tell_stop(invocation, progress, result)
    return result.exit_code


def _tell_document(invocation: Invocation, result: RunResult) -> None:
    document = run_document(invocation, result)
    invocation.out.json(document)
    invocation.out.stdout.flush()
    if result.exit_code:
        invocation.out.error(_failure(invocation, result))


def run_document(invocation: Invocation, result: RunResult) -> dict[str, object]:
    """The session object with its steps, and how this call ended."""
    from app.cli.runs import open_catalog
    from app.cli.session_object import session_object
    from app.cli.session_steps import checkpoint_of, steps_of

    row = open_catalog(invocation).row(result.session_id)
    if row is None:
        return {"id": result.session_id, "state": result.state, "steps": []}
    checkpoint = checkpoint_of(invocation.home, row.id)
    document = session_object(row)
    document["steps"] = [step.document() for step in steps_of(invocation.home, row, checkpoint)]
    document["exit_code"] = result.exit_code
    document["message"] = result.message
    return document


def _tell_complete(
    invocation: Invocation, progress: Progress, result: RunResult, resumed: bool
) -> None:
    facts = [
        count(result.total_steps, "step"),
        count(result.commits, "commit"),
        duration(result.duration_seconds, finished=True),
    ]
    if result.cost_usd is not None:
        facts.append(cost(result.cost_usd))
    lines = []
    if resumed:
        lines.append("Resumed session completed successfully")
    lines.append(f"Session complete: {', '.join(facts)}")
    if result.state != State.COMPLETED:
        word = word_of(State(result.state), invocation.out.ascii)
        where = f", worktree {tilde(result.worktree)}" if result.worktree.exists() else ""
        lines += _block([(word, f"{result.branch}{where}"), ("next", result.next_command or "")])
    elif result.kept:
        lines += _block([("kept", result.kept), ("", tilde(result.worktree))])
    for line in lines:
        _say(invocation, progress, line)
    if result.exit_code:
        progress.stderr.line(f"error: {visible(result.message)}")


def _tell_stop(invocation: Invocation, progress: Progress, result: RunResult) -> None:
    word = word_of(State(result.state), invocation.out.ascii)
    lines = [
        visible(result.message),
        *_block(
            [
                (word, f"{result.branch}, worktree {tilde(result.worktree)}"),
                ("kept", result.kept),
                ("next", result.next_command or ""),
            ]
        ),
    ]
    if result.state != State.CANCELLED:
        lines.append(f"Resume with: prodigy resume {result.session_id}")
    for line in lines:
        _say(invocation, progress, line)


def _tell_failure(invocation: Invocation, progress: Progress, result: RunResult) -> None:
    if not progress.stderr.is_silent:
        invocation.out.error(_failure(invocation, result))


def _failure(invocation: Invocation, result: RunResult) -> CommandFailed:
    step = result.failed_step
    facts: list[tuple[str, str]] = []
    if step is not None:
        code = f" (exit {step.exit_code})" if step.exit_code is not None else ""
        name = f'step {step.index + 1} "{step.label}"'
        message = f"{name} failed{code} in {result.session_id}"
        first = step.message.strip().partition("\n")[0]
        if not first.startswith(f"Step '{step.label}' failed with exit code"):
            facts.append(("reason", first))
        if step.log is not None:
            facts.append(("log", f"{tilde(step.log)} (last lines above)"))
    else:
        message = f"{result.message} ({result.session_id})"
        facts.append(("log", _run_log(invocation, result.session_id)))
    facts.append(("kept", result.kept))
    return CommandFailed(
        message,
        code="step_failed" if step is not None else str(result.state),
        exit_code=result.exit_code,
        hint=result.next_command or "",
        facts=tuple((label, text) for label, text in facts if text),
        session=result.session_id,
    )


def _block(facts: list[tuple[str, str]]) -> list[str]:
    shown = [(label, text) for label, text in facts if text]
    widest = max((len(label) for label, _ in shown), default=0)
    return [f"  {label:{widest}}   {visible(text)}" for label, text in shown]


def _say(invocation: Invocation, progress: Progress, line: str) -> None:
    progress.stdout.line(to_ascii(line) if invocation.out.ascii else line)


def _run_log(invocation: Invocation, run_id: str) -> str:
    """Where the run's own diagnostics are, for messages; empty when there are none."""
    try:
        path = invocation.home.run_log(run_id)
    except StoreError:
        return ""
    return tilde(path) if path.exists() else ""
