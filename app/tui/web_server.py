"""The web server of the dashboard: textual-serve behind a door that looks who comes in."""

from __future__ import annotations

import hmac
import re
import shlex
import socket
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from textual_serve.server import Server

from app.dashboard_program import dashboard_command
from app.tui.address import Address

_COOKIE = "prodigy_token"
_OUTSIDE = re.compile(r"<link[^>]*fonts\.googleapis\.com[^>]*>", re.DOTALL)
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self' {socket}; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DashboardServer(Server):
    """Starts a dashboard of its own for each browser tab.

    Args:
        address: where it listens.
        arguments: those of each dashboard.
        token: what must be known to come in; None where only this machine can.
    """

    def __init__(self, address: Address, arguments: Sequence[str], token: str | None) -> None:
        command = shlex.join(dashboard_command(arguments))
        super().__init__(command, address.host, address.port, title="prodigy")
        self._address = address
        self._token = token

    async def make_app(self) -> web.Application:
        """The application, with its door."""
        app = await self._make_app()

        @web.middleware
        async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._door(request, handler)

        app.middlewares.append(door)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the address was said already."""

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page, under the name the browser calls it by, asking nobody else for anything."""
        self.public_url = f"{request.scheme}://{request.host}"
        page = await super().handle_index(request)
        assert isinstance(page, web.Response)
        page.text = _OUTSIDE.sub("", page.text or "")
        socket_url = f"{'wss' if request.secure else 'ws'}://{request.host}"
        page.headers["Content-Security-Policy"] = _POLICY.format(socket=socket_url)
        page.headers["Referrer-Policy"] = "no-referrer"
        return page

    async def _door(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._address.is_named_by(request.host):
            raise web.HTTPForbidden(text="This server is not called so.\n")
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text="Another site has no business here.\n")
        if self._token is None:
            return await handler(request)
        given = request.query.get("token")
        if given is not None and self._is_right(given):
            # Away from the address bar and the history, into a cookie no script can read.
            answer = web.HTTPSeeOther(request.path)
            answer.set_cookie(_COOKIE, given, httponly=True, samesite="Strict", path="/")
            raise answer
        if not self._is_right(request.cookies.get(_COOKIE, "")):
            raise web.HTTPUnauthorized(text="Open it with its token: /?token=…\n")
        return await handler(request)

    def _is_right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self._token or "").encode())


def run_server(
    address: Address, listening: socket.socket, arguments: Sequence[str], token: str | None
) -> None:
    """Serve until SIGINT or SIGTERM."""
    server = DashboardServer(address, arguments, token)
    web.run_app(server.make_app(), sock=listening, print=None, shutdown_timeout=1.0)
