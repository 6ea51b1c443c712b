"""Sub-workflows as they load: where they run, what they may say, and how they fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from orchestrator.workflow.load import Loaded, load_workflow
from orchestrator.workflow.model import Block, StepKind, Workflow

Compose = Callable[..., Loaded]


@pytest.fixture
def compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compose:
    """Writes files and loads the first of them; names are file names without suffix."""
    monkeypatch.chdir(tmp_path)

    def load(main: str, **others: str) -> Loaded:
        for name, text in {"main": main, **others}.items():
            Path(f"{name}.yml").write_text(dedent(text))
        return load_workflow(Path("main.yml"))

    return load


def right(loaded: Loaded) -> Workflow:
    assert not loaded.problems, "\n".join(map(str, loaded.problems))
    assert loaded.workflow is not None
    return loaded.workflow


def said(loaded: Loaded) -> list[str]:
    return [str(problem) for problem in loaded.problems]


def block_of(workflow: Workflow, index: int = 0) -> Block:
    (block,) = workflow.steps[index].blocks
    return block


def shown(workflow: Workflow) -> list[str]:
    return [step.text for step in workflow.steps]


def test_they_run_in_order_after_setup_and_before_the_commands(compose: Compose) -> None:
    workflow = right(
        compose("""\
        setup: [{shell: first}]
        sub_workflows:
          a: {commands: [{shell: in-a}]}
          b: {steps: [{shell: in-b}], parallel: true}
          c: {commands: [{shell: in-c}], parallel: yes}
          d: [{shell: in-d}]
        commands: [{shell: last}]
        """)
    )
    assert shown(workflow) == ["first", "a", "b, c", "d", "last"]
    assert [step.kind for step in workflow.steps[1:4]] == [StepKind.WORKFLOW] * 3
    assert [block.name for block in workflow.steps[2].blocks] == ["b", "c"]


def test_one_that_a_step_places_runs_only_there(compose: Compose) -> None:
    workflow = right(
        compose("""\
        workflows:
          - {name: a, commands: [{shell: in-a}, {workflow: b}]}
          - {name: b, commands: [{shell: in-b}]}
          - {name: c, commands: [{shell: in-c}]}
        commands:
          - shell: own
          - {workflow: c, id: third, on_failure: true}
        """)
    )
    assert shown(workflow) == ["a", "own", "c"]
    assert [step.text for step in block_of(workflow).steps] == ["in-a", "b"]
    assert workflow.steps[2].id == "third" and workflow.steps[2].on_failure is not None


def test_without_commands_main_is_what_runs(compose: Compose) -> None:
    workflow = right(
        compose("""\
        sub_workflows:
          other: {commands: [{shell: a}]}
          main: {commands: [{shell: b}]}
        """)
    )
    assert shown(workflow) == ["main"]


def test_a_source_is_a_file_with_parameters_of_its_own(compose: Compose) -> None:
    main = """\
        sub_workflows:
          build:
            source: build.yml
            parameters: {target: live}
            inputs: {version: tag, note: "for ${who}"}
            outputs: [artifact]
            continue_on_error: true
            timeout: 5m
            working_dir: sub
        commands: [{shell: own}]
        """
    build = """\
        env: {A: 1}
        secrets: {KEY: MY_KEY}
        parameters: {required: [target, version], optional: [{name: copies, default: 2}]}
        commands: [{shell: "make ${target}", capture: artifact}]
        """
    workflow = right(compose(main, build=build))
    block = block_of(workflow)
    assert block.values == {"target": "live", "copies": 2}
    assert block.inputs == {"version": "tag", "note": "for ${who}"}
    assert (block.outputs, block.working_dir) == (("artifact",), "sub")
    assert block.continue_on_error and not block.parallel
    assert block.timeout is not None and block.timeout.seconds == 300
    assert block.settings is not None and [e.name for e in block.settings.env] == ["A"]
    assert [secret.name for secret in workflow.secrets] == ["KEY"]
    assert [source.role for source in workflow.sources] == ["main", "sub_workflow"]


def test_an_inline_one_may_extend_a_base_and_use_the_templates_around_it(compose: Compose) -> None:
    workflow = right(
        compose(
            """\
        templates: {t: [{shell: from-template}]}
        sub_workflows:
          a: {extends: base, commands: [{use: t}]}
          b: {extends: base}
        commands: [{shell: own}]
        """,
            base="env: {X: base}\ncommands: [{shell: from-base}]\n",
        )
    )
    assert [step.text for step in block_of(workflow, 0).steps] == ["from-template"]
    assert [step.text for step in block_of(workflow, 1).steps] == ["from-base"]
    settings = block_of(workflow, 0).settings
    assert settings is not None and settings.env[0].text == "base"


def test_those_of_an_imported_file_fill_what_is_missing(compose: Compose) -> None:
    lib = """\
        sub_workflows:
          a: {commands: [{shell: their-a}]}
          b: {commands: [{shell: their-b}]}
        commands: [{shell: theirs}]
        """
    main = """\
        imports: [lib.yml]
        sub_workflows: {b: {commands: [{shell: my-b}]}}
        commands: [{shell: own}]
        """
    workflow = right(compose(main, lib=lib))
    assert shown(workflow) == ["theirs", "a", "b", "own"]
    assert [step.text for step in block_of(workflow, 2).steps] == ["my-b"]
    only = "imports: [{path: lib.yml, selective: [b]}]\ncommands: [{shell: own}]\n"
    assert shown(right(compose(only, lib=lib))) == ["b", "own"]


def test_an_alias_gives_the_sub_workflow_of_that_name(compose: Compose) -> None:
    main = """\
        imports: [{path: lib.yml, alias: lib}]
        commands:
          - workflow: lib.a
            with: {x: 1}
          - "${lib.s}"
        """
    lib = "sub_workflows: {a: {commands: [{shell: in-a}]}}\ncommands: [{shell: step, id: s}]\n"
    workflow = right(compose(main, lib=lib))
    assert shown(workflow) == ["lib.a", "step"]
    assert block_of(workflow).inputs == {"x": "1"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{a: {commands: [{workflow: b}]}, b: {commands: [{workflow: a}]}}",
         "error: the sub-workflow contains itself: a → b → a"),
        ("{a: {source: main.yml}}", "error: files that need each other: main.yml → main.yml"),
        ("{a: {source: no.yml}}", "error: there is no file for the sub-workflow 'a'"),
        ("{a: {source: x.yml, commands: []}}", "error: 'source' and 'commands' exclude each other"),
        ("{a: {parallel: true}}", "error: the sub-workflow 'a' needs 'source' or 'commands'"),
        ("{a: {commands: []}}", "error: the sub-workflow 'a' has no steps"),
        ("{a: 5}", "error: 'a' expects a map with 'source' or 'commands'"),
        ("[{commands: [{shell: x}]}]", "error: a sub-workflow in a list needs 'name'"),
        ("5", "error: 'sub_workflows' expects a map of sub-workflows"),
        ("{a: {commands: [{shell: x}], paralel: true}}",
         "unknown key 'paralel' in the sub-workflow 'a', ignored; did you mean 'parallel'?"),
        ("{a: {commands: [{shell: x}], timeout: soon}}", "error: 'timeout' expects a duration"),
        ("{a: {source: p.yml}}", "error: the sub-workflow 'a' needs the parameter 'p'"),
        ("{a: {source: p.yml, parameters: {p: x}}}", "error: the parameter 'p' expects a number"),
        ("{a: {source: mr.yml}}", "error: 'a' is a MapReduce file; it has no steps"),
    ],
)  # fmt: skip
def test_what_can_be_wrong_is_said_once(compose: Compose, text: str, expected: str) -> None:
    loaded = compose(
        f"sub_workflows: {text}\ncommands: [{{shell: own}}]\n",
        p="parameters: {required: [{name: p, type: number}]}\ncommands: [{shell: a}]\n",
        mr="name: m\nmap: {input: x, agent_template: [{shell: a}]}\n",
    )
    assert len(loaded.problems) == 1, said(loaded)
    assert expected in said(loaded)[0]


def test_a_name_that_is_nowhere_gets_a_suggestion(compose: Compose) -> None:
    loaded = compose("""\
        sub_workflows: {build: {commands: [{shell: a}]}}
        commands: [{workflow: biuld}]
        """)
    assert said(loaded) == [
        "main.yml:2:13: error: there is no sub-workflow 'biuld', and nothing is imported as that; "
        "did you mean 'build'?"
    ]
