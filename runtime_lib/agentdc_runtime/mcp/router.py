"""Which MCP server a call goes to, whether it may, and what its answer means (spec 03 §5). Links `mcp.server`.

One router per process, in `process.kept`; nodes and agent loops share it. Every call passes here, so here is where
allowlists are asked: by name alone, before anything is sent. A server that the workflow declares denies what its
lists do not cover; the one that `--mcp-stdio` gives is called `default` and has the lists of `[policy.mcp]`.

    mcp = shared(run.process)
    mcp.admit_tool(mcp.pick(run, None), "search")           # WorkflowError, PolicyError
    await mcp.call(run, None, "search", {"query": "rain"})
    # {"content": […], "is_error": False, "server": "docs", "structured": None, "tool": "search"}
"""

from __future__ import annotations

from time import monotonic

from agentdc_runtime.errors import CapabilityError, McpError, PolicyError, WorkflowError
from agentdc_runtime.host.console import FAILED, USAGE, Refusal
from agentdc_runtime.mcp.errors import Lost
from agentdc_runtime.observe.log import INFO, WARN
from agentdc_runtime.policy.match import covers, name_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.core.run import Run
    from agentdc_runtime.mcp.asked import Asked
    from agentdc_runtime.mcp.drift import Lock

    Json: TypeAlias = Any

KEPT = "mcp"
_LISTING = 60.0  # seconds for the tools of a server at the start


class Tool:
    """One tool that may be called, as its server describes it. `schema`: JSON Schema of its arguments, an object."""

    __slots__ = ("description", "idempotent", "name", "output_schema", "schema", "server")

    def __init__(self, server: str, described: dict[str, Json]) -> None:
        hints = described.get("annotations")
        schema, output = described.get("inputSchema"), described.get("outputSchema")
        self.server = server
        self.name = str(described["name"])
        self.description = str(described.get("description") or described.get("title") or "")
        self.schema: dict[str, Json] = schema if isinstance(schema, dict) else {"type": "object"}
        self.output_schema: dict[str, Json] | None = output if isinstance(output, dict) else None
        self.idempotent = isinstance(hints, dict) and hints.get("idempotentHint") is True


class Entry:
    """A server with what may be asked of it; None allows everything.

    `lock`: what its tools were when the workflow was checked; `strict`: a server with others is refused. `drifted`:
    by tool, how it differs. `replays`: a call that is lost is sent once more if the tool is idempotent.
    """

    __slots__ = ("_resources", "_tools", "drifted", "lock", "replays", "seen", "server", "strict")

    def __init__(
        self,
        server: Asked,
        tools: Iterable[str] | None = None,
        resources: Iterable[str] | None = None,
        *,
        lock: Lock | None = None,
        strict: bool = True,
        replays: bool = False,
    ) -> None:
        self.server = server
        self.lock = lock
        self.strict = strict
        self.replays = replays
        self.seen = 0
        self.drifted: dict[str, str] = {}
        self._tools = None if tools is None else name_rules(_plain(tools))
        self._resources = None if resources is None else name_rules(_plain(resources))

    def allows_tool(self, tool: str) -> bool:
        """Whether the server's list covers the tool."""
        return self._tools is None or covers(self._tools, tool)

    def allows_resource(self, uri: str) -> bool:
        """Whether the server's list covers the resource."""
        return self._resources is None or covers(self._resources, uri)


