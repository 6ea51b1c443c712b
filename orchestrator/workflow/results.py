"""Results of validators: how complete the work is, read from whatever shape they come in."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.workflow.comparing import read_number
from orchestrator.workflow.values import without_lone_surrogates

COMPLETE = 100.0

_PERCENTAGE_KEYS = ("completion_percentage", "score")
_DECIDING_KEYS = (*_PERCENTAGE_KEYS, "status", "complete")
_COMPLETE_WORDS = ("complete", "skipped")
_SCORE = re.compile(r"score:\s*(\S+?)\s*%?", re.IGNORECASE)
_SEARCHED_CHARACTERS = 1024 * 1024
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """What one round of validation found.

    ``percentage`` is 0 to 100. ``gaps`` is a map by id, or a list; empty when the result has none.
    ``document`` is the whole JSON object the result was read from, empty without one.
    """

    percentage: float
    status: str = "complete"
    implemented: tuple[object, ...] = ()
    missing: tuple[object, ...] = ()
    gaps: object = ()
    document: Mapping[str, object] = field(default_factory=dict)


def incomplete(reason: str) -> ValidationResult:
    """A round that could not tell; the reason stands where the missing parts would."""
    return ValidationResult(0.0, status="incomplete", missing=(reason,))


def from_commands(failing: Sequence[str]) -> ValidationResult:
    """The result of a list of validators: complete if none of them failed.

    Args:
        failing: the labels of those that failed.
    """
    if not failing:
        return ValidationResult(COMPLETE)
    return ValidationResult(0.0, status="incomplete", missing=tuple(failing))


def read_result(json_text: str) -> ValidationResult:
    """Reads a result file; what cannot be read is incomplete, with the reason."""
    try:
        document = json.loads(json_text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        return incomplete(f"the result is not JSON: {error}")
    if not isinstance(document, dict):
        return incomplete("the result is not a JSON object")
    return _from_document(document)


def from_shell(exit_code: int, output: str) -> ValidationResult:
    """The result of a shell validator.

    Args:
        exit_code: other than 0 is not complete, whatever was printed.
        output: its stdout: a JSON object (also after other lines), a last line ``score: N``, or
            anything else, which is complete.
    """
    printed = _from_output(output)
    if exit_code == 0:
        return printed
    missing = printed.missing or (f"the validator failed with exit code {exit_code}",)
    return ValidationResult(
        0.0, "incomplete", printed.implemented, missing, printed.gaps, printed.document
    )


def from_claude(text: str) -> ValidationResult:
    """The result of an agent: the last JSON object of its final text, fenced or not."""
    document = _last_object(text[-_SEARCHED_CHARACTERS:])
    if document is None:
        return incomplete("the validator gave no JSON result")
    return _from_document(document)


def _from_output(output: str) -> ValidationResult:
    text = output.strip()
    if (document := _printed_object(text)) is not None:
        return _from_document(document)
    if text.startswith("{"):
        return incomplete("the validator printed broken JSON")
    last_line = text.rpartition("\n")[2].strip()
    if (score := _SCORE.fullmatch(last_line)) is None:
        return ValidationResult(COMPLETE)
    percentage = _percentage(score[1])
    if percentage is None:
        return incomplete(f"not a percentage: '{last_line}'")
    return ValidationResult(percentage, status=_status_for(percentage))


def _printed_object(text: str) -> dict[str, object] | None:
    """The JSON object that a text is, or one with a result at its end or beginning."""
    if (whole := _object(text)) is not None:
        return whole
    if text.endswith("}") and (last := _object_at_end(text)) is not None:
        return last
    if not text.startswith("{"):
        return None
    try:
        first, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return first if _decides(first) and text[end:].lstrip(" \t\r").startswith("\n") else None


def _object_at_end(text: str) -> dict[str, object] | None:
    """The JSON object with a result that begins on a line of its own and ends the text."""
    start = text.rfind("\n{")
    while start >= 0:
        document = _object(text[start + 1 :])
        if document is not None:
            return document if _decides(document) else None
        start = text.rfind("\n{", 0, start)
    return None


def _last_object(text: str) -> dict[str, object] | None:
    """The last JSON object that says how complete something is, else the last one at all."""
    last: dict[str, object] | None = None
    at = text.find("{")
    while at >= 0:
        try:
            found, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            if _decides(found) or last is None or not _decides(last):
                last = found
        at = text.find("{", end)
    return last


def _object(text: str) -> dict[str, object] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _decides(document: Mapping[str, object]) -> bool:
    return any(document.get(key) is not None for key in _DECIDING_KEYS)


def _from_document(raw: Mapping[str, object]) -> ValidationResult:
    document = {str(key): without_lone_surrogates(value) for key, value in raw.items()}
    if not _decides(document):
        return incomplete(
            "the result has none of 'completion_percentage', 'score', 'status', 'complete'"
        )
    written = next((document[k] for k in _PERCENTAGE_KEYS if document.get(k) is not None), None)
    if written is None:
        percentage: float | None = COMPLETE if _says_complete(document) else 0.0
    else:
        percentage = _percentage(written)
    if percentage is None:
        return incomplete(f"the completion of the result is not a number from 0 to 100: {written}")
    status = document.get("status")
    return ValidationResult(
        percentage,
        status if isinstance(status, str) and status else _status_for(percentage),
        _list(document.get("implemented")),
        _list(document.get("missing")),
        _gaps(document.get("gaps")),
        document,
    )


def _says_complete(document: Mapping[str, object]) -> bool:
    complete, status = document.get("complete"), document.get("status")
    if isinstance(complete, str):
        complete = complete.strip().lower() == "true"
    if complete is True:
        return True
    return isinstance(status, str) and status.strip().lower() in _COMPLETE_WORDS


def _percentage(value: object) -> float | None:
    number = read_number(value.strip().removesuffix("%") if isinstance(value, str) else value)
    if number is None or not math.isfinite(number) or not 0 <= number <= COMPLETE:
        return None
    return float(number)


def _status_for(percentage: float) -> str:
    return "complete" if percentage == COMPLETE else "incomplete"


def _list(value: object) -> tuple[object, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)


def _gaps(value: object) -> object:
    return value if isinstance(value, dict) else _list(value)
