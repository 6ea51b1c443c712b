"""Calling the command line inside this process and keeping what it printed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from app.cli.main import main


@dataclass(frozen=True, slots=True)
class Called:
    """How one call ended."""

    arguments: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str

    def expect(self, exit_code: int) -> Called:
        """Fail, showing everything, unless it ended so."""
        assert self.exit_code == exit_code, f"expected exit {exit_code}:\n{self}"
        return self

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.stdout)

    @property
    def error(self) -> dict[str, Any]:
        """The error of ``--json``: one line on stderr."""
        found: dict[str, Any] = json.loads(self.stderr.splitlines()[-1])["error"]
        return found


class CommandLine:
    """``call("sessions", "list").expect(0)``: without terminals, as when piped."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str) -> Called:
        self._capture.readouterr()
        exit_code = main(arguments)
        printed = self._capture.readouterr()
        return Called(arguments, exit_code, printed.out, printed.err)
