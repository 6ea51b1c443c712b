"""Another terminal beside the dashboard: what the dashboard shows is typed there."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.tui.actions import action
from store.times import utc_now
from tests.app.tui.driving import dashboard, press, running
from tests.world import World

ODD = 'it\'s $a "b"'
CHECK = "test -e {open} || (echo it is not open; exit 1)"
FAILS = """\
name: it's $HOME
commands:
- shell: echo one >> {trace}; echo made > made.txt; git add . && git commit -qm made
- shell: echo two >> {trace}; test -e {open} || (echo it is not open; exit 1)
- shell: echo three >> {trace}
"""
WAITS = FAILS.replace(CHECK, "while ! test -e {open}; do sleep 0.02; done")


@dataclass
class Terminal:
    """Another terminal, on the same world; and the dashboard whose lines are typed there."""

    world: World
    place: Path

    @property
    def trace(self) -> Path:
        return self.place / "trace"

    @property
    def open(self) -> Path:
        return self.place / "open"

    def text(self, text: str) -> str:
        return text.format(trace=self.trace, open=self.open)

    def run(self, text: str, name: str = f"work {ODD}.yml", *, code: int = 0) -> str:
        """Run a workflow to its end; its id."""
        before = set(self.world.records)
        file = self.world.workflow(self.text(text), name)
        self.world.prodigy("run", file).expect(code)
        (record,) = set(self.world.records) - before
        return record.stem

    def shown(
        self, name: str, run_id: str | None = None, *keys: str, marked: Sequence[str] = (),
        then: Any = None,
    ) -> str:  # fmt: skip
        """The line the dashboard shows for an action, after some keys."""

        async def ask() -> str:
            app = dashboard(self.world.home, self.world.repository, clock=utc_now, live=True)
            async with running(app) as pilot:
                if run_id is not None:
                    app.listing.selected = run_id
                app.listing.marked = dict.fromkeys(marked)
                await press(pilot, *keys)
                if then is not None:
                    await then(app, pilot)
                subject = app.action_screens()[-1].subject()
                why = action(name).why_not(subject)
                assert why is None, f"{name}: {why}"
                return action(name).command_line(subject)

        return asyncio.run(ask())

    def types(
        self, line: str, *, code: int = 0, cwd: Path | None = None, more: Mapping[str, str] = {}
    ) -> subprocess.CompletedProcess[str]:
        """Type a line in a fresh terminal, somewhere else."""
        elsewhere = self.place / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        names = ("HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "LC_ALL")
        clean = {name: os.environ[name] for name in names}
        clean["PATH"] = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        done = subprocess.run(
            ["sh", "-c", line], cwd=cwd or elsewhere, env={**clean, **more}, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        told = f"$ {line}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == code, told
        return done

    def lists(self, line: str) -> set[str]:
        """The sessions a line lists."""
        document = json.loads(self.types(f"{line} --json").stdout)
        return {session["id"] for session in document["sessions"]}

    def status(self, run_id: str) -> Any:
        return self.world.record(run_id)["status"]
