"""The dashboard's own settings: the section ``dashboard`` of ``config.yml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from store.home import Home

_READ_HERE = (b"dashboard", b"default_editor")
_PREFIX = "PRODIGY__"
_VARIABLE = f"{_PREFIX}DASHBOARD__"


class Call(StrEnum):
    """How a person is called when a session needs one."""

    BELL = "bell"
    NOTIFY = "notify"
    """A notification of the terminal (OSC 9)."""
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Settings:
    """How the dashboard looks and calls.

    ``theme`` is ``dark``, ``light`` or the name of one of Textual's; ``ascii`` None follows the
    locale; ``filters`` are questions by name, typed as ``@name``.
    """

    theme: str = "dark"
    ascii: bool | None = None
    compact: bool = False
    call: Call = Call.BELL
    filters: Mapping[str, str] = field(default_factory=dict)
    editor: str | None = None


def load_settings(home: Home, environment: Mapping[str, str]) -> Settings:
    """Read the settings; what is wrong with them ``prodigy config validate`` says.

    The file is parsed only when it says something of that, as that takes longer than the first
    picture.
    """
    try:
        written = home.config.read_bytes()
    except OSError:
        written = b""
    is_set = any(name in written for name in _READ_HERE)
    if not is_set and not any(name.startswith(_VARIABLE) for name in environment):
        return Settings()
    from orchestrator.config import load_config

    config = load_config(home, None, environment).config
    filters = {str(name): str(text) for name, text in config.dashboard_filters.items()}
    return Settings(
        config.dashboard_theme,
        config.dashboard_ascii,
        config.dashboard_compact,
        Call(config.dashboard_bell),
        filters,
        config.default_editor,
    )


def settings_problem(home: Home, environment: Mapping[str, str]) -> str:
    """What of the configuration is not followed, in words; empty when all of it is.

    It takes longer than the first picture, so it is asked for afterwards.
    """
    if not home.config.exists() and not any(name.startswith(_PREFIX) for name in environment):
        return ""
    from app.tui.theme import find_theme, theme_names
    from orchestrator.config import load_config

    loaded = load_config(home, None, environment)
    problems = [one.message for one in loaded.problems if one.severity == "error"]
    theme = loaded.config.dashboard_theme
    if find_theme(theme) is None:
        problems.append(f"no theme '{theme}' (dashboard.theme); there are {len(theme_names())}")
    if not problems:
        return ""
    return f"{problems[0]}. prodigy config validate says more."
