"""How a command line is read: help, flags anywhere, options once, words nearly right."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from app.cli.command import LazyGroup
from app.cli.main import COMMANDS, root
from app.cli.run_line import with_values_marked
from store.version import VERSION
from tests.app.cli.calling import CommandLine


def every_command() -> Iterator[tuple[str, ...]]:
    """The words of every command, groups included."""

    def below(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield words
        if isinstance(command, LazyGroup):
            ctx = click.Context(command)
            for name in command.list_commands(ctx):
                child = command.get_command(ctx, name)
                assert child is not None
                yield from below(child, (*words, name))

    return below(root(), ())


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_explains_itself(call: CommandLine, words: tuple[str, ...]) -> None:
    done = call(*words, "--help").expect(0)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].endswith("."), "the first line is one sentence"
    assert any(line.startswith(f"Usage: {' '.join(('prodigy', *words))}") for line in lines)
    assert "--json" in done.stdout
    examples = done.stdout.partition("Examples:\n")[2].strip().splitlines()
    assert len(examples) >= 2, "two examples"
    assert call(*words, "-h").stdout == done.stdout


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_an_unknown_option_is_a_usage_error(call: CommandLine, words: tuple[str, ...]) -> None:
    done = call(*words, "--plian").expect(2)
    assert "--plain" in done.stderr, "the nearest one is named"
    assert done.stdout == ""


def test_without_a_command_the_help_is_shown(call: CommandLine) -> None:
    assert call().expect(0).stdout == call("--help").stdout
    assert call("sessions").expect(0).stdout == call("sessions", "--help").stdout


def test_the_version_is_said(call: CommandLine) -> None:
    assert call("--version").expect(0).stdout == f"prodigy {VERSION}\n"
    assert call("-V").expect(0).stdout == f"prodigy {VERSION}\n"


@pytest.mark.parametrize(
    ("line", "meant"),
    [(("session",), "sessions"), (("rum",), "run"), (("sessions", "lst"), "list")],
)
def test_an_unknown_command_names_the_nearest(
    call: CommandLine, line: tuple[str, ...], meant: str
) -> None:
    assert f"did you mean '{meant}'?" in call(*line).expect(2).stderr


def test_a_command_of_the_original_that_is_gone_names_what_does_it(call: CommandLine) -> None:
    assert "prodigy run" in call("cook", "x.yml").expect(2).stderr


@pytest.mark.parametrize("flag", ["--json", "--plain", "--quiet", "--no-color", "-v", "-vvv"])
def test_global_flags_stand_before_and_after_the_command(call: CommandLine, flag: str) -> None:
    before = call(flag, "sessions", "list").expect(0)
    between = call("sessions", flag, "list").expect(0)
    after = call("sessions", "list", flag).expect(0)
    assert before.stdout == between.stdout == after.stdout


def test_an_option_given_twice_is_a_usage_error(call: CommandLine) -> None:
    done = call("sessions", "list", "--limit", "1", "--limit=2").expect(2)
    assert "--limit is given twice" in done.stderr
    assert call("sessions", "list", "--color", "always", "--color", "never").exit_code == 2


def test_options_are_never_abbreviated(call: CommandLine) -> None:
    assert call("sessions", "list", "--lim", "1").exit_code == 2


def test_both_spellings_of_a_value_are_equal(call: CommandLine) -> None:
    spaced = call("sessions", "list", "--limit", "1").expect(0)
    assert call("sessions", "list", "--limit=1").expect(0).stdout == spaced.stdout


def test_after_two_dashes_nothing_is_an_option(call: CommandLine) -> None:
    done = call("sessions", "show", "--", "--json").expect(2)
    assert "invalid id" in done.stderr


def test_values_in_all_positions_reach_the_run_in_their_order() -> None:
    takes = frozenset({"--args", "--path", "-p", "-n"})
    four: list[list[str]] = [
        ["w.yml", "--args", "a", "b", "c"],
        ["--args", "a", "w.yml", "b", "c"],
        ["w.yml", "--args", "a", "b", "--args", "c"],
        ["w.yml", "--args=a", "-p", "/x", "b", "c"],
    ]
    for line in four:
        marked = with_values_marked(line, takes)
        joined = " ".join(marked).replace("--args ", "--args=")
        assert [word[7:] for word in joined.split() if word.startswith("--args=")] == list("abc")


def test_words_before_a_value_option_stay_as_they_are() -> None:
    line = ["w.yml", "extra", "--args", "a"]
    assert with_values_marked(line, frozenset({"--args"})) == line


@pytest.mark.parametrize("text", ["soon", "-3m", "3 fortnights", "", "1h30"])
def test_a_duration_in_bad_form_is_a_usage_error(call: CommandLine, text: str) -> None:
    assert call("sessions", "clean", f"--older-than={text}").expect(2).stderr


def test_every_command_has_its_own_module_attribute() -> None:
    ctx = click.Context(root())
    for name in COMMANDS:
        command = root().get_command(ctx, name)
        assert command is not None
        assert command.name == name


def test_a_mistake_of_ours_is_told_without_a_traceback(
    call: CommandLine, monkeypatch: pytest.MonkeyPatch, completed: str
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("the plate broke")

    monkeypatch.setattr("app.cli.sessions_show._tell", broken)
    done = call("sessions", "show", completed).expect(1)
    assert "the plate broke" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in call("sessions", "show", completed, "--debug").expect(1).stderr