class Router:
    """The servers of a process, in the order of their declaration.

    `idle`: a dry run, which starts none of them. `checks`: by server and tool, what is wrong with an answer.
    """

    __slots__ = ("_entries", "_process", "checks", "idle")

    def __init__(self, process: Process, entries: Sequence[Entry]) -> None:
        self._process = process
        self.idle = False
        self.checks: Mapping[tuple[str, str], Callable[[Json], str | None]] = {}
        self._entries = {entry.server.name: entry for entry in entries}

    @property
    def servers(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._entries)

    def server(self, name: str) -> Asked:
        """A server by its name, for what is not a call; KeyError."""
        return self._entries[name].server

    def pick(self, run: Run, server: str | None) -> str:
        """The server that is meant: the one named, else the only one; WorkflowError, CapabilityError."""
        if not self._entries:
            raise CapabilityError("no MCP server: declare one in [[mcp_servers]], or pass --mcp-stdio")
        names = ", ".join(f"`{name}`" for name in sorted(self._entries))
        if server is None:
            if len(self._entries) > 1:
                raise WorkflowError(run.workflow, f"several MCP servers, and no `server` says which: {names}")
            return next(iter(self._entries))
        if server not in self._entries:
            raise WorkflowError(run.workflow, f"unknown MCP server `{server}`; there are {names}")
        return server

    def admit_tool(self, server: str, tool: str) -> None:
        """Returns when the tool may be called; PolicyError. `server`: as `pick` gave it."""
        if not self._entries[server].allows_tool(tool):
            raise PolicyError(f"mcp tool `{tool}` denied by allowlist on server `{server}`")

    def admit_resource(self, server: str, uri: str) -> None:
        """Returns when the resource may be read; PolicyError. `server`: as `pick` gave it."""
        if not self._entries[server].allows_resource(uri):
            raise PolicyError(f"mcp resource `{uri}` denied by allowlist on server `{server}`")

    async def call(self, run: Run, server: str | None, tool: str, arguments: Json) -> dict[str, Json]:
        """`{"content", "is_error", "server", "structured", "tool"}`; no arguments (None) are sent as `{}`.

        At most until the run's deadline, and the server's own limit for one call. McpError when there is no answer;
        otherwise as `pick` and `admit_tool`. An error that the tool itself reports is a result.
        """
        name = self.pick(run, server)
        self.admit_tool(name, tool)
        await self._hold_to_lock(name, tool, run.deadline)
        params = {"name": tool, "arguments": {} if arguments is None else arguments}
        try:
            result = await self._ask(run, name, "tools/call", params, {"tool": tool})
        except Lost:
            if not await self._repeatable(name, tool, run.deadline):
                raise
            result = await self._ask(run, name, "tools/call", params, {"tool": tool, "replayed": True})
        content, structured = result.get("content"), result.get("structuredContent")
        check = self.checks.get((name, tool))
        wrong = None if check is None or result.get("isError") is True else check(structured)
        if wrong is not None:
            reason = "its answer is not what agentdc.lock says that it gives"
            raise McpError(f"the tool `{tool}` on server `{name}`: {reason}: {wrong}")
        return {
            "content": content if isinstance(content, list) else [],
            "is_error": result.get("isError") is True,
            "server": name,
            "structured": structured,
            "tool": tool,
        }

    async def read(self, run: Run, server: str | None, uri: str) -> dict[str, Json]:
        """`{"contents", "server", "uri"}`; errors as of `call`."""
        name = self.pick(run, server)
        self.admit_resource(name, uri)
        result = await self._ask(run, name, "resources/read", {"uri": uri}, {"uri": uri})
        contents = result.get("contents")
        return {"contents": contents if isinstance(contents, list) else [], "server": name, "uri": uri}

    async def tools(self, run: Run) -> list[Tool]:
        """The catalogue: every tool of every server that its list covers, by server, then as the server lists them.

        A server is asked again after it said that its tools changed, and never knows what was shown of it. McpError
        when one cannot be asked.
        """
        found = []
        for name, entry in self._entries.items():
            await self._compare(entry, run.deadline)
            for described in await entry.server.tools(run.deadline):
                tool = Tool(name, described)
                if entry.allows_tool(tool.name) and not (entry.strict and tool.name in entry.drifted):
                    found.append(tool)
        return found

    async def aopen(self) -> None:
        """Start all servers; Refusal about the first that does not start, or is not the one that was locked."""
        for name, entry in self._entries.items() if not self.idle else ():
            await entry.server.start()
            try:
                await self._compare(entry, monotonic() + _LISTING)
            except McpError as error:
                raise Refusal(f"failed to start MCP server `{name}`: {error.reason}", USAGE) from None
            if entry.drifted and entry.strict:
                words = ", ".join(f"`{tool}` ({what})" for tool, what in entry.drifted.items())
                message = f"the tools of the MCP server `{name}` are not those in agentdc.lock: {words}"
                raise Refusal(f"{message}; see `agentdc mcp diff`", FAILED)

    async def aclose(self) -> None:
        """End them, the last one first."""
        for entry in reversed(self._entries.values()):
            await entry.server.stop()

    async def _repeatable(self, name: str, tool: str, deadline: float) -> bool:
        """Whether a call that was lost with its server may be sent once more: `replay`, and the tool's own word."""
        entry = self._entries[name]
        if not entry.replays:
            return False
        described = [Tool(name, each) for each in await entry.server.tools(deadline)]
        return any(each.name == tool and each.idempotent for each in described)

    async def _hold_to_lock(self, name: str, tool: str, deadline: float) -> None:
        """PolicyError when the tool is not the one that was locked; a server that says that they changed is asked."""
        entry = self._entries[name]
        await self._compare(entry, deadline)
        if entry.strict and tool in entry.drifted:
            what = entry.drifted[tool]
            raise PolicyError(f"mcp tool `{tool}` on server `{name}` is not the one in agentdc.lock: {what}")

    async def _compare(self, entry: Entry, deadline: float) -> None:
        if entry.lock is None or entry.seen == entry.server.changes:
            return  # the latter too for one that has never answered yet (`lenient_start`)
        listed = await entry.server.tools(deadline)
        entry.seen = entry.server.changes
        changes = entry.lock.changes(listed, entry.allows_tool)
        entry.drifted = {change.tool: change.what for change in changes if change.serious}
        for change in changes:
            fields = {"server": entry.server.name, "tool": change.tool, "change": change.what}
            self._process.emit(WARN, "mcp.drift", fields)

    async def _ask(
        self, run: Run, server: str, method: str, params: Json, told: dict[str, Json]
    ) -> dict[str, Json]:
        """One request, told to the audit log whichever way it ends."""
        begun, error = monotonic(), ""
        try:
            return await self._entries[server].server.ask(method, params, run.deadline)
        except McpError as failure:
            error = failure.reason
            raise
        finally:
            if run.journal is not None:
                fields = {"server": server, **told, "latency_ms": int((monotonic() - begun) * 1000)}
                event = "mcp.call" if method == "tools/call" else "mcp.read"
                run.journal.event(INFO, event, {**fields, "error": error} if error else fields)


def shared(process: Process) -> Router:
    """The router of the process; CapabilityError when the app was built without MCP."""
    router: Router | None = process.kept.get(KEPT)
    if router is None:
        raise CapabilityError("this app was built without MCP")
    return router


def _plain(patterns: Iterable[str]) -> list[str]:
    """A `**` at the end means the same as `*` (spec 03 §5.5)."""
    return [f"{pattern[:-2]}*" if pattern.endswith("**") else pattern for pattern in patterns]
