"""What is known of every run of a home, kept in step with its files and remembered in the index."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.cards import About, Card, read_record, search_text
from store.errors import NotFound, StoreError
from store.home import Home
from store.index import Index
from store.rows import RowValues, microseconds, record_values
from store.scan import Listing

if TYPE_CHECKING:  # loaded only when there is a run whose record is not enough
    from store.reconcile import CheckpointFacts
    from store.remembered import RememberedCheckpoint

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
        self._checkpoint_texts: dict[str, str] | None = None
        self._cleaned_up: dict[str, Card] = {}
        self._unsaved: set[str] = set()
        self._unsaved_checkpoints: set[str] = set()
        self._saved_at = self._failed_at = -_SAVE_EVERY_SECONDS
        self._abouts_loaded = index is None
        self.cards: dict[str, Card] = index.cards() if index is not None else {}
        for run_id in [card.id for card in self.cards.values() if card.source != "session"]:
            self._cleaned_up[run_id] = self.cards.pop(run_id)

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
        cards = self.cards
        stale = [
            run_id
            for run_id, status in listing.records.items()
            if status is None or run_id not in cards or not cards[run_id].is_of(status)
        ]
        different = set()
        for run_id in stale:
            before, values_before = cards.get(run_id), self._values.pop(run_id, None)
            card, document = self._read(run_id, listing.records[run_id])
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
        self, run_id: str, status: os.stat_result | None
    ) -> tuple[Card | None, dict[str, Any] | None]:
        from store.atomic import read_file

        scanned_ns = time.time_ns()
        try:
            path = self._home.session_file(run_id)
            if status is not None:
                return read_record(path, run_id, status, scanned_ns)
            read_file(path)
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
            known = self._cleaned_up.get(run_id) or self.cards.get(run_id)
            if known is None or known.source != "metadata" or not _is_of(known, path):
                known = _metadata_card(run_id, path)
                changed.add(run_id)
                self._values.pop(run_id, None)
                self._unsaved.add(run_id)
            if known.merge == _CLEANED_UP:
                # Nothing is left of it but the note that it was cleaned up.
                self._cleaned_up[run_id] = known
                del listing.with_metadata[run_id]
            else:
                self._cleaned_up.pop(run_id, None)
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
            from store.atomic import read_json_object

            try:
                document = read_json_object(self._home.session_file(card.id))
                values = record_values(document, card.id)
            except StoreError:  # changed under our eyes; the next look sees it
                pass
            else:
                self._unsaved.add(card.id)
                return values
        return {"id": card.id, "status": card.status or ""}

    def load_abouts(self) -> None:
        """Give every card what its run is about."""
        if not self._abouts_loaded and self._index is not None:
            self._abouts_loaded = True
            for run_id, about in self._index.abouts().items():
                card = self.cards.get(run_id)
                if card is not None and card.about is None:
                    card.about = about
        for card in self.cards.values():
            if card.about is None:
                card.about = _about_from_values(self.values(card.id))

    def newest_checkpoint(self, run_id: str) -> CheckpointFacts | None:
        """The newest usable checkpoint of a run, read again only when its files changed."""
        from store.remembered import RememberedCheckpoint, newest_checkpoint

        if self._checkpoint_texts is None:
            self._checkpoint_texts = self._index.checkpoints() if self._index is not None else {}
        before = self._checkpoints.get(run_id)
        if before is None and run_id in self._checkpoint_texts:
            before = RememberedCheckpoint.from_text(self._checkpoint_texts.pop(run_id))
        found = newest_checkpoint(self._home, run_id, before)
        self._checkpoints[run_id] = found
        if found is not before:
            self._unsaved_checkpoints.add(run_id)
        return found.facts

    def learn(self, run_id: str, checkpoint: CheckpointFacts) -> None:
        """Fill the card of a run that has no record from its checkpoint."""
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
        pending = len(self._unsaved) + len(self._unsaved_checkpoints)
        now = time.monotonic()
        if pending and (pending > _FEW or now - self._saved_at >= _SAVE_EVERY_SECONDS):
            self._saved_at = now
            self.save()

    def save(self) -> None:
        """Write what was learned to the index."""
        if self._index is None or not (self._unsaved or self._unsaved_checkpoints):
            return
        if time.monotonic() - self._failed_at < _SAVE_EVERY_SECONDS:
            return  # somebody was writing; to wait for that once is enough
        known = [self.cards.get(one) or self._cleaned_up.get(one) for one in self._unsaved]
        kept = [card for card in known if card is not None and _may_be_kept(card)]
        if any(card.about is None for card in kept):
            self.load_abouts()
        values = {card.id: self._values[card.id] for card in kept if card.id in self._values}
        checkpoints = {
            run_id: self._checkpoints[run_id].to_text() if run_id in self._checkpoints else None
            for run_id in self._unsaved_checkpoints
        }
        if self._index.save(kept, self._unsaved - {card.id for card in kept}, values, checkpoints):
            self._unsaved.clear()
            self._unsaved_checkpoints.clear()
        else:
            self._failed_at = time.monotonic()

    def close(self) -> None:
        """Save, and close the index."""
        self.save()
        if self._index is not None:
            self._index.close()


def _may_be_kept(card: Card) -> bool:
    return card.has_record or (card.source == "metadata" and card.merge == _CLEANED_UP)


def _same(before: Card | None, after: Card) -> bool:
    return before is not None and after == replace(
        before, scanned_ns=after.scanned_ns, about=after.about
    )


def _is_of(card: Card, path: Path) -> bool:
    try:
        return card.is_of(path.stat())
    except OSError:
        return False


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


def _metadata_card(run_id: str, path: Path) -> Card:
    from store.worktree_metadata import read_path

    card = Card(run_id, "metadata", scanned_ns=time.time_ns())
    repo = path.parent.parent.name
    card.about = About(repo=repo, search=search_text((run_id, repo)))
    try:
        status = path.stat()
        metadata = read_path(path)
    except (OSError, StoreError) as error:
        card.problem = str(error)
        return card
    card.mtime_ns, card.size, card.ino = status.st_mtime_ns, status.st_size, status.st_ino
    started_us = microseconds(metadata.created_at) or 0
    card.updated_us = microseconds(metadata.updated_at) or started_us
    card.about = card.about._replace(repo_path=metadata.repo_path, started_us=started_us)
    if metadata.status == _CLEANED_UP or metadata.is_of_agent:
        card.merge = _CLEANED_UP
    return card
