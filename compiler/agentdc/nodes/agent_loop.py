"""`agent_loop`: a model with tools, a bounded number of turns (spec 01 §11.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from agentdc.diagnostics import Diagnostic
from agentdc.ir.ops import Call, Const, Expr, Items, Later, Load, Named
from agentdc.model.base import EXTENSION, U32, Count, Many
from agentdc.model.node import NodeModel
from agentdc.nodes import errors
from agentdc.nodes.spec import (
    ANSWER_TOKENS,
    Cost,
    Effect,
    Family,
    Measure,
    Names,
    NodeSpec,
    PathField,
    TypeOf,
    either,
    handler,
)
from agentdc.parse.positions import Places
from agentdc.types import INTEGER, NULL, STRING, UNKNOWN, Array, Type, record

TOOLS: dict[str, Family] = {
    "call_mcp_tool": "mcp.tool",
    "http_request": "http",
    "read_env": "env.read",
    "read_file": "fs.read",
    "shell_run": "shell",
    "write_file": "fs.write",
}


class AgentLoop(NodeModel):
    """Let a model act with tools until it answers; running out takes the branch `exhausted`."""

    type: Literal["agent_loop"]
    backend: str = Field(description='name of an [[intelligence.backends]] entry, or "default"')
    instructions: str | None = Field(None, description="the task, literal")
    instructions_from: str | None = Field(None, description="context path of the task")
    tools: Many[str] = Field((), description="names from the tool catalog")
    max_steps: U32 = Field(description="turns, 1…64")
    max_tokens: U32 | None = Field(None, description="tokens of this loop, cumulative")
    answer_tokens: Count | None = Field(
        None, description="limit of one answer; absent = the backend's", json_schema_extra=EXTENSION
    )
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(
        None, description="absent = the backend's", json_schema_extra=EXTENSION
    )


def _outcomes(node: AgentLoop, type_of: TypeOf) -> Mapping[str | None, Type]:  # noqa: ARG001
    steps: dict[str, Type] = {"steps": INTEGER, "transcript": Array(UNKNOWN)}
    return {
        None: record({"result": UNKNOWN, "tokens": INTEGER, **steps}),
        "exhausted": record({"result": NULL, "reason": STRING, **steps}),
    }


def _effects(node: AgentLoop) -> Iterable[Effect]:
    given = node.instructions_from if node.instructions is None else None
    yield Effect("model", "backend", constant=node.backend, sends=() if given is None else (given,))
    for tool in node.tools:
        if tool in TOOLS:
            yield Effect(TOOLS[tool], "tools")


_SPENT: dict[str, Measure] = {
    "http_request": "http_requests",
    "shell_run": "shell_runs",
    "write_file": "files_written",
}


def _costs(node: AgentLoop, limits: Mapping[str, int]) -> Iterable[Cost]:
    """One call of the model a turn, and at most one call of a tool."""
    yield Cost("model_calls", node.max_steps)
    yield Cost("tokens", node.max_steps * (node.answer_tokens or limits.get(node.backend, ANSWER_TOKENS)))
    for tool, measure in _SPENT.items():
        if tool in node.tools:
            yield Cost(measure, node.max_steps)
    if "write_file" in node.tools:
        yield Cost("bytes_written", None, "the model decides how much it writes")
    yield Cost("wall_secs", None, "how long a model may take is set by --timeout-secs at start")


def _check(node: AgentLoop, at: Places, index: int, names: Names) -> Iterable[Diagnostic]:  # noqa: ARG001
    if not 1 <= node.max_steps <= 64:
        yield errors.agent_loop_steps(node.id, node.max_steps, at.value(("nodes", index, "max_steps")))
    if node.instructions is None and node.instructions_from is None:
        yield errors.agent_loop_instructions(node.id, at.value(("nodes", index)))
    if not node.tools:
        yield errors.agent_loop_tools(node.id, at.value(("nodes", index, "tools")))
    for position, tool in enumerate(node.tools):
        if tool not in TOOLS:
            where = at.value(("nodes", index, "tools", position))
            yield errors.agent_loop_tool(node.id, tool, TOOLS, where)


_LINKED = {
    "call_mcp_tool": "mcp_caller",
    "http_request": "http_caller",
    "read_env": "env_reader",
    "read_file": "file_reader",
    "shell_run": "shell_caller",
    "write_file": "file_writer",
}


def _lower(node: AgentLoop) -> Expr:
    task: Expr = Const(node.instructions)
    if node.instructions is None:
        task = Load(str(node.instructions_from), "error", "agent_loop")
    tools = tuple(Named(f"agentdc_runtime.loop.{_LINKED[each]}:TOOL") for each in dict.fromkeys(node.tools))
    arguments: list[tuple[str, Expr]] = [
        ("backend", Const(node.backend)),
        ("task", Later(task)),
        ("tools", Items(tools)),
        ("max_steps", Const(node.max_steps)),
    ]
    limits = ("max_tokens", "answer_tokens", "temperature")
    arguments += [(name, Const(getattr(node, name))) for name in limits if getattr(node, name) is not None]
    return Call(handler("agent_loop"), tuple(arguments), takes_run=True)


SPEC = NodeSpec(
    kind="agent_loop",
    summary="a model with tools, for a bounded number of turns",
    model=AgentLoop,
    output=either(_outcomes),
    lower=_lower,
    outcomes=_outcomes,
    paths=(PathField("instructions_from", unless="instructions"),),
    labels=("exhausted",),
    effects=_effects,
    costs=_costs,
    errors=("intelligence", "tool", "timeout", "capability"),
    check=_check,
    check_order=8,
    awaits=True,
    dry_run=True,
)
