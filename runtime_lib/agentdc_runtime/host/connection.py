"""One connection of a caller: bytes in, answers out, deadlines kept (spec 02 §1.1). Links asyncio.

Requests of one connection are answered in order. While an answer is being awaited, what the peer sends meanwhile is
kept up to `HELD` bytes, then reading stops. Deadlines are kept by one sweep of the listener once a second, so that
a request costs no timer: a connection only notes when its present wait ends.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from agentdc_runtime.http import reply
from agentdc_runtime.http.wire import Reader, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from agentdc_runtime.host.listener import Listener
    from agentdc_runtime.http.service import Service
    from agentdc_runtime.http.wire import Request

IDLE, HEAD, BODY, WRITE = 30.0, 30.0, 60.0, 30.0  # seconds
MOST_REQUESTS = 100
HELD = 65_536  # bytes read ahead of an answer
LATE = 0.1  # seconds for one that changes its protocol while the app is ending
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_WAITS = {"idle": IDLE, "head": HEAD, "body": BODY}
_NEVER = float("inf")


class Connection(asyncio.Protocol):
    """The protocol of one accepted socket.

    `table`: the routes as they were when it was accepted. `peer`: identity of the caller's certificate, or None.
    `until`: when its present wait ends, on the monotonic clock.
    """

    __slots__ = (
        "_answered",
        "_answering",
        "_closing",
        "_ended",
        "_listener",
        "_paused",
        "_phase",
        "_reader",
        "_service",
        "_transport",
        "_upgraded",
        "keep",
        "peer",
        "table",
        "until",
    )

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._service: Service = listener.service
        self.table = listener.table
        self.peer: Any = None
        self.keep = True
        self._reader = Reader()
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # set before anything else happens
        self._answering: asyncio.Task[None] | None = None
        self._answered = 0
        self._closing = False
        self._ended = False
        self._paused = False
        self._phase = "idle"
        self._upgraded: Any = None
        self.until = monotonic() + IDLE

    # What the event loop calls.

    def connection_made(self, transport: Any) -> None:
        """The socket is accepted, and its TLS handshake done."""
        self._transport = transport  # of uvloop's it is no asyncio.Transport by name
        self.peer = self._listener.peer_of(transport)
        self._listener.opened(self)
        self.until = monotonic() + IDLE
        http2 = self._listener.http2
        if http2 is not None and _chosen(transport) == "h2":
            self.upgrade(http2.Session(self._service, self, self._listener))

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone; a run that it started goes on to its end."""
        del exc
        self._closing = True
        self.until = _NEVER
        self._listener.closed(self)
        if self._upgraded is not None:
            self._upgraded.lost()

    def data_received(self, data: bytes) -> None:
        """Bytes from the peer."""
        if self._upgraded is not None:
            self._upgraded.received(data)
            return
        if self._closing:
            return
        self._reader.feed(data)
        if self._answering is None and not self._paused:
            self._serve()
        elif self._reader.buffered > HELD:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The peer sends no more; an answer under way still goes out."""
        self._ended = True
        if self._upgraded is not None:
            self._upgraded.ended()
            return False
        if self._answering is None and not self._paused:
            self._end(timed_out=False)
        return True

    def pause_writing(self) -> None:
        """The peer does not read what it is sent."""
        self._paused = True
        self.until = monotonic() + WRITE
        if self._upgraded is not None:
            self._transport.pause_reading()  # what it asks for would pile up

    def resume_writing(self) -> None:
        """It reads again."""
        self._paused = False
        if self._closing:
            self.until = monotonic() + WRITE
        elif self._upgraded is not None:
            self.until = _NEVER
            self._transport.resume_reading()
            self._upgraded.resumed()
        elif self._answering is None:
            self._transport.resume_reading()
            self._serve()

    # What the listener calls.

    @property
    def idle(self) -> bool:
        """Between two requests, so that closing it loses nothing."""
        return self._answering is None and self._phase == "idle" and self._upgraded is None

    def swept(self, now: float) -> None:
        """Act on a wait that has ended."""
        if now < self.until:
            if self._upgraded is not None and not self._paused and not self._closing:
                self._upgraded.swept(now)
            return
        if self._paused or self._closing:
            self._transport.abort()
        else:
            self._end(timed_out=True)

    def drain(self) -> None:
        """The app is ending: close when idle, else with the answer under way."""
        if self.idle:
            self.close()
        elif self._upgraded is not None:
            self._upgraded.drain()

    def close(self) -> None:
        """Close when everything written has been sent."""
        if not self._closing:
            self._closing = True
            self.until = monotonic() + WRITE
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._answering is not None:
            self._answering.cancel()
        if self._upgraded is not None:
            self._upgraded.abort()
        self._closing = True
        self._transport.abort()

    # What answers ask and use.

    def keeps(self, request: Request) -> bool:
        """Whether the connection may stay open after the answer to this request."""
        return (
            request.keep_alive
            and self._answered < MOST_REQUESTS
            and not self._listener.draining
            and not self._ended
        )

    def write(self, data: bytes) -> None:
        """Send a part of an answer."""
        if not self._transport.is_closing():
            self._transport.write(data)

    @property
    def gone(self) -> bool:
        """Nobody reads any more."""
        return self._transport.is_closing()

    @property
    def stuck(self) -> bool:
        """The peer does not read; more would pile up in memory."""
        return self._paused

    def upgrade(self, protocol: Any) -> bytes:
        """From now on bytes go to `protocol`; what has been read beyond the request.

        It is told of all that happens here by `received`, `ended`, `lost`, `resumed`, `drain`, `abort` and, once a
        second, `swept`, where it keeps its own deadlines.
        """
        self._upgraded = protocol
        self.until = _NEVER
        if not self._paused:
            self._transport.resume_reading()
        if self._listener.draining:  # too late to be among those that are told
            asyncio.get_running_loop().call_later(LATE, protocol.drain)
        return self._reader.rest()

    # Requests to answers.

    def _serve(self) -> None:
        """Answer the requests that are complete."""
        reader = self._reader
        while not self._paused:
            request = reader.next()
            if request is None:
                break
            if isinstance(request, Refusal):
                self._refused(request)
                return
            self._answered += 1
            self._phase = "body"
            self._listener.requested()
            try:
                answer = self._service.answer(request, self)
            except Exception as error:  # noqa: BLE001 - a mistake of ours is answered, and loses nothing else
                answer = self._service.failed(request, self, error)
            if not isinstance(answer, bytes):
                self.until = _NEVER
                self._answering = asyncio.get_running_loop().create_task(self._await(request, answer))
                return
            if not self._sent(answer):
                return
        self._wait()

    def _wait(self) -> None:
        """Note how long the peer may take for what comes next."""
        if self._paused:
            return
        reader = self._reader
        phase = reader.phase
        if self._ended:
            self._end(timed_out=False)
            return
        if phase == "idle":
            if self._listener.draining:
                self.close()
                return
            self.until = monotonic() + IDLE
            self._listener.room()
        elif phase != self._phase:
            self.until = monotonic() + _WAITS[phase]
        self._phase = phase
        if phase == "body" and reader.wants_continue():
            self._transport.write(_CONTINUE)

    async def _await(self, request: Request, answer: Coroutine[Any, Any, bytes]) -> None:
        try:
            data = await answer
        except Exception as error:  # noqa: BLE001 - as above
            data = self._service.failed(request, self, error)
        self._answering = None
        if self._upgraded is not None or self._transport.is_closing():
            return
        self._phase = "idle"
        if self._sent(data):
            self._transport.resume_reading()
            self._serve()

    def _sent(self, answer: bytes) -> bool:
        """Write an answer; False when it was the last one."""
        self._transport.write(answer)
        self._phase = "idle"
        if not self.keep:
            self.close()
        return self.keep

    def _refused(self, refusal: Refusal) -> None:
        if not refusal.silent:
            dated = self._service.dated()
            data = reply.refused(refusal.status, refusal.error, dated, extra_fields=refusal.extra)
            self._transport.write(data)
            self._listener.refused(refusal.status)
        self.close()

    def _end(self, *, timed_out: bool) -> None:
        """No more bytes will come in time: what stands in the buffer is refused, if there is anything."""
        refusal = self._reader.finish(timed_out=timed_out)
        if refusal is None:
            self.close()
        else:
            self._refused(refusal)


def _chosen(transport: Any) -> str | None:
    """The protocol that was agreed on in the TLS handshake."""
    inner = transport.get_extra_info("ssl_object")
    return None if inner is None else inner.selected_alpn_protocol()
