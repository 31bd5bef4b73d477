"""`fail`: the run ends as failed (spec 01 §5.21)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Const, Expr
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import NodeSpec, TypeOf
from agentdc.types import NEVER, Type


class Fail(NodeModel):
    """End the run as failed."""

    type: Literal["fail"]
    reason: str = Field("workflow failed", description="literal text of the outcome")


def _output(node: Fail, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return NEVER


def _lower(node: Fail) -> Expr:
    return Const(node.reason)


SPEC = NodeSpec(
    kind="fail",
    summary="end the run as failed",
    model=Fail,
    output=_output,
    lower=_lower,
    end="fail",
    retryable=False,
)
