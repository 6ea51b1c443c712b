"""Showing a run while it happens: lines, the live block, going silent."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from app.cli.narrative import Narrative
from app.cli.output import Output
from app.cli.progress import Progress
from app.cli.settings import Settings
from app.cli.stream import ForgivingStream
from orchestrator import reporting as r

WORKTREE = Path("/w")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class BrokenPipe(io.StringIO):
    encoding = "utf-8"
    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        raise BrokenPipeError


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (r.StepStarted(0, 3, "shell: make it", 1, None), ["Executing step 1/3: shell: make it"]),
        (r.StepStarted(2, 3, "x", 2, None), ["Executing step 3/3: x (attempt 2)"]),
        (r.StepCompleted(0, 3, "x", 12.0, 0, 0, False), ["[Step 1/3] ok 12s"]),
        (r.StepCompleted(1, 3, "x", 0.4, 0, 2, False), ["[Step 2/3] ok 0.4s, 2 commits"]),
        (r.StepCompleted(1, 3, "x", 0.4, 7, 0, True),
         ["[Step 2/3] failed 0.4s (exit 7), tolerated"]),
        (r.StepSkipped(1, 3, "x", "when is false"), ["[Step 2/3] skipped: when is false"]),
        (r.StepRetrying(1, 2, "exit 1", 2.0), ["[Step 2/?] exit 1, attempt 2 in 2s"]),
        (r.StepFailed(2, 3, "x", 1.0, 101, "m", None), ["[Step 3/3] failed 1.0s (exit 101)"]),
        (r.PassStarted(1, 1, None), []),
        (r.PassStarted(2, 3, "v2.5"), ["Pass 2/3: v2.5"]),
        (r.Waiting("usage limit"), ["Waiting: usage limit"]),
        (r.Waiting(None), []),
        (r.StopAsked("pause", "ana"), ["Pausing after this step, asked by ana"]),
        (r.MergeStarted("b", "main"), ["Merging b into main"]),
        (r.MergeFinished("merged", "main", "a91f3c2dd", None), ["Merged into main at a91f3c2"]),
        (r.MergeFinished("failed", "main", None, "conflict in go.sum"),
         ["Merge failed: conflict in go.sum"]),
        (r.HandlerStarted(1, "on_failure", "claude: /fix", None),
         ["[Step 2/?] on_failure: claude: /fix"]),
        (r.HandlerCompleted(1, "on_failure", 1, 3.0),
         ["[Step 2/?] on_failure failed (exit 1) 3.0s"]),
    ],
)  # fmt: skip
def test_each_event_is_a_line(event: r.RunEvent, lines: list[str]) -> None:
    assert Narrative().lines(event) == lines


def test_attempts_are_counted_in_their_pass_though_logs_count_on() -> None:
    narrative = Narrative()

    def began(index: int, attempt: int) -> str:
        (line,) = narrative.lines(r.StepStarted(index, 2, "x", attempt, None))
        return line.partition(": x")[2]

    narrative.lines(r.PassStarted(1, 2, "a"))
    assert [began(0, 1), began(0, 2), began(1, 1)] == ["", " (attempt 2)", ""]
    narrative.lines(r.PassStarted(2, 2, "b"))
    assert [began(0, 3), began(1, 2)] == ["", ""]
    assert narrative.lines(r.StepRetrying(1, 3, "exit 1", 0)) == ["[Step 2/2] exit 1, attempt 2"]
    resumed = narrative = Narrative()
    resumed.lines(r.PassStarted(2, 2, "b"))
    assert [began(1, 3), began(1, 4)] == ["", " (attempt 2)"]


@pytest.mark.parametrize(
    ("unseen", "words"),
    [
        (r.UnseenFiles(), ""),
        (r.UnseenFiles(3, 0, ("fix.yml",)), " (without 3 uncommitted files, fix.yml among them)"),
        (r.UnseenFiles(0, 1), " (without 1 untracked file)"),
        (r.UnseenFiles(1, 2), " (without 1 uncommitted and 2 untracked files)"),
    ],
)
def test_the_start_says_what_the_run_will_not_see(unseen: r.UnseenFiles, words: str) -> None:
    event = r.SessionCreated(
        "session-7", "fix", "prodigy-session-7", "main", "9f1c2d3aa", WORKTREE, 3, unseen
    )
    said = "Session session-7 on prodigy-session-7, from main at 9f1c2d3"
    assert Narrative().lines(event) == [said + words]


def test_hostile_labels_stay_on_their_line() -> None:
    (line,) = Narrative().lines(r.StepStarted(0, 1, "a\nb\x1b[2J", 1, None))
    assert line == "Executing step 1/1: a / b^[[2J"


def test_a_stream_that_breaks_once_is_left_alone() -> None:
    broken = BrokenPipe()
    stream = ForgivingStream(broken)
    stream.line("one")
    stream.line("two")
    assert stream.is_silent
    assert broken.writes == 1


def progress(stdout: io.StringIO, **settings: bool) -> Progress:
    environment = {"LC_ALL": "C.UTF-8", "COLUMNS": "60"}
    return Progress(Output(Settings(**settings), environment, stdout, Terminal()))  # type: ignore[arg-type]


def events(log: Path | None = None) -> list[r.RunEvent]:
    return [
        r.SessionCreated("session-7c1e4f02", "fix", "b", "main", "9f1c2d3", WORKTREE, 2),
        r.StepStarted(0, 2, "shell: [red]" + "x" * 200, 1, log),
        r.HandlerStarted(0, "on_failure", "claude: /fix", log),
        r.StepRetrying(0, 2, "exit 1", 2.0),
        r.StepCompleted(0, 2, "x", 1.0, 0, 0, False),
    ]


def test_json_and_quiet_tell_nothing_but_warnings() -> None:
    for settings in ({"json": True}, {"quiet": True}):
        stdout = Terminal()
        shown = progress(stdout, **settings)
        shown.start()
        for event in events():
            shown(event)
        shown(r.Warned("careful"))
        shown.stop()
        assert stdout.getvalue() == ""
        assert shown.stderr._stream.getvalue() == "warning: careful\n"  # type: ignore[attr-defined]


def test_a_hang_up_silences_everything() -> None:
    stdout = io.StringIO()
    shown = progress(stdout)
    shown.start()
    shown(r.StopAsked("sighup", "signal"))
    shown(r.StepStarted(0, 1, "x", 1, None))
    shown(r.Warned("careful"))
    shown.stop()
    assert stdout.getvalue() == ""
    assert shown.is_silent


def test_a_broken_display_never_reaches_the_run() -> None:
    shown = progress(io.StringIO())
    shown._narrative.lines = lambda _event: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    shown(r.Waiting("x"))
    shown(r.Waiting("y"))


def test_the_live_block_is_low_narrow_and_goes_away(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number} [bold] {'y' * 100}\x1b[2J\n" for number in range(50)))
    stdout = Terminal()
    shown = progress(stdout)
    shown.start()
    for event in events(log):
        shown(event)
        assert shown._block is not None
        block = shown._block._draw().plain.splitlines()
        assert len(block) <= 12
        assert all(len(line) <= 60 for line in block)
    shown.stop()
    text = stdout.getvalue()
    assert "Executing step 1/2: shell: [red]xxx" in text
    assert re.search(r"\x1b\[[0-9;]*[AK]", text), "the block is drawn over and taken away"
    assert "\x1b[2J" not in text, "outside text never clears the screen"


def test_plain_on_a_terminal_has_no_live_block() -> None:
    stdout = Terminal()
    shown = progress(stdout, plain=True)
    shown.start()
    for event in events():
        shown(event)
    shown.stop()
    assert "\x1b" not in stdout.getvalue()
    assert stdout.getvalue().isascii()


def test_verbose_shows_the_output_as_it_comes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("hello\n")
    settings = Settings(verbose=1)
    stderr = io.StringIO()
    shown = Progress(Output(settings, {"LC_ALL": "C.UTF-8"}, io.StringIO(), stderr))
    shown.start()
    shown(r.StepStarted(0, 1, "x", 1, log))
    with log.open("a") as file:
        file.write("world\n")
    shown.stop()
    assert stderr.getvalue() == "  | hello\n  | world\n"
