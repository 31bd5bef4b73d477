"""`agentdc mock-llm`: reads the script, listens, writes down what was asked, until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Any

from agentdc.diagnostics import Diagnostic, SourceFile, code, error
from agentdc.driver import files
from agentdc.mockllm.script import Player, Script
from agentdc.mockllm.server import Server
from agentdc.testing.decode import decode

SLUG = "mock_script_invalid"


@dataclass(frozen=True, slots=True)
class MockRequest:
    """What to serve. `requests`: a file that gets one JSON line per request. `unix`: the path of a socket."""

    script: str
    host: str
    port: int
    unix: str | None = None
    requests: str | None = None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def load(path: str) -> tuple[Script | None, tuple[Diagnostic, ...]]:
    """The script in a file, and what is wrong with it. FileProblem when it cannot be read."""
    source = SourceFile(path, files.read(path, "the script"))
    decoded = decode(source, Script, "the script", SLUG)
    return decoded.value, decoded.diagnostics


def serve(script: Script, request: MockRequest, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is given each address. FileProblem when it cannot listen or write."""
    log = _open(request.requests)
    try:
        asyncio.run(_serve(Server(Player(script), _recorder(log)), request, ready))
    except OSError as problem:
        place = request.unix if request.unix is not None else f"{request.host}:{request.port}"
        reason = problem.strerror or str(problem)
        raise files.FileProblem(
            error(code("mock_address"), f"cannot listen on {place}: {reason}")
        ) from problem
    finally:
        if log is not None:
            log.close()


async def _serve(server: Server, request: MockRequest, ready: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    listening = [await server.serve_http(request.host, request.port)]
    if request.unix is not None:
        with suppress(FileNotFoundError):
            if Path(request.unix).is_socket():
                os.unlink(request.unix)  # noqa: PTH108 - left by one that was killed
        listening.append(await server.serve_unix(request.unix))
    host, port = listening[0].sockets[0].getsockname()[:2]
    ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
    if request.unix is not None:
        ready(f"unix:{request.unix}")
    await stop.wait()
    for each in listening:
        each.close()
    if request.unix is not None:
        with suppress(OSError):
            os.unlink(request.unix)  # noqa: PTH108


def _open(path: str | None) -> IO[str] | None:
    if path is None:
        return None
    try:
        return Path(path).open("w", encoding="utf-8", errors="replace")
    except OSError as problem:
        raise files.FileProblem(files.unwritable(Path(path), problem)) from problem


def _recorder(log: IO[str] | None) -> Callable[[Mapping[str, Any]], None]:
    def record(entry: Mapping[str, Any]) -> None:
        if log is not None:
            log.write(json.dumps(entry, ensure_ascii=False) + "\n")
            log.flush()

    return record
