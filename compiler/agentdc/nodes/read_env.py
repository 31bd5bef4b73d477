"""`read_env`: one environment variable (spec 01 §5.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, Const, Expr
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import Effect, NodeSpec, TypeOf, handler
from agentdc.types import NULL, STRING, TRUE, Type, record, union
from agentdc.types import Literal as Exactly


class ReadEnv(NodeModel):
    """Read one environment variable; unset is not an error."""

    type: Literal["read_env"]
    key: str = Field(description="name of the variable")


def _output(node: ReadEnv, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    key = Exactly("string", node.key)
    return union(
        (record({"key": key, "value": STRING}), record({"key": key, "missing": TRUE, "value": NULL}))
    )


def _effects(node: ReadEnv) -> Iterable[Effect]:
    return (Effect("env.read", "key", constant=node.key),)


def _lower(node: ReadEnv) -> Expr:
    return Call(handler("read_env"), (("key", Const(node.key)),), takes_run=True)


SPEC = NodeSpec(
    kind="read_env",
    summary="read one environment variable",
    model=ReadEnv,
    output=_output,
    lower=_lower,
    effects=_effects,
    errors=("policy", "tool"),
)
