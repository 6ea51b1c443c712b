"""Names that mean something in another phase of a job only: each is warned of where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from orchestrator.workflow.interpolation import referred_names
from orchestrator.workflow.model import Step
from orchestrator.workflow.problems import Problems

_OF_ITEMS = frozenset({"item_json", "item_id", "item_index", "item_total", "map.key"})
_ITEM_PREFIXES = ("item.", "worker.", "agent.")
_OF_RESULTS = frozenset(
    f"map.{name}"
    for name in ["total", "successful", "failed", "skipped", "success_rate", "failure_rate"]
)
_RESULT_PREFIXES = ("map.results", "map.variables")


def warn_of_items(steps: Iterable[Step], phase: str, problems: Problems) -> None:
    """What an item is, is known for its agent only, and in a loop of the phase's own."""
    _warn(steps, phase, problems, _is_of_items, "where an item is worked on")


def warn_of_results(steps: Iterable[Step], phase: str, problems: Problems) -> None:
    """Results are known when all items are done."""
    _warn(steps, phase, problems, _is_of_results, "in 'reduce' and 'merge'")


def _is_of_items(name: str, in_loop: bool) -> bool:
    if in_loop and name.startswith("item."):
        return False
    return name in _OF_ITEMS or name.startswith(_ITEM_PREFIXES)


def _is_of_results(name: str, _in_loop: bool) -> bool:
    return name in _OF_RESULTS or name.startswith(_RESULT_PREFIXES)


def _warn(
    steps: Iterable[Step],
    phase: str,
    problems: Problems,
    is_foreign: Callable[[str, bool], bool],
    where: str,
) -> None:
    for step, in_loop in _every(steps, in_loop=False):
        captured = {name.partition(".")[0] for name in step.capture.names}
        for name in sorted({name for text in _texts(step) for name in referred_names(text)}):
            if name.partition(".")[0] not in captured and is_foreign(name, in_loop):
                problems.warning(
                    step.position,
                    "other_phase",
                    f"'{name}' has no value in {phase}: it is known {where}",
                )


def _every(steps: Iterable[Step], *, in_loop: bool) -> Iterator[tuple[Step, bool]]:
    """Steps with those inside them, and whether a loop goes round them."""
    for step in steps:
        yield step, in_loop
        inner: list[Step] = [*step.on_success]
        if step.on_failure is not None:
            inner += step.on_failure.steps
        if step.validate is not None:
            inner += step.validate.steps
        yield from _every(inner, in_loop=in_loop)
        if step.foreach is not None:
            yield from _every(step.foreach.steps, in_loop=True)


def _texts(step: Step) -> Iterator[str]:
    yield step.text
    for text in (step.working_dir, step.output_file):
        if text is not None:
            yield text
    for entry in step.env:
        yield entry.text
    if step.write_file is not None and isinstance(step.write_file.content, str):
        yield step.write_file.content
