"""What the dashboard does to sessions: it asks their owners, and it starts processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from store.errors import StoreError
from store.home import Home

if TYPE_CHECKING:
    from app.tui.details import MergeView, PlanView, ResumeChoice
    from orchestrator.launch import Launched

Result = TypeVar("Result")


class Refused(Exception):
    """An action was not done; the text says why and what helps."""


class Doer:
    """Everything that changes something; each call may block, and is made in a thread."""

    home: Home
    clock: Callable[[], datetime]

    @property
    def prodigy_word(self) -> str:
        """How the program is typed so that it acts on this home."""
        raise NotImplementedError

    def ask(self, run_id: str, action: str) -> None:
        """Ask the owner of a run for ``pause``, ``pause_now`` or ``cancel``.

        Raises:
            Refused: it is not running, or the request cannot be written.
        """
        from orchestrator import control

        done(lambda: control.ask(self.home, run_id, action, tool="prodigy-tui"))

    def cancel_at_rest(self, run_id: str) -> None:
        """Cancel a session nobody runs.

        Raises:
            Refused: it cannot be cancelled.
        """
        from orchestrator import control

        done(lambda: control.cancel_at_rest(self.home, run_id, tool="prodigy-tui"))

    def archive(self, run_id: str) -> None:
        """Hide a session from lists.

        Raises:
            Refused: it is live, or has no record that can be written.
        """
        from orchestrator.archiving import archive

        done(lambda: archive(self.home, run_id))

    def restore(self, run_id: str) -> None:
        """Show an archived session again.

        Raises:
            Refused: its record cannot be written.
        """
        from orchestrator.archiving import restore

        done(lambda: restore(self.home, run_id))

    def merge_check(self, run_id: str) -> MergeView:
        """What merging a session would bring into its target. Runs git.

        Raises:
            Refused: there is nothing to merge, or nothing to merge it into.
        """
        from app.tui.details import MergeView
        from orchestrator.merging import check_merge

        found = done(lambda: check_merge(self.home, run_id))
        return MergeView(found.target, found.commits, found.files, found.insertions,
                         found.deletions, found.behind, found.conflicts,
                         found.uncommitted)  # fmt: skip

    def start_merge(self, run_id: str) -> Launched:
        """Merge a session, as a process of its own.

        Raises:
            Refused: it cannot be started.
        """
        from orchestrator.launch import launch_merge

        return done(lambda: launch_merge(self.home, run_id))

    def failure_report(self, run_id: str) -> str:
        """What failed and the end of its output, as ``prodigy sessions show --failure`` says it.

        Raises:
            Refused: it could not be told.
        """
        import subprocess

        from orchestrator.launch import own_command

        command = [*own_command(), "sessions", "show", run_id, "--failure", "--plain"]
        environment = {**os.environ, "PRODIGY_HOME": str(self.home.root)}
        told = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if told.returncode:
            raise Refused(told.stderr.decode("utf-8", "replace").strip() or "it cannot be told")
        return told.stdout.decode("utf-8", "replace")

    def plan(self, run_id: str, choice: ResumeChoice) -> PlanView:
        """What a resume would do.

        Raises:
            Refused: no plan can be made.
        """
        from app.tui.planning import make_plan

        return done(lambda: make_plan(self.home, run_id, choice, self.clock(), self.prodigy_word))

    def workflow_difference(self, run_id: str) -> tuple[str, ...]:
        """What the workflow file on disk has otherwise than the copy saved with the session.

        Raises:
            Refused: they cannot be compared.
        """
        from app.tui.planning import difference

        return done(lambda: difference(self.home, run_id))

    def resume(self, run_id: str, arguments: Sequence[str], *, wait_seconds: float = 20.0) -> None:
        """Start a resume as a process of its own, and wait until it owns the session.

        Raises:
            Refused: it could not be started, or ended before; with its own words.
        """
        from orchestrator.launch import LaunchFailed, launch_resume

        def launch() -> None:
            try:
                launch_resume(self.home, run_id, arguments).wait_for_record(wait_seconds)
            except LaunchFailed as failed:
                raise Refused(failed.output.strip() or str(failed)) from failed

        done(launch)

    def start(
        self, arguments: Sequence[str], directory: Path, *, wait_seconds: float = 20.0
    ) -> str:
        """Start a run as a process of its own, and wait for its session record.

        Args:
            arguments: those of ``prodigy run``.
            directory: where it is started.
            wait_seconds: how long to wait for the record.

        Returns:
            The id of the session.

        Raises:
            Refused: it could not be started, or ended before it had a record; with its own words.
        """
        from orchestrator.launch import LaunchFailed, launch_run
        from store.home import new_session_id

        run_id = new_session_id()

        def launch() -> str:
            launched = launch_run(["run", *arguments], self.home, directory, run_id)
            try:
                launched.wait_for_record(wait_seconds)
            except LaunchFailed as failed:
                raise Refused(failed.output.strip() or str(failed)) from failed
            return launched.session_id

        return done(launch)


def done(what: Callable[[], Result]) -> Result:
    """Do something, and turn whatever stops it into words for people."""
    from orchestrator.refusal import Refused as NotDone

    try:
        return what()
    except NotDone as refused:
        raise Refused(_words(str(refused), refused.hint)) from refused
    except StoreError as error:
        raise Refused(_words(str(error), error.hint)) from error
    except OSError as error:
        raise Refused(error.strerror or str(error)) from error
    except Refused:
        raise
    except Exception as error:  # a mistake of ours is said too: no key does nothing
        raise Refused(f"{type(error).__name__}: {error}") from error


def _words(reason: str, hint: str | None) -> str:
    return f"{reason}; {hint}" if hint else reason
