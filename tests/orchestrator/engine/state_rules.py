"""What must hold of everything a run has written, once it is at rest, however it ended."""

from __future__ import annotations

import fcntl
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.world import marked

if TYPE_CHECKING:
    from tests.orchestrator.engine.runs import Ran

Document = dict[str, Any]

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_RECORD_KEYS = set(
    "id session_type status started_at updated_at completed_at metadata checkpoints timings error"
    " workflow_data mapreduce_data".split()
)
_WORKFLOW_KEYS = set(
    "workflow_id workflow_name current_step total_steps completed_steps variables"
    " iterations_completed files_changed worktree_name".split()
)
_EXTENSION_KEYS = set(
    "format tool repo workflow invocation base branch head checkpoint_seq pass stop failure"
    " attempts usage merge commits".split()
)
_ATTEMPT_KEYS = set("n kind started_at ended_at from_step outcome exit_code pid host error".split())
_CHECKPOINT_KEYS = set(
    "workflow_id execution_state completed_steps variable_state timestamp version workflow_hash"
    " total_steps workflow_name workflow_path mapreduce_state retry_checkpoint_state"
    " variable_checkpoint_state x_prodigy".split()
)
_STEP_KEYS = set(
    "kind label attempt started_at exit_code signal tolerated skipped head_before head_after"
    " commits files_changed log log_bytes usage".split()
)
_STATUSES = {  # of a checkpoint, by kind
    "start": {"Running"},
    "step": {"Running"},
    "pass": {"Running"},
    "stop": {"Paused", "Interrupted"},
    "failure": {"Failed"},
    "final": {"Completed"},
}
_AT_REST = {  # session status: (kinds of the last checkpoint, worktree statuses, outcome)
    "Completed": ({"final"}, {"completed", "merged", "cleaned_up"}, "completed"),
    "Failed": ({"failure"}, {"failed"}, "failed"),
    "Paused": ({"stop"}, {"interrupted"}, "paused"),
    "Cancelled": ({"stop"}, {"abandoned"}, "cancelled"),
}
EVENTS = {
    name: set(fields.split())
    for name, fields in {
        "session_created": "workflow_id job_id session_type workflow_name repo status",
        "session_status_changed": "from to reason error",
        "run_started": "kind attempt command cwd workflow_path workflow_sha256 from_step"
        " total_steps",
        "run_ended": "attempt outcome exit_code duration",
        "pass_started": "pass",
        "pass_completed": "pass duration steps_done head",
        "step_started": "step_index attempt kind label command head log claude_session",
        "attempt_failed": "step_index attempt duration exit_code signal timed_out log log_bytes",
        "step_output_ref": "step_index attempt log from to last_line truncated",
        "step_retrying": "step_index attempt reason delay_ms",
        "step_skipped": "step_index reason",
        "step_completed": "step_index attempt duration exit_code head commits files_changed"
        " tolerated captured log log_bytes usage",
        "step_failed": "step_index attempt duration exit_code signal timed_out error head log"
        " log_bytes",
        "handler_started": "step_index role n label log",
        "handler_completed": "step_index role n label log exit_code duration commits",
        "validation_result": "step_index attempt completion threshold missing_count status",
        "checkpoint_created": "job_id version agents_completed kind step_index",
        "worktree_created": "job_id agent_id worktree_name branch",
        "worktree_cleaned": "job_id agent_id worktree_name",
        "job_completed": "job_id duration success_count failure_count",
        "job_failed": "job_id error",
        "job_paused": "job_id checkpoint_version",
        "claude_session_started": "agent_id session_id model tools run_session_id step_index",
        "claude_message": "agent_id content message_type json_log_location step_index",
        "claude_tool_invoked": "agent_id tool_name tool_id parameters timestamp step_index",
        "claude_token_usage": "agent_id input_tokens output_tokens cache_tokens cost_usd",
        "signal_received": "signal action",
        "control_received": "action requested_by requested_at",
        "control_dropped": "action reason",
        "merge_started": "source target commits",
        "merge_finished": "state target commit error",
        "store_warning": "path problem",
        "checkpoint_failed": "job_id error",
        "session_update_failed": "update error",
    }.items()
}


