"""What is known of every run of a home, kept in step with its files and remembered in the index."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.cards import About, Card, Identity, read_record, search_text, settled
from store.errors import NotFound, StoreError
from store.home import Home, check_id
from store.index import Index, Memory
from store.rows import RowValues, microseconds, record_values
from store.scan import Listing, Surplus

if TYPE_CHECKING:  # loaded only when there is a run whose record is not enough
    from store.reconcile import CheckpointFacts
    from store.remembered import RememberedCheckpoint

_FEW = 200
"""Up to so many changed records their rows are prepared at once; of more, when they are shown."""
_MANY = 2_000
"""After so many rows read from files they are written to the index, so as not to be kept."""
_SAVE_EVERY_SECONDS = 30.0
_CLEANED_UP = "cleaned_up"


class KnownRuns:
    """Cards of all runs, and on demand the values of their rows; for one thread at a time.

    Args:
        home: the state home.
        index: what is remembered between two programs, if anything.
    """

    def __init__(self, home: Home, index: Index | None) -> None:
        self._home = home
        self._sessions = str(home.sessions)
        self._index = index
        self._values: dict[str, RowValues] = {}
        self._checkpoints: dict[str, RememberedCheckpoint] = {}
        self._checkpoint_keys: dict[str, str] | None = None
        self._cleaned_up: dict[Path, Identity] = {}
        self._unsaved: set[str] = set()
        self._unsaved_summaries: set[str] = set()
        self._unsaved_checkpoints: set[str] = set()
        self._saved_at = self._failed_at = -_SAVE_EVERY_SECONDS
        self._abouts_loaded = index is None
        self.cards: dict[str, Card] = {}
        self.records_read = 0
        """How many records were read from their files, for whoever waits for it."""
        self.surplus: Surplus | None = None
        self._surplus_is_new = False
        if index is not None:
            self.cards, self.surplus = index.memory()
        self.began_empty = not self.cards
        """Whether there was nothing to recall."""

    # -- keeping in step

    def update(self, listing: Listing, asked: Collection[str] | None) -> tuple[set[str], set[str]]:
        """Read what changed.

        Args:
            listing: what there is.
            asked: the runs it is about; None for all.

        Returns:
            Ids of runs that may look different, and of those that are no more.
        """
        changed = self._read_changed(listing)
        changed |= self._add_recordless(listing)
        if asked is None:
            if listing.surplus != self.surplus:
                self._surplus_is_new = True
            self.surplus = listing.surplus
        listed = (listing.records, listing.with_checkpoint, listing.with_metadata)
        if asked is None and len(self.cards) == sum(map(len, listed)):
            return changed, set()  # each that is listed has its card, so no card is left over
        about = set(self.cards) if asked is None else self.cards.keys() & set(asked)
        removed = about.difference(*listed)
        for run_id in removed:
            self._forget(run_id)
        return changed - removed, removed

    def _read_changed(self, listing: Listing) -> set[str]:
        cards = self.cards
        known = cards.get
        stale = [
            run_id
            for run_id, identity in listing.records.items()
            if (card := known(run_id)) is None or identity is None or card.identity != identity
        ]
        different = set()
        for run_id in stale:
            before, values_before = cards.get(run_id), self._values.pop(run_id, None)
            card, document = self._read(run_id, listing.records[run_id])
            self.records_read += 1
            if card is None:
                del listing.records[run_id]
                continue
            cards[run_id] = card
            self._unsaved.add(run_id)
            if document is None:
                self._values[run_id] = {"id": run_id, "problem": card.problem}
            elif len(stale) <= _FEW:
                self._values[run_id] = record_values(document, run_id)
            values = self._values.get(run_id)
            if values is None or values != values_before or not _same(before, card):
                different.add(run_id)
        return different

    def _read(
        self, run_id: str, identity: Identity | None
    ) -> tuple[Card | None, dict[str, Any] | None]:
        scanned_ns = time.time_ns()
        try:
            check_id(run_id)
            if identity is not None:
                return read_record(f"{self._sessions}/{run_id}.json", run_id, identity, scanned_ns)
            from store.atomic import read_file

            read_file(self._home.session_file(run_id))
            problem = "it could not be looked at"
        except NotFound:
            return None, None
        except StoreError as error:
            problem = error.reason
        about = About(search=f"{run_id}\n{problem}".casefold())
        return Card(run_id, "session", about=about, problem=problem), None

    def _add_recordless(self, listing: Listing) -> set[str]:
        changed = set()
        for run_id in listing.with_checkpoint:
            card = self.cards.get(run_id)
            if card is None or card.source != "checkpoint":
                self._forget(run_id)
                self.cards[run_id] = Card(run_id, "checkpoint", about=About(search=run_id))
                changed.add(run_id)
        for run_id, path in list(listing.with_metadata.items()):
            identity = _identity(path)
            card = self.cards.get(run_id)
            if identity is not None and self._cleaned_up.get(path) == identity:
                del listing.with_metadata[run_id]
            elif identity is None or card is None or card.identity != identity:
                card, is_cleaned_up = _metadata_card(run_id, path, identity)
                if is_cleaned_up:  # nothing is left of it but the note that it was cleaned up
                    del listing.with_metadata[run_id]
                    if card.identity is not None:
                        self._cleaned_up[path] = card.identity
                    continue
                self._values.pop(run_id, None)
                self.cards[run_id] = card
                changed.add(run_id)
        return changed & self.cards.keys()

    def _forget(self, run_id: str) -> None:
        if self.cards.pop(run_id, None) is None:
            return
        self._values.pop(run_id, None)
        self._checkpoints.pop(run_id, None)
        self._unsaved.add(run_id)
        self._unsaved_checkpoints.add(run_id)

    # -- answering

    def values(self, run_id: str) -> RowValues:
        """The values of a run's row, as its record has them."""
        if run_id not in self._values:
            self.load_values([run_id])
        return self._values[run_id]

    def load_values(self, ids: Iterable[str]) -> None:
        """Make the values of many rows ready at once."""
        ids = list(ids)
        missing = [run_id for run_id in ids if run_id not in self._values]
        if self._index is not None and missing:
            wanted = {one: self.cards[one] for one in missing if one not in self._unsaved}
            self._values |= self._index.summaries(wanted)
        for run_id in missing:
            if run_id not in self._values:
                self._values[run_id] = self._values_from_file(self.cards[run_id])
        if len(self._unsaved_summaries) > _MANY:
            self.save()
            for run_id in self._values.keys() - set(ids):
                self.release(run_id)

    def release(self, run_id: str) -> None:
        """Forget the values of a row, unless the index still has to be told."""
        if run_id not in self._unsaved and run_id not in self._unsaved_summaries:
            self._values.pop(run_id, None)

    def _values_from_file(self, card: Card) -> RowValues:
        if card.has_record:
            from store.atomic import read_json_object

            try:
                document = read_json_object(self._home.session_file(card.id))
                values = record_values(document, card.id)
            except StoreError:  # changed under our eyes; the next look sees it
                pass
            else:
                if self._index is not None:
                    self._unsaved_summaries.add(card.id)
                return values
        return {"id": card.id, "status": card.status or ""}

    def load_abouts(self) -> None:
        """Give every card what its run is about."""
        if not self._abouts_loaded and self._index is not None:
            self._abouts_loaded = True
            for run_id, about in self._index.abouts(self.cards).items():
                self.cards[run_id].about = self.cards[run_id].about or about
        for card in self.cards.values():
            if card.about is None:
                card.about = _about_from_values(self.values(card.id))

    def newest_checkpoint(self, run_id: str) -> RememberedCheckpoint:
        """The newest usable checkpoint of a run, read again only when its files changed."""
        from store.remembered import RememberedCheckpoint, newest_checkpoint

        if self._checkpoint_keys is None:
            self._checkpoint_keys = self._index.checkpoints() if self._index is not None else {}
        before = self._checkpoints.get(run_id)
        if before is None and run_id in self._checkpoint_keys:
            before = RememberedCheckpoint.from_key(self._checkpoint_keys.pop(run_id))
        found = newest_checkpoint(self._home, run_id, before)
        self._checkpoints[run_id] = found
        if found is not before:
            self._unsaved_checkpoints.add(run_id)
        return found

    def checkpoint_facts(self, run_id: str) -> CheckpointFacts | None:
        """What the newest usable checkpoint of a run says, as it was when last looked for."""
        from store.remembered import facts_from, newest_checkpoint

        found = self._checkpoints.get(run_id) or self.newest_checkpoint(run_id)
        if found.status is None or found.facts is not None:
            return found.facts
        if self._index is not None:
            kept = self._index.checkpoint_facts(run_id, found.key)
            found.facts = facts_from(kept) if kept is not None else None
        if found.facts is None:
            self._checkpoints[run_id] = found = newest_checkpoint(self._home, run_id, None)
            self._unsaved_checkpoints.add(run_id)
        return found.facts

    def record_ids(self) -> set[str]:
        """The ids of all session records, unreadable ones included."""
        return {run_id for run_id, card in self.cards.items() if card.source == "session"}

    def learn(self, run_id: str) -> None:
        """Fill the card of a run that has no readable record from its checkpoint, if it can be."""
        checkpoint = self.checkpoint_facts(run_id)
        if checkpoint is None:
            return
        card = self.cards[run_id]
        words = (run_id, checkpoint.workflow_name, checkpoint.repo, checkpoint.branch)
        card.updated_us = microseconds(checkpoint.timestamp) or 0
        card.about = About(
            repo=checkpoint.repo,
            repo_path=checkpoint.repo_path,
            workflow=checkpoint.workflow_name,
            workflow_id=checkpoint.workflow_id,
            started_us=microseconds(checkpoint.start_time) or 0,
            search=search_text((*words, card.problem or "")),
        )

    # -- remembering

    def save_if_due(self) -> None:
        """Write to the index now and then: the first time, after much, after a while."""
        pending = len(self._unsaved) + len(self._unsaved_checkpoints) + self._surplus_is_new
        now = time.monotonic()
        if pending and (pending > _FEW or now - self._saved_at >= _SAVE_EVERY_SECONDS):
            self._saved_at = now
            self.save()

    def save(self) -> None:
        """Write what was learned to the index."""
        pending = self._unsaved or self._unsaved_summaries or self._unsaved_checkpoints
        if self._index is None or not (pending or self._surplus_is_new):
            return
        if time.monotonic() - self._failed_at < _SAVE_EVERY_SECONDS:
            return  # somebody was writing; to wait for that once is enough
        changed = {one for one in self._unsaved if one in self.cards and self.cards[one].has_record}
        if any(self.cards[run_id].about is None for run_id in changed):
            self.load_abouts()
        new_values = (changed | self._unsaved_summaries) & self._values.keys() & self.cards.keys()
        checkpoints: dict[str, tuple[str, str] | None] = {}
        for run_id in self._unsaved_checkpoints:
            found = self._checkpoints.get(run_id)
            kept = found is not None and not found.fresh
            checkpoints[run_id] = (found.key, found.facts_text) if found and kept else None
        saved = self._index.save(
            Memory(self.cards, self.surplus),
            changed,
            self._unsaved - changed,
            {run_id: self._values[run_id] for run_id in new_values},
            checkpoints,
        )
        if saved:
            self._unsaved.clear()
            self._unsaved_summaries.clear()
            self._unsaved_checkpoints.clear()
            self._surplus_is_new = False
        else:
            self._failed_at = time.monotonic()

    def close(self) -> None:
        """Save, and close the index."""
        self.save()
        if self._index is not None:
            self._index.close()


