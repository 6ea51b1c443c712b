"""The closed sets of words of MapReduce files (pure data)."""

from __future__ import annotations

from collections.abc import Mapping


def _words(text: str) -> dict[str, str]:
    return {word: word for word in text.split()}


KEPT_WORKTREES = _words("last all none")
LIMIT = _words("pause wait fail")
CONFLICT = _words("agent retry dlq")
AGGREGATION = _words(
    "count sum avg average mean min max median stddev variance "
    "collect unique flatten sort concat merge group_by"
)
TIMEOUT_POLICY = _words("per_agent per_command hybrid")
TIMEOUT_ACTION = _words("dlq skip fail graceful_terminate")
SOURCE = _words("stdout stderr both combined")
MULTILINE = _words("preserve join first_line last_line array")
INVALID_ITEM = _words("dlq skip fail")
FIELD_TYPE = _words("string number bool boolean array object any")
ITEM_ACTION = _words("dlq retry skip stop")
COLLECTION = _words("aggregate immediate")

WORDS: Mapping[str, Mapping[str, str]] = {
    "kept_worktrees": KEPT_WORKTREES,
    "limit_word": LIMIT,
    "conflict_word": CONFLICT,
    "aggregation": AGGREGATION,
    "timeout_policy": TIMEOUT_POLICY,
    "timeout_action": TIMEOUT_ACTION,
    "source_word": SOURCE,
    "multiline_word": MULTILINE,
    "invalid_item": INVALID_ITEM,
}
"""By the name of their type in the schema."""
