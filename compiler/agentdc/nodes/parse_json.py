"""`parse_json`: text to a JSON value (spec 01 §5.4)."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field

from agentdc.ir.ops import Call, Expr, Load
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import NodeSpec, PathField, TypeOf, handler
from agentdc.types import NEVER, UNKNOWN, Never, Type, record, union
from agentdc.types import Literal as Exactly
from agentdc.types.from_value import exact
from agentdc.types.shape import members_of


class ParseJson(NodeModel):
    """Parse a string as strict JSON."""

    type: Literal["parse_json"]
    input_from: str = Field(description="context path of the text, a string")


def _output(node: ParseJson, type_of: TypeOf) -> Type:
    return record({"parsed": _parsed(type_of(node.input_from))})


def _parsed(text: Type) -> Type:
    """The type of what is parsed, as far as the text is known; of what is no JSON, nothing comes."""
    found = union(map(_value, members_of(text)))
    return UNKNOWN if isinstance(found, Never) else found


def _value(text: Type) -> Type:
    if not isinstance(text, Exactly) or not isinstance(text.value, str):
        return UNKNOWN
    try:
        return exact(_loads(text.value))
    except RecursionError:
        return UNKNOWN
    except ValueError:
        return NEVER


def _refuses(text: str) -> str:
    """Only what is certain: the app refuses a little more than this."""
    try:
        _loads(text)
    except RecursionError:
        return ""
    except ValueError:
        return "is no JSON"
    return ""


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity, which Python would read


def _lower(node: ParseJson) -> Expr:
    return Call(handler("parse_json"), (("text", Load(node.input_from, "error", "parse_json")),))


SPEC = NodeSpec(
    kind="parse_json",
    summary="parse a string as strict JSON",
    model=ParseJson,
    output=_output,
    lower=_lower,
    paths=(PathField("input_from", "string", refuses=_refuses),),
    errors=("tool",),
)
