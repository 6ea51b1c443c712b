"""Which run of a step's command it is in its pass; logs count on over all passes."""

from __future__ import annotations

from orchestrator.reporting import PassStarted, RunEvent, StepStarted


class AttemptNumbers:
    """Follows the events of one run."""

    def __init__(self) -> None:
        self._newest: dict[int, int] = {}
        """The highest attempt told of each step."""
        self._before: dict[int, int] = {}
        """The same when the pass began."""
        self._is_first_pass = True

    def note(self, event: RunEvent) -> None:
        """Take from an event what counting needs."""
        if isinstance(event, PassStarted) and event.number > 1:
            self._before, self._is_first_pass = dict(self._newest), False
        elif isinstance(event, StepStarted):
            index, attempt = event.index, event.attempt
            if not self._is_first_pass and index not in self._newest:  # resumed in a later pass
                self._before[index] = attempt - 1
            self._newest[index] = attempt

    def of_pass(self, index: int, attempt: int) -> int:
        """The number of an attempt in the present pass, from 1."""
        return max(1, attempt - self._before.get(index, 0))
