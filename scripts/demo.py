"""Show Prodigy at work: a scratch repository, a real workflow, the live dashboard.

Everything lives in ``.demo/`` of this checkout, with a state home of its own, so nobody's sessions
or repositories are touched. Run again, it adds another run to the same home; a run that was killed
is still there and can be resumed from the dashboard.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".demo"
PROJECT = PLACE / "notes-project"
PROGRAMS = Path(sys.executable).parent
IDENTITY = ["-c", "user.name=Demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false"]
LOCATIONS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")


def environment() -> dict[str, str]:
    """The caller's, with the demonstration's own home, and not inside any git hook."""
    kept = {name: value for name, value in os.environ.items() if name not in LOCATIONS}
    path = f"{PROGRAMS}{os.pathsep}{kept.get('PATH', os.defpath)}"
    return {**kept, "PRODIGY_HOME": str(PLACE / "home"), "PATH": path}


def prepare() -> None:
    """Make the scratch repository, unless an earlier demonstration left a whole one."""
    if _git("rev-parse", "--verify", "--quiet", "HEAD", check=False) == 0:
        return
    shutil.rmtree(PROJECT, ignore_errors=True)
    shutil.copytree(ROOT / "examples" / "demo-project", PROJECT)
    shutil.copy(ROOT / "examples" / "demo.yml", PROJECT / "demo.yml")
    _git("init", "--quiet")
    _git("symbolic-ref", "HEAD", "refs/heads/main")
    _git("add", "--all")
    _git(*IDENTITY, "commit", "--quiet", "--message", "Some notes and a workflow")


def main() -> int:
    """Run the demonstration and return its exit code."""
    if shutil.which("git") is None:
        print("git is needed for the demonstration and was not found", file=sys.stderr)
        return 1
    prepare()
    if sys.stdin.isatty() and sys.stdout.isatty():
        code = _in_the_dashboard()
    else:
        code = _prodigy("run", "demo.yml", "--plain")
    listed = _list_completed()
    print(
        f"\nTo look further:\n"
        f"  export PRODIGY_HOME={PLACE / 'home'} PATH={PROGRAMS}:$PATH\n"
        f"  cd {PROJECT}\n"
        f"  prodigy sessions show latest\n"
        f"  prodigy merge latest        # its commits onto main\n"
        f"  prodigy-tui",
        flush=True,
    )
    return code or listed


def _in_the_dashboard() -> int:
    started = subprocess.run(
        [PROGRAMS / "prodigy", "run", "demo.yml", "--detach"],
        cwd=PROJECT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    words = started.stdout.split()
    if started.returncode != 0 or not words:
        return started.returncode or 1
    session = next((word for word in words if word.startswith("session-")), words[-1])
    print(f"{session} runs by itself now; the dashboard opens. Press q to leave it.", flush=True)
    return _prodigy("tui", session) or _list_completed()


def _list_completed() -> int:
    print("\nCompleted, as `prodigy sessions list --status Completed` has it:\n", flush=True)
    return _prodigy("sessions", "list", "--status", "Completed", "--limit", "5")


def _prodigy(*words: str) -> int:
    return subprocess.run([PROGRAMS / "prodigy", *words], cwd=PROJECT, env=environment()).returncode


def _git(*words: str, check: bool = True) -> int:
    if not PROJECT.is_dir():
        return 1
    # The ceiling keeps git from taking the checkout around the scratch repository for it.
    variables = {**environment(), "GIT_CEILING_DIRECTORIES": str(PLACE)}
    silent = None if check else subprocess.DEVNULL
    return subprocess.run(
        ["git", *words], cwd=PROJECT, env=variables, check=check, stdout=silent
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
