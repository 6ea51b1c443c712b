"""``prodigy config``: the settings in effect, where they come from, what is wrong with them."""

from __future__ import annotations

from pathlib import Path

from app.cli.command import Entry, LazyGroup, argument, command, flag, nearest_word
from app.cli.failure import EXIT_FAILED, CommandFailed, not_found, usage_error
from app.cli.invocation import Invocation
from app.cli.places import tilde
from app.cli.problems import count_of, described, problem_object
from app.cli.running_config import repository_of
from orchestrator.config import (
    LoadedConfig,
    Setting,
    SettingValue,
    find_setting,
    load_config,
    paths,
)

_HIDDEN = "***"

config = LazyGroup(
    "config",
    {
        "show": Entry("app.cli.config:show", "Show the settings in effect."),
        "trace": Entry("app.cli.config:trace", "Show where each setting comes from."),
        "validate": Entry("app.cli.config:validate", "Check every layer of the configuration."),
        "set": Entry("app.cli.config:set_value", "Set one value in the home's config.yml."),
    },
    help="Show, trace, check and set the configuration.",
    examples=("prodigy config show", "prodigy config trace log_level"),
)


def _load(invocation: Invocation) -> LoadedConfig:
    return load_config(invocation.home, repository_of(Path.cwd()), invocation.environment)


def _chosen(path: str | None) -> list[str]:
    """The paths meant: all, one, or those of a section.

    Raises:
        CommandFailed: there is no such path.
    """
    if path is None:
        return list(paths())
    found = [known for known in paths() if known == path or known.startswith(f"{path}.")]
    if not found:
        near = nearest_word(path, paths())
        raise not_found(
            f"No value found at path: {path}", f"prodigy config show {near}" if near else ""
        )
    return found


def _shown(setting: Setting, value: object) -> object:
    """A value as it may be shown: secrets masked."""
    if setting.secret and value is not None:
        return _HIDDEN
    return list(value) if isinstance(value, tuple) else value


def _words(setting: Setting, value: object) -> str:
    shown = _shown(setting, value)
    if shown is None:
        return "–"
    if isinstance(shown, bool):
        return str(shown).lower()
    if isinstance(shown, list):
        return " ".join(map(str, shown))
    return str(shown) if shown != {} else "–"


@command(
    "show",
    help="Show the settings in effect, all of them or those at PATH.",
    examples=("prodigy config show", "prodigy config show claude.flags"),
)
@argument("path", required=False, metavar="[PATH]")
def show(invocation: Invocation, *, path: str | None) -> None:
    chosen = _chosen(path)
    loaded = _load(invocation)
    out = invocation.out
    values = {name: loaded.history[name][-1] for name in chosen}
    if out.settings.json:
        out.json({name: _shown(value.setting, value.value) for name, value in values.items()})
        return
    if not out.settings.quiet:
        out.line("Effective configuration:")
    out.record([[(f"  {name}", _words(one.setting, one.value)) for name, one in values.items()]])


@command(
    "trace",
    help="Show what every layer says about a setting, the weakest first.",
    examples=("prodigy config trace log_level", "prodigy config trace --overrides"),
)
@argument("path", required=False, metavar="[PATH]")
@flag("--all", "everything", help="Every setting.")
@flag("--overrides", help="Only settings that are not at their default.")
@flag("--diagnose", help="Also what is wrong in the layers.")
def trace(
    invocation: Invocation, *, path: str | None, everything: bool, overrides: bool, diagnose: bool
) -> None:
    if path is not None and everything:
        raise usage_error("PATH and --all contradict each other")
    chosen = _chosen(path)
    loaded = _load(invocation)
    histories = {
        name: loaded.history[name]
        for name in chosen
        if not overrides or len(loaded.history[name]) > 1
    }
    out = invocation.out
    if out.settings.json:
        document: dict[str, object] = {
            "settings": [_history_object(name, values) for name, values in histories.items()],
            "total": len(histories),
        }
        if diagnose:
            document["problems"] = [problem_object(problem) for problem in loaded.problems]
        out.json(document)
        return
    if not histories:
        out.line("Every setting is at its default.")
    for name, values in histories.items():
        _tell_history(invocation, name, values)
    if diagnose:
        _tell_problems(invocation, loaded)


def _history_object(name: str, values: tuple[SettingValue, ...]) -> dict[str, object]:
    return {
        "path": name,
        "value": _shown(values[-1].setting, values[-1].value),
        "history": [
            {"source": value.source, "value": _shown(value.setting, value.value)}
            for value in values
        ],
    }


def _tell_history(invocation: Invocation, name: str, values: tuple[SettingValue, ...]) -> None:
    out = invocation.out
    texts = [_words(value.setting, value.value) for value in values]
    widest = max(map(len, texts))
    out.line(out.own(f"{name}: {texts[-1]}"))
    for place, (value, text) in enumerate(zip(values, texts, strict=True)):
        last = place == len(values) - 1
        branch = ("`-- " if last else "|-- ") if out.ascii else ("└── " if last else "├── ")
        mark = ("   <- final value" if out.ascii else "   ← final value") if last else ""
        out.line(f"{branch}{out.own(f'{text:{widest}}')}   {tilde(value.source)}{mark}")


@command(
    "validate",
    help="Check every layer of the configuration; exit 1 when something is wrong.",
    examples=("prodigy config validate", "prodigy config validate --json"),
)
def validate(invocation: Invocation) -> int | None:
    loaded = _load(invocation)
    out = invocation.out
    if out.settings.json:
        out.json({
            "valid": not loaded.has_errors,
            "problems": [problem_object(problem) for problem in loaded.problems],
        })  # fmt: skip
    else:
        _tell_problems(invocation, loaded)
    return EXIT_FAILED if loaded.has_errors else None


def _tell_problems(invocation: Invocation, loaded: LoadedConfig) -> None:
    out = invocation.out
    if not loaded.problems:
        out.line("The configuration is valid.")
        return
    for problem in loaded.problems:
        out.line(out.own(described(problem)))
    out.line(count_of(loaded.problems))


@command(
    "set",
    help="Set one value in config.yml of the home; comments and other lines stay.",
    examples=("prodigy config set log_level debug", "prodigy config set stall_after 20m"),
)
@argument("path", metavar="PATH")
@argument("value", metavar="VALUE")
def set_value(invocation: Invocation, *, path: str, value: str) -> None:
    from orchestrator.config_edit import NotSettable, set_in_home

    _chosen(path)
    setting = find_setting(path)
    if setting is None:
        raise usage_error(f"'{path}' is a section; name one of its values")
    try:
        file = set_in_home(invocation.home, setting, value)
    except NotSettable as error:
        if error.is_usage:
            raise usage_error(str(error)) from None
        raise CommandFailed(str(error), code="not_settable") from None
    out = invocation.out
    if out.settings.json:
        out.json({"path": path, "value": _HIDDEN if setting.secret else value, "file": str(file)})
        return
    out.line(f"{path} is set in {tilde(file)}")
    loaded = _load(invocation)
    winner = loaded.history[path][-1]
    if winner.source != str(file):
        out.warning(f"{tilde(winner.source)} says otherwise and wins")
