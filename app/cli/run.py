"""``prodigy run``: a workflow in a new session, here or in a process of its own."""

from __future__ import annotations

import os
from pathlib import Path

from app.cli.arguments import STEP_NUMBER
from app.cli.command import argument, command, flag, option
from app.cli.failure import CommandFailed, not_found, usage_error
from app.cli.invocation import Invocation
from app.cli.run_line import RunCommand
from orchestrator.reporting import RunRequest


@command(
    "run",
    cls=RunCommand,
    help="""Run a workflow in a git worktree of its own, in a new session.

    WORKFLOW is relative to this directory. The run begins at the commit that is checked out; files
    that are not committed are no part of it.""",
    examples=("prodigy run fix.yml --yes", "prodigy run fix.yml --args 214 215 --detach"),
)
@argument("workflow", required=False)
@argument("words", nargs=-1, metavar="")
@option("-p", "--path", metavar="DIR", help="Run in the repository of this directory.")
@option("-n", "--max-iterations", type=STEP_NUMBER, metavar="N", help="Repeat the steps (1).")
@option("--map", "map_patterns", multiple=True, metavar="GLOB", help="Run once per file.")
@option("--args", "values", multiple=True, metavar="VALUE…", help="Run once per value.")
@option("--param", "params", multiple=True, metavar="K=V", help="Set a parameter.")
@option("--param-file", metavar="F", help="Parameters from a JSON or YAML file.")
@option("--profile", metavar="NAME", help="Use this profile of the workflow.")
@flag("--fail-fast", help="Stop at the first input that fails.")
@flag("--strict", help="Unknown keys and undefined names are errors.")
@flag("-y", "--yes", "--auto-accept", "--auto-merge", "yes", help="Merge at the end, unasked.")
@flag("--no-merge", help="Leave the merge open, unasked.")
@option("--resume", "resume_id", metavar="ID", help="Continue this session (prodigy resume).")
@flag("--dry-run", help="Show what would run; nothing is written.")
@flag("--detach", help="Run in a process of its own; prints the session id.")
@option("--session-id", metavar="ID", hidden=True)
def run(
    invocation: Invocation,
    *,
    workflow: str | None,
    words: tuple[str, ...],
    path: str | None,
    max_iterations: int | None,
    map_patterns: tuple[str, ...],
    values: tuple[str, ...],
    params: tuple[str, ...],
    param_file: str | None,
    profile: str | None,
    fail_fast: bool,
    strict: bool,
    yes: bool,
    no_merge: bool,
    resume_id: str | None,
    dry_run: bool,
    detach: bool,
    session_id: str | None,
) -> int | None:
    if words:
        raise usage_error(f"unexpected argument '{words[0]}'", "further values stand after --args")
    if yes and no_merge:
        raise usage_error("--yes and --no-merge contradict each other")
    merge = True if yes else False if no_merge else None
    if resume_id is not None:
        if workflow is not None:
            raise usage_error("--resume continues with the workflow of its session; name no other")
        from app.cli.resume import continue_run

        return continue_run(invocation, resume_id, merge=merge, detach=detach)
    if workflow is None:
        raise usage_error("WORKFLOW is missing", "prodigy run WORKFLOW")
    file = Path(os.path.abspath(Path(workflow).expanduser()))
    if not file.exists():
        raise not_found(f"no workflow file at {workflow}", _near_files(file))
    request = RunRequest(
        workflow=file,
        directory=directory_of(path),
        session_id=session_id,
        args=values,
        map_patterns=map_patterns,
        parameters=_parameters(params),
        parameter_file=absolute(param_file) if param_file is not None else None,
        max_iterations=max_iterations,
        profile=profile,
        strict=strict,
        fail_fast=fail_fast,
        merge=merge,
    )
    if dry_run:
        from app.cli.dry_run import show_dry_run

        return show_dry_run(invocation, request)
    if detach:
        from app.cli.detached import start_detached

        return start_detached(invocation, request)
    from app.cli.foreground import run_here

    return run_here(invocation, request)


def directory_of(path: str | None) -> Path:
    """The directory ``--path`` names, or the present one.

    Raises:
        CommandFailed: there is no such directory.
    """
    if path is None:
        return Path.cwd()
    directory = absolute(path)
    if not directory.is_dir():
        raise CommandFailed(f"no directory {path}", code="no_directory")
    return directory


def absolute(text: str) -> Path:
    """A path of the command line, ``~`` expanded, made absolute."""
    return Path(os.path.abspath(Path(text).expanduser()))


def _parameters(params: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in params:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise usage_error(f"--param expects NAME=VALUE, got '{text}'")
        if name.strip() in found:
            raise usage_error(f"parameter '{name.strip()}' is given twice")
        found[name.strip()] = value
    return found


def _near_files(missing: Path) -> str:
    """Workflow files beside the missing one whose name is near."""
    from orchestrator.workflow.suggest import nearest

    places = (
        missing.parent,
        missing.parent / "workflows",
        missing.parent / ".prodigy" / "workflows",
    )
    found = [file for place in places if place.is_dir() for file in place.glob("*.y*ml")]
    names = {file.name: file for file in found}
    if missing.name in names:
        return f"prodigy run {os.path.relpath(names[missing.name])}"
    near = nearest(missing.name, tuple(names))
    return f"prodigy run {os.path.relpath(names[near])}" if near else ""
