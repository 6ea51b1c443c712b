"""Calls that arrive later: they are dropped when the screen or widget they are for has gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import ParamSpec

from textual.css.query import NoMatches
from textual.message_pump import MessagePump

P = ParamSpec("P")


def on_loop(
    node: MessagePump, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs
) -> None:
    """From a worker's thread: call something on the loop, unless ``node`` has gone by then."""
    node.app.call_from_thread(unless_gone(node, call, *args, **kwargs))


def after_refresh(
    node: MessagePump, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs
) -> None:
    """Call something when the screen is drawn, unless ``node`` has gone by then."""
    node.call_after_refresh(unless_gone(node, call, *args, **kwargs))


def unless_gone(
    node: MessagePump, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs
) -> Callable[[], None]:
    """A call for later that does nothing when ``node`` has gone by then."""

    def called() -> None:
        if node.is_attached:
            call(*args, **kwargs)

    return called


@contextmanager
def unless_half_there() -> Iterator[None]:
    """Around telling a screen something that it reads anyway once it is whole.

    While a screen is made, and while it is taken away, it is there but its widgets are not.
    """
    with suppress(NoMatches):
        yield
