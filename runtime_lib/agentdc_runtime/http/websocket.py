"""Runs over a WebSocket (extension): each text message is one payload, and the run's events come back. Links wsproto.

The handshake of RFC 6455 is judged here, on a request that is read already; frames are wsproto's. One run at a time,
in the order of the messages; each gives a `started` message, one `node` message per node and an `outcome`, as the
events of a stream do. A message that is no payload gives an `error`, and the connection stays. No extension is
agreed on, so no few bytes of a peer ever unpack to many.
"""

from __future__ import annotations

import asyncio
from binascii import Error as BadKey
from binascii import a2b_base64, b2a_base64
from collections import deque
from hashlib import sha1
from time import monotonic

from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from agentdc_runtime.http.progress import followed
from agentdc_runtime.http.trigger import with_principal
from agentdc_runtime.http.wire import MAX_BODY
from agentdc_runtime.jsontext import JsonError, compact, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wsproto.events import Event

    from agentdc_runtime.core.run import Ending, Json, Run
    from agentdc_runtime.http.route import Endpoint
    from agentdc_runtime.http.service import Principal, Service
    from agentdc_runtime.http.wire import Request

MOST_WAITING = 16
PING = 30.0  # seconds between two pings, and how long a pong may take
GOODBYE = 5.0  # seconds that the peer has for its half of the closing handshake
GOING_AWAY, PROTOCOL, UNSUPPORTED, POLICY, TOO_BIG, INTERNAL = 1001, 1002, 1003, 1008, 1009, 1011
_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_VERSION = ("Sec-WebSocket-Version", "13")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def asked(request: Request) -> bool:
    """Whether the caller wants a WebSocket rather than one answer."""
    return "websocket" in _words(request, "upgrade")


