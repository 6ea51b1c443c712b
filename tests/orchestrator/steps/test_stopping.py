"""A stop wakes every kind of wait."""

from __future__ import annotations

import os
import select
import signal
import threading
import time

from orchestrator.steps.stopping import StopSignal


def test_waiting_ends_when_it_is_set_from_another_thread() -> None:
    stop = StopSignal()
    threading.Timer(0.05, stop.set, ["pause"]).start()
    assert stop.wait(10)
    assert stop.reason == "pause"


def test_waiting_ends_at_the_timeout() -> None:
    stop = StopSignal()
    started = time.monotonic()
    assert not stop.wait(0.05)
    assert 0.04 < time.monotonic() - started < 10


def test_its_descriptor_is_readable_from_then_on() -> None:
    stop = StopSignal()
    assert select.select([stop], [], [], 0)[0] == []
    for _ in range(100_000):
        stop.set("again")
    assert select.select([stop], [], [], 0)[0] == [stop]


def test_a_child_is_set_with_its_parent_but_not_the_other_way() -> None:
    parent = StopSignal()
    first, second = parent.child(), parent.child().child()
    first.set("sibling failed")
    assert not parent.is_set()
    parent.set("cancel")
    assert (first.reason, second.reason) == ("cancel", "cancel")
    assert parent.child().reason == "cancel"


def test_a_signal_handler_may_set_it_while_it_is_waited_for() -> None:
    stop = StopSignal()
    previous = signal.signal(signal.SIGUSR1, lambda *_: stop.set("signal"))
    try:
        threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGUSR1]).start()
        assert stop.wait(10)
    finally:
        signal.signal(signal.SIGUSR1, previous)


def test_descriptors_are_given_back() -> None:
    parent = StopSignal()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(100):
        parent.child()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
