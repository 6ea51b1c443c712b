"""``prodigy checkpoints``: what resumes go on from — list, show, validate, export, delete."""

from __future__ import annotations

from app.cli.command import Entry, LazyGroup

_LOOK = "app.cli.checkpoints_look"
_CHANGE = "app.cli.checkpoints_change"
checkpoints = LazyGroup(
    "checkpoints",
    {
        "list": Entry(f"{_LOOK}:checkpoints_list", "List kept checkpoints.", ("ls",)),
        "show": Entry(f"{_LOOK}:checkpoints_show", "Show one checkpoint."),
        "validate": Entry(f"{_CHANGE}:checkpoints_validate", "See whether a resume can use them."),
        "export": Entry(f"{_LOOK}:checkpoints_export", "Write a checkpoint as JSON."),
        "delete": Entry(f"{_CHANGE}:checkpoints_delete", "Delete those of a finished run."),
        "clean": Entry(f"{_CHANGE}:checkpoints_clean", "Delete those of finished runs."),
        "resume": Entry(f"{_CHANGE}:checkpoints_resume", "Resume from a checkpoint."),
    },
    help="Look at what a resume would use.",
    examples=("prodigy checkpoints list --workflow-id 7c1e", "prodigy checkpoints show 7c1e"),
)
