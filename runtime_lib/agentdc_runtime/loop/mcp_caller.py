"""The tool `call_mcp_tool`. Links `mcp.router`.

What a server says of its tools is shown to the model, shortened, and decides nothing: every call passes the server's
allowlist.
"""

from __future__ import annotations

from agentdc_runtime.errors import McpError, ToolError
from agentdc_runtime.jsontext import compact
from agentdc_runtime.loop.tool import Tool, described, text
from agentdc_runtime.mcp.router import shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.loop.tool import Json

_SHOWN = ("content", "is_error", "structured", "tool")
_MOST_TOOLS = 200
_MOST_WORDS = 300  # characters of a description
_MOST_SCHEMA = 2000


async def _call(run: Run, args: Mapping[str, Json]) -> Json:
    tool, server, given = text("call_mcp_tool", args, "tool"), args.get("server"), args.get("args")
    if server is not None and not isinstance(server, str):
        raise ToolError("call_mcp_tool", "the argument `server` must be a string")
    if given is not None and not isinstance(given, dict):
        raise ToolError("call_mcp_tool", "the argument `args` must be an object")
    output = await shared(run.process).call(run, server, tool, given or {})
    return {name: output[name] for name in _SHOWN}


async def _listing(run: Run) -> str:
    """The tools that may be called, one line each; nothing when the servers cannot be asked."""
    try:
        tools = await shared(run.process).tools(run)
    except McpError:
        return ""
    lines = []
    for each in tools[:_MOST_TOOLS]:
        schema = compact(each.schema)
        shown = schema if len(schema) <= _MOST_SCHEMA else '{"type":"object"}'
        words = " ".join(each.description.split())[:_MOST_WORDS]
        lines.append(f"- server {compact(each.server)}, tool {compact(each.name)}, args {shown}: {words}")
    return "\n".join(["Tools of MCP servers, for call_mcp_tool:", *lines]) if lines else ""


TOOL = Tool(
    "call_mcp_tool",
    "Call a tool of an MCP server.",
    '{"tool": string, "args"?: object, "server"?: string}',
    described(
        {"tool": "name of the tool"},
        {"args": {"type": "object"}, "server": {"type": "string", "description": "when there are several"}},
    ),
    _call,
    _listing,
)
