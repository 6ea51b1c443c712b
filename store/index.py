"""``index.db``: what lists remember between two commands. Derived, and rebuilt whenever in doubt.

Nothing depends on it. Whatever goes wrong with it ends in an index that remembers nothing, and
commands answer from the files.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from store.cards import About, Card, Identity
from store.home import Home
from store.row import SessionRow
from store.scan import Surplus

if TYPE_CHECKING:
    import sqlite3

_T = TypeVar("_T")

_SCHEMA_VERSION = 1
_AT_A_TIME = 500
_IDENTITY = "mtime_ns, size, ino"
_ABOUT = "repo, repo_path, workflow, workflow_id, job_id, started_us, search"
# Every list needs every card, so these lie together in ``memory``; the rest is fetched by run.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs(
    id TEXT PRIMARY KEY, mtime_ns INTEGER, size INTEGER, ino INTEGER, repo TEXT, repo_path TEXT,
    workflow TEXT, workflow_id TEXT, job_id TEXT, started_us INTEGER, search TEXT, summary TEXT);
CREATE TABLE IF NOT EXISTS checkpoints(id TEXT PRIMARY KEY, stamp TEXT, facts TEXT);
CREATE TABLE IF NOT EXISTS memory(name TEXT PRIMARY KEY, value BLOB);
"""
_MEANING = 3
"""Counted up when what is kept changes its meaning under the same names."""
# Another version of this code may keep other things of a run under the same names.
_SIGNATURE = zlib.crc32(f"{_MEANING} {_SCHEMA} {' '.join(SessionRow._fields)}".encode()) >> 1
_NONE = "\x1f"


class Memory(NamedTuple):
    """Everything a list needs before it knows which runs it shows."""

    cards: dict[str, Card]
    surplus: Surplus | None


