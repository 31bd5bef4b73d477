"""`condition`: two ways out by the truth of a value (spec 01 §5.18)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, Expr, Load
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import Alias, NodeSpec, PathField, TypeOf, handler
from agentdc.types import Type, record


class Condition(NodeModel):
    """Branch `true` or `false` by the truth of one value."""

    type: Literal["condition"]
    expr: str = Field(description="context path; unresolved counts as null, hence false")


def _output(node: Condition, type_of: TypeOf) -> Type:
    return record({"value": type_of.or_null(node.expr)})


def _lower(node: Condition) -> Expr:
    return Call(handler("condition"), (("value", Load(node.expr, "null", "condition")),))


SPEC = NodeSpec(
    kind="condition",
    summary="branch by the truth of one value",
    model=Condition,
    output=_output,
    lower=_lower,
    paths=(PathField("expr", missing="null"),),
    aliases=(Alias("expr", "value"),),
    decides="truth",
    labels=("true", "false"),
    always_labelled=True,
)
