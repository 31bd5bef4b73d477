"""The HTTP client of an app: one exchange at a time over pooled HTTP/1.1 connections. Links httpx and asyncio.

Linking costs about 60 ms of start, so handlers import this module at the first request. Of httpx only the transport
is used, below its client: no redirects, no cookies, no proxies, no environment, no decompression, no headers of
its own. What is sent is the request line, `Host` with the port, `Content-Length`, `Content-Type: application/json`
if there is a body, and the headers that are given; one of the same name takes the place of a default.

Every wait has a limit, and the exchange as a whole has one, so a peer that sends a byte now and then ends too. A
connection is used again only after an answer that was read to its end with nothing behind it.
"""

from __future__ import annotations

import sys
from asyncio import Semaphore, timeout
from importlib.util import find_spec

from agentdc_runtime.net import failure

# The command line of httpx, and the certificate bundle that it imports and that `tls` makes needless.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None: an import of it fails at once
if find_spec("certifi") is None:
    sys.modules["certifi"] = type(sys)("certifi")

import httpx  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from ssl import SSLContext
    from typing import Any

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.net.url import Url

MAX_BODY = 1_048_576
CONNECTIONS = 1024
IDLE_SECONDS = 15.0

# A request that failed on a used connection may have been lost to its closing; these can be sent again unharmed
# (RFC 9110 §9.2.2).
_REPEATABLE = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"))
_LOST = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)


class Limits:
    """How long things may take, in seconds: connecting, one wait for data, one write, and all of it."""

    __slots__ = ("connect", "read", "total", "write")

    def __init__(self, connect: float, read: float, write: float, total: float) -> None:
        self.connect = connect
        self.read = read
        self.write = write
        self.total = total


PLAIN = Limits(connect=30, read=30, write=30, total=120)
SECURE = Limits(connect=10, read=30, write=30, total=30)


class ExchangeFailed(Exception):
    """No complete answer; `reason` names host and cause, and nothing that was sent or received."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Answer:
    """What came back: `headers` by lower-case name, the last value of each; `body`, at most the cap.

    `truncated`: the body was longer. `claimed`: its length as the peer stated it, or None.
    """

    __slots__ = ("body", "claimed", "headers", "status", "truncated")

    def __init__(self, status: int, headers: dict[str, str], body: bytes, *, truncated: bool) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.truncated = truncated
        length = headers.get("content-length", "")
        self.claimed = int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else None


class Client:
    """Connections that are used again, by scheme and authority; belongs to the event loop it is first used in.

    `cap`: bytes of a body that are read. `places`: exchanges in flight; more wait. `proxy`: what a URL goes through.

    Each connection has a pool of its own in the library, since a shared one looks at every connection for every
    request: with a thousand of them that costs more than the exchange. Which connection is free is known here.
    """

    __slots__ = ("_cap", "_contexts", "_free", "_limits", "_places", "_proxy")

    def __init__(
        self,
        *,
        plain: Limits = PLAIN,
        secure: Limits = SECURE,
        cap: int = MAX_BODY,
        places: int = CONNECTIONS,
        proxy: Callable[[Url], str | None] = lambda _url: None,
    ) -> None:
        self._limits = {"http": plain, "https": secure}
        self._cap = cap
        self._contexts: dict[str, SSLContext] = {}
        self._free: dict[tuple[str, str], list[httpx.AsyncHTTPTransport]] = {}
        self._places = Semaphore(places)
        self._proxy = proxy

    async def send(
        self,
        method: str,
        url: Url,
        content: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
        limits: Limits | None = None,
    ) -> Answer:
        """One exchange; ExchangeFailed when there is no complete answer. `headers`: sent in their order.

        `limits`: for this exchange alone.
        """
        limits = limits or self._limits[url.scheme]
        lines = _lines(url, content, headers)
        try:
            async with timeout(limits.total), self._places:
                return await self._exchange(method, url, content, lines, limits)
        except (httpx.HTTPError, OSError) as error:
            raise ExchangeFailed(failure.reason(error, url.authority, limits)) from error

    async def open(
        self, method: str, url: Url, content: bytes = b"", headers: Iterable[tuple[str, str]] = ()
    ) -> Open:
        """The head of one answer, its body to be read by the caller, who closes it; ExchangeFailed."""
        limits = self._limits[url.scheme]
        free = self._free.setdefault((url.scheme, url.authority), [])
        transport = free.pop() if free else self._transport(url)
        lines = _lines(url, content, headers)
        try:
            response = await _answered(transport, method, url, content, lines, limits)
        except BaseException as error:
            await transport.aclose()
            if isinstance(error, httpx.HTTPError | OSError):
                raise ExchangeFailed(failure.reason(error, url.authority, limits)) from error
            raise
        return Open(response, transport, free, url.authority, limits)

    async def aclose(self) -> None:
        """Close all connections."""
        for free in self._free.values():
            for transport in free:
                await transport.aclose()
        self._free.clear()

    async def _exchange(
        self, method: str, url: Url, content: bytes, lines: list[tuple[bytes, bytes]], limits: Limits
    ) -> Answer:
        free = self._free.setdefault((url.scheme, url.authority), [])
        transport = free.pop() if free else self._transport(url)
        try:
            answer = await self._read(await _answered(transport, method, url, content, lines, limits))
        except BaseException:
            await transport.aclose()
            raise
        free.append(transport)
        return answer

    def _transport(self, url: Url) -> httpx.AsyncHTTPTransport:
        if url.scheme not in self._contexts:
            self._contexts[url.scheme] = _context(url.scheme)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS)
        context, proxy = self._contexts[url.scheme], self._proxy(url)
        return httpx.AsyncHTTPTransport(
            verify=context, trust_env=False, limits=limits, proxy=_proxied(proxy, context)
        )

    async def _read(self, response: httpx.Response) -> Answer:
        body, complete = bytearray(), True
        try:
            assert isinstance(response.stream, httpx.AsyncByteStream)
            async for part in response.stream:
                body += part
                if len(body) > self._cap:
                    del body[self._cap :]
                    complete = False
                    break
            if complete and _something_behind(response):
                await response.extensions["network_stream"].aclose()
        finally:
            await response.aclose()
        return Answer(response.status_code, _named(response), bytes(body), truncated=not complete)


class Open:
    """An answer whose body is still to come. `status`, `headers`: as in `Answer`."""

    __slots__ = ("_authority", "_free", "_limits", "_response", "_transport", "_whole", "headers", "status")

    def __init__(
        self,
        response: httpx.Response,
        transport: httpx.AsyncHTTPTransport,
        free: list[httpx.AsyncHTTPTransport],
        authority: str,
        limits: Limits,
    ) -> None:
        self.status = response.status_code
        self.headers = _named(response)
        self._response, self._transport, self._free = response, transport, free
        self._authority, self._limits = authority, limits
        self._whole = False

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes; ExchangeFailed when it breaks off."""
        assert isinstance(self._response.stream, httpx.AsyncByteStream)
        try:
            async for part in self._response.stream:
                yield part
        except (httpx.HTTPError, OSError) as error:
            raise ExchangeFailed(failure.reason(error, self._authority, self._limits)) from error
        self._whole = not _something_behind(self._response)

    async def close(self) -> None:
        """Give the connection back when the body was read to its end, else close it."""
        await self._response.aclose()
        if self._whole:
            self._free.append(self._transport)
        else:
            await self._transport.aclose()


