"""Globs of paths, as git and the shell have them.

A glob without ``/`` is matched against the base name, one with ``/`` against the whole path. ``*``,
``?`` and ``[...]`` stay within one name; ``**/`` is any number of directories, also none, and a
final ``/**`` everything below. A backslash makes the next character an ordinary one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

WILDCARDS = frozenset("*?[")

_ANY_DIRECTORIES = "**"
_NOTHING = re.compile(r"(?!)")


def has_wildcard(text: str) -> bool:
    """Whether a text is a glob at all."""
    return not WILDCARDS.isdisjoint(text)


def select(globs: Iterable[str], paths: Iterable[str]) -> list[str]:
    """The paths that at least one of the globs matches, in their own order."""
    patterns = tuple(globs)
    return [path for path in paths if any(matches(glob, path) for glob in patterns)]


def matches(glob: str, path: str) -> bool:
    """Whether a glob matches a path with ``/`` between its names."""
    if "/" not in glob:
        return _name_pattern(glob).fullmatch(path.rpartition("/")[2]) is not None
    anchored = glob.removeprefix("./").removeprefix("/")
    return _match_names(anchored.split("/"), path.removeprefix("./").split("/"))


def _match_names(globs: list[str], names: list[str]) -> bool:
    """Matches name by name; of several ``**`` only the last ever needs to take one name more."""
    if globs[-1] == _ANY_DIRECTORIES:
        globs = [*globs, "*"]  # everything below, not the directory itself
    at_glob = at_name = 0
    retry_glob, retry_name = -1, 0
    while at_name < len(names):
        if at_glob < len(globs) and globs[at_glob] == _ANY_DIRECTORIES:
            retry_glob, retry_name = at_glob, at_name
            at_glob += 1
        elif at_glob < len(globs) and _name_pattern(globs[at_glob]).fullmatch(names[at_name]):
            at_glob += 1
            at_name += 1
        elif retry_glob >= 0:
            retry_name += 1
            at_glob, at_name = retry_glob + 1, retry_name
        else:
            return False
    return at_glob == len(globs)


@lru_cache(maxsize=512)
def _name_pattern(glob: str) -> re.Pattern[str]:
    pieces = _pieces(glob)
    # Each run between two stars may settle for its first place, so it need never be tried again:
    # without the atomic groups a glob with many stars takes exponential time.
    runs: list[list[str]] = [[]]
    for piece in pieces:
        if piece == "*":
            runs.append([])
        else:
            runs[-1].append(piece)
    if len(runs) == 1:
        source = "".join(runs[0])
    else:
        first, *inner, last = ("".join(run) for run in runs)
        source = first + "".join(f"(?>.*?{run})" for run in inner if run) + f".*{last}"
    try:
        return re.compile(source, re.DOTALL)
    except re.error:  # a range such as [z-a]
        return _NOTHING


def _pieces(glob: str) -> list[str]:
    """One regular expression for each character, class or star of a glob of one name."""
    pieces: list[str] = []
    at = 0
    while at < len(glob):
        character = glob[at]
        at += 1
        if character == "*":
            pieces.append("*")
        elif character == "?":
            pieces.append(".")
        elif character == "\\" and at < len(glob):
            pieces.append(re.escape(glob[at]))
            at += 1
        elif character == "[" and (end := _class_end(glob, at)) is not None:
            pieces.append(_class(glob[at:end]))
            at = end + 1
        else:
            pieces.append(re.escape(character))
    return pieces


def _class_end(glob: str, start: int) -> int | None:
    """Where the class whose inside begins at ``start`` closes; a first ``]`` belongs to it."""
    at = start + 1 if glob[start : start + 1] in ("!", "^") else start
    end = glob.find("]", at + 1)
    return end if end >= 0 else None


def _class(inside: str) -> str:
    negated = inside[:1] in ("!", "^")
    members = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside[1:] if negated else inside)
    members = members.replace("--", r"-\-")  # a range that ends in "-", not a set difference
    return f"[{'^' if negated else ''}{members}]"
