"""How numbers, times and outside text are written for people, in lists and on screens alike.

Every function is pure and returns plain text without padding; :func:`pad` makes columns of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

UNKNOWN = "–"
"""What stands for a value nobody knows."""
ELLIPSIS = "…"

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_WEEK = 7 * _DAY
_YEAR = 365 * _DAY
_FOREVER = 1000 * _YEAR
"""No span of time is as long: such a number means nothing."""
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WIDE = frozenset("WF")
_INVISIBLE = frozenset({"Mn", "Me", "Cf"})
_WIDE_IN_NEWER_UNICODE = re.compile(
    "[\u2630-\u2637\u268a-\u268f\u4dc0-\u4dff\U0001d300-\U0001d376]"
)
_CHANGE_WIDTHS = re.compile("[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef]")
"""Variation selectors and skin tones: terminals do not agree on how wide what they change is."""
_SHORT_ID = 8


# -- times ----------------------------------------------------------------------------------------


def duration(seconds: float | None, *, finished: bool = False) -> str:
    """Write a span of time: ``38s``, ``4m 51s``, ``1h 04m``, ``27h 10m``, ``4d 03h``.

    Args:
        seconds: the span; None or a negative one is unknown.
        finished: the span will not grow, so one under ten seconds shows a tenth (``0.4s``).
    """
    if seconds is None or not 0 <= seconds < _FOREVER:
        return UNKNOWN
    if finished and seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02}s"
    if whole < 2 * _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02}m"
    if whole < 100 * _DAY:
        return f"{whole // _DAY}d {whole % _DAY // _HOUR:02}h"
    return f"{whole // _DAY}d"


def age(seconds: float | None) -> str:
    """Write how long ago something was: ``now``, ``12s``, ``40m``, ``5h``, ``6d``, ``15w``, ``3y``.

    Never rounded up; a moment in the future is unknown.
    """
    if seconds is None or not 0 <= seconds < _FOREVER:
        return UNKNOWN
    if seconds < 2:
        return "now"
    for below, unit, letter in (
        (_MINUTE, 1, "s"),
        (_HOUR, _MINUTE, "m"),
        (_DAY, _HOUR, "h"),
        (_WEEK, _DAY, "d"),
        (_YEAR, _WEEK, "w"),
    ):
        if seconds < below:
            return f"{int(seconds // unit)}{letter}"
    return f"{int(seconds // _YEAR)}y"


def ago(seconds: float | None) -> str:
    """Write an age inside a sentence: ``just now``, ``3m ago``."""
    written = age(seconds)
    if written == "now":
        return "just now"
    return written if written == UNKNOWN else f"{written} ago"


def clock(moment: datetime | None, now: datetime, *, seconds: bool = False) -> str:
    """Write a moment as local time, as short as is clear beside ``now``.

    ``09:13`` today, ``Tue 09:13`` within a week, ``12 Nov 09:13`` this year, ``12 Nov 2025`` else.

    Args:
        moment: an aware moment; its own zone does not matter.
        now: the present, aware; its zone is the one written in when it is not UTC.
        seconds: write the seconds too (facts of one step).
    """
    if moment is None:
        return UNKNOWN
    here = None if now.tzinfo is UTC else now.tzinfo
    try:
        local, today = moment.astimezone(here), now.astimezone(here)
    except OverflowError:  # the first or the last hours of the calendar
        return UNKNOWN
    time = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    days = (today.date() - local.date()).days
    if days == 0:
        return time
    if abs(days) < 7:
        return f"{_WEEKDAYS[local.weekday()]} {time}"
    day = f"{local.day} {_MONTHS[local.month - 1]}"
    if local.year == today.year:
        return f"{day} {time}"
    return f"{day} {local.year}"


def moment_from_microseconds(value: int | None) -> datetime | None:
    """The aware moment of microseconds since the epoch; 0 and what no calendar holds are none."""
    if not value:
        return None
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=value)
    except OverflowError:
        return None


def estimate(seconds: float | None) -> str:
    """Write how long something may still take, in minutes at least: ``about 9m``."""
    if seconds is None or not 0 <= seconds < _FOREVER:
        return ""
    minutes = max(1, round(seconds / _MINUTE))
    return f"about {minutes}m" if minutes < 100 else f"about {round(minutes / 60)}h"


# -- amounts --------------------------------------------------------------------------------------


def amount(value: float) -> str:
    """Write a count with k, M, G…: ``812``, ``18.2k``, ``120k``; one decimal below 100."""
    if value < 1000:
        return str(int(value))
    for unit in "kMGTP":
        value /= 1000
        if value < 999.5:
            return f"{_short_decimal(value)}{unit}"
    return UNKNOWN


def steps(done: int, total: int) -> str:
    """Write a place in a sequence: ``3/5``, ``1.2k/4k``, ``3/?`` when the total is unknown."""
    return f"{amount(done)}/{amount(total) if total > 0 else '?'}"


def cost(dollars: float | None, *, partly: bool = False) -> str:
    """Write an amount of money: ``$0.42``, ``$12.10``, ``$1.2k``; ``+`` when partly unpriced."""
    if dollars is None or not dollars >= 0:
        return UNKNOWN
    more = "+" if partly else ""
    if 0 < dollars < 0.005:
        return f"<$0.01{more}"
    if dollars < 999.995:
        return f"${dollars:.2f}{more}"
    return f"${amount(dollars)}{more}"


def tokens(count_in: int, count_out: int) -> str:
    """Write token counts: ``18.2k in 2.3k out``."""
    return f"{amount(count_in)} in {amount(count_out)} out"


def size(count: int | None) -> str:
    """Write a number of bytes: ``812 B``, ``38 KB``, ``1.2 MB``; 1 KB is 1 024."""
    if count is None or count < 0:
        return UNKNOWN
    if count < 1024:
        return f"{count} B"
    value = float(count)
    for unit in ("KB", "MB", "GB", "TB"):
        value /= 1024
        if value < 999.5 or unit == "TB":
            return f"{_short_decimal(value, below=10)} {unit}"
    raise AssertionError("unreachable")


def percent(part: float, whole: float) -> str:
    """Write a share without decimals; ``100 %`` only when it is all of it."""
    if whole <= 0:
        return UNKNOWN
    share = round(100 * part / whole)
    if share >= 100 and part < whole:
        share = 99
    return f"{share} %"


def count(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun: ``1 commit``, ``2 commits``, ``0 files``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def _short_decimal(value: float, *, below: float = 100) -> str:
    """One decimal below the limit, and none when it is a zero."""
    if value < below - 0.05:
        return f"{value:.1f}".removesuffix(".0")
    return str(round(value))


# -- ids ------------------------------------------------------------------------------------------


def short_id(run_id: str, others: Collection[str] = ()) -> str:
    """The first eight characters after the prefix, more while another id begins the same.

    Args:
        run_id: a whole id, such as ``session-7c1e4f02-…``.
        others: ids it must be told from; its own may be among them.
    """
    prefix, _, rest = run_id.partition("-")
    known = prefix in ("session", "workflow", "mapreduce") and rest
    body = rest if known else run_id
    length = _SHORT_ID
    if others:
        start = len(run_id) - len(body)
        while length < len(body) and any(
            other.startswith(body[:length], start) and other != run_id for other in others
        ):
            length += 1
    return body[:length].rstrip("-")


# -- text from outside ----------------------------------------------------------------------------


def width(text: str) -> int:
    """How many cells of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def cut(text: str, cells: int) -> str:
    """The text, or its beginning and ``…``, in no more than so many cells."""
    if len(text) <= cells and text.isascii():
        return text
    if width(text) <= cells:
        return text
    if cells <= 0:
        return ""
    return f"{_head(text, cells - 1)}{ELLIPSIS}"


