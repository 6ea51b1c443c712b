"""The first documents of a run: its session, its checkpoint, its invocation (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.passes import PassPlan
from orchestrator.preflight import PreparedRun
from orchestrator.workflow_copies import main_hash
from store.checkpoint import WorkflowCheckpoint
from store.session import SessionConfig

_INPUT_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class Opening:
    """What a prepared run writes first. ``files`` are its saved workflow files, main one first."""

    prepared: PreparedRun
    branch: str
    worktree: Path
    files: list[dict[str, Any]]

    @property
    def plan(self) -> PassPlan:
        return PassPlan(self.prepared.inputs, max(1, self.prepared.iterations))

    @property
    def workflow_hash(self) -> str:
        """SHA-256 of the main file, "" when it has none."""
        return main_hash(self.files)

    def invocation(self) -> dict[str, Any]:
        """How the run was asked for, masked; a resume restores it."""
        request = self.prepared.request
        mask = self.prepared.environment.secrets.mask_value
        return {
            "command": request.command,
            "cwd": str(request.directory),
            "args": mask(list(self.prepared.inputs), named=True),
            "map": list(request.map_patterns),
            "params": mask(dict(request.parameters), named=True),
            "parameter_file": str(request.parameter_file) if request.parameter_file else None,
            "file_params": mask(self._from_file(), named=True),
            "max_iterations": self.prepared.iterations,
            "profile": request.profile,
        }

    def _from_file(self) -> dict[str, object] | None:
        """The parameters that were not given as words, when a file was: it may change later."""
        request = self.prepared.request
        if request.parameter_file is None:
            return None
        given = self.prepared.parameters
        return {name: given[name] for name in given if name not in request.parameters}

    def repo(self) -> dict[str, Any]:
        repository = self.prepared.repository
        return {"name": repository.name, "path": str(repository.path)}

    def session(self) -> SessionConfig:
        """What the session record is created from."""
        prepared, plan = self.prepared, self.plan
        mask = prepared.environment.secrets.mask_text
        return SessionConfig(
            workflow_id=prepared.workflow_id,
            workflow_name=prepared.workflow.name,
            id=prepared.session_id,
            total_steps=len(prepared.workflow.steps),
            variables=self._input_variables(),
            metadata={
                "workflow_type": "iterative" if plan.total > 1 or plan.inputs else "standard",
                "worktree_name": prepared.session_id,
                "project_name": prepared.repository.name,
                "x_prodigy": {
                    "repo": self.repo(),
                    "workflow": {
                        "id": prepared.workflow_id,
                        "name": prepared.workflow.name,
                        "path": str(prepared.request.workflow),
                        "sha256": self.workflow_hash or None,
                        "files": self.files,
                    },
                    "invocation": self.invocation(),
                    "base": {"branch": prepared.base_branch, "commit": prepared.base_commit},
                    "branch": self.branch,
                    "head": prepared.base_commit,
                    "pass": plan.description(0, mask),
                },
            },
        )

    def _input_variables(self) -> dict[str, str]:
        inputs = self.prepared.inputs
        values: Mapping[str, object] = {
            **({"ARG": inputs[0], "ARG_1": inputs[0]} if inputs else {}),
            **self.prepared.parameters,
        }
        mask = self.prepared.environment.secrets.mask_text
        return {name: mask(str(value))[:_INPUT_LIMIT] for name, value in values.items()}

    def checkpoint(self, started_at: str) -> WorkflowCheckpoint:
        """The state before the first step. ``started_at`` is that of the session."""
        prepared, plan = self.prepared, self.plan
        checkpoint = WorkflowCheckpoint(
            workflow_id=prepared.workflow_id,
            workflow_name=prepared.workflow.name,
            workflow_path=str(prepared.request.workflow),
            workflow_hash=self.workflow_hash,
            total_steps=len(prepared.workflow.steps),
            start_time=started_at,
            iteration=1,
            total_iterations=1 if plan.inputs else plan.iterations,
        )
        state = checkpoint.x
        state.session_id = prepared.session_id
        state.pass_ = plan.description(0, prepared.environment.secrets.mask_text)
        state.workflow_format = "json" if prepared.request.workflow.suffix == ".json" else "yaml"
        state.workflow_files = self.files
        state.invocation = self.invocation()
        state.repo = self.repo()
        state.worktree = {
            "name": prepared.session_id,
            "path": str(self.worktree),
            "branch": self.branch,
            "base_branch": prepared.base_branch,
            "base_commit": prepared.base_commit,
        }
        state.head_start = state.head_last = prepared.base_commit
        state.env = prepared.environment.described()
        return checkpoint
