"""Changing one setting in ``config.yml`` of the home; everything else in the file stays."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from orchestrator.config import Setting
from orchestrator.config_file import with_value
from orchestrator.config_values import NotAValue
from store.atomic import make_directory, replace_file
from store.home import Home


class NotSettable(Exception):
    """The value or the file does not allow it; ``is_usage`` when it is the value."""

    def __init__(self, message: str, *, is_usage: bool = False) -> None:
        super().__init__(message)
        self.is_usage = is_usage


def set_in_home(home: Home, setting: Setting, value: str) -> Path:
    """Write one value; the old content goes to ``config.yml.bak``.

    A file that is a symbolic link is written through it.

    Returns:
        The file that holds it now.

    Raises:
        NotSettable: the value is not one the setting takes, or the file cannot be edited so.
        StoreError: it cannot be written.
    """
    try:
        read = setting.read(value)
    except NotAValue:
        raise NotSettable(
            f"'{setting.path}' expects {setting.words}, got '{value}'", is_usage=True
        ) from None
    written = json.dumps(list(read)) if isinstance(read, tuple) else _scalar(value)
    target = home.config.resolve()
    try:
        before = target.read_bytes().decode() if target.exists() else ""
        after = with_value(before, setting.path, written)
        yaml.compose(after, Loader=yaml.SafeLoader)
    except (ValueError, yaml.YAMLError) as error:
        raise NotSettable(f"{target} cannot be changed so: {error}") from None
    make_directory(target.parent)
    if before:
        replace_file(target.with_name(f"{target.name}.bak"), before.encode())
    replace_file(target, after.encode(), sync=True)
    return home.config


def _scalar(value: str) -> str:
    """YAML for a text on one line: as it is where that reads back the same, else quoted."""
    try:
        node = yaml.compose(f"{value}\n", Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        node = None
    plain = (
        isinstance(node, yaml.ScalarNode)
        and node.value == value
        and node.style is None
        and node.tag != "tag:yaml.org,2002:null"
        and "\n" not in value
    )
    return value if plain else json.dumps(value)
