"""The filter line: plain words and ``status:failed``, ``repo:x`` as one question."""

from __future__ import annotations

from dataclasses import dataclass

from app.status_style import STYLES, chip_of
from store.row import SessionRow
from store.states import State

KEYS = ("status", "repo", "workflow", "branch", "id")
"""What can be asked for by name, as ``key:value``."""


@dataclass(frozen=True, slots=True)
class Query:
    """A filter: every word must be found somewhere, and every ``key:value`` must hold."""

    text: str = ""
    words: tuple[str, ...] = ()
    keyed: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.keyed)

    def matches(self, row: SessionRow) -> bool:
        """Whether a session is asked for."""
        for key, values in self.keyed:
            if not any(_holds(key, value, row) for value in values):
                return False
        if not self.words:
            return True
        told = "\n".join(
            (row.id, row.workflow, row.repo, row.branch, row.error or "", row.problem or "")
        ).casefold()
        return all(word in told for word in self.words)

    def without(self, key: str) -> Query:
        """The same question without one key."""
        return Query(
            self.text,
            self.words,
            tuple((name, values) for name, values in self.keyed if name != key),
        )


def parse(text: str) -> Query:
    """Read a filter line. A key nobody knows is a plain word, so nothing typed is an error."""
    words: list[str] = []
    keyed: dict[str, tuple[str, ...]] = {}
    for part in text.split():
        key, colon, value = part.partition(":")
        name = key.casefold()
        if colon and name in KEYS:
            values = tuple(one for one in value.casefold().split(",") if one)
            if values:
                keyed[name] = keyed.get(name, ()) + values
        else:
            words.append(part.casefold())
    return Query(text.strip(), tuple(words), tuple(keyed.items()))


def _holds(key: str, value: str, row: SessionRow) -> bool:
    if key == "status":
        return _is_state(value, row)
    told = {"repo": row.repo, "workflow": row.workflow, "branch": row.branch, "id": row.id}[key]
    return value in told.casefold()


def _is_state(value: str, row: SessionRow) -> bool:
    """Real words, shown words, stored words and the names of the chips; beginnings count."""
    value = value.replace("_", " ")
    names = {
        row.state.value.replace("_", " "),
        STYLES[row.state].word.rstrip("…?"),
        row.status.casefold(),
        chip_of(row.state).value.casefold(),
    }
    if row.state is State.UNKNOWN:
        names.add("running?")
    return any(name.startswith(value) for name in names if name)
