"""Variables on their way into a checkpoint and back: plain JSON, masked, long equal texts once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.steps.masking import Secrets, marked_names, restore_value
from orchestrator.variables import Variables
from orchestrator.workflow.values import restore_kinds, split_kinds
from store.checkpoint import WorkflowCheckpoint

_SHARED_FROM = 1024
"""Texts from this length on are kept once, however many names have them."""


class VariableStore:
    """Puts the variables of a run into its checkpoints; a value that did not change is not masked
    again."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._masked: dict[str, tuple[object, object, list[str]]] = {}
        self._masked_with: Mapping[str, str] = secrets.values

    def put(self, variables: Variables, checkpoint: WorkflowCheckpoint) -> None:
        """Write the present variables into a checkpoint that is about to be saved."""
        if self._masked_with is not self._secrets.values:
            self._masked.clear()
            self._masked_with = self._secrets.values
        plain, kinds = split_kinds(variables.stored())
        values: dict[str, Any] = {}
        masked: dict[str, Any] = {}
        same: dict[str, str] = {}
        holders: dict[str, str] = {}
        for name, raw in plain.items():
            if isinstance(raw, str) and len(raw) >= _SHARED_FROM:
                holder = holders.setdefault(raw, name)
                if holder != name:
                    same[name] = holder
                    continue
            value, names = self._masked_value(name, raw)
            values[name] = value
            if names:
                masked[name] = names
        checkpoint.variables = values
        checkpoint.x.masked = masked
        checkpoint.x.list_kinds = {name: kind for name, kind in kinds.items() if name in values}
        if same:
            checkpoint.x.unknown["same_as"] = same
        else:
            checkpoint.x.unknown.pop("same_as", None)

    def _masked_value(self, name: str, raw: object) -> tuple[object, list[str]]:
        known = self._masked.get(name)
        if known is not None and known[0] is raw:
            return known[1], known[2]
        value = self._secrets.mask_value(raw, named=True)
        names = [] if value == raw else sorted(_names_in(value))
        self._masked[name] = (raw, value, names)
        return value, names


def restored(
    checkpoint: WorkflowCheckpoint, secrets: Mapping[str, str]
) -> tuple[dict[str, object], list[str]]:
    """The variables of a checkpoint, secrets put back, and the names of missing secrets."""
    values: dict[str, object] = dict(checkpoint.variables)
    missing: set[str] = set()
    for name, needed in checkpoint.x.masked.items():
        names = [str(one) for one in needed] if isinstance(needed, list) else []
        missing.update(one for one in names if one not in secrets)
        values[name] = restore_value(values.get(name), secrets)
    same = checkpoint.x.unknown.get("same_as")
    for name, holder in same.items() if isinstance(same, dict) else ():
        if holder in values:
            values[name] = values[holder]
    return restore_kinds(values, checkpoint.x.list_kinds), sorted(missing)


def _names_in(value: object) -> frozenset[str]:
    if isinstance(value, str):
        return marked_names(value)
    if isinstance(value, Mapping):
        return frozenset().union(*map(_names_in, value.values()))
    if isinstance(value, list):
        return frozenset().union(*map(_names_in, value))
    return frozenset()
