"""What the actions of Trends do; the screen itself knows how."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.tui.screens.action_screen import ActionScreen
    from app.tui.screens.trends import TrendsScreen


def trends(screen: ActionScreen, _key: str) -> None:
    from app.tui.screens.trends import TrendsScreen

    screen.app.push_screen(TrendsScreen())


def period(screen: ActionScreen, key: str) -> None:
    if key.isdigit():
        _trends(screen).choose_period(int(key))


def sort_trends(screen: ActionScreen, _key: str) -> None:
    _trends(screen).sort_next()


def group_trends(screen: ActionScreen, _key: str) -> None:
    _trends(screen).group_next()


def export_trends(screen: ActionScreen, _key: str) -> None:
    _trends(screen).export()


def its_sessions(screen: ActionScreen, _key: str) -> None:
    _trends(screen).show_sessions()


def _trends(screen: ActionScreen) -> TrendsScreen:
    from app.tui.screens.trends import TrendsScreen

    assert isinstance(screen, TrendsScreen)
    return screen