def cut_middle(text: str, cells: int) -> str:
    """The text with ``…`` in its middle when it is longer: for paths and branches."""
    if width(text) <= cells:
        return text
    if cells <= 2:
        return cut(text, cells)
    tail = (cells - 1) // 3 or 1
    end = _head(text[::-1], tail)[::-1]
    return f"{_head(text, cells - 1 - tail)}{ELLIPSIS}{end}"


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """Fill with blanks to so many cells; the text stands at the left, or at the right."""
    blanks = " " * max(0, cells - width(text))
    return f"{blanks}{text}" if right else f"{text}{blanks}"


def one_line(text: str) -> str:
    """Make outside text safe inside a row: line ends as `` / ``, controls visible."""
    if text.isascii() and text.isprintable():
        return text
    lines = [visible(line).strip() for line in text.splitlines()]
    return " / ".join(line for line in lines if line)


def visible(text: str, *, keep: str = "") -> str:
    """Show control characters as ``^[``, bidirectional and zero-width controls as ``·``.

    What only changes the look of the character before it is left out.

    Args:
        text: text from outside.
        keep: control characters left as they are, such as a newline.
    """
    if text.isprintable() and (text.isascii() or not _CHANGE_WIDTHS.search(text)):
        return text
    return "".join(
        character if character in keep else _visible_character(character) for character in text
    )


def _visible_character(character: str) -> str:
    code = ord(character)
    if character == "\t":
        return "    "
    if code < 0x20:
        return f"^{chr(code + 0x40)}"
    if code == 0x7F:
        return "^?"
    if 0x80 <= code < 0xA0:
        return f"^[{chr(code - 0x40)}"
    if _CHANGE_WIDTHS.match(character):
        return ""
    category = unicodedata.category(character)
    if category in ("Cf", "Zl", "Zp"):
        return "·"
    if category == "Cs":
        return "\ufffd"
    return character


def _cells(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character) in _INVISIBLE:
        return 0
    is_wide = unicodedata.east_asian_width(character) in _WIDE
    return 2 if is_wide or _WIDE_IN_NEWER_UNICODE.match(character) else 1


def _head(text: str, cells: int) -> str:
    used = 0
    for place, character in enumerate(text):
        used += _cells(character)
        if used > cells:
            return text[:place]
    return text
