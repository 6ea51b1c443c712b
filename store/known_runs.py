"""What is known of every run of a home, kept in step with its files and remembered in the index."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from store.atomic import read_file, read_json_object
from store.cards import Card, read_record, search_text
from store.errors import NotFound, StoreError
from store.home import Home
from store.index import Index
from store.reconcile import CheckpointFacts
from store.rows import RowValues, microseconds, record_values
from store.scan import Listing
from store.standing import RememberedCheckpoint, newest_checkpoint
from store.worktree_metadata import read_path

_FEW = 200
"""Up to so many changed records their rows are prepared at once; of more, when they are shown."""
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
        self._index = index
        self._values: dict[str, RowValues] = {}
        self._checkpoints: dict[str, RememberedCheckpoint] = {}
        self._cleaned_up: dict[str, Card] = {}
        self._unsaved: set[str] = set()
        self._unsaved_checkpoints: set[str] = set()
        self._saved_at = -_SAVE_EVERY_SECONDS
        self._searches_loaded = index is None
        self.cards: dict[str, Card] = {}
        if index is not None:
            self._recall(index)

    def _recall(self, index: Index) -> None:
        self.cards = index.cards()
        for run_id, card in list(self.cards.items()):
            if card.source != "session":
                self._cleaned_up[run_id] = self.cards.pop(run_id)
        for run_id, text in index.checkpoints().items():
            checkpoint = RememberedCheckpoint.from_text(text)
            if checkpoint is not None:
                self._checkpoints[run_id] = checkpoint

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
        present = listing.records.keys() | listing.with_checkpoint | listing.with_metadata.keys()
        about = self.cards.keys() if asked is None else self.cards.keys() & set(asked)
        removed = set(about - present)
        for run_id in removed:
            self._forget(run_id)
        return changed - removed, removed

    def _read_changed(self, listing: Listing) -> set[str]:
        stale = []
        for run_id, status in listing.records.items():
            card = self.cards.get(run_id)
            if card is None or status is None or not card.is_of(status):
                stale.append(run_id)
        different = set()
        for run_id in stale:
            before, values_before = self.cards.get(run_id), self._values.pop(run_id, None)
            card, document = self._read(run_id, listing.records[run_id])
            if card is None:
                del listing.records[run_id]
                continue
            self.cards[run_id] = card
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
        self, run_id: str, status: os.stat_result | None
    ) -> tuple[Card | None, dict[str, Any] | None]:
        scanned_ns = time.time_ns()
        path = self._home.session_file(run_id)
        try:
            if status is not None:
                return read_record(path, run_id, status, scanned_ns)
            read_file(path)
            problem = "it could not be looked at"
        except NotFound:
            return None, None
        except StoreError as error:
            problem = error.reason
        return Card(run_id, "session", f"sessions/{run_id}.json", problem=problem), None

    def _add_recordless(self, listing: Listing) -> set[str]:
        changed = set()
        for run_id in listing.with_checkpoint:
            card = self.cards.get(run_id)
            if card is None or card.source != "checkpoint":
                self._forget(run_id)
                self.cards[run_id] = Card(run_id, "checkpoint", f"state/{run_id}")
                changed.add(run_id)
        for run_id, path in list(listing.with_metadata.items()):
            known = self._cleaned_up.get(run_id) or self.cards.get(run_id)
            if known is None or known.source != "metadata" or not _is_of(known, path):
                self._forget(run_id)
                known = _metadata_card(run_id, path, self._home)
                changed.add(run_id)
            if known.merge == _CLEANED_UP:
                # Nothing is left of it but the note that it was cleaned up.
                self._cleaned_up[run_id] = known
                del listing.with_metadata[run_id]
                self._unsaved.add(run_id)
            else:
                self.cards[run_id] = known
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
        missing = [run_id for run_id in ids if run_id not in self._values]
        if self._index is not None and missing:
            remembered = [run_id for run_id in missing if run_id not in self._unsaved]
            self._values |= self._index.summaries(remembered)
        for run_id in missing:
            if run_id not in self._values:
                self._values[run_id] = self._values_from_file(self.cards[run_id])

    def _values_from_file(self, card: Card) -> RowValues:
        if card.has_record:
            try:
                document = read_json_object(self._home.session_file(card.id))
                values = record_values(document, card.id)
            except StoreError:  # changed under our eyes; the next look sees it
                pass
            else:
                self._unsaved.add(card.id)
                return values
        return {"id": card.id, "status": card.status or "", "repo": card.repo}

    def search_texts(self) -> dict[str, str]:
        """What a search for words looks through, by run."""
        if not self._searches_loaded and self._index is not None:
            for run_id, text in self._index.searches().items():
                card = self.cards.get(run_id)
                if card is not None and card.search is None and run_id not in self._unsaved:
                    card.search = text
            self._searches_loaded = True
        found = {}
        for run_id, card in self.cards.items():
            if card.search is None:
                values = self.values(run_id) if card.source == "session" else {}
                words = (values.get(name) for name in ("branch", "error", "problem"))
                card.search = search_text((run_id, card.workflow, card.repo, *words))
            found[run_id] = card.search
        return found

    def newest_checkpoint(self, run_id: str) -> CheckpointFacts | None:
        """The newest usable checkpoint of a run, read again only when its files changed."""
        before = self._checkpoints.get(run_id)
        found = newest_checkpoint(self._home, run_id, before)
        if found is not before:
            self._checkpoints[run_id] = found
            self._unsaved_checkpoints.add(run_id)
        return found.facts

    def learn(self, run_id: str, checkpoint: CheckpointFacts) -> None:
        """Fill the card of a run that has no record from its checkpoint."""
        card = self.cards[run_id]
        card.repo = checkpoint.repo or card.repo
        card.repo_path = checkpoint.repo_path
        card.workflow = checkpoint.workflow_name
        card.workflow_id = checkpoint.workflow_id
        card.updated_us = microseconds(checkpoint.timestamp) or 0
        card.started_us = microseconds(checkpoint.start_time) or 0
        card.search = None

    # -- remembering

    def save_if_due(self) -> None:
        """Write to the index now and then: the first time, after much, after a while."""
        pending = len(self._unsaved) + len(self._unsaved_checkpoints)
        now = time.monotonic()
        if pending and (pending > _FEW or now - self._saved_at >= _SAVE_EVERY_SECONDS):
            self._saved_at = now
            self.save()

    def save(self) -> None:
        """Write what was learned to the index."""
        if self._index is None or not (self._unsaved or self._unsaved_checkpoints):
            return
        known = [self.cards.get(one) or self._cleaned_up.get(one) for one in self._unsaved]
        kept = [card for card in known if card is not None and _may_be_kept(card)]
        values = {card.id: self._values[card.id] for card in kept if card.id in self._values}
        checkpoints = {
            run_id: self._checkpoints[run_id].to_text() if run_id in self._checkpoints else None
            for run_id in self._unsaved_checkpoints
        }
        if self._index.save(kept, self._unsaved - {card.id for card in kept}, values, checkpoints):
            self._unsaved.clear()
            self._unsaved_checkpoints.clear()

    def close(self) -> None:
        """Save, and close the index."""
        self.save()
        if self._index is not None:
            self._index.close()


def _may_be_kept(card: Card) -> bool:
    return card.has_record or (card.source == "metadata" and card.merge == _CLEANED_UP)


def _same(before: Card | None, after: Card) -> bool:
    return before is not None and after == replace(
        before, scanned_ns=after.scanned_ns, search=after.search
    )


def _is_of(card: Card, path: Path) -> bool:
    try:
        return card.is_of(path.stat())
    except OSError:
        return False


def _metadata_card(run_id: str, path: Path, home: Home) -> Card:
    card = Card(run_id, "metadata", os.path.relpath(path, home.root), scanned_ns=time.time_ns())
    try:
        status = path.stat()
        metadata = read_path(path)
    except (OSError, StoreError) as error:
        card.problem = str(error)
        return card
    card.mtime_ns, card.size, card.ino = status.st_mtime_ns, status.st_size, status.st_ino
    card.repo = path.parent.parent.name
    card.repo_path = metadata.repo_path
    card.started_us = microseconds(metadata.created_at) or 0
    card.updated_us = microseconds(metadata.updated_at) or card.started_us
    if metadata.status == _CLEANED_UP or metadata.is_of_agent:
        card.merge = _CLEANED_UP
    return card
