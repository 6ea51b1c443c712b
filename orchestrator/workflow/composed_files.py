"""Finding and reading the files a workflow is composed from, and merging their maps."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.workflow.documents import read_bounded
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Pair, Scalar, is_null

_SUFFIXES = ("", ".yml", ".yaml", ".json")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to compose: where it is, and its name in problems."""

    path: Path
    shown: str
    content: bytes


class ComposedFiles:
    """Looks files up, on disk or among contents that were kept.

    Args:
        directory: the current directory, second place of relative paths.
        kept: contents by path that are used in place of what is on disk now.
        home: the state home, whose ``templates`` are the first registry.
    """

    def __init__(
        self, directory: Path, kept: Mapping[str, bytes] | None = None, home: Path | None = None
    ) -> None:
        self._directory = directory
        self._kept = kept or {}
        self._home = home or Path(os.environ.get("PRODIGY_HOME") or Path("~/.prodigy").expanduser())

    def named(self, reference: str, path: Path, shown: str) -> FoundFile | None:
        """A file by path: from the file that names it, then from the current directory."""
        wanted = Path(reference).expanduser()
        for base, prefix in ((path.parent, Path(shown).parent), (self._directory, Path())):
            content = self._content(base / wanted)
            if content is not None:
                return FoundFile(base / wanted, str(prefix / wanted), content)
        return None

    def base(self, reference: str, path: Path, shown: str) -> FoundFile | None:
        """What ``extends`` names: a path, or a name in the usual directories."""
        found = self.named(reference, path, shown)
        if found is not None:
            return found
        for directory in ("bases", "templates", "workflows", "."):
            for suffix in _SUFFIXES[1:]:
                name = str(Path(directory) / f"{reference}{suffix}")
                found = self.named(name, path, shown)
                if found is not None:
                    return found
        return None

    def registered(self, name: str, path: Path, shown: str) -> FoundFile | None:
        """A template of the registry, first hit."""
        data = Path(os.environ.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser())
        for directory in (
            str(self._home / "templates"),
            str(data / "prodigy" / "templates"),
            str(self._directory / ".prodigy" / "templates"),
            str(self._directory / "templates"),
        ):
            for suffix in _SUFFIXES:
                found = self.named(str(Path(directory) / f"{name}{suffix}"), path, shown)
                if found is not None:
                    return found
        return None

    def _content(self, path: Path) -> bytes | None:
        kept = self._kept.get(str(path))
        if kept is not None:
            return kept
        try:
            return read_bounded(path)
        except (OSError, ValueError):
            return None


def merged(base: MapNode, child: MapNode) -> MapNode:
    """Maps merge deeply; scalars and lists of the child replace the base's."""
    pairs = {pair.key.text: pair for pair in base.pairs}
    for pair in child.pairs:
        below = pairs.get(pair.key.text)
        value = pair.value
        if below is not None:
            if is_null(value) or (isinstance(value, ListNode) and not value.items):
                continue
            if isinstance(below.value, MapNode) and isinstance(value, MapNode):
                value = merged(below.value, value)
        pairs[pair.key.text] = Pair(pair.key, value)
    return MapNode(child.position, tuple(pairs.values()))


def undotted(node: MapNode) -> MapNode:
    """``{a.b: 1}`` as ``{a: {b: 1}}``, for overrides."""
    result = MapNode(node.position, ())
    for pair in node.pairs:
        value: Node = undotted(pair.value) if isinstance(pair.value, MapNode) else pair.value
        *outer, last = pair.key.text.split(".")
        here = pair.key.position
        nested = MapNode(here, (Pair(Scalar(here, last), value),))
        for name in reversed(outer):
            nested = MapNode(here, (Pair(Scalar(here, name), nested),))
        result = merged(result, nested)
    return MapNode(node.position, result.pairs)
