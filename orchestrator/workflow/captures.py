"""What a command wrote, as the values of the variables that capture it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import NoReturn

from orchestrator.workflow.comparing import read_number
from orchestrator.workflow.model import Capture, CaptureFormat
from orchestrator.workflow.values import Lines, without_lone_surrogates

LARGEST_CAPTURE_BYTES = 16 * 1024 * 1024
CUT_MARKER = "\n[cut after 16 MiB]"

_SHOWN_CHARACTERS = 200
_OUTPUTS = ("stdout", "both", "stderr")
"""The first of these that is selected is what the variable holds."""


Shown = Callable[[str, int], str]


def _cut(text: str, length: int) -> str:
    return text[:length]


class CaptureError(Exception):
    """An output has not the format that its step promises.

    Attributes:
        values: what could be set nevertheless: the metadata.
    """

    def __init__(self, message: str, values: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.values = values or {}


def capture_values(
    capture: Capture,
    *,
    stdout: bytes,
    stderr: bytes,
    combined: bytes,
    exit_code: int,
    duration: float,
    shown: Shown = _cut,
) -> dict[str, object]:
    """The variables to set after a command ran.

    Args:
        capture: what the step says.
        stdout: the result text of the command; whoever ran it keeps no more than
            ``LARGEST_CAPTURE_BYTES`` of a stream, so one that fills them counts as cut.
        stderr: likewise.
        combined: both in order of arrival.
        exit_code: 128 + N for signal N, 124 for a time-out.
        duration: seconds.
        shown: gives the first characters of an output as a message may have them, secrets hidden.

    Returns:
        Values by their whole dotted name: NAME, NAME``.stderr``, ``.exit_code``, ``.success``,
        ``.duration``, for each name of the capture. No names or ``kept`` False: nothing.

    Raises:
        CaptureError: ``json`` or ``number`` cannot be read, or a format other than ``string`` got
            more than ``LARGEST_CAPTURE_BYTES``.
    """
    if not capture.kept or not capture.names:
        return {}
    metadata: dict[str, object] = {
        "exit_code": exit_code,
        "success": exit_code == 0,
        "duration": round(duration, 3),
    }
    kept: dict[str, object] = {"stderr": _text(stderr)}
    kept.update((key, value) for key, value in metadata.items() if key not in capture.dropped)
    values = {f"{name}.{key}": value for name in capture.names for key, value in kept.items()}
    outputs = {"stdout": stdout, "both": combined, "stderr": stderr}
    selected = next((word for word in _OUTPUTS if word in capture.streams), None)
    if selected is not None:
        try:
            value = _formatted(capture.format, outputs[selected], exit_code, shown)
        except CaptureError as error:
            named = ", ".join(f"'{name}'" for name in capture.names)
            raise CaptureError(f"cannot capture {named}: {error}", values) from error
    elif capture.streams:
        value = metadata[capture.streams[0]]
    else:
        return values
    values.update(dict.fromkeys(capture.names, value))
    return values


def _formatted(wanted: CaptureFormat, data: bytes, exit_code: int, shown: Shown) -> object:
    if wanted is CaptureFormat.STRING:
        return _text(data)
    if len(data) >= LARGEST_CAPTURE_BYTES:
        raise CaptureError(f"the output is larger than 16 MiB, too much for '{wanted}'")
    text = data.decode("utf-8", "replace")
    match wanted:
        case CaptureFormat.JSON:
            return _json(text, shown)
        case CaptureFormat.LINES:
            lines = text.split("\n")
            return Lines(lines if lines[-1] else lines[:-1])
        case CaptureFormat.NUMBER:
            return _number(text, shown)
        case CaptureFormat.BOOLEAN:
            return {"true": True, "false": False}.get(text.strip().lower(), exit_code == 0)


def _text(data: bytes) -> str:
    if len(data) < LARGEST_CAPTURE_BYTES:
        return data.decode("utf-8", "replace").rstrip("\n")
    return data[:LARGEST_CAPTURE_BYTES].decode("utf-8", "replace") + CUT_MARKER


def _number(text: str, shown: Shown) -> int | float:
    number = read_number(text)
    if number is None or not math.isfinite(number):
        raise CaptureError(f"the output is not a number: {_beginning(text, shown)}")
    return number


def _json(text: str, shown: Shown) -> object:
    try:
        value = json.loads(text, parse_constant=_not_json, parse_float=_finite)
    except json.JSONDecodeError as error:
        where = f"{error.msg} at line {error.lineno} column {error.colno}"
        raise CaptureError(f"the output is not JSON: {where}: {_beginning(text, shown)}") from error
    except (ValueError, RecursionError) as error:
        raise CaptureError(f"the output is not JSON: {error}: {_beginning(text, shown)}") from error
    return without_lone_surrogates(value) if "\\u" in text else value


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"'{constant}' is no JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:20]} is too large a number")
    return number


def _beginning(text: str, shown: Shown) -> str:
    trimmed = text.strip()
    if not trimmed:
        return "it is empty"
    beginning = shown(trimmed, _SHOWN_CHARACTERS)
    return f"'{beginning}'{' …' if len(trimmed) > _SHOWN_CHARACTERS else ''}"
