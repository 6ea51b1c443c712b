"""Step logs: what is in them, where they end, and that they never stop a step."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.steps.masking import Secret, Secrets
from orchestrator.steps.step_log import StepLog
from tests.orchestrator.steps.shells import Shells


def test_a_full_log_ends_with_a_marker_and_the_step_goes_on(shells: Shells) -> None:
    log = shells.log(max_bytes=1000)
    result = shells.run("head -c 5000 /dev/zero; echo end", log=log)
    assert result.exit_code == 0 and result.truncated
    data = log.path.read_bytes()
    assert data.startswith(b"\0" * 1000 + b"\n[prodigy: the log ends here")
    assert data.count(b"[prodigy") == 1
    assert result.stdout.endswith(b"end\n")


def test_a_log_that_cannot_be_written_is_told_and_never_stops_a_step(shells: Shells) -> None:
    log = StepLog(Path("/dev/full"), Secrets())
    result = shells.run("echo x", log=log)
    assert (result.exit_code, result.stdout) == (0, b"x\n")
    assert log.problem is not None


def test_it_is_private_and_never_follows_a_link(tmp_path: Path) -> None:
    log = StepLog(tmp_path / "log", Secrets())
    assert log.path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        StepLog(tmp_path / "link", Secrets())


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("one\ntwo\n\n  \n", "two"),
        ("10%\r20%\r30%", "30%"),
        ("\x1b[1;31mred\x1b[0m text\x1b]0;title\x07\n", "red text"),
        ("x" * 5000, "x" * 400),
        ("", ""),
    ],
)
def test_the_last_line_is_plain_and_short(tmp_path: Path, output: str, line: str) -> None:
    log = StepLog(tmp_path / "log", Secrets())
    log.write(output.encode())
    assert log.last_line == line


def test_it_closes_when_its_last_stream_has_ended(tmp_path: Path) -> None:
    log = StepLog(tmp_path / "log", Secrets([Secret("S", "hunter2")]))
    stream = log.stream()
    log.close()
    stream.feed(b"still hunt")
    stream.finish()
    assert log.path.read_bytes() == b"still hunt"
    log.write(b"too late")
    assert log.path.read_bytes() == b"still hunt"
