"""The environment of steps, layer by layer (pure: commands are run by whoever asks).

Layers, later ones win: process environment, env files, ``defaults``, ``env``, active profile, the
step's ``env``, secrets. What Prodigy itself sets comes on top and is not made here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from types import MappingProxyType

from orchestrator.workflow.interpolation import (
    InterpolationError,
    Scope,
    TextKind,
    interpolate,
)
from orchestrator.workflow.model import EnvEntry, EnvForm, Step, Workflow
from orchestrator.workflow.values import MISSING, render

GIT_LOCATION = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_PREFIX",
        "GIT_NAMESPACE",
    }
)
"""Never handed down, so that a run started from a git hook works on its own worktree."""

_BASE = re.compile(r"(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TERM|LANG|LC_.*)\Z")

RunCommand = Callable[[str, Mapping[str, str]], str]
"""Runs a shell text in an environment and gives its stdout without trailing newlines.

It raises ``InterpolationError`` when the command fails."""


_NO_NAMES: Mapping[str, str] = MappingProxyType({})


def base_environment(process: Mapping[str, str], *, inherit: bool = True) -> dict[str, str]:
    """The first layer: the process environment without git's location variables.

    Args:
        process: what ``prodigy`` was started with.
        inherit: False keeps only the base set (``PATH``, ``HOME``, …).
    """
    return {
        name: value
        for name, value in process.items()
        if name not in GIT_LOCATION and (inherit or _BASE.match(name) is not None)
    }


def is_base_name(name: str) -> bool:
    """Whether a variable belongs to the base set, which exports of variables never replace."""
    return _BASE.match(name) is not None


# -- scopes ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartScope:
    """The names known before the first step: parameters, and no computed values but ``env.``."""

    variables: Mapping[str, object]
    process: Mapping[str, str]
    declared: Mapping[str, str] = field(default_factory=lambda: _NO_NAMES)

    def lookup(self, name: str) -> object:
        return self.variables.get(name, MISSING)

    def names(self) -> Iterable[str]:
        return self.variables.keys()

    def computed(self, kind: str, argument: str) -> str:
        raise InterpolationError(f"'{kind}:{argument}' is not known before the first step")


class LayerScope:
    """The names an ``env`` value sees: variables, then the layers built so far."""

    def __init__(self, scope: Scope, built: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        self._scope = scope
        self._built = built
        self._secrets = secrets

    @property
    def declared(self) -> Mapping[str, str]:
        # a secret is a layer above; it is only seen where nothing below has the name
        return {**self._secrets, **self._built}

    @property
    def process(self) -> Mapping[str, str]:
        return self._scope.process

    def lookup(self, name: str) -> object:
        return self._scope.lookup(name)

    def names(self) -> Iterable[str]:
        return self._scope.names()

    def computed(self, kind: str, argument: str) -> str:
        return self._scope.computed(kind, argument)


# -- one step -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StepEnvironment:
    """What a step starts with.

    ``values`` is the whole environment, ``declared`` the part the workflow names, ``secret`` the
    names in it whose values the workflow calls secret.
    """

    values: Mapping[str, str]
    declared: Mapping[str, str]
    secret: frozenset[str]


def step_environment(
    workflow: Workflow,
    step: Step | None,
    *,
    process: Mapping[str, str],
    files: Mapping[str, str],
    secrets: Mapping[str, str],
    profile: str | None,
    scope: Scope,
    run_command: RunCommand | None,
    cache: MutableMapping[str, str],
    facts: Mapping[str, object] | None = None,
) -> StepEnvironment:
    """Builds the environment of a step, layer by layer, each value seeing what is below it.

    Args:
        workflow: what declares the layers.
        step: the step; None for what all steps share.
        process: what ``prodigy`` was started with.
        files: the variables of the env files.
        secrets: the resolved secrets.
        profile: the active profile.
        scope: the variables.
        run_command: runs the ``{command}`` values; None leaves those out.
        cache: values of ``cache: true`` commands; kept by the caller for the run.
        facts: ``branch`` and ``profile`` for conditions, where they are no variables.

    Raises:
        InterpolationError: a value cannot be made.
    """
    clear = step is not None and step.clear_env
    values = base_environment(process, inherit=workflow.inherit and not clear)
    builder = _Builder(
        values,
        scope,
        secrets,
        profile,
        run_command,
        cache,
        facts or {"profile": profile},
        workflow.strict_variables,
    )
    if not clear:
        builder.take(files)
    builder.take({name: render(value) for name, value in workflow.defaults.items()})
    if not clear:
        builder.evaluate(workflow.env)
        active = workflow.profiles.get(profile) if profile is not None else None
        builder.evaluate(active.env if active is not None else ())
    if step is not None:
        builder.evaluate(step.env)
    builder.take(secrets)
    builder.secret.update(secrets)
    return StepEnvironment(values, builder.declared, frozenset(builder.secret))


class _Builder:
    """The environment of one step as it grows."""

    def __init__(
        self,
        values: dict[str, str],
        scope: Scope,
        secrets: Mapping[str, str],
        profile: str | None,
        run_command: RunCommand | None,
        cache: MutableMapping[str, str],
        facts: Mapping[str, object],
        strict: bool,
    ) -> None:
        self._values = values
        self._scope = scope
        self._secrets = secrets
        self._profile = profile
        self._run_command = run_command
        self._cache = cache
        self._facts = facts
        self._strict = strict
        self.declared: dict[str, str] = {}
        self.secret: set[str] = set()

    def take(self, layer: Mapping[str, str]) -> None:
        self._values.update(layer)
        self.declared.update(layer)

    def evaluate(self, entries: Iterable[EnvEntry]) -> None:
        """Adds entries in order; each sees those above it."""
        for entry in entries:
            value = self._value(entry)
            if value is None:
                continue
            if "\0" in value:
                raise InterpolationError(f"the value of '{entry.name}' has a NUL character in it")
            self.take({entry.name: value})
            if entry.secret:
                self.secret.add(entry.name)

    def _value(self, entry: EnvEntry) -> str | None:
        match entry.form:
            case EnvForm.TEXT:
                return self._text(entry.text)
            case EnvForm.COMMAND:
                return self._command(entry)
            case EnvForm.CONDITION:
                scope = LayerScope(self._scope, self._values, self._secrets)
                chosen = entry.condition is not None and entry.condition.is_true(
                    scope, given=self._facts
                )
                return self._text(entry.when_true if chosen else entry.when_false)
            case EnvForm.BY_PROFILE:
                text = entry.profiles.get(self._profile or "default")
                if text is None:
                    text = entry.profiles.get("default")
                return None if text is None else self._text(text)

    def _text(self, text: str) -> str:
        if "$" not in text and "\\" not in text:
            return text
        scope = LayerScope(self._scope, self._values, self._secrets)
        return interpolate(text, scope, TextKind.OTHER, strict=self._strict).text

    def _command(self, entry: EnvEntry) -> str | None:
        if self._run_command is None:
            return None
        key = f"{entry.position}:{entry.name}"
        if entry.cache and key in self._cache:
            return self._cache[key]
        scope = LayerScope(self._scope, self._values, self._secrets)
        rendered = interpolate(entry.command, scope, TextKind.SHELL, strict=self._strict)
        output = self._run_command(rendered.text, {**rendered.exports, **self._values})
        if entry.cache:
            self._cache[key] = output
        return output
