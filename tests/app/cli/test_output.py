"""What reaches a terminal and what reaches a pipe."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping

import pytest

from app.cli.failure import CommandFailed
from app.cli.output import Cell, Column, Output
from app.cli.settings import Settings
from app.status_style import Role, style_of
from store.states import State
from tests.app.cli.calling import CommandLine

COLUMNS = (Column("ID"), Column("WHAT", flexible=True), Column("SIZE", right=True))


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def output(
    settings: Settings | None = None, environment: Mapping[str, str] | None = None
) -> tuple[Output, Terminal]:
    stream = Terminal()
    named = {"LC_ALL": "C.UTF-8", **(environment or {})}
    return Output(settings or Settings(), named, stream, stream), stream


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_table_never_is_wider_than_the_terminal(columns: int) -> None:
    out, stream = output(environment={"COLUMNS": str(columns), "NO_COLOR": "1"})
    rows = [("1", "word " * 60, "7 KB"), ("2", "日本" * 60, "1 MB")]
    out.table(COLUMNS, [[Cell(text) for text in row] for row in rows])
    from app.format import width

    lines = stream.getvalue().splitlines()
    assert all(width(line) <= columns for line in lines)
    assert lines[0].split() == ["ID", "WHAT", "SIZE"]
    assert lines[1].endswith("7 KB")
    assert "…" in lines[1]


def test_a_piped_table_is_not_cut() -> None:
    stream = io.StringIO()
    out = Output(Settings(), {"COLUMNS": "40", "LC_ALL": "C.UTF-8"}, stream, stream)
    out.table(COLUMNS, [[Cell("1"), Cell("word " * 60), Cell("7 KB")]])
    assert "…" not in stream.getvalue()


def test_numbers_end_on_one_edge() -> None:
    out, stream = output(environment={"NO_COLOR": "1"})
    out.table(
        COLUMNS, [[Cell("1"), Cell("a"), Cell("7 KB")], [Cell("2"), Cell("b"), Cell("117 KB")]]
    )
    ends = {len(line) for line in stream.getvalue().splitlines()}
    assert len(ends) == 1


@pytest.mark.parametrize(
    ("settings", "environment", "colored"),
    [
        (Settings(), {}, True),
        (Settings(), {"NO_COLOR": "1"}, False),
        (Settings(color="never"), {}, False),
        (Settings(plain=True), {}, False),
        (Settings(color="always"), {"NO_COLOR": "1"}, True),
    ],
)
def test_colour_is_used_only_where_allowed(
    settings: Settings, environment: dict[str, str], colored: bool
) -> None:
    out, stream = output(settings, environment)
    out.line(out.paint("x", Role.ERROR, bold=True))
    assert ("\x1b[" in stream.getvalue()) is colored


@pytest.mark.parametrize(
    ("settings", "environment", "shown"),
    [
        (Settings(), {}, "× failed"),
        (Settings(plain=True), {}, "failed"),
        (Settings(), {"LC_ALL": "C"}, "failed"),
        (Settings(color="never"), {}, "× failed"),
    ],
)
def test_glyphs_go_with_plain_and_with_other_locales_but_not_with_colour(
    settings: Settings, environment: dict[str, str], shown: str
) -> None:
    out, _ = output(settings, environment)
    assert out.status(style_of(State.FAILED)).text == shown


def test_every_state_has_a_word_in_ascii() -> None:
    out, _ = output(Settings(plain=True))
    for state in State:
        assert out.status(style_of(state)).text.isascii()


def test_outside_text_cannot_break_a_row_or_color_it() -> None:
    out, stream = output(environment={"NO_COLOR": "1"})
    out.table(COLUMNS, [[Cell("1"), Cell("[red]\x1b[31m\r\nevil"), Cell("0 B")]])
    assert "\x1b" not in stream.getvalue()
    assert "[red]^[[31m / evil" in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 2


def test_an_error_says_what_then_facts_then_what_to_type() -> None:
    out, stream = output(environment={"NO_COLOR": "1"})
    failure = CommandFailed("it broke", hint="prodigy resume 7c1e", facts=(("log", "/x"),))
    out.error(failure)
    assert stream.getvalue() == "error: it broke\n  log   /x\n  next  prodigy resume 7c1e\n"


def test_an_error_for_machines_is_one_line() -> None:
    out, stream = output(Settings(json=True))
    out.error(CommandFailed("two\nlines", code="broken", exit_code=3, session="session-1"))
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue()) == {
        "error": {
            "code": "broken",
            "message": "two\nlines",
            "hint": None,
            "exit_code": 3,
            "session": "session-1",
        }
    }


@pytest.mark.parametrize(
    "environment",
    [{}, {"NO_COLOR": "1"}, {"LC_ALL": "C"}, {"COLUMNS": "40"}, {"COLUMNS": "200"}],
    ids=str,
)
@pytest.mark.parametrize("flags", [(), ("--plain",), ("-vv",), ("--quiet",)], ids=str)
def test_piped_output_has_no_escapes_and_no_carriage_returns(
    call: CommandLine,
    make_session: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    flags: tuple[str, ...],
) -> None:
    make_session("session-1", name="[bold]\x1b[31mред\r日本", end="failed")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for words in (("sessions", "list"), ("sessions", "show", "session-1"), ("config", "show")):
        done = call(*words, *flags).expect(0)
        assert "\x1b" not in done.stdout + done.stderr
        assert "\r" not in done.stdout + done.stderr


def test_plain_output_of_ours_is_ascii(call: CommandLine, make_session: Callable[..., str]) -> None:
    make_session("session-1", end="failed")
    assert call("sessions", "list", "--plain").expect(0).stdout.isascii()
    assert call("sessions", "show", "session-1", "--plain").expect(0).stdout.isascii()


def test_colour_can_be_asked_for_in_a_pipe(
    call: CommandLine, make_session: Callable[..., str]
) -> None:
    make_session("session-1", end="failed")
    assert "\x1b[" in call("sessions", "list", "--color", "always").expect(0).stdout
