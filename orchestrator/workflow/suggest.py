"""The word somebody meant: the nearest valid one by edit distance."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid word at most two edits away, and at most a third of the length.

    Case, ``-`` and ``_`` are ignored. Of equally near words the first one wins.
    """
    meant = plain_word(word)
    best: str | None = None
    limit = min(2, len(word) // 3)
    for candidate in valid:
        distance = _distance(meant, plain_word(candidate), limit)
        if distance is not None:
            best = candidate
            if distance == 0:
                break
            limit = distance - 1
    return best


def plain_word(word: str) -> str:
    """The word without what people vary: ``PerAgent``, ``per-agent`` and ``per_agent`` agree."""
    return word.replace("-", "").replace("_", "").lower()


def _distance(one: str, other: str, limit: int) -> int | None:
    """Edits (insert, delete, replace, swap of neighbours) between two words, None above limit."""
    if abs(len(one) - len(other)) > limit or limit < 0:
        return None
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > limit + 1:
            return None
    return row[-1] if row[-1] <= limit else None
