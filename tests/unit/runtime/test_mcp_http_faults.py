"""MCP servers over HTTP that do one thing wrong in the answer to a call: it ends in its time, with helpful words."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from mcp_routing import bench, declared

from agentdc_runtime.errors import McpError
from agentdc_runtime.host.console import Refusal

JSON, SSE, HTML = "application/json", "text/event-stream", "text/html"
Behave = Callable[["Handler", dict[str, Any]], None]


class Handler(BaseHTTPRequestHandler):
    """Greets as it should; a call is answered by `behave`."""

    protocol_version = "HTTP/1.1"
    behave: Behave

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        match message.get("method"):
            case "initialize":
                told = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {}}
                self.answer(200, JSON, json.dumps(_result(message, told)).encode())
            case "tools/call":
                type(self).behave(self, message)
            case "ping":
                self.answer(200, JSON, json.dumps(_result(message, {})).encode())
            case _:
                self.answer(202, JSON, b"")

    def do_GET(self) -> None:
        self.answer(405, JSON, b"")

    def answer(self, status: int, kind: str, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        if length is not None:
            self.close_connection = True

    def stream(self, parts: Iterator[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", SSE)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for part in parts:
                self.wfile.write(part)
        except OSError:
            pass  # the caller has heard enough

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def _result(message: dict[str, Any], result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


def _said(message: dict[str, Any], text: str = "hello") -> bytes:
    result = {"content": [{"type": "text", "text": text}]}
    return json.dumps(_result(message, result), ensure_ascii=False).encode()


def _event(data: bytes) -> bytes:
    return b"event: message\ndata: " + data + b"\n\n"


def _endless(part: bytes) -> Iterator[bytes]:
    while True:
        yield part


@contextmanager
def _served(behave: Behave) -> Iterator[str]:
    handler = type("Odd", (Handler,), {"behave": staticmethod(behave)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/mcp"
        server.shutdown()


def _call(behave: Behave, seconds: float = 20) -> str:
    async def go(url: str) -> str:
        async with bench(declared("odd", url=url)) as made:
            return await made.call("any", seconds=seconds)

    with _served(behave) as url:
        return asyncio.run(go(url))


def _failure(behave: Behave, seconds: float = 20) -> str:
    with pytest.raises(McpError) as caught:
        _call(behave, seconds)
    return caught.value.reason


FAULTS: dict[str, tuple[Behave, str]] = {
    "html": (lambda to, m: to.answer(200, HTML, b"<html>"), "text/html, which is neither JSON nor a stream"),
    "error page": (
        lambda to, m: to.answer(502, HTML, b"<h1>Bad Gateway</h1>"),
        "answered with the status 502",
    ),
    "redirect": (lambda to, m: to.answer(302, HTML, b""), "answered with the status 302"),
    "accepted": (lambda to, m: to.answer(202, JSON, b""), "answered with the status 202"),
    "not there": (lambda to, m: to.answer(404, HTML, b""), "answered with the status 404"),
    "cut off": (lambda to, m: to.answer(200, JSON, _said(m)[:20], 500), "read response on"),
    "no json": (lambda to, m: to.answer(200, JSON, b"{]"), "a line of its output is not JSON-RPC"),
    "other id": (lambda to, m: to.answer(200, JSON, _said({"id": 999})), "ended its answer without one"),
    "too large": (lambda to, m: to.answer(200, JSON, _said(m, "x" * 17_000_000)), "larger than 16 MiB"),
    "stream that ends": (lambda to, m: to.stream(iter([b": hi\n\n"])), "ended its answer without one"),
    "event too large": (lambda to, m: to.stream(_endless(b"data: " + b"x" * 99_994)), "larger than 16 MiB"),
    "many lines": (
        lambda to, m: to.stream(_endless(b"data: " + b"x" * 99_993 + b"\n")),
        "larger than 16 MiB",
    ),
    "rpc error": (
        lambda to, m: to.answer(
            400, JSON, json.dumps({**_result(m, 0), "error": {"code": -1, "message": "no"}}).encode()
        ),
        "error -1: no",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_call_that_goes_wrong_says_why(fault: str) -> None:
    behave, words = FAULTS[fault]
    reason = _failure(behave)
    assert words in reason
    assert "\n" not in reason
    assert len(reason) < 1000


def test_a_stream_without_end_ends_with_the_deadline() -> None:
    reason = _failure(lambda to, m: to.stream(_endless(b": still thinking\n\n")), seconds=0.5)
    assert "gave no answer to tools/call within" in reason


def test_other_events_before_the_answer_do_not_matter() -> None:
    def behave(to: Handler, message: dict[str, Any]) -> None:
        other = [
            b"retry: 5\n\n",
            b"event: ping\ndata: {}\n\n",
            b"id: 7\n",
            _event(b'{"jsonrpc": "2.0", "method": "x"}'),
        ]
        answer = _event(_said(message, "grüß"))
        whole = b"".join(other) + answer.replace(b"\n", b"\r\n")
        to.stream(whole[at : at + 1] for at in range(len(whole)))  # a byte at a time

    assert _call(behave) == "grüß"


def test_an_answer_in_several_lines_is_one() -> None:
    def behave(to: Handler, message: dict[str, Any]) -> None:
        lines = json.dumps(json.loads(_said(message)), indent=1).splitlines()
        to.stream(iter(["".join(f"data: {line}\n" for line in lines).encode() + b"\n"]))

    assert _call(behave) == "hello"


def test_a_server_that_greets_with_a_page_ends_the_start() -> None:
    class Page(Handler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(200, HTML, b"<html>welcome")

    async def go(url: str) -> None:
        with pytest.raises(Refusal, match="neither JSON nor a stream of events"):
            async with bench(declared("page", url=url)):
                pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asyncio.run(go(f"http://127.0.0.1:{server.server_address[1]}/mcp"))
        server.shutdown()
