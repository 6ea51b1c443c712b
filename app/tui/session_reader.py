"""Reading one session: steps, checkpoints, events, logs, changes, variables. It may block."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from store.atomic import read_file
from store.errors import StoreError
from store.home import Home, is_id
from store.row import SessionRow

if TYPE_CHECKING:
    from app.tui.details import (
        ChangesView,
        CheckpointContents,
        CheckpointView,
        EventView,
        LogEntry,
        SessionDetail,
        StepPlan,
        VariableView,
        WorktreeView,
    )
    from store.checkpoint import WorkflowCheckpoint


class SessionReader:
    """Everything the screens of one session show.

    Args:
        home: the state home.
        clock: the present moment.
    """

    def __init__(self, home: Home, clock: Callable[[], datetime]) -> None:
        self.home = home
        self.clock = clock
        self._plans: dict[Path, tuple[StepPlan, ...]] = {}

    def detail(self, row: SessionRow) -> SessionDetail:
        """Steps, facts and the log of a session."""
        from app.tui.details import SessionDetail
        from app.tui.session_reading import read_detail

        if not is_id(row.id):  # nothing else can belong to it
            return SessionDetail(row, problem=row.problem)
        return read_detail(self.home, row, self._step_plans, self.clock())

    def checkpoints(self, row: SessionRow) -> list[CheckpointView]:
        """The kept checkpoints, newest first."""
        from app.tui.checkpoint_reading import read_checkpoints

        return read_checkpoints(self.home, row.id) if is_id(row.id) else []

    def checkpoint_contents(self, row: SessionRow, seq: int) -> CheckpointContents:
        """What one kept checkpoint holds."""
        from app.tui.checkpoint_reading import read_contents

        return read_contents(self.home, row.id, seq, self.clock())

    def variables(self, row: SessionRow) -> list[VariableView]:
        """The variables by the newest checkpoint; values of secrets are never in them."""
        from app.tui.checkpoint_reading import read_variables

        return read_variables(self.home, row.id)

    def events(self, row: SessionRow) -> list[EventView]:
        """The timeline in words, newest last."""
        from app.tui.session_reading import read_timeline

        return read_timeline(self.home, row) if is_id(row.id) else []

    def logs(self, row: SessionRow) -> list[LogEntry]:
        """Every log of a session, by step and attempt, those of handlers among them."""
        from app.tui.details import LogEntry
        from store.step_logs import list_logs

        return [
            LogEntry(log.step_index + 1, log.attempt, log.path, log.handler)
            for log in (list_logs(self.home, row.id, handlers=True) if is_id(row.id) else ())
        ]

    def changes(self, row: SessionRow, detail: SessionDetail) -> ChangesView:
        """What a session changed, compared with its base and by step. Runs git."""
        from app.tui.changes_reading import read_changes

        return read_changes(row, detail)

    def difference(self, view: ChangesView, scope: int, place: int) -> tuple[str, ...]:
        """The lines of the difference of a file or a commit of a scope. Runs git."""
        from app.tui.changes_reading import read_difference

        return read_difference(view, scope, place)

    def worktree(self, row: SessionRow, head: str | None) -> WorktreeView:
        """What is uncommitted in the worktree now, and whether ``head`` is in it. Runs git."""
        from app.tui.changes_reading import read_worktree

        return read_worktree(row, head)

    def _step_plans(self, checkpoint: WorkflowCheckpoint) -> tuple[StepPlan, ...]:
        main = next((one for one in checkpoint.x.workflow_files if one.get("role") == "main"), None)
        name = main.get("file") if main else None
        if not isinstance(name, str) or name.startswith("/") or ".." in Path(name).parts:
            return ()
        path = self.home.run_directory(checkpoint.x.session_id) / name
        if path not in self._plans:
            from app.tui.workflow_reading import step_plans

            try:
                self._plans[path] = step_plans(path, read_file(path))
            except (StoreError, ValueError):  # gone, no file, or no name of one
                self._plans[path] = ()
        return self._plans[path]
