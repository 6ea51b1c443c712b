"""The worktree of a run that goes on: what was left alive ended, what was lost made again."""

from __future__ import annotations

from pathlib import Path

from orchestrator.config import Config
from orchestrator.git.backup import save_edits
from orchestrator.git.command import Git
from orchestrator.git.repository import Repository
from orchestrator.git.worktrees import (
    clear_dead_locks,
    is_worktree,
    make_anew,
    remake_from_branch,
)
from orchestrator.reopening import Reopened
from orchestrator.reporting import Report, Warned
from orchestrator.steps.process_end import end_marked
from orchestrator.stopped_run import StoppedRun


def settle_processes(
    run_id: str, reopened: Reopened, run: StoppedRun, config: Config, report: Report
) -> None:
    """End whatever a killed owner's steps left running, then clear the locks git left."""
    for found in end_marked(run_id, None, grace_seconds=config.kill_grace_seconds):
        report(Warned(f"ended a process that an earlier attempt left: {found.pid} {found.name}"))
    for lock in clear_dead_locks(reopened.repository, run.worktree, run.branch):
        report(Warned(f"removed a lock that a killed git left: {lock.name}"))


def bring_back(
    run: StoppedRun, repository: Repository, base: str, *, anew: bool, report: Report
) -> None:
    """Make sure the worktree is there and whole.

    Args:
        run: whose worktree.
        repository: it belongs to.
        base: the commit it began at.
        anew: no step has run in it, so whatever is there is made once more.
        report: told what was done.

    Raises:
        GitError: it cannot be made.
    """
    if anew:
        make_anew(repository, run.worktree, run.branch, base)
    elif not is_worktree(run.worktree):
        moved = remake_from_branch(repository, run.worktree, run.branch)
        report(Warned(f"its worktree was gone: made again from {run.branch}"))
        if moved is not None:
            report(Warned(f"files that stood in its place are in {moved}"))


def put_back(worktree: Path, run_id: str, branch: str, commit: str, report: Report) -> None:
    """Put a worktree and its branch back to a commit, all that is there saved under a reference.

    Raises:
        GitError: it cannot be saved or put back; then nothing was changed.
    """
    git = Git(worktree)
    backup = save_edits(worktree, run_id)
    head = git.look("rev-parse", "HEAD").text
    if backup is not None:
        report(Warned(f"edits saved as {backup.reference}"))
    elif head != commit:
        reference = f"refs/prodigy/backup/{run_id}/head-{head[:12]}"
        git.run("update-ref", reference, head, hooks=False)
        report(Warned(f"commits saved as {reference}"))
    # Its own branch by name: somebody may have checked out another one, which stays as it is.
    git.run("checkout", "--quiet", "--force", "-B", branch, commit, "--", hooks=False)
    git.run("clean", "-fdq", hooks=False)
