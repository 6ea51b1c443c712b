"""Names in shell texts: those a script sets itself, and those the shell is told by export."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Collection
from typing import NamedTuple

from orchestrator.workflow.values import MISSING, render

LARGEST_EXPORT_BYTES = 100_000
"""Linux refuses a process with an environment string above 128 KiB."""

BASE_ENVIRONMENT = frozenset({"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TERM", "LANG"})
"""Names (and every ``LC_…``) that a variable never replaces in the environment of a step."""

_LONGEST_TARGET = 160
_NAME_CHARACTERS = string.ascii_letters + string.digits + "_"
# Each begins with a plain word, which is what makes the search fast in a text of a megabyte.
_ASSIGNED = re.compile(r"=(?!=)")
_LOOPED = re.compile(r"for(?<!\wfor)\s++([A-Za-z_][A-Za-z0-9_]*+)")
_READ = re.compile(r"read(?<!\wread)(?!\w)([^\n;|&<>()]*+)")
_WORD = re.compile(r"(?<!\S)[\"']?([A-Za-z_][A-Za-z0-9_]*)(?![^\s\"'`}])")
_MENTIONED = re.compile(r"\$\{?[#!]?([A-Za-z_][A-Za-z0-9_]*+)")


class Exports(NamedTuple):
    """Environment entries for one step, and what could not be exported."""

    entries: dict[str, str]
    warnings: tuple[str, ...]


def is_base_name(name: str) -> bool:
    """Whether a name belongs to the base set of the environment or to Prodigy."""
    return name in BASE_ENVIRONMENT or name.startswith(("LC_", "PRODIGY_"))


def names_set_by(script: str) -> frozenset[str]:
    """The names a shell text sets: ``NAME=``, ``for NAME``, the words after ``read``.

    It errs towards too many. That is harmless: such a name is left to the shell, which has the
    variable exported.
    """
    names = {_target(script, sign.start()) for sign in _ASSIGNED.finditer(script)}
    names.update(_LOOPED.findall(script))
    for words in _READ.findall(script):
        names.update(_WORD.findall(words))
    return frozenset(names - {""})


def _target(script: str, sign: int) -> str:
    """The name that the ``=`` at ``sign`` sets: of ``NAME=``, ``NAME+=``, ``NAME:=``, ``NAME[i]=``;
    empty for ``$NAME=``, ``--NAME=`` and whatever else sets nothing."""
    before = script[max(0, sign - _LONGEST_TARGET) : sign]
    if before[-1:] in ("+", ":"):
        before = before[:-1]
    if before[-1:] == "]":
        before = before[: max(before.rfind("["), 0)]
    left = before.rstrip(_NAME_CHARACTERS)
    name = before[len(left) :]
    return "" if left[-1:] in ("$", ".", "-") or name[:1].isdecimal() else name


def exports_for(
    script: str, lookup: Callable[[str], object], *, replaced_at: Collection[int] = ()
) -> Exports:
    """The workflow variables with a plain name that a shell text mentions after ``$`` or ``${``.

    Args:
        script: the text as written.
        lookup: gives a variable or ``MISSING``.
        replaced_at: places of references that are replaced in the text; a variable that cannot be
            exported is worth a warning only where the shell would have needed it.
    """
    places: dict[str, bool] = {}
    for match in _MENTIONED.finditer(script):
        needed = match.start() not in replaced_at
        places[match[1]] = places.get(match[1], False) or needed
    entries: dict[str, str] = {}
    warnings: list[str] = []
    for name, needed in places.items():
        value = MISSING if is_base_name(name) else lookup(name)
        if value is MISSING:
            continue
        text = render(value)
        if problem := _not_exportable(text):
            if needed:
                warnings.append(f"'{name}' is not exported to this step: {problem}")
        else:
            entries[name] = text
    return Exports(entries, tuple(warnings))


def _not_exportable(text: str) -> str | None:
    if "\0" in text:
        return "it contains a NUL character"
    # No character takes less than a byte, so most texts need not be encoded to be measured.
    if len(text) * 4 <= LARGEST_EXPORT_BYTES:
        return None
    size = len(text.encode("utf-8", "surrogateescape"))
    if size > LARGEST_EXPORT_BYTES:
        return f"it has {size} bytes, more than {LARGEST_EXPORT_BYTES}"
    return None
