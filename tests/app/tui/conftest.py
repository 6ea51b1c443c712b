"""The dashboard under test: a prepared store, a fixed clock, a frozen screen."""

from __future__ import annotations

import os

# Read when textual is imported, so they are set before anything here imports it.
os.environ.pop("NO_COLOR", None)
os.environ.pop("TEXTUAL_THEME", None)
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["COLORTERM"] = "truecolor"
os.environ["TERM"] = "xterm-256color"

import asyncio  # noqa: E402
import inspect  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

from store.home import Home  # noqa: E402
from tests.app.tui.sample_runs import prepared  # noqa: E402


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def store_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Home]:
    """A home at a path that is the same on every machine, as the header shows it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    home = Home(tmp_path / ".prodigy")
    with prepared(home, tmp_path / "src"):
        yield home
