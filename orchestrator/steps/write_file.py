"""The ``write_file`` step: one file, written whole, its mode set."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from orchestrator.context import RunContext
from orchestrator.outcomes import CommandOutcome
from orchestrator.texts import resolve_text
from orchestrator.workflow.interpolation import TextKind
from orchestrator.workflow.model import WriteFile

if TYPE_CHECKING:
    from orchestrator.commands import PreparedStep

EXIT_FAILED = 1


class _CannotWrite(Exception):
    """The file cannot be written as asked."""


def write_file(ctx: RunContext, prepared: PreparedStep) -> CommandOutcome:
    """Write the file of a step; paths are relative to the worktree.

    Raises:
        TextError: its path or content cannot be resolved.
    """
    started = time.monotonic()
    wanted = prepared.step.write_file
    if wanted is None:
        return CommandOutcome(exit_code=EXIT_FAILED, error="write_file has no content")
    path_text = resolve_text(ctx, wanted.path, prepared.scope, TextKind.OTHER).text
    content = _resolved(ctx, prepared, wanted.content)
    try:
        data = _encoded(wanted, content)
        _write(_checked_path(ctx, path_text), data, wanted)
    except _CannotWrite as error:
        return CommandOutcome(exit_code=EXIT_FAILED, error=str(error))
    except OSError as error:
        message = f"cannot write {path_text}: {error.strerror}"
        return CommandOutcome(exit_code=EXIT_FAILED, error=message)
    return CommandOutcome(
        result=f"Wrote {len(data)} bytes to {path_text}",
        duration_seconds=time.monotonic() - started,
    )


def _resolved(ctx: RunContext, prepared: PreparedStep, content: object) -> object:
    if isinstance(content, str):
        return resolve_text(ctx, content, prepared.scope, TextKind.OTHER).text
    if isinstance(content, Mapping):
        return {str(key): _resolved(ctx, prepared, value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_resolved(ctx, prepared, value) for value in content]
    return content


def _checked_path(ctx: RunContext, text: str) -> Path:
    path = Path(text).expanduser()
    if not text.strip() or ".." in path.parts:
        raise _CannotWrite(f"Invalid path: {text!r}")
    return ctx.worktree / path


def _encoded(wanted: WriteFile, content: object) -> bytes:
    match wanted.format:
        case "json":
            return _as_json(content).encode()
        case "yaml":
            return _as_yaml(content).encode()
    return str(content).encode()


def _as_json(content: object) -> str:
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError as error:
            raise _CannotWrite(f"Invalid JSON: {error}") from None
    return json.dumps(content, indent=2, ensure_ascii=False)


def _as_yaml(content: object) -> str:
    import yaml

    if isinstance(content, str):
        try:
            content = yaml.safe_load(content)
        except yaml.YAMLError as error:
            raise _CannotWrite(f"Invalid YAML: {error}") from None
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return text


def _write(path: Path, data: bytes, wanted: WriteFile) -> None:
    if wanted.create_dirs:
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        temporary.write_bytes(data)
        temporary.chmod(wanted.mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
