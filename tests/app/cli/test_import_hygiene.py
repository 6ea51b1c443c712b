"""What each command may load: start-up time is mostly imports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.program import ROOT

HEAVY = {"textual", "pydantic", "rich", "asyncio", "yaml", "distributed", "watchfiles", "psutil"}
LIGHT = [
    (),
    ("--version",),
    ("--help",),
    ("sessions", "list"),
    ("sessions", "list", "--json"),
    ("sessions", "list", "--search", "x"),
    ("completion", "bash"),
    ("_complete", "--", "sessions", "list", "--s"),
    ("_complete", "--", "resume", "7c"),
]
_SAY = """
import sys
sys.path.insert(0, {root!r})
from app.cli.main import main
code = main({arguments!r})
print("\\nLOADED", *sorted({{name.partition(".")[0] for name in sys.modules}}), code)
"""


def loaded_by(*arguments: str) -> set[str]:
    """The packages a call leaves loaded in a fresh process."""
    program = _SAY.format(root=str(ROOT), arguments=list(arguments))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    words = done.stdout.rpartition("LOADED")[2].split()
    assert words[-1] == "0", done.stdout + done.stderr
    return set(words[:-1])


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_quick_commands_load_nothing_heavy(
    arguments: tuple[str, ...], make_session: Callable[..., str]
) -> None:
    make_session("session-7c1e4f02", end="failed")
    assert not loaded_by(*arguments) & HEAVY


@pytest.mark.parametrize(
    "arguments", [("config", "show"), ("checkpoints", "list"), ("logs",), ("events", "stats")]
)
def test_no_command_loads_textual(arguments: tuple[str, ...]) -> None:
    assert "textual" not in loaded_by(*arguments)


def test_a_command_is_imported_only_when_chosen() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from app.cli.main import main\n"
        "main(['sessions', '--help'])\n"
        "print('MODULES', *(name for name in sys.modules if name.startswith('app.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    modules = done.stdout.rpartition("MODULES")[2].split()
    assert "app.cli.sessions" in modules
    assert "app.cli.sessions_list" not in modules
    assert "app.cli.run" not in modules


def test_the_version_is_said_within_its_time() -> None:
    from time import perf_counter

    best = 9.0
    for _ in range(5):
        began = perf_counter()
        subprocess.run(
            [sys.executable, str(ROOT / "prodigy_entry.py"), "--version"],
            capture_output=True,
            check=True,
        )
        best = min(best, perf_counter() - began)
    assert best < 0.3, "a generous limit; benchmarks hold the real one"


def test_the_program_finds_its_own_packages_in_a_project_that_has_an_app() -> None:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import prodigy_entry, os\n"
    program += "before = dict(os.environ); prodigy_entry._find_our_own_packages_first()\n"
    program += "assert sys.path[0] == sys.argv[1], sys.path\nassert dict(os.environ) == before"
    subprocess.run([sys.executable, "-c", program, str(ROOT)], check=True)
