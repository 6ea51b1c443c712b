"""The configuration: layers, values in every form, problems with places, changing one value."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config import CLAUDE_FLAGS, SETTINGS, Config, find_setting, load_config
from orchestrator.config_edit import NotSettable, set_in_home
from orchestrator.config_file import with_value
from store.home import Home


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def problems_of(home: Home, text: str) -> list[str]:
    write(home.config, text)
    return [str(problem) for problem in load_config(home, None, {}).problems]


def test_without_any_layer_the_defaults_hold(home: Home) -> None:
    loaded = load_config(home, None, {})
    assert loaded.config == Config()
    assert loaded.config.claude_flags == CLAUDE_FLAGS
    assert loaded.problems == ()
    assert not home.root.exists(), "reading creates nothing"


def test_each_layer_wins_over_the_one_before(home: Home, tmp_path: Path) -> None:
    repository = tmp_path / "project"
    write(home.config, "log_level: error\nhistory_keep: 10\nkill_grace_seconds: 1\n")
    write(repository / ".prodigy" / "config.yml", "history_keep: 20\nkill_grace_seconds: 2\n")
    environment = {"PRODIGY__KILL_GRACE_SECONDS": "3", "PRODIGY__LOG_LEVEL": "warn"}
    config = load_config(home, repository, environment).config
    assert (config.log_level, config.history_keep, config.kill_grace_seconds) == ("warn", 20, 3.0)
    older = load_config(home, repository, {**environment, "PRODIGY_LOG_LEVEL": "trace"})
    assert older.config.log_level == "trace"
    sources = [value.source for value in older.history["log_level"]]
    assert sources == ["default", str(home.config), "PRODIGY__LOG_LEVEL", "PRODIGY_LOG_LEVEL"]


@pytest.mark.parametrize(
    ("text", "attribute", "value"),
    [
        ("stall_after: 15m", "stall_after_seconds", 900.0),
        ("stall_after: 90", "stall_after_seconds", 90.0),
        ("log_max_bytes: 1.5GB", "log_max_bytes", 1_610_612_736),
        ("log_max_bytes: 4096", "log_max_bytes", 4096),
        ("claude: {program: /opt/claude}", "claude_program", "/opt/claude"),
        ("claude:\n  flags: [-p, --model, x]", "claude_flags", ("-p", "--model", "x")),
        ("claude:\n  flags: -p '--model x'", "claude_flags", ("-p", "--model x")),
        ("log_level: WARNING", "log_level", "warn"),
        ("auto_commit: yes", "auto_commit", True),
        ("project: {name: api}", "project", {"name": "api"}),
        ("history_keep:", "history_keep", 50),
        ("\ufeffhistory_keep: '7'", "history_keep", 7),
    ],
)
def test_values_are_read_in_every_form(
    home: Home, text: str, attribute: str, value: object
) -> None:
    write(home.config, text)
    loaded = load_config(home, None, {})
    assert loaded.problems == ()
    assert getattr(loaded.config, attribute) == value


def test_sections_are_reached_from_the_environment(home: Home) -> None:
    environment = {"PRODIGY__CLAUDE__PROGRAM": "cc", "PRODIGY__CLAUDE__FLAGS": "-p --verbose"}
    config = load_config(home, None, environment).config
    assert (config.claude_program, config.claude_flags) == ("cc", ("-p", "--verbose"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("history_keep: many", ":1:1: error: 'history_keep' expects a whole number from 1"),
        ("log_level: info\nclaude: {program: [a]}", ":2:10: error: 'claude.program' expects"),
        ("histroy_keep: 5", ":1:1: warning: unknown key 'histroy_keep', ignored; did you mean"),
        ("- a", ":1:1: error: a map of settings is expected"),
        ("a: [", "error: not YAML"),
        ("log_level: info\nlog_level: warn", ":2:1: error: 'log_level' is also on line 1"),
        ("prodigy_home: /x", "does not move the home"),
        ("stall_after: soon", "expects a duration"),
        ("claude_api_key: [sk-secret]", "got a secret"),
    ],
)
def test_problems_have_places(home: Home, text: str, said: str) -> None:
    (problem,) = problems_of(home, text)
    assert said in problem
    assert problem.startswith(str(home.config))
    assert "sk-secret" not in problem


def test_all_problems_are_told_and_the_rest_still_holds(home: Home) -> None:
    assert len(problems_of(home, "history_keep: x\nstall_after: y\nlog_level: debug\n")) == 2
    assert load_config(home, None, {}).config.log_level == "debug"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\0\0\0", b"a:\n\t- b"])
def test_a_file_that_is_no_text_is_a_problem_and_no_crash(home: Home, content: bytes) -> None:
    home.root.mkdir()
    home.config.write_bytes(content)
    loaded = load_config(home, None, {})
    assert loaded.has_errors
    assert loaded.config == Config()


def test_a_directory_in_its_place_is_a_problem(home: Home) -> None:
    home.config.mkdir(parents=True)
    assert load_config(home, None, {}).has_errors


def test_a_bad_variable_is_named(home: Home) -> None:
    (problem,) = load_config(home, None, {"PRODIGY__HISTORY_KEEP": "0"}).problems
    assert "PRODIGY__HISTORY_KEEP" in str(problem)


@given(st.binary(max_size=200))
def test_no_content_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    home.config.write_bytes(data)
    load_config(home, None, {})


# -- changing


@pytest.mark.parametrize(
    "before",
    [
        "",
        "# only a comment\n",
        "log_level: info # loud\n",
        "a: 1\nclaude:\n    # mine\n    program: x\nb: 2",
        "claude: {program: x, flags: [a]}\n",
    ],
)
@pytest.mark.parametrize(
    ("path", "value"), [("log_level", "debug"), ("claude.program", "cc"), ("history_keep", "9")]
)
def test_a_value_is_set_and_everything_else_stays(before: str, path: str, value: str) -> None:
    after = with_value(before, path, value)
    document = yaml.safe_load(after)
    for part in path.split("."):
        document = document[part]
    assert str(document) == value
    kept = yaml.safe_load(before) or {}
    for key in kept:
        assert key in yaml.safe_load(after)
    for line in before.splitlines():
        if line.strip().startswith("#"):
            assert line in after.splitlines()


def test_a_list_over_several_lines_is_left_to_a_person() -> None:
    with pytest.raises(ValueError, match="several lines"):
        with_value("claude:\n  flags:\n    - a\n    - b\n", "claude.flags", "[c]")


def test_the_old_content_is_kept_and_a_link_is_written_through(home: Home, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "config.yml"
    write(real, "log_level: info\n")
    home.root.mkdir()
    home.config.symlink_to(real)
    setting = find_setting("log_level")
    assert setting is not None
    set_in_home(home, setting, "debug")
    assert home.config.is_symlink()
    assert real.read_text() == "log_level: debug\n"
    assert real.with_name("config.yml.bak").read_text() == "log_level: info\n"


@pytest.mark.parametrize("value", ["", "not a number", "-1"])
def test_a_value_that_does_not_fit_is_refused(home: Home, value: str) -> None:
    setting = find_setting("history_keep")
    assert setting is not None
    with pytest.raises(NotSettable) as refused:
        set_in_home(home, setting, value)
    assert refused.value.is_usage
    assert not home.config.exists()


def test_text_that_yaml_would_read_otherwise_is_quoted(home: Home) -> None:
    setting = find_setting("claude.program")
    assert setting is not None
    for value in ("a: b", "# x", "null", "it's", "[x]"):
        set_in_home(home, setting, value)
        assert load_config(home, None, {}).config.claude_program == value


def test_every_setting_has_a_default_and_its_own_attribute() -> None:
    attributes = [setting.attribute for setting in SETTINGS]
    assert len(set(attributes)) == len(attributes)
    assert set(attributes) == set(Config.__dataclass_fields__)
