"""A load generator with a constant arrival rate: `python -m bench.openloop PORT RATE SECONDS CONNECTIONS`.

A closed-loop client sends its next request when the last one was answered, so a server that stalls is asked less
often and its stall counts once. Here every request has a time at which it is meant to be sent, whatever the server
does, and its latency counts from there; a request that finds no free connection waits, and its wait counts too.

The client spins instead of sleeping: a timer of the event loop would add up to a millisecond. Prints one JSON object:
latencies in microseconds, sorted, how many requests failed, and how late the client itself came to its sends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from time import perf_counter

from bench.workflows import ORDER

MOST = 500_000  # requests of one run
PATIENCE = 5.0  # seconds for what is still open at the end
_BODY = json.dumps(ORDER).encode()
REQUEST = (
    b"POST /orders HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    % (len(_BODY), _BODY)
)


class Load:
    """All connections of a run, and what they measured. `meant`: intended times of what waits for a connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.free: deque[Connection] = deque()
        self.waiting: deque[float] = deque()
        self.latencies: list[float] = []
        self.late: list[float] = []
        self.failed = 0
        self.open = 0
        self._connecting: set[asyncio.Task[None]] = set()

    def connect(self) -> asyncio.Task[None]:
        """One more connection; free when it is there."""
        task = asyncio.get_running_loop().create_task(self._connect())
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return task

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(self), "127.0.0.1", self.port)
        self.ready(connection)

    def ready(self, connection: Connection) -> None:
        """The connection can take a request."""
        if self.waiting:
            connection.send(self.waiting.popleft())
        else:
            self.free.append(connection)

    def send(self, meant: float) -> None:
        """Send now, or as soon as a connection is free."""
        self.late.append(perf_counter() - meant)
        while self.free:
            connection = self.free.popleft()
            if not connection.transport.is_closing():
                connection.send(meant)
                return
        self.waiting.append(meant)


class Connection(asyncio.Protocol):
    """One request at a time; replaced by another when the server closes it."""

    transport: asyncio.Transport

    def __init__(self, load: Load) -> None:
        self.load = load
        self.meant: float | None = None
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, meant: float) -> None:
        """One request, whose latency counts from `meant`."""
        self.meant = meant
        self.load.open += 1
        self.transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, found, body = self._seen.partition(b"\r\n\r\n")
        if not found or self.meant is None or len(body) < _length(head):
            return
        self.load.latencies.append(perf_counter() - self.meant)
        self.load.failed += not head.startswith(b"HTTP/1.1 200")
        self.load.open -= 1
        self.meant, self._seen = None, b""
        if b"Connection: close" in head:
            self.transport.close()
        else:
            self.load.ready(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.meant is not None:
            self.load.failed += 1
            self.load.open -= 1
            self.meant = None
        if self.load.port:
            self.load.connect()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def run(port: int, rate: float, seconds: float, connections: int) -> Load:
    """Requests at this rate for so long; everything that came back."""
    load = Load(port)
    await asyncio.gather(*(load.connect() for _ in range(connections)))
    count = min(int(rate * seconds), MOST)
    begin = perf_counter()
    at = 0
    while at < count:
        now = perf_counter() - begin
        while at < count and at / rate <= now:
            load.send(begin + at / rate)
            at += 1
        await asyncio.sleep(0)
    until = perf_counter() + PATIENCE
    while (load.open or load.waiting) and perf_counter() < until:
        await asyncio.sleep(0.001)
    load.failed += load.open + len(load.waiting)
    load.port = 0  # closed connections are no longer replaced
    return load


def _main(port: str, rate: str, seconds: str, connections: str) -> None:
    load = asyncio.run(run(int(port), float(rate), float(seconds), int(connections)))
    late = sorted(load.late)
    document = {
        "latencies_us": sorted(round(each * 1e6) for each in load.latencies),
        "failed": load.failed,
        "late_p99_us": round(late[int(len(late) * 0.99)] * 1e6) if late else 0,
    }
    sys.stdout.write(json.dumps(document))


if __name__ == "__main__":
    _main(*sys.argv[1:])
