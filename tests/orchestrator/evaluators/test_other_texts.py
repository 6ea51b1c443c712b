"""Prompts, paths, contents: every reference is ours."""

from __future__ import annotations

import pytest

from orchestrator.workflow.interpolation import (
    InterpolationError,
    TextKind,
    interpolate,
    referred_names,
    sole_value,
)
from orchestrator.workflow.values import MISSING, Lines, Paths
from tests.orchestrator.evaluators.names import Names, prompt, shell


def test_defaults_resolve_inside_out() -> None:
    assert prompt("${a:-${b:-c}}").text == "c"
    assert prompt("${a:-${b:-c}}", b="B").text == "B"
    assert prompt("${a:-[${b}]}", a="A", b="B").text == "A"
    assert prompt('${a:-{"k": {"v": 1}}}').text == '{"k": {"v": 1}}'


def test_escapes_keep_a_reference_from_being_one() -> None:
    rendered = prompt(r"\${ARG} \\${ARG} $${ARG} \$ARG $$ARG \$5 $$", ARG="v")
    assert rendered.text == r"${ARG} \\v ${ARG} $ARG $ARG $5 $"


def test_bare_names_come_from_variables_then_from_the_declared_environment() -> None:
    scope = Names({"a": 1}, declared={"a": "no", "USER_NAME": "ann"}, process={"HOME": "/h"})
    text = "$a ${a} $USER_NAME ${USER_NAME} $HOME ${HOME} $1 $nope"
    rendered = interpolate(text, scope, TextKind.PROMPT)
    assert rendered.text == "1 1 ann ann $HOME ${HOME} $1 $nope"
    assert rendered.unresolved == ("${HOME}",)


def test_env_and_defaults_reach_the_process_environment() -> None:
    scope = Names({}, declared={"A": "declared"}, process={"A": "process", "B": "b"})
    rendered = interpolate("${env.A} ${env.B} ${B:-x} ${env.C}|${env.C:-c}", scope, TextKind.OTHER)
    assert rendered.text == "declared b b |c"


def test_an_unresolved_reference_is_named_once() -> None:
    rendered = prompt("${nope} ${nope} ${a.b} ${not a reference}")
    assert rendered.text == "${nope} ${nope} ${a.b} ${not a reference}"
    assert rendered.unresolved == ("${nope}", "${a.b}")


def test_strict_variables_refuse_with_the_names_that_exist() -> None:
    scope = Names({"b": 1, "a": 2})
    with pytest.raises(InterpolationError, match=r"\$\{nope\}.*available: a, b"):
        interpolate("${nope}", scope, TextKind.PROMPT, strict=True)
    with pytest.raises(InterpolationError, match=r"\$\{x\.y\}"):
        interpolate("${x.y}", scope, TextKind.SHELL, strict=True)
    assert interpolate("${nope} $x", scope, TextKind.SHELL, strict=True).text == "${nope} $x"


def test_a_missing_key_of_a_defined_map_is_empty_and_worth_a_warning() -> None:
    rendered = prompt("[${item.nope}][${list[9]}][${item.nope:-d}]", item={"a": 1}, list=[1])
    assert rendered.text == "[][][d]"
    assert len(rendered.warnings) == 2
    assert shell("[${item.nope}]", item={"a": 1}).warnings == ()


def test_a_path_is_a_whole_name_first_then_a_walk() -> None:
    variables = {"build": '{"success": "field", "list": [{"k": 1}]}', "build.success": False}
    text = "${build.success} ${build['success']} ${build.list.0.k} ${build.list[0]['k']}"
    assert interpolate(text, Names(variables), TextKind.PROMPT).text == "false field 1 1"


