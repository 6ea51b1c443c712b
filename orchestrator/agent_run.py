"""Running the Claude program for a step: what it prints is parsed, shown, counted and recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from orchestrator.context import Frame, RunContext
from orchestrator.execution import execute, outcome_of
from orchestrator.outcomes import CommandOutcome, Usage
from orchestrator.reporting import Waiting
from orchestrator.steps.claude import Invocation
from orchestrator.steps.claude_stream import (
    AgentEvent,
    AgentGoesOn,
    AgentSaid,
    AgentStarted,
    AgentUsedTool,
    AgentWaits,
    StreamReader,
)
from orchestrator.steps.process import ProcessSpec
from orchestrator.stops import RunStopped
from store.times import to_text, utc_now

_MESSAGE_LIMIT = 4096


def run_agent(
    ctx: RunContext,
    frame: Frame,
    spec: ProcessSpec,
    deadline: float | None,
    timeout_seconds: float | None,
    invocation: Invocation,
    conversation: str,
) -> CommandOutcome:
    """Hold one conversation to its end.

    Raises:
        RunStopped: a stop that cannot wait ended it.
    """
    if frame.role == "step":
        ctx.progress.agent_started(conversation)
    if not invocation.streams:
        result = execute(ctx, frame, spec, deadline)
        return outcome_of(result, timeout_seconds)
    reader = StreamReader(lambda event: _tell(ctx, frame, event))
    try:
        result = execute(ctx, frame, spec, deadline, on_line=reader.line)
    except RunStopped:
        _note_usage(ctx, frame, reader.outcome(0, b"", utc_now()).usage)
        raise
    outcome = outcome_of(result, timeout_seconds)
    ended = reader.outcome(result.exit_code, result.stderr, utc_now())
    _note_usage(ctx, frame, ended.usage)
    outcome = replace(outcome, result=ended.result)
    if ended.error is not None and outcome.error is None:
        outcome = replace(outcome, exit_code=outcome.exit_code or 1, error=ended.error)
    return replace(outcome, usage_limit=ended.usage_limit)


def _tell(ctx: RunContext, frame: Frame, event: AgentEvent) -> None:
    common = {"agent_id": "main", "step_index": frame.index}
    match event:
        case AgentStarted(conversation, model, tools):
            ctx.event(
                "claude_session_started",
                **common,
                run_session_id=ctx.session_id,
                session_id=conversation,
                model=model,
                tools=list(tools),
            )
        case AgentSaid(text):
            ctx.event(
                "claude_message",
                **common,
                content=ctx.secrets.mask_text(text)[:_MESSAGE_LIMIT],
                message_type="assistant",
                json_log_location=None,
            )
        case AgentUsedTool(name, tool_id, parameters):
            ctx.event(
                "claude_tool_invoked",
                **common,
                tool_name=name,
                tool_id=tool_id,
                parameters=dict(parameters),
                timestamp=to_text(utc_now()),
            )
        case AgentWaits():
            reason = "usage limit" if event.status == 429 else event.error or "the API"
            until = utc_now() + timedelta(seconds=event.delay_seconds)
            ctx.progress.waits(reason, until)
            ctx.report(Waiting(reason, to_text(until)))
        case AgentGoesOn():
            ctx.progress.waits(None)
            ctx.report(Waiting(None))


def _note_usage(ctx: RunContext, frame: Frame, usage: Usage) -> None:
    frame.used.add(usage)
    ctx.event(
        "claude_token_usage",
        agent_id="main",
        step_index=frame.index,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_tokens=usage.cache_read_tokens,
        cost_usd=usage.cost_usd,
    )
