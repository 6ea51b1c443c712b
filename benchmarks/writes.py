"""Writes of the store: creating a session, changing its record, saving checkpoints."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.measuring import Result, percentile


def measure() -> list[Result]:
    """Session creation at the 95th percentile, and durable record updates a second."""
    from store.home import Home
    from store.manager import SessionManager, SessionUpdate
    from store.session import SessionConfig

    with tempfile.TemporaryDirectory(prefix="prodigy-bench-") as directory:
        manager = SessionManager(Home(Path(directory)))
        creations, ids = [], []
        for number in range(300):
            config = SessionConfig(
                workflow_id=f"workflow-{number}", workflow_name="bench", total_steps=100
            )
            began = time.perf_counter()
            ids.append(manager.create_session(config))
            creations.append((time.perf_counter() - began) * 1000)
        manager.start_session(ids[0])
        count = 500
        began = time.perf_counter()
        for number in range(count):
            manager.update_session(ids[0], SessionUpdate(progress=(number % 100, 100)))
        rate = count / (time.perf_counter() - began)
    return [
        Result("create a session, p95", percentile(creations, 0.95), "ms", 5, "300 sessions"),
        Result("durable record updates", rate, "/s", note="lock, read, fsync, rename"),
    ]
