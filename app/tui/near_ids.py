"""All ids in order: which of them one could be taken for when it is cut."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable


class NearIds:
    """Ids that begin most like another one stand beside it, so no other has to be looked at."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._ids = sorted(ids)

    def add(self, run_id: str) -> None:
        insort(self._ids, run_id)

    def remove(self, run_id: str) -> None:
        del self._ids[bisect_left(self._ids, run_id)]

    def of(self, run_id: str) -> list[str]:
        """The ids before and after one."""
        place = bisect_left(self._ids, run_id)
        return self._ids[max(0, place - 1) : place + 2]
