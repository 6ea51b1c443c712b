"""Expressions: what they mean, and where they are wrong."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.workflow.expressions import Expression, ExpressionError, parse_expression
from orchestrator.workflow.interpolation import InterpolationError
from orchestrator.workflow.values import Paths
from tests.orchestrator.evaluators.names import Names

VARIABLES: dict[str, object] = {
    "a": "x",
    "b": "main",
    "n": 10,
    "zero": 0,
    "flag": True,
    "off": False,
    "word": "true",
    "null": "shadowed by the constant",
    "nothing": None,
    "list": ["one", 2],
    "empty": [],
    "map": {"key": 1, "exists": "field"},
    "step.files_modified": Paths(["src/a.rs", "b.md"]),
    "it.exit_code": 1,
    "it.output": "a flaky test",
    "version-tag": "v1",
}
SCOPE = Names(VARIABLES, declared={"STAGE": "live"}, process={"HOME": "/h", "CI": "1"})


def value_of(text: str, **more: object) -> object:
    return parse_expression(text).evaluate(Names({**VARIABLES, **more}, SCOPE.declared))


def holds(text: str, **more: object) -> bool:
    scope = Names({**VARIABLES, **more}, SCOPE.declared, SCOPE.process)
    return parse_expression(text).is_true(scope)


@pytest.mark.parametrize(("value", "expected"), [("true", True), (True, True), (False, False)])
def test_a_boolean_equals_its_text(value: object, expected: bool) -> None:
    assert holds("${t} == true", t=value) is expected


def test_undefined_is_null_and_never_an_error() -> None:
    assert not holds("${t} == true")
    assert not holds("${t.deep[3].x} > 5 or t")
    assert holds("t == null and ${t} == '' and null == ''")
    assert not holds("t == 0 or t == false")


def test_texts_that_read_as_numbers_are_ordered_as_numbers() -> None:
    assert holds("'10' > '9'")
    assert holds("'b' > 'a'")
    assert holds("n >= '10' and 2 < n")
    assert not holds("'10' == '10.0'")
    assert holds("10 == '10.0' and n == ' 10 '")


def test_references_in_literals_are_interpolated() -> None:
    assert holds("'${b}' == 'main'")
    assert holds("\"on-$b\" == 'on-main'")
    assert holds("'${HOME}/x' == '/h/x'")


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("1 < 2 < 3", 6),
        ("", 0),
        ("   ", 0),
        ("a = 1", 2),
        ("a ==", 4),
        ("a == 'x", 5),
        ("(a", 2),
        ("a b", 2),
        ("${a", 3),
        ("${a == }", 7),
        ("a && || b", 5),
        ("[1, 2", 5),
        ("a =~ '('", 5),
        ("matches('[')", 8),
        ("a == 1.2.3", 5),
        ("a )", 2),
        ("&& a", 0),
        ("'é' == ü", 7),
    ],
)
def test_a_mistake_is_reported_where_it_is(text: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse_expression(text)
    assert raised.value.offset == offset, raised.value.message


def test_a_chain_of_comparisons_says_what_to_do() -> None:
    with pytest.raises(ExpressionError, match="joined with 'and'"):
        parse_expression("1 < 2 < 3")
    with pytest.raises(ExpressionError, match="'=='"):
        parse_expression("a = 1")


def test_depth_is_limited_not_fatal() -> None:
    for text in ("(" * 10_000, "[" * 10_000, "${" * 10_000, "!" * 10_000 + "a"):
        if text.endswith("a"):
            assert parse_expression(text).is_true(SCOPE)
        else:
            with pytest.raises(ExpressionError):
                parse_expression(text)


def test_a_filtered_list_is_true_when_something_matches() -> None:
    assert holds("${step.files_modified:*.rs}")
    assert not holds("${step.files_modified:*.py}")
    assert holds("${step.files_modified|length} == 2")


def test_a_whole_expression_may_stand_in_braces() -> None:
    assert holds("${a == 'x' || c}")
    assert holds("${a == 'x' && b}") and holds("${a} == 'x' && ${b}")
    assert holds("${a == '}'} || true")
    assert not holds("${a == '}'}")
    text = "${it.exit_code != 0} and (${retries_left:-0} > 0 or ${it.output} contains 'flaky')"
    assert holds(text)
    assert not holds(text, **{"it.exit_code": 0})
    assert parse_expression(text).names() == {"it.exit_code", "retries_left", "it.output"}


def test_not_binds_weaker_than_a_comparison() -> None:
    assert holds("! ${x.success}")
    assert holds("not a == 'y'")
    assert holds("!(flag && off) and not not flag")


def test_and_binds_stronger_than_or_and_both_stop_early() -> None:
    assert holds("true or false and false")
    assert holds("flag || ${cmd:broken}")
    assert not holds("off && ${cmd:broken}")
    with pytest.raises(InterpolationError):
        holds("flag && ${cmd:broken}")


def test_names_come_from_variables_then_given_then_environment() -> None:
    scope = Names({"b": "variable"}, declared={"branch": "d"}, process={"HOME": "/h"})
    given_names = {"branch": "main", "b": "given"}
    expression = parse_expression("branch == 'main' and b == 'variable' and HOME == '/h'")
    assert expression.is_true(scope, given=given_names)
    assert parse_expression("branch").evaluate(scope) == "d"
    assert parse_expression("env.HOME == $HOME and ${env.HOME} == '/h'").is_true(scope)


def test_existence() -> None:
    assert holds("${a.exists} and n.exists and HOME.exists and env.HOME.exists and empty.exists")
    assert not holds("nope.exists or ${nope.exists} or map.nope.exists or env.NOPE.exists")
    assert not holds("nothing.exists")
    assert value_of("map.exists") == "field"


def test_containment() -> None:
    assert holds("it.output contains 'flaky' and list contains 'one' and list contains '2'")
    assert holds("map contains 'key' and not (map contains 'nope')")
    assert holds("b in ['main', 'live'] and 'one' in list and 2 in [1, 2]")
    assert not holds("nope contains 'a' or 'a' in nope or b in []")


def test_patterns() -> None:
    assert holds("b =~ '^ma' and a =~ 'x$' and 'a.b' =~ 'a\\.b' and not ('axb' =~ 'a\\.b')")
    assert holds("'$5' =~ '^\\$\\d$'"), "a pattern keeps its backslashes"
    assert holds("'on-main' =~ 'on-${b}'")


def test_a_pattern_that_turns_out_invalid_is_a_warning() -> None:
    heard: list[str] = []
    expression = parse_expression("a =~ bad")
    assert not expression.is_true(Names({"a": "(", "bad": "("}), warn=heard.append)
    assert "not a valid regular expression" in heard[0]


def test_ordering_what_has_no_order_is_false_with_a_warning() -> None:
    heard: list[str] = []
    for text in ("nope > 1", "1 <= nope", "[1] < 2", "map >= 1"):
        assert not parse_expression(text).is_true(SCOPE, warn=heard.append)
    assert len(heard) == 4


def test_matches_and_in_test_the_value_of_a_parameter() -> None:
    scope = Names({"value": "stage"})
    assert parse_expression("in(['stage', 'live'])").is_true(scope)
    assert parse_expression("matches('^st') && value != 'x'").is_true(scope)
    assert parse_expression("value in ['stage', 'live']").is_true(scope)
    assert not parse_expression("matches('^live$')").is_true(scope)


@pytest.mark.parametrize("text", ["false", "null", "0", "''", "'0'", "'FALSE'", "[]", "0.0"])
def test_what_is_false(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize("text", ["true", "True", "1", "-1", "'no'", "'0.0'", "[0]", "' '", "map"])
def test_what_is_true(text: str) -> None:
    assert holds(text)


def test_values_keep_their_types() -> None:
    assert value_of("n") == 10
    assert value_of("-1.5e1") == -15.0
    assert value_of("${n}") == 10
    assert value_of("${nope:-5}") == "5"
    assert value_of("[1, 'a', [true, null]]") == [1, "a", [True, None]]
    assert value_of("version-tag") == "v1"
    assert value_of("list[1]") == 2
    assert value_of("${list[1]}") == 2
    assert value_of("'it\\'s' ") == "it's"


def test_an_expression_can_be_stored_and_compared() -> None:
    text = "${a} == 'x' and b =~ '^m' or c in [1, null, '$d']"
    expression = parse_expression(text)
    assert pickle.loads(pickle.dumps(expression)) == expression
    assert hash(expression) == hash(parse_expression(text))
    assert expression.text == text
    assert expression.names() == {"a", "b", "c", "d"}


# -- against a small evaluator of its own ---------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """An expression as text, and the truth or value it must have."""

    text: str
    value: object


LITERALS = st.sampled_from(
    [
        Case("1", 1), Case("0", 0), Case("-2.5", -2.5), Case("10", 10), Case("'10'", "10"),
        Case("'x'", "x"), Case("''", ""), Case("'0'", "0"), Case("true", True),
        Case("false", False), Case("'true'", "true"), Case("null", None), Case("nope", None),
        Case("${nope}", None), Case("a", "x"), Case("${a}", "x"), Case("$n", 10),
        Case("${n}", 10), Case("flag", True), Case("${zero:-7}", 0), Case("${nope:-7}", "7"),
        Case("list", ["one", 2]), Case("[]", []), Case("'${a}y'", "xy"),
    ]
)  # fmt: skip


def truth(value: object) -> bool:
    return bool(value) and (not isinstance(value, str) or value.lower() not in ("0", "false"))


def number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def text_of(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:g}"
    return '["one",2]' if value == ["one", 2] else "[]" if value == [] else str(value)


def same(left: object, right: object) -> bool:
    numbers = [isinstance(v, (int, float)) and not isinstance(v, bool) for v in (left, right)]
    if any(numbers) and None not in (number(left), number(right)):
        return number(left) == number(right)
    if None in (left, right):
        return left in (None, "") and right in (None, "")
    return text_of(left) == text_of(right)


def compare(sign: str, left: object, right: object) -> bool:
    if sign in ("==", "!="):
        return same(left, right) is (sign == "==")
    if left is None or right is None or isinstance(left, list) or isinstance(right, list):
        return False
    first, second = number(left), number(right)
    pair = (
        (text_of(left) > text_of(right)) - (text_of(left) < text_of(right))
        if first is None or second is None
        else (first > second) - (first < second)
    )
    return {"<": pair < 0, "<=": pair <= 0, ">": pair > 0, ">=": pair >= 0}[sign]


def grow(inner: st.SearchStrategy[Case]) -> st.SearchStrategy[Case]:
    signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    return st.one_of(
        st.builds(
            lambda s, p, q: Case(f"({p.text} {s} {q.text})", compare(s, p.value, q.value)),
            signs, LITERALS, LITERALS,
        ),
        st.builds(
            lambda w, p, q: Case(f"({p.text} {w} {q.text})", truth(p.value) and truth(q.value)),
            st.sampled_from(["and", "&&"]), inner, inner,
        ),
        st.builds(
            lambda w, p, q: Case(f"${{{p.text} {w} {q.text}}}", truth(p.value) or truth(q.value)),
            st.sampled_from(["or", "||"]), inner, inner,
        ),
        st.builds(
            lambda w, p: Case(f"({w} {p.text})", not truth(p.value)),
            st.sampled_from(["not", "!"]), inner,
        ),
    )  # fmt: skip


@given(st.recursive(LITERALS, grow, max_leaves=12))
@settings(max_examples=600)
def test_expressions_agree_with_a_plain_evaluator(case: Case) -> None:
    assert holds(case.text) is truth(case.value), case.text


PIECES = st.sampled_from(
    [
        "a", "$", "${", "}", "(", ")", "'", '"', "==", "<", " ", "and ", "in", "[", "]", "!", "1",
        ".", "\\", "contains ", "matches(", "=~", ",", "null", ":-", "|",
    ]
)  # fmt: skip


@given(st.text(max_size=40) | st.lists(PIECES, max_size=20).map("".join))
@settings(max_examples=600)
def test_no_text_is_a_crash(text: str) -> None:
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        assert 0 <= error.offset <= len(text)
        return
    assert isinstance(expression, Expression)
    expression.names()
    expression.is_true(SCOPE)
