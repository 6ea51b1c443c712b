"""What arrives late: it is dropped when what it was for has gone, and nothing breaks."""

from __future__ import annotations

import threading

from textual.app import App
from textual.screen import Screen

from app.tui.calling import on_loop, unless_gone, unless_half_there


class Asked(Screen[None]):
    """Reads something in a thread, and hears of it twice: at once, and when it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.go, self.done = threading.Event(), threading.Event()

    def on_mount(self) -> None:
        self.run_worker(self.read, thread=True, exit_on_error=False)

    def read(self) -> None:
        try:
            on_loop(self, self.heard.append, "at once")
            self.go.wait(20)
            on_loop(self, self.heard.append, "late")
        finally:
            self.done.set()


async def test_what_a_thread_found_is_dropped_when_its_screen_has_gone() -> None:
    app = App[None]()
    async with app.run_test() as pilot:
        asked = Asked()
        await app.push_screen(asked)
        while not asked.heard:
            await pilot.pause(0.01)
        await app.pop_screen()
        asked.go.set()
        while not asked.done.is_set():
            await pilot.pause(0.01)
        assert asked.heard == ["at once"]


async def test_a_call_for_later_does_nothing_when_its_screen_has_gone() -> None:
    app = App[None]()
    async with app.run_test() as pilot:
        asked = Asked()
        asked.go.set()
        await app.push_screen(asked)
        late = unless_gone(asked, asked.heard.append, "drawn")
        await pilot.pause()
        late()
        assert asked.heard.count("drawn") == 1
        await app.pop_screen()
        late()
        assert asked.heard.count("drawn") == 1


async def test_what_a_screen_without_its_widgets_is_told_is_dropped() -> None:
    app = App[None]()
    async with app.run_test():
        with unless_half_there():
            app.screen.query_one("#not-there-yet")
