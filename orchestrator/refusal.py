"""The one error for everything that is refused before, or instead of, doing it."""

from __future__ import annotations

from orchestrator.workflow.problems import Problem

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_FOUND = 3
EXIT_BUSY = 4


class Refused(Exception):
    """Nothing was changed, and this is why.

    Args:
        message: what is so and where; one sentence.
        code: a stable word for programs.
        exit_code: the exit code of the command line.
        problems: those of a workflow file, when that is what is wrong.
        hint: what to do; a sentence or a command.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "refused",
        exit_code: int = EXIT_FAILED,
        problems: tuple[Problem, ...] = (),
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.exit_code = exit_code
        self.problems = problems
        self.hint = hint