class Index:
    """The remembered cards, summaries and checkpoints of a home.

    Every method may be called at any time. When one fails the database is closed, and deleted if
    it is damaged; from then on nothing is remembered until the next ``Index`` is made.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.index
        self._connection: sqlite3.Connection | None = None
        if self._guard(self._open) is None:
            self.close()

    # -- recalling

    def memory(self) -> Memory:
        """Every remembered card by id, without what the runs are about."""
        return self._guard(self._memory) or Memory({}, None)

    def _memory(self) -> Memory:
        kept = dict(self._select("SELECT name, value FROM memory"))
        if not kept:
            return Memory({}, None)
        cards = _unpack(kept["ids"], kept["words"], kept["places"], kept["numbers"])
        surplus = json.loads(kept["surplus"])
        return Memory(cards, None if surplus is None else Surplus(*surplus))

    def abouts(self, cards: Mapping[str, Card]) -> dict[str, About]:
        """What the runs of these cards are about, as far as it is remembered."""

        def load() -> dict[str, About]:
            rows = self._select(f"SELECT id, {_IDENTITY}, {_ABOUT} FROM runs")
            return {row[0]: About(*row[4:]) for row in rows if _belongs(row, cards)}

        return self._guard(load) or {}

    def summaries(self, cards: Mapping[str, Card]) -> dict[str, dict[str, Any]]:
        """The values of rows of these cards, as far as they are remembered."""

        def load() -> dict[str, dict[str, Any]]:
            sql = f"SELECT id, {_IDENTITY}, summary FROM runs WHERE summary IS NOT NULL"
            if len(cards) <= _AT_A_TIME:
                marks = ",".join("?" * len(cards))
                rows = self._select(f"{sql} AND id IN ({marks})", cards)
            else:
                rows = self._select(sql)
            return {row[0]: json.loads(row[4]) for row in rows if _belongs(row, cards)}

        return self._guard(load) or {}

    def checkpoints(self) -> dict[str, str]:
        """Every remembered stamp of a run's newest checkpoint."""
        return dict(self._guard(lambda: self._select("SELECT id, stamp FROM checkpoints")) or ())

    def checkpoint_facts(self, run_id: str, stamp: str) -> list[Any] | None:
        """What is remembered of the newest checkpoint with that stamp."""

        def load() -> list[Any] | None:
            sql = "SELECT facts FROM checkpoints WHERE id = ? AND stamp = ?"
            rows = self._select(sql, (run_id, stamp))
            found = json.loads(rows[0][0]) if rows else None
            return found if isinstance(found, list) else None

        return self._guard(load)

    # -- remembering

    def save(
        self,
        memory: Memory,
        changed: Iterable[str],
        gone: Iterable[str],
        summaries: Mapping[str, Mapping[str, Any]],
        checkpoints: Mapping[str, tuple[str, str] | None],
    ) -> bool:
        """Remember all cards, and of changed ones what else is known.

        Args:
            memory: all cards, replacing those remembered.
            changed: ids of new or changed cards; what was remembered of them is replaced.
            gone: ids of runs that are no more.
            summaries: values of rows by run, of any of the cards.
            checkpoints: stamp and facts of newest checkpoints by run; None forgets.

        Returns:
            False when it could not be done now: somebody else is writing, or there is no index.
        """
        marks = ",".join("?" * (4 + len(About._fields)))

        def write() -> bool:
            if self._connection is None:
                return False
            database = self._connection
            cards = [memory.cards[run_id] for run_id in changed]
            with _transaction(database):
                database.executemany("DELETE FROM runs WHERE id = ?", [(one,) for one in gone])
                database.executemany(
                    f"INSERT OR REPLACE INTO runs(id, {_IDENTITY}, {_ABOUT}) VALUES ({marks})",
                    [(card.id, *_places(card), *(card.about or About())) for card in cards],
                )
                database.executemany(
                    "UPDATE runs SET summary = ? WHERE id = ?",
                    [(json.dumps(values), run_id) for run_id, values in summaries.items()],
                )
                for run_id, told in checkpoints.items():
                    database.execute("DELETE FROM checkpoints WHERE id = ?", (run_id,))
                    if told is not None:
                        database.execute(
                            "INSERT INTO checkpoints VALUES (?, ?, ?)", (run_id, *told)
                        )
                kept = _pack(memory.cards.values())
                kept["surplus"] = json.dumps(memory.surplus).encode()
                database.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?)", kept.items())
            return True

        return bool(self._guard(write))

    def close(self) -> None:
        """Close the database; the object remembers nothing from then on."""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
        self._connection = None

    # -- the database

    def _open(self) -> bool | None:
        import sqlite3

        if not self._path.parent.is_dir() or self._path.is_symlink():
            return None
        if not self._path.exists():
            # sqlite would follow the umask.
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        self._connection = sqlite3.connect(
            self._path, timeout=1.0, isolation_level=None, check_same_thread=False
        )
        database = self._connection
        version = database.execute("PRAGMA user_version").fetchone()[0]
        signature = database.execute("PRAGMA application_id").fetchone()[0]
        if (version, signature) == (0, 0):
            database.execute("PRAGMA journal_mode = WAL")
            # The first filling is the biggest, and a power cut in the middle of it costs nothing.
            database.execute("PRAGMA synchronous = OFF")
            with _transaction(database):
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    database.execute(statement)
                database.execute(f"PRAGMA application_id = {_SIGNATURE}")
                database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        elif (version, signature) != (_SCHEMA_VERSION, _SIGNATURE):
            raise sqlite3.DatabaseError("made by another version")
        else:
            database.execute("PRAGMA synchronous = NORMAL")
        return True

    def _select(self, sql: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        if self._connection is None:
            return []
        return self._connection.execute(sql, tuple(values)).fetchall()

    def _guard(self, action: Callable[[], _T]) -> _T | None:
        """The answer, or None when the database could not give it."""
        try:
            return action()
        except OSError:  # a home that cannot be written
            self.close()
        except Exception as error:
            import sqlite3

            if isinstance(error, sqlite3.OperationalError) and not _is_damage(error):
                # Somebody is writing, or the disk is full or read-only: nothing is wrong with it.
                return None
            if not isinstance(error, sqlite3.Error | ValueError | TypeError | LookupError):
                raise
            self._remove()
        return None

    def _remove(self) -> None:
        self.close()
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                os.unlink(f"{self._path}{ending}")


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _is_damage(error: sqlite3.OperationalError) -> bool:
    words = str(error)
    return "no such" in words or "has no column" in words or "malformed" in words


def _belongs(row: tuple[Any, ...], cards: Mapping[str, Card]) -> bool:
    """Whether a row was made from the file its card was made from; programs write in any order."""
    card = cards.get(row[0])
    return card is not None and card.identity == row[1:4]


def _places(card: Card) -> Identity:
    return card.identity or (0, 0, 0)


# -- cards as columns: ten thousand rows of their own would take five times as long to load


def _pack(cards: Iterable[Card]) -> dict[str, bytes]:
    kept = [card for card in cards if card.has_record and card.identity is not None]
    words: dict[tuple[str, str, str], int] = {}
    places, numbers = array("I"), array("q")
    for card in kept:
        merge = _NONE if card.merge is None else card.merge
        told = (card.status or "", merge, "1" if card.archived else "")
        places.append(words.setdefault(told, len(words)))
        numbers.extend((*_places(card), card.updated_us))
    return {
        "ids": "\n".join(card.id for card in kept).encode(),
        "words": json.dumps(list(words)).encode(),
        "places": places.tobytes(),
        "numbers": numbers.tobytes(),
    }


def _unpack(ids: bytes, words: bytes, places: bytes, numbers: bytes) -> dict[str, Card]:
    names = ids.decode().split("\n") if ids else []
    told = [
        (status, None if merge == _NONE else merge, bool(archived))
        for status, merge, archived in json.loads(words)
    ]
    chosen, counts = array("I"), array("q")
    chosen.frombytes(places)
    counts.frombytes(numbers)
    identities = zip(counts[0::4], counts[1::4], counts[2::4], strict=True)
    each = zip(names, identities, [told[place] for place in chosen], counts[3::4], strict=True)
    return {
        name: Card(name, "session", identity, status, merge, archived, updated_us)
        for name, identity, (status, merge, archived), updated_us in each
    }
