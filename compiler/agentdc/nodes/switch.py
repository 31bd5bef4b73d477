"""`switch`: as many ways out as values (spec 01 §5.19)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, Expr, Load
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import Alias, NodeSpec, PathField, TypeOf, handler
from agentdc.types import Type, record


class Switch(NodeModel):
    """Branch by one value; a label without an edge ends the run."""

    type: Literal["switch"]
    expr: str = Field(description="context path; unresolved gives the label null")


def _output(node: Switch, type_of: TypeOf) -> Type:
    return record({"value": type_of.or_null(node.expr)})


def _lower(node: Switch) -> Expr:
    return Call(handler("switch"), (("value", Load(node.expr, "null", "switch")),))


SPEC = NodeSpec(
    kind="switch",
    summary="branch by one value",
    model=Switch,
    output=_output,
    lower=_lower,
    paths=(PathField("expr", missing="null"),),
    aliases=(Alias("expr", "value"),),
    decides="label",
    labels=None,
    always_labelled=True,
)
