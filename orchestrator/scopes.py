"""What a text or expression of a step may refer to, and the values computed for it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from orchestrator.variables import Variables
from orchestrator.workflow.interpolation import InterpolationError
from orchestrator.workflow.values import MISSING, render

_FILE_LIMIT = 1024 * 1024

RunShell = Callable[[str], str]
"""Gives what a command prints; raises ``InterpolationError`` when it fails or takes too long."""


class StepScope:
    """The names one step sees. ``cmd:``, ``file:`` and ``env.`` are computed once per step.

    Args:
        variables: the layered variables.
        declared: the declared environment (env files, ``env``, profile, step ``env``, secrets).
        process: the environment prodigy was started in.
        directory: where ``file:`` paths start, and ``cmd:`` commands unless the step has a
            ``working_dir``.
        run_shell: runs a ``cmd:`` command.
    """

    def __init__(
        self,
        variables: Variables,
        declared: Mapping[str, str],
        process: Mapping[str, str],
        directory: Path,
        run_shell: RunShell,
    ) -> None:
        self.variables = variables
        self.declared = declared
        self.process = process
        self._directory = directory
        self.command_directory = directory
        self._run_shell = run_shell
        self._computed: dict[tuple[str, str], str] = {}

    def lookup(self, name: str) -> object:
        return self.variables.lookup(name)

    def names(self) -> Iterable[str]:
        return self.variables.names()

    def computed(self, kind: str, argument: str) -> str:
        """The value of ``${kind:argument}``.

        Raises:
            InterpolationError: it cannot be had.
        """
        if kind == "uuid":
            return str(uuid.uuid4())
        if kind == "date":
            return datetime.now().astimezone().strftime(argument)
        known = self._computed.get((kind, argument))
        if known is None:
            known = self._compute(kind, argument)
            self._computed[kind, argument] = known
        return known

    def _compute(self, kind: str, argument: str) -> str:
        match kind:
            case "env":
                return self.declared.get(argument, self.process.get(argument, ""))
            case "file":
                return self._file(argument)
            case "cmd":
                return self._run_shell(argument)
            case "json":
                return self._json_path(argument)
        raise InterpolationError(f"unknown computed value '{kind}:'")

    def _file(self, name: str) -> str:
        path = self._directory / Path(name).expanduser()
        try:
            with path.open("rb") as file:
                data = file.read(_FILE_LIMIT + 1)
        except OSError as error:
            raise InterpolationError(f"${{file:{name}}}: {error.strerror}") from None
        if len(data) > _FILE_LIMIT:
            raise InterpolationError(f"${{file:{name}}}: larger than 1 MiB")
        return data.decode("utf-8", "replace").removesuffix("\n")

    def _json_path(self, argument: str) -> str:
        import json

        import jsonpath

        path, _, name = argument.partition(":from:")
        source = self.lookup(name)
        if isinstance(source, str):
            try:
                source = json.loads(source)
            except ValueError as error:
                raise InterpolationError(f"${{json:…:from:{name}}}: {error}") from None
        if source is MISSING or source is None:
            raise InterpolationError(f"${{json:…:from:{name}}}: {name} is not defined")
        try:
            found = jsonpath.findall(path, source)  # type: ignore[arg-type]
        except jsonpath.JSONPathError as error:
            raise InterpolationError(f"${{json:{path}…}}: {error}") from None
        if not found:
            raise InterpolationError(f"${{json:{path}:from:{name}}}: nothing there")
        return render(found[0])
