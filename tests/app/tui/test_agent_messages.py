"""Messages of an agent in a log: read whole however long, and found by what is seen of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.tui.log_file import LONGEST, LONGEST_MESSAGE, TAIL_BYTES, LogFile, read_tail
from app.tui.log_search import lines_with
from app.tui.log_text import LONGEST_SHOWN, shown
from store.home import Home
from tests.app.tui.driving import dashboard, press, running
from tests.app.tui.sample_runs import prepared
from tests.app.tui.test_logs import run_with, view_of


def said(text: str) -> str:
    message = {"content": [{"type": "text", "text": text}], "usage": {"output_tokens": 12}}
    return json.dumps({"type": "assistant", "message": message, "session_id": "hidden-id"})


def answered(text: str) -> str:
    content = [{"type": "tool_result", "tool_use_id": "hidden-id", "content": text}]
    return json.dumps({"type": "user", "message": {"content": content}})


LONG = "".join(f"line {number} of a file\n" for number in range(1000))
LOG = "\n".join(
    (
        '{"type": "system", "subtype": "init", "model": "opus", "session_id": "hidden-id"}',
        said('It says "naïve".\nSecond line'),
        answered(f"{LONG}AssertionError: 1 != 2"),
        "hidden-id in a plain line",
        '{"broken": "hidden-id',
        said("Done."),
    )
)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("hidden-id", [3, 4]),
        ("output_tokens", []),
        ('says "naïve"', [1]),
        ("NAÏVE", []),
        ("second line", [1]),
        ("agent started", [0]),
        ("assertionerror", [2]),
        ("line 999 of", [2]),
    ],
)
def test_a_search_finds_what_is_shown_of_a_message(
    text: str, lines: list[int], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_text(LOG)
    found = [number for piece in lines_with(log, text, lambda: False) for number in piece]
    assert found == lines


def test_a_long_message_is_read_as_one(tmp_path: Path) -> None:
    log = tmp_path / "log"
    text = "word " * (LONGEST_MESSAGE // 10)
    log.write_text("\n".join((said("before"), said(text), "x" * 3 * LONGEST, said("after"))))
    file = LogFile(log)
    file.look()
    before, long, plain, after = file.lines(0, 4)
    assert (shown(before), shown(after)) == ("before", "after")
    assert shown(long).startswith("word word")
    assert len(shown(long)) < LONGEST_SHOWN + 40
    assert len(plain) == LONGEST


def test_a_long_message_at_the_end_is_read_as_one(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(f"{said('before')}\n{answered('text ' * TAIL_BYTES)}\n")
    tail = read_tail(log, 60)
    assert tail is not None
    assert [shown(line)[:11] for line in tail.lines] == ["before", "‹ text text"]


@pytest.mark.parametrize("output", [LOG, f"short\n{'y' * 9_000} assertionerror here\nend"])
async def test_the_hit_far_into_a_line_is_seen(output: str, home: Home, tmp_path: Path) -> None:
    with prepared(home, tmp_path / "src", (run_with(output),)) as made:
        app = dashboard(made.home, tmp_path)
        async with running(app) as pilot:
            await press(pilot, "l", "g")
            for _ in ("cut", "wrapped"):
                await press(pilot, "slash", *"assertionerror", "enter")
                view = view_of(app)
                seen = [view.render_line(y).text for y in range(view.size.height)]
                (line,) = [line for line in seen if "ssertion" in line]
                assert "…" in line
                await press(pilot, "escape", "w")
