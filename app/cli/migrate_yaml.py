"""``prodigy migrate-yaml``: old forms of workflow files rewritten, with a diff or a backup."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

import click

from app.cli.command import argument, command, flag
from app.cli.failure import EXIT_DONE, EXIT_FAILED, EXIT_NOT_FOUND, CommandFailed
from app.cli.invocation import Invocation
from app.cli.prompts import confirmed
from app.format import count, visible

_SUFFIXES = (".yml", ".yaml")


@dataclass(slots=True)
class _File:
    """One file looked at: what would change in it, or why that cannot be said."""

    path: Path
    old: bytes = b""
    new: bytes = b""
    changes: tuple[str, ...] = ()
    backup: Path | None = None
    error: str | None = None

    @property
    def changed(self) -> bool:
        return self.error is None and self.new != self.old


@command(
    "migrate-yaml",
    help="""Rewrite old forms of workflow files: nested commands and deprecated keys.

    Comments and order stay. PATH is a file, or a directory whose workflow files are rewritten,
    those below it not. A copy of each file is kept beside it as NAME.bak.""",
    examples=("prodigy migrate-yaml --dry-run", "prodigy migrate-yaml review.yml --no-backup"),
)
@argument("path", default="workflows", metavar="[PATH]")
@click.option("--backup/--no-backup", default=True, help="Keep NAME.bak (yes).")
@flag("--dry-run", help="Show what would change, and change nothing.")
@flag("-f", "--force", help="No backup, no question.")
def migrate_yaml(
    invocation: Invocation, *, path: str, backup: bool, dry_run: bool, force: bool
) -> int:
    files = [_looked_at(file) for file in _files(Path(path).expanduser())]
    wanted = [file for file in files if file.changed]
    if wanted and not dry_run:
        if not backup and not confirmed(
            invocation,
            f"Rewrite {count(len(wanted), 'file')} without a backup?",
            force=force,
            otherwise="prodigy migrate-yaml -f does it",
        ):
            return EXIT_DONE
        for file in wanted:
            _write(file, backup=backup and not force)
    if invocation.out.settings.json:
        invocation.out.json(_document(files, dry_run=dry_run))
    else:
        _tell(invocation, files, dry_run=dry_run)
    return EXIT_FAILED if any(file.error is not None for file in files) else EXIT_DONE


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(
            file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file()
        )
    if not path.exists():
        raise CommandFailed(
            f"there is nothing at {path}", code="not_found", exit_code=EXIT_NOT_FOUND
        )
    return [path]


def _looked_at(path: Path) -> _File:
    from orchestrator.workflow.migrate import CannotMigrate, migrate

    file = _File(path)
    try:
        file.old = file.new = path.read_bytes()
        mark = "\ufeff" if file.old.startswith(b"\xef\xbb\xbf") else ""
        migrated = migrate(file.old.decode("utf-8-sig"))
        file.changes = migrated.changes
        file.new = (mark + migrated.text).encode() if migrated.changes else file.old
    except CannotMigrate as error:
        file.error = str(error)
    except UnicodeDecodeError:
        file.error = "it is not UTF-8"
    except OSError as error:
        file.error = error.strerror or str(error)
    return file


def _write(file: _File, *, backup: bool) -> None:
    try:
        if backup:
            file.backup = _free_name(file.path)
            file.backup.write_bytes(file.old)
        written = file.path.with_name(f".{file.path.name}.{os.getpid()}")
        written.write_bytes(file.new)
        written.chmod(file.path.stat().st_mode & 0o7777)
        written.replace(file.path.resolve())
    except OSError as error:
        file.error = error.strerror or str(error)


def _free_name(path: Path) -> Path:
    """``NAME.bak``, or the first ``NAME.bak.N`` that is not there: no backup is overwritten."""
    name = path.with_name(f"{path.name}.bak")
    number = 1
    while name.exists():
        number += 1
        name = path.with_name(f"{path.name}.bak.{number}")
    return name


def _diff(file: _File) -> list[str]:
    old, new = (data.decode("utf-8", "replace").splitlines() for data in (file.old, file.new))
    name = str(file.path)
    return list(difflib.unified_diff(old, new, name, name, lineterm=""))


def _tell(invocation: Invocation, files: list[_File], *, dry_run: bool) -> None:
    out = invocation.out
    good, bad = ("", "") if out.ascii else ("✓ ", "× ")
    for file in files:
        name = visible(str(file.path))
        if file.error is not None:
            out.notice(f"{bad}Failed: {name}: {file.error}")
        elif not file.changed:
            out.line(f"Nothing to do: {name}")
        elif dry_run:
            for line in _diff(file):
                out.line(out.own(line))
        else:
            kept = f" (as it was: {visible(file.backup.name)})" if file.backup is not None else ""
            out.line(f"{good}Migrated: {name}{kept}")
            for change in file.changes:
                out.line(f"  {out.own(change)}")
    if not files:
        out.line("Nothing to do: there is no workflow file")


def _document(files: list[_File], *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "files": [
            {
                "path": str(file.path),
                "changed": file.changed,
                "changes": list(file.changes),
                "backup": str(file.backup) if file.backup is not None else None,
                "diff": "\n".join(_diff(file)) if dry_run and file.changed else None,
                "error": file.error,
            }
            for file in files
        ],
    }
