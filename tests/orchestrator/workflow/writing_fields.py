"""The parts of a workflow document that hold no steps: declarations, and fields of steps."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orchestrator.workflow.model import (
    Backoff,
    BackoffKind,
    Capture,
    CommitConfig,
    Duration,
    EnvEntry,
    EnvForm,
    Parameter,
    Profile,
    Retry,
    RetryPattern,
    SecretEntry,
    StepCheck,
    StepCheckCommand,
    Workflow,
)

Document = dict[str, Any]


def said(document: Document) -> Document:
    """Without what is not there: nulls."""
    return {key: value for key, value in document.items() if value is not None}


def surroundings(workflow: Workflow) -> Document:
    """What a file and a sub-workflow that is written in one can both say."""
    return {
        "env": env_map(workflow.env),
        "env_files": [{"path": f.path, "required": f.required} for f in workflow.env_files],
        "secrets": {entry.name: _secret(entry) for entry in workflow.secrets},
        "profiles": {name: _profile(profile) for name, profile in workflow.profiles.items()},
        "defaults": dict(workflow.defaults),
        "max_parallel": workflow.max_parallel,
        "strict_variables": workflow.strict_variables,
    }


# -- declarations ---------------------------------------------------------------------------------


def env_map(entries: tuple[EnvEntry, ...]) -> Document:
    return {entry.name: _env_entry(entry) for entry in entries}


def _env_entry(entry: EnvEntry) -> Document:
    if entry.form is EnvForm.TEXT:
        value: Document = {"value": entry.text}
    elif entry.form is EnvForm.COMMAND:
        value = {"command": entry.command, "cache": entry.cache}
    elif entry.form is EnvForm.CONDITION:
        assert entry.condition is not None
        value = {
            "condition": entry.condition.text,
            "when_true": entry.when_true,
            "when_false": entry.when_false,
        }
    else:
        value = {profile: {"value": text} for profile, text in entry.profiles.items()}
    return {**value, "secret": entry.secret}


def _secret(entry: SecretEntry) -> Document:
    return said(
        {
            "provider": entry.provider,
            "key": entry.key,
            "default": entry.default,
            "version": entry.version,
        }
    )


def _profile(profile: Profile) -> Document:
    return said({"description": profile.description, "env": env_map(profile.env)})


def parameter_map(parameter: Parameter) -> Document:
    return said(
        {
            "type": parameter.type,
            "required": parameter.required,
            "default": parameter.default,
            "description": parameter.description,
            "validation": parameter.validation.text if parameter.validation is not None else None,
        }
    )


# -- fields of steps ------------------------------------------------------------------------------


def duration_text(duration: Duration | None) -> str | None:
    if duration is None or duration.text is not None:
        return None if duration is None else duration.text
    assert duration.seconds is not None
    return format(Decimal(repr(duration.seconds)), "f")


def capture_fields(capture: Capture) -> Document:
    document: Document = dict(zip(("capture_output", "capture"), capture.names, strict=False))
    if not capture.kept:
        document["capture_output"] = False
    document["capture_format"] = str(capture.format)
    document["capture_streams"] = list(capture.streams)
    if capture.dropped or not capture.streams:
        off = dict.fromkeys(sorted(capture.dropped), False)
        document["capture_streams"] = dict.fromkeys(capture.streams, True) | off
    return document


def commit_map(config: CommitConfig) -> Document:
    return said(
        {
            "message_template": config.message_template,
            "message_pattern": config.message_pattern,
            "author": config.author,
            "sign": config.sign,
            "include_files": list(config.include_files),
            "exclude_files": list(config.exclude_files),
            "squash": config.squash,
        }
    )


def retry_map(retry: Retry) -> Document:
    exhausted: object = retry.exhausted
    if exhausted == "fallback":
        exhausted = {"fallback": {"command": retry.fallback}}
    return said(
        {
            "attempts": retry.attempts,
            "backoff": _backoff(retry.backoff),
            "initial_delay": duration_text(retry.initial_delay),
            "max_delay": duration_text(retry.max_delay),
            "jitter": retry.jitter,
            "jitter_factor": retry.jitter_factor,
            "retry_on": [_cause(cause) for cause in retry.retry_on],
            "retry_budget": duration_text(retry.budget),
            "on_failure": exhausted,
        }
    )


def _cause(cause: RetryPattern) -> object:
    return cause.word if cause.pattern is None else {"pattern": cause.pattern}


def _backoff(backoff: Backoff) -> Document:
    document = {"type": str(backoff.kind), "initial": duration_text(backoff.initial)}
    if backoff.kind is BackoffKind.LINEAR:
        document["increment"] = duration_text(backoff.increment)
    elif backoff.kind is BackoffKind.EXPONENTIAL:
        document["base"] = repr(backoff.base)
    elif backoff.kind is BackoffKind.CUSTOM:
        return said({**document, "delays": [duration_text(delay) for delay in backoff.delays]})
    return said(document)


def check_map(check: StepCheck) -> Document:
    at_least = {"at_least": check.at_least}
    return said(
        {
            "commands": [_check_command(command) for command in check.commands],
            "success_criteria": at_least if check.criteria == "at_least" else check.criteria,
            "max_attempts": check.max_attempts,
            "retry_delay": duration_text(check.retry_delay),
        }
    )


def _check_command(command: StepCheckCommand) -> Document:
    return said(
        {
            "claude": command.text,  # the only place where a text is taken as it is
            "command_type": str(command.kind),
            "expect_output": command.expect_output,
            "expect_exit_code": command.expect_exit_code,
        }
    )