def shared(process: Process) -> Client:
    """The client that all runs of the process share, made when first asked for."""
    client: Client = process.kept.get("http") or process.kept.setdefault("http", Client())
    return client


def _named(response: httpx.Response) -> dict[str, str]:
    return {_text(name).lower(): _text(value) for name, value in response.headers.raw}


def _proxied(proxy: str | None, context: SSLContext) -> httpx.Proxy | None:
    if proxy is None:
        return None
    try:
        return httpx.Proxy(proxy, ssl_context=context if proxy.startswith("https") else None)
    except (ValueError, httpx.InvalidURL):
        raise ExchangeFailed("HTTPS_PROXY is not the URL of an HTTP proxy") from None


def _context(scheme: str) -> SSLContext:
    """What the transport verifies with; for plain HTTP one that trusts nobody, which is quick to make."""
    from ssl import PROTOCOL_TLS_CLIENT, SSLContext

    if scheme == "http":
        return SSLContext(PROTOCOL_TLS_CLIENT)
    from agentdc_runtime.net import tls

    try:
        return tls.client_context()
    except tls.NoTrust as error:
        raise ExchangeFailed(error.reason) from None


def _lines(url: Url, content: bytes, given: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """The header lines; what is given replaces a default of the same name."""
    lines = [(name.encode(), value.encode()) for name, value in given]
    names = {name.lower() for name, _ in lines}
    defaults = [(b"Host", url.authority.encode()), (b"Content-Length", b"%d" % len(content))]
    if content:
        defaults.append((b"Content-Type", b"application/json"))
    return [line for line in defaults if line[0].lower() not in names] + lines


async def _answered(
    transport: httpx.AsyncHTTPTransport,
    method: str,
    url: Url,
    content: bytes,
    lines: list[tuple[bytes, bytes]],
    limits: Limits,
) -> httpx.Response:
    """The head of the answer; a repeatable request that was lost on a used connection is sent again."""
    waits = {"connect": limits.connect, "read": limits.read, "write": limits.write, "pool": limits.total}
    while True:
        watch = _Watch()
        extensions = {"timeout": waits, "target": url.target.encode(), "trace": watch.note}
        base = f"{url.scheme}://{url.authority}/"  # the target is sent as it was checked, not as httpx would tidy it
        body = httpx.ByteStream(content)
        request = httpx.Request(method, base, headers=lines, stream=body, extensions=extensions)
        try:
            return await transport.handle_async_request(request)
        except _LOST:
            if watch.connected or method not in _REPEATABLE:
                raise


class _Watch:
    """Notes whether a request opened a connection of its own."""

    __slots__ = ("connected",)

    def __init__(self) -> None:
        self.connected = False

    async def note(self, event: str, _: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.started":
            self.connected = True


def _something_behind(response: httpx.Response) -> bool:
    """Whether the peer sent more than its answer: the next request would take that for its own.

    No library call tells, so this looks inside; when the inside has changed, the connection is given up.
    """
    stream: Any = response.stream
    try:
        behind, _ = stream._httpcore_stream._stream._connection._h11_state.trailing_data
    except AttributeError:
        return True
    return bool(behind)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
