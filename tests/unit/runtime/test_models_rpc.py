"""agentd's JSON-RPC to a model: envelopes of any shape, and sockets that misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentdc_runtime.models.message import Malformed, ModelFailed, Request
from agentdc_runtime.models.rpc import MOST_FRAME, OnSocket, envelope, opened, parameters

ASK = Request([{"role": "user", "content": "Hi"}], max_tokens=9, temperature=0.5)
FINE = {"jsonrpc": "2.0", "id": 1, "result": {"content": "ok", "usage": {"prompt_tokens": 3}}}


def test_the_envelope_is_as_specified() -> None:
    assert json.loads(envelope(parameters(ASK), 7)) == {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "complete",
        "params": {
            "model": "fast",
            "messages": [{"role": "user", "content": "Hi"}],
            "max_tokens": 9,
            "temperature": 0.5,
        },
    }


@pytest.mark.parametrize("number", [None, 0, 99])
def test_any_number_is_an_answer(number: int | None) -> None:
    reply = opened(json.dumps({**FINE, "id": number}).encode())
    assert (reply.content, reply.prompt, reply.completion) == ("ok", 3, 0)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"nope",
        b"\xff",
        b"[]",
        b"{}",
        b'{"jsonrpc": 2, "id": 1, "result": {"content": "x"}}',
        b'{"jsonrpc": "2.0", "id": "1", "result": {"content": "x"}}',
        b'{"jsonrpc": "2.0", "id": -1, "result": {"content": "x"}}',
        b'{"jsonrpc": "2.0", "id": 1, "result": {}}',
        b'{"jsonrpc": "2.0", "id": 1, "result": {"content": 1}}',
        b'{"jsonrpc": "2.0", "id": 1, "error": "no"}',
    ],
)
def test_what_is_no_envelope(text: bytes) -> None:
    with pytest.raises(Malformed):
        opened(text)


def test_an_error_wins_over_a_result() -> None:
    error = {"code": -3, "message": "no", "data": 1}
    with pytest.raises(ModelFailed) as caught:
        opened(json.dumps({**FINE, "error": error}).encode())
    assert caught.value.display == "intelligence call failed: backend error -3: no"
    assert caught.value.transient


def _asked(behave: Callable[..., Any], path: Path, seconds: float = 20) -> str:
    """What comes of one question to a server that behaves so."""

    async def ask() -> str:
        server = await asyncio.start_unix_server(behave, str(path))
        try:
            reply = await OnSocket(str(path)).ask(parameters(ASK), seconds)
        except ModelFailed as error:
            return error.reason
        finally:
            server.close()
        return reply.content

    return asyncio.run(ask())


def _saying(*pieces: bytes, hang: bool = False) -> Callable[..., Any]:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(4), "little")
        await reader.readexactly(size)
        for each in pieces:
            writer.write(each)
            await writer.drain()
        if hang:
            await reader.read()
        writer.close()

    return behave


def _frame(value: Any) -> bytes:
    data = json.dumps(value).encode()
    return len(data).to_bytes(4, "little") + data


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([_frame(FINE)], "ok"),
        ([bytes([each]) for each in _frame(FINE)], "ok"),
        ([_frame(FINE) + b"more"], "ok"),
        ([], "it closed the connection in its answer"),
        ([b"\x10\x00"], "it closed the connection in its answer"),
        ([_frame(FINE)[:-1]], "it closed the connection in its answer"),
        ([(MOST_FRAME + 1).to_bytes(4, "little")], "at most 16777216 are read"),
        ([b"\x02\x00\x00\x00{]"], "response is not JSON"),
        ([b"HTTP/1.1 200 OK\r\n\r\n"], "at most 16777216 are read"),
    ],
)
def test_frames(tmp_path: Path, pieces: list[bytes], said: str) -> None:
    assert said in _asked(_saying(*pieces), tmp_path / "s")


def test_a_socket_that_never_answers(tmp_path: Path) -> None:
    assert "no answer within 0.2 s" in _asked(_saying(b"\x10", hang=True), tmp_path / "s", 0.2)


@pytest.mark.parametrize("path", ["/nowhere/s", "/proc/version", "x" * 200])
def test_a_socket_that_is_none(path: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        asyncio.run(OnSocket(path).ask(b"{}", 5))
    assert caught.value.reason.startswith(f"dial {path}: ")
