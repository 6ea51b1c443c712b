"""What may come next in a filter line, while its last word is being typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

from app import format as form
from app.status_style import Chip
from app.tui.query import KEYS
from store.row import SessionRow
from store.states import State

_MOST = 6
_LOOKED_AT = 5000
_FEWEST_LETTERS = 2
_EXAMPLES = {"since": ("2d", "90m", "today"), "cost": ("cost>1", "cost<0.5")}
_NAMES: Mapping[str, Callable[[SessionRow], str]] = {
    "repo": lambda row: row.repo,
    "workflow": lambda row: row.workflow,
    "branch": lambda row: row.branch,
}


def hint(text: str, rows: Iterable[SessionRow], saved: Iterable[str]) -> str:
    """Words that the last one may become, most likely first; empty when it is whole.

    Args:
        text: the filter line as typed.
        rows: sessions, whose repositories and workflows are named.
        saved: the names of saved filters.
    """
    last = text.rpartition(" ")[2].casefold()
    key, colon, begun = last.partition(":")
    if last.startswith("@"):
        found = [f"@{name}" for name in saved if name.casefold().startswith(last[1:])]
    elif not colon:
        begins = len(last) >= _FEWEST_LETTERS
        found = [f"{one}:" for one in KEYS if begins and one.startswith(last)]
        begun = last
    elif key == "status":
        words = dict.fromkeys((*(state.value for state in State), *(chip.value for chip in Chip)))
        found = [word for word in words if word.casefold().startswith(begun)]
    elif key in _NAMES:
        counted = Counter(map(_NAMES[key], islice(rows, _LOOKED_AT)))
        found = [name for name, _ in counted.most_common() if name.casefold().startswith(begun)]
    else:
        found = [] if begun else list(_EXAMPLES.get(key, ()))
    found = [form.one_line(one) for one in found if one and one.casefold() not in (last, begun)]
    return ", ".join(found[:_MOST])
