"""Keys that come in one piece: each has done its action before the next one is looked at."""

from __future__ import annotations

import asyncio

from textual.app import App
from textual.events import Event, Key
from textual.widget import Widget

TAKEN_WITHIN_SECONDS = 1.0
"""A field that is at something else for longer does not hold up the keys."""


class KeysInOrder(App[int]):
    """Does the action of a key at once, but not before what was typed into a field was taken.

    Textual sends a key through the widgets and looks for its action when it has come back. Keys
    that follow at once are then on their way to the widget that had the focus before the action.
    """

    _typed_into: Widget | None = None
    """The field that letters may still be on their way to."""

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key) and not event.is_forwarded:
            self.app_focus = True  # somebody types, whatever the terminal has told
            if self._is_text(event):
                self._typed_into = self.focused
            else:
                await self._take_what_was_typed()
                if await self._has_acted(event.key):
                    return
        await super().on_event(event)

    def _is_text(self, event: Key) -> bool:
        """Whether the key is a letter for a field that is typed into."""
        focused = self.focused
        return focused is not None and focused.check_consume_key(event.key, event.character)

    async def _take_what_was_typed(self) -> None:
        """Wait until the field has its letters, and what it is part of was told of them."""
        field, self._typed_into = self._typed_into, None
        if field is None:
            return
        try:
            async with asyncio.timeout(TAKEN_WITHIN_SECONDS):
                for node in field.ancestors_with_self:
                    if node is not self and node.is_attached:
                        taken = asyncio.Event()
                        if node.call_later(taken.set):
                            await taken.wait()
        except TimeoutError:
            return

    async def _has_acted(self, key: str) -> bool:
        bound_first = await self._check_bindings(key, priority=True)
        return bound_first or await self._check_bindings(key)
