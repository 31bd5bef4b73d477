"""How a test build lowers the kinds that talk to models, servers and people: to scripted stand-ins of the runtime.

Whether a stand-in answers from a script or gives the stub of spec 01 §10.1 is decided by the case at run time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agentdc.ir.ops import Call, Const, Expr, Later, Load
from agentdc.lower.build import StandIn
from agentdc.nodes.registry import SPECS

MODULE = "agentdc_runtime.testing.stand_ins"


def _real(node: Any) -> Expr:
    """As in an app, with a stand-in before the handler."""
    lower = SPECS[node.type].lower
    assert lower is not None
    call = lower(node)
    assert isinstance(call, Call)
    return replace(call, function=f"{MODULE}:{node.type}")


def _call_mcp_tool(node: Any) -> Expr:
    given = Const(None) if node.args_from is None else Load(node.args_from, "null", "call_mcp_tool")
    arguments: tuple[tuple[str, Expr], ...] = (
        ("tool", Const(node.tool)),
        ("server", Const(node.server)),
        ("arguments", Later(given)),
    )
    return Call(f"{MODULE}:call_mcp_tool", arguments, takes_run=True)


def _read_mcp_resource(node: Any) -> Expr:
    uri = Later(Load(node.resource_from, "error", "read_mcp_resource"))
    return Call(f"{MODULE}:read_mcp_resource", (("uri", uri), ("server", Const(node.server))), takes_run=True)


def _pause(_node: Any) -> Expr:
    return Call(f"{MODULE}:pause", (), takes_run=True)


STAND_INS: Mapping[str, StandIn] = {
    "agent_loop": StandIn(_real, awaits=True),
    "call_mcp_tool": StandIn(_call_mcp_tool),
    "llm_infer": StandIn(_real, awaits=True),
    "pause_for_approval": StandIn(_pause),
    "read_mcp_resource": StandIn(_read_mcp_resource),
}
"""Node kind to what its nodes become."""
