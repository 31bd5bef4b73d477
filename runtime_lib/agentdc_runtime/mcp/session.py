"""One conversation with one server, whatever carries it: requests out, answers matched by id. Links asyncio.

A session is used by many runs at once. A request that is not answered in its time is cancelled: the server is told,
and its answer, should it still come, is for nobody. A session that is lost stays lost: everything that waits fails
at once, and its owner makes another one.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from agentdc_runtime.errors import McpError
from agentdc_runtime.jsontext import JsonError, compact, loads
from agentdc_runtime.mcp import protocol
from agentdc_runtime.mcp.errors import Lost, Refused, Silent
from agentdc_runtime.mcp.protocol import NoResult, RpcError, Taken, Talk, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, TypeAlias

    from agentdc_runtime.mcp.lines import TooLong

    Json: TypeAlias = Any

    class Link(Protocol):
        """What carries messages. `label`: what errors call it."""

        label: str
        version: str | None

        async def send(self, text: bytes, number: int | None, answer: asyncio.Future[Any] | None) -> None:
            """Send a message; McpError when that fails. `number`: its id, when it is a request of ours, and then
            `answer` is done when the session has what it waits for.
            """
            ...

        def tail(self) -> str:
            """The server's last words on standard error, empty when there are none."""
            ...


LONGEST = 365 * 86_400.0  # seconds; beyond, the clocks of event loops overflow
_MOST_PAGES = 1000


