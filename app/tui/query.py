"""The filter line as one question: plain words, ``status:failed``, ``since:2d`` and ``cost>1``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.status_style import STYLES, Chip, chip_of
from store.row import SessionRow
from store.states import SessionStatus, State

KEYS = ("status", "repo", "workflow", "branch", "id", "since", "cost")
"""What can be asked for by name."""
_NAMES = frozenset({"repo", "workflow", "branch", "id"})
"""Of these a value between quotes is the whole of it, and may have blanks."""

_TERM = re.compile(r"([A-Za-z_]+)(:|>=|<=|>|<)(.*)\Z", re.DOTALL)
_PART = re.compile(r'(?:"[^"]*"?|[^\s"])+')
"""What stands between blanks; a blank between quotes separates nothing."""
_VALUE = re.compile(r'(?:"[^"]*"?|[^,"])+')
_WHOLE = re.compile(r'"[^"]*"\Z')
_PLAIN = re.compile(r'[^\s":<>=@]+\Z')
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)\Z")
_SPAN_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_COST = re.compile(r"\$?(\d+(?:\.\d*)?|\.\d+)\Z")

Test = Callable[[SessionRow], bool]


@dataclass(frozen=True, slots=True)
class Term:
    """One ``key:value`` of a question, as it was typed, and what it asks of a session."""

    key: str
    text: str
    holds: Test


@dataclass(frozen=True, slots=True)
class Query:
    """A filter: every word must be found somewhere, and every key must hold.

    ``problems`` are terms that mean nothing; they are left out of the question and said.
    """

    text: str = ""
    words: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    problems: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.terms)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are asked for, each once, as typed first."""
        return tuple(dict.fromkeys(term.key for term in self.terms))

    @property
    def plain(self) -> str:
        """The same question without what means nothing, saved filters written out."""
        words = (word if _PLAIN.match(word) else f'"{word}"' for word in self.words)
        return " ".join((*words, *(term.text for term in self.terms)))

    def matches(self, row: SessionRow, told: str | None = None) -> bool:
        """Whether a session is asked for; ``told`` is its :func:`search_text`, where known."""
        if not all(term.holds(row) for term in self.terms):
            return False
        if not self.words:
            return True
        text = search_text(row) if told is None else told
        return all(word in text for word in self.words)

    def without(self, key: str) -> Query:
        """The same question without one key."""
        terms = tuple(term for term in self.terms if term.key != key)
        return Query(self.text, self.words, terms, self.problems)


def search_text(row: SessionRow) -> str:
    """What plain words are looked for in, whatever the case."""
    names = (row.id, row.workflow, row.repo, row.branch)
    wrong = (row.failure_label, row.error or "", row.problem or "")
    return "\n".join((*names, *wrong)).casefold()


def parse(text: str, now: datetime, saved: Mapping[str, str] | None = None) -> Query:
    """Read a filter line.

    Args:
        text: as typed. A key nobody knows is a plain word, unless it is nearly one that is known.
        now: the present, from which ``since:2d`` counts.
        saved: filters by name, meant by ``@name``.
    """
    words: list[str] = []
    values: dict[str, list[str]] = {}
    terms: list[Term] = []
    problems: list[str] = []
    for part in _expanded(text, saved or {}, problems):
        found = _TERM.match(part)
        key = found[1].casefold() if found else ""
        if found is None or key not in KEYS:
            if found is not None and found[2] == ":" and (near := _nearest(key, KEYS)):
                problems.append(f"no key {key}; did you mean {near}?")
            else:
                words += filter(None, [part.replace('"', "").casefold()])
            continue
        sign, value = found[2], found[3].casefold()
        if key not in _NAMES:
            value = value.replace('"', "").replace(" ", "_")
        if not value:  # being typed
            continue
        try:
            if key in ("since", "cost") or sign != ":":
                terms.append(Term(key, f"{key}{sign}{value}", _measured(key, sign, value, now)))
            else:
                values.setdefault(key, []).extend(_VALUE.findall(value))
        except ValueError as error:
            problems.append(str(error))
    for key, asked in values.items():
        problems += [problem for one in asked if (problem := _unknown_status(key, one))]
        known = [one for one in asked if not _unknown_status(key, one)]
        if known:
            terms.append(Term(key, f"{key}:{','.join(known)}", _any_of(key, tuple(known))))
    return Query(text.strip(), tuple(words), tuple(terms), tuple(problems))


