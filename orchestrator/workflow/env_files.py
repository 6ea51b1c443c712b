"""Env files: lines of ``KEY=VALUE``, read as they are written."""

from __future__ import annotations

import os
import re
from pathlib import Path

_KEY = re.compile(r"(?:export[ \t]+)?([^\s=#'\"][^\s=]*)[ \t]*=(.*)\Z", re.S)
_QUOTES = ("'", '"')


class EnvFileError(Exception):
    """An env file that cannot be read; the message begins with its name."""


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of an env file.

    Raises:
        FileNotFoundError: there is no such file.
        EnvFileError: it cannot be read, or a line is wrong (``FILE:LINE: …``).
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise EnvFileError(f"{path}: cannot be read: {reason}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EnvFileError(f"{path}: not UTF-8 at byte {error.start}") from None
    if "\0" in text:
        raise EnvFileError(f"{path}: has a NUL character in it")
    return parse_env_file(text, str(path))


def parse_env_file(text: str, shown: str) -> dict[str, str]:
    """The variables of the text of an env file, later lines over earlier ones.

    A pair of equal quotes around a value is removed; a value that opens with a quote goes on to
    the closing one, over lines. Nothing is expanded, there are no escapes and no comments behind
    values.

    Raises:
        EnvFileError: ``FILE:LINE: expected KEY=VALUE`` or ``unclosed quote``.
    """
    values: dict[str, str] = {}
    lines = text.replace("\r\n", "\n").split("\n")
    number = 0
    while number < len(lines):
        first = number
        line = lines[number].strip()
        number += 1
        if not line or line.startswith("#"):
            continue
        match = _KEY.match(line)
        if match is None:
            raise EnvFileError(f"{shown}:{first + 1}: expected KEY=VALUE")
        key, value = match.group(1), match.group(2).strip()
        quote = value[:1]
        if quote in _QUOTES and quote not in value[1:]:
            while number < len(lines) and quote not in lines[number]:
                value += "\n" + lines[number]
                number += 1
            if number == len(lines):
                raise EnvFileError(f"{shown}:{first + 1}: unclosed quote")
            value += "\n" + lines[number].rstrip()
            number += 1
        if quote in _QUOTES:
            if not value.endswith(quote):
                raise EnvFileError(f"{shown}:{number}: expected KEY=VALUE, quotes around the whole")
            value = value[1:-1]
        values[key] = value
    return values
