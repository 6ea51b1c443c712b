"""``prodigy worktree``: the worktrees of runs — list, find, merge, clean."""

from __future__ import annotations

from app.cli.command import Entry, LazyGroup

_MODULE = "app.cli.worktree_commands"
worktree = LazyGroup(
    "worktree",
    {
        "list": Entry(f"{_MODULE}:worktree_list", "List the worktrees of runs.", ("ls",)),
        "path": Entry(f"{_MODULE}:worktree_path", "Print the path of a run's worktree."),
        "merge": Entry(f"{_MODULE}:worktree_merge", "Merge runs into their branch."),
        "clean": Entry("app.cli.worktree_clean:worktree_clean", "Remove worktrees that are done.",
                       ("cleanup",)),
    },
    help="List, find, merge and clean worktrees.",
    examples=('cd "$(prodigy worktree path 7c1e)"', "prodigy worktree clean --all --dry-run"),
)  # fmt: skip
