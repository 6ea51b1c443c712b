"""No document, however made, crashes the loader; every problem has a place in the file."""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.orchestrator.workflow.loading import load

KEYS = (
    "shell claude test foreach write_file validate workflow template use analyze name command "
    "commands steps setup merge env secrets env_files profiles active_profile timeout when id "
    "capture capture_output capture_streams capture_format outputs on_failure on_success "
    "on_exit_code retry retry_config step_validate max_attempts fail_workflow backoff type "
    "initial delays retry_on pattern do parallel items list path content mode format threshold "
    "on_incomplete prompt parameters required optional defaults imports extends templates "
    "sub_workflows map input agent_template reduce error_policy circuit_breaker variables "
    "timeout_config capture_outputs metadata args options with provider key value condition "
    "when_true default secs nanos fallback success_criteria at_least strategy x-a .b "
    "source inputs filter sort_by json_path distinct on_item_failure handlers error_collection "
    "validation schema constraints retry_original retries batch_size max_parallel executor <<"
).split()

TEXTS = st.one_of(
    st.sampled_from(["true", "no", "3", "-1", "1h", "${x}", "$", "${a == }", "/x", "shell: y", ""]),
    st.text(max_size=12),
)
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(-5, 500), st.floats(), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    ),
    max_leaves=25,
)


def _check(data: bytes, file: str) -> None:
    loaded = load(data, file)
    lines = data.count(b"\n") + data.count(b"\r") + 8
    for problem in loaded.problems:
        assert problem.position.file == file
        assert 1 <= problem.position.line <= lines and problem.position.column >= 1
        assert problem.message
    assert (loaded.workflow is None) == any(str(p.severity) == "error" for p in loaded.problems)


@settings(max_examples=250, deadline=None)
@given(VALUES)
def test_random_documents_never_crash_the_loader(document: object) -> None:
    text = json.dumps(document)
    _check(text.encode(), "w.json")
    if "NaN" not in text and "Infinity" not in text:
        _check(text.encode(), "w.yml")


@settings(max_examples=250, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=5), max_size=3))
def test_random_steps_never_crash_the_loader(steps: list[dict[str, object]]) -> None:
    _check(json.dumps({"commands": steps}).encode(), "w.json")
    _check(json.dumps({"map": {"input": "a", "agent_template": steps}}).encode(), "w.json")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
@example("a: &a *a")
@example("? - a\n: b")
@example("- !<tag:x> y")
@example("%TAG ! tag:x,2000:\n---\n- !y z")
@example("\ufeff- a\n\x85- b\u2028- c")
def test_random_texts_never_crash_the_loader(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    _check(data, "w.yml")
    _check(data, "w.json")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_never_crash_the_loader(data: bytes) -> None:
    _check(data, "w.yml")
    _check(data, "w.json")
