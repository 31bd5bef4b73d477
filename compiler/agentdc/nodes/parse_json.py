"""`parse_json`: text to a JSON value (spec 01 §5.4)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, Expr, Load
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import NodeSpec, PathField, TypeOf, handler
from agentdc.types import UNKNOWN, Type, record


class ParseJson(NodeModel):
    """Parse a string as strict JSON."""

    type: Literal["parse_json"]
    input_from: str = Field(description="context path of the text, a string")


def _output(node: ParseJson, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return record({"parsed": UNKNOWN})


def _lower(node: ParseJson) -> Expr:
    return Call(handler("parse_json"), (("text", Load(node.input_from, "error", "parse_json")),))


SPEC = NodeSpec(
    kind="parse_json",
    summary="parse a string as strict JSON",
    model=ParseJson,
    output=_output,
    lower=_lower,
    paths=(PathField("input_from", "string"),),
    errors=("tool",),
)
