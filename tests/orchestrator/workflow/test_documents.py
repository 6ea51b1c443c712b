"""What bytes become a document, and where the others say they are wrong."""

from __future__ import annotations

import json

import pytest

from tests.orchestrator.workflow.loading import load, problems, step, workflow


def test_a_byte_order_mark_and_crlf_and_a_missing_final_newline_are_accepted() -> None:
    loaded = workflow(
        b"\xef\xbb\xbfcommands:\r\n  - shell: |\r\n      one\r\n      two\r\n  - shell: x"
    )
    assert [s.text for s in loaded.steps] == ["one\ntwo\n", "x"]


@pytest.mark.parametrize("text", ["", "# only\n# comments\n", "---\n", "~\n", "\n\n"])
def test_a_file_without_content_is_an_error(text: str) -> None:
    assert problems(text) == ["1:1: error: the file is empty: it has no steps"]


@pytest.mark.parametrize("text", ["[]", "commands: []", "name: x", "commands:"])
def test_a_file_without_steps_is_an_error(text: str) -> None:
    assert problems(text) == ["1:1: error: Workflow has no steps to execute"]


def test_a_single_text_is_no_workflow() -> None:
    (problem,) = problems("just some words\n")
    assert problem.startswith("1:1: error: a workflow file is a list of steps or a map")


def test_two_documents_are_an_error() -> None:
    assert problems("- shell: a\n---\n- shell: b\n") == [
        "2:1: error: the file has more than one document"
    ]


def test_tab_indentation_names_the_line_and_the_cure() -> None:
    assert problems("commands:\n\t- shell: a\n") == [
        "2:1: error: a tab is used for indentation; YAML needs blanks there"
    ]


def test_a_duplicate_key_gives_both_places_at_every_level() -> None:
    text = """\
        env: {A: 1, A: 2}
        commands:
          - shell: a
            shell: b
        env: {B: 1}
        """
    assert problems(text) == [
        "1:13: error: duplicate key 'A'; the first one is at line 1, column 7",
        "4:5: error: duplicate key 'shell'; the first one is at line 3, column 5",
        "5:1: error: duplicate key 'env'; the first one is at line 1, column 1",
    ]


def test_bytes_that_are_not_utf8_are_located() -> None:
    assert problems(b"- shell: ok\n- shell: \xff\n") == [
        "2:10: error: the file is not UTF-8: byte 0xFF at offset 21"
    ]


def test_a_binary_file_is_an_error_with_a_place() -> None:
    assert problems(b"- shell: a\x00b\n") == [
        "1:11: error: the character U+0000 is not allowed in a workflow file"
    ]


def test_a_local_tag_reads_as_a_map_and_other_tags_are_errors() -> None:
    loaded = step("- shell: x\n  retry: {attempts: 2, backoff: !linear {initial: 2s}}\n")
    assert loaded.retry is not None
    assert str(loaded.retry.backoff.kind) == "linear"
    assert problems("- shell: !!str x\n") == [
        "1:10: error: the tag '!!str' is not supported; write the plain value"
    ]


def test_anchors_aliases_and_merge_keys_are_expanded() -> None:
    text = """\
        x-common: &common
          timeout: 5
          env: {A: 1}
        x-steps: &steps
          - shell: one
          - shell: two
        commands:
          - *steps
          - <<: *common
            shell: three
            timeout: 9
        """
    loaded = workflow(text)
    assert [s.text for s in loaded.steps] == ["one", "two", "three"]
    last = loaded.steps[-1]
    assert last.timeout is not None and last.timeout.seconds == 9
    assert [entry.name for entry in last.env] == ["A"]


def test_a_problem_in_aliased_content_names_where_it_is_written_and_used() -> None:
    text = """\
        x-bad: &bad
          shell: a
          timeout: soon
        commands:
          - *bad
        """
    assert problems(text) == [
        "3:12: error: 'timeout' expects a duration, got 'soon' (used at line 5)"
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [("- &a [*a]\n", "1:7"), ("- shell: x\n  env: &e\n    A: *e\n", "3:8")],
)
def test_an_alias_that_contains_itself_is_an_error(text: str, place: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"{place}: error: the alias")


