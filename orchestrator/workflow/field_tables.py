"""The fields of the language, for people and editors: names, types, defaults, meanings (pure data).

The JSON Schema and the tables of the documentation are made from these; a test holds them against
what the loader reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field. The first of ``names`` is the one to write, the others mean the same."""

    names: tuple[str, ...]
    type: str
    """A name in ``schema_types.TYPES``, or of another table."""
    meaning: str
    default: str = "–"
    required: bool = False
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class FieldTable:
    """The fields of one map. ``open`` ones may hold keys of the author's choice, too."""

    title: str
    rows: tuple[FieldRow, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for row in self.rows for name in row.names)


def field(
    names: str,
    type_: str,
    meaning: str,
    default: str = "–",
    *,
    required: bool = False,
    deprecated: bool = False,
) -> FieldRow:
    """One row; names are separated by blanks."""
    return FieldRow(tuple(names.split()), type_, meaning, default, required, deprecated)


_TIMEOUT = "timeout timeout_secs timeout_seconds"
_WORKFLOW = (
    field("commands steps workflow", "steps", "the steps, in order"),
    field("name", "text", "`${workflow.name}`", "file name"),
    field("description version author tags", "any", "for people, without effect"),
    field("mode", "mode_word", "`mapreduce` makes it a MapReduce file", "`standard`"),
    field("setup", "setup", "steps that run before `commands`"),
    field("env", "env", "environment of every step"),
    field("env_files", "env_files", "files of `KEY=VALUE` lines, relative to the workflow file"),
    field("secrets", "secrets", "values that are masked wherever they show up"),
    field("profiles", "profiles", "named sets of variables, one of which may be active"),
    field("active_profile", "text", "the profile without `--profile` and `PRODIGY_PROFILE`"),
    field("inherit", "boolean", "false starts steps from `PATH`, `HOME` and the like only", "true"),
    field("merge", "merge", "steps that merge the result, in place of git's own merge"),
    field("timeout", "duration", "limit for the whole run of the steps", "none"),
    field("max_parallel", "positive", "workers for `parallel: true`", "10"),
    field("max_iterations", "positive", "passes when `-n` is not given", "1"),
    field("retry_defaults", "retry", "`retry` of shell and claude steps that have none", "none"),
    field("error_policy", "standard_policy", "its `retry_config` means `retry_defaults`"),
    field("strict_variables", "boolean", "an unresolved reference fails its step", "false"),
    field("parameters", "parameters", "what `--param` gives values to, with types and checks"),
    field("defaults", "map", "values of parameters, exported to the steps, too"),
    field("extends", "text", "a workflow this one changes: its path or its name"),
    field("imports", "imports", "files whose steps and settings are added"),
    field("template", "template_use", "a registered workflow whose steps follow"),
    field("templates", "templates", "named step lists for `use`"),
    field("sub_workflows workflows", "sub_workflows", "workflows inside this one"),
)
_STEP = (
    field("shell", "text", "run by `sh -c`"),
    field("claude", "text", "prompt for the Claude program"),
    field("foreach", "foreach_source", "loop over items"),
    field("write_file", "write_file", "write one file"),
    field("workflow", "text", "run a sub-workflow, or insert imported steps"),
    field("use template", "text", "insert a local template, with `with`"),
    field("test", "test", "deprecated spelling of `shell`", deprecated=True),
    field("analyze", "any", "accepted and skipped: the feature no longer exists", deprecated=True),
    field("command", "text", "with no kind: the prompt itself"),
    field("with", "map", "values for `use`, `template`, `workflow`"),
    field("id", "text", "defines `${ID.output}` and the like"),
    field("name", "text", "label; with no kind: the Claude command of that name"),
    field("description", "text", "for people"),
    field("when condition", "expression", "false skips the step", "true"),
    field(_TIMEOUT, "duration", "limit for one run of the command", "none"),
    field("env", "env", "environment of this step only"),
    field("clear_env", "boolean", "start from the base set, without `env` and files", "false"),
    field("temporary", "boolean", "accepted without effect: step env never outlives the step"),
    field("working_dir cwd", "text", "where it starts, relative to the worktree", "worktree"),
    field("capture_output capture", "capture", "NAME keeps the output in `${NAME}`", "true"),
    field("capture_format", "capture_format", "how the output is read", "`string`"),
    field("capture_streams", "streams", "what NAME holds", "`stdout`"),
    field("output_file", "text", "also write the output to this file"),
    field("outputs", "outputs", "files the step makes, as `${ID.NAME}`"),
    field("commit_required", "boolean", "fail if HEAD did not move", "false"),
    field("auto_commit", "boolean", "commit what the step left uncommitted", "false"),
    field("commit_config", "commit_config", "how `auto_commit` commits"),
    field("on_failure", "on_failure", "what happens when the command fails"),
    field("on_success", "handlers", "steps that run after success"),
    field("on_exit_code", "exit_codes", "steps by the final exit code"),
    field("retry retry_config", "retry", "run the command again after a failure"),
    field("retries", "count", "deprecated: N is `retry: {attempts: N + 1}`", deprecated=True),
    field("validate", "validate", "completeness check and gap filling"),
    field("step_validate", "step_validate", "check that passes or fails"),
    field("skip_validation", "boolean", "switches `step_validate` off", "false"),
    field("validation_timeout", "duration", "limit for `step_validate`", "none"),
    field("ignore_validation_failure", "boolean", "a failed `step_validate` only warns", "false"),
    field("max_attempts", "positive", "beside an `on_failure` map: its own; else `retry: N`"),
    field("fail_workflow", "boolean", "beside an `on_failure` map: its own; false forgives"),
    field("allow_failure ignore_errors continue_on_error", "boolean", "true is `on_failure: true`"),
    field("do", "steps", "with a flat `foreach`: the steps for each item"),
    field("parallel", "parallel", "with a flat `foreach`: workers", "false"),
    field("max_items", "count", "with a flat `foreach`: only the first ones", "all"),
    field("commands", "steps", "with a flat `foreach`: as `do`"),
    field("args", "texts", "with `name` only: arguments"),
    field("options", "map", "with `name` only: `--KEY VALUE` options"),
    field("metadata", "map", "with `name` only: old places of some fields"),
    field("analysis", "any", "accepted, no effect", deprecated=True),
)
_RETRY = (
    field("attempts max_attempts", "positive", "total runs", "3"),
    field("backoff", "backoff", "how delays grow", "`exponential`"),
    field("initial_delay", "duration", "delay after the first failure", "1s"),
    field("max_delay", "duration", "cap of every delay", "30s"),
    field("jitter", "boolean", "vary delays at random", "false"),
    field("jitter_factor", "fraction", "by how much", "0.3"),
    field("retry_on", "causes", "only failures that look like one of these", "every failure"),
    field("retry_budget", "duration", "limit for the sum of delays", "none"),
    field("on_failure", "exhausted", "when runs are used up", "`stop`"),
)
_BACKOFF = (
    field("type", "backoff_word", "the kind", required=True),
    field("initial delay initial_delay", "duration", "first delay", "`initial_delay`"),
    field("increment", "duration", "linear: added each time", "the first delay"),
    field("base multiplier", "number", "exponential: factor", "2"),
    field("delays", "durations", "custom: the delays themselves"),
    field("max_delay", "duration", "as in `retry`"),
)
_ON_FAILURE = (
    field("max_attempts max_retries", "positive", "total runs of the command", "by form"),
    field("fail_workflow", "boolean", "still failing: the workflow fails", "false"),
    field("commit_required", "boolean", "a round without a commit ends the loop", "not checked"),
    field("strategy", "strategy", "`commands` form: what success of the handlers means",
          "`recovery`"),
    field("commands", "handlers", "the handlers, one or several"),
    field(_TIMEOUT, "duration", "limit for one round of handlers", "none"),
    field("handler_failure_fatal", "boolean", "a failing handler fails the step", "false"),
    field("capture", "text_map", "NAME: a text, or the output of the handlers"),
    field("retry_original", "boolean", "deprecated: say `max_attempts`", deprecated=True),
)  # fmt: skip
_VALIDATE = (
    field("commands", "steps", "validators; all succeed is 100 %"),
    field("shell command", "text", "one validator"),
    field("claude", "text", "one validator that is a prompt"),
    field("result_file", "text", "where the result JSON is"),
    field("threshold", "percent", "complete from here", "100"),
    field(_TIMEOUT, "duration", "limit for each round", "none"),
    field("expected_schema", "schema", "JSON Schema of the result, or its path"),
    field("on_incomplete", "on_incomplete", "steps that fill the gaps"),
)
_ON_INCOMPLETE = (
    field("shell", "text", "a command that fills gaps"),
    field("claude", "text", "a prompt that fills gaps"),
    field("commands", "steps", "steps that fill gaps; wins over the two above"),
    field("max_attempts", "positive", "rounds", "2"),
    field("fail_workflow", "boolean", "still incomplete: the step fails", "true"),
    field("commit_required", "boolean", "a round must commit", "false"),
    field("prompt", "text", "question to whoever is at the terminal"),
)
_STEP_VALIDATE = (
    field("commands", "check_commands", "the checks", required=True),
    field("success_criteria", "criteria", "how many must pass", "`all`"),
    field("max_attempts", "positive", "tries", "1"),
    field("retry_delay", "duration", "between tries", "5s"),
)
_CHECK_COMMAND = (
    field("command shell", "text", "the check"),
    field("claude", "text", "a check that is a prompt"),
    field("expect_output", "text", "regular expression its output matches"),
    field("expect_exit_code", "count", "its exit code", "0"),
    field("command_type", "check_type", "what `command` is", "`shell`"),
)
_FOREACH = (
    field("items foreach input", "items", "what to loop over", required=True),
    field("do commands", "steps", "the steps for each item", required=True),
    field("parallel", "parallel", "workers; true is `max_parallel`", "false"),
    field("max_items", "count", "only the first ones", "all"),
    field("continue_on_error", "boolean", "start further items after a failure", "false"),
)
_WRITE_FILE = (
    field("path", "text", "relative to the worktree", required=True),
    field("content", "any", "text, or a map or list for json and yaml", required=True),
    field("format", "file_format", "`json` and `yaml` are checked", "`text`"),
    field("mode", "octal", "permissions", "0644"),
    field("create_dirs", "boolean", "make missing directories", "false"),
)
_COMMIT_CONFIG = (
    field("message_template", "text", "the message", "`Auto-commit: LABEL`"),
    field("message_pattern", "text", "regular expression the message must match"),
    field("author", "text", "`Name <mail>`"),
    field("sign", "boolean", "sign the commit", "false"),
    field("include_files", "texts", "only these globs"),
    field("exclude_files", "texts", "not these globs"),
    field("squash", "boolean", "join the commits of the step into one", "false"),
)
_PARAMETER = (
    field("name", "text", "its name, in a list"),
    field("type", "parameter_type", "type of its value", "`any`"),
    field("description", "text", "for people"),
    field("default", "any", "value without any other"),
    field("required", "boolean", "refuse to run without a value", "by place"),
    field("validation", "expression", "must be true; `value` is the value"),
)
_SUB_WORKFLOW = (
    field("name", "text", "its name, in a list"),
    field("description", "text", "for people"),
    field("source", "text", "the file it is; or `commands`"),
    field("commands steps", "steps", "its steps, written here"),
    field("parameters", "map", "values of its parameters"),
    field("inputs", "text_map", "NAME: a text, or the name of a variable outside"),
    field("outputs", "texts", "variables the parent gets as `${SUB.NAME}`"),
    field("parallel", "boolean", "run together with neighbours that say so", "false"),
    field("continue_on_error", "boolean", "its failure only warns", "false"),
    field("timeout", "duration", "limit for all of it", "none"),
    field("working_dir", "text", "where its relative directories begin", "worktree"),
    field("extends", "text", "a workflow it changes"),
    field("setup", "setup", "steps before its own"),
    field("env", "env", "environment of its steps"),
    field("env_files", "env_files", "as at the top level"),
    field("secrets", "secrets", "as at the top level"),
    field("profiles", "profiles", "as at the top level"),
    field("defaults", "map", "as at the top level"),
    field("retry_defaults", "retry", "as at the top level"),
    field("max_parallel", "positive", "as at the top level", "10"),
    field("strict_variables", "boolean", "as at the top level", "false"),
)
_IMPORT = (
    field("path", "text", "the file", required=True),
    field("alias as", "text", "add nothing; steps are inserted as `ALIAS.NAME`"),
    field("selective", "texts", "only these steps, sub-workflows, templates, parameters"),
)
_TEMPLATE_USE = (
    field("source", "template_source", "a file, or the name of a registered template"),
    field("name", "text", "without `source`: the registered template"),
    field("with", "map", "values of its parameters"),
    field("override", "map", "merged into it; keys may be dotted"),
)
_LOCAL_TEMPLATE = (
    field("commands steps", "steps", "its steps", required=True),
    field("parameters", "parameters", "what `with` gives values to"),
    field("defaults", "map", "values of parameters"),
    field("name description", "any", "for people"),
)
_ENV_FILE = (
    field("path", "text", "the file", required=True),
    field("required", "boolean", "refuse to run without it", "false"),
)
_SECRET = (
    field("provider", "provider", "`env`, `file` or a configured one"),
    field("custom", "text", "instead of `provider`: a configured one"),
    field("key path name", "text", "variable or file", "its own name"),
    field("default", "text", "value without any other"),
    field("version", "text", "handed to a configured provider"),
)
_MERGE = (
    field("commands steps", "steps", "the steps", required=True),
    field("timeout", "duration", "limit for all of them", "none"),
)

