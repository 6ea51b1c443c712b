"""The typed model of a workflow: what every later stage works on, whatever the file looked like.

One step model serves every context (commands, setup, loop bodies, handlers, validators, merge,
agent templates). Texts are kept as written; they are interpolated when their step starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from orchestrator.workflow.problems import Position

if TYPE_CHECKING:
    from orchestrator.workflow.expressions import Expression

NOTHING: Mapping[str, str] = MappingProxyType({})


class StepKind(StrEnum):
    SHELL = "shell"
    CLAUDE = "claude"
    FOREACH = "foreach"
    WRITE_FILE = "write_file"
    VALIDATE = "validate"
    ANALYZE = "analyze"
    WORKFLOW = "workflow"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds, or a text with a reference that gives them when its step starts; 0 is no limit."""

    seconds: float | None = None
    text: str | None = None


# -- environment ----------------------------------------------------------------------------------


class EnvForm(StrEnum):
    TEXT = "text"
    COMMAND = "command"
    CONDITION = "condition"
    BY_PROFILE = "by_profile"


@dataclass(frozen=True, slots=True)
class EnvEntry:
    """One declared environment variable, in any of its forms."""

    name: str
    position: Position = field(compare=False)
    form: EnvForm = EnvForm.TEXT
    text: str = ""
    command: str = ""
    cache: bool = False
    condition: Expression | None = None
    when_true: str = ""
    when_false: str = ""
    profiles: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """By profile name; ``default`` is for every other."""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class EnvFile:
    path: str
    position: Position = field(compare=False)
    required: bool = False


@dataclass(frozen=True, slots=True)
class SecretEntry:
    """Where a secret comes from: ``provider`` is ``env``, ``file`` or a configured one."""

    name: str
    position: Position = field(compare=False)
    provider: str
    key: str
    default: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    position: Position = field(compare=False)
    env: tuple[EnvEntry, ...] = ()
    description: str | None = None


# -- what surrounds the command of a step ---------------------------------------------------------


class CaptureFormat(StrEnum):
    STRING = "string"
    JSON = "json"
    LINES = "lines"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Capture:
    """Where the output of a step goes. ``names`` are the variables that receive it.

    ``streams`` is ``("stdout",)``, ``("stderr",)``, ``("both",)`` or any of stdout, stderr,
    exit_code, success, duration; ``kept`` False (``capture_output: false``) stores nothing at all.
    """

    names: tuple[str, ...] = ()
    format: CaptureFormat = CaptureFormat.STRING
    streams: tuple[str, ...] = ("stdout",)
    dropped: frozenset[str] = frozenset()
    """Metadata switched off by name, such as ``duration``."""
    kept: bool = True


