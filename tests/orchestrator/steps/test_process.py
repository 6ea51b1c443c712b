"""A step's process: how it starts, how its end is told, and where its output goes."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.steps.masking import Secret
from orchestrator.steps.shell import script
from tests.orchestrator.steps.shells import Shells, is_alive, wait_until


def test_exit_code_and_output_are_as_the_shell_gives_them(shells: Shells) -> None:
    result = shells.run("printf 'out\\377'; printf err >&2; exit 7")
    assert (result.exit_code, result.signal) == (7, None)
    assert (result.stdout, result.stderr) == (b"out\xff", b"err")
    assert sorted(result.combined) == sorted(b"out\xfferr")


def test_combined_output_is_in_order_of_arrival(shells: Shells) -> None:
    text = "echo 1; sleep 0.03; echo 2 >&2; sleep 0.03; echo 3; sleep 0.03; echo 4 >&2"
    assert shells.run(text).combined == b"1\n2\n3\n4\n"


def test_death_by_a_signal_is_128_plus_its_number(shells: Shells) -> None:
    result = shells.run("kill -9 $$")
    assert (result.exit_code, result.signal) == (137, 9)


@pytest.mark.parametrize(
    ("program", "exit_code", "words"),
    [
        ("no-such-program", 127, "command not found: no-such-program"),
        ("./plain", 126, "Permission denied"),
    ],
)
def test_a_program_that_cannot_be_started_is_explained(
    shells: Shells, program: str, exit_code: int, words: str
) -> None:
    (shells.directory / "plain").write_text("no program")
    spec = replace(shells.spec(""), argv=(program,))
    result = shells.processes.run(spec, log=None, stop=shells.stop)
    assert result.exit_code == exit_code
    assert words in (result.not_started or "")


def test_a_missing_directory_and_a_nul_are_explained(shells: Shells) -> None:
    missing = replace(shells.spec("true"), cwd=shells.directory / "gone")
    result = shells.processes.run(missing, log=None, stop=shells.stop)
    assert result.exit_code == 126 and "gone" in (result.not_started or "")
    result = shells.run("echo a\0b")
    assert result.exit_code == 126 and "NUL" in (result.not_started or "")


def test_input_is_empty_unless_given(shells: Shells) -> None:
    assert shells.run("wc -c").stdout.split() == [b"0"]
    big = b"x" * 3_000_000
    assert shells.run("wc -c", stdin=big).stdout.split() == [b"3000000"]


def test_a_process_is_marked_and_a_session_of_its_own(shells: Shells) -> None:
    text = 'echo "$PRODIGY_SESSION_ID $PRODIGY_STEP"; pwd; ps -o sid= -p $$; echo $$'
    lines = shells.run(text, step="4-2.1").stdout.decode().split("\n")
    assert lines[0] == f"{shells.session_id} 4-2.1"
    assert lines[1] == str(shells.directory)
    assert lines[2].strip() == lines[3]


def test_opening_the_terminal_fails_at_once(shells: Shells) -> None:
    result = shells.run("read x </dev/tty || echo no terminal", seconds=10)
    assert not result.timed_out
    assert b"no terminal" in result.stdout


def test_lines_are_handed_over_whole_and_raw(shells: Shells) -> None:
    lines: list[bytes] = []
    text = "printf 'a'; sleep 0.05; printf 'b\\nc\\n\\n'; sleep 0.02; printf 'd'"
    shells.run(text, on_line=lines.append)
    assert lines == [b"ab", b"c", b"", b"d"]


def test_captures_are_limited_and_say_so(shells: Shells) -> None:
    result = shells.run("head -c 300000 /dev/zero", capture_limit=100_000)
    assert len(result.stdout) == 100_000
    assert result.truncated


def test_a_background_child_neither_holds_the_step_nor_dies(shells: Shells) -> None:
    started = time.monotonic()
    result = shells.run("sleep 100 & echo $!")
    assert time.monotonic() - started < 1.9
    child = int(result.stdout)
    assert is_alive(child)
    shells.processes.end_all()
    assert not is_alive(child)


def test_a_background_child_that_never_is_quiet_holds_the_step_two_seconds(shells: Shells) -> None:
    started = time.monotonic()
    result = shells.run("(while :; do echo tick; sleep 0.02; done) & exit 3")
    assert 1.9 < time.monotonic() - started < 20
    assert result.exit_code == 3


def test_a_background_server_lives_on_and_its_output_is_logged(shells: Shells) -> None:
    go = shells.directory / "go"
    log = shells.log(Secret("S", "hunter2hunter2"))
    prints = "for i in 1 2 3; do echo later hunter2hunter2; done"
    shells.run(f"(while [ ! -e {go} ]; do sleep 0.02; done; {prints}; sleep 100) &", log=log)
    log.close()
    assert shells.run("echo another step", step="1-1").exit_code == 0
    go.touch()
    wait_until(lambda: log.path.read_bytes().count(b"later ***\n") == 3, "its output in the log")
    assert len(shells.alive) > 0
    shells.processes.end_all()
    assert shells.alive == []


def test_a_process_that_closes_its_output_is_waited_for(shells: Shells) -> None:
    result = shells.run("exec >&- 2>&-; sleep 0.3; exit 5")
    assert result.exit_code == 5
    assert result.duration_seconds > 0.25


def test_output_of_a_process_substitution_after_the_end_is_taken(shells: Shells) -> None:
    assert shells.run("(sleep 0.05; echo late) & exit 0").stdout == b"late\n"


def test_a_stop_before_the_start_starts_nothing(shells: Shells) -> None:
    shells.stop.set("cancel")
    result = shells.run("touch started")
    assert result.stopped == "cancel"
    assert not (shells.directory / "started").exists()


def test_a_failing_line_callback_leaves_nothing_alive(shells: Shells) -> None:
    def fail(_line: bytes) -> None:
        raise RuntimeError("reader")

    with pytest.raises(RuntimeError, match="reader"):
        shells.run("echo x; sleep 100", on_line=fail)
    assert shells.alive == []


def test_news_of_output_come_at_most_once_a_second(shells: Shells) -> None:
    news: list[float] = []
    text = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo $i; sleep 0.1; done"
    shells.run(text, on_output=lambda: news.append(time.monotonic()))
    assert len(news) == 1


def test_many_steps_run_at_once_in_threads(shells: Shells) -> None:
    found: dict[int, bytes] = {}

    def one(number: int) -> None:
        text = f"for i in 1 2 3; do echo {number}; done"
        found[number] = shells.run(text, step=f"0-1.{number}").stdout

    threads = [threading.Thread(target=one, args=[number]) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: f"{number}\n".encode() * 3 for number in range(12)}


def test_descriptors_are_given_back(shells: Shells) -> None:
    log = shells.log()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(5):
        shells.run("echo x; sleep 0.01", log=log, stdin=b"y")
        shells.run("exit 1")
    shells.run("sleep 100 &", log=log)
    shells.processes.end_all()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_long_text_runs_from_a_private_file_that_goes_again(shells: Shells) -> None:
    scratch = shells.directory / "scratch"
    text = "# " + "x" * 300_000 + '\necho long; ls -l "$0"'
    with script(text, scratch) as argv:
        spec = replace(shells.spec(""), argv=tuple(argv))
        result = shells.processes.run(spec, log=None, stop=shells.stop)
    assert result.stdout.startswith(b"long\n-rw-------")
    assert list(scratch.iterdir()) == []
    with script("echo short", scratch) as argv:
        assert argv == ["sh", "-c", "echo short"]


def test_the_log_takes_what_is_printed_masked_and_in_order(shells: Shells) -> None:
    log = shells.log(Secret("S", "hunter2hunter2"))
    text = "printf 'is hunter2h'; sleep 0.05; echo unter2; echo hunter2hunter2 >&2"
    result = shells.run(text, log=log)
    assert result.stdout == b"is hunter2hunter2\n"
    assert sorted(log.path.read_bytes().split(b"\n")) == [b"", b"***", b"is ***"]
    assert result.log_bytes == log.size == log.path.stat().st_size


def test_a_million_lines_are_taken_quickly_and_in_bounded_memory(shells: Shells) -> None:
    log = shells.log()
    started = time.monotonic()
    line = "sixty-odd characters of output, again and again and again, or so"
    result = shells.run(f"yes '{line}' | head -500000", log=log)
    assert time.monotonic() - started < 20
    assert result.exit_code == 0
    assert log.size > 30_000_000
    assert len(result.stdout) == 16 << 20 and result.truncated


def test_the_path_of_the_directory_is_what_the_process_is_told(
    shells: Shells, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(shells.directory)
    spec = replace(shells.spec("echo $PWD"), cwd=link)
    result = shells.processes.run(spec, log=None, stop=shells.stop)
    assert result.stdout.decode().strip() == str(link)
