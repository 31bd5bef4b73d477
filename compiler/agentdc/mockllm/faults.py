"""Answers that are wrong on purpose; each ends the connection."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from agentdc.mockllm.script import Fault

_HTML = b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"
_PIECE = b" " * 65_536
_PIECES = 4096  # of an answer that does not end: 256 MiB


async def commit(fault: Fault, answer: Any, writer: asyncio.StreamWriter) -> None:
    """Answer wrongly."""
    body = json.dumps(answer).encode()
    match fault:
        case "close":
            pass
        case "hang":
            await asyncio.Event().wait()
        case "garbage":
            writer.write(b"\x16\x03\x01\x00\xff garbage that is not HTTP \x00\r\n\r\n")
        case "truncate":
            writer.write(_head(200, "application/json", len(body)) + body[: len(body) // 2])
        case "endless":
            await _endless(writer)
        case "empty":
            writer.write(_head(200, "application/json", 0))
        case "html":
            writer.write(_head(502, "text/html", len(_HTML)) + _HTML)
        case "wrong_type":
            writer.write(_head(200, "text/html", len(_HTML)) + _HTML)
        case "not_json":
            writer.write(_head(200, "application/json", 5) + b"{nope")
        case "no_text":
            writer.write(_head(200, "application/json", 2) + b"{}")
    with suppress(OSError):
        await writer.drain()


def _head(status: int, kind: str, size: int) -> bytes:
    head = f"HTTP/1.1 {status} Scripted\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\n"
    return f"{head}connection: close\r\n\r\n".encode()


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
    with suppress(OSError):
        for _ in range(_PIECES):
            writer.write(b"%x\r\n%s\r\n" % (len(_PIECE), _PIECE))
            await writer.drain()
