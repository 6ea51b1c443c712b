"""The error policy of a job, in its three places: ``error_policy``, top level, ``map``."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.workflow import mapreduce_words as words
from orchestrator.workflow.fields import Fields, listed, read_number, wrong_type
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Scalar, is_null, plain_data
from orchestrator.workflow.problems import Problems
from orchestrator.workflow.reading import Place, StepReader
from orchestrator.workflow.retry_fields import read_retry
from orchestrator.workflow.suggest import nearest

SHORT_FORMS = (
    "on_item_failure",
    "continue_on_failure",
    "max_failures",
    "failure_threshold",
    "error_collection",
    "circuit_breaker",
    "retry_config",
)


@dataclass
class Policy:
    """Collects the settings of a job's policy and where each of them is said."""

    reader: StepReader
    _said: dict[str, list[tuple[int, str, Node]]] = field(default_factory=dict)
    """By setting, who says it: rank (the highest wins), place in words, value."""
    _actions: list[Node] = field(default_factory=list)
    _handlers: set[str] = field(default_factory=set)

    @property
    def problems(self) -> Problems:
        return self.reader.problems

    def read(self, fields: Fields, *, in_map: bool) -> None:
        """The short forms beside an ``error_policy``, and that."""
        rank, place = (4, "under 'map'") if in_map else (2, "at the top level")
        self._short_forms(fields, rank, place)
        node = fields.mapping("error_policy")
        if node is None:
            return
        inner = Fields(node, self.problems, "'error_policy'")
        self._short_forms(inner, rank - 1, "in 'error_policy'")
        handlers = inner.mapping("handlers")
        for pair in handlers.pairs if handlers is not None else ():
            self._handlers.add(pair.key.text)
            self.reader.steps(pair.value, Place.HANDLER)
        inner.word("on_usage_limit", valid=words.LIMIT)
        inner.finish()

    def finish(self) -> None:
        """Reports settings that contradict each other, and actions nobody handles."""
        for name, said in self._said.items():
            said.sort(key=lambda one: -one[0])
            (_, winner, first), *others = said
            for _, place, value in others:
                if plain_data(value) != plain_data(first):
                    self.problems.warning(
                        value.position,
                        "said_twice",
                        f"'{name}' {place} has no effect: the one {winner} at line "
                        f"{first.position.line} wins",
                    )
        for node in self._actions:
            self._action(node)

    def _short_forms(self, fields: Fields, rank: int, place: str) -> None:
        for name in SHORT_FORMS:
            node = fields.node(name)
            if node is not None:
                self._said.setdefault(name, []).append((rank, place, node))
        action = fields.node("on_item_failure")
        if action is not None:
            self._actions.append(action)
        fields.boolean("continue_on_failure")
        fields.integer("max_failures")
        _threshold(fields)
        _collection(fields)
        _breaker(fields)
        retry = fields.node("retry_config")
        if retry is not None:
            read_retry(retry, "retry_config", self.problems)

    def _action(self, node: Node) -> None:
        """A word, ``custom:NAME`` in any of its spellings, or the name of a handler."""
        name = _custom_name(node)
        if name is not None:
            if name not in self._handlers:
                self.problems.warning(
                    node.position,
                    "unknown_handler",
                    f"no handler is named '{name}'; 'handlers' of 'error_policy' says what it does",
                    nearest(name, self._handlers),
                )
            return
        if not isinstance(node, Scalar):
            wrong_type(node, "on_item_failure", "a word or custom:NAME", self.problems)
            return
        word = node.text.strip()
        if word.lower() in words.ITEM_ACTION or word in self._handlers:
            return
        known = (*words.ITEM_ACTION, *sorted(self._handlers))
        self.problems.error(
            node.position,
            "unknown_word",
            f"'on_item_failure' expects one of {listed(known)} or custom:NAME; got '{word}'",
            nearest(word, known),
        )


def _custom_name(node: Node) -> str | None:
    if isinstance(node, MapNode) and len(node.pairs) == 1:
        pair = node.pairs[0]
        if pair.key.text.lower() == "custom" and isinstance(pair.value, Scalar):
            return pair.value.text.strip()
    if isinstance(node, Scalar) and node.text.strip().lower().startswith("custom:"):
        return node.text.partition(":")[2].strip()
    return None


def _threshold(fields: Fields) -> None:
    node = fields.node("failure_threshold")
    if isinstance(node, Scalar) and node.text.strip().endswith("%"):
        percent = Scalar(node.position, node.text.strip()[:-1])
        read_number(percent, "failure_threshold", fields.problems, 0.0, 100.0)
    else:
        fields.number("failure_threshold", maximum=1.0)


def _collection(fields: Fields) -> None:
    """``aggregate``, ``immediate``, or ``batched`` with a size in any of its spellings."""
    node = fields.node("error_collection")
    if node is None:
        return
    size: Node | None = None
    if isinstance(node, MapNode) and len(node.pairs) == 1:
        pair = node.pairs[0]
        if pair.key.text.lower() == "batched" and not is_null(pair.value):
            size = pair.value
            if isinstance(size, MapNode):
                inner = Fields(size, fields.problems, "'batched'")
                size = inner.node("size")
                inner.finish()
    elif isinstance(node, Scalar) and node.text.strip().lower().startswith("batched:"):
        size = Scalar(node.position, node.text.partition(":")[2].strip())
    if size is None or isinstance(size, ListNode):
        fields.word("error_collection", valid=words.COLLECTION)
    elif isinstance(size, Scalar) and not (size.text.isdecimal() and int(size.text) > 0):
        wrong_type(size, "error_collection", "batched with a size of at least 1", fields.problems)


def _breaker(fields: Fields) -> None:
    breaker = fields.mapping("circuit_breaker")
    if breaker is None:
        return
    inner = Fields(breaker, fields.problems, "'circuit_breaker'")
    for name in ("failure_threshold", "success_threshold", "half_open_requests"):
        inner.integer(name, minimum=1)
    inner.duration("timeout", "recovery_timeout")
    inner.integer("recovery_timeout_ms")
    inner.finish()
