"""``env``, ``env_files``, ``secrets`` and ``profiles`` as they are declared in a file."""

from __future__ import annotations

import re

from orchestrator.workflow.fields import (
    Fields,
    read_boolean,
    read_map,
    read_string,
    wrong_type,
)
from orchestrator.workflow.model import EnvEntry, EnvFile, EnvForm, Profile, SecretEntry
from orchestrator.workflow.nodes import ListNode, MapNode, Node, Pair, Scalar, is_null
from orchestrator.workflow.problems import Problems

_FROM_ENVIRONMENT = re.compile(r"\$\{(?:env[:.])?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?\}\Z", re.S)
_FROM_PROVIDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_-]*):(.*)\}\Z", re.S)
_BARE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)\Z")


# -- env ------------------------------------------------------------------------------------------


def read_env(node: Node | None, problems: Problems, name: str = "env") -> tuple[EnvEntry, ...]:
    """The declared variables of one ``env`` map, in order."""
    mapping = None if node is None else read_map(node, name, problems)
    if mapping is None:
        return ()
    entries = (_env_entry(pair, problems) for pair in mapping.pairs)
    return tuple(entry for entry in entries if entry is not None)


def _env_entry(pair: Pair, problems: Problems) -> EnvEntry | None:
    name, value = pair.key.text, pair.value
    if not name or "=" in name or "\0" in name:
        problems.error(pair.key.position, "bad_name", f"'{name}' cannot name a variable")
        return None
    position = pair.key.position
    if isinstance(value, Scalar):
        return EnvEntry(name, position, text=_text(value))
    if isinstance(value, ListNode):
        wrong_type(value, name, "a text or a map", problems)
        return None
    fields = Fields(value, problems, f"the variable '{name}'")
    secret = fields.flag("secret")
    if "command" in fields:
        entry = EnvEntry(
            name,
            position,
            EnvForm.COMMAND,
            command=fields.string("command") or "",
            cache=fields.flag("cache"),
            secret=secret,
        )
    elif "condition" in fields:
        entry = EnvEntry(
            name,
            position,
            EnvForm.CONDITION,
            condition=fields.expression("condition"),
            when_true=fields.string("when_true") or "",
            when_false=fields.string("when_false") or "",
            secret=secret,
        )
    elif "value" in fields.names():
        entry = EnvEntry(name, position, text=fields.string("value") or "", secret=secret)
    else:
        return _by_profile(name, value, secret, problems)
    fields.finish()
    return entry


def _by_profile(name: str, node: MapNode, secret: bool, problems: Problems) -> EnvEntry | None:
    texts: dict[str, str] = {}
    for pair in node.pairs:
        profile, value = pair.key.text, pair.value
        if profile == "secret":
            continue
        if isinstance(value, MapNode):
            fields = Fields(value, problems, f"the variable '{name}' of profile '{profile}'")
            secret = fields.flag("secret") or secret
            text = fields.string("value")
            if text is None and "value" not in fields:
                problems.error(value.position, "missing_key", f"'{profile}' needs 'value'")
            fields.finish()
        else:
            text = _text(value) if isinstance(value, Scalar) else None
            if text is None:
                wrong_type(value, profile, "a text", problems)
        if text is not None:
            texts[profile] = text
    if not texts:
        problems.error(
            node.position,
            "missing_key",
            f"the variable '{name}' needs 'value', 'command', 'condition' or a value by profile",
        )
        return None
    form = EnvForm.BY_PROFILE
    return EnvEntry(name, node.position, form, profiles=texts, secret=secret)


def _text(value: Scalar) -> str:
    return "" if value.is_null else value.text


# -- env_files ------------------------------------------------------------------------------------


def read_env_files(node: Node | None, problems: Problems) -> tuple[EnvFile, ...]:
    """One entry or a list of them: a path, or ``{path, required?}``."""
    if node is None or is_null(node):
        return ()
    files: list[EnvFile] = []
    for item in node.items if isinstance(node, ListNode) else (node,):
        if isinstance(item, Scalar) and not item.is_null:
            files.append(EnvFile(item.text, item.position))
        elif isinstance(item, MapNode):
            fields = Fields(item, problems, "an entry of 'env_files'")
            path = fields.string("path")
            required = fields.flag("required")
            if "path" not in fields:
                problems.error(item.position, "missing_key", "an env file needs 'path'")
            fields.finish()
            if path is not None:
                files.append(EnvFile(path, item.position, required))
        elif not is_null(item):
            wrong_type(item, "env_files", "a path", problems)
    return tuple(files)