def assert_sound(ran: Ran) -> None:
    """Check every file of a run at rest."""
    if not list(ran.home.checkpoints_directory(ran.id).glob("*.checkpoint.json")):
        assert ran.record["status"] in ("Failed", "Paused", "Cancelled"), "it was never set up"
    else:
        check_record(ran.record, ran)
        check_checkpoint(ran.checkpoint, ran)
        for earlier in ran.history:
            check_checkpoint(earlier, ran)
        check_history(ran)
        check_agreement(ran)
        check_metadata(ran.metadata, ran)
    check_events(ran)
    check_nothing_is_held(ran)


def check_record(record: Document, ran: Ran) -> None:
    assert set(record) == _RECORD_KEYS
    assert record["id"] == ran.id
    assert record["session_type"] == "Workflow"
    assert record["mapreduce_data"] is None
    for key in ("started_at", "updated_at"):
        assert TIMESTAMP.match(record[key]), record[key]
    has_end = record["status"] in ("Completed", "Failed", "Cancelled")
    assert bool(record["completed_at"]) is has_end
    assert (record["error"] is not None) is (record["status"] == "Failed")
    data = record["workflow_data"]
    assert set(data) == _WORKFLOW_KEYS
    assert data["worktree_name"] is None, "the original would resume in the wrong place"
    assert all(isinstance(value, str) for value in data["variables"].values())
    metadata = record["metadata"]
    assert metadata["worktree_name"] == ran.id
    assert metadata["project_name"] == ran.repository.name
    assert metadata["workflow_type"] in ("standard", "iterative")
    assert isinstance(metadata["execution_start_time"], str)
    assert metadata["total_steps"] == data["total_steps"]
    assert metadata["current_step"] == data["current_step"]
    assert metadata.get("merge") in (None, "pending", "merged", "declined", "failed")
    extension = metadata["x_prodigy"]
    assert not (extra := set(extension) - _EXTENSION_KEYS), f"{extra} is left"
    assert ("stop" in extension) is (record["status"] in ("Paused", "Cancelled"))
    assert ("failure" in extension) is (record["status"] == "Failed")
    (attempt,) = extension["attempts"]
    assert set(attempt) == _ATTEMPT_KEYS
    assert attempt["outcome"] == _AT_REST[record["status"]][2]
    assert TIMESTAMP.match(attempt["ended_at"])
    for name, spent in record["timings"].items():
        assert name == "total" or re.match(r"step \d{3}: ", name), name
        assert set(spent) == {"secs", "nanos"}
    assert "total" in record["timings"]
    assert len(record["timings"]) == len(data["completed_steps"]) + 1
    last = record["checkpoints"][-1]
    assert set(last) == {"id", "created_at", "state", "metadata"}
    assert last["state"]["seq"] == extension["checkpoint_seq"]


def check_checkpoint(checkpoint: Document, ran: Ran) -> None:
    assert set(checkpoint) == _CHECKPOINT_KEYS
    assert checkpoint["version"] == 1
    assert re.match(r"[0-9a-f]{64}\Z", checkpoint["workflow_hash"])
    assert Path(checkpoint["workflow_path"]).is_absolute()
    assert TIMESTAMP.match(checkpoint["timestamp"])
    state, extension = checkpoint["execution_state"], checkpoint["x_prodigy"]
    assert state["last_checkpoint"] == checkpoint["timestamp"]
    assert state["start_time"] == ran.record["started_at"]
    assert state["total_steps"] == checkpoint["total_steps"] == ran.result.total_steps
    assert 0 <= state["current_step_index"] <= state["total_steps"]
    assert state["status"] in _STATUSES[extension["kind"]]
    assert extension["session_id"] == ran.id
    assert COMMIT.match(extension["head"]["start"])
    assert COMMIT.match(extension["head"]["last"])
    done = checkpoint["completed_steps"]
    assert [step["step_index"] for step in done] == list(range(state["current_step_index"]))
    for step in done:
        check_step(step)
    failed = state["status"] == "Failed"
    assert ("__error_message" in checkpoint["variable_state"]) is failed
    assert (extension["failure"] is not None) is failed
    assert (extension["stop"] is not None) is (extension["kind"] == "stop")
    if extension["kind"] in ("step", "pass", "final", "start"):
        assert extension["in_flight"] is None
    if state["status"] == "Interrupted" and extension["in_flight"] is not None:
        assert extension["in_flight"]["step_index"] == state["current_step_index"]
        assert COMMIT.match(extension["in_flight"]["head_now"])


