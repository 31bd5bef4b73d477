"""A TLS server on an event loop of its own, with the accept loop of an app, and clients that ask it who they are."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from peers.certificates import AUTHORITY, SERVER, Pair, issue

from agentdc_runtime.host.tls import Peer, handshake_reason, peer_of, server_context

PATIENCE = 10.0  # seconds that the server gives a handshake
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
VERSIONS = pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
FAST = find_spec("uvloop") is not None
NEEDS_FAST = pytest.mark.skipif(not FAST, reason="no uvloop here")
LOOPS = pytest.mark.parametrize("loop", ["asyncio", pytest.param("uvloop", marks=NEEDS_FAST)])


class Greeting(asyncio.Protocol):
    """Answers each block of bytes with the identity of the peer; `close` in it ends the connection."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._peer = peer_of(transport.get_extra_info("ssl_object"))
        self._server.peers.append(self._peer)

    def data_received(self, data: bytes) -> None:
        peer = self._peer
        told = None if peer is None else {"fingerprint": peer.fingerprint, "cn": peer.cn, "sans": peer.sans}
        body = json.dumps({"peer": told, "name": self._server.name}).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s\n" % (len(body) + 1, body))
        if b"close" in data:
            self._transport.close()


@dataclass
class Server:
    """What tests see of it. `context` may be replaced at any time."""

    context: ssl.SSLContext
    patience: float = PATIENCE
    port: int = 0
    name: str = "first"
    peers: list[Peer | None] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def reason(self) -> str:
        """Why the next handshake failed."""
        until = time.monotonic() + 5
        while not self.reasons:
            assert time.monotonic() < until
            time.sleep(0.005)
        return self.reasons.pop(0)

    async def run(self, listening: socket.socket, stop: asyncio.Event) -> None:
        tasks = set()
        accepting = asyncio.create_task(stop.wait())
        while not stop.is_set():
            accept = asyncio.create_task(asyncio.get_running_loop().sock_accept(listening))
            await asyncio.wait({accept, accepting}, return_when=asyncio.FIRST_COMPLETED)
            if accept.done():
                tasks.add(asyncio.create_task(self._adopt(accept.result()[0])))
            else:
                accept.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _adopt(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: Greeting(self), accepted, ssl=self.context, ssl_handshake_timeout=self.patience
            )
        except OSError as error:
            accepted.close()
            self.reasons.append(handshake_reason(error))


@contextmanager
def serving(
    context: ssl.SSLContext, loop: str = "uvloop" if FAST else "asyncio", patience: float = PATIENCE
) -> Iterator[Server]:
    """The server, accepting until the end of the block."""
    server = Server(context, patience)
    began = threading.Event()
    stops: list[Any] = []

    async def main() -> None:
        stop = asyncio.Event()
        running = asyncio.get_running_loop()
        stops.append(lambda: running.call_soon_threadsafe(stop.set))
        with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
            listening.setblocking(False)
            server.port = listening.getsockname()[1]
            began.set()
            await server.run(listening, stop)

    def run() -> None:
        if loop == "asyncio":
            asyncio.run(main())
        else:
            import uvloop

            uvloop.run(main())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert began.wait(10)
        yield server
    finally:
        stops[0]()
        thread.join(10)
        assert not thread.is_alive()


@dataclass(frozen=True)
class World:
    folder: Path
    root: Pair
    server: Pair
    client: Pair

    def context(
        self, mode: str | None = None, *, by: Path | None = None, alpn: tuple[str, ...] = ()
    ) -> ssl.SSLContext:
        made: dict[str, Any] = {"cert_file": str(self.server.certificate), "key_file": str(self.server.key)}
        if mode is not None:
            made["client_auth"] = {"mode": mode, "ca_file": str(by or self.root.certificate)}
        return server_context(made, alpn)


def make_world(folder: Path) -> World:
    """An authority, a server and a client."""
    root = issue(folder, "root", extensions=AUTHORITY)
    server = issue(
        folder, "server", by=root, extensions=f"{SERVER}subjectAltName = DNS:localhost,IP:127.0.0.1\n"
    )
    return World(folder, root, server, issue(folder, "client", by=root))


def client(
    world: World, version: ssl.TLSVersion = V13, pair: Pair | None = None, **more: Any
) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(world.root.certificate))
    context.minimum_version = more.get("lowest", version)
    context.maximum_version = version
    if "ciphers" in more:
        context.set_ciphers(more["ciphers"])
    if pair is not None:
        context.load_cert_chain(pair.certificate, pair.key)
    return context


@contextmanager
def connected(server: Server, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as secure,
    ):
        yield secure


def ask(secure: ssl.SSLSocket) -> dict[str, Any]:
    secure.sendall(b"who am I\n")
    answer = b""
    while not answer.endswith(b"}\n"):
        more = secure.recv(4096)
        if not more:
            raise ConnectionError("closed without an answer")
        answer += more
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found


def identity(server: Server, context: ssl.SSLContext) -> Any:
    with connected(server, context) as secure:
        return ask(secure)["peer"]


def refused(server: Server, context: ssl.SSLContext) -> str:
    """The server's reason. Under TLS 1.3 the client learns of it only when it reads."""
    with pytest.raises(OSError), connected(server, context) as secure:
        ask(secure)
    reason = server.reason()
    assert not server.peers
    return reason


def s_client(
    world: World,
    server: Server,
    *options: str | Path,
    lines: tuple[bytes, ...] = (b"close\n",),
    commands: bool = False,
) -> str:
    """What `openssl s_client` shows of a connection that ends when the server closes it."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", "localhost"]
    command += ["-CAfile", str(world.root.certificate), *map(str, options)]
    with subprocess.Popen(
        command if commands else [*command, "-ign_eof"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdin is not None
        try:
            for line in lines:
                process.stdin.write(line)
                process.stdin.flush()
                time.sleep(0.2 if commands else 0)
        except BrokenPipeError:
            pass
        return process.communicate(timeout=20)[0].decode(errors="replace")
