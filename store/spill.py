"""Long variables: a checkpoint keeps their beginning, a file of their own the whole value."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from store import atomic, fields
from store.errors import StoreError
from store.home import Home

VARIABLE_LIMIT_BYTES = 256 * 1024
TOTAL_LIMIT_BYTES = 4 * 1024 * 1024
KEPT_CHARACTERS = 4096

Spilled = dict[str, tuple[object, dict[str, Any]]]
"""By variable: the value in memory and the entry that names its file. In a checkpoint just read
the value is the beginning only; the entry holds as long as the variable has that value."""


def shorten(
    home: Home, run_id: str, variables: dict[str, Any], before: Spilled
) -> tuple[dict[str, Any], Spilled]:
    """Cut variables over the limits, writing their whole values to ``captures/{sha256}.txt``.

    Args:
        home: the state home.
        run_id: the run.
        variables: whole values.
        before: what the last call returned, so that a value is hashed and written once.

    Returns:
        The variables as the checkpoint has them, and what is in files.

    Raises:
        StoreError: a value could not be written.
    """
    spilled = {
        name: known
        for name, known in before.items()
        if isinstance(variables.get(name), str) and variables[name] == known[0]
    }
    chosen = _over_the_limits(variables)
    shown = dict(variables) if chosen else variables
    for name in chosen:
        value = variables[name]
        if name not in spilled:
            spilled[name] = (value, _write(home, run_id, value))
        shown[name] = _as_text(value)[:KEPT_CHARACTERS]
    return shown, spilled


def restore(home: Home, run_id: str, entry: object) -> object:
    """The whole value of a spilled variable.

    Raises:
        StoreError: the file is missing or is not what it was.
    """
    path = _file_of(home, run_id, entry)
    data = atomic.read_file(path)
    details = fields.table(entry)
    if hashlib.sha256(data).hexdigest() != details.get("sha256"):
        raise StoreError("its content has changed", path=path, operation="read")
    if details.get("json") is True:
        return atomic.parse_json(data, path)
    return data.decode(errors="replace")


def _file_of(home: Home, run_id: str, entry: object) -> Path:
    name = Path(fields.text(fields.table(entry).get("file"))).name
    if not name:
        raise StoreError("no file is named for it", operation="read")
    return home.captures_directory(run_id) / name


def _over_the_limits(variables: dict[str, Any]) -> list[str]:
    # Four bytes a character at most: most checkpoints are decided by this sum alone.
    bounds = {name: _most_bytes(value) for name, value in variables.items()}
    if sum(bounds.values()) <= VARIABLE_LIMIT_BYTES:
        return []
    sizes = {name: len(_as_bytes(variables[name])) for name in variables}
    chosen = [name for name, size in sizes.items() if size > VARIABLE_LIMIT_BYTES]
    kept = sorted((name for name in sizes if name not in chosen), key=lambda name: sizes[name])
    total = sum(sizes[name] for name in kept)
    while total > TOTAL_LIMIT_BYTES:
        largest = kept.pop()
        total -= sizes[largest]
        chosen.append(largest)
    return chosen


def _most_bytes(value: object) -> int:
    return 4 * len(value) if isinstance(value, str) else len(_as_bytes(value))


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _as_bytes(value: object) -> bytes:
    return _as_text(value).encode(errors="replace")


def _write(home: Home, run_id: str, value: object) -> dict[str, Any]:
    data = _as_bytes(value)
    digest = hashlib.sha256(data).hexdigest()
    path = home.captures_directory(run_id) / f"{digest}.txt"
    if not path.exists():
        atomic.make_directory(path.parent)
        # Synced, though rarely needed: a checkpoint that survives must find what it refers to.
        atomic.replace_file(path, data, sync=True, sync_directory=True)
    entry: dict[str, Any] = {
        "file": f"captures/{digest}.txt",
        "bytes": len(data),
        "sha256": digest,
    }
    if not isinstance(value, str):
        entry["json"] = True
    return entry
