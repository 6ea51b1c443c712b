"""Shell texts: braces are ours, the rest is the shell's."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from orchestrator.workflow.interpolation import TextKind, interpolate
from orchestrator.workflow.shell_names import LARGEST_EXPORT_BYTES, names_set_by
from tests.orchestrator.evaluators.names import Names, printed, shell

KNOWN: dict[str, object] = {"x": "X", "other": 1, "item": {"path": "a.md"}}


@pytest.mark.parametrize(
    "text",
    ["awk '{print $1}' sizes.txt", "sed 's/$/x/' file", "perl -ne '$_'", "echo $0 $@ $* $-"],
)
def test_programs_in_quotes_reach_the_shell_byte_for_byte(text: str) -> None:
    assert shell(text, **KNOWN).text == text


@pytest.mark.parametrize(
    "text",
    [
        "${a[0]}", "${#a[@]}", "${x##*/}", "${x:=y}", "${x:?msg}", "$$", "$?", "$!",
        "$((n+1))", "$(cmd)", "${x%.md}", "${x/a/b}", "${x:+set}", "${!x}", "${x:0:4}", "${1}",
        "${}", "${", "${ x }", "${x y}", "$x", "${x", "${x@Q}", "${x^^}",
    ],
)  # fmt: skip
def test_operators_of_the_shell_are_left_alone(text: str) -> None:
    assert shell(text, x="value", n=1).text == text


def test_a_default_of_an_unknown_name_goes_to_the_shell() -> None:
    assert shell("${a:-${b:-c}}").text == "${a:-${b:-c}}"
    with_inner = shell("${a:-${b:-c}}", b="B")
    assert with_inner.text == "${a:-${b:-c}}"
    assert printed(shell('echo "${a:-${b:-c}}"', b="B")) == "B"


def test_what_only_we_can_read_is_replaced_inside_a_default_of_the_shell() -> None:
    assert shell("${OUT:-${item.path}}", **KNOWN).text == "${OUT:-a.md}"


@pytest.mark.parametrize(
    "script",
    [
        "count=1; echo ${count:-0}",
        "for count in 1; do echo ${count:-0}; done",
        "echo 1 | { read -r count; echo ${count:-0}; }",
        "unset count; : ${count:=1}; echo ${count:-0}",
        "count=$((1)); echo ${count}",
    ],
)
def test_a_name_the_script_sets_is_the_scripts(script: str) -> None:
    assert printed(shell(script, count=5)) == "1"


def test_a_name_the_script_does_not_set_is_the_variable() -> None:
    assert printed(shell("echo ${count:-0}", count=5)) == "5"
    assert printed(shell("echo ${count:-0}")) == "0"
    assert shell("echo --count=${count}", count=5).text == "echo --count=5"
    assert shell('test "$count=${count}"', count=5).text == 'test "$count=5"'


def test_a_dotted_default_resolves_here_even_undefined() -> None:
    assert shell("echo ${item.deep.path:-none}").text == "echo none"


def test_a_loop_of_the_script_keeps_its_own_item() -> None:
    script = 'for item in 1 2; do echo "$item ${item}"; done'
    assert printed(shell(script, item="theirs")) == "1 1\n2 2"


def test_a_name_of_another_program_is_not_touched() -> None:
    rendered = shell("jq -n --arg spec x '$spec'", spec="ours")
    assert rendered.text == "jq -n --arg spec x '$spec'"
    assert printed(shell("echo '$spec'", spec="ours")) == "$spec"


def test_braces_are_replaced_in_single_quotes_and_a_plain_name_is_exported() -> None:
    assert printed(shell("echo '${spec}'", spec="a b")) == "a b"
    rendered = shell('echo "$spec"', spec='a "b" $HOME')
    assert rendered.text == 'echo "$spec"'
    assert printed(rendered) == 'a "b" $HOME'


def test_a_variable_named_like_the_base_environment_is_never_exported() -> None:
    rendered = shell("echo $PATH $LC_ALL $PRODIGY_ARG", PATH="/x", LC_ALL="x", PRODIGY_ARG="x")
    assert rendered.exports == {}


def test_a_value_too_large_for_the_environment_is_named_in_a_warning() -> None:
    rendered = shell("echo $big >out", big="x" * 200_000)
    assert rendered.exports == {}
    assert "'big' is not exported" in rendered.warnings[0]
    just_right = shell("echo $big", big="é" * (LARGEST_EXPORT_BYTES // 2))
    assert "big" in just_right.exports
    replaced = shell("cat <<'end'\n${big}\nend", big="x" * 200_000)
    assert replaced.warnings == ()


def test_a_value_with_nul_is_not_exported() -> None:
    rendered = shell("echo $odd", odd="a\0b")
    assert rendered.exports == {}
    assert "NUL" in rendered.warnings[0]


def test_operators_of_the_shell_see_the_input_value() -> None:
    assert printed(shell("echo ${ARG%.md} ${#ARG}", ARG="notes.md")) == "notes 8"


def test_names_of_computed_values_before_shell_operators_are_the_shells() -> None:
    text = "${file:-x} ${date:0:4} ${cmd:?no} ${json:+a} ${file: -1} ${date:-d}"
    assert shell(text).text == text


def test_escapes_in_shell_text_stay() -> None:
    rendered = shell(r"\${ARG} \\${ARG} $${ARG}", ARG="v")
    assert rendered.text == r"\${ARG} \\v $${ARG}"


def test_a_captured_value_is_not_expanded_again() -> None:
    text = shell("${first} ${second}", first="${second} $HOME", second="${first}").text
    assert text == "${second} $HOME ${first}"


@pytest.mark.parametrize("value", ["it's", 'say "hi"', "two\nlines", "$HOME `id` $(id)", "", "a b"])
def test_a_quoted_value_survives_the_shell(value: str) -> None:
    assert printed(shell("printf %s ${name|quote}", name=value)) == value


def test_a_name_with_a_hyphen_resolves_when_it_exists() -> None:
    text = "${test-step.exit_code} ${test-step}"
    known = interpolate(text, Names({"test-step.exit_code": 3}), TextKind.SHELL)
    assert known.text == "3 ${test-step}"
    unknown = shell(text)
    assert unknown.text == text
    assert unknown.unresolved == ("${test-step.exit_code}",)


def test_variables_of_a_skipped_step_are_undefined() -> None:
    scope = Names({"build.skipped": True})
    rendered = interpolate("${build.output} ${build.skipped}", scope, TextKind.SHELL)
    assert rendered.text == "${build.output} true"


def test_environment_names_are_left_to_the_shell() -> None:
    scope = Names({}, declared={"TOKEN": "t"}, process={"HOME": "/h"})
    text = "${TOKEN} $HOME ${HOME:-x}"
    assert interpolate(text, scope, TextKind.SHELL).text == text
    assert interpolate("${env.TOKEN}${env.HOME}", scope, TextKind.SHELL).text == "t/h"


def test_an_empty_variable_takes_the_environment_then_the_default() -> None:
    scope = Names({"x": "", "y": None}, process={"x": "env"})
    assert interpolate("${x:-d} ${y:-d}", scope, TextKind.SHELL).text == "env d"


def test_only_mentioned_plain_names_are_exported() -> None:
    rendered = shell('echo "$a" ${b%x} ${#c} ${d:-1} "$e_f" e', a=1, b=None, c=[1], d="d", e="no")
    assert rendered.exports == {"a": "1", "b": "", "c": "[1]", "d": "d"}


def test_the_example_of_a_counting_script_runs() -> None:
    from orchestrator.workflow.values import Paths

    script = (
        "total=0\nfor n in ${step.files_changed:*.bin}; do total=$((total + 1)); done\n"
        'echo "$total, last ${#n} characters"\n'
    )
    variables = {"step.files_changed": Paths(["a.bin", "dir/bb.bin", "c.txt"]), "n": "x"}
    rendered = interpolate(script, Names(variables), TextKind.SHELL)
    assert printed(rendered) == "2, last 10 characters"


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_jq_keeps_its_variable_while_the_shell_has_ours() -> None:
    rendered = shell('echo "[1]" | jq -c --arg n 5 \'[.[0], $n]\'; echo "$n"', n="ours")
    done = subprocess.run(
        ["sh", "-c", rendered.text],
        env={"PATH": os.environ["PATH"], **rendered.exports},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b'[1,"5"]\nours\n'


def test_the_names_a_script_sets() -> None:
    script = """
        a=1 b+=2; c[0]=3; : ${d:=4}; local e=5
        for f in x; do :; done
        while IFS= read -r g h; do :; done
        test "$i"=j; cmd --k=l -Dm.n=o; [ p == q ]; [ r != s ]
    """
    assert names_set_by(script) >= set("abcdefgh")
    assert not names_set_by(script) & set("ijklmnopqrs")
