"""What the dashboard owes the terminal it runs in."""

from __future__ import annotations

import asyncio
import signal
import threading
from functools import partial
from typing import Any

from textual.app import App

STOP_CODES = {signal.SIGTERM: 143, signal.SIGHUP: 129}


def leave_in_order_on_signals(app: App[Any]) -> None:
    """Textual leaves the terminal as it is on these signals; leaving in order restores it."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number, code in STOP_CODES.items():
        loop.add_signal_handler(number, partial(app.exit, code, return_code=code))
