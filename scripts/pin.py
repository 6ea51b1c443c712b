"""Write constraints.txt: the versions in this environment of everything pyproject.toml asks for.

Run it as ``.venv/bin/python scripts/pin.py`` after an upgrade. The file names versions and no
host, so it serves any index.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
HEAD = """\
# Versions this project is tested with; made by scripts/pin.py. Plain pins, no hosts.
"""


def asked_for() -> list[Requirement]:
    """The requirements of the project and of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(text) for group in groups for text in group]


def closure(wanted: list[Requirement]) -> dict[str, str]:
    """Name to version of everything the requirements need here, themselves included."""
    versions: dict[str, str] = {}
    waiting = [(requirement, frozenset(requirement.extras)) for requirement in wanted]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement, extras = waiting.pop()
        key = (requirement.name.lower(), extras)
        if key in seen:
            continue
        seen.add(key)
        try:
            found = distribution(requirement.name)
        except PackageNotFoundError:
            continue
        versions[found.metadata["Name"]] = found.version
        for text in found.requires or []:
            needed = Requirement(text)
            environments = [{"extra": extra} for extra in extras] or [{"extra": ""}]
            if needed.marker is None or any(needed.marker.evaluate(e) for e in environments):
                waiting.append((needed, frozenset(needed.extras)))
    return versions


def main() -> None:
    """Write the file."""
    pins = closure(asked_for())
    lines = [f"{name}=={version}\n" for name, version in sorted(pins.items(), key=_by_name)]
    (ROOT / "constraints.txt").write_text(HEAD + "".join(lines), encoding="utf-8")


def _by_name(pin: tuple[str, str]) -> str:
    return pin[0].lower()


if __name__ == "__main__":
    main()
