"""The variables of a run: layers by where a value came from, found by precedence.

Names are flat and dotted (``build.exit_code``); a path is first looked up whole, then walked by the
evaluator. The layers, strongest first:

    arguments   what the template of a step was given where it is used
    captures    what steps captured, and what they wrote to ``$PRODIGY_OUTPUT``
    parameters  parameters, ``--param`` values and defaults
    item        the element of a loop: ``item``, ``index``, ``total``
    merge       what a merge block may refer to
    results     ``ID.output`` and the like of steps with an id
    context     the step, the run, git: computed, never stored
    validation  ``validation.*`` of the last validation
    handling    ``error.*`` and what else handlers see, gone when handling ends
    last        ``last.*``, ``shell.*``, ``claude.*`` of the command that finished last
    inputs      ``ARG``, ``INDEX``, ``TOTAL``, ``ITERATION``, ``PROJECT_ROOT``
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from orchestrator.workflow.values import MISSING


class Layer(StrEnum):
    ARGUMENTS = "arguments"
    CAPTURES = "captures"
    PARAMETERS = "parameters"
    ITEM = "item"
    MERGE = "merge"
    RESULTS = "results"
    CONTEXT = "context"
    VALIDATION = "validation"
    HANDLING = "handling"
    LAST = "last"
    INPUTS = "inputs"


_STORED = (Layer.LAST, Layer.VALIDATION, Layer.RESULTS, Layer.CAPTURES)
_LAST_PREFIXES = ("last.", "shell.", "claude.", "test.", "foreach.", "write_file.")
_LAST_NAMES = frozenset({"CAPTURED_OUTPUT"})


class Variables:
    """Layered variables; a child sees its parent's below its own, layer by layer."""

    def __init__(self, parent: Variables | None = None) -> None:
        self._layers: dict[Layer, dict[str, object]] = {layer: {} for layer in Layer}
        self._parent = parent

    def child(self) -> Variables:
        """Variables of a loop's item: what is set there stays there."""
        return Variables(self)

    def apart(self) -> Variables:
        """Variables that see nothing of these but the context: the step, the run, git."""
        chain = [self]
        while chain[-1]._parent is not None:
            chain.append(chain[-1]._parent)
        alone = Variables()
        for scope in reversed(chain):
            alone.set(Layer.CONTEXT, scope._layers[Layer.CONTEXT])
        return alone

    def lookup(self, name: str) -> object:
        """The value of a whole name, or MISSING."""
        for layer in Layer:
            value = self._in_layer(layer, name)
            if value is not MISSING:
                return value
        return MISSING

    def _in_layer(self, layer: Layer, name: str) -> object:
        scope: Variables | None = self
        while scope is not None:
            value = scope._layers[layer].get(name, MISSING)
            if value is not MISSING:
                return value
            scope = scope._parent
        return MISSING

    def names(self) -> Iterator[str]:
        """Every defined name, some possibly more than once."""
        scope: Variables | None = self
        while scope is not None:
            for values in scope._layers.values():
                yield from values
            scope = scope._parent

    def set(self, layer: Layer, values: Mapping[str, object]) -> None:
        """Define or redefine names in one layer."""
        self._layers[layer].update(values)

    def replace(self, layer: Layer, values: Mapping[str, object]) -> None:
        """Make these the only names of a layer."""
        self._layers[layer] = dict(values)

    def drop(self, layer: Layer, prefix: str) -> None:
        """Forget the names of a layer that begin so."""
        values = self._layers[layer]
        self._layers[layer] = {k: v for k, v in values.items() if not k.startswith(prefix)}

    @contextmanager
    def kept(self, layer: Layer) -> Iterator[None]:
        """Put a layer back as it was when the block ends."""
        before = dict(self._layers[layer])
        try:
            yield
        finally:
            self._layers[layer] = before

    def stored(self) -> dict[str, object]:
        """What a checkpoint keeps: what steps gave. The rest is derived again."""
        merged: dict[str, object] = {}
        for layer in _STORED:
            merged.update(self._layers[layer])
        return merged

    def restore(self, stored: Mapping[str, object], step_ids: frozenset[str]) -> None:
        """Put back what ``stored`` gave, each name into the layer it came from."""
        for name, value in stored.items():
            if not name.startswith("__"):
                self._layers[_layer_of(name, step_ids)][name] = value


def _layer_of(name: str, step_ids: frozenset[str]) -> Layer:
    owner, dot, _ = name.partition(".")
    if dot and owner in step_ids:
        return Layer.RESULTS
    if owner == "validation" and dot:
        return Layer.VALIDATION
    if name in _LAST_NAMES or name.startswith(_LAST_PREFIXES):
        return Layer.LAST
    return Layer.CAPTURES
