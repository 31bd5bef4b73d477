"""HTTP/2 (RFC 9113) for callers that choose it in the TLS handshake (extension). Links h2.

Theory of operation. `Session` takes the place of the HTTP/1.1 reader behind a `Connection` and hands each stream to
the service as the request it is: the answer comes back in the bytes of HTTP/1.1, and its head is rewritten. So all
decisions about requests stand in one place. Frames, HPACK and the states of streams are those of the h2 package.

    HEADERS, DATA ──▶ Stream ──end of the request──▶ service.answer ──▶ Stream.out ──window, room──▶ HEADERS, DATA

What a stream sends waits in `out` until the peer's windows and the socket have room. A stream that the peer resets
costs it: the run goes on, and a peer that only resets is sent away. `swept` keeps all deadlines, once a second.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, SettingsAcknowledged, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from agentdc_runtime.http import reply
from agentdc_runtime.http.http2_wire import Lengths, over, request_of, rewritten
from agentdc_runtime.http.wire import MAX_BODY, MAX_HEAD, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from h2.events import Event

    from agentdc_runtime.http.service import Service

# Seconds: without a stream, for a request to arrive, for an answer to move on.
IDLE, BODY, WRITE = 30.0, 60.0, 30.0
LINGER = 5.0  # seconds in which the rest of a request that was answered early is read and dropped
MOST_STREAMS = 100  # at once
MOST_REQUESTS = 10_000  # of a connection, which keeps the routes of the moment it was accepted
MOST_RESETS = 200  # more than streams that were answered
MOST_HELD = 8 * MAX_BODY  # bytes of the bodies of all open streams
HELD = 65_536  # bytes that wait to be sent, from which a stream counts as stuck
_MOVED = 16_384  # bytes that must go out within WRITE
_DECODED = 4 * MAX_HEAD  # bytes of a header list that is read to be refused; beyond them the connection ends
_SETTINGS = {
    SettingCodes.MAX_CONCURRENT_STREAMS: MOST_STREAMS,
    SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEAD,
}
_FIELD = 32  # what a header field counts beside its bytes (RFC 9113 §6.5.2)


class Stream:
    """One request and its answer: the caller that the service sees. `out`: what waits to be sent."""

    __slots__ = (
        "body",
        "done",
        "gone",
        "headers",
        "heard",
        "keep",
        "last",
        "moved",
        "number",
        "out",
        "peer",
        "session",
        "since",
        "size",
        "started",
        "table",
    )

    def __init__(self, session: Session, number: int, headers: list[tuple[bytes, bytes]], now: float) -> None:
        self.session = session
        self.table = session.connection.table
        self.peer = session.connection.peer
        self.keep = True
        self.number = number
        self.headers = headers
        self.body = bytearray()
        self.size = 0  # bytes of the body, which a run may hold for as long as the stream is open
        self.heard = False  # the whole request has come
        self.started = False  # the head of the answer has gone out
        self.out = bytearray()
        self.last = False  # nothing follows what is in `out`
        self.done = False  # answered, while the request still arrives
        self.gone = False  # ended or reset
        self.since: float | None = now  # since when the peer keeps us waiting
        self.moved = 0  # bytes sent since then

    def keeps(self, request: Request) -> bool:
        """Connections outlive their streams."""
        del request
        return True

    @property
    def stuck(self) -> bool:
        """The peer does not read; more would pile up in memory."""
        return self.session.connection.stuck or len(self.out) > HELD

    def write(self, data: bytes) -> None:
        """Send a part of the answer."""
        self.session.send(self, data, last=False)


class Session:
    """One connection. `connection`: writes, closes, knows routes and peer; `listener`: counts requests."""

    __slots__ = (
        "_dead",
        "_draining",
        "_frames",
        "_held",
        "_highest",
        "_idle",
        "_lengths",
        "_requests",
        "_resets",
        "_sending",
        "_service",
        "_streams",
        "_tasks",
        "connection",
        "listener",
    )

    def __init__(self, service: Service, connection: Any, listener: Any) -> None:
        self._service = service
        self.connection = connection
        self.listener = listener
        self._streams: dict[int, Stream] = {}
        self._sending: dict[int, Stream] = {}  # those with something in `out`
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = 0
        self._highest = 0
        self._requests = 0
        self._resets = 0
        self._idle = monotonic()
        self._draining = False
        self._dead = False
        self._lengths = Lengths()
        config = H2Configuration(
            client_side=False,
            header_encoding=False,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self._frames = H2Connection(config)
        self._frames.local_settings = Settings(client=False, initial_values=_SETTINGS)
        self._frames.decoder.max_header_list_size = _DECODED
        self._frames.initiate_connection()
        self._flush()

    # What the connection tells.

    def received(self, data: bytes) -> None:
        """Bytes from the peer."""
        if self._dead:
            return
        if self._lengths.overlong(data):
            self._die(ErrorCodes.FRAME_SIZE_ERROR)
            return
        try:
            events = self._frames.receive_data(data)
            for event in events:
                self._heard(event)
        except ProtocolError:  # h2 has written why
            self._die()
            return
        except Exception as error:  # noqa: BLE001 - whatever a peer's bytes do to the decoder, one connection ends
            self._service.failed(_NOTHING, Stream(self, 0, [], 0.0), error)
            self._die(ErrorCodes.INTERNAL_ERROR)
            return
        self._push()

    def lost(self) -> None:
        """The peer is gone; runs that it started go on to their ends."""
        self._dead = True
        for stream in self._streams.values():
            stream.gone = True
        self._streams.clear()
        self._sending.clear()

    def ended(self) -> None:
        """The peer sends no more, so no window will open either."""
        self.lost()

    def drain(self) -> None:
        """Take no more streams, and close when those that are open have ended."""
        if self._dead or self._draining:
            return
        self._draining = True
        # h2 would end all streams with this frame, so it is written by hand.
        goodbye = GoAwayFrame(0, last_stream_id=self._highest, error_code=ErrorCodes.NO_ERROR)
        self.connection.write(goodbye.serialize())
        self._close_when_empty()

    def resumed(self) -> None:
        """The socket has room again."""
        if not self._dead:
            self._push()

    def abort(self) -> None:
        """The connection is cut, and its runs with it."""
        for task in self._tasks:
            task.cancel()
        self.lost()

    def swept(self, now: float) -> None:
        """Act on waits that have ended."""
        if self._dead:
            return
        if not self._streams and now >= self._idle + IDLE:
            self.drain()
        for stream in tuple(self._streams.values()):
            if stream.since is None:
                continue
            if stream.done:
                if now >= stream.since + LINGER:
                    self._reset(stream, ErrorCodes.NO_ERROR)
            elif stream.out:
                if now >= stream.since + WRITE:
                    self._reset(stream, ErrorCodes.CANCEL)
            elif now >= stream.since + BODY:
                self._refuse(stream, 400, "truncated body")
        self._push()

    # Frames to requests.

    def _heard(self, event: Event) -> None:
        if self._dead:
            return
        match event:
            case RequestReceived():
                self._opened(event.stream_id, event.headers)
            case DataReceived():
                self._data(event.stream_id, event.data, event.flow_controlled_length)
            case StreamEnded():
                self._complete(event.stream_id)
            case StreamReset():
                self._was_reset(event.stream_id)
            case SettingsAcknowledged():
                self._frames.decoder.max_header_list_size = _DECODED

    def _opened(self, number: int, headers: Any) -> None:
        if self._draining:
            self._reset_frame(number, ErrorCodes.REFUSED_STREAM)
            return
        self._highest = number
        self._requests += 1
        stream = Stream(self, number, headers, monotonic())
        self._streams[number] = stream
        if sum(len(name) + len(value) + _FIELD for name, value in headers) > MAX_HEAD:
            self._refuse(stream, 431, "headers too large")
            return
        given = dict(headers)
        if over(given.get(b"content-length", b"")):
            self._refuse(stream, 413, "body exceeds server cap", cap_bytes=MAX_BODY)
        elif given.get(b"expect", b"").lower() == b"100-continue":
            self._head(stream, [(b":status", b"100")], ends=False)
        if self._requests >= MOST_REQUESTS:
            self.drain()

    def _data(self, number: int, data: bytes | None, length: int | None) -> None:
        stream = self._streams.get(number)
        if length:
            self._frames.acknowledge_received_data(length, number)
        if stream is None or stream.started or not data:
            return
        stream.body += data
        stream.size += len(data)
        self._held += len(data)
        if stream.size > MAX_BODY:
            self._refuse(stream, 413, "body exceeds server cap", cap_bytes=MAX_BODY)
        elif self._held > MOST_HELD:
            self._refuse(stream, 503, "too many bodies at once on this connection")

    def _complete(self, number: int) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.heard = True
        if stream.done:
            self._forget(stream)
        if stream.started:
            return
        stream.since = None
        request = request_of(stream.headers, bytes(stream.body))
        stream.body.clear()
        if request is None:
            self._refuse(stream, 400, "malformed request")
            return
        self.listener.requested()
        try:
            answer = self._service.answer(request, stream)
        except Exception as error:  # noqa: BLE001 - a mistake of ours is answered, and loses nothing else
            answer = self._service.failed(request, stream, error)
        if isinstance(answer, bytes):
            self._put(stream, answer, last=True)
            return
        task = asyncio.get_running_loop().create_task(self._await(request, stream, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _await(self, request: Request, stream: Stream, answer: Coroutine[Any, Any, bytes]) -> None:
        try:
            data = await answer
        except Exception as error:  # noqa: BLE001 - as above
            data = self._service.failed(request, stream, error)
        self.send(stream, data, last=True)

    def _was_reset(self, number: int) -> None:
        """By the peer, or by h2 for what the peer did there: both are a way to make us work for nothing."""
        stream = self._streams.get(number)
        if stream is not None:
            self._forget(stream)
            if stream.done:
                return
        self._resets += 1
        if self._resets > MOST_RESETS:
            self._die(ErrorCodes.ENHANCE_YOUR_CALM)

    # Answers to frames.

    def send(self, stream: Stream, data: bytes, *, last: bool) -> None:
        """A part of an answer, in the bytes of HTTP/1.1; what cannot go out at once waits."""
        if not self._dead and not stream.gone:
            self._put(stream, data, last=last)
            self._push()

    def _refuse(self, stream: Stream, status: int, error: str, **more: int) -> None:
        self.listener.refused(status)
        self._put(stream, reply.refused(status, error, self._service.dated(), extra_fields=more), last=True)

    def _put(self, stream: Stream, data: bytes, *, last: bool) -> None:
        stream.last = last
        if not stream.started:
            headers, data = rewritten(data)
            stream.started = True
            only_head = last and not data
            if not self._head(stream, headers, ends=only_head):
                return
            if only_head:
                self._finished(stream)
                return
        if not stream.out:
            stream.since, stream.moved = monotonic(), 0
        stream.out += data
        self._sending[stream.number] = stream

    def _head(self, stream: Stream, headers: list[tuple[bytes, bytes]], *, ends: bool) -> bool:
        """False when the peer has reset the stream meanwhile, which h2 knows before its event is here."""
        try:
            self._frames.send_headers(stream.number, headers, end_stream=ends)
        except ProtocolError:
            self._forget(stream)
            return False
        return True

    def _push(self) -> None:
        """Send what windows and socket have room for, a frame of each stream in turn."""
        sending = self._sending
        moved = True
        while moved and sending and not self.connection.stuck:
            moved = False
            for stream in tuple(sending.values()):
                moved = self._push_one(stream) or moved
            self._flush()
        self._flush()
        self._close_when_empty()

    def _push_one(self, stream: Stream) -> bool:
        """Whether anything of this stream went out."""
        frames, number, out = self._frames, stream.number, stream.out
        if not out and not stream.last:  # events, all of them sent
            stream.since = None
            del self._sending[number]
            return False
        try:
            window = frames.local_flow_control_window(number)
            size = max(0, min(len(out), window, frames.max_outbound_frame_size))
            ends = stream.last and size == len(out)
            if not size and not ends:
                return False
            frames.send_data(number, bytes(out[:size]), end_stream=ends)
        except ProtocolError:  # as in `_head`
            self._forget(stream)
            return False
        del out[:size]
        stream.moved += size
        if stream.moved >= _MOVED:
            stream.since, stream.moved = monotonic(), 0
        if ends:
            self._finished(stream)
        return True

    def _finished(self, stream: Stream) -> None:
        """Answered in full. A request that still arrives may go on for a while: there are clients that lose the
        answer when they are told to stop at once (RFC 9113 §8.1).
        """
        self._resets = max(0, self._resets - 1)
        self._sending.pop(stream.number, None)
        if stream.heard:
            self._forget(stream)
        else:
            stream.done = True
            stream.since = monotonic()

    def _reset(self, stream: Stream, code: ErrorCodes) -> None:
        self._reset_frame(stream.number, code)
        self._forget(stream)

    def _reset_frame(self, number: int, code: ErrorCodes) -> None:
        try:
            self._frames.reset_stream(number, code)
        except ProtocolError:
            return  # it is closed already

    def _forget(self, stream: Stream) -> None:
        stream.gone = True
        if self._streams.pop(stream.number, None) is not None:
            self._held -= stream.size
        self._sending.pop(stream.number, None)
        if not self._streams:
            self._idle = monotonic()

    def _flush(self) -> None:
        data = self._frames.data_to_send()
        if data:
            self.connection.write(data)

    def _close_when_empty(self) -> None:
        if self._draining and not self._streams and not self._dead:
            self.lost()
            self.connection.close()

    def _die(self, code: ErrorCodes | None = None) -> None:
        """End the connection and say why; without a code h2 has said it already."""
        if code is not None:
            self._frames.close_connection(code)
        self._flush()
        self.lost()
        self.connection.close()


_NOTHING = Request("", "", "", {}, b"", False)
