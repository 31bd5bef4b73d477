"""The server of `sdk.py` over streamable HTTP, on a port of its own, which it writes to standard output.

python sdk_http.py json bearer=T     `json`: plain answers instead of streams; `bearer=T`: demands a token
python sdk_http.py stateless         without sessions
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from sdk import make

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


def demanding(app: Asgi, token: str) -> Asgi:
    """The same app, for callers with the token only."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        expected = f"Bearer {token}".encode()
        if scope["type"] == "http" and dict(scope["headers"]).get(b"authorization") != expected:
            head = {"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]}
            await send(head)
            await send({"type": "http.response.body", "body": b""})
            return
        await app(scope, receive, send)

    return guarded


def main(words: list[str]) -> None:
    app: Any = make().streamable_http_app(json_response="json" in words, stateless_http="stateless" in words)
    token = next((each.removeprefix("bearer=") for each in words if each.startswith("bearer=")), None)
    place = socket.socket()
    place.bind(("127.0.0.1", 0))
    place.listen()
    print(place.getsockname()[1], flush=True)
    served = app if token is None else demanding(app, token)
    uvicorn.Server(uvicorn.Config(served, log_level="warning")).run(sockets=[place])


if __name__ == "__main__":
    main(sys.argv[1:])
