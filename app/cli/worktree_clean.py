"""``prodigy worktree clean``: worktrees whose work is done and safe go; the rest says why not."""

from __future__ import annotations

from app.cli.arguments import span
from app.cli.command import argument, command, flag, option
from app.cli.failure import EXIT_FAILED, failure_of, usage_error
from app.cli.invocation import Invocation
from app.cli.prompts import confirmed
from app.cli.runs import open_catalog, resolve_run
from app.format import count, size
from orchestrator.worktree_cleaning import (
    Removal,
    RunWorktree,
    Standing,
    remove_worktree,
    size_of,
    standing_of,
    worktrees_of_runs,
)
from store.catalog import Catalog
from store.times import from_text, utc_now

_OTHERWISE = "prodigy worktree clean --all --force does it, and --dry-run shows what"


@command(
    "clean",
    help="""Remove worktrees that are merged, clean and not needed for a resume; list the others.

    --force also removes one that is dirty or unmerged: its branch stays, uncommitted and untracked
    files are saved as a commit under refs/prodigy/backup/. A live one never goes.""",
    examples=("prodigy worktree clean --all --dry-run", "prodigy worktree clean 7c1e --force"),
)
@argument("names", metavar="[NAME]…", nargs=-1)
@flag("-a", "--all", "everything", help="Every worktree.")
@flag("-f", "--force", help="Also dirty and unmerged ones; do not ask.")
@flag("--merged-only", help="Only those that are merged.")
@option("--older-than", type=span("d"), metavar="D", help="Only those made so long ago.")
@flag("--dry-run", help="Only say what would go.")
def worktree_clean(
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    everything: bool,
    force: bool,
    merged_only: bool,
    older_than: float | None,
    dry_run: bool,
) -> int | None:
    out = invocation.out
    filters = merged_only or older_than is not None
    if not names and not everything and not filters:
        if out.settings.json:
            out.json({"removed": [], "kept": [], "dry_run": dry_run})
        else:
            out.line("Name a worktree, or give --all.")
        return None
    if names and everything:
        raise usage_error("--all and a NAME contradict each other")
    catalog = open_catalog(invocation)
    chosen = {one.session_id: one for one in worktrees_of_runs(invocation.home)}
    if names:
        wanted = [resolve_run(invocation, name) for name in names]
        for run_id in wanted:
            if run_id not in chosen:
                out.notice(f"{run_id} has no worktree any more")
        chosen = {run_id: chosen[run_id] for run_id in wanted if run_id in chosen}
    cleaning = _Cleaning(invocation, catalog, force=force)
    cleaning.judge([one for one in chosen.values() if _is_old(one, older_than)], merged_only)
    refused = bool(names) and bool(cleaning.kept)
    if not dry_run:
        cleaning.carry_out(ask=not force)
    cleaning.report(dry_run)
    return EXIT_FAILED if refused or cleaning.failed else None


def _is_old(one: RunWorktree, seconds: float | None) -> bool:
    if seconds is None:
        return True
    try:
        made = from_text(one.metadata.created_at)
    except ValueError:
        return False
    return (utc_now() - made).total_seconds() >= seconds


class _Cleaning:
    """Some worktrees, judged, and what became of them."""

    def __init__(self, invocation: Invocation, catalog: Catalog, *, force: bool) -> None:
        self._invocation = invocation
        self._catalog = catalog
        self._force = force
        self._going: list[tuple[RunWorktree, Standing, int]] = []
        self._removed: list[tuple[str, Removal, int]] = []
        self.kept: list[tuple[str, str]] = []
        self.failed = False

    def judge(self, worktrees: list[RunWorktree], merged_only: bool) -> None:
        """Sort them into those that may go and those that stay, with the reason."""
        for one in worktrees:
            row = self._catalog.row(one.session_id)
            standing = standing_of(self._invocation.home, one, row)
            reason = standing.refuses if self._force else standing.keeps
            if merged_only and not standing.merged:
                reason = reason or "not merged"
            if reason is not None:
                self.kept.append((one.session_id, reason))
            else:
                self._going.append((one, standing, size_of(one.path)))

    def carry_out(self, *, ask: bool) -> None:
        """Remove what may go; one that cannot is told and the others go on."""
        if not self._going:
            return
        total = size(sum(bytes_ for _, _, bytes_ in self._going))
        question = f"Remove {count(len(self._going), 'worktree')} ({total})"
        if not confirmed(self._invocation, question, force=not ask, otherwise=_OTHERWISE):
            self.kept += [(one.session_id, "not confirmed") for one, _, _ in self._going]
            self._going = []
        for one, _, bytes_ in self._going:
            row = self._catalog.row(one.session_id)
            try:
                removal = remove_worktree(self._invocation.home, one, row, force=self._force)
            except Exception as error:  # each worktree is told on its own
                failure = failure_of(error)
                if failure is None:
                    raise
                self._invocation.out.error(failure)
                self.kept.append((one.session_id, failure.message))
                self.failed = True
                continue
            self._removed.append((one.session_id, removal, bytes_))

    def report(self, dry_run: bool) -> None:
        """Say what went, or would go, and what stays and why."""
        out = self._invocation.out
        going = [(one.session_id, bytes_) for one, _, bytes_ in self._going]
        if out.settings.json:
            out.json(self._document(dry_run, going))
            return
        keeping = ", ".join(f"{name} ({reason})" for name, reason in self.kept)
        if dry_run:
            total = size(sum(bytes_ for _, bytes_ in going))
            lines = [f"would remove {len(going)} ({total})"]
            lines += [f"  {name}  {size(bytes_)}" for name, bytes_ in going]
        else:
            total = size(sum(bytes_ for _, _, bytes_ in self._removed))
            lines = [f"removed {len(self._removed)} ({total})"]
            lines += [f"  {name}  {_removal_words(removal)}".rstrip()
                      for name, removal, _ in self._removed]  # fmt: skip
        if keeping:
            lines.append(f"keeping {keeping}")
        for line in lines:
            out.line(out.own(line))

    def _document(self, dry_run: bool, going: list[tuple[str, int]]) -> dict[str, object]:
        removed: list[dict[str, object]] = [
            {
                "session": name,
                "bytes": bytes_,
                "branch_kept": removal.branch_kept,
                "backup": removal.backup,
                "ignored_files": removal.ignored_files,
            }
            for name, removal, bytes_ in self._removed
        ]
        would = [{"session": name, "bytes": bytes_} for name, bytes_ in going]
        return {
            "dry_run": dry_run,
            "removed": removed,
            "would_remove": would if dry_run else [],
            "kept": [{"session": name, "reason": reason} for name, reason in self.kept],
        }


def _removal_words(removal: Removal) -> str:
    words = []
    if removal.branch_kept is not None:
        words.append(f"branch {removal.branch_kept} kept")
    if removal.backup is not None:
        words.append(f"edits saved in {removal.backup}")
    if removal.ignored_files:
        words.append(f"{count(removal.ignored_files, 'ignored file')} deleted")
    return ", ".join(words)
