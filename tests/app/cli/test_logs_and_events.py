"""``prodigy logs`` and ``prodigy events``."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.log_text import last_lines, on_terminal, readable_line, without_colors
from store.home import Home
from tests.app.cli.calling import CommandLine
from tests.program import wait_until
from tests.world import World


def test_logs_shows_every_step_below_its_marker(call: CommandLine, failed: str) -> None:
    shown = call("logs", failed).expect(0).stdout
    assert "--- step 1, attempt 1: shell: echo one (ok)\none\n" in shown
    assert "--- step 3, attempt 1: the last one (exit 1)\nthree\n" in shown


def test_logs_of_one_step_and_its_last_lines(call: CommandLine, failed: str) -> None:
    shown = call("logs", failed, "--step", "3", "--lines", "1").expect(0).stdout
    assert shown == "--- step 3, attempt 1: the last one (exit 1)\nthree\n"
    assert call("logs", failed, "--step", "3", "--attempt", "1", "--raw").stdout == "three\n"
    call("logs", failed, "--step", "9").expect(3)
    call("logs", failed, "--step", "3", "--attempt", "2").expect(3)


def test_the_last_lines_of_a_run_come_from_its_last_steps(call: CommandLine, failed: str) -> None:
    shown = call("logs", failed, "--lines", "2").expect(0).stdout
    assert shown.count("--- step") == 3 or shown.endswith("three\n")
    assert "one\n" in shown


def test_logs_without_an_id_lists_runs_that_have_output(call: CommandLine, failed: str) -> None:
    shown = call("logs").expect(0).stdout
    assert failed.removeprefix("session-")[:8] in shown
    assert call("logs", "--json").expect(0).document["logs"][0]["id"] == failed


def test_logs_json_has_every_log(call: CommandLine, failed: str) -> None:
    document = call("logs", failed, "--json", "--lines", "5").expect(0).document
    assert [log["step"] for log in document["logs"]] == [1, 2, 3]
    assert document["logs"][2]["lines"] == ["three"]
    assert document["logs"][2]["ending"] == "exit 1"


def test_raw_gives_the_bytes(world: World) -> None:
    world.run("- shell: printf 'a\\033[31mb\\rc\\n'\n").expect(0)
    raw = world.prodigy.start("logs", world.only_id, "--raw")
    raw.finish().expect(0)
    assert raw.stdout_file.read_bytes() == b"a\x1b[31mb\rc\n"
    assert world.prodigy("logs", world.only_id).stdout.endswith(")\nc\n")


def test_follow_shows_output_until_the_run_ends(world: World) -> None:
    go = world.repository.parent / "go"
    world.start(f"- shell: echo first; until test -e {go}; do sleep 0.05; done; echo last\n")
    run_id = world.wait_for_step(0)
    following = world.prodigy.start("logs", run_id, "--follow")
    wait_until(lambda: "first" in following.stdout, "the first line is shown")
    go.touch()
    done = following.finish()
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "last"


def test_follow_of_a_finished_run_shows_its_end_and_returns(call: CommandLine, failed: str) -> None:
    assert call("logs", failed, "-f").expect(0).stdout.endswith("three\n")


def test_latest_is_the_newest_run(call: CommandLine, failed: str) -> None:
    assert "three" in call("logs", "--latest").expect(0).stdout
    assert call("logs", "--latest", failed).exit_code == 2


def test_an_agents_log_reads_as_text(
    call: CommandLine, workflow: Callable[..., str], fake_claude: Path
) -> None:
    run_id = call("run", workflow("- claude: /hello\n"), "--json").expect(0).document["id"]
    shown = call("logs", run_id).expect(0).stdout
    assert '{"type"' not in shown
    assert "[agent] done" in shown
    assert '{"type"' in Path(call("logs", run_id, "--json").document["logs"][0]["path"]).read_text()
    summary = call("logs", run_id, "--summary", "--json").expect(0).document
    assert summary["steps"] == 1
    assert call("logs", run_id, "--summary").expect(0).stdout.startswith("steps")
    transcripts = call("logs", run_id, "--claude", "--json").expect(0).document
    assert transcripts["total"] == 1


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain", ["plain"]),
        ("0%\r50%\r100%\r", ["100%"]),
        ("0%\r\x1b[32m100%\x1b[K\r\x1b[0m", ["\x1b[32m100%\x1b[0m"]),
        ("\x1b]0;title\x07\x1b[?25l\x1b[2Ka\x1b[31mred\x1b(B\x1b[m", ["a\x1b[31mred\x1b[m"]),
        ("\x1b]0;no end", ["\x1b]0;no end"]),
        ('{"type": broken', ['{"type": broken']),
        ('{"type": "user", "message": {"content": []}}', []),
        ('{"type":"assistant","message":{"content":[{"type":"text","text":"a\\nb"}]}}', ["a", "b"]),
        (
            '{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash",'
            '"input":{"command":"ls  -l"}}]}}',
            ["[Bash] ls -l"],
        ),
        (
            '{"type":"result","is_error":true,"result":"limit","total_cost_usd":0.5}',
            ["[agent] failed, $0.50, limit"],
        ),
        ('{"type":"unknown thing","x":1}', ['{"type":"unknown thing","x":1}']),
    ],
)
def test_lines_of_an_agents_stream_become_text(line: str, shown: list[str]) -> None:
    assert readable_line(line) == shown


def test_terminals_keep_colours_and_pipes_do_not() -> None:
    text = "a\x1b[31mred\x1b[0m\x1b[2J\x07"
    assert on_terminal(text) == "a\x1b[31mred\x1b[0m^[[2J^G"
    assert without_colors(text) == "ared^[[2J^G"


def test_last_lines_reads_only_the_end_of_a_big_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.truncate(1 << 36)  # nobody reads as much as that
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + b"".join(b"line %d\n" % number for number in range(300_000)))
    assert last_lines(log, 3) == ["line 299997", "line 299998", "line 299999"]
    assert last_lines(tmp_path / "missing", 3) == []


def test_a_progress_bar_is_one_of_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    percents = "\r".join(f"Downloading {number / 1000}%" for number in range(100_001))
    log.write_text(f"begin\n\n{percents}\r\ncurl: (22)\n", newline="")
    assert last_lines(log, 3) == ["", "Downloading 100.0%", "curl: (22)"]
    assert last_lines(log, 9) == ["begin", "", "Downloading 100.0%", "curl: (22)"]


def test_a_progress_bar_shows_what_stood_last(world: World) -> None:
    world.run("- shell: printf '1%%\\r2%%\\r\\033[K3%%\\nwhy\\n'; exit 1\n").expect(1)
    for arguments in ((), ("--lines", "2"), ("--follow",)):
        assert world.prodigy("logs", world.only_id, *arguments).stdout.endswith(")\n3%\nwhy\n")
    shown = world.prodigy("sessions", "show", world.only_id, "--failure", "--json").expect(0)
    document = json.loads(shown.stdout)
    assert document["failure"]["output"] == ["3%", "why"]
    assert document["error"].endswith("failed with exit code 1\n3%\nwhy")


# -- events


def test_events_of_a_run_are_json_in_a_pipe_and_words_when_plain(
    call: CommandLine, failed: str
) -> None:
    events = call("events", failed).expect(0).document["events"]
    assert events[0]["event_type"] == "session_created"
    assert "step_failed" in {event["event_type"] for event in events}
    plain = call("events", "show", failed, "--plain").expect(0).stdout
    assert "step_started" in plain
    assert "step 3  the last one" in plain


def test_a_word_that_is_neither_command_nor_run_is_a_usage_error(call: CommandLine) -> None:
    done = call("events", "shwo").expect(2)
    assert "did you mean 'show'?" in done.stderr


def test_events_without_a_command_but_with_options_lists(call: CommandLine, failed: str) -> None:
    as_list = call("events", "list", "--job-id", failed, "--limit", "2").expect(0)
    assert call("events", "--job-id", failed, "--limit", "2").expect(0).stdout == as_list.stdout
    assert "2 of " in as_list.stderr


@pytest.mark.parametrize("kind", ["step_failed", "StepFailed"])
def test_a_type_is_chosen_in_either_spelling(call: CommandLine, failed: str, kind: str) -> None:
    document = call("events", "ls", "--type", kind, "--json").expect(0).document
    assert {event["event_type"] for event in document["events"]} == {"step_failed"}


def test_events_are_counted_searched_and_exported(
    call: CommandLine, failed: str, tmp_path: Path
) -> None:
    stats = call("events", "stats", "--json").expect(0).document
    assert {"event_type": "step_started", "count": 3} in stats["stats"]
    found = call("events", "search", "last one", "--fields", "label", "--json").expect(0).document
    assert found["total"] >= 1
    assert call("events", "search", "(").expect(2).stderr
    target = tmp_path / "events.csv"
    call("events", "export", "--format", "csv", "--output", str(target)).expect(0)
    assert target.read_text().startswith("timestamp,session,event_type,fields\n")
    assert "| step_failed |" in call("events", "export", "--format", "markdown").stdout
    assert json.loads(call("events", "export").expect(0).stdout)["total"] > 5


def test_damaged_lines_are_counted_and_hide_nothing(
    call: CommandLine, failed: str, home: Home
) -> None:
    (path,) = (home.root / "events" / "project" / failed).glob("*.jsonl")
    path.write_bytes(b"garbage\n" + path.read_bytes())
    done = call("events", "list", "--job-id", failed).expect(0)
    assert "1 damaged line passed over" in done.stderr
    assert "step_failed" in done.stdout


def test_events_follow_until_the_run_ends(world: World) -> None:
    go = world.repository.parent / "go"
    world.start(f"- shell: until test -e {go}; do sleep 0.05; done\n")
    run_id = world.wait_for_step(0)
    following = world.prodigy.start("events", "follow", "--job-id", run_id, "--json")
    wait_until(lambda: "step_started" in following.stdout, "the first events are shown")
    go.touch()
    lines = following.finish().expect(0).stdout.splitlines()
    assert json.loads(lines[-1])["event_type"] in ("run_ended", "step_completed")


def test_clean_says_what_it_would_do_then_does_it_and_archives(
    call: CommandLine, failed: str, home: Home, tmp_path: Path
) -> None:
    total = call("events", failed).document["total"]
    call("events", "clean").expect(2)
    call("events", "clean", "--older-than", "soon").expect(2)
    dry = call("events", "clean", "--max-events", "1", "--dry-run").expect(0)
    assert dry.stdout == f"DRY RUN: Would clean {total - 1} events\n"
    assert "nobody to ask" in call("events", "clean", "--max-events", "1").expect(0).stderr
    assert call("events", failed).document["total"] == total
    done = call("events", "clean", "--max-events", "1", "--archive-path", str(tmp_path / "old"),
                "--force")  # fmt: skip
    assert done.expect(0).stdout.startswith(f"Cleaned {total - 1} events into ")
    assert call("events", failed).document["total"] == 1
    (archive,) = (tmp_path / "old").glob("*.jsonl.gz")
    assert len(gzip.decompress(archive.read_bytes()).splitlines()) == total - 1


def test_clean_spares_live_runs(call: CommandLine, world: World) -> None:
    go = world.repository.parent / "go"
    world.start(f"- shell: until test -e {go}; do sleep 0.05; done\n")
    run_id = world.wait_for_step(0)
    done = call("events", "clean", "--max-events", "0", "--force").expect(0)
    assert "1 live run stay" in done.stderr
    assert call("events", run_id).document["total"] > 1
