"""What a terminal shows of the output of a program: no sequences, of a line what stood last."""

from __future__ import annotations

import re

SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # colours, the cursor
    r"|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # titles, links
    r"|[()][A-Z0-9]|[78=>DEHMNOZc])"
)
"""An escape sequence (ECMA-48, and those of the VT100)."""
SEQUENCE_IN_BYTES = re.compile(SEQUENCE.pattern.encode())


def without_sequences(text: str) -> str:
    """The text without escape sequences."""
    return SEQUENCE.sub("", text) if "\x1b" in text else text


def last_written(line: str) -> str:
    """What stood last on a line: a carriage return starts it again, as progress bars do."""
    if "\r" not in line:
        return line
    written: list[str] = []
    for text in reversed(line.split("\r")):
        written.append(text)
        if without_sequences(text):
            break
    return "".join(reversed(written))


def plain(text: str) -> str:
    """Every line without escape sequences, and of each what stood last."""
    return "\n".join(map(last_written, without_sequences(text).split("\n")))
