"""The inputs of a run: what ``--map`` and ``--args`` stand for."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path


def resolve_inputs(
    map_patterns: Sequence[str], args: Sequence[str], directory: Path
) -> tuple[str, ...]:
    """The values of ``ARG``, in the order of their passes.

    Each file that matches a pattern is the input that its name says (``65-cook.md`` is ``65``),
    files in order of their paths; the values of ``--args`` follow.

    Args:
        map_patterns: globs, ``**`` allowed.
        args: plain values.
        directory: where relative patterns start.
    """
    return (*(input_of(path) for path in matching_files(map_patterns, directory)), *args)


def matching_files(patterns: Sequence[str], directory: Path) -> tuple[Path, ...]:
    """The files any pattern matches, each once, sorted."""
    found: set[Path] = set()
    for pattern in patterns:
        wanted = str(Path(pattern).expanduser())
        for name in glob.glob(wanted, root_dir=directory, recursive=True):  # noqa: PTH207
            path = directory / name
            if path.is_file():
                found.add(path)
    return tuple(sorted(found))


def input_of(path: Path) -> str:
    """The file's stem up to its first ``-``; the whole stem where that would be nothing."""
    return path.stem.partition("-")[0] or path.stem
