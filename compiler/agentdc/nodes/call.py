"""`call`: another workflow as one node (spec 01 §5.15)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, ChildProgram, Const, Expr, Load, TriggerInput
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import ChildUse, Effect, NodeSpec, PathField, TypeOf, either, handler
from agentdc.types import STRING, Never, Type, record


class CallWorkflow(NodeModel):
    """Run a child workflow; a failed child takes the branch `error`."""

    type: Literal["call"]
    workflow: str = Field(description="file name of the child workflow")
    input_from: str | None = Field(
        None, description="context path of the child's input; absent = the trigger's"
    )
    start: str | None = Field(None, description="start node of the child; absent = its first")


def _outcomes(node: CallWorkflow, type_of: TypeOf) -> Mapping[str | None, Type]:
    result = type_of.child(node.workflow, node.start)
    failed: dict[str | None, Type] = {"error": record({"error": STRING})}
    return failed if isinstance(result, Never) else {None: record({"result": result}), **failed}


def _effects(node: CallWorkflow) -> Iterable[Effect]:
    return (Effect("child", "workflow", constant=node.workflow),)


def _children(node: CallWorkflow) -> Iterable[ChildUse]:
    return (ChildUse(node.workflow, node.start, ("workflow",), given=node.input_from),)


def _lower(node: CallWorkflow) -> Expr:
    value = TriggerInput() if node.input_from is None else Load(node.input_from, "null", "call")
    child = ChildProgram(node.workflow)
    return Call(
        handler("call"), (("program", child), ("start", Const(node.start)), ("value", value)), takes_run=True
    )


SPEC = NodeSpec(
    kind="call",
    summary="run a child workflow",
    model=CallWorkflow,
    output=either(_outcomes),
    outcomes=_outcomes,
    lower=_lower,
    children=_children,
    paths=(PathField("input_from", missing="null"),),
    labels=("error",),
    effects=_effects,
    errors=("workflow",),
    retryable=False,
)
