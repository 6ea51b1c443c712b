"""Hiding secret values in text, whole or in a stream, and putting them back where they belong."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from orchestrator.steps.secret_forms import form_of, forms_of
from orchestrator.steps.secret_search import SecretSearch

MASK = "***"
REDACTED = "***REDACTED***"

_SENSITIVE_NAME = re.compile(
    r"secret|token|passw|pwd|(api|private|ssh|access)[_-]?key|credential|auth(?!or($|[^i]))", re.I
)
_TOKEN_SHAPE = re.compile(
    r"gh[a-z]_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|AKIA[0-9A-Z]{12,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_NAMED_MASK = re.compile(r"\*\*\*([^*:\s]{1,200})(?::([a-z]+[0-9]*))?\*\*\*")


class SecretKind(Enum):
    """How it is known that a value is secret; the value is the shortest length that is masked."""

    DECLARED = 4
    """The workflow or the configuration says so."""
    NAMED = 8
    """Its name looks sensitive; a short value may be anything."""


@dataclass(frozen=True, slots=True)
class Secret:
    name: str
    value: str
    kind: SecretKind = SecretKind.DECLARED


def looks_sensitive(name: str) -> bool:
    """Whether a variable of this name is likely to hold a secret."""
    return _SENSITIVE_NAME.search(name) is not None


def listed(name: str, value: str) -> str:
    """A variable's value for a listing: hidden if its name or its shape is that of a secret."""
    hide = looks_sensitive(name) or _TOKEN_SHAPE.search(value) is not None
    return REDACTED if hide and value else value


def marked_names(text: str) -> frozenset[str]:
    """The names of all secrets that stand in a text as ``***NAME***``."""
    return frozenset(found[1] for found in _NAMED_MASK.finditer(text)) - {REDACTED.strip("*")}


def restore(text: str, values: Mapping[str, str]) -> str:
    """Replace every ``***NAME***`` whose value is known; others stay as they are."""

    def value_of(found: re.Match[str]) -> str:
        value = values.get(found[1])
        restored = None if value is None else form_of(value, found[2] or "")
        return found[0] if restored is None else restored

    return _NAMED_MASK.sub(value_of, text)


class StreamMasker:
    """Masks one stream of bytes that comes in pieces.

    Only a tail that could begin a secret is held back, less than the longest form of one.
    """

    def __init__(self, search: SecretSearch | None) -> None:
        self._search = search
        self._held = b""
        self._covered = 0
        """How much of what is held back belongs to a secret for which the mask is out already."""

    def feed(self, data: bytes) -> bytes:
        """Take the next piece and return what may be shown by now."""
        if self._search is None:
            return data
        buffer = self._held + data
        return self._show(buffer, self._search.open_end(buffer))

    def finish(self) -> bytes:
        """The stream has ended: return what was held back."""
        return self._show(self._held, len(self._held))

    def _show(self, buffer: bytes, until: int) -> bytes:
        if self._search is None:
            return b""
        shown: list[bytes] = []
        done = self._covered
        for start, end, _ in self._search.spans(buffer):
            if start >= until:
                break
            if start >= done:
                shown += (buffer[done:start], MASK.encode())
            done = max(done, end)
        shown.append(buffer[done:until])
        self._held = buffer[until:]
        self._covered = max(0, done - until)
        return b"".join(shown)


class Secrets:
    """The one set of secrets of a run, shared by threads. It only ever grows."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self.values: Mapping[str, str] = {}
        """The value of each secret by its name."""
        self.too_short: tuple[str, ...] = ()
        """Names of declared secrets that cannot be masked, for a warning."""
        self._labels: dict[bytes, str] = {}
        self._search: SecretSearch | None = None
        self._guard = threading.Lock()
        self.learn(secrets)

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Add values, some of which may be known; streams that are open do not hide them."""
        with self._guard:
            given = [
                secret
                for secret in secrets
                if secret.value.strip() and self.values.get(secret.name) != secret.value
            ]
            if not given:
                return
            self.values = {**self.values, **{secret.name: secret.value for secret in given}}
            self.too_short += tuple(
                secret.name
                for secret in given
                if secret.kind is SecretKind.DECLARED and len(secret.value) < secret.kind.value
            )
            labels = dict(self._labels)
            for secret in given:
                if len(secret.value) >= secret.kind.value:
                    for form, text in forms_of(secret.value).items():
                        label = f"{secret.name}:{form}" if form else secret.name
                        labels.setdefault(text.encode("utf-8", "surrogatepass"), label)
            if len(labels) > len(self._labels):
                self._labels = labels
                self._search = SecretSearch(labels)

    def mask_text(self, text: str, *, named: bool = False) -> str:
        """Hide every secret in a text.

        Args:
            text: any text.
            named: hide it as ``***NAME***``, which ``restore`` can undo.
        """
        if self._search is None:
            return text
        data = text.encode("utf-8", "surrogatepass")
        shown: list[bytes] = []
        done = 0
        for start, end, label in self._search.spans(data):
            mask = f"***{label}***" if named else MASK
            shown += (data[done:start], mask.encode("utf-8", "surrogatepass"))
            done = end
        if not shown:
            return text
        shown.append(data[done:])
        return b"".join(shown).decode("utf-8", "surrogatepass")

    def mask_beginning(self, text: str, length: int) -> str:
        """Hide every secret in the first characters of a text, one that is cut through as well."""
        if len(text) <= length:
            return self.mask_text(text)
        beginning = text[:length].encode("utf-8", "surrogatepass")
        return self.stream().feed(beginning).decode("utf-8", "surrogatepass")

    def mask_value(self, value: object, *, named: bool = False) -> object:
        """Hide every secret in the texts of a JSON-like value; keys and numbers stay."""
        if isinstance(value, str):
            return self.mask_text(value, named=named)
        if isinstance(value, Mapping):
            return {name: self.mask_value(item, named=named) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.mask_value(item, named=named) for item in value]
        return value

    def stream(self) -> StreamMasker:
        """A masker for one stream of bytes."""
        return StreamMasker(self._search)


def restore_value(value: object, values: Mapping[str, str]) -> object:
    """Put secrets back into the texts of a JSON-like value."""
    if isinstance(value, str):
        return restore(value, values)
    if isinstance(value, Mapping):
        return {name: restore_value(item, values) for name, item in value.items()}
    if isinstance(value, list):
        return [restore_value(item, values) for item in value]
    return value