def test_an_unknown_alias_is_an_error_with_a_place() -> None:
    assert problems("- *nothing\n") == ["1:3: error: nothing is named '&nothing' before this alias"]


def test_an_alias_bomb_stops_at_the_limit_of_nodes() -> None:
    lines = ["x-0: &a0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (problem,) = problems("\n".join(lines))
    assert "more than 200000 nodes" in problem


def test_a_file_above_four_mebibytes_is_refused_and_one_at_the_limit_is_not() -> None:
    limit = 4 * 1024 * 1024
    start = b"- shell: a # "
    assert load(start + b"x" * (limit - len(start))).workflow is not None
    (problem,) = problems(start + b"x" * (limit - len(start) + 1))
    assert "the limit is 4194304" in problem


@pytest.mark.parametrize("file", ["w.yml", "w.json"])
def test_depth_is_limited_to_sixty_four(file: str) -> None:
    def nested(depth: int) -> str:
        return "[" * depth + '"/x"' + "]" * depth

    assert load(nested(64), file).workflow is not None
    (problem,) = problems(nested(65), file)
    assert problem == "1:65: error: the file is nested more than 64 deep"


def test_broken_yaml_comes_alone_and_says_how_to_cure_it() -> None:
    assert problems("- shell: echo a: b\n- frob: x\n") == [
        "1:16: error: invalid YAML: a ': ' in an unquoted text; "
        "put the whole text into quotes or into a '|' block"
    ]
    (problem,) = problems("- shell: @x\n")
    assert problem.startswith("1:10: error: invalid YAML: a text cannot begin with '@'")


def test_json_files_have_the_same_shapes_and_positions() -> None:
    assert workflow(json.dumps([{"shell": "ls"}]), "w.json").steps[0].text == "ls"
    text = '{"commands": [\n  {"shell": "a", "timeout": "soon"},\n  {"shell": "a", "shell": "b"}]}'
    assert problems(text, "w.json") == [
        "2:29: error: 'timeout' expects a duration, got 'soon'",
        "3:18: error: duplicate key 'shell'; the first one is at line 3, column 4",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": }', "1:7"),
        ('{"a": 1,}', "1:9"),
        ("[1, 2", "1:6"),
        ('["a\n"]', "1:4"),
        ("- shell: x", "1:1"),
        ("[1] x", "1:5"),
        ("{'a': 1}", "1:2"),
    ],
)
def test_broken_json_is_located(text: str, place: str) -> None:
    (problem,) = problems(text, "w.json")
    assert problem.startswith(f"{place}: error: invalid JSON: "), problem


def test_the_kind_of_a_file_comes_from_its_keys_not_from_its_text() -> None:
    loaded = workflow("# mode: mapreduce\n- shell: 'echo template: map: x'\n")
    assert str(loaded.kind) == "standard"
    text = "name: m\nmode: 'MapReduce'\nmap: {input: a.json, agent_template: [{shell: x}]}\n"
    assert str(workflow(text).kind) == "mapreduce"


def test_mode_mapreduce_without_a_map_runs_as_standard_with_a_warning() -> None:
    text = "mode: mapreduce\ncommands: [{shell: x}]\n"
    loaded = load(text)
    assert loaded.workflow is not None and str(loaded.workflow.kind) == "standard"
    assert problems(text) == [
        "1:1: warning: 'mode: mapreduce' without 'map': the file runs as a standard workflow"
    ]


def test_a_file_that_cannot_be_read_is_a_problem_of_that_file() -> None:
    from pathlib import Path

    from orchestrator.workflow.load import load_workflow

    loaded = load_workflow(Path("/nowhere/at/all.yml"))
    assert [str(p) for p in loaded.problems] == [
        "/nowhere/at/all.yml:1:1: error: cannot be read: No such file or directory"
    ]


def test_strict_turns_warnings_into_errors() -> None:
    from pathlib import Path

    from orchestrator.workflow.load import load_workflow

    loaded = load_workflow(Path("w.yml"), text=b"- shell: x\n  frob: 1\n", strict=True)
    assert loaded.workflow is None
    assert [str(p.severity) for p in loaded.problems] == ["error"]
