"""The layers of a step's environment, profiles, env files and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.workflow.env_files import EnvFileError, parse_env_file, read_env_file
from orchestrator.workflow.environment import StartScope, StepEnvironment, step_environment
from orchestrator.workflow.interpolation import InterpolationError
from orchestrator.workflow.start_environment import (
    active_profile,
    resolve_env_files,
    resolve_secrets,
)
from tests.orchestrator.workflow.loading import workflow

PROCESS = {"PATH": "/bin", "CI": "outer", "LC_ALL": "C", "GIT_DIR": "/elsewhere"}


def built(
    text: str,
    *,
    files: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    profile: str | None = None,
    variables: Mapping[str, object] | None = None,
    commands: list[str] | None = None,
    cache: dict[str, str] | None = None,
) -> StepEnvironment:
    """The environment of the first step; commands give their own text back."""
    loaded = workflow(text)

    def run(command: str, environment: Mapping[str, str]) -> str:
        if commands is not None:
            commands.append(command)
        return f"{command} in {environment.get('A', '?')}"

    return step_environment(
        loaded,
        loaded.steps[0],
        process=PROCESS,
        files=files or {},
        secrets=secrets or {},
        profile=profile,
        scope=StartScope(variables or {}, PROCESS),
        run_command=run,
        cache={} if cache is None else cache,
        facts={"branch": "main", "profile": profile},
    )


def test_later_layers_win() -> None:
    text = """\
        defaults: {A: defaults, B: defaults, C: defaults, D: defaults, E: defaults}
        env: {B: env, C: env, D: env, E: env}
        profiles: {live: {C: profile, D: profile, E: profile}}
        commands:
          - shell: x
            env: {D: step, E: step}
        """
    files = dict.fromkeys("ZABCDE", "file")
    result = built(text, files=files, secrets={"E": "secret"}, profile="live")
    assert [result.values[name] for name in "ZABCDE"] == [
        "file", "defaults", "env", "profile", "step", "secret",
    ]  # fmt: skip
    assert set(result.declared) == set("ZABCDE")
    assert result.secret == {"E"}


def test_git_location_variables_are_never_handed_down() -> None:
    assert "GIT_DIR" not in built("- shell: x\n").values


def test_inherit_false_and_clear_env_keep_only_the_base_set() -> None:
    text = "inherit: false\nenv: {A: a}\ncommands: [{shell: x}]\n"
    assert built(text).values == {"PATH": "/bin", "LC_ALL": "C", "A": "a"}
    text = "env: {A: a}\ncommands: [{shell: x, clear_env: true, env: {B: b}}]\n"
    result = built(text, files={"F": "f"}, secrets={"S": "s"})
    assert result.values == {"PATH": "/bin", "LC_ALL": "C", "B": "b", "S": "s"}


def test_a_value_sees_variables_keys_above_and_lower_layers() -> None:
    text = """\
        env:
          A: "${B}"
          CI: "${CI:-no}"
          NEW: "${CI}-${v}-$v"
          RAW: "$(date) ${nothing}"
          B: late
        commands: [{shell: x}]
        """
    values = built(text, variables={"v": 3}).values
    assert (values["A"], values["CI"], values["NEW"]) == ("${B}", "outer", "outer-3-3")
    assert values["RAW"] == "$(date) ${nothing}"


def test_commands_conditions_and_values_by_profile() -> None:
    text = """\
        env:
          A: base
          CMD: {command: "nproc", cache: true}
          WHERE: {condition: "${branch} == 'main'", when_true: "on ${A}", when_false: off}
          URL: {default: local, live: "https://${A}"}
          ONLY: {live: x}
          KEY: {value: abc, secret: true}
        profiles: {live: {}, test: }
        commands: [{shell: x}]
        """
    ran: list[str] = []
    cache: dict[str, str] = {}
    result = built(text, commands=ran, cache=cache)
    assert result.values["CMD"] == "nproc in base"
    assert (result.values["WHERE"], result.values["URL"]) == ("on base", "local")
    assert "ONLY" not in result.values and result.secret == {"KEY"}
    live = built(text, profile="live", commands=ran, cache=cache).values
    assert (live["URL"], live["ONLY"]) == ("https://base", "x")
    assert ran == ["nproc"]


def test_a_value_with_a_failing_reference_is_an_error() -> None:
    with pytest.raises(InterpolationError):
        built("strict_variables: true\nenv: {A: '${nope}'}\ncommands: [{shell: x}]\n")


# -- profiles -------------------------------------------------------------------------------------


def test_the_active_profile_and_an_unknown_one() -> None:
    loaded = workflow(
        "profiles: {a: {}, b: {}, c: {}}\nactive_profile: c\ncommands: [{shell: x}]\n"
    )
    assert active_profile(loaded, "a", {"PRODIGY_PROFILE": "b"})[0] == "a"
    assert active_profile(loaded, None, {"PRODIGY_PROFILE": "b"})[0] == "b"
    assert active_profile(loaded, None, {})[0] == "c"
    _, (problem,) = active_profile(loaded, "z", {})
    assert "unknown profile 'z'; there is a, b, c" in problem.message


# -- env files ------------------------------------------------------------------------------------


def test_env_file_lines() -> None:
    text = (
        "# comment\n\nA=1\nexport B = two words \nC='quoted'\nD=\"a\nb\nc\"\nE=\nF=x # y\nA=last\n"
        "G='it=\"s\"'\r\n"
    )
    assert parse_env_file(text, ".env") == {
        "A": "last",
        "B": "two words",
        "C": "quoted",
        "D": "a\nb\nc",
        "E": "",
        "F": "x # y",
        "G": 'it="s"',
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A=1\nnonsense\n", ".env:2: expected KEY=VALUE"),
        ("A=1\n=x\n", ".env:2: expected KEY=VALUE"),
        ('A="\n', ".env:1: unclosed quote"),
        ("A=1\nB='x\ny\n", ".env:2: unclosed quote"),
        ('A="x" # y\n', ".env:1: expected KEY=VALUE"),
    ],
)
def test_a_wrong_line_of_an_env_file_is_named(text: str, said: str) -> None:
    with pytest.raises(EnvFileError) as caught:
        parse_env_file(text, ".env")
    assert str(caught.value).startswith(said)


def test_env_files_are_relative_to_the_workflow_and_missing_ones_only_matter_if_required(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.env").write_text("A=1\nB=1\n")
    (tmp_path / "b.env").write_text("B=2\n")
    loaded = workflow(
        "env: {WHICH: b}\n"
        "env_files: [a.env, '${WHICH}.env', none.env, {path: must.env, required: true}]\n"
        "commands: [{shell: x}]\n"
    )
    files = resolve_env_files(loaded, tmp_path, StartScope({}, {}))
    assert files.values == {"A": "1", "B": "2"}
    (problem,) = files.problems
    assert problem.message == "required env file not found: must.env"
    assert str(problem.position) == "w.yml:2:46"


def test_an_unreadable_env_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "d.env").mkdir()
    loaded = workflow("env_files: d.env\ncommands: [{shell: x}]\n")
    (problem,) = resolve_env_files(loaded, tmp_path, StartScope({}, {})).problems
    assert "cannot be read" in problem.message
    with pytest.raises(FileNotFoundError):
        read_env_file(tmp_path / "none")


def test_env_files_may_be_listed_inside_env() -> None:
    loaded = workflow("env: {A: 1, env_files: [x.env]}\ncommands: [{shell: x}]\n")
    assert [file.path for file in loaded.env_files] == ["x.env"]
    assert [entry.name for entry in loaded.env] == ["A"]


# -- secrets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    ["NAME", "'${env:NAME}'", "'${env.NAME}'", "'${NAME}'", "$NAME", "{provider: env, key: NAME}",
     "{provider: vault, key: NAME}", "'${vault:NAME}'", "{provider: {custom: mine}, key: NAME}",
     "{custom: mine, key: NAME}"],
)  # fmt: skip
def test_every_form_of_a_secret_finds_its_value(written: str, tmp_path: Path) -> None:
    loaded = workflow(f"secrets: {{K: {written}}}\ncommands: [{{shell: x}}]\n")
    found = resolve_secrets(loaded, {"NAME": "hush"}, {}, tmp_path)
    assert (found.values, found.problems) == ({"K": "hush"}, ())
    assert resolve_secrets(loaded, {}, {"NAME": "from file"}, tmp_path).values["K"] == "from file"


def test_secrets_from_files_and_defaults(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("  hush\n")
    loaded = workflow(
        "secrets: {A: {provider: file, key: key}, B: '${file:key}', C: '${NO:-spare}'}\n"
        "commands: [{shell: x}]\n"
    )
    found = resolve_secrets(loaded, {}, {}, tmp_path)
    assert found.values == {"A": "hush", "B": "hush", "C": "spare"}


def test_a_configured_provider_is_asked_with_the_version(tmp_path: Path) -> None:
    loaded = workflow(
        "secrets: {A: {provider: vault, key: k, version: 3}}\ncommands: [{shell: x}]\n"
    )
    providers = {"vault": lambda key, version: f"{key}@{version}"}
    found = resolve_secrets(loaded, {}, {}, tmp_path, providers=providers)
    assert found.values == {"A": "k@3"}


def test_all_missing_secrets_are_reported_together(tmp_path: Path) -> None:
    loaded = workflow("secrets: {A: ONE, B: '${env:TWO}'}\ncommands: [{shell: x}]\n")
    found = resolve_secrets(loaded, {}, {}, tmp_path)
    assert [problem.message for problem in found.problems] == [
        "Secret not found in environment: ONE",
        "Secret not found in environment: TWO",
    ]
