"""When a failed command is run again, and after which delay. All of it is pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from orchestrator.workflow.model import BackoffKind, Duration, Retry, RetryPattern

Resolve = Callable[[Duration], float]
"""Gives the seconds of a duration that may be a reference."""

_CAUSES: Mapping[str, re.Pattern[str]] = {
    "network": re.compile(r"network|connection|refused|unreachable", re.IGNORECASE),
    "timeout": re.compile(r"timeout|timed out", re.IGNORECASE),
    "server_error": re.compile(r"(?<!\d)50[0234](?!\d)|server error", re.IGNORECASE),
    "rate_limit": re.compile(r"rate limit|(?<!\d)429(?!\d)|too many requests", re.IGNORECASE),
}


def applies(retry: Retry, text: str) -> bool:
    """Whether ``retry_on`` covers a failure.

    Args:
        retry: without ``retry_on`` it covers every one.
        text: message, stderr and stdout of the failure.
    """
    return not retry.retry_on or any(_matches(entry, text) for entry in retry.retry_on)


def plan_delay(
    retry: Retry, failures_so_far: int, *, resolve: Resolve, random: Callable[[], float]
) -> float:
    """Seconds to wait before the next run.

    Args:
        retry: the schedule.
        failures_so_far: at least 1; there is no delay before the first run.
        resolve: gives the seconds of a duration.
        random: gives a number from 0 up to 1, for the jitter.

    Returns:
        The delay of the schedule, at most ``max_delay``, whatever the jitter.
    """
    longest = resolve(retry.max_delay)
    delay = min(_scheduled(retry, failures_so_far, longest, resolve), longest)
    if retry.jitter:
        delay *= 1 + retry.jitter_factor * (2 * random() - 1)
    return max(0.0, min(delay, longest))


def exceeds_budget(retry: Retry, delay: float, *, delayed_so_far: float, resolve: Resolve) -> bool:
    """Whether one more delay would take the sum of delays over ``retry_budget``."""
    budget = 0.0 if retry.budget is None else resolve(retry.budget)
    return budget > 0 and delayed_so_far + delay > budget


def _scheduled(retry: Retry, failures: int, longest: float, resolve: Resolve) -> float:
    backoff = retry.backoff
    if backoff.kind is BackoffKind.CUSTOM:
        return resolve(backoff.delays[failures - 1]) if failures <= len(backoff.delays) else longest
    first = resolve(backoff.initial or retry.initial_delay)
    match backoff.kind:
        case BackoffKind.FIXED:
            return first
        case BackoffKind.LINEAR:
            increment = first if backoff.increment is None else resolve(backoff.increment)
            return first + increment * (failures - 1)
        case BackoffKind.EXPONENTIAL:
            return _exponential(first, backoff.base, failures - 1)
        case BackoffKind.FIBONACCI:
            return _fibonacci(first, failures, longest)


def _exponential(first: float, base: float, exponent: int) -> float:
    try:
        return first * base**exponent if first else 0.0
    except OverflowError:
        return float("inf")


def _fibonacci(first: float, count: int, longest: float) -> float:
    """``first`` times 1 1 2 3 5 …; stops at the cap, so that no huge numbers are made."""
    if not first:
        return 0.0
    current, following = 1, 1
    for _ in range(count - 1):
        if first * current >= longest:
            break
        current, following = following, current + following
    return first * current


def _matches(entry: RetryPattern, text: str) -> bool:
    if entry.word is not None:
        return _CAUSES[entry.word].search(text) is not None
    try:
        return entry.pattern is not None and re.search(entry.pattern, text) is not None
    except (re.error, RecursionError, OverflowError):
        return False
