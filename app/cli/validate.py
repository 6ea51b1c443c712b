"""``prodigy validate``: every problem of workflow files, with its place and what was meant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from app.cli.command import argument, command, flag, option
from app.cli.failure import EXIT_DONE, EXIT_NOT_FOUND, EXIT_USAGE
from app.cli.invocation import Invocation
from app.cli.problems import count_of, described, problem_object
from app.format import count, visible
from orchestrator.workflow.load import load_workflow
from orchestrator.workflow.problems import Position, Problem, Severity


@command(
    "validate",
    help="""Find every problem of workflow files: line, column, and the nearest valid name.

    Nothing is run. A file with warnings only is valid, unless --strict.""",
    examples=("prodigy validate fix.yml", "prodigy validate workflows/*.yml --strict --json"),
)
@argument("workflows", metavar="WORKFLOW…", nargs=-1, required=True)
@flag("--strict", help="Warnings are errors.")
@option(
    "--format",
    "form",
    type=click.Choice(["full", "simplified"]),
    default="full",
    metavar="F",
    help="full, or simplified: one verdict a file.",
)
@click.option("--suggest/--no-suggest", default=True, help="Name what was meant (yes).")
def validate(
    invocation: Invocation, *, workflows: tuple[str, ...], strict: bool, form: str, suggest: bool
) -> int:
    checked = [(name, _check(name, strict=strict, suggest=suggest)) for name in workflows]
    out = invocation.out
    missing = any(_is_missing(problems) for _, problems in checked)
    bad = any(_is_bad(problems) for _, problems in checked)
    if out.settings.json:
        out.json(_document(checked))
    else:
        for name, problems in checked:
            _tell(invocation, name, problems, simplified=form == "simplified")
    if missing:
        return EXIT_NOT_FOUND
    return EXIT_USAGE if bad else EXIT_DONE


def _check(name: str, *, strict: bool, suggest: bool) -> tuple[Problem, ...]:
    path = Path(name).expanduser()
    if not path.exists():
        missing = Problem(Position(name), Severity.ERROR, "not_found", "there is no such file")
        return (missing,)
    problems = load_workflow(path, display=name, strict=strict).problems
    if strict:
        problems = tuple(replace(problem, severity=Severity.ERROR) for problem in problems)
    if not suggest:
        problems = tuple(replace(problem, suggestion=None) for problem in problems)
    return problems


def _is_bad(problems: tuple[Problem, ...]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def _is_missing(problems: tuple[Problem, ...]) -> bool:
    return any(problem.code == "not_found" and problem.position.line == 1
               and problem.message == "there is no such file" for problem in problems)  # fmt: skip


def _document(checked: list[tuple[str, tuple[Problem, ...]]]) -> dict[str, object]:
    return {
        "workflows": [
            {
                "path": name,
                "valid": not _is_bad(problems),
                "problems": [problem_object(problem) for problem in problems],
            }
            for name, problems in checked
        ],
        "total": len(checked),
    }


def _tell(
    invocation: Invocation, name: str, problems: tuple[Problem, ...], *, simplified: bool
) -> None:
    out = invocation.out
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    if not errors:
        sign = "" if out.ascii else "✓ "
        out.line(f"{sign}Workflow is valid: {visible(name)}")
        if problems and not simplified:
            out.notice("\n".join(f"  {described(problem)}" for problem in problems))
        return
    sign = "" if out.ascii else "× "
    lines = [f"{sign}Workflow has issues:"]
    if simplified:
        lines = [f"{sign}Workflow has issues: {visible(name)}: {count(errors, 'error')}"]
    else:
        lines += [f"  {described(problem)}" for problem in problems]
        lines.append(f"  {visible(name)}: {count_of(problems)}")
    out.stderr.write("".join(f"{out.own(line)}\n" for line in lines))
