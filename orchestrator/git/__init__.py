"""Everything that is asked of git: worktrees, commits, changes and the final merge."""