def _same(before: Card | None, after: Card) -> bool:
    return before is not None and after == replace(
        before, identity=after.identity, about=after.about
    )


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _about_from_values(values: RowValues) -> About:
    names = ("id", "workflow", "repo", "branch", "error", "problem")
    return About(
        repo=values.get("repo", ""),
        repo_path=values.get("repo_path", ""),
        workflow=values.get("workflow", ""),
        workflow_id=values.get("workflow_id", ""),
        job_id=values.get("job_id"),
        started_us=values.get("started_us", 0),
        search=search_text(values.get(name) or "" for name in names),
    )


def _metadata_card(run_id: str, path: Path, identity: Identity | None) -> tuple[Card, bool]:
    """The card of a run known only by its worktree, and whether that is gone and cleaned up."""
    from store.worktree_metadata import read_path

    scanned_ns = time.time_ns()
    repo = path.parent.parent.name
    card = Card(run_id, "metadata", about=About(repo=repo, search=search_text((run_id, repo))))
    try:
        metadata = read_path(path)
    except StoreError as error:
        card.problem = str(error)
        return card, False
    started_us = microseconds(metadata.created_at) or 0
    card.identity = settled(identity, scanned_ns) if identity is not None else None
    card.updated_us = microseconds(metadata.updated_at) or started_us
    if card.about is not None:
        card.about = card.about._replace(repo_path=metadata.repo_path, started_us=started_us)
    return card, metadata.status == _CLEANED_UP or metadata.is_of_agent
