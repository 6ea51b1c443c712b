"""Messages of an agent in a log: read whole however long, and found by what is seen of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.log_text import readable_line
from app.tui.log_file import LONGEST, LONGEST_MESSAGE, TAIL_BYTES, LogFile, read_tail
from app.tui.log_search import lines_with
from app.tui.log_text import LONGEST_SHOWN, is_error, shown
from app.tui.widgets.log_rows import rows_of
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


def message(kind: str, *blocks: object) -> str:
    return json.dumps({"type": kind, "message": {"content": list(blocks)}})


WAITS = {"type": "system", "subtype": "api_retry", "attempt": 2, "max_retries": 10}
RESULT = {
    "type": "result",
    "is_error": False,
    "duration_ms": 65_000,
    "total_cost_usd": 0.31,
    "result": "All green.",
}


@pytest.mark.parametrize(
    ("line", "told", "listed"),
    [
        (message("assistant", {"type": "text", "text": "One\ntwo"}), "One / two", ["One", "two"]),
        (json.dumps({"type": "user", "message": {"content": "Go"}}), "Go", ["Go"]),
        (message("assistant", {"type": "thinking", "thinking": "Hm"}), "(thinks) Hm", []),
        (
            message("assistant", {"type": "tool_use", "name": "Bash", "input": {"command": "ls"}}),
            "› Bash ls",
            ["[Bash] ls"],
        ),
        (message("user", {"type": "tool_result", "content": "a\nb"}), "‹ a / b", []),
        (
            message("user", {"type": "tool_result", "content": [
                {"type": "text", "text": "a"}, {"type": "image", "source": {}}]}),
            "‹ a / [image]",
            [],
        ),
        (
            message("user", {"type": "tool_result", "content": "no", "is_error": True}),
            "‹ failed: no",
            ["[agent] the tool failed"],
        ),
        (
            json.dumps(WAITS | {"error": "rate_limit"}),
            "agent the service asks to wait: rate_limit, attempt 2 of 10",
            ["[agent] the service asks to wait: rate_limit, attempt 2 of 10"],
        ),
        (json.dumps(RESULT), "agent done, 1m 05s, $0.31", ["[agent] done, 1m 05s, $0.31"]),
        (
            json.dumps(RESULT | {"is_error": True, "result": "limit"}),
            "agent failed, 1m 05s, $0.31, limit",
            ["[agent] failed, 1m 05s, $0.31, limit"],
        ),
        (
            json.dumps(RESULT | {"is_error": True, "result": "", "subtype": "error_max_turns"}),
            "agent failed, 1m 05s, $0.31, error_max_turns",
            ["[agent] failed, 1m 05s, $0.31, error_max_turns"],
        ),
        (
            json.dumps(
                RESULT
                | {"is_error": True, "result": None, "subtype": "error_during_execution"}
                | {"errors": ["no disk", "gave up"]}
            ),
            "agent failed, 1m 05s, $0.31, error_during_execution: no disk / gave up",
            ["[agent] failed, 1m 05s, $0.31, error_during_execution: no disk / gave up"],
        ),
        ('{"type": "stream_event", "event": {}, "session_id": "a"}', "·", []),
        ('{"type": "system", "subtype": "status", "session_id": "a"}', "·", []),
        (
            message("user", {"type": "tool_result", "content": "a\r\nnpm 1%\rnpm 9%\n\nb"}),
            "‹ a / npm 9% / b",
            [],
        ),
        (said("so \"far\"")[:82], 'so "far" (message not whole)', None),
        (message("user", {"type": "image", "data": "x" * 99})[:90], "(message not whole)", None),
    ],
)  # fmt: skip
def test_a_message_says_the_same_here_and_on_the_command_line(
    line: str, told: str, listed: list[str] | None
) -> None:
    assert shown(line.encode()) == told
    assert readable_line(line) == (listed if listed is not None else [told])


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"user","name":"bob"}',
        '{"type":"assistant"}',
        '{"type":"system","cpu":4}',
        '{"type":"result","value":42}',
        '{"type":"other"}',
        '{"type":5}',
        '{"type":"user"',
    ],
)
def test_what_another_program_prints_is_left_as_it_is(line: str) -> None:
    assert shown(line.encode()) == line
    assert readable_line(line) == [line]


def test_where_lines_wrap_an_agent_says_its_lines_one_by_one() -> None:
    line = message("assistant", {"type": "text", "text": "- one\n\n- two is a longer one\n- three"})
    assert [row.text for row in rows_of(0, line.encode(), 14)] == [
        "- one", "- two is a lon", "ger one", "- three",
    ]  # fmt: skip
    long = rows_of(0, answered("word " * LONGEST_SHOWN).encode(), 80)
    assert len(long) < 60
    assert long[-1].text.endswith("(message cut)")


def test_only_the_end_of_an_agent_is_marked_as_what_went_wrong() -> None:
    failed = shown(json.dumps(RESULT | {"is_error": True}).encode())
    of_a_tool = message("user", {"type": "tool_result", "content": "no", "is_error": True})
    assert is_error(failed)
    assert not is_error(shown(of_a_tool.encode()))


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


@pytest.mark.parametrize(
    "output",
    [
        LOG,
        f"short\n{'y' * 9_000} assertionerror here\nend",
        f"short\n{'y' * 200_000} assertionerror here\nend",
    ],
    ids=["message", "long", "very long"],
)
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
