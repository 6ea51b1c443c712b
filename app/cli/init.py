"""``prodigy init``: slash commands for agents and an example workflow, in a repository."""

from __future__ import annotations

from pathlib import Path

from app.cli.command import command, flag, nearest_word, option
from app.cli.failure import CommandFailed, usage_error
from app.cli.init_files import COMMAND_FILES, EXAMPLE, EXAMPLE_PATH
from app.cli.invocation import Invocation
from app.cli.places import tilde
from app.cli.prompts import ask
from app.cli.run import directory_of
from app.format import count


@command(
    "init",
    help="""Install slash-command files into .claude/commands, and an example workflow.

    Existing files are kept unless you say otherwise. A directory that is no git repository becomes
    one.""",
    examples=("prodigy init", "prodigy init --commands prodigy-fix-tests --path ~/src/api"),
)
@flag("-f", "--force", help="Overwrite existing files.")
@option("-c", "--commands", metavar="A,B", help="Only these commands.")
@option("-p", "--path", metavar="DIR", help="The project (this directory).")
def init(invocation: Invocation, *, force: bool, commands: str | None, path: str | None) -> None:
    wanted = _wanted(commands)
    directory = directory_of(path)
    made_repository = _ensure_repository(directory)
    top = _top(directory)
    files = {f".claude/commands/{name}.md": COMMAND_FILES[name] for name in wanted}
    if commands is None:
        files[EXAMPLE_PATH] = EXAMPLE
    written, kept = _install(invocation, top, files, force)
    out = invocation.out
    if out.settings.json:
        out.json({
            "path": str(top),
            "repository_created": made_repository,
            "written": written,
            "kept": kept,
        })  # fmt: skip
        return
    if made_repository:
        out.line(f"Made a git repository in {tilde(top)}")
    for name in written:
        out.line(f"  wrote  {name}")
    for name in kept:
        out.line(f"  kept   {name}")
    if kept:
        out.notice(f"{count(len(kept), 'file')} kept as they were; --force overwrites")
    out.line("Commit these files: worktrees see only what is committed.")
    folder = EXAMPLE_PATH.partition("/")[0]
    out.line(f"  next   git add .claude {folder} && git commit -m 'Add prodigy'")
    out.line(f"         prodigy run {EXAMPLE_PATH}")


def _wanted(commands: str | None) -> list[str]:
    if commands is None:
        return list(COMMAND_FILES)
    chosen = []
    for word in filter(None, (part.strip().removeprefix("/") for part in commands.split(","))):
        if word not in COMMAND_FILES:
            near = nearest_word(word, COMMAND_FILES)
            meant = f"; did you mean '{near}'?" if near else ""
            raise usage_error(
                f"unknown command '{word}'{meant}", "there are " + ", ".join(COMMAND_FILES)
            )
        chosen.append(word)
    if not chosen:
        raise usage_error("--commands names no command", "there are " + ", ".join(COMMAND_FILES))
    return chosen


def _ensure_repository(directory: Path) -> bool:
    """Make a repository where there is none; whether one was made."""
    from orchestrator.git.command import Git, find_git
    from orchestrator.git.repository import NoCommits, NotARepository, discover

    if find_git() is None:
        raise CommandFailed("git is not installed, or not on PATH", code="no_git")
    try:
        discover(directory)
    except NoCommits:
        return False
    except NotARepository:
        Git(directory).run("init")
        return True
    return False


def _top(directory: Path) -> Path:
    """The top of the checkout a directory is in."""
    from orchestrator.git.command import Git

    return Path(Git(directory).look("rev-parse", "--show-toplevel").text)


def _install(
    invocation: Invocation, top: Path, files: dict[str, str], force: bool
) -> tuple[list[str], list[str]]:
    written: list[str] = []
    kept: list[str] = []
    for name, content in files.items():
        target = top / name
        if target.exists() and target.read_text(errors="replace") == content:
            kept.append(name)
            continue
        if (target.exists() or target.is_symlink()) and not (
            force or ask(invocation, f"{name} exists. Overwrite it", default=False)
        ):
            kept.append(name)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        written.append(name)
    return written, kept
