"""Where both programs begin: ``prodigy`` and ``prodigy-tui``.

The module has a name of its own and puts its own directory first on ``sys.path``: run inside a
project that has an ``app`` package and ``PYTHONPATH=.``, the programs must still find theirs. Only
this process is changed; no variable of the environment is, so no child inherits it.
"""

from __future__ import annotations

import gc
import os
import sys

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""Lists make many small objects and then end: looking for cycles among them is time lost."""


def prodigy() -> None:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    _find_our_own_packages_first()
    from app.cli.main import main

    _leave(main(sys.argv[1:]))


def prodigy_tui() -> None:
    """Run the dashboard and leave with its exit code."""
    _find_our_own_packages_first()
    from app.tui.main import main

    _leave(main(sys.argv[1:]))


def _leave(code: int) -> None:
    gc.freeze()  # or the interpreter looks for cycles once more among all that ends with it
    sys.exit(code)


def _find_our_own_packages_first() -> None:
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH120 - pathlib costs start-up time
    sys.path[:] = [here, *(entry for entry in sys.path if entry != here)]


if __name__ == "__main__":
    prodigy()
