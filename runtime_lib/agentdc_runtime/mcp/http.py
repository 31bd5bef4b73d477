"""MCP over streamable HTTP, as a client (revisions 2025-03-26 to 2025-11-25). Links the HTTP client, so httpx.

Each message is a request of its own; its answer is JSON, or a stream of events that ends when ours is there. What the
server says unasked comes on a stream that is opened when it offers to say something, and again when it breaks off. A
session that the server has forgotten (404) is begun anew by the next call; nothing is sent twice. The bearer token is
a secret, looked up for each request.
"""

from __future__ import annotations

import asyncio

from agentdc_runtime.errors import ConfigError, McpError
from agentdc_runtime.host.console import USAGE, Refusal
from agentdc_runtime.mcp import start
from agentdc_runtime.mcp.asked import Asked
from agentdc_runtime.mcp.errors import Lost
from agentdc_runtime.mcp.session import LONGEST, TOO_LARGE, Session
from agentdc_runtime.mcp.sse import Events, Overlong
from agentdc_runtime.net.http_client import Client, ExchangeFailed, Limits
from agentdc_runtime.net.url import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.mcp.router import Router
    from agentdc_runtime.net.http_client import Open

    Json: TypeAlias = Any

MOST = 16 * 1024 * 1024  # bytes of one message
_WAITS = Limits(connect=10, read=LONGEST, write=30, total=LONGEST)  # a session has its own limits
_ACCEPT = "application/json, text/event-stream"
_PATIENCE = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before a broken stream is opened again
_CLOSING = 2.0  # seconds for telling a server that its session is over


def router(process: Process, operands: Mapping[str, Any], stdio: list[str] | None, version: str) -> Router:
    """As `start.router`, with servers that have a URL."""
    return start.router(process, operands, stdio, version, remote=Remote)


class Exchange:
    """The link of one session. `id`: of the session, as the server gave it. `session`: whom it tells what comes."""

    def __init__(self, remote: Remote) -> None:
        self.label = remote.url
        self.version: str | None = None
        self.id: str | None = None
        self.session: Session = None  # type: ignore[assignment]  # set by its maker
        self._remote = remote

    def tail(self) -> str:
        """A server elsewhere has no words but its answers."""
        return ""

    async def send(self, text: bytes, number: int | None, answer: asyncio.Future[Any] | None) -> None:
        """One message; for a request, until its answer is there."""
        opened = await self._open("POST", text)
        try:
            self._judge(opened, number)
            if answer is not None:
                await self._take(opened, answer)
        except ExchangeFailed as error:
            raise McpError(f"read response on {self.label}: {error.reason}") from None
        except Overlong:
            raise McpError(f"{self.label}: {TOO_LARGE}") from None
        finally:
            await opened.close()

    async def listen(self) -> bool:
        """Take what the server says unasked until the stream ends; False when it offers no such stream."""
        opened = await self._open("GET", b"")
        try:
            if opened.status != 200 or not _is(opened, "text/event-stream"):
                return False
            events = Events(MOST)
            async for part in opened.parts():
                for each in events.feed(part):
                    self.session.received(each)
        finally:
            await opened.close()
        return True

    async def forget(self) -> None:
        """Tell the server that the session is over; it may refuse to know."""
        if self.id is not None:
            await (await self._open("DELETE", b"")).close()

    async def _open(self, method: str, text: bytes) -> Open:
        lines = [("Accept", _ACCEPT), *await self._remote.authority()]
        if text:
            lines.append(("Content-Type", "application/json"))
        if self.version is not None:
            lines.append(("MCP-Protocol-Version", self.version))
        if self.id is not None:
            lines.append(("Mcp-Session-Id", self.id))
        try:
            return await self._remote.client.open(method, parse(self.label), text, lines)
        except ExchangeFailed as error:
            raise McpError(f"write request on {self.label}: {error.reason}") from None

    def _judge(self, opened: Open, number: int | None) -> None:
        """McpError unless the status says that the message was taken."""
        given = opened.headers.get("mcp-session-id")
        if given is not None and self.version is None and given.isascii() and given.isprintable():
            self.id = given
        if opened.status == 404 and self.id is not None:
            self.session.lost("has forgotten the session")
            raise Lost(f"{self.label} has forgotten the session")
        plain = opened.status == 200 if number is not None else 200 <= opened.status <= 299
        if not plain and not (
            number is not None and opened.status in (400, 404) and _is(opened, "application/json")
        ):
            raise McpError(f"{self.label} answered with the status {opened.status}")

    async def _take(self, opened: Open, answer: asyncio.Future[Any]) -> None:
        if _is(opened, "text/event-stream"):
            events = Events(MOST)
            async for part in opened.parts():
                for each in events.feed(part):
                    self.session.received(each)
                if answer.done():
                    return
        elif _is(opened, "application/json"):
            body = bytearray()
            async for part in opened.parts():
                body += part
                if len(body) > MOST:
                    raise Overlong
            self.session.received(bytes(body))
        else:
            kind = opened.headers.get("content-type", "no content type")[:100]
            raise McpError(f"{self.label} answered with {kind}, which is neither JSON nor a stream of events")
        if not answer.done():
            raise McpError(f"{self.label} ended its answer without one (status {opened.status})")


