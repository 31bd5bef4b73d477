"""Changes of resources of an MCP server (`mcp.resource.updated`, `mcp.resource.created`). Links `mcp.router`.

What is told on the connection is read before a run begins, so a run sees the resource as it is then. The runs of one
trigger are serial; what changes meanwhile is not lost: one that changed twice is read once. A new session of the
server is asked again, and what changed while there was none counts as changed, as far as a list can tell.
"""

from __future__ import annotations

import asyncio
import time
from time import monotonic

from agentdc_runtime.errors import AgentError, ConfigError, InternalError
from agentdc_runtime.mcp.router import shared
from agentdc_runtime.observe.log import ERROR, INFO, WARN
from agentdc_runtime.policy.match import name_matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.mcp.asked import Asked
    from agentdc_runtime.mcp.router import Router
    from agentdc_runtime.triggers.loop import Emit, Fire

PATIENCE = 30.0  # seconds for one question to the server
_UPDATED, _LISTED = "notifications/resources/updated", "notifications/resources/list_changed"


class _Resources:
    """What both kinds share. `resource`: a URI; for new ones a pattern, with a star at the end."""

    kind = ""

    __slots__ = ("_changed", "_router", "_waiting", "_watching", "resource", "server", "start_node")

    def __init__(self, *, start_node: str, server: str, resource: str) -> None:
        self.start_node = start_node
        self.server = server
        self.resource = resource
        self._router: Router = None  # type: ignore[assignment]  # set by `attach`
        self._changed = asyncio.Event()
        self._watching = False
        self._waiting: dict[str, None] = {}  # in the order in which they changed

    def attach(self, process: Process) -> None:
        """Learn of the servers, before they are started."""
        self._router = shared(process)
        if self.server in self._router.servers:
            self._asked.heard.append(self._heard)
            self._asked.risen.append(self._changed.set)

    def prepare(self) -> None:
        """Nothing can be wrong that `check` does not tell; at run time it is an event."""

    @property
    def _asked(self) -> Asked:
        return self._router.server(self.server)

    def _heard(self, method: str, params: Any) -> None:
        """A notification of the server."""
        raise NotImplementedError

    async def _look(self) -> None:
        """Ask the server what has to be asked again; McpError."""
        raise NotImplementedError

    async def follow(self, fire: Fire, emit: Emit, ending: asyncio.Event) -> None:
        """Fire until `ending`; a run in progress then still finishes."""
        if self.server not in self._router.servers:
            reason = f"there is no MCP server `{self.server}`"
            emit(ERROR, "mcp_trigger.error", {"server": self.server, "reason": reason})
            return
        self._changed.set()
        over = asyncio.get_running_loop().create_task(ending.wait())
        tick = 0
        try:
            while not ending.is_set():
                told = asyncio.get_running_loop().create_task(self._changed.wait())
                await asyncio.wait([told, over], return_when=asyncio.FIRST_COMPLETED)
                told.cancel()
                self._changed.clear()
                if not ending.is_set():
                    await self._look_and_tell(emit)
                while self._waiting and not ending.is_set():
                    tick += 1
                    await self._run(fire, emit, tick)
        finally:
            over.cancel()

    async def _look_and_tell(self, emit: Emit) -> None:
        try:
            await self._look()
        except AgentError as error:
            emit(WARN, "mcp_trigger.error", {"server": self.server, "reason": error.display})
            return
        if not self._watching:
            self._watching = True
            told = {"kind": self.kind, "server": self.server, "resource": self.resource}
            emit(INFO, "mcp_trigger.watching", told)

    async def _run(self, fire: Fire, emit: Emit, tick: int) -> None:
        uri = next(iter(self._waiting))
        del self._waiting[uri]
        start = self.start_node
        told = {"kind": self.kind, "server": self.server, "resource": uri, "tick": tick}
        emit(INFO, "mcp_trigger.fire", {**told, "start_node": start})
        began = monotonic()
        try:
            self._router.admit_resource(self.server, uri)
            read = await self._asked.ask("resources/read", {"uri": uri}, began + PATIENCE)
            contents = read.get("contents")
            payload = {
                "kind": self.kind,
                "server": self.server,
                "resource": uri,
                "contents": contents if isinstance(contents, list) else [],
                "fired_at_unix_ms": int(time.time() * 1000),
                "tick": tick,
            }
            status = await fire(start, payload)
        except Exception as error:  # noqa: BLE001 - whatever it is, the watching goes on
            reason = (error if isinstance(error, AgentError) else InternalError(error)).display
            emit(ERROR, "mcp_trigger.error", {**told, "reason": reason})
            return
        elapsed = int((monotonic() - began) * 1000)
        emit(INFO, "mcp_trigger.completed", {**told, "status": status, "elapsed_ms": elapsed})

    def _offers(self, what: str) -> bool:
        offered = self._asked.capabilities.get("resources")
        return isinstance(offered, dict) and bool(offered.get(what))


class UpdatedTrigger(_Resources):
    """A resource that the server is asked to watch."""

    kind = "mcp.resource.updated"

    __slots__ = ("_session",)

    def __init__(self, *, start_node: str, server: str, resource: str) -> None:
        super().__init__(start_node=start_node, server=server, resource=resource)
        self._session = 0

    def _heard(self, method: str, params: Any) -> None:
        if method == _UPDATED and isinstance(params, dict) and params.get("uri") == self.resource:
            self._waiting[self.resource] = None
            self._changed.set()

    async def _look(self) -> None:
        """Subscribe, once for each session."""
        if self._asked.sessions == self._session:
            return
        if not self._offers("subscribe"):
            self._session = self._asked.sessions
            raise ConfigError(f"the MCP server `{self.server}` lets nobody subscribe to resources")
        session = self._asked.sessions
        await self._asked.ask("resources/subscribe", {"uri": self.resource}, monotonic() + PATIENCE)
        if self._session:
            self._waiting[self.resource] = None  # it may have changed while nobody was told
        self._session = session


class CreatedTrigger(_Resources):
    """Resources that the server did not list before."""

    kind = "mcp.resource.created"

    __slots__ = ("_known",)

    def __init__(self, *, start_node: str, server: str, resource: str) -> None:
        super().__init__(start_node=start_node, server=server, resource=resource)
        self._known: set[str] | None = None

    def _heard(self, method: str, params: Any) -> None:  # noqa: ARG002 - the shape of the hook
        if method == _LISTED:
            self._changed.set()

    async def _look(self) -> None:
        """List them; those that are there at the first look are not new."""
        listed = await self._asked.entries("resources/list", "resources", monotonic() + PATIENCE)
        uris = [each["uri"] for each in listed if isinstance(each.get("uri"), str)]
        found = [uri for uri in uris if name_matches(self.resource, uri)]
        if self._known is not None:
            self._waiting |= dict.fromkeys(uri for uri in found if uri not in self._known)
        self._known = set(found)