class Session:
    """`capabilities`: what the server offers, once `begin` has returned. `alive`: it can be asked.

    `heard`: is told the method and parameters of each notification.
    """

    __slots__ = (
        "_answers",
        "_link",
        "_replies",
        "_talk",
        "alive",
        "begun",
        "capabilities",
        "heard",
        "info",
        "version",
    )

    def __init__(self, link: Link) -> None:
        self._link = link
        self._talk = Talk()
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._replies: set[asyncio.Task[None]] = set()
        self.alive = True
        self.begun = False
        self.capabilities: dict[str, Json] = {}
        self.info: dict[str, Json] = {}
        self.version = ""
        self.heard: Callable[[str, Json], None] | None = None

    async def begin(self, version: str, seconds: float) -> None:
        """The handshake; `version`: of this program. McpError when the server does not take part."""
        result = await self.ask("initialize", protocol.initialize(version), seconds)
        try:
            self.version = self._link.version = protocol.agreed(result)
        except ValueError as problem:
            raise McpError(f"{self._link.label}: {problem}") from None
        capabilities = result.get("capabilities")
        self.capabilities = capabilities if isinstance(capabilities, dict) else {}
        info = result.get("serverInfo")
        self.info = info if isinstance(info, dict) else {}
        await self._tell(protocol.notification(protocol.INITIALIZED, {}), seconds)
        self.begun = True

    async def ask(self, method: str, params: Json, seconds: float) -> dict[str, Json]:
        """The result of one request; McpError, or Lost when the session went with it. `seconds`: at most."""
        if not self.alive:
            raise Lost(self._words("closed the pipe unexpectedly"))
        number, message = self._talk.ask(method, params)
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(min(seconds, LONGEST)):
                await self._link.send(_encoded(message), number, answer)
                result: dict[str, Json] = await answer
                return result
        except TimeoutError:
            self._cancel(number)
            raise Silent(self._words(f"gave no answer to {method} within {seconds:.3g} s")) from None
        except asyncio.CancelledError:
            self._cancel(number)
            raise
        except RpcError as error:
            said = f"{self._link.label} error {compact(error.code)}: {error.message}"
            raise Refused(said, error.code) from None
        except NoResult:
            raise McpError(f"{self._link.label} response lacked `result`") from None
        finally:
            self._talk.give_up(number)
            del self._answers[number]
            if answer.done() and not answer.cancelled():
                answer.exception()

    async def pages(self, method: str, member: str, seconds: float) -> list[Json]:
        """Every entry of a list that the server gives in pages. `seconds`: for all of them."""
        found: list[Json] = []
        seen: set[str] = set()
        params: dict[str, Json] = {}
        until = monotonic() + min(seconds, LONGEST)
        for _ in range(_MOST_PAGES):
            result = await self.ask(method, params, max(until - monotonic(), 0.0))
            entries = result.get(member)
            found += entries if isinstance(entries, list) else []
            cursor = result.get("nextCursor")
            if not isinstance(cursor, str) or cursor in seen:
                return found
            seen.add(cursor)
            params = {"cursor": cursor}
        raise McpError(f"{self._link.label}: {method} has more than {_MOST_PAGES} pages")

    # What the link tells.

    def received(self, text: bytes | TooLong) -> None:
        """A message came in, or one that was too long to keep."""
        if not isinstance(text, bytes):
            self._too_long(text)
            return
        try:
            message = loads(text.decode())
        except (JsonError, UnicodeDecodeError):
            self._garbage(text)
            return
        for each in message if isinstance(message, list) else [message]:
            self._take(self._talk.take(each), text)

    def lost(self, why: str) -> None:
        """The link is gone: nothing that waits will be answered."""
        self.alive = False
        words = self._words(why)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Lost(words))

    def _take(self, taken: Taken, text: bytes) -> None:
        if taken.reply is not None:
            self._later(taken.reply)
        elif taken.answered is not None:
            answer = self._answers.get(taken.answered)
            if answer is not None and not answer.done():
                if taken.error is None:
                    answer.set_result(taken.result)
                else:
                    answer.set_exception(taken.error)
        elif taken.note is not None:
            if self.heard is not None:
                self.heard(taken.note, taken.params)
        elif taken.garbage:
            self._garbage(text)

    def _too_long(self, line: TooLong) -> None:
        """Fail the request that it answers; with only one in flight there is no doubt which that is."""
        waiting = [number for number, answer in self._answers.items() if not answer.done()]
        if line.number is None and len(waiting) == 1:
            blamed = waiting
        else:
            blamed = [each for each in waiting if each == line.number]
        for number in blamed:
            self._answers[number].set_exception(McpError(f"{self._link.label}: {TOO_LARGE}"))

    def _garbage(self, text: bytes) -> None:
        """A line that is no message: before the handshake a greeting, afterwards what waits cannot be trusted."""
        if not self.begun and self._talk.waiting != set():
            return
        start = shown(text[:200].decode("utf-8", "replace"))
        error = f"{self._link.label}: a line of its output is not JSON-RPC: {compact(start[:120])}"
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(McpError(error))

    # Sending what is not waited for.

    def _cancel(self, number: int) -> None:
        if self.alive and self.begun:
            self._later(protocol.cancelled(number, "its time is over"))

    def _later(self, message: Json) -> None:
        task = asyncio.get_running_loop().create_task(self._quietly(message))
        self._replies.add(task)
        task.add_done_callback(self._replies.discard)

    async def _quietly(self, message: Json) -> None:
        try:
            await self._tell(message, 10.0)
        except (McpError, TimeoutError):
            return  # whoever waits for an answer is told by its own request

    async def _tell(self, message: Json, seconds: float) -> None:
        try:
            async with asyncio.timeout(min(seconds, LONGEST)):
                await self._link.send(_encoded(message), None, None)
        except TimeoutError:
            raise McpError(self._words(f"took no message for {seconds:.3g} s")) from None

    def _words(self, why: str) -> str:
        tail = self._link.tail()
        return f"{self._link.label} {why}" + (f"; its last words: {compact(tail)}" if tail else "")

    async def settle(self) -> None:
        """Wait for nothing more; whatever is still being sent is given up."""
        for task in tuple(self._replies):
            task.cancel()
        await asyncio.gather(*self._replies, return_exceptions=True)


TOO_LARGE = "the answer is larger than 16 MiB"


def _encoded(message: Json) -> bytes:
    return compact(message).encode()
