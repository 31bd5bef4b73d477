"""The listening socket: accepting, bounding and sweeping connections. Links asyncio and socket.

Sockets are accepted by hand rather than by a server of asyncio's: the number of open connections is bounded, a lack
of descriptors must not spin, each connection keeps the TLS context and the routes of the moment it was accepted, and
every failed handshake is told.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from time import monotonic

from agentdc_runtime.errors import ConfigError
from agentdc_runtime.host.connection import Connection
from agentdc_runtime.http.service import UNMATCHED
from agentdc_runtime.observe.log import AUDIT, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from agentdc_runtime.http.route import Table
    from agentdc_runtime.http.service import Service

MOST_CONNECTIONS = 4096
SPARE_DESCRIPTORS = 64
BACKLOG = 1024
HANDSHAKE = 30.0  # seconds
GRACE = 0.1  # seconds between the last accept and the end of idle connections
_AT_ONCE = 64  # sockets accepted before others get their turn
_PAUSE = 0.1  # seconds without accepting when there are no descriptors


class Listener:
    """Accepts connections for a service.

    `table`, `context`: routes and TLS context that new connections get; a reload replaces them. `tls`,
    `http2`: the modules that know them, None when they are not linked.
    """

    def __init__(
        self,
        service: Service,
        table: Table,
        *,
        most: int,
        tls: ModuleType | None,
        http2: ModuleType | None = None,
    ) -> None:
        self.service = service
        self.table = table
        self.context: Any = None
        self.draining = False
        self.http2 = http2
        self._tls = tls
        self._most = most
        self._sockets: list[socket.socket] = []
        self._connections: dict[Connection, None] = {}  # the oldest first
        self._handshakes: set[asyncio.Task[None]] = set()
        self._pending = 0  # accepted, and their protocol not begun
        self._accepting = False
        self._sweep: asyncio.TimerHandle | None = None
        self.total = 0

    @property
    def connections(self) -> int:
        """How many are open, handshakes included."""
        return len(self._connections) + self._pending

    def start(self, sockets: list[socket.socket]) -> None:
        """Accept on these sockets, which listen already."""
        self._sockets = sockets
        for each in sockets:
            each.setblocking(False)
        self._accept_on()
        self._swept()

    def stop(self) -> None:
        """Accept no more. From now on every answer closes its connection; idle ones are closed a moment later.

        What the kernel has accepted in our name is taken first: closing the socket would reset it. The moment is for
        requests that are on their way already.
        """
        self.draining = True
        self._accept_off()
        for each in self._sockets:
            self._acceptable(each)
            each.close()
        self._sockets = []
        asyncio.get_running_loop().call_later(GRACE, self._close_idle)

    def _close_idle(self) -> None:
        for connection in tuple(self._connections):
            connection.drain()

    def abort(self) -> None:
        """Close everything at once."""
        if self._sweep is not None:
            self._sweep.cancel()
        for task in tuple(self._handshakes):
            task.cancel()
        for connection in tuple(self._connections):
            connection.abort()

    # What connections tell.

    def opened(self, connection: Connection) -> None:
        """A connection is there."""
        self._connections[connection] = None
        self._pending -= 1
        self.room()

    def closed(self, connection: Connection) -> None:
        """It is gone, and there is room for another."""
        self._connections.pop(connection, None)
        self.room()

    def room(self) -> None:
        """A connection has closed or become idle: where callers wait in the backlog, one can come in."""
        if not self._accepting and not self.draining:
            self._accept_on()

    def requested(self) -> None:
        """A request was read."""
        self.total += 1

    def refused(self, status: int) -> None:
        """Something was refused before it was a request."""
        self.service.figures.requests.count(UNMATCHED, status)

    def peer_of(self, transport: asyncio.Transport) -> Any:
        """Identity of the certificate that the peer presented, or None."""
        inner = transport.get_extra_info("ssl_object")
        return None if inner is None or self._tls is None else self._tls.peer_of(inner)

    # Accepting.

    def _accept_on(self) -> None:
        loop = asyncio.get_running_loop()
        self._accepting = True
        for each in self._sockets:
            loop.add_reader(each, self._acceptable, each)

    def _accept_off(self) -> None:
        loop = asyncio.get_running_loop()
        self._accepting = False
        for each in self._sockets:
            loop.remove_reader(each)

    def _acceptable(self, listening: socket.socket) -> None:
        for _ in range(BACKLOG if self.draining else _AT_ONCE):
            full = self.connections >= self._most
            idle = self._oldest_idle() if full else None
            if full and idle is None:
                self._accept_off()  # until one closes: callers wait in the backlog
                return
            try:
                accepted, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._no_descriptors(error)
                return
            if idle is not None:
                self._give_up(idle)
            accepted.setblocking(False)
            if accepted.family in {socket.AF_INET, socket.AF_INET6}:
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pending += 1
            task = asyncio.get_running_loop().create_task(self._adopt(accepted))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _adopt(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        context = self.context
        connection = Connection(self)
        try:
            if context is None:
                await loop.connect_accepted_socket(lambda: connection, accepted)
            else:
                await loop.connect_accepted_socket(
                    lambda: connection, accepted, ssl=context, ssl_handshake_timeout=HANDSHAKE
                )
        except asyncio.CancelledError:
            accepted.close()
            self._pending -= 1
            raise
        except Exception as error:  # noqa: BLE001 - one peer's handshake, whatever it was, is no reason to lose count
            accepted.close()
            self._pending -= 1
            if self._tls is not None:
                reason = self._tls.handshake_reason(error)
                self.service.log.emit(WARN, AUDIT, "tls.handshake_failed", {"reason": reason})

    def _oldest_idle(self) -> Connection | None:
        return next((each for each in self._connections if each.idle), None)

    def _give_up(self, connection: Connection) -> None:
        connection.abort()
        self._connections.pop(connection, None)

    def _no_descriptors(self, error: OSError) -> None:
        """Out of descriptors or memory: close an idle connection, and look again a little later."""
        if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
            idle = self._oldest_idle()
            if idle is not None:
                self._give_up(idle)
        self._accept_off()
        asyncio.get_running_loop().call_later(_PAUSE, self._resume)

    def _resume(self) -> None:
        if not self.draining:
            self._accept_on()

    def _swept(self) -> None:
        now = monotonic()
        for each in tuple(self._connections):
            each.swept(now)
        self._sweep = asyncio.get_running_loop().call_later(1.0, self._swept)


def most_connections(limit: int | None) -> int:
    """The bound on open connections: what is asked for, lowered to what descriptors allow."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS if limit is None else limit
    needed = wanted + SPARE_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < needed:
        best = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))
            soft = best
        except (OSError, ValueError):
            pass
        return max(1, min(wanted, soft - SPARE_DESCRIPTORS))
    return wanted


def address(text: str) -> tuple[str, int]:
    """Host and port of a numeric socket address; ValueError for anything else, host names included (spec 02 §0)."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(text)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    else:
        socket.inet_pton(socket.AF_INET, host)
    return host, int(port)


def adopted(descriptors: list[int]) -> list[socket.socket]:
    """Sockets that another process opened and bound for this one; ConfigError for what does not listen."""
    found = []
    for each in descriptors:
        try:
            listening = socket.socket(fileno=each)
            if not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                raise ConfigError(f"descriptor {each}, handed over by the service manager, does not listen")
        except OSError as error:
            raise ConfigError(
                f"descriptor {each}, handed over by the service manager: {error.strerror}"
            ) from error
        found.append(listening)
    return found


def bind(host: str, port: int, *, shared: bool = False, listens: bool = True) -> socket.socket:
    """A listening socket. ConfigError names the address and the reason. `shared`: among several processes."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((host, port))
        if listens:
            listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        raise ConfigError(f"cannot listen on {shown(host, port)}: {reason}") from error
    return listening


def shown(host: str, port: int) -> str:
    """`host:port`, as it stands in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
