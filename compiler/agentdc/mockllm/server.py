"""The server of a scripted model: HTTP/1.1 on a loopback port, agentd's frames on a Unix socket.

One event loop, no threads, so that ten thousand callers may wait for their answers at once. It reads what clients
of models send and no more of HTTP than that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic
from typing import Any

from agentdc.mockllm import faults
from agentdc.mockllm.conversation import Asked
from agentdc.mockllm.dialects import BadRequest, read, refusal, rpc, write
from agentdc.mockllm.script import Player, Rule

Record = Callable[[Mapping[str, Any]], None]
MOST = 64 << 20  # bytes of a request
_HIDDEN = frozenset(("authorization", "x-api-key", "x-goog-api-key"))


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; `headers` by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether the caller wants no further answer."""
        return self.headers.get("connection", "").lower() == "close"


@dataclass(slots=True)
class Server:
    """Answers from one player. `record`: is given each request as JSON, keys of providers left out."""

    player: Player
    record: Record
    asked: int = 0
    began: float = field(default_factory=monotonic)

    async def serve_http(self, host: str, port: int) -> asyncio.Server:
        """Listen; the port of 0 is a free one."""
        return await asyncio.start_server(self._http, host, port, limit=1 << 20, backlog=4096)

    async def serve_unix(self, path: str) -> asyncio.Server:
        """Listen on a Unix socket for length-prefixed JSON-RPC."""
        return await asyncio.start_unix_server(self._unix, path)

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            while (request := await _read(reader)) is not None:
                if not await self._answer(request, writer) or request.closes:
                    break
        writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection goes on."""
        if request.method != "POST":
            await _send(writer, 404, {"error": {"message": "only POST is answered"}}, {})
            return True
        try:
            body = json.loads(request.body)
            asked = read(request.path, body)
        except (ValueError, RecursionError, BadRequest, AttributeError, KeyError, TypeError) as problem:
            self._note(request, None, None)
            await _send(writer, 400, refusal("", 400, str(problem) or type(problem).__name__), {})
            return True
        found = self.player.answer(asked)
        self._note(request, asked, None if found is None else found[0])
        if found is None:
            await _send(
                writer, 400, refusal(asked.provider, 400, "no rule of the script fits this request"), {}
            )
            return True
        _, rule, reply = found
        await asyncio.sleep(rule.latency_ms / 1000)
        if rule.fault is not None:
            await faults.commit(rule.fault, write(asked, reply, body), writer)
            return False
        if rule.status >= 300:
            answer = refusal(asked.provider, rule.status, reply.text or "scripted refusal")
            await _send(writer, rule.status, answer, rule.headers)
        else:
            await _send(writer, rule.status, write(asked, reply, body), rule.headers)
        return True

    async def _unix(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, ValueError):
            while True:
                size = int.from_bytes(await reader.readexactly(4), "little")
                body = json.loads(await reader.readexactly(size))
                asked = rpc(body)
                found = self.player.answer(asked)
                self._note(None, asked, None if found is None else found[0])
                answer = await _framed(found, asked, body)
                if answer is None:
                    break
                writer.write(len(answer).to_bytes(4, "little") + answer)
                await writer.drain()
        writer.close()

    def _note(self, request: Request | None, asked: Asked | None, rule: int | None) -> None:
        self.asked += 1
        headers = {} if request is None else request.headers
        self.record(
            {
                "number": self.asked,
                "at_ms": int((monotonic() - self.began) * 1000),
                "path": None if request is None else request.path,
                "headers": {
                    name: "<hidden>" if name in _HIDDEN else value for name, value in headers.items()
                },
                "asked": None if asked is None else asked.as_json(),
                "rule": rule,
            }
        )


async def _framed(found: tuple[int, Rule, Any] | None, asked: Asked, body: Any) -> bytes | None:
    """The frame of an answer on the Unix socket; None closes the connection."""
    if found is None:
        refused = {"code": -32000, "message": "no rule of the script fits this request"}
        return json.dumps({"jsonrpc": "2.0", "id": body.get("id"), "error": refused}).encode()
    _, rule, reply = found
    await asyncio.sleep(rule.latency_ms / 1000)
    if rule.fault in ("close", "truncate", "empty"):
        return None
    if rule.fault == "hang":
        await asyncio.Event().wait()
    if rule.fault is not None:
        return b"\x00garbage"
    if rule.status >= 300:
        refused = {"code": -rule.status, "message": reply.text or "scripted refusal"}
        return json.dumps({"jsonrpc": "2.0", "id": body.get("id"), "error": refused}).encode()
    return json.dumps(write(asked, reply, body)).encode()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines if line)
    }
    size = int(headers.get("content-length", "0"))
    if size > MOST:
        raise ValueError("the request is too large")
    return Request(method, rest.rpartition(" ")[0], headers, await reader.readexactly(size))


async def _send(writer: asyncio.StreamWriter, status: int, body: Any, headers: Mapping[str, str]) -> None:
    data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = {"content-type": "application/json", "content-length": str(len(data)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"HTTP/1.1 {status} {phrase}\r\n{head}\r\n".encode("latin-1", "replace") + data)
    await writer.drain()
