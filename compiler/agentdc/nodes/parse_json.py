"""`parse_json`: text to a JSON value (spec 01 §5.4)."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, Expr, Load
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import NodeSpec, PathField, TypeOf, handler
from agentdc.types import NEVER, UNKNOWN, Type, record, union
from agentdc.types import Literal as Exactly
from agentdc.types.from_value import exact
from agentdc.types.shape import members_of


class ParseJson(NodeModel):
    """Parse a string as strict JSON."""

    type: Literal["parse_json"]
    input_from: str = Field(description="context path of the text, a string")


def _output(node: ParseJson, type_of: TypeOf) -> Type:
    found = union(map(_parsed, members_of(type_of(node.input_from))))
    return record({"parsed": UNKNOWN if found == NEVER else found})


def _parsed(text: Type) -> Type:
    """The value of a text that is known; of one that is no JSON nothing is said."""
    if not isinstance(text, Exactly) or not isinstance(text.value, str):
        return UNKNOWN
    try:
        return exact(json.loads(text.value, parse_constant=_refused))
    except (ValueError, RecursionError):
        return UNKNOWN


def _refused(text: str) -> None:
    raise ValueError(text)  # NaN and Infinity, which Python would read


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
