"""Settings: what ``config.yml`` and the environment say, layer over layer, with every problem.

Weakest first: defaults, ``config.yml`` of the home, ``.prodigy/config.yml`` of the repository,
``PRODIGY__SECTION__KEY``, and the older names such as ``PRODIGY_LOG_LEVEL``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.config_values import (
    NotAValue,
    read_amount,
    read_boolean,
    read_bytes,
    read_call,
    read_level,
    read_map,
    read_seconds,
    read_text,
    read_words,
)
from orchestrator.workflow.problems import Position, Problem, Problems
from store.home import Home

CLAUDE_FLAGS = (
    "-p",
    "--output-format",
    "stream-json",
    "--verbose",
    "--dangerously-skip-permissions",
)
_PREFIX = "PRODIGY__"


@dataclass(frozen=True, slots=True)
class Config:
    """The settings in effect."""

    log_level: str = "info"
    """``error``, ``warn``, ``info``, ``debug`` or ``trace``."""
    claude_program: str = "claude"
    claude_flags: tuple[str, ...] = CLAUDE_FLAGS
    claude_api_key: str | None = None
    """Given to the Claude program as ``ANTHROPIC_API_KEY`` and masked everywhere."""
    history_keep: int = 50
    """Checkpoints kept per run."""
    log_max_bytes: int = 1 << 30
    kill_grace_seconds: float = 5.0
    stall_after_seconds: float = 900.0
    default_editor: str | None = None
    max_concurrent_specs: int | None = None
    auto_commit: bool | None = None
    prodigy_home: str | None = None
    dashboard_theme: str = "dark"
    dashboard_ascii: bool | None = None
    """None follows the locale."""
    dashboard_compact: bool = False
    dashboard_bell: str = "bell"
    """``bell``, ``notify`` or ``off``."""
    dashboard_filters: Mapping[str, object] = field(default_factory=dict)
    project: Mapping[str, object] = field(default_factory=dict)
    storage: Mapping[str, object] = field(default_factory=dict)
    plugins: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the configuration: where it is kept, how it is read, what names it has."""

    path: str
    """As in ``config.yml``, dotted: ``claude.program``."""
    attribute: str
    read: Callable[[object], Any]
    words: str
    """What it expects, for messages."""
    older_name: str | None = None
    secret: bool = False
    inert: bool = False
    """Accepted because files of the original have it; nothing depends on it."""


SETTINGS: tuple[Setting, ...] = (
    Setting("log_level", "log_level", read_level, "error, warn, info, debug or trace",
            "PRODIGY_LOG_LEVEL"),
    Setting("claude.program", "claude_program", read_text, "a program"),
    Setting("claude.flags", "claude_flags", read_words, "a list of words"),
    Setting("claude_api_key", "claude_api_key", read_text, "a text", "PRODIGY_CLAUDE_API_KEY",
            secret=True),
    Setting("history_keep", "history_keep", read_amount, "a whole number from 1"),
    Setting("log_max_bytes", "log_max_bytes", read_bytes, "a size such as 1GB"),
    Setting("kill_grace_seconds", "kill_grace_seconds", read_seconds, "a number of seconds"),
    Setting("stall_after", "stall_after_seconds", read_seconds, "a duration such as 15m"),
    Setting("default_editor", "default_editor", read_text, "a program", "PRODIGY_EDITOR"),
    Setting("max_concurrent_specs", "max_concurrent_specs", read_amount,
            "a whole number from 1", inert=True),
    Setting("auto_commit", "auto_commit", read_boolean, "true or false", "PRODIGY_AUTO_COMMIT",
            inert=True),
    Setting("prodigy_home", "prodigy_home", read_text, "a directory", inert=True),
    Setting("dashboard.theme", "dashboard_theme", read_text, "dark, light or a theme of Textual"),
    Setting("dashboard.ascii", "dashboard_ascii", read_boolean, "true or false"),
    Setting("dashboard.compact", "dashboard_compact", read_boolean, "true or false"),
    Setting("dashboard.bell", "dashboard_bell", read_call, "bell, notify or off"),
    Setting("dashboard.filters", "dashboard_filters", read_map, "a map of names to filters"),
    Setting("project", "project", read_map, "a map", inert=True),
    Setting("storage", "storage", read_map, "a map", inert=True),
    Setting("plugins", "plugins", read_map, "a map", inert=True),
)  # fmt: skip
_BY_PATH = {setting.path: setting for setting in SETTINGS}
_SECTIONS = frozenset(path.partition(".")[0] for path in _BY_PATH if "." in path)


