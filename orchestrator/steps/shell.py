"""Starting shell texts of any length."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONG_TEXT_BYTES = 100_000
"""Longer texts do not fit into one argument everywhere; Linux allows 128 KiB."""


@contextmanager
def script(text: str, directory: Path) -> Iterator[list[str]]:
    """The arguments that run a text with ``sh``; a long one from a private file that goes again.

    Args:
        text: the shell text.
        directory: where the file of a long text is made, with its parents.
    """
    data = text.encode("utf-8", "surrogateescape")
    if len(data) <= LONG_TEXT_BYTES or "\0" in text:
        yield ["sh", "-c", text]
        return
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="script-", suffix=".sh", dir=directory)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        yield ["sh", name]
    finally:
        path.unlink(missing_ok=True)