def _expanded(text: str, saved: Mapping[str, str], problems: list[str]) -> Iterator[str]:
    """The parts of a line, saved filters in place of their names."""
    for part in _PART.findall(text):
        if not part.startswith("@") or len(part) == 1:
            yield part
        elif part[1:] in saved:
            yield from _PART.findall(saved[part[1:]])
        else:
            near = _nearest(part[1:], list(saved))
            meant = f"; did you mean @{near}?" if near else ""
            problems.append(f"no saved filter {part}{meant}")


def _any_of(key: str, values: tuple[str, ...]) -> Test:
    if key == "status":
        states = frozenset(
            state for state in State if any(_means(value, state) for value in values)
        )
        stored = frozenset(
            str(status)
            for status in SessionStatus
            if any(status.casefold().startswith(value.replace("_", " ")) for value in values)
        )
        return lambda row: row.state in states or row.status in stored
    read: dict[str, Callable[[SessionRow], str]] = {
        "repo": lambda row: row.repo,
        "workflow": lambda row: row.workflow,
        "branch": lambda row: row.branch,
        "id": lambda row: row.id,
    }
    told = read[key]
    whole = {value[1:-1] for value in values if _WHOLE.match(value)}
    parts = tuple(value.replace('"', "") for value in values if not _WHOLE.match(value))

    def holds(row: SessionRow) -> bool:
        name = told(row).casefold()
        return name in whole or any(part in name for part in parts)

    return holds


def _measured(key: str, sign: str, value: str, now: datetime) -> Test:
    """A test of a time or a number.

    Raises:
        ValueError: the value is none; the message says what is expected.
    """
    if key == "since" and sign == ":":
        since_us = int(_moment(value, now).timestamp() * 1_000_000)
        return lambda row: max(row.state_since_us, row.updated_us) >= since_us
    if key != "cost" or sign == ":":
        wanted = "cost>1 or cost<0.5" if key == "cost" else f"{key}:{value}"
        raise ValueError(f"{key}{sign}{value} is no question; {wanted} is")
    found = _COST.match(value)
    if found is None:
        raise ValueError(f"cost{sign}{value}: a number of dollars is expected, as in cost>1")
    amount = float(found[1])
    compare: dict[str, Callable[[float], bool]] = {
        ">": lambda cost: cost > amount,
        "<": lambda cost: cost < amount,
        ">=": lambda cost: cost >= amount,
        "<=": lambda cost: cost <= amount,
    }
    holds = compare[sign]
    return lambda row: row.cost_usd is not None and holds(row.cost_usd)


def _moment(value: str, now: datetime) -> datetime:
    span = _SPAN.match(value)
    if span is not None:
        return now - timedelta(seconds=float(span[1]) * _SPAN_SECONDS[span[2]])
    if value == "today":
        return now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"since:{value}: 2d, 90m, today or 2026-01-31 is expected") from None
    return moment if moment.tzinfo is not None else moment.astimezone()


def _words_of(state: State) -> set[str]:
    """Real word, shown word, and the name of the chip."""
    names = {
        state.value.replace("_", " "),
        STYLES[state].word.rstrip("…?"),
        chip_of(state).value.casefold(),
    }
    return names | ({"running?"} if state is State.UNKNOWN else set())


def _means(value: str, state: State) -> bool:
    """Whether a typed status is the beginning of a word for a state."""
    value = value.replace("_", " ")
    return any(name.startswith(value) for name in _words_of(state))


def _unknown_status(key: str, value: str) -> str | None:
    if key != "status":
        return None
    stored = any(status.casefold().startswith(value.replace("_", " ")) for status in SessionStatus)
    if stored or any(_means(value, state) for state in State):
        return None
    known = [state.value for state in State] + [chip.value.casefold() for chip in Chip]
    near = _nearest(value, known)
    return f"no status {value}" + (f"; did you mean {near}?" if near else "")


def _nearest(word: str, known: tuple[str, ...] | list[str]) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, 1, 0.7)), None)
