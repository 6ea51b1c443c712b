"""The parts of a workflow checkpoint: finished steps and what ``x_prodigy`` holds (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from store import fields
from store.atomic import dump_json
from store.times import duration_json, duration_seconds

OUTPUT_LIMIT_BYTES = 4 * 1024
PASSES_KEPT = 200


class CheckpointKind(StrEnum):
    """Why a checkpoint was written."""

    START = "start"
    STEP = "step"
    PASS = "pass"
    STOP = "stop"
    FAILURE = "failure"
    RESUME = "resume"
    REWIND = "rewind"
    FINAL = "final"


@dataclass(frozen=True)
class CompletedStep:
    """A step that is done: it succeeded, its failure was tolerated, or it was skipped.

    ``label`` and ``command`` are masked. Heads are full commit ids, None outside git.
    ``duration_seconds`` is the time of all its attempts of this pass.
    """

    index: int
    command: str = ""
    """Kind and text with variables not yet filled in, as in ``shell: make $TARGET``."""
    success: bool = True
    output: str | None = None
    """First 4 KiB of the captured output; the whole is in the log and in the variables."""
    duration_seconds: float = 0.0
    completed_at: str = ""
    kind: str = ""
    label: str = ""
    attempt: int = 1
    started_at: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    tolerated: bool = False
    skipped: str | None = None
    """Why it was skipped, or None."""
    head_before: str | None = None
    head_after: str | None = None
    commits: int = 0
    files_changed: int = 0
    git: dict[str, Any] | None = None
    """The ``step.*`` lists that later texts refer to."""
    log: str | None = None
    """Relative to the run's state directory."""
    log_bytes: int = 0
    usage: dict[str, Any] | None = None
    unknown: dict[str, Any] = field(default_factory=dict)
    unknown_x: dict[str, Any] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """Write the step as an entry of ``completed_steps``."""
        extension: dict[str, Any] = {
            "format": fields.FORMAT,
            "kind": self.kind,
            "label": self.label,
            "attempt": self.attempt,
            "started_at": self.started_at,
            "exit_code": self.exit_code,
            "signal": self.signal,
            "tolerated": self.tolerated,
            "skipped": self.skipped,
            "head_before": self.head_before,
            "head_after": self.head_after,
            "commits": self.commits,
            "files_changed": self.files_changed,
        }
        if self.git is not None:
            extension["git"] = self.git
        extension |= {"log": self.log, "log_bytes": self.log_bytes, "usage": self.usage}
        return {
            "step_index": self.index,
            "command": self.command,
            "success": self.success,
            "output": None if self.output is None else _cut(self.output),
            "captured_variables": {},
            "duration": duration_json(self.duration_seconds),
            "completed_at": self.completed_at,
            **self.unknown,
            "x_prodigy": extension | self.unknown_x,
        }

    @cached_property
    def encoded(self) -> bytes:
        """The entry as the checkpoint file has it, indented for its place there.

        A step never changes once it is done, so a run of many steps writes each only once.
        """
        return dump_json(self.to_document()).replace(b"\n", b"\n    ")

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> CompletedStep:
        """Read an entry of ``completed_steps``; what is missing has its default."""
        x = fields.table(document.get("x_prodigy"))
        success = document.get("success")
        command = fields.text(document.get("command"))
        return cls(
            index=fields.whole(document.get("step_index")),
            command=command,
            success=success if isinstance(success, bool) else True,
            output=fields.optional_text(document.get("output")),
            duration_seconds=duration_seconds(document.get("duration")),
            completed_at=fields.text(document.get("completed_at")),
            kind=fields.text(x.get("kind"), command.partition(":")[0]),
            label=fields.text(x.get("label"), command),
            attempt=fields.whole(x.get("attempt"), 1),
            started_at=fields.optional_text(x.get("started_at")),
            exit_code=fields.signed(x.get("exit_code")),
            signal=fields.optional_whole(x.get("signal")),
            tolerated=x.get("tolerated") is True,
            skipped=fields.optional_text(x.get("skipped")),
            head_before=fields.optional_text(x.get("head_before")),
            head_after=fields.optional_text(x.get("head_after")),
            commits=fields.whole(x.get("commits")),
            files_changed=fields.whole(x.get("files_changed")),
            git=fields.optional_table(x.get("git")),
            log=fields.optional_text(x.get("log")),
            log_bytes=fields.whole(x.get("log_bytes")),
            usage=fields.optional_table(x.get("usage")),
            unknown={k: v for k, v in document.items() if k not in _STEP_KEYS},
            unknown_x={k: v for k, v in x.items() if k not in _STEP_X_KEYS},
        )


_STEP_KEYS = frozenset(
    {"step_index", "command", "success", "output", "captured_variables", "duration"}
    | {"completed_at", "x_prodigy"}
)
_STEP_X_KEYS = frozenset(
    {"format", "kind", "label", "attempt", "started_at", "exit_code", "signal", "tolerated"}
    | {"skipped", "head_before", "head_after", "commits", "files_changed", "git", "log"}
    | {"log_bytes", "usage"}
)


