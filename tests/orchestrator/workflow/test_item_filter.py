"""The filter language of work items: what it reads as, and that nothing breaks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.workflow.item_filter import Call, FilterError, Literal, Path, parse_filter
from orchestrator.workflow.item_paths import (
    SortKey,
    compiled_jsonpath,
    normal_jsonpath,
    parse_order,
)


def path(*keys: str | int) -> Path:
    return Path(keys)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("score >= 3.5", Call(">=", (path("score"), Literal(3.5)))),
        ("a = 1", Call("==", (path("a"), Literal(1)))),
        ("item.a.b == open", Call("==", (path("a", "b"), Literal("open")))),
        ("@.a[0]['k k'] != null", Call("!=", (path("a", 0, "k k"), Literal(None)))),
        ("a in ['x', 2, true]",
         Call("in", (path("a"), Literal("x"), Literal(2), Literal(True)))),
        ("a || b && !c",
         Call("or", (path("a"), Call("and", (path("b"), Call("not", (path("c"),))))))),
        ("(a OR b) AND NOT c",
         Call("and", (Call("or", (path("a"), path("b"))), Call("not", (path("c"),))))),
        ("name STARTS_WITH 'x'", Call("starts_with", (path("name"), Literal("x")))),
        ("name.endsWith('.rs')", Call("ends_with", (path("name"), Literal(".rs")))),
        ("length(tags) > 2", Call(">", (Call("length", (path("tags"),)), Literal(2)))),
        (r"a == 'it\'s'", Call("==", (path("a"), Literal("it's")))),
        ("item == 'x'", Call("==", (path("item"), Literal("x")))),
        ("a == b.c", Call("==", (path("a"), path("b", "c")))),
    ],
)  # fmt: skip
def test_a_filter_reads_as_its_grammar_says(text: str, expected: object) -> None:
    assert parse_filter(text) == expected


@pytest.mark.parametrize(
    ("text", "offset"),
    [("a ==", 4), ("(a", 2), ("a b", 2), ("'x", 0), ("f(1)", 0), ("a in [b.c]", 9), ("a.", 2),
     ("a[", 2), ("is_null()", 8), ("a ~ b", 2), ("", 0), ("length(a, 1, 2)", 7), ("a in x", 5)],
)  # fmt: skip
def test_a_mistake_has_a_place(text: str, offset: int) -> None:
    with pytest.raises(FilterError) as error:
        parse_filter(text)
    assert error.value.offset == offset


@given(st.text(alphabet="ab.[]()'\"!=<>&|, 1$@~\\inotr_", max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        parse_filter(text)
    except FilterError as error:
        assert 0 <= error.offset <= len(text)


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    with pytest.raises(FilterError):
        parse_filter("(" * 5000 + "a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("items[*]", "$.items[*]"),
        ("[*].a", "$[*].a"),
        ("$.[*]", "$[*]"),
        ("$.a[?(@.b = open)]", "$.a[?(@.b == 'open')]"),
        ("$.a[?(@.b == 'c=d' && @.e != f)]", "$.a[?(@.b == 'c=d' && @.e != 'f')]"),
        ("$.a[?(@.b >= 3)]", "$.a[?(@.b >= 3)]"),
        ("$.a[?(@.b = true)]", "$.a[?(@.b == true)]"),
    ],
)
def test_a_jsonpath_is_read_as_it_is_meant(text: str, expected: str) -> None:
    assert normal_jsonpath(text) == expected
    assert compiled_jsonpath(text) == expected


def test_an_order_is_paths_with_directions() -> None:
    assert parse_order("a.b DESC, c[0] asc nulls first,d") == (
        SortKey("a.b", descending=True),
        SortKey("c[0]", nulls_first=True),
        SortKey("d"),
    )
    for wrong in ("", "a b", "a DESC DESC", "a,,b", "a NULLS"):
        with pytest.raises(ValueError, match="is not a path"):
            parse_order(wrong)