class BackoffKind(StrEnum):
    FIXED = "fixed"
    LINEAR = "linear"
    EXPONENTIAL = "exponential"
    FIBONACCI = "fibonacci"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Backoff:
    kind: BackoffKind = BackoffKind.EXPONENTIAL
    initial: Duration | None = None
    increment: Duration | None = None
    base: float = 2.0
    delays: tuple[Duration, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryPattern:
    """One entry of ``retry_on``: a known word, or a regular expression."""

    word: str | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    attempts: int = 3
    backoff: Backoff = Backoff()
    initial_delay: Duration = Duration(1.0)
    max_delay: Duration = Duration(30.0)
    jitter: bool = False
    jitter_factor: float = 0.3
    retry_on: tuple[RetryPattern, ...] = ()
    budget: Duration | None = None
    exhausted: str = "stop"
    """``stop``, ``continue``, or ``fallback`` with its shell text."""
    fallback: str | None = None


class FailureStrategy(StrEnum):
    RECOVERY = "recovery"
    FALLBACK = "fallback"
    CLEANUP = "cleanup"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class OnFailure:
    """What happens when the command of a step fails. No steps and ``forgive`` is ``true``."""

    position: Position = field(compare=False)
    steps: tuple[Step, ...] = ()
    forgive: bool = False
    """``on_failure: true``: the workflow goes on."""
    max_attempts: int = 1
    """Total runs of the command."""
    fail_workflow: bool = False
    commit_required: bool = False
    strategy: FailureStrategy = FailureStrategy.RECOVERY
    timeout: Duration | None = None
    handler_failure_fatal: bool = False
    capture: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class OnIncomplete:
    steps: tuple[Step, ...]
    max_attempts: int = 2
    fail_workflow: bool = True
    commit_required: bool = False
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Validate:
    """A completeness check with gap filling."""

    position: Position = field(compare=False)
    steps: tuple[Step, ...] = ()
    as_commands: bool = False
    """Written as ``commands``: all succeed is 100, else 0."""
    result_file: str | None = None
    threshold: float = 100.0
    timeout: Duration | None = None
    expected_schema: object | None = None
    on_incomplete: OnIncomplete | None = None


@dataclass(frozen=True, slots=True)
class StepCheckCommand:
    text: str
    kind: StepKind = StepKind.SHELL
    expect_output: str | None = None
    expect_exit_code: int = 0


@dataclass(frozen=True, slots=True)
class StepCheck:
    """``step_validate``: a pass or fail check of the step."""

    commands: tuple[StepCheckCommand, ...]
    criteria: str = "all"
    """``all``, ``any`` or ``at_least``."""
    at_least: int = 0
    max_attempts: int = 1
    retry_delay: Duration = Duration(5.0)
    timeout: Duration | None = None
    ignore_failure: bool = False


@dataclass(frozen=True, slots=True)
class CommitConfig:
    message_template: str | None = None
    message_pattern: str | None = None
    author: str | None = None
    sign: bool = False
    include_files: tuple[str, ...] = ()
    exclude_files: tuple[str, ...] = ()
    squash: bool = False


# -- kinds with a body ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Foreach:
    """Exactly one of ``command`` and ``items`` says what is looped over.

    A command that is exactly one reference to a list loops over that list.
    """

    position: Position = field(compare=False)
    steps: tuple[Step, ...]
    command: str | None = None
    items: tuple[object, ...] | None = None
    parallel: int | str | bool = False
    """Workers; True is the workflow's ``max_parallel``; a text is resolved when the loop starts."""
    max_items: int | None = None
    continue_on_error: bool = False


@dataclass(frozen=True, slots=True)
class WriteFile:
    path: str
    content: object
    """Text, or a map or list for ``json`` and ``yaml``."""
    format: str = "text"
    mode: int = 0o644
    create_dirs: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Steps that run as one: a sub-workflow, or a template or import used with step fields."""

    name: str
    position: Position = field(compare=False)
    steps: tuple[Step, ...]
    settings: Workflow | None = None
    """Of a sub-workflow, which sees only ``values`` and ``inputs``."""
    values: Mapping[str, object] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    """By name in the block: a text, or the name of a variable outside."""
    outputs: tuple[str, ...] = ()
    """Names in the block that are ``NAME.OUTPUT`` outside when it has ended."""
    parallel: bool = False
    continue_on_error: bool = False
    timeout: Duration | None = None
    working_dir: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of any kind, anywhere."""

    kind: StepKind
    position: Position = field(compare=False)
    text: str = ""
    """The command or prompt; for the other kinds what names them in a message."""
    is_test: bool = False
    """Shell text written as ``test``: its results are ``test.*`` as well."""
    id: str | None = None
    name: str | None = None
    description: str | None = None
    when: Expression | None = None
    timeout: Duration | None = None
    env: tuple[EnvEntry, ...] = ()
    clear_env: bool = False
    working_dir: str | None = None
    capture: Capture = Capture()
    output_file: str | None = None
    outputs: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    commit_required: bool = False
    auto_commit: bool = False
    commit_config: CommitConfig = CommitConfig()
    retry: Retry | None = None
    on_failure: OnFailure | None = None
    on_success: tuple[Step, ...] = ()
    on_exit_code: Mapping[int, tuple[Step, ...]] = field(default_factory=dict)
    validate: Validate | None = None
    step_check: StepCheck | None = None
    continue_on_error: bool = False
    """As a handler: go on to the next handler when this one fails."""
    foreach: Foreach | None = None
    write_file: WriteFile | None = None
    blocks: tuple[Block, ...] = ()
    """What a ``workflow`` or ``template`` step runs; several ones run at the same time."""
    arguments: tuple[Mapping[str, object], ...] = ()
    """``with`` values of the templates this step was inserted from, outermost first."""

    @property
    def label(self) -> str:
        """What people call this step: its name, or its kind and text on one line."""
        if self.name:
            return self.name
        first, _, rest = self.text.strip().partition("\n")
        return f"{self.kind}: {first}{' …' if rest else ''}"


class WorkflowKind(StrEnum):
    STANDARD = "standard"
    MAPREDUCE = "mapreduce"


@dataclass(frozen=True, slots=True)
class MergeBlock:
    position: Position = field(compare=False)
    steps: tuple[Step, ...]
    timeout: Duration | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    position: Position = field(compare=False)
    type: str = "any"
    required: bool = False
    default: object | None = None
    has_default: bool = False
    description: str | None = None
    validation: Expression | None = None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file the workflow was read from: its role (main, import, template, base) and true bytes."""

    path: str
    role: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Workflow:
    """A whole workflow, composed and checked."""

    name: str
    position: Position = field(compare=False)
    kind: WorkflowKind = WorkflowKind.STANDARD
    steps: tuple[Step, ...] = ()
    """``setup`` steps first, then ``commands``: people see them as one numbered list."""
    env: tuple[EnvEntry, ...] = ()
    secrets: tuple[SecretEntry, ...] = ()
    env_files: tuple[EnvFile, ...] = ()
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    active_profile: str | None = None
    inherit: bool = True
    merge: MergeBlock | None = None
    timeout: Duration | None = None
    max_parallel: int = 10
    max_iterations: int = 1
    strict_variables: bool = False
    parameters: tuple[Parameter, ...] = ()
    defaults: Mapping[str, object] = field(default_factory=dict)
    description: str | None = field(default=None, compare=False)
    sources: tuple[SourceFile, ...] = ()
