"""How a step failed, in the words every view uses."""

from __future__ import annotations

from collections.abc import Mapping


def how_it_failed(failure: Mapping[str, object]) -> str:
    """``made no commit``, ``timeout``, ``signal 9`` or ``exit 101``; empty when nothing tells.

    Args:
        failure: the fields of a failure, as records, checkpoints and events have them: ``reason``
            (why, although the command ended well), ``timed_out``, ``signal`` and ``exit_code``.
    """
    if (reason := failure.get("reason")) and isinstance(reason, str):
        return reason
    if failure.get("timed_out"):
        return "timeout"
    for key, word in (("signal", "signal"), ("exit_code", "exit")):
        if failure.get(key) is not None:
            return f"{word} {failure[key]}"
    return ""
