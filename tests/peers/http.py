"""An HTTP server that does exactly what a test says, over plain sockets and threads: no library tidies its bytes."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from typing import TypeAlias

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Connection:
    """One accepted connection, as the test's behaviour sees it."""

    def __init__(self, peer: Peer, wire: socket.socket) -> None:
        self._peer = peer
        self._wire = wire
        self._buffer = b""

    def request(self) -> bytes:
        """The next request, head and body as received; empty when the client has closed."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return b""
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(rest) < length and self._more():
            rest = self._buffer.partition(b"\r\n\r\n")[2]
        found, self._buffer = head + b"\r\n\r\n" + rest[:length], rest[length:]
        self._peer.requests.append(found)
        return found

    def send(self, data: bytes) -> None:
        """Send as it is."""
        self._wire.sendall(data)

    def wait(self, seconds: float = 30) -> bool:
        """Do nothing; True when the test is over."""
        return self._peer.over.wait(seconds)

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self._wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def closed_by_client(self) -> bool:
        """Wait until the client closes; False when it sends something instead."""
        return not self._more()

    def _more(self) -> bool:
        data = self._wire.recv(65536)
        self._buffer += data
        return bool(data)


Behaviour: TypeAlias = Callable[[Connection], None]


class Peer:
    """Listens on 127.0.0.1; each connection is given to the behaviour in a thread of its own, then closed."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self._behaviour = behaviour
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self._listener.getsockname()[1])
        self._wires: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """A URL that leads here."""
        return f"{'http' if self._tls is None else 'https'}://{host}:{self.port}{path}"

    def close(self) -> None:
        """Stop, and wait for all threads."""
        self.over.set()
        for each in (self._listener, *self._wires):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, _ = self._listener.accept()
                self.connections += 1
                self._wires.append(wire)
                self._threads.append(threading.Thread(target=self._serve, args=(wire,)))
                self._threads[-1].start()

    def _serve(self, wire: socket.socket) -> None:
        with contextlib.suppress(OSError), self._wrapped(wire) as ready:
            self._behaviour(Connection(self, ready))

    def _wrapped(self, wire: socket.socket) -> socket.socket:
        return wire if self._tls is None else self._tls.wrap_socket(wire, server_side=True)


@contextlib.contextmanager
def serving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """A peer for the time of a `with`."""
    peer = Peer(behaviour, tls)
    try:
        yield peer
    finally:
        peer.close()


def saying(answer: bytes, *, close: bool = False) -> Behaviour:
    """Answers each request of a connection with these bytes; `close`: only the first, and then closes."""

    def behave(connection: Connection) -> None:
        while connection.request():
            connection.send(answer)
            if close:
                return

    return behave
