"""Every kind of step, and the short and old forms of steps."""

from __future__ import annotations

import pytest

from orchestrator.workflow.model import StepKind
from tests.orchestrator.workflow.loading import load, problems, step, workflow


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ('"shell: ls -l"', StepKind.SHELL, "ls -l"),
        ('"claude: /x"', StepKind.CLAUDE, "/x"),
        ("/x a b", StepKind.CLAUDE, "/x a b"),
        ("x a b", StepKind.CLAUDE, "/x a b"),
        ("'  /x  '", StepKind.CLAUDE, "/x"),
        ("{shell: ls}", StepKind.SHELL, "ls"),
        ("{claude: /x}", StepKind.CLAUDE, "/x"),
        ("{name: x}", StepKind.CLAUDE, "/x"),
        ("{name: /x, args: [a, 1], options: {k: v, on: true, off: false}}", StepKind.CLAUDE,
         "/x a 1 --k v --on"),
        ("{command: x, args: [y]}", StepKind.CLAUDE, "x y"),
    ],
)  # fmt: skip
def test_texts_and_kinds(text: str, kind: StepKind, expected: str) -> None:
    loaded = step(f"- {text}\n")
    assert (loaded.kind, loaded.text) == (kind, expected)


def test_a_name_beside_a_kind_is_a_label() -> None:
    loaded = step("- name: Build it\n  shell: make\n")
    assert (loaded.kind, loaded.text, loaded.label) == (StepKind.SHELL, "make", "Build it")


def test_nested_lists_are_flattened() -> None:
    loaded = workflow("- - shell: a\n  - - shell: b\n- shell: c\n")
    assert [s.text for s in loaded.steps] == ["a", "b", "c"]


@pytest.mark.parametrize("key", ["commands", "steps", "workflow"])
def test_the_steps_under_each_of_their_names(key: str) -> None:
    assert [s.text for s in workflow(f"{key}:\n  - shell: a\n").steps] == ["a"]


def test_setup_comes_first() -> None:
    loaded = workflow("commands: [{shell: b}]\nsetup: [{shell: a}]\n")
    assert [s.text for s in loaded.steps] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "required"),
    [
        ("- prodigy-code-review", True),
        ("- /prodigy-implement-spec 3", True),
        ("- name: prodigy-cleanup-tech-debt", True),
        ("- prodigy-lint", False),
        ("- claude: /prodigy-code-review", False),
        ("- {name: prodigy-code-review, commit_required: false}", False),
        ("- {name: x, commit_required: true}", True),
    ],
)
def test_only_four_built_in_commands_must_commit_unless_told(text: str, required: bool) -> None:
    assert step(text).commit_required is required


@pytest.mark.parametrize("text", ["- ''", "- ' '", "-", "- ~", "- shell:", "- shell: ''"])
def test_an_empty_step_is_an_error(text: str) -> None:
    assert any("is empty" in problem for problem in problems(text)), problems(text)


def test_test_is_a_deprecated_spelling_of_shell() -> None:
    loaded = load("- test: make check\n- test: {command: cargo test, on_failure: {claude: /fix}}\n")
    assert loaded.workflow is not None
    plain, handled = loaded.workflow.steps
    assert (plain.kind, plain.text) == (StepKind.SHELL, "make check")
    assert handled.text == "cargo test"
    assert handled.on_failure is not None and handled.on_failure.max_attempts == 3
    assert problems("- test: x\n") == ["1:3: warning: 'test' is deprecated; say 'shell'"]


def test_analyze_is_accepted_with_a_warning() -> None:
    for text in ("- analyze:\n", "- analyze: {save: true}\n"):
        loaded = load(text)
        assert loaded.workflow is not None
        assert loaded.workflow.steps[0].kind is StepKind.ANALYZE
        assert problems(text) == ["1:3: warning: 'analyze' no longer exists; the step is skipped"]


@pytest.mark.parametrize(("key", "cure"), [("goal_seek", "on_incomplete"), ("handler", "shell")])
def test_what_is_gone_points_to_what_to_say(key: str, cure: str) -> None:
    (problem,) = problems(f"- {key}: {{a: b}}\n")
    assert problem.startswith(f"1:3: error: '{key}' no longer exists") and cure in problem


def test_validate_alone_is_a_kind() -> None:
    loaded = step("- validate: {shell: ./check, threshold: 90}\n")
    assert loaded.kind is StepKind.VALIDATE
    assert loaded.validate is not None and loaded.validate.threshold == 90


def test_metadata_of_a_name_step_is_honoured() -> None:
    loaded = step("- name: x\n  metadata: {retries: 2, timeout: 5, continue_on_error: yes}\n")
    assert loaded.retry is not None and loaded.retry.attempts == 3
    assert loaded.timeout is not None and loaded.timeout.seconds == 5
    assert loaded.on_failure is not None and loaded.on_failure.forgive