def check_step(step: Document) -> None:
    assert step["success"] is True
    assert step["captured_variables"] == {}
    assert TIMESTAMP.match(step["completed_at"])
    assert set(step["duration"]) == {"secs", "nanos"}
    assert step["output"] is None or len(step["output"]) <= 4096
    extension = step["x_prodigy"]
    assert set(extension) - {"format", "git"} == _STEP_KEYS
    assert COMMIT.match(extension["head_before"])
    assert COMMIT.match(extension["head_after"])
    assert extension["log"] is None or not Path(extension["log"]).is_absolute()


def check_history(ran: Ran) -> None:
    history = ran.history
    seqs = [one["x_prodigy"]["seq"] for one in history]
    assert seqs == list(range(seqs[0], seqs[-1] + 1))
    assert history[-1] == ran.checkpoint
    stamps = [one["timestamp"] for one in history]
    assert stamps == sorted(stamps)
    if seqs[0] == 1:
        assert history[0]["x_prodigy"]["kind"] == "start"


def check_agreement(ran: Ran) -> None:
    """Record, checkpoint and worktree metadata say the same."""
    record, checkpoint = ran.record, ran.checkpoint
    data, state = record["workflow_data"], checkpoint["execution_state"]
    kinds, worktree, _ = _AT_REST[record["status"]]
    assert checkpoint["x_prodigy"]["kind"] in kinds
    assert ran.metadata["status"] in worktree
    assert data["workflow_id"] == checkpoint["workflow_id"]
    assert data["current_step"] == state["current_step_index"]
    assert data["total_steps"] == state["total_steps"]
    assert data["completed_steps"] == [one["step_index"] for one in checkpoint["completed_steps"]]
    extension = record["metadata"]["x_prodigy"]
    assert extension["checkpoint_seq"] == checkpoint["x_prodigy"]["seq"]
    assert extension["head"] == checkpoint["x_prodigy"]["head"]["last"]
    assert extension["usage"] == checkpoint["x_prodigy"]["usage"]
    assert (
        (ran.result.exit_code == 0)
        or record["status"] != "Completed"
        or (ran.result.state in ("merge_failed", "unmerged"))
    )


def check_metadata(metadata: Document, ran: Ran) -> None:
    assert metadata["session_id"] == metadata["worktree_name"] == ran.id
    assert metadata["branch"] == ran.result.branch == f"prodigy-{ran.id}"
    for key in ("created_at", "updated_at"):
        assert TIMESTAMP.match(metadata[key])
    assert set(metadata["iterations"]) == {"completed", "max"}
    assert set(metadata["stats"]) == {"files_changed", "commits", "last_commit_sha"}
    over = metadata["status"] in ("completed", "merged", "cleaned_up", "abandoned")
    assert metadata["resumable"] is not over
    kind = metadata.get("interruption_type")
    assert (kind is not None) is (metadata["status"] == "interrupted"), kind


def check_events(ran: Ran) -> None:
    directory = ran.home.events_directory(ran.repository.name, ran.id)
    (file,) = directory.glob("events-*.jsonl")
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    running: int | None = None
    for line in lines:
        assert {"id", "timestamp", "correlation_id", "event", "metadata"} <= set(line)
        assert line["correlation_id"] == ran.id
        event = line["event"]
        kind = event["event_type"]
        missing = EVENTS[kind] - set(event)
        assert not missing, f"{kind} lacks {missing}"
        assert "session_id" in event or kind.startswith("claude_")
        if kind == "step_started":
            running = event["step_index"]
        elif kind in ("step_completed", "step_failed") and event["log"] is not None:
            assert running == event["step_index"], f"step {event['step_index']} did not begin"
    kinds = [line["event"]["event_type"] for line in lines]
    assert kinds[:2] == ["session_created", "run_started"]
    assert kinds[-1] == "run_ended"
    assert lines[-1]["event"]["exit_code"] == ran.result.exit_code
    counts = {role: kinds.count(f"handler_{role}") for role in ("started", "completed")}
    if ran.result.exit_code in (0, 1) and ran.record["status"] in ("Completed", "Failed"):
        assert counts["started"] == counts["completed"]


def check_nothing_is_held(ran: Ran) -> None:
    """No lock, no owner, no request, no temporary file and no process is left."""
    home, directory = ran.home, ran.home.run_directory(ran.id)
    with home.run_lock(ran.id).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    assert not home.owner_file(ran.id).exists()
    assert not list(home.control_directory(ran.id).glob("*"))
    left = [path for path in directory.rglob("*") if ".tmp" in path.name or path.name == "tmp"]
    assert not left, left
    assert not marked(ran.id), marked(ran.id)
