"""`read_mcp_resource`: one resource of an MCP server (spec 01 §5.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from agentdc.diagnostics import Diagnostic
from agentdc.ir.ops import Call, Const, Expr, Later, Load
from agentdc.model.node import NodeModel
from agentdc.nodes import mcp_server
from agentdc.nodes.spec import Cost, Effect, Names, NodeSpec, PathField, TypeOf, handler
from agentdc.parse.positions import Places
from agentdc.types import STRING, UNKNOWN, Array, Type, record


class ReadMcpResource(NodeModel):
    """Read one resource."""

    type: Literal["read_mcp_resource"]
    resource_from: str = Field(description="context path of the URI, a string")
    server: str | None = Field(None, description="an [[mcp_servers]] name; absent = the only one")


def _output(node: ReadMcpResource, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return record({"contents": Array(UNKNOWN), "server": STRING, "uri": STRING})


def _effects(node: ReadMcpResource) -> Iterable[Effect]:
    return (Effect("mcp.resource", "resource_from", data=node.resource_from, server=node.server),)


def _costs(node: ReadMcpResource, limits: Mapping[str, int]) -> Iterable[Cost]:  # noqa: ARG001
    return (Cost("wall_secs", None, "how long a tool server may take is not written in the workflow"),)


def _check(node: ReadMcpResource, at: Places, index: int, names: Names) -> Iterable[Diagnostic]:
    return mcp_server.check(node.id, node.server, at, index, names)


def _lower(node: ReadMcpResource) -> Expr:
    uri = Load(node.resource_from, "error", "read_mcp_resource")
    fields = (("resource", Later(uri)), ("server", Const(node.server)))
    return Call(handler("read_mcp_resource"), fields, takes_run=True)


SPEC = NodeSpec(
    kind="read_mcp_resource",
    summary="read one resource of an MCP server",
    model=ReadMcpResource,
    output=_output,
    lower=_lower,
    paths=(PathField("resource_from", "string"),),
    effects=_effects,
    costs=_costs,
    errors=("policy", "mcp", "tool", "workflow", "capability"),
    check=_check,
    check_order=7,
    awaits=True,
    dry_run=True,
)
