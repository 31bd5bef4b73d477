"""`call_mcp_tool`: one tool of an MCP server (spec 01 §5.13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from agentdc.diagnostics import Diagnostic
from agentdc.ir.ops import Call, Const, Expr, Later, Load
from agentdc.model.node import NodeModel
from agentdc.nodes import mcp_server
from agentdc.nodes.spec import Cost, Effect, Names, NodeSpec, PathField, TypeOf, either, handler
from agentdc.parse.positions import Places
from agentdc.types import FALSE, STRING, TRUE, UNKNOWN, Array, Type, record
from agentdc.types import Literal as Exactly


class CallMcpTool(NodeModel):
    """Call one tool; a result marked as an error takes the branch `error`."""

    type: Literal["call_mcp_tool"]
    tool: str = Field(description="name of the tool")
    args_from: str | None = Field(None, description="context path of the arguments")
    server: str | None = Field(None, description="an [[mcp_servers]] name; absent = the only one")


def _outcomes(node: CallMcpTool, type_of: TypeOf) -> Mapping[str | None, Type]:
    server = STRING if node.server is None else Exactly("string", node.server)
    told: dict[str, Type] = {
        "content": Array(UNKNOWN),
        "server": server,
        "tool": Exactly("string", node.tool),
    }
    answer = type_of.tool(node.server, node.tool)
    return {
        None: record({"is_error": FALSE, "structured": answer, **told}),
        "error": record({"is_error": TRUE, "structured": UNKNOWN, **told}),
    }


def _effects(node: CallMcpTool) -> Iterable[Effect]:
    sends = () if node.args_from is None else (node.args_from,)
    return (Effect("mcp.tool", "tool", constant=node.tool, server=node.server, sends=sends),)


def _costs(node: CallMcpTool, limits: Mapping[str, int]) -> Iterable[Cost]:  # noqa: ARG001
    return (Cost("wall_secs", None, "how long a tool server may take is not written in the workflow"),)


def _check(node: CallMcpTool, at: Places, index: int, names: Names) -> Iterable[Diagnostic]:
    return mcp_server.check(node.id, node.server, at, index, names)


def _lower(node: CallMcpTool) -> Expr:
    given = Const(None) if node.args_from is None else Load(node.args_from, "null", "call_mcp_tool")
    fields = (("tool", Const(node.tool)), ("arguments", Later(given)), ("server", Const(node.server)))
    return Call(handler("call_mcp_tool"), fields, takes_run=True)


SPEC = NodeSpec(
    kind="call_mcp_tool",
    summary="call one tool of an MCP server",
    model=CallMcpTool,
    output=either(_outcomes),
    outcomes=_outcomes,
    lower=_lower,
    paths=(PathField("args_from", missing="null"),),
    labels=("error",),
    effects=_effects,
    costs=_costs,
    errors=("policy", "mcp", "workflow", "capability"),
    check=_check,
    check_order=7,
    awaits=True,
    dry_run=True,
)
