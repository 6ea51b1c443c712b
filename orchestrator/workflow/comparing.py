"""How expressions compare values: truth, equality, order, containment and patterns."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orchestrator.workflow.values import MISSING, as_json, render

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,300}")


def is_true(value: object) -> bool:
    """Whether a value counts as true: all but false, null, 0, ``''``, ``'0'``, ``'false'``, empty
    lists and maps."""
    if value is MISSING:
        return False
    if isinstance(value, str):
        return value.lower() not in ("", "0", "false")
    return bool(value)


def read_number(value: object) -> int | float | None:
    """The number that a value is or, as a text, reads as; None for all else, booleans too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else None


def equal(left: object, right: object) -> bool:
    """``==``: as numbers if one side is one and the other reads as one, as booleans if one side is
    one; null equals null, undefined and ``''``; all else as text."""
    if _is_number(left) or _is_number(right):
        first, second = read_number(left), read_number(right)
        if first is not None and second is not None:
            return first == second
    if isinstance(left, bool) or isinstance(right, bool):
        return _lowered(left) == _lowered(right)
    if _is_null(left) or _is_null(right):
        return (_is_null(left) or left == "") and (_is_null(right) or right == "")
    if isinstance(left, (list, Mapping)) and isinstance(right, (list, Mapping)):
        return as_json(left) == as_json(right)
    return render(left) == render(right)


def in_order(sign: str, left: object, right: object) -> bool | None:
    """``< <= > >=``: as numbers if both sides read as numbers, else as text.

    Returns:
        None when a side is null, a list or a map, which have no order.
    """
    for side in (left, right):
        if _is_null(side) or isinstance(side, (list, Mapping)):
            return None
    first, second = read_number(left), read_number(right)
    if first is not None and second is not None:
        return _holds(sign, first < second, first == second)
    before, after = render(left), render(right)
    return _holds(sign, before < after, before == after)


def contains(container: object, member: object) -> bool:
    """Whether a list has an element, a map a key, or any other value a part of its text."""
    if _is_null(container):
        return False
    if isinstance(container, list):
        return any(equal(element, member) for element in container)
    if isinstance(container, Mapping):
        return render(member) in container
    return render(member) in render(container)


def matches(text: object, pattern: object) -> bool | None:
    """``=~``: whether a regular expression is found anywhere; None when it is no valid one."""
    try:
        return re.search(render(pattern), render(text)) is not None
    except (re.error, RecursionError, OverflowError):
        return None


def _holds(sign: str, is_less: bool, is_equal: bool) -> bool:
    if sign == "<":
        return is_less
    if sign == "<=":
        return is_less or is_equal
    if sign == ">":
        return not is_less and not is_equal
    return not is_less


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_null(value: object) -> bool:
    return value is None or value is MISSING


def _lowered(value: object) -> str:
    return render(value).strip().lower()
