"""No form of a secret is seen, wherever a stream is cut, and what must be restored can be."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.steps.masking import (
    MASK,
    REDACTED,
    Secret,
    SecretKind,
    Secrets,
    listed,
    looks_sensitive,
    marked_names,
    restore,
    restore_value,
)

PASSWORD = 'p/ss w"rd+é\\0815'
KEY = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA7\nshort\n-----END KEY-----\n"
SECRETS = Secrets([Secret("PASSWORD", PASSWORD), Secret("KEY", KEY)])


def in_pieces(secrets: Secrets, *pieces: bytes) -> bytes:
    masker = secrets.stream()
    return b"".join([*map(masker.feed, pieces), masker.finish()])


@pytest.mark.parametrize(
    "form",
    [
        PASSWORD,
        json.dumps(PASSWORD)[1:-1],
        json.dumps(PASSWORD, ensure_ascii=False)[1:-1],
        quote(PASSWORD, safe=""),
        quote(PASSWORD),
        quote(PASSWORD, safe="").lower(),
        quote(PASSWORD, safe="").replace("%20", "+"),
        KEY.strip(),
        json.dumps(KEY.strip())[1:-1],
        "MIIEowIBAAKCAQEA7",
    ],
)
def test_every_form_is_hidden(form: str) -> None:
    assert SECRETS.mask_text(f"<{form}>") == f"<{MASK}>"


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
@pytest.mark.parametrize("after", ["", ":", "::"])
def test_base64_is_hidden_at_every_alignment(before: str, after: str) -> None:
    encoded = base64.b64encode(f"{before}{PASSWORD}{after}".encode()).decode()
    masked = SECRETS.mask_text(encoded)
    assert MASK in masked
    longest_rest = max(masked.split(MASK), key=len)
    assert len(longest_rest) <= 4 * (len(before) + len(after) + 2) / 3 + 4


def test_short_lines_of_a_secret_are_ordinary_text() -> None:
    assert SECRETS.mask_text("a short way") == "a short way"


def test_the_result_is_the_same_at_every_pair_of_cuts() -> None:
    text = f"x{PASSWORD}{PASSWORD}y p/ss w p/ss {KEY}{PASSWORD[:-1]}".encode()
    whole = in_pieces(SECRETS, text)
    assert PASSWORD.encode() not in whole
    for first in range(len(text)):
        for second in range(first, len(text)):
            pieces = (text[:first], text[first:second], text[second:])
            assert in_pieces(SECRETS, *pieces) == whole, (first, second)


@given(
    values=st.lists(st.text("ab", min_size=4, max_size=8), min_size=1, max_size=4),
    text=st.text("ab", max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_no_secret_survives_even_where_secrets_overlap(
    values: list[str], text: str, cuts: list[int]
) -> None:
    secrets = Secrets([Secret(f"S{n}", value) for n, value in enumerate(values)])
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end].encode() for start, end in zip(places, places[1:], strict=False)]
    masked = in_pieces(secrets, *pieces).decode()
    assert masked == secrets.mask_text(text)
    for value in values:
        assert value not in masked


def test_only_what_could_begin_a_secret_is_held_back() -> None:
    masker = Secrets([Secret("S", "hunter2")]).stream()
    assert masker.feed(b"password: hunt") == b"password: "
    assert masker.feed(b"ing season\nh") == b"hunting season\n"
    assert masker.feed(b"unter2") == MASK.encode()
    assert masker.finish() == b""


def test_text_without_secrets_is_left_alone() -> None:
    masker = Secrets().stream()
    assert masker.feed(b"\xff\x00") == b"\xff\x00"
    assert in_pieces(SECRETS, b"\xff\xfe", bytes(range(256))) == b"\xff\xfe" + bytes(range(256))
    assert SECRETS.mask_text("a\udcffb") == "a\udcffb"


def test_a_named_mask_is_restored_in_the_form_it_had() -> None:
    encoded = base64.b64encode(f"user:{PASSWORD}!".encode()).decode()
    text = f"{PASSWORD} {json.dumps(PASSWORD)} {quote(PASSWORD)} {encoded} {KEY}"
    masked = SECRETS.mask_text(text, named=True)
    assert PASSWORD not in masked and "***PASSWORD***" in masked
    assert marked_names(masked) == {"PASSWORD", "KEY"}
    assert restore(masked, {"PASSWORD": PASSWORD, "KEY": KEY}) == text


def test_a_mask_without_a_value_stays_and_is_named() -> None:
    assert restore("x ***GONE*** y *** z", {}) == "x ***GONE*** y *** z"
    assert marked_names(f"*** ***GONE*** {REDACTED}") == {"GONE"}


def test_values_are_masked_and_keys_numbers_and_words_are_not() -> None:
    secrets = Secrets([Secret("S", "prodigy")])
    value = {"prodigy": ["prodigy-x", 5, None, {"a": "prodigy"}]}
    masked = secrets.mask_value(value, named=True)
    assert masked == {"prodigy": ["***S***-x", 5, None, {"a": "***S***"}]}
    assert restore_value(masked, {"S": "prodigy"}) == value


def test_short_secrets_are_not_masked_and_declared_ones_are_named() -> None:
    secrets = Secrets(
        [
            Secret("A", "abc"),
            Secret("B", "abcd"),
            Secret("C_TOKEN", "1234567", SecretKind.NAMED),
            Secret("D", ""),
        ]
    )
    assert secrets.mask_text("abc abcd 1234567") == f"abc {MASK} 1234567"
    assert secrets.too_short == ("A",)


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "api_key", "ApiKey", "AUTHORIZATION", "SSH_KEY", "Credentials", "PWD2"]
)
def test_sensitive_names_are_recognised(name: str) -> None:
    assert looks_sensitive(name)


@pytest.mark.parametrize("name", ["MODE", "GIT_AUTHOR_NAME", "AUTHOR", "KEYBOARD", "PATH"])
def test_ordinary_names_are_not_sensitive(name: str) -> None:
    assert not looks_sensitive(name)


def test_listings_hide_sensitive_names_and_the_shapes_of_tokens() -> None:
    assert listed("TOKEN", "x") == REDACTED
    assert listed("X", "ghp_0123456789abcdefABCDEF") == REDACTED
    assert listed("MODE", "production") == "production"


def test_masking_keeps_up_with_output() -> None:
    names = [f"tok{n:02}-{base64.b64encode(bytes([n] * 12)).decode()}" for n in range(25)]
    secrets = Secrets([Secret(f"S{n}", value) for n, value in enumerate(names)])
    piece = b"".join(b"%07d the quick brown fox jumps over the lazy dog\n" % n for n in range(1200))
    masker = secrets.stream()
    started = time.perf_counter()
    for _ in range(100):
        masker.feed(piece)
    megabytes = len(piece) * 100 / 1e6
    # measured at 40 to 60 MB a second; the bound only catches a change of kind
    assert megabytes / (time.perf_counter() - started) > 5
