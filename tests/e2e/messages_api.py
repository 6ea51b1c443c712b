"""A Messages API on loopback, just enough of one to drive the real Claude program in a test."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMAND = "echo hello > hello.txt && git add hello.txt && git commit -qm 'Add hello'"
ANSWER = "hello.txt is added and committed."
USAGE = {"input_tokens": 120, "cache_read_input_tokens": 50, "cache_creation_input_tokens": 0}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    refuses = False

    def log_message(self, format: str, *_arguments: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._send(200, b"")

    def do_GET(self) -> None:
        self._send(404, b"{}")

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length", 0))
        asked: dict[str, Any] = json.loads(self.rfile.read(size) or b"{}")
        if self.refuses:
            error = {"type": "rate_limit_error", "message": "over the limit of this account"}
            self._send(429, json.dumps({"type": "error", "error": error}).encode())
        elif "count_tokens" in self.path:
            self._send(200, b'{"input_tokens": 10}')
        else:
            self._answer(asked)

    def _answer(self, asked: dict[str, Any]) -> None:
        tools = [tool.get("name") for tool in asked.get("tools", [])]
        is_answered = "tool_result" in json.dumps(asked.get("messages", [{}])[-1])
        if "Bash" in tools and not is_answered:
            content: list[dict[str, Any]] = [
                {
                    "type": "tool_use",
                    "id": "toolu_1",
                    "name": "Bash",
                    "input": {"command": COMMAND, "description": "Add and commit"},
                }
            ]
            reason = "tool_use"
        else:
            content, reason = [{"type": "text", "text": ANSWER}], "end_turn"
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"]}
        if not asked.get("stream"):
            whole = {"content": content, "stop_reason": reason, "stop_sequence": None}
            usage = {"usage": {**USAGE, "output_tokens": 30}}
            self._send(200, json.dumps({**message, **whole, **usage}).encode())
            return
        lines = "".join(_events(message, content, reason))
        self._send(200, lines.encode(), "text/event-stream")

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _events(message: dict[str, Any], content: list[dict[str, Any]], reason: str) -> Iterator[str]:
    def event(name: str, document: dict[str, Any]) -> str:
        return f"event: {name}\ndata: {json.dumps({'type': name, **document})}\n\n"

    begun: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None}
    usage = {"usage": {**USAGE, "output_tokens": 1}}
    yield event("message_start", {"message": {**message, **begun, **usage}})
    for index, block in enumerate(content):
        empty: dict[str, Any]
        if block["type"] == "text":
            empty, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": ANSWER}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield event("content_block_start", {"index": index, "content_block": empty})
        yield event("content_block_delta", {"index": index, "delta": delta})
        yield event("content_block_stop", {"index": index})
    stop = {"stop_reason": reason, "stop_sequence": None}
    yield event("message_delta", {"delta": stop, "usage": {"output_tokens": 30}})
    yield event("message_stop", {})


@contextmanager
def messages_api(*, refuses: bool = False) -> Iterator[str]:
    """Serve on a free port of loopback; gives the address. ``refuses``: 429 to all."""
    handler = type("Handler", (_Handler,), {"refuses": refuses})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
