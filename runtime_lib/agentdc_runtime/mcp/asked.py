"""What every server can be asked, whatever carries it: requests in their time, lists, changes. Links asyncio.

Knows nothing of how a session comes to be; that is what the two kinds of servers differ in.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from agentdc_runtime.mcp.errors import Refused, Silent
from agentdc_runtime.mcp.protocol import METHOD_NOT_FOUND
from agentdc_runtime.mcp.session import LONGEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any, TypeAlias

    from agentdc_runtime.mcp.session import Session

    Json: TypeAlias = Any


class Asked:
    """A declared server. `heard`: told each notification, its method and parameters; `risen`: told of each session.

    `declared`: its entry in the operands. `changes`: how often its tools may have become others.
    `sessions`: how many there have been.
    """

    def __init__(self, declared: Mapping[str, Any]) -> None:
        self.name: str = declared["name"]
        self.heard: list[Callable[[str, Json], None]] = []
        self.risen: list[Callable[[], None]] = []
        self._most = float(declared.get("timeout_secs") or LONGEST)
        self._session: Session | None = None
        self._tools: list[dict[str, Json]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.changes = 0
        self.sessions = 0

    @property
    def capabilities(self) -> dict[str, Json]:
        """What it offered in the handshake; empty while it is down."""
        return {} if self._session is None else self._session.capabilities

    @property
    def protocol(self) -> str:
        """The revision of the protocol that is spoken; empty while it is down."""
        return "" if self._session is None else self._session.version

    @property
    def info(self) -> dict[str, Json]:
        """How it calls itself; empty while it is down."""
        return {} if self._session is None else self._session.info

    async def start(self) -> None:
        """Make it answer; Refusal when it does not."""
        raise NotImplementedError

    async def stop(self) -> None:
        """End it; safe to call twice."""
        raise NotImplementedError

    async def ask(self, method: str, params: Json, deadline: float) -> dict[str, Json]:
        """The result of one request; McpError. `deadline`: on the monotonic clock, in seconds."""
        session = await self._up(deadline)
        try:
            return await session.ask(method, params, self._left(deadline))
        except Silent:
            self._go(self._look_after(session))
            raise

    async def tools(self, deadline: float) -> list[dict[str, Json]]:
        """Its tools as it describes them, remembered until it says that they changed; McpError."""
        while self._tools is None:
            before = self.changes
            listed = await self.entries("tools/list", "tools", deadline)
            if before == self.changes:  # else what was read may be out of date already
                self._tools = [each for each in listed if isinstance(each.get("name"), str)]
        return self._tools

    async def entries(self, method: str, member: str, deadline: float) -> list[dict[str, Json]]:
        """All pages of a list; nothing when the server does not offer such things. McpError."""
        session = await self._up(deadline)
        if method.partition("/")[0] not in session.capabilities:
            return []
        try:
            listed = await session.pages(method, member, self._left(deadline))
        except Refused as refused:
            if refused.code == METHOD_NOT_FOUND:
                return []  # it offers a part of what its capability covers
            raise
        return [each for each in listed if isinstance(each, dict)]

    async def _up(self, deadline: float) -> Session:
        """The session, as soon as there is one; McpError when that takes too long or never happens."""
        raise NotImplementedError

    async def _look_after(self, session: Session) -> None:
        """What to do about a session that left a request without an answer."""

    def _left(self, deadline: float) -> float:
        return max(min(deadline - monotonic(), self._most), 0.0)

    def _up_again(self) -> None:
        """There is a new session: what was known of the server may have changed."""
        self._forget_tools()
        self.sessions += 1
        for told in self.risen:
            told()

    def _note(self, method: str, params: Json) -> None:
        if method == "notifications/tools/list_changed":
            self._forget_tools()
        for told in self.heard:
            told(method, params)

    def _forget_tools(self) -> None:
        self._tools = None
        self.changes += 1

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_tasks(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
