"""Delays before further runs, and which failures get one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.workflow.model import Backoff, BackoffKind, Duration, Retry, RetryPattern
from orchestrator.workflow.retrying import applies, exceeds_budget, plan_delay

LONG = Duration(1e9)


def seconds(duration: Duration) -> float:
    assert duration.seconds is not None
    return duration.seconds


def delays(retry: Retry, count: int = 5) -> list[float]:
    return [plan_delay(retry, n, resolve=seconds, random=lambda: 0.5) for n in range(1, count + 1)]


def test_the_default_doubles_from_one_second() -> None:
    assert delays(Retry(attempts=3), 6) == [1, 2, 4, 8, 16, 30]


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        (Backoff(BackoffKind.FIXED), [2, 2, 2, 2, 2]),
        (Backoff(BackoffKind.LINEAR), [2, 4, 6, 8, 10]),
        (Backoff(BackoffKind.LINEAR, increment=Duration(0.5)), [2, 2.5, 3, 3.5, 4]),
        (Backoff(BackoffKind.LINEAR, initial=Duration(1.0)), [1, 2, 3, 4, 5]),
        (Backoff(BackoffKind.EXPONENTIAL, base=3), [2, 6, 18, 54, 100]),
        (Backoff(BackoffKind.FIBONACCI), [2, 2, 4, 6, 10]),
        (Backoff(BackoffKind.CUSTOM, delays=(Duration(7), Duration(0))), [7, 0, 100, 100, 100]),
        (Backoff(BackoffKind.FIXED, initial=Duration(500.0)), [100] * 5),
        (Backoff(BackoffKind.CUSTOM, delays=(Duration(500.0),)), [100] * 5),
        (Backoff(BackoffKind.EXPONENTIAL, initial=Duration(0)), [0] * 5),
        (Backoff(BackoffKind.FIBONACCI, initial=Duration(0)), [0] * 5),
    ],
)
def test_every_backoff_has_its_schedule(backoff: Backoff, expected: list[float]) -> None:
    retry = Retry(backoff=backoff, initial_delay=Duration(2.0), max_delay=Duration(100.0))
    assert delays(retry) == expected


@given(st.integers(1, 40), st.floats(0.01, 50), st.floats(1.1, 4))
def test_schedules_follow_their_formulas(n: int, first: float, base: float) -> None:
    def planned(backoff: Backoff) -> float:
        retry = Retry(backoff=backoff, initial_delay=Duration(first), max_delay=LONG)
        return plan_delay(retry, n, resolve=seconds, random=lambda: 0.0)

    fibonacci = [1, 1]
    while len(fibonacci) < n:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    cap = seconds(LONG)
    assert planned(Backoff(BackoffKind.FIXED)) == first
    assert planned(Backoff(BackoffKind.LINEAR)) == pytest.approx(first * n)
    wanted = min(cap, first * base ** (n - 1))
    assert planned(Backoff(BackoffKind.EXPONENTIAL, base=base)) == pytest.approx(wanted)
    assert planned(Backoff(BackoffKind.FIBONACCI)) == pytest.approx(
        min(cap, first * fibonacci[n - 1])
    )


@given(
    st.sampled_from(BackoffKind), st.integers(1, 10_000_000), st.floats(0, 1), st.floats(0, 1),
    st.booleans(),
)  # fmt: skip
def test_no_delay_is_negative_or_above_the_cap(
    kind: BackoffKind, n: int, factor: float, drawn: float, jitter: bool
) -> None:
    retry = Retry(backoff=Backoff(kind), jitter=jitter, jitter_factor=factor)
    assert 0 <= plan_delay(retry, n, resolve=seconds, random=lambda: drawn) <= 30


@given(st.floats(0, 1), st.floats(0, 1, exclude_max=True))
def test_jitter_is_random_around_the_delay_and_only_when_asked_for(
    factor: float, drawn: float
) -> None:
    without = Retry(backoff=Backoff(BackoffKind.FIXED), jitter_factor=factor)
    assert plan_delay(without, 1, resolve=seconds, random=lambda: drawn) == 1
    jittered = Retry(backoff=Backoff(BackoffKind.FIXED), jitter=True, jitter_factor=factor)
    delay = plan_delay(jittered, 1, resolve=seconds, random=lambda: drawn)
    assert delay == pytest.approx(1 + factor * (2 * drawn - 1))
    assert 1 - factor - 1e-9 <= delay <= 1 + factor + 1e-9


def test_a_budget_smaller_than_the_first_delay_ends_retrying() -> None:
    retry = Retry(budget=Duration(0.5))
    assert exceeds_budget(retry, 1.0, delayed_so_far=0.0, resolve=seconds)
    retry = Retry(budget=Duration(3.0))
    assert not exceeds_budget(retry, 2.0, delayed_so_far=1.0, resolve=seconds)
    assert exceeds_budget(retry, 4.0, delayed_so_far=3.0, resolve=seconds)
    for unlimited in (Retry(), Retry(budget=Duration(0.0))):
        assert not exceeds_budget(unlimited, 1e6, delayed_so_far=1e6, resolve=seconds)


@pytest.mark.parametrize(
    ("word", "matching", "other"),
    [
        ("network", ["Connection reset", "host UNREACHABLE", "refused"], ["404", "exit 1"]),
        ("timeout", ["Timeout", "request timed out"], ["time"]),
        ("server_error", ["HTTP 503", "Server Error", "error 500."], ["404", "1500 files", "501"]),
        ("rate_limit", ["429", "Too Many Requests", "rate limit"], ["4290", "rate"]),
    ],
)
def test_words_match_their_failures_whatever_the_case(
    word: str, matching: list[str], other: list[str]
) -> None:
    retry = Retry(retry_on=(RetryPattern(word=word),))
    assert all(applies(retry, text) for text in matching)
    assert not any(applies(retry, text) for text in other)


def test_without_retry_on_every_failure_is_retried() -> None:
    assert applies(Retry(), "")


def test_patterns_keep_their_case_and_an_invalid_one_never_matches() -> None:
    retry = Retry(retry_on=(RetryPattern(pattern="("), RetryPattern(pattern=r"E\d+")))
    assert applies(retry, "failed with E42")
    assert not applies(retry, "failed with e42 (")
