"""Where the dashboard is served, and why it may not be."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8000
EXIT_USAGE = 2
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """Nothing is served, and this is why."""

    words: str
    hint: str
    exit_code: int = EXIT_USAGE


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host in _LOCAL_NAMES:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def is_named_by(self, host: str) -> bool:
        """Whether the ``Host`` of a request means this address.

        For a local one only its own names do: a page that had its name changed to this machine's
        address in the meantime calls it by another.
        """
        if not self.is_local:
            return True
        names = {*_LOCAL_NAMES, self.host, "[::1]"}
        return host in names | {f"{name}:{self.port}" for name in names}


def read_address(text: str) -> Address:
    """Read ``HOST:PORT``, ``HOST``, ``PORT`` or nothing.

    Raises:
        Refusal: it is no address.
    """
    host, port = DEFAULT_HOST, str(DEFAULT_PORT)
    text = text.strip()
    if text.isdecimal():
        port = text
    elif text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        before, _, after = text.partition(":")
        host, port = before or host, after or port
    elif text:
        host = text
    if not port.isdecimal() or int(port) > 65_535 or "/" in host or " " in host:
        raise Refusal(f"'{text}' is no address", "one looks like 127.0.0.1:8000 or 8000")
    return Address(host, int(port))
