"""The environment of a run, resolved once per attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.all_steps import every_step
from orchestrator.git.command import Git, identity_fallback
from orchestrator.reporting import RunRequest
from orchestrator.steps.masking import Secret, SecretKind, Secrets, looks_sensitive
from orchestrator.workflow.environment import (
    StartScope,
    StepEnvironment,
    is_base_name,
    step_environment,
)
from orchestrator.workflow.interpolation import InterpolationError, referred_names
from orchestrator.workflow.model import EnvEntry, EnvForm, Workflow
from orchestrator.workflow.problems import Problem
from orchestrator.workflow.start_environment import (
    active_profile,
    resolve_env_files,
    resolve_secrets,
)


@dataclass(frozen=True, slots=True)
class RunEnvironment:
    """What does not change while a run is in one owner's hands.

    ``process`` is what prodigy was started with, ``files`` the variables of the env files,
    ``secret_values`` those of ``secrets:``; ``git_identity`` is set where git has none.
    """

    workflow: Workflow
    process: Mapping[str, str]
    files: Mapping[str, str]
    secret_values: Mapping[str, str]
    profile: str | None
    branch: str | None
    secrets: Secrets
    git_identity: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    cached: dict[str, str] = field(default_factory=dict)
    """Values of ``{command, cache: true}`` entries."""

    @classmethod
    def resolve(
        cls,
        workflow: Workflow,
        process: Mapping[str, str],
        request: RunRequest,
        parameters: Mapping[str, object],
        *,
        claude_key: str | None = None,
    ) -> RunEnvironment:
        """Read env files and secrets; what is missing is in ``problems``, nothing is raised."""
        directory = request.workflow.parent
        profile, problems = active_profile(workflow, request.profile, process)
        scope = StartScope(parameters, process)
        files = resolve_env_files(workflow, directory, scope, profile)
        secrets = resolve_secrets(workflow, process, files.values, directory)
        masked = [
            *(Secret(name, value) for name, value in secrets.values.items()),
            *_declared(workflow, process, files.values, secrets.values, profile, scope),
            *_literals(workflow),
            *_sensitive({**files.values, **_texts(parameters)}),
        ]
        if claude_key:
            masked.append(Secret("claude_api_key", claude_key))
        return cls(
            workflow=workflow,
            process=process,
            files=files.values,
            secret_values=secrets.values,
            profile=profile,
            branch=None,
            secrets=Secrets(masked),
            git_identity={},
            problems=(*problems, *files.problems, *secrets.problems),
        )

    def in_repository(self, checkout: Path, branch: str | None) -> RunEnvironment:
        """The same, knowing the branch of the start and whether git has an identity here.

        Raises:
            GitError: there is no git.
        """
        identity = identity_fallback(Git(checkout, self.process))
        return replace(self, branch=branch, git_identity=identity)

    def described(self) -> dict[str, object]:
        """What a checkpoint says of it: names, never values."""
        return {
            "declared": sorted({entry.name for entry in self.workflow.env} | set(self.files)),
            "files": [{"path": file.path} for file in self.workflow.env_files],
            "inherited": sorted(_inherited(self.workflow, self.process)),
            "secrets": sorted(self.secret_values),
            "profile": self.profile,
        }

    @property
    def facts(self) -> Mapping[str, object]:
        """What expressions may use where no variable has the name: ``branch``, ``profile``."""
        known = {"branch": self.branch, "profile": self.profile}
        return {name: value for name, value in known.items() if value is not None}


# -- what is to be masked --------------------------------------------------------------------------


def secrets_of(environment: StepEnvironment) -> list[Secret]:
    """The values of an environment that the workflow calls secret, or that are named like one."""
    declared = environment.declared
    called = [Secret(name, declared[name]) for name in environment.secret if name in declared]
    others = {name: text for name, text in declared.items() if name not in environment.secret}
    return called + _sensitive(others)


def _declared(
    workflow: Workflow,
    process: Mapping[str, str],
    files: Mapping[str, str],
    secrets: Mapping[str, str],
    profile: str | None,
    scope: StartScope,
) -> list[Secret]:
    """Secrets in what all steps share, as far as their values are known before the first step."""
    try:
        shared = step_environment(
            workflow,
            None,
            process=process,
            files=files,
            secrets=secrets,
            profile=profile,
            scope=scope,
            run_command=None,
            cache={},
        )
    except InterpolationError:
        return []  # the step that needs the value says what is wrong with it
    return secrets_of(shared)


def _literals(workflow: Workflow) -> list[Secret]:
    """Secret values that stand in the file itself, in use or not: it is copied as a whole."""
    found: list[Secret] = []
    for entry in _entries(workflow):
        texts = [entry.text] if entry.form is EnvForm.TEXT else list(entry.profiles.values())
        plain = [text for text in texts if "$" not in text]
        if entry.secret:
            found += [Secret(entry.name, text) for text in plain]
        elif looks_sensitive(entry.name):
            found += [Secret(entry.name, text, SecretKind.NAMED) for text in plain]
    return found


def _entries(workflow: Workflow) -> list[EnvEntry]:
    """Every declared variable of a workflow, of its profiles, steps and blocks."""
    entries = list(workflow.env)
    for profile in workflow.profiles.values():
        entries += profile.env
    for step in every_step(workflow):
        entries += step.env
        for settings in filter(None, (block.settings for block in step.blocks)):
            entries += settings.env
            for profile in settings.profiles.values():
                entries += profile.env
    return entries


def _inherited(workflow: Workflow, process: Mapping[str, str]) -> set[str]:
    """The variables of the process environment that declared values are made of."""
    found: set[str] = set()
    for entry in _entries(workflow):
        for text in (entry.text, entry.command, *entry.profiles.values()):
            names = (name.removeprefix("env.") for name in referred_names(text))
            found.update(name for name in names if name in process and not is_base_name(name))
    return found


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _sensitive(values: Mapping[str, str]) -> list[Secret]:
    return [
        Secret(name, value, SecretKind.NAMED)
        for name, value in values.items()
        if looks_sensitive(name)
    ]
