"""The command line that asks for the same run again, for a process of its own."""

from __future__ import annotations

from app.cli.settings import Settings
from orchestrator.reporting import RunRequest


def run_arguments(settings: Settings, request: RunRequest) -> list[str]:
    """The words after ``prodigy`` for this request, every path absolute, without ``--detach``."""
    words = ["run", str(request.workflow), f"--path={request.directory}"]
    words += [f"--map={pattern}" for pattern in request.map_patterns]
    words += [f"--args={value}" for value in request.args]
    words += [f"--param={name}={value}" for name, value in request.parameters.items()]
    if request.parameter_file is not None:
        words.append(f"--param-file={request.parameter_file}")
    if request.max_iterations is not None:
        words.append(f"--max-iterations={request.max_iterations}")
    if request.profile is not None:
        words.append(f"--profile={request.profile}")
    words += ["--strict"] * request.strict + ["--fail-fast"] * request.fail_fast
    if request.merge is not None:
        words.append("--yes" if request.merge else "--no-merge")
    return words + flags_of(settings)


def flags_of(settings: Settings) -> list[str]:
    """The global flags that matter for what a process of its own writes into its log."""
    flags = ["--verbose"] * settings.verbose + ["--debug"] * settings.debug
    return [*flags, "--plain"]
