"""`terminate`: the run completes with no value (spec 01 §5.24)."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from agentdc.ir.ops import Const, Expr
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import NodeSpec, TypeOf
from agentdc.types import NULL, Type


class Terminate(NodeModel):
    """Complete the run with a null value; extra keys are ignored, as agentd does."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["terminate"]


def _output(node: Terminate, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return NULL


def _lower(node: Terminate) -> Expr:  # noqa: ARG001 - the shape of the hook
    return Const(None)


SPEC = NodeSpec(
    kind="terminate",
    summary="complete the run with no value",
    model=Terminate,
    output=_output,
    lower=_lower,
    end="terminate",
    retryable=False,
)
