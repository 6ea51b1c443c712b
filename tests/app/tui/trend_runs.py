"""Three months of runs, the same every time, for the pictures and tests of Trends."""

from __future__ import annotations

from collections.abc import Iterator

from store.states import SessionStatus
from tests.app.tui.prepared_store import Run, Step

_DAY = 86_400
_WORKFLOWS = (
    # name, days between runs, seconds of its steps, one in so many fails, cost, grows
    ("fix-issue", 0.4, (30, 360, 90), 31, 0.26, 1.0),
    ("fix-flaky-tests", 1.0, (12, 370, 84), 3, 0.8, 1.3),
    ("release-notes", 1.3, (5, 430), 8, 0.33, 1.0),
    ("nightly-refactor", 1.0, (3600, 7200), 0, 0.8, 1.0),
    ("upgrade-deps", 2.5, (200, 2080), 4, 0.83, 1.0),
    ("weekly-report", 7.0, (60, 5), 0, 0.1, 1.0),
)
_LABELS = ("shell: make build", "claude: /work-on-it", "shell: pytest -q")


def trend_runs(days: int = 60) -> Iterator[Run]:
    """Runs of six workflows over so many days up to now."""
    number = 0x2000
    chance = 20_260_115
    for name, every, seconds, fails, cost, grows in _WORKFLOWS:
        for place in range(int(days / every)):
            number += 1
            chance = (chance * 1_103_515_245 + 12_345) % 2**31
            share = chance / 2**31
            age = place * every * _DAY + share * 0.2 * _DAY
            factor = (0.8 + 0.5 * share) * (grows if age < 30 * _DAY else 1.0)
            failed = bool(fails) and place % fails == fails - 1
            attempts = 2 if failed or (fails and share > 0.8) else 1
            steps = tuple(
                Step(
                    _LABELS[index],
                    (length * factor,) * (attempts if index == len(seconds) - 1 else 1),
                    cost * factor if index == 1 else None,
                )
                for index, length in enumerate(seconds)
            )
            yield Run(
                number, name, "api", steps, len(steps) - (1 if failed else 0), age,
                SessionStatus.FAILED if failed else SessionStatus.COMPLETED,
                failure={"exit_code": 1} if failed else None,
                error="exit 1" if failed else None,
            )  # fmt: skip