@dataclass(frozen=True, slots=True)
class SettingValue:
    """What one layer says about one setting."""

    setting: Setting
    source: str
    """``default``, the path of a file, or the name of a variable."""
    value: object


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """The settings in effect, how they came about, and what is wrong."""

    config: Config
    history: Mapping[str, tuple[SettingValue, ...]]
    """By path: every layer that says something, weakest first; the last one is in effect."""
    problems: tuple[Problem, ...]

    @property
    def has_errors(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)


def load_config(
    home: Home, repository: Path | None, environment: Mapping[str, str]
) -> LoadedConfig:
    """Read every layer. What is wrong is in ``problems``; a bad value leaves the layer below it.

    Args:
        home: its ``config.yml`` is the first file.
        repository: the main checkout whose ``.prodigy/config.yml`` is the second; may be None.
        environment: the process environment.
    """
    problems = Problems()
    defaults = Config()
    history = {
        setting.path: [SettingValue(setting, "default", getattr(defaults, setting.attribute))]
        for setting in SETTINGS
    }
    found = list(_from_file(home.config, problems))
    if repository is not None:
        found += _from_file(repository / ".prodigy" / "config.yml", problems)
    found += _from_environment(environment, problems)
    for value in found:
        history[value.setting.path].append(value)
    chosen: dict[str, Any] = {
        layers[-1].setting.attribute: layers[-1].value for layers in history.values()
    }
    config = Config(**chosen)
    return LoadedConfig(
        config, {path: tuple(layers) for path, layers in history.items()}, problems.sorted
    )


def find_setting(path: str) -> Setting | None:
    """The setting kept at a dotted path."""
    return _BY_PATH.get(path)


def paths() -> tuple[str, ...]:
    """Every path of the configuration, in the order it is shown."""
    return tuple(_BY_PATH)


def _from_file(path: Path, problems: Problems) -> Iterator[SettingValue]:
    if not path.exists():
        return
    from orchestrator.config_file import read_entries

    for entry in read_entries(path, _SECTIONS, problems):
        yield from _value(entry.path, str(path), entry.value, entry.position, problems)


def _from_environment(environment: Mapping[str, str], problems: Problems) -> Iterator[SettingValue]:
    for name in sorted(environment):
        if name.startswith(_PREFIX):
            path = name.removeprefix(_PREFIX).lower().replace("__", ".")
            yield from _value(path, name, environment[name], _at_variable(name), problems)
    for setting in SETTINGS:
        name = setting.older_name or ""
        if environment.get(name):
            yield from _value(setting.path, name, environment[name], _at_variable(name), problems)


def _at_variable(name: str) -> Position:
    return Position(f"environment variable {name}")


def _value(
    path: str, source: str, raw: object, position: Position, problems: Problems
) -> Iterator[SettingValue]:
    setting = _BY_PATH.get(path)
    if setting is None:
        _unknown(path, position, problems)
        return
    try:
        yield SettingValue(setting, source, setting.read(raw))
    except NotAValue:
        shown = "a secret" if setting.secret else repr(raw)[:80]
        message = f"'{path}' expects {setting.words}, got {shown}"
        problems.error(position, "wrong_value", message)
        return
    if path == "prodigy_home":
        problems.warning(
            position, "no_effect", "'prodigy_home' does not move the home; set PRODIGY_HOME instead"
        )


def _unknown(path: str, position: Position, problems: Problems) -> None:
    from orchestrator.workflow.suggest import nearest

    problems.warning(
        position, "unknown_key", f"unknown key '{path}', ignored", nearest(path, tuple(_BY_PATH))
    )