TABLES: Mapping[str, FieldTable] = {
    "workflow": FieldTable("Top level", _WORKFLOW),
    "step": FieldTable("A step", _STEP),
    "retry_map": FieldTable("`retry`", _RETRY),
    "backoff_map": FieldTable("`backoff`", _BACKOFF),
    "on_failure_map": FieldTable("`on_failure`", _ON_FAILURE),
    "validate_map": FieldTable("`validate`", _VALIDATE),
    "on_incomplete_map": FieldTable("`on_incomplete`", _ON_INCOMPLETE),
    "step_validate_map": FieldTable("`step_validate`", _STEP_VALIDATE),
    "check_command_map": FieldTable("A command of `step_validate`", _CHECK_COMMAND),
    "foreach_map": FieldTable("`foreach`", _FOREACH),
    "write_file": FieldTable("`write_file`", _WRITE_FILE),
    "commit_config": FieldTable("`commit_config`", _COMMIT_CONFIG),
    "parameter_map": FieldTable("A parameter", _PARAMETER),
    "sub_workflow_map": FieldTable("A sub-workflow", _SUB_WORKFLOW),
    "import_map": FieldTable("An import", _IMPORT),
    "template_use_map": FieldTable("`template` of a file", _TEMPLATE_USE),
    "local_template_map": FieldTable("A local template", _LOCAL_TEMPLATE),
    "env_file_map": FieldTable("An entry of `env_files`", _ENV_FILE),
    "secret_map": FieldTable("A secret", _SECRET),
    "merge_map": FieldTable("`merge`", _MERGE),
}
"""By the name of their definition in the schema."""