# -- foreach and write_file -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "- foreach: ls\n  do: [{shell: x}]\n  parallel: 3\n  max_items: 2\n",
        "- foreach: {items: ls, do: [{shell: x}], parallel: 3, max_items: 2}\n",
        "- foreach: {foreach: ls, commands: {shell: x}, parallel: '3', max_items: '2'}\n",
        "- foreach: {input: {command: ls}, do: {shell: x}, parallel: 3, max_items: 2}\n",
        "- foreach: {command: ls}\n  do: [{shell: x}]\n  parallel: 3\n  max_items: 2\n",
    ],
)
def test_every_form_of_foreach(text: str) -> None:
    loop = step(text).foreach
    assert loop is not None
    assert (loop.command, loop.parallel, loop.max_items) == ("ls", 3, 2)
    assert [s.text for s in loop.steps] == ["x"]


def test_foreach_over_items_and_over_a_reference() -> None:
    loop = step("- foreach: [a, 1, 1.10, {k: v}, true]\n  do: {shell: x}\n").foreach
    assert loop is not None and loop.items == ("a", 1, "1.10", {"k": "v"}, True)
    for text in ("${files}", "$files"):
        loop = step(f"- foreach: '{text}'\n  do: {{shell: x}}\n").foreach
        assert loop is not None and (loop.command, loop.items) == (text, None)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("false", False), ("2", 2), ("${N}", "${N}")]
)
def test_parallel(text: str, value: object) -> None:
    loop = step(f"- foreach: ls\n  parallel: {text}\n  do: {{shell: x}}\n").foreach
    assert loop is not None and loop.parallel == value


@pytest.mark.parametrize("text", ["0", "-1", "many", "[1]"])
def test_what_cannot_be_parallel(text: str) -> None:
    (problem,) = problems(f"- foreach: ls\n  parallel: {text}\n  do: {{shell: x}}\n")
    assert problem.startswith("2:13: error: 'parallel' expects true, false or a number")


def test_foreach_continue_on_error_is_the_loops_and_not_the_steps() -> None:
    for text in (
        "- foreach: ls\n  continue_on_error: true\n  do: {shell: x}\n",
        "- foreach: {items: ls, do: {shell: x}, continue_on_error: true}\n",
        "- foreach: {items: ls, do: {shell: x}}\n  continue_on_error: true\n",
    ):
        loaded = step(text)
        assert loaded.foreach is not None and loaded.foreach.continue_on_error
        assert loaded.on_failure is None


def test_commits_in_a_parallel_loop_are_warned_of() -> None:
    (problem,) = problems(
        "- foreach: ls\n  parallel: 2\n  do:\n    - {shell: x, commit_required: true}\n"
    )
    assert problem.startswith("4:7: warning: 'commit_required' in a parallel 'foreach'")


def test_a_loop_needs_a_source_and_steps() -> None:
    assert problems("- foreach: ls\n") == ["1:3: error: 'foreach' needs 'do': its steps"]
    assert problems("- foreach: {do: {shell: x}}\n") == [
        "1:12: error: 'foreach' needs 'items': what to loop over"
    ]


def test_write_file() -> None:
    written = step(
        "- write_file: {path: a..b, content: {n: 2.0, t: x}, create_dirs: yes}\n"
    ).write_file
    assert written is not None
    assert (written.path, written.format, written.mode) == ("a..b", "json", 0o644)
    assert written.content == {"n": 2.0, "t": "x"} and written.create_dirs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{path: ../x, content: a}", "1:22: error: Invalid path: '../x' has a component '..'"),
        ("{path: a/../x, content: a}", "1:22: error: Invalid path"),
        ("{content: a}", "1:15: error: 'write_file' needs 'path'"),
        ("{path: a}", "1:15: error: 'write_file' needs 'content'"),
        ("{path: a, content: [1], format: text}", "1:34: error: a map or list as 'content'"),
        ("a.txt", "1:15: error: 'write_file' expects a map, got 'a.txt'"),
        ("{path: a, content: b, format: xml}", "1:45: error: 'format' expects one of text, json"),
    ],
)
def test_write_file_mistakes(text: str, expected: str) -> None:
    (problem,) = problems(f"- write_file: {text}")
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    "text",
    ["- command: ''", "- name: ' '", "- {foreach: {command: ' '}, do: [{shell: a}]}"],
)
def test_a_blank_command_is_an_error_in_every_form(text: str) -> None:
    assert len(problems(text)) == 1
    assert load(text).workflow is None


def test_the_commands_of_a_loop_are_its_own_in_a_handler_and_after_success() -> None:
    loop = "{foreach: [1], commands: [{shell: a}]}"
    for field in ("on_failure", "on_success"):
        outer = step(f"- shell: x\n  {field}: {loop}\n")
        (inner,) = outer.on_success or (outer.on_failure.steps if outer.on_failure else ())
        assert inner.foreach is not None
        assert [one.text for one in inner.foreach.steps] == ["a"]
