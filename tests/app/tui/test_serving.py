"""The dashboard in a browser: it is the same one, and only who may comes in."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.tui import serving
from app.tui.address import Address, Refusal, read_address
from app.tui.main import main
from store.home import Home
from store.requests import pending
from store.states import SessionStatus
from tests.app.tui.prepared_store import Run
from tests.app.tui.sample_runs import numbered, prepared
from tests.e2e.terminal import Screen

ROOT = Path(__file__).resolve().parents[3]
CODE = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from prodigy_entry import prodigy_tui"
TOKEN = "a-token-of-some-length"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
                None)  # fmt: skip
DEADLINE_SECONDS = 40.0


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("", "127.0.0.1", 8000),
        ("9000", "127.0.0.1", 9000),
        (":9000", "127.0.0.1", 9000),
        ("localhost", "localhost", 8000),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("[::1]:9000", "::1", 9000),
        ("::1", "::1", 8000),
    ],
)
def test_an_address_is_read(text: str, host: str, port: int) -> None:
    assert read_address(text) == Address(host, port)


@pytest.mark.parametrize("text", ["x:y", "http://x", "1:99999", "a b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        read_address(text)


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("localhost", True), ("::1", True),
     ("0.0.0.0", False), ("::", False), ("192.168.0.4", False), ("example.org", False)],
)  # fmt: skip
def test_only_this_machine_is_local(host: str, local: bool) -> None:
    assert Address(host, 1).is_local is local


def test_other_hosts_need_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--serve", "0.0.0.0:0"]) == 2
    said = capsys.readouterr().err
    assert "run commands as you" in said and "PRODIGY_SERVE_TOKEN" in said
    assert main(["--web", "0.0.0.0:0", "--token", "short"]) == 2
    assert "too short" in capsys.readouterr().err


def test_who_serves_other_machines_is_warned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("textual_serve")
    from app.tui import web_server

    monkeypatch.setattr(web_server, "run_server", lambda *_given: None)
    assert main(["--serve", "0.0.0.0:0", "--token", TOKEN]) == 0
    said = capsys.readouterr()
    assert "other machines can reach this, and it is not encrypted" in said.err
    assert TOKEN not in said.out + said.err


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serving, "find_spec", lambda _name: None)
    assert main(["--serve"]) == 2
    assert "pip install 'prodigy-workflows[web]'" in capsys.readouterr().err


@contextmanager
def served(home: Home, *arguments: str) -> Iterator[str]:
    """The URL of a server of its own, ended afterwards."""
    pytest.importorskip("textual_serve")
    command = [sys.executable, "-c", f"{CODE}; prodigy_tui()", "--home", str(home.root)]
    server = subprocess.Popen(
        [*command, "--serve", "127.0.0.1:0", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert found is not None
        yield found[0]
    finally:
        server.send_signal(signal.SIGTERM)
        server.stdout.close()
        assert server.wait(20) == 0


async def test_nobody_but_its_own_page_comes_in(home: Home) -> None:
    with served(home) as url:
        from aiohttp import ClientSession

        async with ClientSession() as client:
            async with client.get(url) as page:
                text = await page.text()
                assert page.status == 200 and "textual-terminal" in text
                assert "googleapis" not in text
                assert "default-src 'self'" in page.headers["Content-Security-Policy"]
            for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
                for path in ("/", "/ws"):
                    async with client.get(url + path, headers=headers) as answer:
                        assert answer.status == 403


async def test_with_a_token_only_who_knows_it_comes_in(home: Home) -> None:
    with served(home, "--token", TOKEN) as url:
        from aiohttp import ClientSession, CookieJar

        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
            for path in ("/", "/ws", "/?token=wrong-wrong-wrong", "/static/js/textual.js"):
                async with client.get(url + path) as answer:
                    assert answer.status == 401
            async with client.get(f"{url}/?token={TOKEN}") as page:
                assert page.status == 200 and "token" not in str(page.url)
            async with client.get(f"{url}/static/js/textual.js") as script:
                assert script.status == 200


def waiting_run() -> Run:
    return Run(1, "fix-lints", "webapp", numbered(3), 1, 5, SessionStatus.RUNNING, owner="live")


async def test_it_is_the_same_dashboard(home: Home, tmp_path: Path) -> None:
    with prepared(home, tmp_path / "src", (waiting_run(),)), served(home) as url:
        from aiohttp import ClientSession

        async with (
            asyncio.timeout(DEADLINE_SECONDS),
            ClientSession() as client,
            client.ws_connect(f"{url}/ws?width=100&height=30") as terminal,
        ):
            seen = b""
            async for message in terminal:
                seen += message.data if isinstance(message.data, bytes) else b""
                if b"fix-lints" in seen:
                    break
            await terminal.send_json(["stdin", "p"])
            while not pending(home, waiting_run().id):
                await asyncio.sleep(0.05)


# -- in a real browser -----------------------------------------------------------------------------


class Page:
    """A page of a real browser, driven through its own protocol."""

    def __init__(self, socket: Any) -> None:
        self.screen = Screen(300, 100)
        """What the page was sent to show; larger than it is, for text stands at places."""
        self._socket = socket
        self._number = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            answer = json.loads((await self._socket.receive()).data)
            if answer.get("method") == "Network.webSocketFrameReceived":
                frame = answer["params"]["response"]
                if frame["opcode"] == 2:
                    self.screen.feed(base64.b64decode(frame["payloadData"]))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    async def holds(self, expression: str) -> None:
        """Wait until something is so in the page."""
        while True:
            said = await self.call("Runtime.evaluate", expression=expression)
            if said["result"].get("value") is True:
                return
            await asyncio.sleep(0.1)

    async def shows(self, *words: str) -> None:
        """Wait until all of these are in one line of what it shows."""
        while not any(all(word in line for word in words) for line in self.screen.lines):
            await self.holds("true")
            await asyncio.sleep(0.1)

    async def press(self, key: str) -> None:
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def picture(self) -> bytes:
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])


@asynccontextmanager
async def browser(directory: Path, url: str) -> AsyncIterator[Page]:
    """A browser without a window, at a page."""
    from aiohttp import ClientSession

    assert CHROMIUM is not None
    options = ["--headless=new", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0",
               "--window-size=1200,800", f"--user-data-dir={directory}"]  # fmt: skip
    if os.geteuid() == 0:
        options.append("--no-sandbox")
    process = subprocess.Popen(
        [CHROMIUM, *options, url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        said = directory / "DevToolsActivePort"
        while not said.exists() or "\n" not in said.read_text():
            assert process.poll() is None, "the browser ended"
            await asyncio.sleep(0.05)
        port = said.read_text().split("\n")[0]
        async with ClientSession() as client:
            address = None
            while address is None:
                async with client.get(f"http://127.0.0.1:{port}/json") as answer:
                    pages = await answer.json()
                found = [page for page in pages if page["url"].startswith(url)]
                address = found[0]["webSocketDebuggerUrl"] if found else None
                await asyncio.sleep(0.05)
            async with client.ws_connect(address, max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
async def test_a_real_browser_shows_it_and_its_keys_do_what_they_say(
    home: Home, tmp_path: Path
) -> None:
    with prepared(home, tmp_path / "src", (waiting_run(),)), served(home) as url:
        async with (
            asyncio.timeout(DEADLINE_SECONDS),
            browser(tmp_path / "browser", url) as page,
        ):
            await page.call("Network.enable")
            await page.call("Page.reload")
            await page.shows("─ fix-lints", "webapp", "stalled")
            await page.holds("document.body.classList.contains('-first-byte')")
            await page.holds("document.querySelector('.xterm-helper-textarea') !== null")
            await page.call(
                "Runtime.evaluate",
                expression="document.querySelector('.xterm-helper-textarea').focus()",
            )
            before = await page.picture()
            while not pending(home, waiting_run().id):
                await page.press("p")
                await asyncio.sleep(0.2)
            await page.shows("▌", "pausing…", "fix-lints")
            await page.shows("─ fix-lints", "webapp", "pausing…")
            while await page.picture() == before:
                await asyncio.sleep(0.1)
