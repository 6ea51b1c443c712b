"""What one call of the program has at hand: its flags, its environment, its home, its output."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.output import Output
from app.cli.settings import Settings
from store.home import Home

if TYPE_CHECKING:
    from orchestrator.config import Config


@dataclass
class Invocation:
    """Handed to every command."""

    settings: Settings = field(default_factory=Settings)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @cached_property
    def home(self) -> Home:
        """The state home the environment names."""
        return Home.from_environment(self.environment)

    def fix_home(self) -> Home:
        """Find the home now: a relative one is against the directory started in."""
        return self.home

    @cached_property
    def out(self) -> Output:
        """Where results, notices and warnings go; made when the flags are known."""
        return Output(self.settings, self.environment)

    @property
    def may_ask(self) -> bool:
        """Whether a person can be asked: both terminals are there and this is no automation."""
        if self.environment.get("CI") or self.environment.get("PRODIGY_AUTOMATION") == "true":
            return False
        return self.out.stdin_is_terminal and self.out.stderr_is_terminal

    def config(self, repository: Path | None = None) -> Config:
        """The settings in effect; warnings are shown, errors end the command (exit 2)."""
        from app.cli.configuration import checked_config

        return checked_config(self.home, repository, self.environment, self.out)