def first_pass() -> dict[str, Any]:
    """The pass a run begins with: number 0, iteration 1 of 1, one input that says nothing."""
    return {
        "number": 0,
        "iteration": 1,
        "iterations_total": 1,
        "input_index": 0,
        "inputs_total": 1,
        "input": None,
        "head": None,
        "dirty": None,
    }


def no_usage() -> dict[str, Any]:
    """Usage of a run that has called nobody."""
    return {
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_read_tokens": 0,
        "cache_creation_tokens": 0,
        "cost_usd": None,
        "calls": 0,
    }


@dataclass(slots=True)
class XState:
    """What a checkpoint knows beyond the shared format; all texts are masked.

    The objects are written as they are; their keys are those of the state-file documentation.
    """

    session_id: str = ""
    attempt: int = 1
    pass_: dict[str, Any] = field(default_factory=first_pass)
    """number (0-based over the run), iteration, iterations_total, input_index, inputs_total,
    input, and head and dirty at its start."""
    passes: list[dict[str, Any]] = field(default_factory=list)
    """Finished ones: pass, started_at, ended_at, head, files_changed."""
    workflow_format: str = "yaml"
    workflow_files: list[dict[str, Any]] = field(default_factory=list)
    """role, path, sha256 and file (``workflow/{sha256}-{name}``, relative to the run's state)."""
    invocation: dict[str, Any] = field(default_factory=dict)
    repo: dict[str, Any] = field(default_factory=dict)
    worktree: dict[str, Any] = field(default_factory=dict)
    head_start: str | None = None
    head_last: str | None = None
    env: dict[str, Any] = field(default_factory=dict)
    in_flight: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    stop: dict[str, Any] | None = None
    spilled: dict[str, Any] = field(default_factory=dict)
    """Variables whose whole value lies in a file: {file, bytes, sha256}; kept by the store."""
    masked: dict[str, Any] = field(default_factory=dict)
    """The secrets whose markers a variable holds, by variable."""
    usage: dict[str, Any] = field(default_factory=no_usage)
    list_kinds: dict[str, str] = field(default_factory=dict)
    """How a variable that is a list reads as text, by variable."""
    unknown: dict[str, Any] = field(default_factory=dict)

    def to_document(self, *, seq: int, kind: CheckpointKind) -> dict[str, Any]:
        """Write the ``x_prodigy`` object of a checkpoint."""
        extension: dict[str, Any] = {
            "format": fields.FORMAT,
            "session_id": self.session_id,
            "seq": seq,
            "kind": str(kind),
            "attempt": self.attempt,
            "pass": self.pass_,
            "passes": self.passes[-PASSES_KEPT:],
            "workflow": {"format": self.workflow_format, "files": self.workflow_files},
            "invocation": self.invocation,
            "repo": self.repo,
            "worktree": self.worktree,
            "head": {"start": self.head_start, "last": self.head_last},
            "env": self.env,
            "in_flight": self.in_flight,
            "failure": self.failure,
            "stop": self.stop,
            "spilled": self.spilled,
            "masked": self.masked,
            "usage": self.usage,
        }
        if self.list_kinds:
            extension["list_kinds"] = self.list_kinds
        return extension | self.unknown

    @classmethod
    def parse(cls, x: Mapping[str, Any]) -> XState:
        """Read an ``x_prodigy`` object, or the lack of one; what is missing has its default."""
        workflow = fields.table(x.get("workflow"))
        head = fields.table(x.get("head"))
        kinds = fields.table(x.get("list_kinds"))
        return cls(
            session_id=fields.text(x.get("session_id")),
            attempt=fields.whole(x.get("attempt"), 1),
            pass_=first_pass() | fields.table(x.get("pass")),
            passes=fields.rows(x.get("passes")),
            workflow_format=fields.text(workflow.get("format"), "yaml"),
            workflow_files=fields.rows(workflow.get("files")),
            invocation=fields.table(x.get("invocation")),
            repo=fields.table(x.get("repo")),
            worktree=fields.table(x.get("worktree")),
            head_start=fields.optional_text(head.get("start")),
            head_last=fields.optional_text(head.get("last")),
            env=fields.table(x.get("env")),
            in_flight=fields.optional_table(x.get("in_flight")),
            failure=fields.optional_table(x.get("failure")),
            stop=fields.optional_table(x.get("stop")),
            spilled=fields.table(x.get("spilled")),
            masked=fields.table(x.get("masked")),
            usage=no_usage() | fields.table(x.get("usage")),
            list_kinds={name: kind for name, kind in kinds.items() if isinstance(kind, str)},
            unknown={key: value for key, value in x.items() if key not in _X_KEYS},
        )


_X_KEYS = frozenset(
    {"format", "session_id", "seq", "kind", "attempt", "pass", "passes", "workflow", "invocation"}
    | {"repo", "worktree", "head", "env", "in_flight", "failure", "stop", "spilled", "masked"}
    | {"usage", "list_kinds"}
)


def _cut(text: str) -> str:
    data = text[:OUTPUT_LIMIT_BYTES].encode(errors="replace")
    return data[:OUTPUT_LIMIT_BYTES].decode(errors="ignore")
