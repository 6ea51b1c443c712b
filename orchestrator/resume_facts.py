"""Looking at a stopped run, its worktree and this machine: the facts a resume plan is made of."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.all_steps import every_step
from orchestrator.config import Config
from orchestrator.git.command import Git, GitError
from orchestrator.git.repository import Repository, read_head
from orchestrator.git.worktrees import branch_commit, in_progress_operation, is_worktree
from orchestrator.refusal import Refused
from orchestrator.reopening import Reopened, reopen, saved_workflow
from orchestrator.resume_plan import DoneStep, ResumeOptions, RunFacts
from orchestrator.settling import is_over_unrecorded
from orchestrator.start_again import start_command
from orchestrator.steps.foreach import items_done
from orchestrator.steps.process_end import survivors
from orchestrator.stopped_run import StoppedRun, find_repository
from orchestrator.stored_variables import restored
from orchestrator.workflow.model import StepKind, Workflow
from store import fields
from store.checkpoint import WorkflowCheckpoint
from store.failures import how_it_failed
from store.locks import Liveness
from store.states import CheckpointStatus, MergeState, SessionStatus, State
from store.step_logs import latest_log
from store.times import from_text

_CLOCK_LAG_SECONDS = 0.01
"""The times of files are those of the last tick of the kernel's clock, some milliseconds old."""


def gather(
    run: StoppedRun, environment: Mapping[str, str], config: Config, options: ResumeOptions
) -> tuple[RunFacts, Reopened | None]:
    """Find out everything a plan needs, and reopen the run where that is possible."""
    reopened: Reopened | None = None
    refused: Refused | None = None
    if not _is_over(run):
        run.named_workflow = options.workflow
        try:
            reopened = reopen(run, environment, config, use_file=options.takes_file)
        except Refused as error:
            refused = error
    if reopened is not None:
        workflow: Workflow | None = reopened.workflow
    else:
        loaded, _, _ = saved_workflow(run, environment, use_file=options.takes_file)
        workflow = loaded.workflow if loaded is not None else None
    checkpoint = run.checkpoint
    index = run.truth.step_index if options.from_checkpoint is None else 0
    if checkpoint is not None:
        index = checkpoint.index
    flight = checkpoint.x.in_flight if checkpoint is not None else None
    is_newest = options.from_checkpoint is None
    interrupted = checkpoint is not None and _was_under_way(run, checkpoint, is_newest=is_newest)
    failure = checkpoint.x.failure if checkpoint is not None else None
    return (
        RunFacts(
            session_id=run.session_id,
            state=_state(run),
            labels=_labels(run, workflow),
            done=_done(run),
            index=index,
            checkpoint_seq=checkpoint.seq if checkpoint is not None else 0,
            checkpoint_time=checkpoint.timestamp if checkpoint is not None else "",
            has_checkpoint=checkpoint is not None,
            checkpoint_problems=run.checkpoint_problems,
            passes_left=_passes_left(run, reopened),
            pass_words=_pass_words(run, reopened),
            passes_after=_passes_after(run, reopened),
            items_kept=_items_kept(run),
            failed=checkpoint is not None and checkpoint.status is CheckpointStatus.FAILED,
            failure_words=_failure_words(failure),
            in_flight=interrupted,
            in_flight_words="it was interrupted midway",
            finished=run.truth.status is SessionStatus.COMPLETED,
            cancelled=run.truth.status is SessionStatus.CANCELLED,
            live_holder=run.verdict.holder if run.verdict.liveness is Liveness.LIVE else None,
            owner_unknown=(
                run.verdict.reason if run.verdict.liveness is Liveness.UNKNOWN else None
            ),
            workflow_name=_name(run),
            read_only=_read_only(run),
            over_unrecorded=is_over_unrecorded(run),
            start_again=start_command(run),
            **_refused_facts(run, refused, workflow, environment),
            changed_on_disk=reopened is not None and reopened.other is not None,
            changed_steps=_changed_steps(reopened),
            changed_done_steps=tuple(i for i in _changed_steps(reopened) if i < index),
            file_on_disk_used=reopened is not None and reopened.from_disk,
            lost_variables=run.lost_variables,
            **_variable_facts(run, reopened),
            missing_programs=_missing_programs(workflow, environment, config),
            missing_variables=_missing_variables(run, environment),
            survivors=tuple((pid, name) for pid, name, _ in survivors(run.session_id)),
            conversation=_conversation(run, flight),
            merge_open=run.truth.merge in (MergeState.PENDING, MergeState.FAILED, "declined"),
            merged=run.truth.merge == MergeState.MERGED,
            **_worktree_facts(run),
        ),
        reopened,
    )


