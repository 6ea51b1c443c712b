"""The dashboard in a web browser: who may reach it, and the server that shows it.

Whoever reaches it can start runs, and so commands, as the person who serves it. So it listens on
this machine only, refuses pages of other sites that try to reach it through a browser here, and
takes another address only together with a token. The server is made in ``web_server``, which needs
the extra ``web``.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from app.tui.address import Address, Refusal, read_address

TOKEN_VARIABLE = "PRODIGY_SERVE_TOKEN"
SHORTEST_TOKEN = 12
EXIT_FAILED = 1
_OF_THE_DRIVER = ("TEXTUAL_DRIVER", "TEXTUAL_FPS", "TEXTUAL_COLOR_SYSTEM", "TERM_PROGRAM",
                  "TERM_PROGRAM_VERSION", "COLUMNS", "ROWS")  # fmt: skip


def check(address: Address, token: str | None) -> None:
    """Say what stands against serving there.

    Raises:
        Refusal: the address needs a token, the token is too short, or the extra is missing.
    """
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise Refusal(
            f"the token is too short: {SHORTEST_TOKEN} characters at least",
            "python -c 'import secrets; print(secrets.token_urlsafe())' makes one",
        )
    if not address.is_local and token is None:
        raise Refusal(
            f"other machines could reach {address.host}, and run commands as you through it",
            f"set {TOKEN_VARIABLE} (or give --token) and put TLS in front of it, or leave the "
            "host out: ssh -L 8000:127.0.0.1:8000 reaches it from elsewhere",
        )
    if find_spec("textual_serve") is None:
        raise Refusal(
            "serving needs the extra 'web', which is not installed",
            "pip install 'prodigy-workflows[web]'",
        )


def serve(
    text: str, arguments: Sequence[str], given_token: str | None, environment: Mapping[str, str]
) -> int:
    """Serve the dashboard until it is stopped; returns the exit code.

    Args:
        text: where, as typed.
        arguments: those of the dashboard itself.
        given_token: of the command line; else the environment's is taken.
        environment: of this process.
    """
    token = given_token or environment.get(TOKEN_VARIABLE) or None
    try:
        address = read_address(text)
        check(address, token)
        listening = _listen(address)
    except Refusal as refusal:
        print(f"error: {refusal.words}", file=sys.stderr)
        print(f"  {refusal.hint}", file=sys.stderr)
        return refusal.exit_code
    from app.tui.web_server import run_server

    bound = Address(address.host, listening.getsockname()[1])
    if not address.is_local:
        print("warning: other machines can reach this, and it is not encrypted", file=sys.stderr)
    query = "/?token=…" if token else "/"
    print(f"The dashboard is at {bound.url}{query}  (ctrl+c ends this; runs go on)", flush=True)
    os.environ.pop(TOKEN_VARIABLE, None)  # no dashboard and no run inherits it
    run_server(bound, listening, arguments, token)
    return 0


def _listen(address: Address) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        words = "it is taken" if taken else error.strerror or str(error)
        hint = f"another port: --serve {address.host}:{address.port + 1}" if taken else "--help"
        raise Refusal(f"cannot listen on {address.url}: {words}", hint, EXIT_FAILED) from error


def is_shown_in_a_browser(environment: Mapping[str, str]) -> bool:
    """Whether this dashboard was started by the server, and so has no terminal."""
    return "web_driver" in environment.get("TEXTUAL_DRIVER", "")


def forget_the_driver() -> None:
    """Keep what the server told the dashboard from runs that the dashboard starts."""
    for name in _OF_THE_DRIVER:
        os.environ.pop(name, None)
