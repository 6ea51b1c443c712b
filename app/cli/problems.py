"""Problems of files people write, as lines with positions and as objects."""

from __future__ import annotations

import json
from collections.abc import Sequence

from app.cli.failure import CommandFailed
from app.cli.output import Output
from app.format import count, visible
from orchestrator.workflow.problems import Problem, Severity


def print_problems(out: Output, problems: Sequence[Problem], failure: CommandFailed) -> None:
    """All problems on stderr, sorted by place, then how many; or the error with all of them."""
    if out.settings.json:
        document = failure.document()
        document["error"]["problems"] = [  # type: ignore[index]
            problem_object(problem) for problem in problems
        ]
        out.stderr.write(f"{json.dumps(document)}\n")
        return
    for line in problem_lines(problems):
        out.stderr.write(f"{out.own(line)}\n")
    out.error(failure)


def problem_lines(problems: Sequence[Problem]) -> list[str]:
    """Each problem on a line, then the number of errors and warnings of each file."""
    lines = [described(problem) for problem in problems]
    for file in dict.fromkeys(problem.position.file for problem in problems):
        counted = count_of([one for one in problems if one.position.file == file])
        lines.append(f"{visible(file)}: {counted}")
    return lines


def described(problem: Problem) -> str:
    """One problem; a variable of the environment has no line and column."""
    text = visible(str(problem))
    place = str(problem.position)
    if problem.position.file.startswith("environment variable"):
        return text.replace(place, problem.position.file, 1)
    return text


def count_of(problems: Sequence[Problem]) -> str:
    """``2 errors, 1 warning``."""
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    warnings = len(problems) - errors
    counted = [count(errors, "error") if errors else "", count(warnings, "warning")]
    return ", ".join(part for part in counted if part and not part.startswith("0 "))


def problem_object(problem: Problem) -> dict[str, object]:
    """A problem for machines."""
    return {
        "file": problem.position.file,
        "line": problem.position.line,
        "column": problem.position.column,
        "severity": str(problem.severity),
        "code": problem.code,
        "message": problem.message,
        "suggestion": problem.suggestion,
    }
