"""``index.db``: what lists remember between two commands. Derived, and rebuilt whenever in doubt.

Nothing depends on it. Whatever goes wrong with it ends in an index that remembers nothing, and
commands answer from the files.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from store.cards import About, Card
from store.home import Home
from store.row import SessionRow

if TYPE_CHECKING:
    import sqlite3

_T = TypeVar("_T")

_SCHEMA_VERSION = 1
_AT_A_TIME = 500
_CARD = "id, source, mtime_ns, size, ino, scanned_ns, status, merge, archived, updated_us"
_ABOUT = "repo, repo_path, workflow, workflow_id, job_id, started_us, search"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs(
    id TEXT PRIMARY KEY, source TEXT NOT NULL,
    mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL, ino INTEGER NOT NULL,
    scanned_ns INTEGER NOT NULL, status TEXT, merge TEXT, archived INTEGER NOT NULL,
    updated_us INTEGER NOT NULL, repo TEXT, repo_path TEXT, workflow TEXT, workflow_id TEXT,
    job_id TEXT, started_us INTEGER, search TEXT, summary TEXT);
CREATE INDEX IF NOT EXISTS runs_started ON runs(started_us DESC, id);
CREATE TABLE IF NOT EXISTS checkpoints(id TEXT PRIMARY KEY, facts TEXT NOT NULL);
"""
# Another version of this code may keep other things of a run under the same names.
_MEANING = 1
"""Counted up when what is kept changes its meaning under the same names."""
_SIGNATURE = zlib.crc32(f"{_MEANING} {_SCHEMA} {' '.join(SessionRow.__slots__)}".encode()) >> 1


class Index:
    """The remembered cards, summaries and checkpoint facts of a home.

    Every method may be called at any time. When one fails the database is closed, and deleted if
    it is damaged; from then on nothing is remembered until the next ``Index`` is made.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.index
        self._connection: sqlite3.Connection | None = None
        if self._guard(self._open) is None:
            self.close()

    def cards(self) -> dict[str, Card]:
        """Every remembered card by id, without what the runs are about."""
        rows = self._guard(lambda: self._select(f"SELECT {_CARD} FROM runs")) or ()
        return {row[0]: Card(*row) for row in rows}

    def abouts(self) -> dict[str, About]:
        """What every remembered run is about."""
        rows = self._guard(lambda: self._select(f"SELECT id, {_ABOUT} FROM runs")) or ()
        return {run_id: About(*values) for run_id, *values in rows}

    def summaries(self, ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """The values of rows, for those of the ids for which they are remembered."""
        wanted = set(ids)

        def load() -> dict[str, dict[str, Any]]:
            sql = "SELECT id, summary FROM runs WHERE summary IS NOT NULL"
            if len(wanted) <= _AT_A_TIME:
                marks = ",".join("?" * len(wanted))
                rows = self._select(f"{sql} AND id IN ({marks})", wanted)
            else:
                rows = self._select(sql)
            return {run_id: json.loads(text) for run_id, text in rows if run_id in wanted}

        return self._guard(load) or {}

    def checkpoints(self) -> dict[str, str]:
        """Every remembered text about a run's newest checkpoint."""
        return dict(self._guard(lambda: self._select("SELECT id, facts FROM checkpoints")) or ())

    def save(
        self,
        cards: Iterable[Card],
        gone: Iterable[str],
        summaries: Mapping[str, Mapping[str, Any]],
        checkpoints: Mapping[str, str | None],
    ) -> bool:
        """Remember changed cards with what is known of them, forget those that are gone.

        Args:
            cards: new or changed ones; what was remembered of them is replaced.
            gone: ids of runs that are no more.
            summaries: values of rows by run.
            checkpoints: texts about newest checkpoints by run; None forgets.

        Returns:
            False when it could not be done now: somebody else is writing, or there is no index.
        """
        marks = ",".join("?" * (10 + len(About._fields)))

        def write() -> bool:
            if self._connection is None:
                return False
            database = self._connection
            with _transaction(database):
                database.executemany("DELETE FROM runs WHERE id = ?", [(one,) for one in gone])
                database.executemany(
                    f"INSERT OR REPLACE INTO runs({_CARD}, {_ABOUT}) VALUES ({marks})",
                    [_values(card) for card in cards],
                )
                database.executemany(
                    "UPDATE runs SET summary = ? WHERE id = ?",
                    [(json.dumps(values), run_id) for run_id, values in summaries.items()],
                )
                database.executemany(
                    "DELETE FROM checkpoints WHERE id = ?",
                    [(run_id,) for run_id, facts in checkpoints.items() if facts is None],
                )
                database.executemany(
                    "INSERT OR REPLACE INTO checkpoints(id, facts) VALUES (?, ?)",
                    [(run_id, facts) for run_id, facts in checkpoints.items() if facts is not None],
                )
            return True

        return bool(self._guard(write))

    def close(self) -> None:
        """Close the database; the object remembers nothing from then on."""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
        self._connection = None

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
            if not isinstance(error, sqlite3.Error | ValueError | TypeError):
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


def _values(card: Card) -> tuple[object, ...]:
    return (
        card.id,
        card.source,
        card.mtime_ns,
        card.size,
        card.ino,
        card.scanned_ns,
        card.status,
        card.merge,
        card.archived,
        card.updated_us,
        *(card.about or About()),
    )