async def serve(
    service: Service, request: Request, caller: Any, endpoint: Endpoint, principal: Principal
) -> bytes:
    """Talk until one side closes; what comes back is sent only where the handshake is refused."""
    refusal = _refusal(request, endpoint)
    if refusal is not None:
        status, error, extra = refusal
        return service.refuse(request, caller, endpoint, status, {"error": error}, extra)
    service.figures.requests.count(endpoint.label, 101)
    key = request.headers["sec-websocket-key"].encode()
    accept = b2a_base64(sha1(key + _ACCEPT, usedforsecurity=False).digest(), newline=False)
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    caller.write(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    talk = _Talk(service, request, caller, endpoint, principal)
    talk.received(caller.upgrade(talk))
    try:
        await talk.follow()
    except Exception as error:  # noqa: BLE001 - a mistake of ours is told in the log, and ends this connection only
        service.failed(request, caller, error)
        talk.close(INTERNAL, "internal error")
    return b""


def _refusal(request: Request, endpoint: Endpoint) -> tuple[int, str, tuple[tuple[str, str], ...]] | None:
    """What is wrong with the handshake (RFC 6455 §4.2.1), or with where it comes from."""
    headers = request.headers
    if headers.get("sec-websocket-version", "").strip() != _VERSION[1]:
        return 426, "WebSocket version 13 is spoken here", (("Upgrade", "websocket"), _VERSION)
    if "upgrade" not in _words(request, "connection") or not request.keep_alive or request.body:
        return 400, "malformed WebSocket handshake", ()
    if not _is_key(headers.get("sec-websocket-key", "")):
        return 400, "malformed Sec-WebSocket-Key", ()
    if not _permitted(request, endpoint):
        return 403, "origin not allowed", ()
    return None


def _permitted(request: Request, endpoint: Endpoint) -> bool:
    """Browsers let any page open a WebSocket and leave it to the server to look where the page is from."""
    origin = request.headers.get("origin")
    if origin is None:
        return True
    scheme, _, host = origin.lower().partition("://")
    port = _DEFAULT_PORTS.get(scheme, "")
    asked_of = request.headers.get("host", "").lower()
    if host and host.removesuffix(port) == asked_of.removesuffix(port):
        return True
    cors = endpoint.route.cors
    return cors is not None and cors.headers(request)[0][0] == "Access-Control-Allow-Origin"


def _is_key(text: str) -> bool:
    try:
        return len(a2b_base64(text.encode("ascii"), strict_mode=True)) == 16
    except (BadKey, ValueError):
        return False


def _words(request: Request, name: str) -> list[str]:
    return [each.strip().lower() for each in request.headers.get(name, "").split(",")]


class _Talk:
    """One open WebSocket: what the connection hands its bytes to. `caller`: the connection."""

    __slots__ = (
        "_caller",
        "_closing",
        "_deaf",
        "_draining",
        "_endpoint",
        "_frames",
        "_paid",
        "_parts",
        "_pinged",
        "_principal",
        "_request",
        "_running",
        "_service",
        "_silent_since",
        "_size",
        "_waiting",
        "_wake",
    )

    def __init__(
        self, service: Service, request: Request, caller: Any, endpoint: Endpoint, principal: Principal
    ) -> None:
        self._service = service
        self._request = request
        self._caller = caller
        self._endpoint = endpoint
        self._principal = principal
        self._frames = Frames(ConnectionType.SERVER)
        self._parts: list[str] = []
        self._size = 0  # of the message that is arriving, in bytes
        self._waiting: deque[str] = deque()
        self._wake = asyncio.Event()
        self._running = False
        self._draining = False
        self._deaf = False  # nothing that comes is looked at any more
        self._closing: float | None = None  # since when, once a close frame has gone out
        self._pinged = False
        self._silent_since = monotonic()
        self._paid = True  # the handshake was counted by the rate limit, and stands for the first message

    # What the connection tells.

    def received(self, data: bytes) -> None:
        """Bytes from the peer."""
        if self._deaf or not data:
            return
        self._frames.receive_data(data)
        for event in self._frames.events():
            self._heard(event)

    def lost(self) -> None:
        """The peer is gone; what it had sent in full is run to the end."""
        self._deaf = True
        self._wake.set()

    def ended(self) -> None:
        """The peer sends no more."""
        self.lost()

    def drain(self) -> None:
        """The app is ending: close after the run in progress."""
        self._draining = True
        if not self._running:
            self.close(GOING_AWAY, "the server is shutting down")

    def resumed(self) -> None:
        """The peer reads again: the next run may begin."""
        self._wake.set()

    def abort(self) -> None:
        """The connection is cut, and the run in progress with it."""
        self._waiting.clear()
        self.lost()

    def swept(self, now: float) -> None:
        """Once a second: ping, and give up on who does not answer."""
        if self._closing is not None:
            if now >= self._closing + GOODBYE:
                self._caller.close()
        elif now >= self._silent_since + PING:
            if self._pinged:
                self.close(INTERNAL, "no pong")
            else:
                self._pinged = True
                self._silent_since = now
                self._send(Ping())

    def close(self, code: int, reason: str) -> None:
        """Say goodbye; the connection closes when the peer has too, or has had the time."""
        self._waiting.clear()
        self._wake.set()
        if self._closing is None:
            self._closing = monotonic()
            if self._frames.state is ConnectionState.OPEN and not self._caller.gone:
                self._send(CloseConnection(code=code, reason=reason))

    # Messages.

    def _heard(self, event: Event) -> None:
        if self._deaf:
            return
        match event:
            case TextMessage():
                self._text(event)
            case BytesMessage():
                self.close(UNSUPPORTED, "text messages only")
            case Ping():
                if self._closing is None:
                    self._send(event.response())
            case Pong():
                self._pinged = False
                self._silent_since = monotonic()
            case CloseConnection():
                self._closed(event)

    def _closed(self, event: CloseConnection) -> None:
        """The peer says goodbye, answers ours, or has broken the protocol."""
        self._deaf = True
        if self._frames.state is ConnectionState.REMOTE_CLOSING:
            self._closing = monotonic()
            self._send(event.response())
        if self._frames.state is ConnectionState.CLOSED:
            self.lost()
            self._caller.close()
        else:
            self.close(int(event.code or PROTOCOL), event.reason or "")

    def _text(self, event: TextMessage) -> None:
        if self._closing is not None:
            return
        data = event.data
        self._size += len(data) if data.isascii() else len(data.encode())
        if self._size > MAX_BODY:
            self._parts.clear()
            self.close(TOO_BIG, f"messages have at most {MAX_BODY} bytes")
            return
        if data:
            self._parts.append(data)
        if not event.message_finished:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.close(POLICY, f"at most {MOST_WAITING} messages may wait")
            return
        self._waiting.append("".join(self._parts))
        self._parts.clear()
        self._size = 0
        self._wake.set()

    def _send(self, event: Event) -> None:
        self._caller.write(self._frames.send(event))

    def _tell(self, event: str, data: str) -> None:
        """One message; `data` is a JSON object with at least one member."""
        if self._closing is None and not self._deaf:
            self._send(TextMessage(data=f'{{"event":"{event}",{data[1:]}'))

    def _tell_error(self, error: str, **more: Json) -> None:
        self._tell("error", compact({"error": error, **more}))

    # Runs.

    async def follow(self) -> None:
        """One run per message, until none is left of a connection that is closing."""
        while True:
            self._wake.clear()
            ended = self._deaf or self._closing is not None
            if ended and not self._waiting:
                return
            if self._draining:
                self.close(GOING_AWAY, "the server is shutting down")
            elif not self._waiting or (self._caller.stuck and not ended):
                await self._wake.wait()
            else:
                self._running = True
                try:
                    await self._answer(self._waiting.popleft())
                finally:
                    self._running = False

    async def _answer(self, text: str) -> None:
        """One message: a run, or what is wrong with it."""
        route, bucket = self._endpoint.route, self._endpoint.bucket
        paid, self._paid = self._paid, False
        wait = 0 if paid or bucket is None else bucket.take(monotonic())
        if wait:
            self._tell_error("rate limited", retry_after_ms=wait)
            return
        try:
            payload = loads(text)
        except JsonError as error:
            self._tell_error(f"invalid JSON: {error.reason}")
            return
        wrong = None if route.check is None else route.check(payload)
        if wrong is not None:
            self._tell_error(f"schema validation failed: {wrong}")
            return
        payload = with_principal(payload, self._principal)
        run = self._service.new_run(self._request, payload, self._principal, self._endpoint)
        self._tell("started", compact({"run_id": run.id}))
        followed(run, self._tell_node)
        ending = await self._service.walk_run(run, self._endpoint)
        self._tell("outcome", compact(self._outcome(ending, run)))

    def _tell_node(self, event: str, data: str) -> None:
        if not self._caller.stuck:  # more would pile up in memory
            self._tell(event, data)

    def _outcome(self, ending: Ending | None, run: Run) -> dict[str, Json]:
        """As the last event of a stream."""
        if ending is None:
            return {"status_code": 503, "body": {"error": "too many runs in flight"}}
        status, kind, body = self._service.outcome(ending, run)
        return {"status_code": status, "content_type": kind, "body": body.decode("utf-8", "replace")}
