"""The behaviour of a server that answers with what it was asked: its path says how.

`/status/N`: that status and a little text. `/unmeasured`: a body without a length, to the end of the connection. Any
other path: the request as JSON, its head line by line.
"""

from __future__ import annotations

import json

from peers.http import Connection


def echo(connection: Connection) -> None:
    """Answer every request of one connection."""
    while request := connection.request():
        head, _, body = request.decode().partition("\r\n\r\n")
        path = head.split(" ")[1]
        if path == "/unmeasured":
            connection.send(
                b"HTTP/1.1 404 Not Found\r\nX-Kind: long\r\nConnection: close\r\n\r\n" + b"text " * 3
            )
            return
        if path.startswith("/status/"):
            _answer(connection, path.rpartition("/")[2], b"no")
        else:
            _answer(connection, "200", json.dumps({"head": head.split("\r\n"), "body": body}).encode())


def _answer(connection: Connection, status: str, body: bytes) -> None:
    head = f"HTTP/1.1 {status} Told\r\nX-Kind: echo\r\nLocation: /echo\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.send(head.encode() + body)
