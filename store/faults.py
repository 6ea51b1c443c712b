"""Named fault points: how tests kill or starve the process in the middle of a write.

``PRODIGY_FAULT`` holds ``name[@n]=action[+]`` entries separated by commas. At the ``n``-th arrival
(default the first) at the point, and with ``+`` at every later one, the action happens: ``kill``
and ``stop`` send this process SIGKILL and SIGSTOP, an errno word (``ENOSPC``, ``EROFS``, ``EIO``)
raises that ``OSError``. Without the variable a point costs one look into an empty dict.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from dataclasses import dataclass

_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


@dataclass(slots=True)
class _Fault:
    action: str
    at: int
    from_then_on: bool
    arrivals: int = 0

    def due(self) -> bool:
        self.arrivals += 1
        return self.arrivals == self.at or (self.from_then_on and self.arrivals > self.at)


def _parse(text: str) -> dict[str, list[_Fault]]:
    faults: dict[str, list[_Fault]] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        where, separator, action = entry.partition("=")
        name, _, count = where.partition("@")
        from_then_on = action.endswith("+")
        action = action.removesuffix("+")
        known = action in _SIGNALS or isinstance(getattr(errno, action, None), int)
        if not separator or not name or not known or not (count or "1").isdigit():
            raise ValueError(f"PRODIGY_FAULT: cannot understand {entry!r}")
        faults.setdefault(name, []).append(_Fault(action, int(count or "1"), from_then_on))
    return faults


_faults = _parse(os.environ.get("PRODIGY_FAULT", ""))
_counting = threading.Lock()


def point(name: str) -> None:
    """Arrive at a named point.

    Raises:
        OSError: the fault asked for at this arrival.
    """
    planned = _faults.get(name)
    if planned is None:
        return
    with _counting:
        due = [fault.action for fault in planned if fault.due()]
    for action in due:
        if action in _SIGNALS:
            os.kill(os.getpid(), _SIGNALS[action])
        else:
            number: int = getattr(errno, action)
            raise OSError(number, os.strerror(number))
