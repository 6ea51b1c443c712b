"""The environment of a run, resolved once per attempt, and that of each of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.all_steps import every_step
from orchestrator.context import Frame, RunContext, deadline_after, earliest
from orchestrator.git.command import Git, identity_fallback
from orchestrator.reporting import RunRequest
from orchestrator.scopes import StepScope
from orchestrator.steps.masking import Secret, SecretKind, Secrets, looks_sensitive
from orchestrator.steps.process import ProcessSpec
from orchestrator.texts import TextError
from orchestrator.workflow.environment import (
    StartScope,
    StepEnvironment,
    is_base_name,
    step_environment,
)
from orchestrator.workflow.interpolation import InterpolationError, referred_names
from orchestrator.workflow.model import EnvEntry, EnvForm, Step, Workflow
from orchestrator.workflow.problems import Problem
from orchestrator.workflow.shell_names import exports_for
from orchestrator.workflow.start_environment import (
    active_profile,
    resolve_env_files,
    resolve_secrets,
)

_COMMAND_SECONDS = 30.0
_SHOWN_CHARACTERS = 200


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

    def for_step(
        self, ctx: RunContext, step: Step, frame: Frame
    ) -> tuple[StepEnvironment, StepScope]:
        """The environment of a step and the names it sees; computed once per step and frame.

        Raises:
            TextError: a value of the environment cannot be made.
        """
        known = frame.environments.get(id(step))
        if known is None:
            known = self._for_step(ctx, step, frame)
            frame.environments[id(step)] = known
        return known

    def scope_for(self, ctx: RunContext, step: Step, frame: Frame) -> StepScope:
        """The names a step sees, its environment left out where that cannot be made."""
        try:
            return self.for_step(ctx, step, frame)[1]
        except TextError:
            return self._scope(ctx, frame, {})

    def _scope(self, ctx: RunContext, frame: Frame, values: Mapping[str, str]) -> StepScope:
        scope: StepScope

        def run_computed(text: str) -> str:
            exports = exports_for(text, frame.variables.lookup).entries
            exported = {name: value for name, value in exports.items() if may_export(name)}
            environment = {**values, **exported}
            return _shell_output(ctx, frame, text, environment, scope.command_directory)

        scope = StepScope(frame.variables, {}, self.process, ctx.worktree, run_computed)
        return scope

    def _for_step(
        self, ctx: RunContext, step: Step, frame: Frame
    ) -> tuple[StepEnvironment, StepScope]:
        values: dict[str, str] = {}
        scope = self._scope(ctx, frame, values)
        try:
            built = step_environment(
                self.workflow,
                step,
                process=self.process,
                files=self.files,
                secrets=self.secret_values,
                profile=self.profile,
                scope=scope,
                run_command=lambda text, env: _shell_output(ctx, frame, text, env, ctx.worktree),
                cache=self.cached,
                facts=self.facts,
            )
        except InterpolationError as error:
            raise TextError(f"env: {error}") from None
        ctx.secrets.learn(secrets_of(built))
        values.update(built.values)
        values.update(self.git_identity)
        values["PRODIGY_AUTOMATION"] = "true"
        if self.profile is not None:
            values["PRODIGY_PROFILE"] = self.profile
            values.setdefault("PROFILE", self.profile)
        argument = frame.variables.lookup("ARG")
        if isinstance(argument, str):
            values["PRODIGY_ARG"] = argument
        scope.declared = built.declared
        return replace(built, values=values), scope


def may_export(name: str) -> bool:
    """Whether a workflow variable of that name may be exported to a shell text that mentions it."""
    return not is_base_name(name) and not name.startswith("PRODIGY_")


def _shell_output(
    ctx: RunContext, frame: Frame, text: str, environment: Mapping[str, str], directory: Path
) -> str:
    """What a small command prints, for ``cmd:`` and ``{command}`` values.

    Raises:
        InterpolationError: it failed or took longer than 30 seconds.
    """
    frame.nested += 1
    spec = ProcessSpec(
        argv=("sh", "-c", text),
        cwd=directory,
        env=environment,
        marks=(ctx.session_id, f"{frame.mark}.{frame.nested}"),
    )
    deadline = earliest(frame.deadline, deadline_after(_COMMAND_SECONDS))
    result = ctx.processes.run(spec, log=None, stop=ctx.stops.now, deadline=deadline)
    ctx.stops.check_now()
    if result.timed_out:
        raise InterpolationError(f"`{text}` took longer than 30 s")
    if result.exit_code != 0:
        stderr = result.stderr.decode("utf-8", "replace").strip()
        said = ctx.secrets.mask_beginning(stderr, _SHOWN_CHARACTERS)
        code = result.exit_code
        raise InterpolationError(f"`{text}` failed with exit code {code} {said}".rstrip())
    return result.stdout.decode("utf-8", "replace").rstrip("\n")


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
