"""Asking a person, where there is one; otherwise the safe answer, and saying so."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from app.cli.invocation import Invocation
from app.format import visible

_YES = frozenset({"y", "yes"})
_NO = frozenset({"n", "no"})


def ask(invocation: Invocation, question: str, *, default: bool) -> bool | None:
    """Ask a question that is answered with yes or no.

    Returns:
        The answer; the default for an empty line; None when nobody could be asked or the input
        ended.

    Raises:
        KeyboardInterrupt: Ctrl-C; nothing is to be changed.
    """
    if not invocation.may_ask:
        return None
    choices = "[Y/n]" if default else "[y/N]"
    stderr = invocation.out.stderr
    while True:
        stderr.write(f"{visible(question)} {choices}: ")
        stderr.flush()
        line = sys.stdin.readline()
        if not line:
            stderr.write("\n")
            return None
        word = line.strip().lower()
        if not word:
            return default
        if word in _YES:
            return True
        if word in _NO:
            return False
        stderr.write("Type y or n.\n")


def confirmed(invocation: Invocation, question: str, *, force: bool, otherwise: str) -> bool:
    """Whether to go on with something that cannot be undone.

    Args:
        invocation: the call.
        question: what would happen, as a question.
        force: yes without asking.
        otherwise: what to type to do it where nobody can be asked.
    """
    if force:
        return True
    answer = ask(invocation, question, default=False)
    if answer is None:
        invocation.out.notice(f"Not done: nobody to ask. {otherwise}")
    return answer is True


class MergeQuestion:
    """Asks about the final merge while a run ends; Ctrl-C leaves the merge open."""

    def __init__(
        self,
        invocation: Invocation,
        aside: Callable[[], Any] = nullcontext,
    ) -> None:
        self._invocation = invocation
        self._aside = aside
        self.interrupted = False

    def __call__(self, worktree: str, target: str) -> bool | None:
        """Yes, no, or None when nobody could be asked."""
        return self._ask(f"Merge {worktree} to {target}", default=True)

    def about_workflow(self, question: str) -> bool | None:
        """A question a workflow itself asks; an empty line is a no."""
        return self._ask(question, default=False)

    def _ask(self, question: str, *, default: bool) -> bool | None:
        with self._aside(), _interruptible():
            try:
                return ask(self._invocation, question, default=default)
            except KeyboardInterrupt:
                self.interrupted = True
                self._invocation.out.stderr.write("\n")
                return None


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the question, whatever the run does with it otherwise."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
