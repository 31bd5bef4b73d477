"""`merge`: a plain pass-through; the walk is sequential, so there is nothing to join (spec 01 §5.20)."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from agentdc.ir.ops import Const, Expr
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import NodeSpec, TypeOf
from agentdc.types import NULL, Type


class Merge(NodeModel):
    """A point where routes meet; extra keys are ignored, as agentd does."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["merge"]


def _output(node: Merge, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return NULL


def _lower(node: Merge) -> Expr:  # noqa: ARG001 - the shape of the hook
    return Const(None)


SPEC = NodeSpec(
    kind="merge",
    summary="a point where routes meet",
    model=Merge,
    output=_output,
    lower=_lower,
    retryable=False,
)