# -- secrets --------------------------------------------------------------------------------------


def read_secrets(node: Node | None, problems: Problems) -> tuple[SecretEntry, ...]:
    mapping = None if node is None else read_map(node, "secrets", problems)
    if mapping is None:
        return ()
    entries = (_secret(pair, problems) for pair in mapping.pairs)
    return tuple(entry for entry in entries if entry is not None)


def _secret(pair: Pair, problems: Problems) -> SecretEntry | None:
    name, value, position = pair.key.text, pair.value, pair.key.position
    if is_null(value):
        return SecretEntry(name, position, "env", name)
    if isinstance(value, Scalar):
        return _secret_text(name, value.text.strip(), pair)
    if isinstance(value, ListNode):
        wrong_type(value, name, "where the secret comes from", problems)
        return None
    fields = Fields(value, problems, f"the secret '{name}'")
    provider = _provider(fields)
    entry = SecretEntry(
        name=name,
        position=position,
        provider=provider or "env",
        key=fields.string("key", "path", "name") or name,
        default=fields.string("default"),
        version=fields.string("version"),
    )
    if provider is None:
        problems.error(value.position, "missing_key", f"the secret '{name}' needs 'provider'")
    fields.finish()
    return entry


def _provider(fields: Fields) -> str | None:
    """The word, or NAME of ``{custom: NAME}`` in the place of the provider or the whole."""
    node = fields.node("provider")
    if node is None:
        return fields.string("custom")
    if isinstance(node, MapNode):
        inner = Fields(node, fields.problems, "'provider'")
        custom = inner.string("custom")
        inner.finish()
        return custom
    word = read_string(node, "provider", fields.problems)
    return None if word is None else (word.lower() if word.lower() in ("env", "file") else word)


def _secret_text(name: str, text: str, pair: Pair) -> SecretEntry:
    position = pair.key.position
    match = _FROM_ENVIRONMENT.match(text)
    if match is not None:
        return SecretEntry(name, position, "env", match.group(1), default=match.group(2))
    match = _BARE.match(text)
    if match is not None:
        return SecretEntry(name, position, "env", match.group(1))
    match = _FROM_PROVIDER.match(text)
    if match is not None:
        key = match.group(2).strip()
        return SecretEntry(name, position, match.group(1).lower(), key or name)
    return SecretEntry(name, position, "env", text or name)


# -- profiles -------------------------------------------------------------------------------------


def read_profiles(node: Node | None, problems: Problems) -> dict[str, Profile]:
    """Profiles with their variables written flat or under ``env``."""
    mapping = None if node is None else read_map(node, "profiles", problems)
    profiles: dict[str, Profile] = {}
    for pair in mapping.pairs if mapping is not None else ():
        name, position = pair.key.text, pair.key.position
        if is_null(pair.value):
            profiles[name] = Profile(name, position)
            continue
        body = read_map(pair.value, name, problems)
        if body is None:
            continue
        described = body.get("description")
        described_as = described.text if isinstance(described, Scalar) else None
        description = None if described is None or is_null(described) else described_as
        inner = body.get("env")
        nested = isinstance(inner, MapNode) and len(body.pairs) == 1 + (described is not None)
        env = inner if nested else body.without(frozenset({"description"}))
        profiles[name] = Profile(name, position, read_env(env, problems, name), description)
    return profiles


def env_and_files(
    fields: Fields,
) -> tuple[tuple[EnvEntry, ...], tuple[EnvFile, ...]]:
    """The ``env`` and ``env_files`` of a file; files may also be listed inside ``env``."""
    problems = fields.problems
    node = fields.node("env")
    files = read_env_files(fields.node("env_files"), problems)
    if isinstance(node, MapNode):
        listed = node.get("env_files")
        if isinstance(listed, ListNode):
            files = (*read_env_files(listed, problems), *files)
            node = node.without(frozenset({"env_files"}))
    return read_env(node, problems), files


def inherits(fields: Fields) -> bool:
    """``inherit``; true when it is not written."""
    node = fields.node("inherit")
    if node is None:
        return True
    value = read_boolean(node, "inherit", fields.problems)
    return True if value is None else value
