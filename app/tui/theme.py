"""Colours: our themes, and the one way from a token's name to a style of the terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

if TYPE_CHECKING:
    from textual.app import App

DARK: Final = "prodigy-dark"
LIGHT: Final = "prodigy-light"
DARK_16: Final = "prodigy-dark-16"
LIGHT_16: Final = "prodigy-light-16"
OUR_NAMES: Final = {"dark": DARK, "light": LIGHT}
"""What people call our themes."""
WITH_16_COLOURS: Final = {DARK: DARK_16, LIGHT: LIGHT_16}

_COLOURS: Final = {
    # token: dark, light, 16 colours on dark, 16 colours on light
    "bg": ("#11151c", "#fbfbf9", "default", "default"),
    "raise": ("#181d26", "#f0f1ee", "default", "default"),
    "sel": ("#22304a", "#dbe6fb", "default", "default"),
    "line": ("#2d3645", "#d3d6d2", "bright_black", "bright_black"),
    "track": ("#39445a", "#c9cec9", "bright_black", "bright_black"),
    "fg": ("#d8dee9", "#1f2430", "default", "default"),
    "muted": ("#a3adbf", "#4d5665", "default", "default"),
    "faint": ("#778297", "#6c7481", "bright_black", "bright_black"),
    "accent": ("#8ab4ff", "#1f5fc4", "bright_blue", "blue"),
    "error": ("#ff7b7b", "#c02f2f", "bright_red", "red"),
    "warn": ("#ffb454", "#9a5b00", "bright_yellow", "yellow"),
    "live": ("#5ccfe6", "#00708a", "bright_cyan", "cyan"),
    "done": ("#8fd694", "#2c7a3f", "bright_green", "green"),
    "wait": ("#d0a3ff", "#7a3fb0", "bright_magenta", "magenta"),
    "inv": ("#11151c", "#fbfbf9", "black", "white"),
}
_TOKENS: Final = tuple(_COLOURS)
# Which attribute of a Textual theme carries a token; the others are variables of our own.
_ATTRIBUTES: Final = {
    "bg": "background",
    "raise": "surface",
    "sel": "panel",
    "fg": "foreground",
    "accent": "accent",
    "error": "error",
    "warn": "warning",
    "done": "success",
    "wait": "secondary",
}
_OWN: Final = tuple(token for token in _TOKENS if token not in _ATTRIBUTES)


def _theme(name: str, column: int, *, dark: bool, ansi: bool) -> Theme:
    prefix = "ansi_" if ansi else ""
    token = {name: f"{prefix}{colours[column]}" for name, colours in _COLOURS.items()}
    return Theme(
        name=name,
        primary=token["accent"],
        secondary=token["wait"],
        warning=token["warn"],
        error=token["error"],
        success=token["done"],
        accent=token["accent"],
        foreground=token["fg"],
        background=token["bg"],
        surface=token["raise"],
        panel=token["sel"],
        dark=dark,
        ansi=ansi,
        variables={own: token[own] for own in _OWN} | _for_inputs(token, ansi=ansi, dark=dark),
    )


def _for_inputs(token: Mapping[str, str], *, ansi: bool, dark: bool) -> dict[str, str]:
    """What Textual's own widgets ask for."""
    found = {
        "input-selection-background": token["track"],
        "input-cursor-background": token["fg"],
        "input-cursor-foreground": token["bg"],
    }
    if ansi:
        ground, text = ("ansi_black", "ansi_white") if dark else ("ansi_white", "ansi_black")
        found |= {
            "ansi-background": ground,
            "ansi-foreground": text,
            "border-blurred": ground,
            "block-cursor-foreground": ground,
            "block-cursor-background": text,
            "input-cursor-background": text,
            "input-cursor-foreground": ground,
            "input-selection-foreground": ground,
            "screen-selection-background": token["accent"],
            "screen-selection-foreground": ground,
        }
    return found


THEMES: Final = (
    _theme(DARK, 0, dark=True, ansi=False),
    _theme(LIGHT, 1, dark=False, ansi=False),
    _theme(DARK_16, 2, dark=True, ansi=True),
    _theme(LIGHT_16, 3, dark=False, ansi=True),
)


def theme_names() -> tuple[str, ...]:
    """Every theme, as people call it; ours first."""
    return (*OUR_NAMES, *BUILTIN_THEMES)


def find_theme(name: str) -> str | None:
    """The theme of a name people use, or None."""
    ours = OUR_NAMES.get(name, name)
    known = (*BUILTIN_THEMES, *(theme.name for theme in THEMES))
    return ours if ours in known else None


def variables_for(theme: Theme) -> dict[str, str]:
    """Our own variables for a theme that lacks them, mixed from the colours it has."""
    if all(own in theme.variables for own in _OWN):
        return {}
    background = _parsed(theme.background, "#000000" if theme.dark else "#ffffff")
    foreground = _parsed(theme.foreground, "#e0e0e0" if theme.dark else "#202020")
    primary = _parsed(theme.primary, "#8ab4ff")
    return {
        "muted": foreground.blend(background, 0.25).hex,
        "faint": foreground.blend(background, 0.45).hex,
        "line": background.blend(foreground, 0.2).hex,
        "track": background.blend(foreground, 0.28).hex,
        "live": _parsed(theme.accent or theme.secondary, primary.hex).hex,
        "inv": background.hex,
    }


def _parsed(value: str | None, otherwise: str) -> Color:
    try:
        return Color.parse(value or otherwise)
    except ColorParseError:
        return Color.parse(otherwise)


def wants_no_colour(environment: Mapping[str, str] | None = None) -> bool:
    """Whether colour was asked away (https://no-color.org)."""
    variables = os.environ if environment is None else environment
    return bool(variables.get("NO_COLOR"))


class Ink:
    """Styles of the terminal for the tokens of one theme.

    Without colour (``NO_COLOR``) weight tells everything: faint is dim, the cursor row and active
    things are reversed. With 16 colours the cursor row is reversed too.
    """

    def __init__(self, colours: Mapping[str, RichColor], *, reverses: bool, plain: bool) -> None:
        self._colours = colours
        self._reverses = reverses
        self._plain = plain
        self.style = lru_cache(maxsize=512)(self._style)

    @classmethod
    def of(cls, app: App[Any]) -> Ink:
        """The ink of the theme an app shows now."""
        theme = app.current_theme
        found = app.theme_variables
        colours = {}
        for token in _TOKENS:
            attribute = _ATTRIBUTES.get(token)
            own = getattr(theme, attribute, None) if attribute else theme.variables.get(token)
            value = own or found.get(attribute or token)
            colours[token] = _parsed(value, "#808080").rich_color
        return cls(colours, reverses=theme.ansi or app.no_color, plain=app.no_color)

    def _style(self, token: str, on: str = "bg", bold: bool = False, under: bool = False) -> Style:
        """The style of text in ``token`` on the background ``on``."""
        reverse = self._reverses and on in ("sel", "accent")
        if on == "sel" and token == "faint":
            token = "muted"
        if on == "accent":
            token = "inv"
        if self._plain:
            dim = token in ("faint", "line", "track")
            strong = bold or token == "accent"
            return Style(bold=strong, dim=dim, underline=under, reverse=reverse)
        if reverse:
            colour = self._colours["accent" if on == "accent" else "fg"]
            return Style(color=colour, bold=bold, underline=under, reverse=True)
        return Style(
            color=self._colours[token], bgcolor=self._colours[on], bold=bold, underline=under
        )
