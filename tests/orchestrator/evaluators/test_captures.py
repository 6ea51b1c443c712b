"""What a command wrote, as variables."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.workflow.captures import (
    CUT_MARKER,
    LARGEST_CAPTURE_BYTES,
    CaptureError,
    capture_values,
)
from orchestrator.workflow.interpolation import TextKind, interpolate
from orchestrator.workflow.model import Capture, CaptureFormat
from orchestrator.workflow.values import Lines, render
from tests.orchestrator.evaluators.names import Names


def captured(
    stdout: bytes,
    wanted: CaptureFormat = CaptureFormat.STRING,
    *,
    exit_code: int = 0,
    capture: Capture | None = None,
) -> dict[str, object]:
    return capture_values(
        capture or Capture(names=("v",), format=wanted),
        stdout=stdout,
        stderr=b"warned\n",
        combined=b"warned\n" + stdout,
        exit_code=exit_code,
        duration=1.23456,
    )


def test_a_capture_sets_its_name_and_what_belongs_to_it() -> None:
    assert captured(b"out\n\n") == {
        "v": "out",
        "v.stderr": "warned",
        "v.exit_code": 0,
        "v.success": True,
        "v.duration": 1.235,
    }


def test_a_json_field_named_like_metadata_is_reached_by_its_key() -> None:
    scope = Names(captured(b'{"success": "field", "n": 4.0}', CaptureFormat.JSON, exit_code=3))
    text = "${v.success} ${v['success']} ${v.n} ${v.exit_code}"
    assert interpolate(text, scope, TextKind.SHELL).text == "false field 4 3"


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [(b" 42\n", 42, "42"), (b"4.0", 4.0, "4"), (b"1e3", 1000.0, "1000"), (b"-0.5\n", -0.5, "-0.5")],
)
def test_a_number_is_read_from_the_trimmed_text(text: bytes, value: float, shown: str) -> None:
    number = captured(text, CaptureFormat.NUMBER)["v"]
    assert number == value
    assert render(number) == shown


@pytest.mark.parametrize("text", [b"", b"n/a", b"1 2", b"nan", b"1e999", b"0x10", b"1_000"])
def test_anything_else_is_no_number(text: bytes) -> None:
    with pytest.raises(CaptureError, match="'v'.*not a number"):
        captured(text, CaptureFormat.NUMBER)


def test_an_unreadable_capture_still_gives_its_metadata() -> None:
    with pytest.raises(CaptureError) as raised:
        captured(b"n/a", CaptureFormat.NUMBER, exit_code=2)
    assert raised.value.values["v.exit_code"] == 2
    assert "v" not in raised.value.values


@pytest.mark.parametrize(
    ("text", "exit_code", "value"),
    [
        (b"", 0, True), (b"", 1, False), (b"", 127, False), (b"", 124, False),
        (b" TRUE \n", 1, True), (b"False", 0, False), (b"it is true", 1, False),
    ],
)  # fmt: skip
def test_a_boolean_is_the_word_else_the_exit_code(text: bytes, exit_code: int, value: bool) -> None:
    assert captured(text, CaptureFormat.BOOLEAN, exit_code=exit_code)["v"] is value


@pytest.mark.parametrize("text", [b"", b"{", b'{"a": 1', b"NaN", b'{"a": 1e999}', b"[" * 100_000])
def test_what_is_not_json_is_an_error(text: bytes) -> None:
    with pytest.raises(CaptureError, match="not JSON"):
        captured(text, CaptureFormat.JSON)


def test_a_json_error_gives_position_and_beginning() -> None:
    with pytest.raises(CaptureError, match=r"line 2 column 3.*'\{") as raised:
        captured(b"{\n  oops " + b"x" * 1000, CaptureFormat.JSON)
    assert len(str(raised.value)) < 350


def test_lines_lose_only_the_last_empty_one() -> None:
    value = captured(b"a\n\nb\n\n", CaptureFormat.LINES)["v"]
    assert value == ["a", "", "b", ""]
    assert isinstance(value, Lines)
    assert captured(b"", CaptureFormat.LINES)["v"] == []


def test_nothing_and_invalid_utf_8_are_texts() -> None:
    assert captured(b"")["v"] == ""
    assert captured(b"a\xffb")["v"] == "a\ufffdb"
    assert captured(b'"\xff"', CaptureFormat.JSON)["v"] == "\ufffd"
    half = captured(b'["\\ud800x"]', CaptureFormat.JSON)["v"]
    assert json.dumps(half, ensure_ascii=False).encode() == '["\ufffdx"]'.encode()


def test_twenty_mebibytes_are_cut_as_a_text_and_refused_otherwise() -> None:
    large = b"1" * (20 * 1024 * 1024)
    text = captured(large)["v"]
    assert isinstance(text, str)
    assert text.endswith(CUT_MARKER)
    assert len(text) == LARGEST_CAPTURE_BYTES + len(CUT_MARKER)
    for wanted in set(CaptureFormat) - {CaptureFormat.STRING}:
        with pytest.raises(CaptureError, match="16 MiB"):
            captured(large, wanted)


@pytest.mark.parametrize(
    ("streams", "value"),
    [
        (("stdout",), "out"), (("stderr",), "warned"), (("both",), "warned\nout"),
        (("stderr", "stdout"), "out"), (("exit_code",), 3), (("success", "duration"), False),
    ],
)  # fmt: skip
def test_streams_choose_what_the_name_holds(streams: tuple[str, ...], value: object) -> None:
    values = captured(b"out\n", capture=Capture(("v",), streams=streams), exit_code=3)
    assert values["v"] == value
    assert values["v.stderr"] == "warned"


def test_metadata_that_is_switched_off_is_not_set() -> None:
    dropped = frozenset({"duration", "success", "stderr", "stdout"})
    values = captured(b"out", capture=Capture(("v",), streams=(), dropped=dropped))
    assert values == {"v.stderr": "warned", "v.exit_code": 0}


def test_every_name_of_a_capture_is_set_and_none_sets_nothing() -> None:
    values = captured(b"out", capture=Capture(("v", "w.x")))
    assert values["v"] == values["w.x"] == "out"
    assert "w.x.exit_code" in values
    assert captured(b"out", capture=Capture()) == {}
    assert captured(b"out", capture=Capture(("v",), kept=False)) == {}


@given(st.binary(max_size=200), st.sampled_from(CaptureFormat), st.integers(0, 255))
def test_no_output_is_a_crash(data: bytes, wanted: CaptureFormat, exit_code: int) -> None:
    try:
        value = captured(data, wanted, exit_code=exit_code)["v"]
    except CaptureError:
        assert wanted in (CaptureFormat.JSON, CaptureFormat.NUMBER)
    else:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
