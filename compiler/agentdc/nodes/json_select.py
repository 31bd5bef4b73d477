"""`json_select`: one value inside another (spec 01 §5.6)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, Expr, Load, Segments
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import Alias, NodeSpec, PathField, TypeOf, handler
from agentdc.nodes.template import inner_segments
from agentdc.types import FALSE, NULL, TRUE, Type, follow, record, union


class JsonSelect(NodeModel):
    """Select one value by an inner path; not found is not an error."""

    type: Literal["json_select"]
    input_from: str = Field(description="context path of the value to look into")
    path: str = Field(description="dotted path inside it; empty = the whole value")


def _output(node: JsonSelect, type_of: TypeOf) -> Type:
    segments = inner_segments(node.path)
    found = follow(type_of(node.input_from), segments)
    there = record({"found": TRUE, "value": found.type})
    if found.certain == len(segments):
        return there
    absent = record({"found": FALSE, "value": NULL})
    return union((there, absent)) if found.possible else absent


def _lower(node: JsonSelect) -> Expr:
    value = Load(node.input_from, "error", "json_select")
    return Call(handler("json_select"), (("value", value), ("path", Segments(inner_segments(node.path)))))


SPEC = NodeSpec(
    kind="json_select",
    summary="select one value by a dotted path",
    model=JsonSelect,
    output=_output,
    lower=_lower,
    paths=(PathField("input_from"),),
    aliases=(Alias("input_from", "value", inner="path", found="found"),),
    errors=("tool",),
)
