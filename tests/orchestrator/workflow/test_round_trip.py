"""What the loader understood of a file, written down again, is understood the same way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings

from orchestrator.workflow.model import Workflow
from orchestrator.workflow.problems import Severity
from tests.orchestrator.workflow.documents import Document, workflows
from tests.orchestrator.workflow.loading import load
from tests.orchestrator.workflow.writing import as_json, as_yaml, written


def _loaded(data: bytes, file: str) -> Workflow:
    """The workflow of a file without errors, and without the bytes it was read from."""
    loaded = load(data, file)
    errors = [str(one) for one in loaded.problems if one.severity is Severity.ERROR]
    assert loaded.workflow is not None, "\n".join([*errors, data.decode()])
    return replace(loaded.workflow, sources=())


def _accepted(document: Document) -> Workflow:
    """The workflow of a document; few of those that are made up are wrong, and passed over."""
    assume(load(as_json(document), "w.json").workflow is not None)
    return _loaded(as_json(document), "w.json")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(workflows())
def test_a_workflow_written_back_is_the_same_workflow(document: Document) -> None:
    first = _accepted(document)
    plain = written(first)
    again = _loaded(as_json(plain), "w.json")
    assert again == first
    assert as_json(written(again)) == as_json(plain)  # 1, 1.0 and true are equal, but not the same


@pytest.mark.parametrize("style", ["'", '"', "|", ">"])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=workflows())
def test_a_document_means_the_same_in_json_and_in_yaml(style: str, document: Document) -> None:
    first = _accepted(document)
    assert _loaded(as_yaml(document, style), "w.yml") == first
    plain = written(first)
    assert _loaded(as_yaml(plain, style), "w.yml") == first