class Remote(Asked):
    """A declared URL. `declared`: its entry in the operands, `supervisor` with all settings."""

    def __init__(self, process: Process, declared: Mapping[str, Any], version: str) -> None:
        super().__init__(declared)
        self.url: str = declared["url"]
        self.client = Client(plain=_WAITS, secure=_WAITS)
        self._process = process
        self._bearer: str | None = declared.get("bearer")
        self._settings: Mapping[str, Any] = declared["supervisor"]
        self._version = version
        self._exchange: Exchange | None = None
        self._beginning = asyncio.Lock()

    async def start(self) -> None:
        """The first handshake: Refusal when it fails, unless `lenient_start` leaves it to the first call."""
        try:
            await self._begin()
        except McpError as error:
            if not self._settings["lenient_start"]:
                raise Refusal(f"failed to start MCP server `{self.name}`: {error.reason}", USAGE) from None

    async def stop(self) -> None:
        """End the session, and tell the server so."""
        await self._end_tasks()
        session, exchange = self._session, self._exchange
        self._session = self._exchange = None
        if session is not None and session.alive and exchange is not None:
            session.lost("was stopped")
            await session.settle()
            try:
                async with asyncio.timeout(_CLOSING):
                    await exchange.forget()
            except (McpError, TimeoutError):
                pass  # it will forget by itself
        await self.client.aclose()

    async def authority(self) -> list[tuple[str, str]]:
        """The header that says who calls, if there is one; McpError without its secret."""
        if self._bearer is None:
            return []
        assert self._process.secrets is not None
        try:
            return [("Authorization", f"Bearer {await self._process.secrets.resolve(self._bearer)}")]
        except ConfigError as error:
            raise McpError(f"{self.url}: {error.reason}") from None

    async def _up(self, deadline: float) -> Session:
        async with self._beginning:
            if self._session is None or not self._session.alive:
                await self._begin(self._left(deadline))
            assert self._session is not None
            return self._session

    async def _begin(self, seconds: float = LONGEST) -> None:
        exchange = Exchange(self)
        session = exchange.session = Session(exchange)
        session.heard = self._note
        await session.begin(self._version, min(seconds, float(self._settings["start_timeout_secs"])))
        self._session, self._exchange = session, exchange
        self._up_again()
        if self.heard or any(_changes(each) for each in session.capabilities.values()):
            self._go(self._listen(session, exchange))

    async def _listen(self, session: Session, exchange: Exchange) -> None:
        """Keep the stream of what the server says unasked open as long as the session lasts."""
        tried = 0
        while session.alive:
            try:
                if not await exchange.listen():
                    return
                tried = 0
            except (McpError, ExchangeFailed, Overlong):
                tried += 1
            await asyncio.sleep(_PATIENCE[min(tried, len(_PATIENCE) - 1)])


def _is(opened: Open, kind: str) -> bool:
    return opened.headers.get("content-type", "").partition(";")[0].strip().lower() == kind


def _changes(capability: Json) -> bool:
    return isinstance(capability, dict) and bool(capability.get("listChanged") or capability.get("subscribe"))
