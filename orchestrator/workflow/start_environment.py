"""What a run resolves once, at its start and at each resume: profile, env files, secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from orchestrator.workflow.env_files import EnvFileError, read_env_file
from orchestrator.workflow.environment import LayerScope, StartScope, step_environment
from orchestrator.workflow.interpolation import (
    InterpolationError,
    Scope,
    TextKind,
    interpolate,
)
from orchestrator.workflow.model import SecretEntry, Workflow
from orchestrator.workflow.problems import Problem, Severity
from orchestrator.workflow.suggest import nearest

Provider = Callable[[str, str | None], str | None]
"""Gives the secret of a key and version, None when it has none."""

_NO_PROVIDERS: Mapping[str, Provider] = MappingProxyType({})


def active_profile(
    workflow: Workflow, chosen: str | None, process: Mapping[str, str]
) -> tuple[str | None, tuple[Problem, ...]]:
    """The profile of a run: ``--profile``, else ``PRODIGY_PROFILE``, else ``active_profile``."""
    name = chosen or process.get("PRODIGY_PROFILE") or workflow.active_profile
    if not name:
        return None, ()
    known = (*workflow.profiles, *_profiles_of_values(workflow))
    if name in known or (name == "default" and not workflow.profiles):
        return name, ()
    if not known and not chosen:
        # a profile exported for other workflows means nothing to one without profiles
        return name, ()
    among = f"; there is {', '.join(dict.fromkeys(known))}" if known else "; the file has none"
    problem = Problem(
        workflow.position,
        Severity.ERROR,
        "unknown_profile",
        f"unknown profile '{name}'{among}",
        nearest(name, known),
    )
    return name, (problem,)


def _profiles_of_values(workflow: Workflow) -> list[str]:
    return [profile for entry in workflow.env for profile in entry.profiles if profile != "default"]


@dataclass(frozen=True, slots=True)
class ResolvedFiles:
    values: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


def resolve_env_files(
    workflow: Workflow, directory: Path, scope: Scope, profile: str | None = None
) -> ResolvedFiles:
    """The variables of all env files, later files over earlier ones.

    Args:
        workflow: names the files; their names may refer to variables and ``env``.
        directory: that of the workflow file; relative paths start there.
        scope: parameters and the process environment.
        profile: the active profile.
    """
    if not workflow.env_files:
        return ResolvedFiles({})
    values: dict[str, str] = {}
    problems: list[Problem] = []
    try:
        shared = step_environment(
            workflow,
            None,
            process=scope.process,
            files={},
            secrets={},
            profile=profile,
            scope=scope,
            run_command=None,
            cache={},
        ).values
    except InterpolationError:
        shared = dict(scope.process)  # the step that needs the value says what is wrong with it
    for file in workflow.env_files:
        try:
            names = LayerScope(scope, shared, {})
            shown = interpolate(file.path, names, TextKind.OTHER).text
            values.update(read_env_file(directory / Path(shown).expanduser()))
        except FileNotFoundError:
            if file.required:
                message = f"required env file not found: {shown}"
                problems.append(Problem(file.position, Severity.ERROR, "missing_env_file", message))
        except (EnvFileError, InterpolationError, RuntimeError) as error:
            problems.append(Problem(file.position, Severity.ERROR, "bad_env_file", str(error)))
    return ResolvedFiles(values, tuple(problems))


@dataclass(frozen=True, slots=True)
class ResolvedSecrets:
    values: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


def resolve_secrets(
    workflow: Workflow,
    process: Mapping[str, str],
    files: Mapping[str, str],
    directory: Path,
    *,
    scope: Scope | None = None,
    providers: Mapping[str, Provider] = _NO_PROVIDERS,
) -> ResolvedSecrets:
    """The values of all declared secrets; every missing one is a problem.

    Args:
        workflow: declares them.
        process: the process environment.
        files: the variables of the env files; they win over the process environment.
        directory: that of the workflow file; relative paths of secret files start there.
        scope: resolves references in paths; the two environments when not given.
        providers: what is configured beside ``env`` and ``file``, by name.
    """
    environment = {**process, **files}
    names = scope or StartScope({}, process, environment)
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for secret in workflow.secrets:
        found, missing = _secret_value(secret, environment, names, directory, providers)
        if found is None:
            problems.append(Problem(secret.position, Severity.ERROR, "missing_secret", missing))
        else:
            values[secret.name] = found
    return ResolvedSecrets(values, tuple(problems))


def _secret_value(
    secret: SecretEntry,
    environment: Mapping[str, str],
    names: Scope,
    directory: Path,
    providers: Mapping[str, Provider],
) -> tuple[str | None, str]:
    """The value, or None and what to say about it."""
    if secret.provider == "file":
        try:
            shown = interpolate(secret.key, names, TextKind.OTHER).text
            text = (directory / Path(shown).expanduser()).read_text("utf-8")
        except (OSError, UnicodeDecodeError, RuntimeError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            found, said = None, f"Secret '{secret.name}' cannot be read from its file: {reason}"
        except InterpolationError as error:
            found, said = None, f"Secret '{secret.name}': {error}"
        else:
            return text.strip(), ""
    else:
        found, said = None, f"Secret not found in environment: {secret.key}"
        provider = providers.get(secret.provider)
        if provider is not None:
            found = provider(secret.key, secret.version)
            said = f"Secret not found by '{secret.provider}': {secret.key}"
        else:
            found = environment.get(secret.key)
    if not found and secret.default is not None:
        found = secret.default
    return found, said
