"""Show that what we ship works elsewhere: build the wheel, install it, start its programs.

It is started as users have it: from another directory, with a package named ``app`` of the user's
own first on PYTHONPATH.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("app", "orchestrator", "store")
NOT_SHIPPED = ("__pycache__", ".pyc")


def build(place: Path) -> Path:
    """Build the wheel into ``place``."""
    words = ["wheel", "--quiet", "--no-deps", "--wheel-dir", str(place), str(ROOT)]
    _run(sys.executable, "-m", "pip", *words)
    (wheel,) = place.glob("*.whl")
    return wheel


def check_content(wheel: Path) -> None:
    """Every file of the packages, style sheets and templates included, is in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    wanted = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and not any(mark in str(path) for mark in NOT_SHIPPED)
    }
    missing = sorted((wanted | {"prodigy_entry.py"}) - shipped)
    if missing:
        sys.exit(f"not in the wheel: {', '.join(missing)}")
    strangers = sorted(
        name
        for name in shipped
        if name.split("/")[0] not in PACKAGES
        and name != "prodigy_entry.py"
        and ".dist-info/" not in name
    )
    if strangers:
        sys.exit(f"in the wheel, and should not be: {', '.join(strangers)}")


def check_programs(wheel: Path, place: Path) -> None:
    """Installed elsewhere, the programs start, whatever packages the user has."""
    programs = place / "venv" / "bin"
    venv.create(place / "venv", with_pip=True)
    constraints = str(ROOT / "constraints.txt")
    words = ["install", "--quiet", "--disable-pip-version-check", "-c", constraints, str(wheel)]
    _run(str(programs / "python"), "-m", "pip", *words)
    project = place / "project"
    for package in PACKAGES:
        (project / package).mkdir(parents=True)
        text = "raise RuntimeError('this is a package of the user')\n"
        (project / package / "__init__.py").write_text(text, encoding="utf-8")
    environment = {
        **os.environ,
        "HOME": str(place),
        "PRODIGY_HOME": str(place / "home"),
        "PYTHONPATH": str(project),
    }
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    said = _run(str(programs / "prodigy"), "--version", cwd=project, env=environment)
    if said.strip() != f"prodigy {version}":
        sys.exit(f"prodigy --version says {said!r}, pyproject.toml says {version}")
    for words in (["sessions", "list"], ["validate", str(ROOT / "examples" / "demo.yml")]):
        _run(str(programs / "prodigy"), *words, cwd=project, env=environment)
    _run(str(programs / "prodigy-tui"), "--help", cwd=project, env=environment)


def main() -> None:
    """Run all of it in a directory that goes afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory).resolve()
        wheel = build(place)
        check_content(wheel)
        check_programs(wheel, place)
        print(f"{wheel.name}: builds, is complete, installs, and its programs start")


def _run(*words: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
