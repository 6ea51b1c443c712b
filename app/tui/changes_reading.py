"""What a session changed, asked of git by calls that only look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from app import format as form
from app.tui.details import (
    ChangedFile,
    ChangesView,
    CommitView,
    Scope,
    SessionDetail,
    WorktreeView,
)
from app.tui.notes import short_label
from orchestrator.git.command import Git, GitError
from store.row import SessionRow

LONGEST_DIFFERENCE = 20_000
"""Lines of one difference that are shown."""
_READ_BYTES = 1024 * 1024
"""Bytes of a file that is not yet known to git that are read."""
_MOST_FILES = 5_000
_MOST_COMMITS = 500
_PLAIN = ("--no-ext-diff", "--no-textconv", "--find-renames", "--no-color")
_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")


def read_changes(row: SessionRow, detail: SessionDetail) -> ChangesView:
    """Compare a session's worktree with its base, with its last commit, and step by step.

    Where the worktree is gone its branch is compared, or the last commit that was recorded.
    """
    try:
        return _read(row, detail)
    except (GitError, OSError) as error:
        return ChangesView(words=form.one_line(str(error)))


def _read(row: SessionRow, detail: SessionDetail) -> ChangesView:
    base = row.base_commit if _COMMIT.match(row.base_commit) else ""
    worktree = Path(row.worktree) if row.worktree.startswith("/") else None
    if worktree is not None and worktree.is_dir():
        git, until, note = Git(worktree), None, ""
    else:
        checkout = Path(row.repo_path) if row.repo_path.startswith("/") else None
        if checkout is None or not checkout.is_dir():
            return ChangesView(words="No changes to show: its worktree and repository are gone.")
        git = Git(checkout)
        until = _tip(git, row, detail)
        note = "worktree gone, its branch"
        if until is None:
            return ChangesView(words="No changes to show: its worktree and branch are gone.")
    if not base or not git.succeeds("cat-file", "-e", f"{base}^{{commit}}"):
        return ChangesView(words="No changes to show: the commit it began at is not known.")
    name = row.base_branch or "its base"
    scopes = [
        _scope(
            git, f"since {name} at {base[:7]}", base, until,
            f"No changes: the worktree is as {name} was at {base[:7]}."
            if until is None
            else f"No changes: the branch is as {name} was at {base[:7]}.",
        )
    ]  # fmt: skip
    if until is None:
        uncommitted = _scope(git, "uncommitted", "HEAD", None, "Nothing is uncommitted.")
        if uncommitted.files:
            scopes.append(uncommitted)
    for step in detail.steps:
        before, after = step.head_before or "", step.head_after or ""
        if before == after or not _COMMIT.match(before) or not _COMMIT.match(after):
            continue
        title = f"step {step.number} {form.cut(short_label(step.label), 40)}"
        try:
            scopes.append(_scope(git, title, before, after, "This step changed nothing."))
        except GitError:  # commits that were removed since
            continue
    return ChangesView(git.directory, tuple(scopes), note=note)


def _tip(git: Git, row: SessionRow, detail: SessionDetail) -> str | None:
    """What stands for a worktree that is gone."""
    branch = f"refs/heads/{row.branch}" if row.branch and not row.branch.startswith("-") else ""
    head = detail.head_last or ""
    for candidate in (branch, head, row.merge_commit or ""):
        is_name = candidate.startswith("refs/heads/") or _COMMIT.match(candidate)
        if is_name and git.succeeds("cat-file", "-e", f"{candidate}^{{commit}}"):
            return candidate
    return None


def _scope(git: Git, title: str, since: str, until: str | None, words: str) -> Scope:
    moments = (since,) if until is None else (since, until)
    fields = git.look("diff", *_PLAIN, "-z", "--numstat", *moments, "--").fields
    files = list(islice(_changed(fields), _MOST_FILES))
    if until is None:
        listed = git.look("ls-files", "--others", "--exclude-standard", "-z").fields
        files += [_untracked(git.directory / path, path) for path in listed[:_MOST_FILES]]
    commits: tuple[CommitView, ...] = ()
    if since != "HEAD":
        commits = _commits(git, f"{since}..{until or 'HEAD'}")
    return Scope(
        title, since, until, tuple(sorted(files, key=lambda one: one.path)), commits, words
    )


def _changed(fields: Iterable[str]) -> Iterator[ChangedFile]:
    """What ``--numstat -z`` says; of a renamed file both paths follow as fields of their own."""
    rest = iter(fields)
    for field in rest:
        added, removed, path = field.split("\t", 2)
        was = "" if path else next(rest, "")
        yield ChangedFile(
            path or next(rest, ""),
            int(added) if added.isdigit() else None,
            int(removed) if removed.isdigit() else None,
            was=was,
        )


def _untracked(file: Path, path: str) -> ChangedFile:
    data = _beginning(file)
    if data is None or b"\0" in data[:8192]:
        return ChangedFile(path, None, None, is_untracked=True)
    ends = data.count(b"\n")
    return ChangedFile(path, ends + (0 if data.endswith(b"\n") or not data else 1), 0, True)


def _beginning(file: Path) -> bytes | None:
    """The first bytes of a plain file; links are not followed out of the worktree."""
    try:
        if file.is_symlink() or not file.is_file():
            return None
        with file.open("rb") as opened:
            return opened.read(_READ_BYTES)
    except OSError:
        return None


def _commits(git: Git, span: str) -> tuple[CommitView, ...]:
    options = (
        "log",
        "--no-color",
        f"--max-count={_MOST_COMMITS}",
        "-z",
        "--format=%H%x09%ct%x09%s",
    )
    found = []
    for line in git.look(*options, span, "--").stdout.split("\0"):
        commit, _, rest = line.partition("\t")
        seconds, _, subject = rest.partition("\t")
        if commit:
            found.append(CommitView(commit, subject, int(seconds or 0) * 1_000_000))
    return tuple(found)


def read_difference(view: ChangesView, scope: int, place: int) -> tuple[str, ...]:
    """The lines of the difference of one file of a scope, or of a commit after the files.

    Args:
        view: what was read before.
        scope: which comparison.
        place: the number of the file, or of the commit counted on after the files.
    """
    if view.directory is None or not 0 <= scope < len(view.scopes):
        return ()
    chosen = view.scopes[scope]
    git = Git(view.directory)
    try:
        if place >= len(chosen.files):
            commit = chosen.commits[place - len(chosen.files)].id
            shown = git.look(
                "show", *_PLAIN, "--stat", "--patch", "--format=%an, %ad%n%n%B", "--date=iso",
                commit, "--",
            )  # fmt: skip
            return _lines(shown.stdout)
        return _of_file(git, chosen, chosen.files[place])
    except (GitError, OSError) as error:
        return (form.one_line(str(error)),)


def _of_file(git: Git, scope: Scope, file: ChangedFile) -> tuple[str, ...]:
    if file.is_untracked:
        data = _beginning(git.directory / file.path)
        if file.added is None or data is None:
            return ("A file that is not text, not yet added.",)
        text = data.decode("utf-8", "replace")
        return tuple(f"+{line}" for line in _lines(text.removesuffix("\n"))) if text else (
            "An empty file, not yet added.",
        )  # fmt: skip
    if file.added is None:
        return ("A file that is not text.",)
    if (file.added or 0) + (file.removed or 0) > 50 * LONGEST_DIFFERENCE:
        return (f"{file.added} lines added, {file.removed} removed: too long to be shown.",)
    moments = (scope.since,) if scope.until is None else (scope.since, scope.until)
    paths = [f":(top,literal){path}" for path in (file.was, file.path) if path]
    lines = _lines(git.look("diff", *_PLAIN, *moments, "--", *paths).stdout)
    first = next((at for at, line in enumerate(lines) if line.startswith("@@")), None)
    if first is None:
        return (f"Renamed from {file.was}, otherwise as it was.",) if file.was else lines
    return lines[first:]


def _lines(text: str) -> tuple[str, ...]:
    lines = text.rstrip("\n").split("\n")
    if len(lines) <= LONGEST_DIFFERENCE:
        return tuple(lines)
    more = f"… {len(lines) - LONGEST_DIFFERENCE} more lines"
    return (*lines[:LONGEST_DIFFERENCE], more)


def read_worktree(row: SessionRow, head: str | None = None) -> WorktreeView:
    """What is uncommitted and committed in a worktree, and whether a commit is still in it."""
    worktree = Path(row.worktree)
    if not row.worktree.startswith("/") or not worktree.is_dir():
        return WorktreeView()
    try:
        git = Git(worktree)
        files = _scope(git, "", "HEAD", None, "").files
        there = None
        if head and _COMMIT.match(head):
            there = git.succeeds("merge-base", "--is-ancestor", head, "HEAD")
        return WorktreeView(files, _ahead(git, row.base_commit), there)
    except (GitError, OSError) as error:
        return WorktreeView(problem=form.one_line(str(error)))


def _ahead(git: Git, base: str) -> int | None:
    """How many commits the worktree has that its base does not."""
    if not _COMMIT.match(base):
        return None
    counted = git.look("rev-list", "--count", f"{base}..HEAD", check=False)
    return int(counted.text) if counted.ok and counted.text.isdecimal() else None
