"""The ``foreach`` step: its items are frozen first, and those that succeeded are never repeated."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.context import Frame, RunContext
from orchestrator.execution import timed_out_after
from orchestrator.outcomes import CommandOutcome, StepOutcome
from orchestrator.steps.masking import Secrets, restore_value
from orchestrator.steps.process import TIMED_OUT
from orchestrator.texts import TextError, resolve_text
from orchestrator.variables import Layer
from orchestrator.workflow.interpolation import InterpolationError, TextKind, sole_value
from orchestrator.workflow.model import Foreach, Step, StepKind
from orchestrator.workflow.values import render
from store.atomic import append_line, make_directory
from store.home import Home

if TYPE_CHECKING:
    from orchestrator.commands import PreparedStep


def run_foreach(ctx: RunContext, prepared: PreparedStep, frame: Frame) -> CommandOutcome:
    """Run the body once per item; any failed item fails the command.

    Raises:
        RunStopped: a stop that cannot wait.
        TextError: the source of the items cannot be resolved.
    """
    loop = prepared.step.foreach
    if loop is None:
        raise TextError("foreach has nothing to loop over")
    started = time.monotonic()
    journal = ItemJournal.open(ctx, frame)
    if journal.items is None:
        source = _items(ctx, prepared, loop, frame)
        if isinstance(source, CommandOutcome):
            return source
        journal.freeze(source[: loop.max_items] if loop.max_items is not None else source)
    items = journal.items or []
    failures = _run_items(ctx, prepared, loop, frame, journal)
    not_run = len(items) - len(journal.done) - len(failures)
    timed_out = prepared.deadline is not None and time.monotonic() >= prepared.deadline
    timed_out = timed_out and bool(failures or not_run)
    if not_run:
        failures.append(f"{not_run} of {len(items)} items were not started")
    successful, failed = len(journal.done), len(items) - len(journal.done) - not_run
    summary = f"Foreach completed: {len(items)} total, {successful} successful, {failed} failed"
    frame.variables.set(Layer.LAST, {"foreach.successful": successful, "foreach.failed": failed})
    if frame.log is not None:
        frame.log.write(f"{summary}\n".encode())
    exit_code = 1 if failures else 0
    return CommandOutcome(
        exit_code=TIMED_OUT if timed_out else exit_code,
        timed_out=timed_out,
        error=timed_out_after(prepared.timeout_seconds) if timed_out else None,
        result=summary,
        stderr="\n".join(failures).encode(),
        combined="\n".join([*failures, summary]).encode(),
        duration_seconds=time.monotonic() - started,
    )


class ItemJournal:
    """The frozen items of a loop and which of them succeeded: one line each, on disk at once.

    Loops inside other steps are part of those and keep nothing (``path`` None). Secrets in items
    are on disk as their names.
    """

    def __init__(self, path: Path | None, secrets: Secrets) -> None:
        self.path = path
        self._secrets = secrets
        self.items: list[object] | None = None
        self.done: set[int] = set()
        self._guard = threading.Lock()

    @classmethod
    def open(cls, ctx: RunContext, frame: Frame) -> ItemJournal:
        """The journal for this run of the loop: an interrupted one is continued, once."""
        if frame.role != "step":
            return cls(None, ctx.secrets)
        path = ctx.home.foreach_file(ctx.session_id, frame.pass_number, frame.index)
        journal = cls(path, ctx.secrets)
        if frame.continues:
            journal._read()
            frame.continues = False
        elif path.exists():
            path.unlink()
        return journal

    def _read(self) -> None:
        if self.path is None:
            return
        try:
            masked, done = _read_journal(self.path)
            items = restore_value(masked, self._secrets.values)
        except OSError:
            return
        except (ValueError, KeyError, TypeError):
            self.path.unlink(missing_ok=True)
            return
        self.items = list(items) if isinstance(items, list) else None
        self.done = done

    def freeze(self, items: list[object]) -> None:
        self.items = items
        if self.path is not None:
            make_directory(self.path.parent)
            masked = self._secrets.mask_value(items, named=True)
            line = json.dumps({"items": masked}, ensure_ascii=False)
            append_line(self.path, line.encode("utf-8", "replace"), sync=True)

    def succeeded(self, index: int) -> None:
        with self._guard:
            self.done.add(index)
            if self.path is not None:
                append_line(self.path, json.dumps({"index": index}).encode(), sync=True)


def items_done(
    home: Home, run_id: str, pass_number: int, step_index: int
) -> tuple[int, int] | None:
    """How many items of a loop are done, and of how many; None when nothing is kept of it."""
    try:
        items, done = _read_journal(home.foreach_file(run_id, pass_number, step_index))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (len(done), len(items)) if isinstance(items, list) else None


def _read_journal(path: Path) -> tuple[object, set[int]]:
    """The items of a loop as they are on disk, and the indexes of those that are done.

    Raises:
        OSError: it cannot be read.
        ValueError, KeyError, TypeError: it does not begin with the items.
    """
    first, *lines = path.read_text("utf-8").split("\n")
    items = json.loads(first)["items"]
    done = set()
    for line in lines:
        try:
            done.add(int(json.loads(line)["index"]))
        except (ValueError, KeyError, TypeError):
            continue
    return items, done


def forget_items_from(home: Home, run_id: str, pass_number: int, step_index: int) -> None:
    """Delete the journals of loops that run again from their start: of this step and all later."""
    for path in home.foreach_file(run_id, 0, 0).parent.glob("*-*.jsonl"):
        number, _, index = path.stem.partition("-")
        if number.isdigit() and index.isdigit():
            later = (int(number), int(index)) >= (pass_number, step_index)
            if later:
                path.unlink(missing_ok=True)


def _items(
    ctx: RunContext, prepared: PreparedStep, loop: Foreach, frame: Frame
) -> list[object] | CommandOutcome:
    """The items, or the failed run of the command that was to list them."""
    from orchestrator.commands import run_command

    if loop.items is not None:
        return [_resolved(ctx, prepared, item) for item in loop.items]
    text = loop.command or ""
    listed = _referenced_list(prepared, text)
    if listed is not None:
        return listed
    lister = Step(
        kind=StepKind.SHELL,
        position=loop.position,
        text=text,
        env=prepared.step.env,
        clear_env=prepared.step.clear_env,
        working_dir=prepared.step.working_dir,
    )
    inner = frame.inner("item", variables=frame.variables.child(), deadline=prepared.deadline)
    outcome = run_command(ctx, lister, inner)
    if not outcome.succeeded:
        return outcome
    lines = outcome.stdout.decode("utf-8", "replace").split("\n")
    return [line.strip() for line in lines if line.strip()]


def _resolved(ctx: RunContext, prepared: PreparedStep, item: object) -> object:
    if isinstance(item, str):
        return resolve_text(ctx, item, prepared.scope, TextKind.OTHER).text
    if isinstance(item, Mapping):
        return {str(key): _resolved(ctx, prepared, value) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [_resolved(ctx, prepared, value) for value in item]
    return item


def _referenced_list(prepared: PreparedStep, text: str) -> list[object] | None:
    """The list a text is exactly one reference to, if it is one."""
    try:
        value = sole_value(text, prepared.scope)
    except InterpolationError as error:
        raise TextError(str(error)) from None
    return list(value) if isinstance(value, list | tuple) else None


def _workers(ctx: RunContext, prepared: PreparedStep, loop: Foreach) -> int:
    if loop.parallel is False:
        return 1
    if loop.parallel is True:
        return max(1, ctx.workflow.max_parallel)
    if isinstance(loop.parallel, int):
        return max(1, loop.parallel)
    text = resolve_text(ctx, loop.parallel, prepared.scope, TextKind.OTHER).text
    if not text.strip().isdigit() or int(text) < 1:
        raise TextError(f"parallel: {loop.parallel!r} is not a number of workers: {text!r}")
    return int(text)


def _run_items(
    ctx: RunContext, prepared: PreparedStep, loop: Foreach, frame: Frame, journal: ItemJournal
) -> list[str]:
    """Run what is left; the failures in words."""
    items = journal.items or []
    todo = [index for index in range(len(items)) if index not in journal.done]
    failures: list[str] = []

    def run_one(index: int) -> None:
        ctx.stops.check_now()
        if prepared.deadline is not None and time.monotonic() >= prepared.deadline:
            return
        variables = frame.variables.child()
        variables.set(Layer.ITEM, _item_values(items[index], index, len(items)))
        inner = frame.inner("item", variables=variables, deadline=prepared.deadline)
        failed = _run_body(ctx, loop.steps, inner)
        if failed is None:
            journal.succeeded(index)
        else:
            words = ctx.secrets.mask_text(render(items[index]))[:80]
            failures.append(f"item {index + 1} ({words}): {failed.message}")

    _in_order(todo, run_one, _workers(ctx, prepared, loop), loop.continue_on_error, failures)
    return failures


def _run_body(ctx: RunContext, steps: Iterable[Step], frame: Frame) -> StepOutcome | None:
    from orchestrator.step_run import run_step

    for step in steps:
        outcome = run_step(ctx, step, frame.inner("item"))
        if outcome.failed:
            return outcome
    return None


def _in_order(
    todo: list[int],
    run_one: Callable[[int], None],
    workers: int,
    continue_on_error: bool,
    failures: list[str],
) -> None:
    """Start items in order, at most so many at once, none after a failure unless told to go on."""
    if workers == 1:
        for index in todo:
            run_one(index)
            if failures and not continue_on_error:
                return
        return
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="item") as pool:
        running: set[Future[None]] = set()
        waiting = list(reversed(todo))
        while waiting or running:
            while waiting and len(running) < workers and (continue_on_error or not failures):
                running.add(pool.submit(run_one, waiting.pop()))
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()


def _item_values(item: object, index: int, total: int) -> dict[str, object]:
    values: dict[str, object] = {"item": item, "index": index, "total": total}
    values.update({f"foreach.{name}": value for name, value in list(values.items())})
    return values
