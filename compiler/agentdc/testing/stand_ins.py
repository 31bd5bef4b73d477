"""How a test build lowers the kinds that talk to models, servers and people: to scripted stand-ins of the runtime.

Whether a stand-in answers from a script or gives the stub of spec 01 §10.1 is decided by the case at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agentdc.ir.ops import Call, Const, Expr, Later, Load, Template
from agentdc.nodes import template
from agentdc.nodes.llm_infer import LlmInfer

MODULE = "agentdc_runtime.testing.stand_ins"


def _agent_loop(node: Any) -> Expr:
    return Call(f"{MODULE}:stub", (("kind", Const(node.type)),))


def _llm_infer(node: LlmInfer) -> Expr:
    data = Const(None) if node.input_from is None else Load(node.input_from, "null", "llm_infer")
    arguments: tuple[tuple[str, Expr], ...] = (
        ("backend", Const(node.backend)),
        ("prompt", Later(Template(template.parse(node.prompt), data))),
        ("output_schema", Const(node.output_schema)),
        ("output_repairs", Const(node.output_repairs)),
    )
    return Call(f"{MODULE}:llm_infer", arguments, takes_run=True)


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


STAND_INS: Mapping[str, Callable[[Any], Expr]] = {
    "agent_loop": _agent_loop,
    "call_mcp_tool": _call_mcp_tool,
    "llm_infer": _llm_infer,
    "pause_for_approval": _pause,
    "read_mcp_resource": _read_mcp_resource,
}
"""Node kind to what its nodes become; none of them is awaited."""
