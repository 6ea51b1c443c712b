"""A scope made of plain dictionaries, and the real shell to hand a text to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping

from orchestrator.workflow.interpolation import (
    InterpolationError,
    Rendered,
    TextKind,
    interpolate,
)
from orchestrator.workflow.values import MISSING


class Names:
    """Variables by whole name; computed values show what was asked for, ``broken`` ones fail."""

    def __init__(
        self,
        variables: Mapping[str, object] | None = None,
        declared: Mapping[str, str] | None = None,
        process: Mapping[str, str] | None = None,
    ) -> None:
        self.variables = dict(variables or {})
        self.declared = dict(declared or {})
        self.process = dict(process or {})
        self.asked: list[tuple[str, str]] = []

    def lookup(self, name: str) -> object:
        return self.variables.get(name, MISSING)

    def names(self) -> Iterable[str]:
        return self.variables

    def computed(self, kind: str, argument: str) -> str:
        self.asked.append((kind, argument))
        if argument == "broken":
            raise InterpolationError(f"{kind}:{argument} failed")
        return f"<{kind} {argument}>"


def shell(text: str, /, **variables: object) -> Rendered:
    return interpolate(text, Names(variables), TextKind.SHELL)


def prompt(text: str, /, **variables: object) -> Rendered:
    return interpolate(text, Names(variables), TextKind.PROMPT)


def printed(rendered: Rendered) -> str:
    """What ``sh -c`` prints for a text, with its exports, without the last newline."""
    done = subprocess.run(
        ["sh", "-c", rendered.text],
        env={"PATH": os.environ["PATH"], **rendered.exports},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=20,
    )
    return done.stdout.decode().removesuffix("\n")
