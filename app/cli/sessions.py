"""``prodigy sessions``: what there is, one of them in full, and clearing out finished ones."""

from __future__ import annotations

from app.cli.command import Entry, LazyGroup

sessions = LazyGroup(
    "sessions",
    {
        "list": Entry(
            "app.cli.sessions_list:sessions_list", "List sessions, attention first.", ("ls",)
        ),
        "show": Entry("app.cli.sessions_show:sessions_show", "Show one session in full."),
        "diff": Entry("app.cli.sessions_diff:sessions_diff", "Show what a session changed."),
        "stats": Entry(
            "app.cli.sessions_stats:sessions_stats", "Success, durations and cost of many runs."
        ),
        "archive": Entry("app.cli.sessions_archive:sessions_archive", "Hide sessions from lists."),
        "restore": Entry(
            "app.cli.sessions_archive:sessions_restore", "Show archived sessions again."
        ),
        "clean": Entry("app.cli.sessions_clean:sessions_clean", "Remove finished sessions."),
    },
    help="List, show and clean sessions.",
    examples=("prodigy sessions list --status failed,paused", "prodigy sessions show latest"),
)
