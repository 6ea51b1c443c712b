"""Random texts, numbers and data, as people and programs write them into workflow files."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]

_CHARACTERS = "abcXYZ019 \n\t'\"`$#{}[]()&*!|>%@,:;?-+=/\\.~_éß\xa0日🙂\ufeff"
_SHELL = ("echo '${x}'", "a | b", "ls *.py # all", "printf '%s\\n' \"$@\"", "make\nmake check\n")
_WORDS = ("true", "no", "null", "~", "3", "1.10", "0755", "2024-01-31", "22:22", "1e3", "shell: x")
EXPRESSIONS = ("true", "${a} == 'x' && b", "x in [1, 'two']", "!(n < 3)", "v =~ 'a\\.b'", "null")
PATTERNS = ("^fix: .+", "a|b", r"\d+", "${x}(")

anything = st.one_of(st.sampled_from(_WORDS + _SHELL), st.text(alphabet=_CHARACTERS, max_size=12))
text = anything.filter(lambda value: bool(value.strip()))
name = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True).filter(
    lambda word: word.lower() not in ("yes", "no", "on", "off", "true", "false", "null")
)
boolean = st.sampled_from([True, False, "true", "No", "ON", "off"])
positive = st.one_of(st.integers(1, 99), st.integers(1, 99).map(str))
count = st.one_of(st.integers(0, 99), st.integers(0, 99).map(str))
number = st.one_of(
    st.floats(0, 1000, allow_subnormal=False), st.integers(0, 1000), st.sampled_from(["0.5", "7."])
)
duration = st.one_of(
    st.integers(0, 10_000),
    st.floats(0.0001, 1e6),
    st.sampled_from(["30s", "1h30m", "250ms", ".5", "$WAIT", "${w:-3}s"]),
    st.fixed_dictionaries({"secs": st.integers(0, 9**9), "nanos": st.integers(0, 999_999_999)}),
)
data = st.recursive(
    st.one_of(anything, st.integers(), st.floats(allow_nan=False, allow_infinity=False),
              st.booleans(), st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
texts = st.one_of(text, st.lists(anything, max_size=3))


def one_or_more(each: Strategy) -> Strategy:
    return st.one_of(each, st.lists(each, min_size=1, max_size=3))
