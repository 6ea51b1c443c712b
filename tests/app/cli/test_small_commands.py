"""``validate``, ``init``, ``config``, ``completion``, ``tui``."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.init_files import COMMAND_FILES, EXAMPLE_PATH
from store.home import Home
from tests.app.cli.calling import CommandLine
from tests.program import command

Write = Callable[..., str]


# -- validate


def test_a_valid_file_is_said_to_be(call: CommandLine, workflow: Write) -> None:
    path = workflow()
    assert call("validate", path).expect(0).stdout == f"✓ Workflow is valid: {path}\n"


def test_every_problem_of_every_file_is_told(call: CommandLine, workflow: Write) -> None:
    bad = workflow(
        "commands:\n  - shell: x\n    timeout: soon\n    commit_requird: yes\n", "bad.yml"
    )
    good = workflow()
    done = call("validate", bad, good).expect(2)
    assert "× Workflow has issues:" in done.stderr
    assert f"{bad}:3:" in done.stderr
    assert "commit_required" in done.stderr
    assert "✓ Workflow is valid" in done.stdout
    document = call("validate", bad, good, "--json").expect(2).document
    assert [one["valid"] for one in document["workflows"]] == [False, True]
    assert document["workflows"][0]["problems"][0]["line"] == 3


def test_strict_makes_warnings_errors_and_suggestions_can_be_left_out(
    call: CommandLine, workflow: Write
) -> None:
    path = workflow("commands:\n  - shell: x\n    commit_requird: yes\n")
    assert "commit_required" in call("validate", path).expect(0).stderr
    call("validate", path, "--strict").expect(2)
    assert "commit_required" not in call("validate", path, "--no-suggest").stderr


def test_a_missing_file_is_not_found(call: CommandLine) -> None:
    call("validate", "nowhere.yml").expect(3)


# -- init


def test_init_installs_commands_and_an_example_that_is_valid(call: CommandLine, here: Path) -> None:
    done = call("init").expect(0)
    assert "only what is committed" in done.stdout
    for name in COMMAND_FILES:
        assert (here / ".claude" / "commands" / f"{name}.md").read_text().startswith("---\n")
    call("validate", str(here / EXAMPLE_PATH), "--strict").expect(0)


def test_the_installed_example_really_runs(call: CommandLine, here: Path) -> None:
    call("init").expect(0)
    assert call("run", EXAMPLE_PATH, "--json").expect(0).document["state"] == "unmerged"


def test_init_keeps_existing_files_unless_forced(call: CommandLine, here: Path) -> None:
    mine = here / ".claude" / "commands" / "prodigy-lint.md"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    document = call("init", "--json").expect(0).document
    assert document["kept"] == [".claude/commands/prodigy-lint.md"]
    assert mine.read_text() == "mine"
    call("init", "--force").expect(0)
    assert mine.read_text() == COMMAND_FILES["prodigy-lint"]


def test_init_takes_some_commands_and_refuses_unknown_ones(call: CommandLine, here: Path) -> None:
    call("init", "-c", "prodigy-lint,/prodigy-code-review").expect(0)
    names = {path.stem for path in (here / ".claude" / "commands").iterdir()}
    assert names == {"prodigy-lint", "prodigy-code-review"}
    assert "did you mean 'prodigy-lint'?" in call("init", "-c", "prodigy-lnt").expect(2).stderr


def test_init_makes_a_repository_where_there_is_none(call: CommandLine, tmp_path: Path) -> None:
    directory = tmp_path / "fresh"
    directory.mkdir()
    assert "Made a git repository" in call("init", "--path", str(directory)).expect(0).stdout
    assert (directory / ".git").is_dir()


# -- config


def test_config_shows_what_is_in_effect(call: CommandLine, home: Home) -> None:
    shown = call("config", "show").expect(0).stdout
    assert shown.startswith("Effective configuration:\n")
    assert "kill_grace_seconds" in shown
    assert call("config", "show", "history_keep", "--json").document == {"history_keep": 50}
    done = call("config", "show", "histroy_keep").expect(3)
    assert "No value found at path: histroy_keep" in done.stderr


def test_trace_marks_the_winner(
    call: CommandLine, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.root.mkdir()
    home.config.write_text("log_level: warn\n")
    monkeypatch.setenv("PRODIGY__LOG_LEVEL", "debug")
    lines = call("config", "trace", "log_level").expect(0).stdout.splitlines()
    assert lines[0] == "log_level: debug"
    assert [line.split()[1] for line in lines[1:]] == ["info", "warn", "debug"]
    assert lines[-1].endswith("← final value")
    document = call("config", "trace", "--overrides", "--json").document
    assert [one["path"] for one in document["settings"]] == ["log_level"]


def test_secrets_are_masked(call: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODIGY_CLAUDE_API_KEY", "sk-very-secret")
    for words in (("show",), ("trace", "--all"), ("show", "--json"), ("trace", "--json")):
        assert "very-secret" not in call("config", *words).expect(0).stdout


def test_a_broken_file_is_told_with_line_and_column(
    call: CommandLine, home: Home, workflow: Write
) -> None:
    home.root.mkdir()
    home.config.write_text("log_level: info\nhistory_keep: many\nlog_levl: x\n")
    done = call("config", "validate").expect(1)
    assert "config.yml:2:1: error: 'history_keep' expects" in done.stdout
    assert "did you mean 'log_level'?" in done.stdout
    assert "config.yml:2:1" in call("run", workflow()).expect(2).stderr
    call("sessions", "list").expect(0)


def test_set_changes_one_line_and_keeps_the_rest(call: CommandLine, home: Home) -> None:
    home.root.mkdir()
    home.config.write_text("# mine\nlog_level: info  # loud\nclaude:\n  program: cc\n")
    call("config", "set", "log_level", "debug").expect(0)
    call("config", "set", "claude.flags", "--", "-p --verbose").expect(0)
    text = home.config.read_text()
    assert text.startswith("# mine\nlog_level: debug  # loud\nclaude:\n")
    assert call("config", "show", "claude", "--json").document == {
        "claude.program": "cc",
        "claude.flags": ["-p", "--verbose"],
    }
    assert (home.root / "config.yml.bak").exists()
    assert call("config", "set", "history_keep", "0").expect(2).stderr
    assert call("config", "set", "nothing", "1").expect(3).stderr


# -- completion and tui


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_loads_in_its_shell(call: CommandLine, shell: str, tmp_path: Path) -> None:
    script = call("completion", shell).expect(0).stdout
    assert "prodigy _complete" in script
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    path = tmp_path / "script"
    path.write_text(script)
    checked = subprocess.run([program, "-n", str(path)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_bash_completes_commands_and_ids(
    call: CommandLine, make_session: Callable[..., str], tmp_path: Path
) -> None:
    make_session("session-7c1e4f02", end="paused")
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    starter = programs / "prodigy"
    words = " ".join(f"'{word}'" for word in command())
    starter.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    starter.chmod(0o755)
    script = call("completion", "bash").stdout

    def completed(*typed: str) -> list[str]:
        line = " ".join(f"'{word}'" for word in ("prodigy", *typed))
        text = (
            f"PATH={programs}:$PATH\n{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(typed)}\n"
            '_prodigy; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(["bash", "-c", text], capture_output=True, text=True)
        return done.stdout.split()

    assert completed("sess") == ["sessions"]
    assert completed("resume", "7c") == ["7c1e4f02"]
    assert completed("sessions", "list", "--res") == ["--resumable"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("config", "show", "claude."), ["claude.program", "claude.flags"]),
        (("run", ""), ["<files>"]),
        (("sessions", "list", "--limit", ""), []),
        (("nonsense", ""), []),
    ],
)
def test_words_that_may_stand_there(
    call: CommandLine, words: tuple[str, ...], expected: list[str]
) -> None:
    assert call("_complete", "--", *words).expect(0).stdout.split() == expected


def test_completion_can_be_installed(call: CommandLine, world_of_its_own: Path, home: Home) -> None:
    done = call("completion", "bash", "--install").expect(0)
    assert "~/.local/share/bash-completion/completions/prodigy" in done.stdout
    installed = world_of_its_own / ".local/share/bash-completion/completions/prodigy"
    assert installed.read_text() == call("completion", "bash").stdout


def test_the_dashboard_needs_a_terminal(call: CommandLine) -> None:
    assert "terminal" in call("tui").expect(2).stderr
    call("tui", "nothing-like-it").expect(3)