def test_a_walk_into_a_plain_text_is_undefined() -> None:
    assert prompt("${a.b} ${a[0]}", a="text").text == "${a.b} ${a[0]}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${f}", "src/a.rs b.md src/deep/c.rs"),
        ("${f:*.rs}", "src/a.rs src/deep/c.rs"),
        ("${f:src/*:lines}", "src/a.rs"),
        ("${f:*.rs:lines}", "src/a.rs\nsrc/deep/c.rs"),
        ("${f:newline|basename}", "a.rs\nb.md\nc.rs"),
        ("${f:csv}", "src/a.rs,b.md,src/deep/c.rs"),
        ("${f:comma}", "src/a.rs,b.md,src/deep/c.rs"),
        ("${f:json}", '["src/a.rs","b.md","src/deep/c.rs"]'),
        ("${f|json}", '["src/a.rs","b.md","src/deep/c.rs"]'),
        ("${f:b.*,src/a*}", "src/a.rs b.md"),
        ("${f|pattern:*.md}", "b.md"),
        ("${f|length}", "3"),
        ("${f:*.rs|length:9}", "2"),
        ("${f|basename|quote}", "'a.rs b.md c.rs'"),
        ("${f:*.py}", ""),
        ("${f:*.py:-none}", "none"),
        ("${f:*.py|length}", "0"),
        ("${text|length}", "5"),
        ("${text|quote}", "'a b c'"),
        ("${text:json}", '"a b c"'),
        ("${paths:*.rs|csv}", "x.rs,dir/y.rs"),
        ("${null|default:d} ${null} ${empty|default:d}", "d  "),
        ("${nope|default:a b}", "a b"),
        ("${nope|default:a b|quote}", "'a b'"),
        ("${nope|default:${text}|quote}", "'a b c'"),
        ("${nope|quote:-d}", "d"),
        ("${map} ${map:json} ${map|length}", '{"k":"é"} {"k":"é"} 1'),
        ("${number} ${float} ${flag}", "3 3.5 true"),
    ],
)
def test_modifiers_and_filters(text: str, expected: str) -> None:
    rendered = prompt(
        text,
        f=Paths(["src/a.rs", "b.md", "src/deep/c.rs"]),
        text="a b c",
        paths="x.rs\nnotes.md\ndir/y.rs",
        null=None,
        empty="",
        map={"k": "é"},
        number=3.0,
        float=3.5,
        flag=True,
    )
    assert rendered.text == expected


def test_computed_values_take_references_in_their_arguments() -> None:
    scope = Names({"n": "N", "dir": "d"}, process={"HOME": "/h"})
    text = (
        "${date:%F} ${uuid} ${file:${dir}/v.txt} ${cmd:echo ${n} | awk '{print $1}'}"
        " ${json:$.a[0]:from:build}"
    )
    assert interpolate(text, scope, TextKind.PROMPT).text == (
        "<date %F> <uuid > <file d/v.txt> <cmd echo N | awk '{print $1}'> <json $.a[0]:from:build>"
    )


def test_a_failing_computed_value_takes_its_default_or_fails_the_text() -> None:
    assert prompt("${file:broken:-${a}}", a="fallback").text == "fallback"
    with pytest.raises(InterpolationError, match="cmd:broken failed"):
        prompt("${cmd:broken}")


def test_a_variable_named_like_a_computed_value_wins() -> None:
    scope = Names({"uuid": "mine", "file": Lines(["a.rs", "b"]), "env.HOME": "ours"})
    text = "${uuid} ${file:*.rs} ${env.HOME} ${file:name.txt}"
    assert interpolate(text, scope, TextKind.PROMPT).text == "mine a.rs ours <file name.txt>"


def test_an_unused_default_is_not_computed() -> None:
    scope = Names({"a": "A"})
    assert interpolate("${a:-${cmd:broken}}", scope, TextKind.SHELL).text == "A"
    assert scope.asked == []


def test_a_text_that_is_one_reference_gives_the_value_itself() -> None:
    scope = Names({"files": ["a", "b"], "n": 3})
    assert sole_value(" ${files} ", scope) == ["a", "b"]
    assert sole_value("$n", scope) == 3
    for text in ("ls ${files}", "${files}${files}", "${nope}", "", "$", "${", "plain"):
        assert sole_value(text, scope) is MISSING


def test_every_name_a_text_may_refer_to_is_found() -> None:
    text = (
        "${step.files_added:*.rs} $a ${b%x} ${#c} ${d:-${git.branch}} ${e['k'][0]}"
        " ${json:$.x:from:f.g} ${cmd:echo $h}"
    )
    assert referred_names(text) >= {
        "step.files_added", "a", "b", "c", "d", "git.branch", "e.k.0", "f.g", "h",
    }  # fmt: skip
    assert referred_names("no reference, $5 and $") == frozenset()
