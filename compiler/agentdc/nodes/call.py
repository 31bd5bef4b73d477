"""`call`: another workflow as one node (spec 01 §5.15). Parsed, checked and typed; not built yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from agentdc.model.node import NodeModel
from agentdc.nodes.spec import Effect, NodeSpec, PathField, TypeOf
from agentdc.types import STRING, UNKNOWN, Type, record, union


class CallWorkflow(NodeModel):
    """Run a child workflow; a failed child takes the branch `error`."""

    type: Literal["call"]
    workflow: str = Field(description="file name of the child workflow")
    input_from: str | None = Field(
        None, description="context path of the child's input; absent = the trigger's"
    )
    start: str | None = Field(None, description="start node of the child; absent = its first")


def _output(node: CallWorkflow, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return union((record({"result": UNKNOWN}), record({"error": STRING})))


def _effects(node: CallWorkflow) -> Iterable[Effect]:
    return (Effect("child", constant=node.workflow),)


SPEC = NodeSpec(
    kind="call",
    summary="run a child workflow",
    model=CallWorkflow,
    output=_output,
    paths=(PathField("input_from", missing="null"),),
    labels=("error",),
    effects=_effects,
    errors=("workflow",),
    retryable=False,
)
