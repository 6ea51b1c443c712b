"""The dashboard in a real terminal: it takes it as it finds it, and leaves it as it was."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from store.home import Home
from store.states import SessionStatus
from tests.app.tui.prepared_store import PreparedStore, Run
from tests.app.tui.sample_runs import failed_run, numbered, prepared
from tests.e2e.terminal import Terminal
from tests.program import command, wait_until

FAILED = failed_run()
PAUSED = Run(2, "translate-docs", "docs-site", numbered(30), 11, 60, SessionStatus.PAUSED,
             stop={"kind": "pause"})  # fmt: skip
MERGED = Run(3, "bump-go", "api", numbered(3), 3, 60, SessionStatus.COMPLETED, merge="merged",
             merge_about={"commit": "a91f3c2f" * 5})  # fmt: skip
STYLES = re.compile(r"\x1b\[([\d;]*)m")
COLOURS = re.compile(r"(?<![\d;])(?:[01247];)*(38;[25]|3[0-7]|9[0-7])")
BEGINS = b"\x1b[?1049h"
BRIGHT = ("90", "91", "92", "93", "94")
ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?<>=$]*[ -/]*[@-~]|\][^\x07]*\x07)")


@pytest.fixture
def store(home: Home, tmp_path: Path) -> Iterator[PreparedStore]:
    with prepared(home, tmp_path / "src", (FAILED, PAUSED, MERGED)) as made:
        yield made


@contextmanager
def dashboard(
    home: Home,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    size: tuple[int, int] = (120, 40),
) -> Iterator[Terminal]:
    home.sessions.mkdir(parents=True, exist_ok=True)
    words = [*command("prodigy-tui"), "--home", str(home.root), *arguments]
    terminal = Terminal(words, home.root, env, size)
    try:
        yield terminal
    finally:
        terminal.close()


def state_of(terminal: Terminal) -> str:
    """What the kernel says the program does."""
    stat = Path(f"/proc/{terminal.process.pid}/stat").read_text("utf-8")
    return stat.rsplit(")", 1)[1].split()[0]


def stop_and_continue(terminal: Terminal) -> None:
    for times in (2, 3):
        terminal.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: state_of(terminal) == "T", "it is stopped")
        terminal.process.send_signal(signal.SIGCONT)
        begun = partial(lambda times: terminal.drawn.count(BEGINS) == times, times)
        terminal.wait(begun, "it takes the terminal back")
    terminal.press("q")


def sends(number: signal.Signals) -> Callable[[Terminal], None]:
    return lambda terminal: terminal.process.send_signal(number)


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        pytest.param(lambda terminal: terminal.press("q"), 0, id="q"),
        pytest.param(stop_and_continue, 0, id="stopped, continued, q"),
        pytest.param(sends(signal.SIGINT), 130, id="SIGINT"),
        pytest.param(sends(signal.SIGTERM), 143, id="SIGTERM"),
        pytest.param(sends(signal.SIGHUP), 129, id="SIGHUP"),
    ],
)
def test_the_terminal_is_as_it_was(home: Home, ends: Callable[[Terminal], None], code: int) -> None:
    with dashboard(home) as terminal:
        terminal.shows("No runs yet")
        assert not terminal.is_as_it_was()
        ends(terminal)
        assert terminal.exit_code() == code
        assert terminal.is_as_it_was()
        assert not terminal.text.strip()


@pytest.mark.parametrize(
    ("env", "kinds"),
    [
        pytest.param({"COLORTERM": "truecolor"}, {"38;2"}, id="all colours"),
        pytest.param({"TERM": "xterm-256color"}, {"38;5"}, id="256 colours"),
        pytest.param({"TERM": "xterm-16color"}, set(BRIGHT), id="16 colours"),
        pytest.param({"TERM": "linux"}, set(BRIGHT), id="the console"),
        pytest.param({"NO_COLOR": "1"}, set(), id="NO_COLOR"),
    ],
)
def test_it_has_the_colours_the_terminal_has(
    store: PreparedStore, env: dict[str, str], kinds: set[str]
) -> None:
    with dashboard(store.home, env=env) as terminal:
        terminal.shows("failed", FAILED.workflow, "exit 101", "TokenError")
        drawn = bytes(terminal.drawn).decode()
    assert {colour for style in STYLES.findall(drawn) for colour in COLOURS.findall(style)} == kinds


def test_a_locale_that_is_not_utf8_gets_nothing_but_ascii(store: PreparedStore) -> None:
    with dashboard(store.home, env={"LC_ALL": "C"}) as terminal:
        terminal.shows("x failed", FAILED.workflow)
        terminal.press("\r")
        terminal.shows("1 Steps", "pytest -q")
        terminal.press("?")
        terminal.shows("Keys", "esc close")
        terminal.press("\x1b")
        terminal.hides("esc close")
        terminal.press("\x1b")
        terminal.shows("STATUS v")
        terminal.press("n")
        terminal.shows("find a workflow")
        terminal.press("\x1b")
        terminal.shows("STATUS v")
        terminal.press("t")
        terminal.shows("WORKFLOW", "P50")
        assert ESCAPES.sub(b"", bytes(terminal.drawn)).isascii()


def test_it_follows_the_size_of_the_terminal_down_to_one_sentence_and_back(
    store: PreparedStore,
) -> None:
    with dashboard(store.home) as terminal:
        terminal.shows("TIME", FAILED.workflow, "Branch")
        terminal.resize(70, 20)
        terminal.shows(FAILED.workflow, PAUSED.workflow)
        assert "Branch" not in terminal.text
        terminal.resize(40, 10)
        terminal.shows("Needs at least 60×15; this is 40×10.")
        terminal.resize(180, 48)
        terminal.shows("TIME", FAILED.workflow, "Branch", "pytest -q")
        terminal.resize(40, 10)
        terminal.shows("Needs at least")
        terminal.press("q")
        assert terminal.exit_code() == 0
        assert terminal.is_as_it_was()


def test_it_begins_where_it_is_told(store: PreparedStore) -> None:
    with dashboard(store.home, "--session", FAILED.id[:16], "--theme", "light") as terminal:
        terminal.shows(FAILED.workflow, "1 Steps", "3 Failure")
        terminal.press("\x1b")
        terminal.shows_line("▌", FAILED.workflow)
    with dashboard(store.home, "--repo", "docs-site", "--filter", "translate") as terminal:
        terminal.shows('repo:"docs-site" translate', "1 of 3", PAUSED.workflow)
        assert FAILED.workflow not in terminal.text
        terminal.press("\x1b")
        terminal.shows(FAILED.workflow, PAUSED.workflow)


def test_what_of_filter_and_configuration_is_not_followed_is_said(store: PreparedStore) -> None:
    store.home.config.write_text("dashboard:\n  theme: no-such-theme\n", encoding="utf-8")
    with dashboard(store.home, "--read-only", "--filter", "cost>x") as terminal:
        terminal.shows("/ cost>x", "a number of dollars is expected")
        terminal.shows("no theme 'no-such-theme'", "prodigy config validate")
        terminal.shows("read-only", FAILED.workflow)
        terminal.press("r")
        terminal.shows("r: this dashboard is read-only")
        assert "no-such-theme" not in terminal.text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--theme", "UNKNOWN"], 2, ["no theme 'UNKNOWN'", "dark, light, ", "nord"]),
        (["--session", "nowhere"], 3, ["no session nowhere", "prodigy sessions list"]),
        (["--session", "session-0000"], 2, ["could be any of 2", PAUSED.id, MERGED.id]),
        (["--session", "../x"], 2, ["invalid id"]),
        (["--repo", "."], 1, ["not inside a git repository", "--repo NAME"]),
        ([], 2, ["needs a terminal", "prodigy sessions list"]),
    ],
)
def test_what_cannot_be_shown_is_refused_with_what_helps(
    store: PreparedStore, tmp_path: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    told = [*command("prodigy-tui"), "--home", str(store.home.root), *arguments]
    done = subprocess.run(
        told, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert not done.stdout
    for one in words:
        assert one in done.stderr


def test_a_terminal_that_cannot_place_text_is_refused(home: Home) -> None:
    with dashboard(home, env={"TERM": "dumb"}) as terminal:
        assert terminal.exit_code() == 2
        terminal.wait(lambda: "'dumb' (TERM)" in terminal.text, "it says why")
        assert not ESCAPES.search(bytes(terminal.drawn))
