"""Random workflow documents that are right, in every spelling the language has.

Which keys there are, and the type of their values, comes from the tables of the language.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from hypothesis import strategies as st

from orchestrator.workflow.field_tables import TABLES, FieldRow
from orchestrator.workflow.model import BackoffKind, CaptureFormat, FailureStrategy
from orchestrator.workflow.parameter_fields import PARAMETER_TYPES
from orchestrator.workflow.retry_fields import CAUSES
from tests.orchestrator.workflow.random_values import (
    EXPRESSIONS,
    PATTERNS,
    Strategy,
    anything,
    boolean,
    count,
    data,
    duration,
    name,
    number,
    one_or_more,
    positive,
    text,
    texts,
)

Document = dict[str, Any]


@st.composite
def of_table(
    draw: st.DrawFn,
    table: str,
    depth: int = 0,
    *,
    without: Iterable[str] = (),
    most: int = 4,
    given: Document | None = None,
) -> Document:
    """A map of one of the tables: what it needs, some of the rest, each under one of its names.

    Args:
        draw: given by hypothesis.
        table: its name.
        depth: how deep steps may still be inside each other.
        without: first names of rows that are left out.
        most: how many optional keys.
        given: strategies for rows, in place of those of their type, by first name.
    """
    own = given or {}
    rows = [row for row in TABLES[table].rows if row.names[0] not in frozenset(without)]
    optional = [row for row in rows if not row.required]
    chosen = [row for row in rows if row.required]
    chosen += draw(st.lists(st.sampled_from(optional), unique=True, max_size=most))
    return {draw(st.sampled_from(row.names)): draw(_value(row, own, depth)) for row in chosen}


def _value(row: FieldRow, given: Document, depth: int) -> Strategy:
    own: Strategy | None = given.get(row.names[0])
    return types(depth)[row.type] if own is None else own


@cache
def types(depth: int) -> dict[str, Strategy]:
    """The values of each type of the tables."""
    inner = max(0, depth - 1)
    steps = st.one_of(
        st.lists(step(inner), max_size=2 if depth else 0), step(inner) if depth else st.just([])
    )
    follow_up = st.one_of(text, st.lists(st.one_of(text, step(inner)), max_size=2), step(inner))
    backoff_word = st.sampled_from([str(kind) for kind in BackoffKind if kind != "custom"])
    return {
        "any": data,
        "text": text,
        "texts": texts,
        "text_map": st.dictionaries(name, anything, max_size=2),
        "map": st.dictionaries(name, data, max_size=2),
        "boolean": boolean,
        "count": count,
        "positive": positive,
        "number": number,
        "fraction": st.floats(0, 1),
        "percent": st.floats(0, 100),
        "duration": duration,
        "durations": st.lists(duration, min_size=1, max_size=3),
        "expression": st.sampled_from(EXPRESSIONS),
        "schema": st.one_of(text, st.dictionaries(name, data, max_size=2)),
        "steps": steps,
        "handlers": one_or_more(step(inner)),
        "exit_codes": st.dictionaries(st.integers(0, 255).map(str), follow_up, max_size=2),
        "capture": st.one_of(boolean, name),
        "capture_format": st.sampled_from([*CaptureFormat, "text", "JSON"]).map(str),
        "streams": _streams(),
        "outputs": st.dictionaries(
            name, st.one_of(text, st.fixed_dictionaries({"file_pattern": text})), max_size=2
        ),
        "commit_config": of_table(
            "commit_config", given={"message_pattern": st.sampled_from(PATTERNS)}
        ),
        "retry": st.one_of(positive, of_table("retry_map", depth)),
        "backoff": st.one_of(
            backoff_word,
            of_table("backoff_map", given={"type": backoff_word}),
            st.fixed_dictionaries({"type": st.just("custom"), "delays": st.lists(duration)}),
            st.fixed_dictionaries({"custom": st.lists(duration, min_size=1, max_size=2)}),
            st.tuples(backoff_word, duration).map(lambda pair: {pair[0]: pair[1]}),
        ),
        "causes": one_or_more(
            st.one_of(
                st.sampled_from(list(CAUSES)),
                st.fixed_dictionaries({"pattern": st.sampled_from(PATTERNS)}),
            )
        ),
        "exhausted": st.one_of(
            st.sampled_from(["stop", "fail", "continue"]),
            st.fixed_dictionaries({"fallback": text}),
            st.fixed_dictionaries({"fallback": st.fixed_dictionaries({"command": text})}),
        ),
        "strategy": st.sampled_from(list(FailureStrategy)).map(str),
        "on_failure": st.one_of(
            boolean,
            text,
            st.lists(st.one_of(text, step(inner)), min_size=1, max_size=2),
            of_table("on_failure_map", inner, without=["timeout", "capture"]),
            of_table("on_failure_map", inner, without=["commands", "capture"]).flatmap(
                lambda options: _beside(text, "shell", options)
            ),
            step(inner),
        ),
        "validate": st.one_of(
            text, st.lists(step(inner), max_size=2), of_table("validate_map", inner)
        ),
        "on_incomplete": st.one_of(
            text,
            st.lists(step(inner), max_size=2),
            of_table("on_incomplete_map", inner).flatmap(
                lambda options: _beside(text, "shell", options)
            ),
        ),
        "step_validate": st.one_of(one_or_more(text), of_table("step_validate_map")),
        "check_commands": one_or_more(
            st.one_of(
                text,
                of_table("check_command_map", without=["claude"], most=3).map(
                    lambda value: value if {"command", "shell"} & set(value)
                    else value | {"claude": "/check"}
                ),
            )
        ),
        "criteria": st.one_of(
            st.sampled_from(["all", "Any", "at_least: 2"]),
            st.fixed_dictionaries({"atleast": positive}),
        ),
        "check_type": st.sampled_from(["shell", "claude"]),
        "parallel": st.one_of(boolean, positive, st.just("${workers}")),
        "items": st.one_of(
            text,
            st.lists(data, max_size=3),
            st.fixed_dictionaries({"command": text}),
            st.fixed_dictionaries({"list": st.lists(data, max_size=2)}),
        ),
        "env": env(),
        "env_files": one_or_more(st.one_of(text, of_table("env_file_map"))),
        "secrets": st.dictionaries(name, _secret(), max_size=3),
        "profiles": st.dictionaries(name, _profile(), max_size=2),
        "parameters": _parameters(),
        "merge": st.one_of(
            st.lists(step(inner), max_size=2),
            of_table("merge_map", depth, given={"commands": st.lists(step(inner), min_size=1)}),
        ),
        "setup": st.lists(step(inner), max_size=2),
    }  # fmt: skip


def _beside(each: Strategy, key: str, others: Document) -> Strategy:
    return each.map(lambda value: {key: value, **others})


# -- steps ----------------------------------------------------------------------------------------

_KINDS = (
    "shell claude foreach write_file workflow use test analyze command name with do parallel "
    "max_items commands args options metadata"
).split()


def step(depth: int) -> Strategy:
    """A step that names no other: a text, or a map of any kind with any fields."""
    return st.deferred(lambda: st.one_of(text, text.map(lambda t: f"shell: {t}"), _map_step(depth)))


@st.composite
def _map_step(draw: st.DrawFn, depth: int) -> Document:
    kind = draw(_kind(depth))
    most = 4 if depth else 1
    return {**draw(of_table("step", depth, without=[*_KINDS, "analysis"], most=most)), **kind}


def _kind(depth: int) -> Strategy:
    named = st.fixed_dictionaries(
        {},
        optional={
            "args": texts,
            "options": st.dictionaries(name, st.one_of(boolean, text), max_size=2),
            "metadata": of_table("step", depth, without=_without_metadata()),
        },
    )
    inner = max(0, depth - 1)
    body = st.lists(step(inner), min_size=1, max_size=2)
    simple = [_beside(text, word, {}) for word in ("shell", "claude")]
    labelled = [st.fixed_dictionaries({word: text, "name": text}) for word in ("shell", "claude")]
    kinds: list[Strategy] = [
        *simple,
        *labelled,
        _beside(st.one_of(text, st.fixed_dictionaries({"command": text})), "test", {}),
        named.flatmap(lambda more: _beside(text, "name", more)),
        named.flatmap(lambda more: _beside(text, "command", more)),
        _write_file().map(lambda file: {"write_file": file}),
        st.just({"analyze": {}}),
        types(depth)["validate"].map(lambda value: {"validate": value}) if depth else simple[0],
    ]
    if depth:
        loop = of_table("foreach_map", depth, given={"do": body})
        flat = st.fixed_dictionaries(
            {"foreach": types(depth)["items"], "do": body},
            optional={"parallel": types(depth)["parallel"], "max_items": count},
        )
        kinds += [loop.map(lambda value: {"foreach": value}), flat]
    return st.one_of(*kinds)


def _without_metadata() -> list[str]:
    kept = {"timeout", "commit_required", "env", "retries"}
    return [row.names[0] for row in TABLES["step"].rows if row.names[0] not in kept]


@st.composite
def _write_file(draw: st.DrawFn) -> Document:
    document: Document = {"path": draw(text.filter(lambda path: ".." not in path))}
    plain = draw(st.booleans())
    document["content"] = draw(anything if plain else st.lists(data, max_size=3) | _maps())
    formats = ["json", "yaml", *(["text"] if plain else [])]
    for key, value in (
        ("format", st.sampled_from(formats)),
        ("mode", st.sampled_from(["0644", "755", "0o600", 700])),
        ("create_dirs", boolean),
    ):
        if draw(st.booleans()):
            document[key] = draw(value)
    return document


def _maps() -> Strategy:
    return st.dictionaries(anything, data, max_size=3)


def _streams() -> Strategy:
    words = st.sampled_from(["stdout", "stderr", "both", "exit_code", "success", "duration"])
    lists = st.lists(words, max_size=3)
    return st.one_of(words, lists, lists.map(", ".join).filter(bool),
                     st.dictionaries(words, boolean, max_size=4))  # fmt: skip


# -- declarations ---------------------------------------------------------------------------------


def env() -> Strategy:
    secret = {"secret": boolean}
    value = st.one_of(
        anything,
        st.integers(),
        st.none(),
        st.fixed_dictionaries({"value": anything}, optional=secret),
        st.fixed_dictionaries({"command": anything}, optional={"cache": boolean, **secret}),
        st.fixed_dictionaries(
            {"condition": st.sampled_from(EXPRESSIONS)},
            optional={"when_true": anything, "when_false": anything, **secret},
        ),
        st.fixed_dictionaries(
            {"default": st.one_of(anything, st.fixed_dictionaries({"value": anything}))},
            optional={"live": anything, **secret},
        ),
    )
    return st.dictionaries(name, value, max_size=3)


def _secret() -> Strategy:
    provider = st.sampled_from(["env", "FILE", "vault", "Mine"])
    return st.one_of(
        name,
        st.none(),
        st.sampled_from(["${env:A}", "${A:-b}", "$A", "${file:~/x}", "${vault:a/b}", "${aws:}"]),
        of_table("secret_map", without=["custom", "provider"]).flatmap(
            lambda more: _beside(provider, "provider", more)
        ),
        of_table("secret_map", without=["custom", "provider"]).flatmap(
            lambda more: _beside(name, "custom", more)
        ),
    )


def _profile() -> Strategy:
    described = {"description": text}
    return st.one_of(
        st.none(),
        st.fixed_dictionaries({"env": env()}, optional=described),
        st.tuples(env(), st.fixed_dictionaries({}, optional=described)).map(
            lambda two: {**two[0], **two[1]}
        ),
    )


def _parameters() -> Strategy:
    types_of = {"type": st.sampled_from(list(PARAMETER_TYPES))}
    full = of_table("parameter_map", without=["name"], given=types_of)
    listed = st.lists(
        st.one_of(name, full.flatmap(lambda more: _beside(name, "name", more))),
        max_size=3,
        unique_by=lambda one: one["name"] if isinstance(one, dict) else one,
    )
    by_name = st.dictionaries(name.map(lambda word: f"p_{word}"), st.one_of(full, data.filter(
        lambda value: not isinstance(value, dict))), max_size=3)  # fmt: skip
    return st.one_of(
        listed,
        listed.map(lambda rows: {"required": rows}),
        by_name,
        by_name.map(lambda rows: {"definitions": rows}),
    )


# -- files ----------------------------------------------------------------------------------------


@st.composite
def workflows(draw: st.DrawFn) -> Document:
    """A whole file: its own steps, those of local templates, sub-workflows placed or not."""
    elsewhere = ["version", "description", "mode", "error_policy", "extends", "imports"]
    elsewhere += ["template", "templates", "sub_workflows", "active_profile", "commands"]
    document: Document = draw(of_table("workflow", 2, without=elsewhere, most=5))
    if document.get("profiles"):
        document["active_profile"] = draw(st.sampled_from(list(document["profiles"])))
    steps: list[object] = draw(st.lists(step(2), min_size=1, max_size=3))
    if draw(st.booleans()):
        document["templates"] = {"greet": draw(_template()), "part": draw(_template())}
        uses = st.fixed_dictionaries(
            {"use": st.sampled_from(["greet", "part"])},
            optional={
                "with": st.dictionaries(name, data, max_size=2),
                "id": name,
                "when": st.sampled_from(EXPRESSIONS),
            },
        )
        used_once: Strategy = st.lists(uses, max_size=2, unique_by=lambda one: str(one["use"]))
        steps += draw(used_once)
    if draw(st.booleans()):
        subs = [draw(_sub_workflow([]))]
        # the files and secrets of several end up in an order that depends on where each is placed
        subs += draw(st.lists(_sub_workflow(["env_files", "secrets"]), max_size=2))
        document["sub_workflows"] = {f"sub{index}": one for index, one in enumerate(subs)}
        if draw(st.booleans()):
            steps.append({"workflow": "sub0", "id": draw(name)})
    key = draw(st.sampled_from(["commands", "steps"]))
    return {**document, key: draw(st.permutations(steps))}


def _template() -> Strategy:
    steps = st.lists(step(1), min_size=1, max_size=2)
    return st.one_of(steps, steps.map(lambda inside: {"commands": inside}))


@st.composite
def _sub_workflow(draw: st.DrawFn, without: list[str]) -> Document:
    without = ["name", "source", "commands", "extends", "setup", *without]
    given = {"parameters": st.dictionaries(name, data, max_size=2)}
    document = draw(of_table("sub_workflow_map", 1, without=without, given=given))
    document["commands"] = draw(st.lists(step(1), min_size=1, max_size=2))
    return document
