"""Composed files: what each way of composing adds, in which order, and how it fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from orchestrator.workflow.load import Loaded, load_workflow

Compose = Callable[..., Loaded]


@pytest.fixture
def compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compose:
    """Writes files and loads the first of them; names are file names without suffix."""
    directory = tmp_path / "project"
    directory.mkdir()
    monkeypatch.chdir(directory)

    def load(main: str, **others: str) -> Loaded:
        for name, text in {"main": main, **others}.items():
            path = directory / f"{name.replace('__', '/')}.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
        return load_workflow(directory / "main.yml", display="main.yml")

    return load


def texts(loaded: Loaded) -> list[str]:
    assert loaded.workflow is not None, "\n".join(map(str, loaded.problems))
    return [step.text for step in loaded.workflow.steps]


def said(loaded: Loaded) -> list[str]:
    return [str(problem) for problem in loaded.problems]


def test_a_chain_of_three_bases_merges_deeply(compose: Compose) -> None:
    loaded = compose(
        "extends: mid\nenv: {A: child}\n",
        mid="extends: bases/low\nenv: {A: mid, B: mid}\ncommands: []\n",
        bases__low="env: {A: low, B: low, C: low}\ntimeout: 9\ncommands: [{shell: base}]\n",
    )
    assert texts(loaded) == ["base"]
    assert loaded.workflow is not None
    env = {entry.name: entry.text for entry in loaded.workflow.env}
    assert env == {"A": "child", "B": "mid", "C": "low"}
    assert loaded.workflow.timeout is not None and loaded.workflow.timeout.seconds == 9
    assert [source.role for source in loaded.sources] == ["main", "base", "base"]


def test_commands_of_the_child_replace_those_of_the_base(compose: Compose) -> None:
    loaded = compose(
        "extends: base\nsteps: [{shell: mine}]\n", base="commands: [{shell: theirs}]\n"
    )
    assert texts(loaded) == ["mine"]


def test_paths_in_a_base_start_at_the_base(compose: Compose) -> None:
    loaded = compose(
        "extends: bases/ci.yml\ncommands: [{shell: own}]\n",
        bases__ci="imports: [near.yml]\n",
        bases__near="- shell: near\n",
    )
    assert texts(loaded) == ["near", "own"]


@pytest.mark.parametrize("directory", ["bases", "templates", "workflows"])
def test_a_base_is_found_by_name(compose: Compose, directory: str) -> None:
    loaded = compose("extends: ci\n", **{f"{directory}__ci": "- shell: found\n"})
    assert texts(loaded) == ["found"]


def test_a_missing_base_and_a_cycle_are_errors_with_a_place(compose: Compose) -> None:
    assert "main.yml:1:10: error: there is no file for the base 'nowhere'" in said(
        compose("extends: nowhere\ncommands: [{shell: a}]\n")
    )
    loaded = compose("extends: two.yml\n", two="extends: main.yml\ncommands: [{shell: a}]\n")
    assert said(loaded) == [
        "two.yml:1:10: error: files that need each other: main.yml → two.yml → main.yml"
    ]


def test_imported_steps_come_first_and_fill_what_is_missing(compose: Compose) -> None:
    loaded = compose(
        "imports: [one.yml, two.yml]\nenv: {A: mine}\ncommands: [{shell: own}]\n",
        one="setup: [{shell: s1}]\ncommands: [{shell: c1}]\nenv: {A: one, B: one}\n",
        two="commands: [{shell: c2}]\nmerge: [{shell: m}]\nparameters: {p: 1}\n",
    )
    assert texts(loaded) == ["s1", "c1", "c2", "own"]
    assert loaded.workflow is not None
    env = {entry.name: entry.text for entry in loaded.workflow.env}
    assert env == {"A": "mine", "B": "one"}
    assert loaded.workflow.merge is not None
    assert [p.name for p in loaded.workflow.parameters] == ["p"]


def test_a_selective_import_takes_only_what_it_names(compose: Compose) -> None:
    loaded = compose(
        "imports: [{path: lib.yml, selective: [b]}]\ncommands: [{shell: own}]\n",
        lib="- {shell: one, id: a}\n- {shell: two, name: b}\n",
    )
    assert texts(loaded) == ["two", "own"]
    loaded = compose(
        "imports: [{path: lib.yml, selective: [z]}]\ncommands: [{shell: own}]\n",
        lib="- {shell: one, id: a}\n",
    )
    assert said(loaded) == ["main.yml:1:11: error: the import has nothing named 'z'"]


def test_an_import_with_an_alias_adds_nothing_but_can_be_inserted(compose: Compose) -> None:
    lib = "- {shell: one, id: a}\n- {shell: two, id: b}\n"
    main = """\
        imports: [{path: lib.yml, alias: lib}]
        commands:
          - workflow: lib.b
          - "${lib.a}"
          - shell: own
          - workflow: lib
        """
    assert texts(compose(main, lib=lib)) == ["two", "one", "own", "one", "two"]
    (problem,) = said(
        compose("imports: [{path: lib.yml, alias: lib}]\ncommands: [workflow: lib.c]\n", lib=lib)
    )
    assert problem == "main.yml:2:12: error: 'lib' has no step 'c'"


def test_an_import_that_is_missing_or_leads_back_is_an_error(compose: Compose) -> None:
    assert said(compose("imports: [no.yml]\ncommands: [{shell: a}]\n")) == [
        "main.yml:1:11: error: there is no file for the import 'no.yml'"
    ]
    loaded = compose(
        "imports: [b.yml]\ncommands: [{shell: a}]\n", b="imports: [main.yml]\nsteps: [{shell: b}]\n"
    )
    assert any("main.yml → b.yml → main.yml" in problem for problem in said(loaded))


def test_a_local_template_is_inserted_where_it_is_used(compose: Compose) -> None:
    main = """\
        templates:
          check: [{shell: lint}, {shell: test}]
          all: {commands: [{use: check}, {shell: pack}]}
        commands:
          - use: all
          - template: check
        """
    assert texts(compose(main)) == ["lint", "test", "pack", "lint", "test"]


def test_a_template_that_uses_itself_or_is_not_there_is_an_error(compose: Compose) -> None:
    loaded = compose("templates: {a: [{use: b}], b: [{use: a}]}\ncommands: [{use: a}]\n")
    assert said(loaded) == ["main.yml:1:33: error: the template contains itself: a → b → a"]
    loaded = compose("templates: {check: [{shell: a}]}\ncommands: [{use: chek}]\n")
    assert said(loaded) == [
        "main.yml:2:13: error: there is no template 'chek'; did you mean 'check'?"
    ]


def test_steps_of_a_template_carry_the_values_it_is_given(compose: Compose) -> None:
    loaded = compose("""\
        templates:
          one:
            parameters: {x: 1, y: {default: 2}}
            commands: [{shell: a}, {use: two, with: {z: "${x}"}}]
          two: [{shell: b}]
        commands:
          - use: one
            with: {x: 5}
        """)
    assert texts(loaded) == ["a", "b"]
    assert loaded.workflow is not None
    first, second = loaded.workflow.steps
    assert first.arguments == ({"x": 5, "y": 2},)
    assert second.arguments == ({"x": 5, "y": 2}, {"z": "${x}"})


def test_a_template_used_with_fields_is_one_step_they_belong_to(compose: Compose) -> None:
    loaded = compose("""\
        templates: {t: [{shell: a}, {shell: b}]}
        commands:
          - use: t
            name: both
            when: "1 == 1"
        """)
    assert loaded.workflow is not None, said(loaded)
    (step,) = loaded.workflow.steps
    assert (step.label, step.when is not None) == ("both", True)
    assert [inner.text for inner in step.blocks[0].steps] == ["a", "b"]
    assert step.blocks[0].settings is None


def test_values_of_a_template_are_checked_against_its_parameters(compose: Compose) -> None:
    template = """\
        templates:
          t:
            parameters:
              required: [{name: count, type: number}]
              optional: [{name: where, validation: "value in ['a', 'b']"}]
            commands: [{shell: a}]
        """
    assert said(compose(template + "commands: [{use: t}]\n")) == [
        "main.yml:7:13: error: the template 't' needs the parameter 'count'"
    ]
    loaded = compose(template + "commands: [{use: t, with: {count: many, wher: a}}]\n")
    assert [problem.partition(": ")[2] for problem in said(loaded)] == [
        "error: the parameter 'count' expects a number, got 'many'",
        "warning: 't' has no parameter 'wher'; did you mean 'where'?",
    ]
    loaded = compose(template + "commands: [{use: t, with: {count: 1, where: c}}]\n")
    assert "which is not value in" in said(loaded)[0]
    assert texts(compose(template + "commands: [{use: t, with: {count: '${n}'}}]\n")) == ["a"]


def test_a_template_file_adds_its_steps_after_with_values_and_overrides(compose: Compose) -> None:
    main = """\
        template:
          source: base.yml
          with: {target: live}
          override: {env.A: changed, timeout: 5}
        commands: [{shell: own}]
        """
    loaded = compose(main, base="env: {A: a, B: b}\ncommands: [{shell: theirs}]\n")
    assert texts(loaded) == ["own", "theirs"]
    assert loaded.workflow is not None
    assert {e.name: e.text for e in loaded.workflow.env} == {"A": "changed", "B": "b"}
    assert loaded.workflow.defaults == {"target": "live"}


@pytest.mark.parametrize("directory", ["templates", ".prodigy/templates"])
def test_a_template_is_found_in_the_registry(compose: Compose, directory: str) -> None:
    Path(directory).mkdir(parents=True)
    Path(directory, "shared.yml").write_text("- shell: found\n")
    assert texts(compose("template: shared\n")) == ["found"]
    assert texts(compose("template: {source: {registry: shared}}\n")) == ["found"]


def test_a_template_cannot_be_a_url(compose: Compose) -> None:
    assert said(compose("template: https://x/y.yml\ncommands: [{shell: a}]\n")) == [
        "main.yml:1:11: error: a template cannot be a URL"
    ]


def test_kept_contents_are_used_in_place_of_the_files(compose: Compose, tmp_path: Path) -> None:
    first = compose("imports: [lib.yml]\ncommands: [{shell: own}]\n", lib="- shell: before\n")
    kept = {source.path: source.content for source in first.sources}
    (tmp_path / "project" / "lib.yml").write_text("- shell: after\n")
    again = load_workflow(tmp_path / "project" / "main.yml", files=kept)
    assert texts(again) == ["before", "own"]
