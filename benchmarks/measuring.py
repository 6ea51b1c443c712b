"""What all benchmarks share: a world of their own, timing, and the shape of a result."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRODIGY = str(Path(sys.executable).parent / "prodigy")


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table; ``limit`` is the most it may be, None when it is only told."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    note: str = ""

    @property
    def is_within(self) -> bool:
        return self.limit is None or self.value <= self.limit

    def row(self) -> str:
        """This line as a row of a Markdown table."""
        limit = "" if self.limit is None else f"≤ {self.limit:g} {self.unit}"
        verdict = "" if self.limit is None else ("yes" if self.is_within else "**no**")
        value = f"{self.value:,.0f}" if self.value >= 1000 else f"{self.value:.3g}"
        return f"| {self.what} | {value} {self.unit} | {limit} | {verdict} | {self.note} |"


@dataclass(frozen=True, slots=True)
class Place:
    """A directory with a repository and a state home for one benchmark."""

    path: Path

    @property
    def repository(self) -> Path:
        return self.path / "project"

    @property
    def home(self) -> Path:
        return self.path / "prodigy"

    def environment(self, **more: str) -> dict[str, str]:
        """The variables programs are started with here."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GIT_", "PRODIGY_", "PYTHON"))
        }
        config = self.path / "gitconfig"
        return {
            **kept,
            "HOME": str(self.path),
            "PRODIGY_HOME": str(self.home),
            "GIT_CONFIG_GLOBAL": str(config),
            "GIT_CONFIG_NOSYSTEM": "1",
            **more,
        }

    def workflow(self, steps: Sequence[Mapping[str, object]], name: str = "work.json") -> Path:
        """Write a workflow file of these steps."""
        path = self.path / name
        path.write_text(json.dumps({"commands": list(steps)}), encoding="utf-8")
        return path

    def prodigy(self, *words: str | Path, **more: str) -> float:
        """Run the program to its end and return the seconds it took.

        Raises:
            RuntimeError: it did not end with 0.
        """
        began = time.perf_counter()
        done = subprocess.run(
            [PRODIGY, *map(str, words)],
            cwd=self.repository,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        took = time.perf_counter() - began
        if done.returncode != 0:
            raise RuntimeError(f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return took


@contextmanager
def place() -> Iterator[Place]:
    """A fresh place, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="prodigy-bench-") as directory:
        here = Place(Path(directory).resolve())
        identity = "[user]\n\tname = Bench\n\temail = bench@localhost\n[gc]\n\tauto = 0\n"
        (here.path / "gitconfig").write_text(identity, encoding="utf-8")
        here.repository.mkdir()
        (here.repository / "README.md").write_text("# Project\n", encoding="utf-8")
        for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "begin"]):
            subprocess.run(["git", *words], cwd=here.repository, env=here.environment(), check=True)
        yield here


def median_of(measure: Callable[[], float], times: int = 11) -> float:
    """The median of some measurements, after one that warms up."""
    measure()
    return statistics.median(measure() for _ in range(times))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
