"""``prodigy pause`` and ``prodigy cancel``: asking the owner of a run, and its answer."""

from __future__ import annotations

from collections.abc import Sequence

from app.cli.arguments import span
from app.cli.command import argument, command, flag, option
from app.cli.failure import EXIT_FAILED, CommandFailed, failure_of, usage_error
from app.cli.invocation import Invocation
from app.cli.prompts import confirmed
from app.cli.runs import open_catalog, resolve_run, row_of
from app.cli.session_object import step_number
from app.format import count, short_id
from app.status_style import word_of
from store.catalog import SessionFilter
from store.row import SessionRow
from store.states import State

_ANSWER_SECONDS = 10.0
_NO_LIMIT = 10 * 365 * 86_400.0
_STOPPABLE = frozenset(
    {State.INTERRUPTED, State.PAUSED, State.FAILED, State.NO_RECORD, State.UNKNOWN}
)
_OF_REPO = option("--repo", metavar="R", help="With --all: only of this repository.")
_OF_WORKFLOW = option("--workflow", metavar="W", help="With --all: only of this workflow.")
_WAIT = option(
    "--wait",
    type=span("s"),
    is_flag=False,
    flag_value=_NO_LIMIT,
    metavar="[T]",
    help="Wait until it happened, at most T.",
)


@command(
    "pause",
    help="""Pause runs after the step they are in.

    With --now the step is ended within a second and runs again at resume.""",
    examples=("prodigy pause 7c1e --wait", "prodigy pause --all --repo api --now"),
)
@argument("ids", metavar="ID…", nargs=-1)
@flag("--now", help="End the step under way; resume repeats it.")
@flag("--all", "everything", help="Every running session.")
@_OF_REPO
@_OF_WORKFLOW
@_WAIT
def pause(
    invocation: Invocation,
    *,
    ids: tuple[str, ...],
    now: bool,
    everything: bool,
    repo: str | None,
    workflow: str | None,
    wait: float | None,
) -> int:
    action = "pause_now" if now else "pause"
    meant = _meant(invocation, ids, everything, repo, workflow)
    return _Asking(invocation, action, wait).ask_all(meant)


@command(
    "cancel",
    help="""End runs for good: they cannot be resumed. Worktrees and branches stay.

    To stop a run and go on later, pause it.""",
    examples=("prodigy cancel 7c1e", "prodigy cancel --all --workflow fix --force"),
)
@argument("ids", metavar="ID…", nargs=-1)
@flag("-f", "--force", "-y", "--yes", "force", help="Do not ask.")
@flag("--all", "everything", help="Every running session.")
@_OF_REPO
@_OF_WORKFLOW
@_WAIT
def cancel(
    invocation: Invocation,
    *,
    ids: tuple[str, ...],
    force: bool,
    everything: bool,
    repo: str | None,
    workflow: str | None,
    wait: float | None,
) -> int:
    meant = _meant(invocation, ids, everything, repo, workflow)
    if meant:
        what = short_id(meant[0]) if len(meant) == 1 else count(len(meant), "session")
        question = f"Cancel {what}? This is final"
        otherwise = "prodigy cancel ID --force does it"
        if not confirmed(invocation, question, force=force, otherwise=otherwise):
            return 0
    return _Asking(invocation, "cancel", wait).ask_all(meant)


def _meant(
    invocation: Invocation,
    ids: Sequence[str],
    everything: bool,
    repo: str | None,
    workflow: str | None,
) -> list[str]:
    """The runs somebody means, by id or all that are live."""
    if everything == bool(ids):
        raise usage_error("name the sessions, or give --all" if not ids
                          else "--all and an ID contradict each other")  # fmt: skip
    if not everything:
        if repo or workflow:
            raise usage_error("--repo and --workflow go with --all")
        return list(ids)
    wanted = SessionFilter(repo=repo, workflow=workflow)
    return [row.id for row in open_catalog(invocation).rows(wanted) if row.state.is_live]


class _Asking:
    """Asks runs to stop, one after the other, and then waits for what becomes of it."""

    def __init__(self, invocation: Invocation, action: str, wait: float | None) -> None:
        self._invocation = invocation
        self._action = action
        self._wait = wait
        self._reports: list[dict[str, object]] = []

    def ask_all(self, texts: Sequence[str]) -> int:
        failures: list[CommandFailed] = []
        asked: list[str] = []
        for text in texts:
            try:
                run_id = resolve_run(self._invocation, text)
                if self._ask(run_id):
                    asked.append(run_id)
            except Exception as error:  # each run is told on its own
                failure = failure_of(error)
                if failure is None or len(texts) == 1:
                    raise
                self._invocation.out.error(failure)
                failures.append(failure)
        silent = [self._await(run_id) for run_id in asked]
        out = self._invocation.out
        if out.settings.json:
            out.json({"sessions": self._reports, "total": len(self._reports)})
        elif not texts:
            out.line("No session is running.")
        return EXIT_FAILED if failures or not all(silent) else 0

    def _ask(self, run_id: str) -> bool:
        """Ask one run; False when there is nothing left to wait for."""
        from orchestrator import control

        row = row_of(self._invocation, run_id)
        if self._action == "cancel" and not row.state.is_live:
            self._cancel_at_rest(row)
            return False
        if self._action != "cancel" and row.state is State.PAUSED:
            self._report(row, "already paused")
            return False
        control.ask(self._invocation.home, run_id, self._action)
        return True

    def _cancel_at_rest(self, row: SessionRow) -> None:
        from orchestrator import control

        if row.state is State.CANCELLED:
            self._report(row, "already cancelled")
            return
        if row.state not in _STOPPABLE:
            word = word_of(row.state)
            raise CommandFailed(
                f"{row.id} is {word}: there is nothing to cancel",
                code="not_running",
                session=row.id,
            )
        control.cancel_at_rest(self._invocation.home, row.id)
        self._report(row_of(self._invocation, row.id), "cancelled")

    def _await(self, run_id: str) -> bool:
        """Wait for an answer; False when the owner does not give one."""
        from orchestrator import control

        answer = control.wait_answer(
            self._invocation.home,
            run_id,
            self._action,
            _ANSWER_SECONDS if self._wait is None else self._wait,
            until_obeyed=self._wait is not None,
        )
        row = row_of(self._invocation, run_id)
        if answer.done:
            self._report(row, _settled_words(row, self._action))
            return True
        self._invocation.out.warning(f"{run_id}: no answer; {answer.description}")
        self._report(row, word_of(row.state))
        return False

    def _report(self, row: SessionRow, words: str) -> None:
        self._reports.append({"id": row.id, "state": str(row.state), "message": words})
        if not self._invocation.out.settings.json:
            self._invocation.out.line(self._invocation.out.own(f"{row.id}  {words}"))


def _settled_words(row: SessionRow, action: str) -> str:
    if row.state is State.PAUSED:
        if row.stop_kind == "pause_now":
            return f"paused in step {step_number(row)}/{row.total_steps}, which runs again"
        return f"paused after step {row.step_index}/{row.total_steps}"
    if row.state is State.PAUSING:
        when = "in" if action == "pause_now" else "after"
        return f"pausing: stops {when} step {step_number(row)}/{row.total_steps}"
    return word_of(row.state)
