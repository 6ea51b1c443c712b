"""Values: how they look in a text, and how their kinds survive plain JSON."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.workflow.values import (
    MISSING,
    Lines,
    Paths,
    render,
    restore_kinds,
    split_kinds,
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as is ", "as is "), (3, "3"), (3.0, "3"), (-0.0, "0"), (0.1, "0.1"), (1e21, "1e+21"),
        (True, "true"), (False, "false"), (None, ""), (MISSING, ""), (Lines(["a", 1]), "a\n1"),
        (Paths(["a", "b c"]), "a b c"), ([1, "é", None], '[1,"é",null]'),
        ({"b": 1, "a": [True]}, '{"b":1,"a":[true]}'), ([], "[]"), (Lines(), ""),
    ],
)  # fmt: skip
def test_rendering(value: object, text: str) -> None:
    assert render(value) == text


@given(
    st.dictionaries(
        st.text(max_size=4),
        PLAIN | st.lists(st.text(max_size=3)).map(Lines) | st.lists(st.text(max_size=3)).map(Paths),
    )
)
def test_variables_survive_plain_json_with_their_kinds(variables: dict[str, object]) -> None:
    plain, kinds = split_kinds(variables)
    restored = restore_kinds(json.loads(json.dumps(plain)), kinds)
    assert restored == variables
    assert {n: type(v) for n, v in restored.items()} == {n: type(v) for n, v in variables.items()}


def test_kinds_that_do_not_fit_are_passed_over() -> None:
    given_kinds = {"a": "lines", "gone": "lines", "b": "sets"}
    assert restore_kinds({"a": "text", "b": [1]}, given_kinds) == {"a": "text", "b": [1]}


def test_undefined_stays_one_object() -> None:
    assert pickle.loads(pickle.dumps(MISSING)) is MISSING
    assert not MISSING
