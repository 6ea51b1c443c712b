"""Keys that come in one piece: each has done its action before the next one is looked at."""

from __future__ import annotations

from textual.app import App
from textual.events import Event, Key


class KeysInOrder(App[int]):
    """Does the action of a key at once.

    Textual sends a key through the widgets and looks for its action when it has come back. Keys
    that follow at once are then on their way to the widget that had the focus before the action.
    """

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key) and not event.is_forwarded:
            self.app_focus = True  # somebody types, whatever the terminal has told
            if not self._is_text(event) and await self._has_acted(event.key):
                return
        await super().on_event(event)

    def _is_text(self, event: Key) -> bool:
        """Whether the key is a letter for a field that is typed into."""
        focused = self.focused
        return focused is not None and focused.check_consume_key(event.key, event.character)

    async def _has_acted(self, key: str) -> bool:
        bound_first = await self._check_bindings(key, priority=True)
        return bound_first or await self._check_bindings(key)
