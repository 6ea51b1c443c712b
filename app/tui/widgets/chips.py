"""The row of chips: the counts by status and the filters are one thing."""

from __future__ import annotations

from app.status_style import Chip
from app.tui.board import board_of
from app.tui.drawing import Line
from app.tui.widgets.painted import Pressable

CHIPS: tuple[Chip | None, ...] = (None, *Chip)
"""In the order of their digits; None is all of them."""
_COUNT_ROLES = {Chip.NEEDS_YOU: "warn", Chip.RUNNING: "live"}


class Chips(Pressable):
    """``1 All 43   2 Needs you 7   3 Running 6   4 Paused 2   5 Finished 28``."""

    class Pressed(Pressable.Pressed):
        """A chip, the filter or the sort was clicked."""

    _counted: tuple[int, ...] = ()

    def recount(self) -> None:
        """Sessions changed; only other counts are another picture."""
        if self._counts() != self._counted:
            self.repaint()

    def _counts(self) -> tuple[int, ...]:
        listing = board_of(self).listing
        return tuple(listing.count(chip) for chip in CHIPS)

    def paint(self, width: int, height: int) -> list[Line]:
        self._counted = self._counts()
        listing = board_of(self).listing
        line = Line()
        x = 1
        room = 4 if listing.count(None) >= 1000 else 0
        gap = 1 if width >= 110 or (not room and width >= 72) else 0
        for digit, chip in enumerate(CHIPS, 1):
            count = str(listing.count(chip)) if listing.loaded else ""
            counted = f" {count:>{room}}" if count else ""
            name = chip.value if chip else "All"
            if width < 72:
                name = name.split(" ")[0]
            active = chip is listing.chip
            key = f"chip({digit})"
            if active:
                x = line.put(x, f" {digit} ", "inv", on="accent", key=key)
                x = line.put(x, f"{name}{counted} ", "inv", bold=True, on="accent", key=key)
                x += gap
                continue
            zero = count == "0"
            x = line.put(x + (width >= 72), f"{digit} ", "faint", key=key)
            x = line.put(x, name, "faint" if zero else "muted", key=key)
            role = "faint" if zero else _COUNT_ROLES.get(chip, "muted") if chip else "muted"
            x = line.put(x, counted, role, bold=chip is Chip.NEEDS_YOU and not zero, key=key)
            x += 1 + gap
        right = width - (2 if width >= 110 else 1)
        if width >= 110:
            right = line.right(right, listing.sort.value, "muted", key="sort")
            right = line.right(right - 1, "s", "accent", bold=True, key="sort")
            right = line.right(right - 3, "filter", "muted", key="filter")
            line.right(right - 1, "/", "accent", bold=True, key="filter")
        return [line]