def _refused_facts(
    run: StoppedRun,
    refused: Refused | None,
    workflow: Workflow | None,
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """What stands against going on: no workflow, or something it needs and that is not here."""
    if refused is None:
        return {}
    if refused.code == "no_repository":
        return {"repository_gone": run.repo_path or "unknown"}
    again = f"prodigy resume {run.session_id}"
    if refused.code != "unresolved":
        words = refused.message
        if refused.problems:
            first = refused.problems[0]
            words += f": line {first.position.line}: {first.message}"
        return {"workflow_missing": words, "instead": refused.hint or start_command(run)}
    absent = [
        secret.key
        for secret in (workflow.secrets if workflow is not None else ())
        if secret.provider == "env" and secret.default is None and secret.key not in environment
    ]
    given = "".join(f"{name}=… " for name in absent)
    return {"unresolved": refused.message, "instead": refused.hint or f"{given}{again}"}


def _variable_facts(run: StoppedRun, reopened: Reopened | None) -> dict[str, Any]:
    """The variables a resume restores, and the secrets it cannot put back into them."""
    if run.checkpoint is None:
        return {}
    names = tuple(run.checkpoint.variables)
    if reopened is None:
        return {"variables": names}
    _, missing = restored(run.checkpoint, reopened.environment.secrets.values)
    return {"variables": names, "missing_secrets": tuple(missing)}


def _is_over(run: StoppedRun) -> bool:
    return run.truth.status is SessionStatus.CANCELLED


def _read_only(run: StoppedRun) -> str | None:
    if run.record is not None and run.record.read_only_reason is not None:
        return f"the record {run.home.session_file(run.session_id)}: {run.record.read_only_reason}"
    if run.checkpoint is not None and run.checkpoint.read_only is not None:
        return f"the checkpoint: {run.checkpoint.read_only}"
    return None


def _state(run: StoppedRun) -> State:
    if run.verdict.liveness is Liveness.LIVE:
        return State.RUNNING
    return run.truth.state_if_at_rest or State.NO_RECORD


def _name(run: StoppedRun) -> str:
    if run.checkpoint is not None and run.checkpoint.workflow_name:
        return run.checkpoint.workflow_name
    return run.record.workflow_name if run.record is not None else ""


def _labels(run: StoppedRun, workflow: Workflow | None) -> tuple[str, ...]:
    if workflow is not None:
        return tuple(step.label for step in workflow.steps)
    steps = run.checkpoint.completed_steps if run.checkpoint is not None else []
    done = {step.index: step.label for step in steps}
    return tuple(done.get(index, f"step {index + 1}") for index in range(run.truth.total_steps))


def _done(run: StoppedRun) -> dict[int, DoneStep]:
    if run.checkpoint is None:
        return {}
    return {
        step.index: DoneStep(
            step.commits, step.tolerated, step.skipped is not None, step.completed_at
        )
        for step in run.checkpoint.completed_steps
    }


def _was_under_way(run: StoppedRun, checkpoint: WorkflowCheckpoint, *, is_newest: bool) -> bool:
    """Whether the next step may have been begun: interrupted in it, or killed without a word."""
    if checkpoint.x.in_flight is not None:
        return True
    if checkpoint.status is not CheckpointStatus.RUNNING or not is_newest:
        return False
    told = fields.table(run.record.x.get("step")) if run.record is not None else {}
    if told.get("index") == checkpoint.index:
        return True
    return _has_newer_log(run, checkpoint)


def _has_newer_log(run: StoppedRun, checkpoint: WorkflowCheckpoint) -> bool:
    """Whether the next step has a log: that is made first, the record hears of it later."""
    log = latest_log(run.home, run.session_id, checkpoint.index)
    try:
        saved = from_text(checkpoint.timestamp).timestamp()
    except ValueError:
        return False
    return log is not None and log.modified_ns / 1e9 + _CLOCK_LAG_SECONDS >= saved


def _failure_words(failure: Mapping[str, object] | None) -> str:
    if not failure:
        return ""
    how = how_it_failed(failure)
    return f"it failed: {how}" if how else "it failed"


def _passes_left(run: StoppedRun, reopened: Reopened | None) -> int:
    if run.checkpoint is None or reopened is None:
        return 0
    return reopened.plan.total - fields.whole(run.checkpoint.x.pass_.get("number")) - 1


def _pass_words(run: StoppedRun, reopened: Reopened | None) -> str:
    if run.checkpoint is None or reopened is None or reopened.plan.total <= 1:
        return ""
    number = fields.whole(run.checkpoint.x.pass_.get("number")) + 1
    given = run.checkpoint.x.pass_.get("input")
    words = f"pass {number} of {reopened.plan.total}"
    return f"{words} ({given})" if given else words


def _passes_after(run: StoppedRun, reopened: Reopened | None) -> str:
    left = _passes_left(run, reopened)
    if reopened is None or left <= 0:
        return ""
    plan, several = reopened.plan, "s" if left > 1 else ""
    if not plan.inputs:
        return f"up to {left} more pass{'es' if several else ''}"
    words = f"{left} more input{several}"
    if several:
        return words
    return f"{words} ({reopened.environment.secrets.mask_text(plan.inputs[-1])})"


def _items_kept(run: StoppedRun) -> str:
    """Of a loop that did not come to its end: the items that are done."""
    checkpoint = run.checkpoint
    if checkpoint is None:
        return ""
    number = fields.whole(checkpoint.x.pass_.get("number"))
    found = items_done(run.home, run.session_id, number, checkpoint.index)
    if found is None or not found[0]:
        return ""
    verb = "is" if found[0] == 1 else "are"
    return f"{found[0]} of {found[1]} items {verb} done and kept"


def _changed_steps(reopened: Reopened | None) -> tuple[int, ...]:
    """Indexes at which the file on disk and the saved copy have different steps."""
    if reopened is None or reopened.other is None or reopened.other.workflow is None:
        return ()
    used, there = reopened.workflow.steps, reopened.other.workflow.steps
    longest = max(len(used), len(there))
    return tuple(
        index
        for index in range(longest)
        if index >= len(used) or index >= len(there) or used[index] != there[index]
    )


def _missing_programs(
    workflow: Workflow | None, environment: Mapping[str, str], config: Config
) -> tuple[str, ...]:
    if workflow is None:
        return ()
    needed = any(step.kind is StepKind.CLAUDE for step in every_step(workflow))
    if needed and shutil.which(config.claude_program, path=environment.get("PATH")) is None:
        return (config.claude_program,)
    return ()


def _missing_variables(run: StoppedRun, environment: Mapping[str, str]) -> tuple[str, ...]:
    """What declared values were made of and is not here: variables, and whole env files."""
    if run.checkpoint is None:
        return ()
    told = run.checkpoint.x.env
    gone = [name for name in fields.words(told.get("inherited")) if name not in environment]
    directory = Path(run.workflow_path or ".").parent
    files = [str(one.get("path")) for one in fields.rows(told.get("files"))]
    gone += [
        name for name in files if "$" not in name and not (directory / name).expanduser().exists()
    ]
    return tuple(gone)


def _conversation(run: StoppedRun, flight: Mapping[str, object] | None) -> str | None:
    told = (flight or {}).get("claude_session")
    if told is None and run.record is not None:
        told = fields.table(run.record.x.get("step")).get("claude_session")
    return told if isinstance(told, str) else None


def _worktree_facts(run: StoppedRun) -> dict[str, Any]:
    worktree = run.worktree
    facts: dict[str, Any] = {"worktree_path": str(worktree), "branch": run.branch}
    if run.checkpoint is None and run.truth.status is not SessionStatus.COMPLETED:
        # no step has run: it is made anew whatever is there
        base = run.base_commit or None
        return facts | {"worktree_present": True, "head": base, "recorded_head": base}
    try:
        repository = find_repository(run)
    except Refused:
        return facts | {"worktree_present": False, "branch_present": False}
    facts["branch_present"] = branch_commit(repository, run.branch) is not None
    facts["worktree_present"] = is_worktree(worktree)
    if facts["worktree_present"]:
        facts |= _head_facts(run, repository, worktree)
    elif not facts["branch_present"] and run.checkpoint is not None:
        facts |= _lost_branch_facts(repository, run.branch, run.checkpoint.x.head_last)
    return facts


def _lost_branch_facts(
    repository: Repository, branch: str, last: str | None
) -> dict[str, str | None]:
    """How to make the branch again while git has not thrown away what it pointed to."""
    if last is None or not Git(repository.path).succeeds("cat-file", "-e", f"{last}^{{commit}}"):
        return {}
    words = ("git", "-C", str(repository.path), "branch", branch, last[:12])
    return {"recorded_head": last, "branch_again": shlex.join(words)}


def _head_facts(run: StoppedRun, repository: Repository, worktree: Path) -> dict[str, Any]:
    git = Git(worktree)
    recorded = run.checkpoint.x.head_last if run.checkpoint is not None else None
    try:
        head = read_head(worktree)
        dirty = git.look("status", "--porcelain=v1", "-z", "--no-renames").fields
        operation = in_progress_operation(worktree)
    except GitError:
        return {"worktree_present": False, "worktree_is_left": True}
    is_ancestor = ("merge-base", "--is-ancestor", str(recorded), head)
    moved_away = recorded is not None and not git.succeeds(*is_ancestor)
    since = 0
    if recorded and not moved_away and head != recorded:
        since = int(git.look("rev-list", "--count", f"{recorded}..{head}").text)
    return {
        "head": head,
        "recorded_head": recorded,
        "head_moved_away": moved_away,
        "commits_since": since,
        "uncommitted": len(dirty),
        "operation": operation,
    }
