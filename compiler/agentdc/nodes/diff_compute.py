"""`diff_compute`: what differs between two values (spec 01 §5.7)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, Expr, Load
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import NodeSpec, PathField, TypeOf, handler
from agentdc.types import BOOLEAN, UNKNOWN, Object, Type, record


class DiffCompute(NodeModel):
    """Compare two JSON values: added, removed and changed paths."""

    type: Literal["diff_compute"]
    left_from: str = Field(description="context path of the old value")
    right_from: str = Field(description="context path of the new value")


def _output(node: DiffCompute, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    side = Object(rest=UNKNOWN)
    changed = Object(rest=record({"from": UNKNOWN, "to": UNKNOWN}))
    return record({"added": side, "removed": side, "changed": changed, "unchanged": BOOLEAN})


def _lower(node: DiffCompute) -> Expr:
    left = Load(node.left_from, "error", "diff_compute")
    right = Load(node.right_from, "error", "diff_compute")
    return Call(handler("diff_compute"), (("left", left), ("right", right)))


SPEC = NodeSpec(
    kind="diff_compute",
    summary="compare two JSON values",
    model=DiffCompute,
    output=_output,
    lower=_lower,
    paths=(PathField("left_from"), PathField("right_from")),
    errors=("tool",),
)
