"""What the project promises about itself."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest

from tests.program import ROOT, command

PACKAGES = ("app", "orchestrator", "store")
HEAVY = ("textual", "pydantic", "rich", "asyncio", "yaml")


def loaded_by(*words: str) -> set[str]:
    """The top-level modules a run of the program loads."""
    show = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    load = f"sys.path.insert(0, {str(ROOT)!r}); import prodigy_entry; "
    go = f"sys.argv = ['prodigy', *{list(words)!r}]; prodigy_entry.prodigy()"
    done = subprocess.run(
        [sys.executable, "-c", show + load + go], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "words", [("--version",), ("sessions", "list"), ("completion", "bash")], ids=" ".join
)
def test_what_must_be_quick_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    assert not loaded_by(*words) & set(HEAVY)


@pytest.mark.parametrize("package", ["store", "orchestrator"])
def test_the_core_never_loads_a_terminal_library(package: str) -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py" and not path.name.startswith("_")
    ]
    load = f"import sys, importlib; sys.path.insert(0, {str(ROOT)!r}); "
    each = f"[importlib.import_module(name) for name in {modules!r} if 'guard' not in name]; "
    bad = "print([name for name in ('textual', 'rich', 'click', 'app') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", load + each + bad], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    done = subprocess.run([*command(), "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"prodigy {project['version']}"
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_every_module_says_what_it_is_for_and_stays_on_a_page() -> None:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            lines = path.read_text("utf-8").splitlines()
            assert lines and lines[0].startswith('"""'), f"{path} does not begin with its purpose"
            assert len(lines) <= 400, f"{path} has {len(lines)} lines"


def test_pins_name_versions_and_nothing_else() -> None:
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        assert re.fullmatch(r"#.*|[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", line), line
