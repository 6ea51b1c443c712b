"""Sessions in every state, as the pictures of the dashboard have them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from store.home import Home
from store.states import SessionStatus
from store.times import to_text
from tests.app.tui.prepared_store import NOW, PreparedStore, Run, Step
from tests.app.tui.worked_tree import with_worktree

PYTEST_OUTPUT = """\
tests/test_auth.py::test_login_ok PASSED
tests/test_auth.py::test_refresh_expired FAILED

    def test_refresh_expired(client):
        token = make_token(expires_in=-1)
        r = client.post("/refresh", json={"token": token})
>       assert r.status_code == 401
E       assert 500 == 401
E        +  where 500 = <Response [500]>.status_code

src/api/auth.py:88: TokenError
=========== short test summary info ===========
FAILED tests/test_auth.py::test_refresh_expired
1 failed, 211 passed in 219.80s
"""


def steps(*labels: str, seconds: float = 60.0) -> tuple[Step, ...]:
    """Plain steps of the same length."""
    return tuple(Step(label, (seconds,)) for label in labels)


def numbered(count: int, seconds: float = 30.0) -> tuple[Step, ...]:
    """So many steps that need no name."""
    return steps(*(f"shell: make part-{number}" for number in range(1, count + 1)), seconds=seconds)


S = SessionStatus
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0


def failed_run() -> Run:
    """The run people look into: an agent's fix, a test that fails three times, two handlers."""
    return Run(
        0x7C1E4F02,
        "fix-flaky-tests",
        "api",
        (
            Step("shell: make build", (12.0,), output="cc -O2 -o build/api src/*.c\n"),
            Step("claude: /fix-issue 214", (364.0,), cost=0.31, commits=2),
            Step(
                "shell: pytest -q --maxfail=1",
                (83.0, 85.0, 221.0),
                handler="claude: /debug",
                handler_seconds=47.0,
                handler_commits=1,
                output=PYTEST_OUTPUT,
                outputs=(PYTEST_OUTPUT, PYTEST_OUTPUT),
                cost=0.11,
            ),
            Step("claude: /write-summary"),
            Step("shell: make lint"),
        ),
        2,
        12 * _MINUTE,
        S.FAILED,
        failure={"exit_code": 101},
        error="exit 101",
    )


def every_state() -> tuple[Run, ...]:
    """A session in every state, as the pictures of the design have them."""
    return (
        failed_run(),
        Run(2, "release-notes", "webapp", numbered(3) + steps("claude: /draft-notes", seconds=600),
            3, _HOUR, S.FAILED, failure={"timed_out": True}, error="timeout after 10m"),
        Run(3, "upgrade-deps", "billing", numbered(5, 480) + steps("shell: npm ci") + numbered(3),
            5, 3 * _HOUR, S.FAILED, failure={"exit_code": 1}, error="npm ci: exit 1"),
        Run(4, "bump-go", "infra", numbered(3, 78), 3, 6 * _HOUR, S.COMPLETED, merge="failed",
            merge_about={"error": "conflict in go.sum · main moved by 3"}),
        Run(5, "document-modules", "api", numbered(3, 3930), 1, 5 * _HOUR, S.RUNNING,
            silent=5 * _HOUR),
        Run(6, "migrate-to-ts", "webapp", numbered(4, 1100) + steps("shell: tsc", seconds=1120)
            + numbered(1), 4, 1, S.RUNNING, owner="live", silent=18 * _MINUTE),
        Run(7, "backport-fixes", "core-lib", numbered(5, 1083), 2, 54 * _MINUTE, S.RUNNING,
            owner="elsewhere"),
        Run(8, "nightly-refactor", "core-lib", numbered(12, 1390), 7, 22 * _MINUTE, S.RUNNING,
            owner="live", waiting={"kind": "clock", "reason": "usage limit",
            "since": to_text(NOW), "until": to_text(NOW + timedelta(minutes=134))}),
        Run(9, "add-telemetry", "api", numbered(2, 80) + (
            Step("claude: /instrument src/http", (131.0,), output="reading src/http/server.py\n"
                 "adding a span around each handler\n"),) + numbered(3), 2, 1, S.RUNNING,
            owner="live", silent=0),
        Run(10, "fix-issue", "billing", (Step("shell: make deps", (38.0,)), *numbered(3)), 0, 1,
            S.RUNNING, owner="live", silent=2),
        Run(11, "review-prs", "infra", numbered(3, 280) + steps("claude: /review", seconds=147)
            + numbered(4), 3, 1, S.RUNNING, owner="live", asked=("pause",), silent=1),
        Run(12, "translate-docs", "docs-site", numbered(30, 425), 11, 2 * _HOUR, S.PAUSED,
            stop={"kind": "pause"}),
        Run(13, "split-monolith", "webapp", numbered(7, 553), 2, 9 * _HOUR, S.PAUSED,
            stop={"kind": "sigterm"}),
        Run(14, "add-dark-mode", "webapp", numbered(6, 222), 6, 40 * _MINUTE, S.COMPLETED,
            merge="pending", files_changed=11, commits=4),
        Run(15, "fix-issue", "billing", numbered(4, 116), 4, 3 * _HOUR, S.COMPLETED,
            merge="merged", merge_about={"commit": "a91f3c2f" * 5}),
        Run(16, "weekly-report", "docs-site", numbered(2, 33), 2, 6 * _HOUR, S.COMPLETED),
        Run(17, "try-bun", "webapp", numbered(5, 69), 1, 8 * _HOUR, S.CANCELLED,
            stop={"kind": "cancel"}),
    )  # fmt: skip


_FINISHED = ("fix-issue", "release-notes", "bump-go", "add-telemetry", "review-prs", "fix-lints")
_REPOS = ("api", "billing", "infra", "webapp", "core-lib")


def finished(count: int) -> Iterator[Run]:
    """Merged runs of the days before."""
    for place in range(count):
        commit = f"{0xE3A54AE1 + place * 7919:08x}" * 5
        yield Run(
            0x1000 + place, _FINISHED[place % 6], _REPOS[place % 5],
            numbered(3 + place % 4, 40 + 17 * (place % 9)), 3 + place % 4,
            _DAY + place * 5 * _HOUR, S.COMPLETED, merge="merged",
            merge_about={"commit": commit},
        )  # fmt: skip


@contextmanager
def prepared(
    home: Home,
    projects: Path,
    runs: tuple[Run, ...] | None = None,
    *,
    with_git: bool = False,
) -> Iterator[PreparedStore]:
    """A home with these runs, or with one in every state and 26 finished ones.

    ``with_git`` makes the repository and the worktree of the first run; it takes a while.
    """
    store = PreparedStore(home, projects)
    chosen = (*every_state(), *finished(25)) if runs is None else runs
    if with_git:
        chosen = (with_worktree(chosen[0], home, projects), *chosen[1:])
    try:
        for run in chosen:
            store.add(run)
        if runs is None:
            store.spoil(0x91D0C2AA)
        yield store
    finally:
        store.close()
