"""Which MCP server a node means (spec 01 §5.13, §9 check 7): shared by the two MCP kinds."""

from __future__ import annotations

from collections.abc import Iterable

from agentdc.diagnostics import Diagnostic
from agentdc.nodes import errors
from agentdc.nodes.spec import Names
from agentdc.parse.positions import Places


def check(node_id: str, server: str | None, at: Places, index: int, names: Names) -> Iterable[Diagnostic]:
    """A named server must be declared; without a name at most one may be declared."""
    declared = tuple(dict.fromkeys(names.mcp_servers))
    if server is not None:
        if server not in declared:
            yield errors.unknown_mcp_server(node_id, server, declared, at.value(("nodes", index, "server")))
    elif len(declared) > 1:
        yield errors.ambiguous_mcp_server(node_id, declared, at.value(("nodes", index)))
