"""What holds of every text, and how long a large one takes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.workflow.interpolation import (
    InterpolationError,
    Rendered,
    TextKind,
    interpolate,
    referred_names,
    sole_value,
)
from orchestrator.workflow.references import parse_reference
from orchestrator.workflow.values import Lines, Paths
from tests.orchestrator.evaluators.names import Names

KINDS = st.sampled_from(TextKind)
PIECES = st.sampled_from(
    [
        "$", "${", "}", "{", "\\", "x", "y.z", "nope", ":-", ":", "|", "default:", "quote", "json",
        "lines", "*.rs", ",", "[0]", "['k']", "=", "for ", "read ", "$$", "file:", "cmd:", "date:%",
        "uuid", "env.", ":from:", "'", '"', " ", "\n", "ü", "broken", "length", "?", "#",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=24).map("".join) | st.text(max_size=60)
VARIABLES: dict[str, object] = {
    "x": "${y} $x `id`",
    "y": {"z": [1, None, {"k": "v"}]},
    "y.z": Paths(["a.rs", "b c"]),
    "k": Lines(["1", ""]),
    "n": None,
}


def scope() -> Names:
    return Names(VARIABLES, declared={"D": "${x}"}, process={"P": "p"})


@given(TEXTS, KINDS, st.booleans())
@settings(max_examples=600)
def test_no_text_is_a_crash(text: str, kind: TextKind, strict: bool) -> None:
    try:
        assert isinstance(interpolate(text, scope(), kind, strict=strict), Rendered)
        sole_value(text, scope())
    except InterpolationError:
        pass
    referred_names(text)
    parse_reference(text)


@given(TEXTS.filter(lambda text: "$" not in text), KINDS)
def test_a_text_without_references_is_copied(text: str, kind: TextKind) -> None:
    assert interpolate(text, scope(), kind) == Rendered(text)


@given(TEXTS)
def test_without_any_names_shell_text_keeps_every_plain_reference(text: str) -> None:
    """Only what names a default or a computed value itself can change then."""
    ours = (".", "|", "file:", "cmd:", "json:", "date:", "uuid")
    if not any(mark in text for mark in ours):
        assert interpolate(text, Names(), TextKind.SHELL).text == text


@given(st.text(alphabet="${}xy:-|\\ '\n", max_size=30), KINDS)
def test_an_inserted_value_is_never_scanned(value: str, kind: TextKind) -> None:
    names = Names({"v": value, "x": "SCANNED", "y": "SCANNED"})
    text = "<${v}|${v}>" if kind is TextKind.SHELL else "<${v}|$v>"
    assert interpolate(text, names, kind).text == f"<{value}|{value}>"


@given(TEXTS, KINDS)
@settings(max_examples=300)
def test_a_name_that_is_used_is_among_the_names_referred_to(text: str, kind: TextKind) -> None:
    looked_up: set[str] = set()

    class Watched(Names):
        def lookup(self, name: str) -> object:
            looked_up.add(name)
            return super().lookup(name)

    try:
        interpolate(text, Watched(VARIABLES), kind)
    except InterpolationError:
        pass
    referred = referred_names(text)
    for name in looked_up & VARIABLES.keys():
        assert any(one == name or one.startswith(f"{name}.") for one in referred)


@pytest.mark.parametrize("kind", TextKind)
def test_a_megabyte_with_a_thousand_references_takes_at_most_50_ms(kind: TextKind) -> None:
    text = ("lorem ipsum dolor sit amet, " * 36 + "${item.path} $plain ${n:-3}\n") * 1000
    assert len(text) > 1_000_000
    names = Names({"item": {"path": "p"}, "plain": "text", "n": 4})
    times: list[float] = []
    for _ in range(5):
        start = time.perf_counter()
        interpolate(text, names, kind)
        times.append(time.perf_counter() - start)
    assert min(times) <= 0.050, f"{min(times) * 1000:.0f} ms"


@pytest.mark.parametrize(
    "piece",
    ["${", "$", "\\", "${a:-", "${a['", "{", "${n|default:", "${file:a", ":from:", "a[", "read "],
)
def test_a_hostile_text_takes_no_quadratic_time(piece: str) -> None:
    count = 100_000 // len(piece)
    for text in (piece * count + "$", piece * count + "}" * count):
        for kind in TextKind:
            start = time.perf_counter()
            interpolate(text, Names({"n": 1}), kind)
            referred_names(text)
            assert time.perf_counter() - start < 5
