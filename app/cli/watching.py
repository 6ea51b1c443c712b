"""``--watch``: showing a list again whenever something in the store changes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from app.cli.invocation import Invocation
from app.cli.runs import open_catalog
from store.catalog import Catalog
from store.watch import ChangeFeed

_AT_LEAST_EVERY_SECONDS = 5.0
_AT_MOST_EVERY_SECONDS = 0.25
_CLEAR = "\x1b[H\x1b[2J\x1b[3J"


def watch_sessions(invocation: Invocation, show: Callable[[Catalog], None]) -> int | None:
    """Show, and show again after every change, until Ctrl-C (exit 130)."""
    changed = threading.Event()
    catalog = open_catalog(invocation)
    feed = ChangeFeed(invocation.home)
    feed.start(lambda _ids: changed.set())
    clears = invocation.out.is_terminal and not invocation.settings.plain
    try:
        while True:
            if clears and not invocation.settings.json:
                invocation.out.raw(_CLEAR)
            show(catalog)
            invocation.out.stdout.flush()
            changed.wait(_AT_LEAST_EVERY_SECONDS)
            changed.clear()
            threading.Event().wait(_AT_MOST_EVERY_SECONDS)
            catalog.refresh()
    finally:
        feed.stop()
